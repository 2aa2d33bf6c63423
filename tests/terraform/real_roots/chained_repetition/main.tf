resource "terraform_data" "u" { count = 2 }
variable "on" { default = true }
locals {
  keys = { a = terraform_data.u[0].id, b = "lit" }
}
resource "aws_kms_key" "k" {
  for_each            = local.keys
  description         = each.value
  enable_key_rotation = each.key == "a"
}
resource "aws_kms_alias" "a" {
  count         = length(aws_kms_key.k)
  name          = "alias/${count.index}"
  target_key_id = values(aws_kms_key.k)[count.index].key_id
}
resource "aws_sqs_queue" "q" {
  count                   = var.on ? length([for k, v in aws_kms_key.k : k if v.enable_key_rotation]) : 0
  name                    = "q"
  kms_master_key_id       = aws_kms_key.k["a"].arn
  sqs_managed_sse_enabled = one(aws_kms_key.k[*]) == null ? true : null
}
output "o" { value = [length(aws_kms_key.k), keys(aws_kms_key.k), [for k, v in aws_kms_key.k : v.enable_key_rotation], length(aws_kms_alias.a), aws_kms_alias.a[*].name, length(terraform_data.u), [for t in terraform_data.u : 1]] }
