variable "name" {}
variable "key" {}

locals {
  fifo = endswith(var.name, ".fifo")
}

resource "aws_sqs_queue" "this" {
  name                        = var.name
  fifo_queue                  = local.fifo
  content_based_deduplication = local.fifo ? true : null
  kms_master_key_id           = var.key.arn
  tags                        = merge(var.key.tags, { Name = var.name })
}

output "name" {
  value = aws_sqs_queue.this.name
}
