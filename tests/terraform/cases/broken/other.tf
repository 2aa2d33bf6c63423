resource "aws_kms_key" "other" {
  description = local.there
}
locals {
  there = "there"
}
