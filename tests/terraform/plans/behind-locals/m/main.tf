variable "key" {}

locals {
  k = var.key
}

resource "aws_sqs_queue" "q" {
  name              = "y"
  kms_master_key_id = local.k
}
