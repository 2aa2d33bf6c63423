resource "aws_kms_key" "this" {
  description             = local.description
  deletion_window_in_days = var.days
  enable_key_rotation     = false
  tags                    = local.tags
}

locals {
  description = "${local.prefix}-${local.suffix}"
  suffix      = join("-", reverse(local.parts))
}

provider "aws" {
  region = "eu-west-1"
}
