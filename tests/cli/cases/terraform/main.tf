provider "aws" {
  region = "eu-west-1"
}

resource "aws_kms_key" "logs" {
  description = "logs"
}

resource "aws_kms_key" "orders" {
  description         = "orders"
  enable_key_rotation = true
}

resource "aws_kms_key" "legacy" { # kmsguard:ignore[ACME401] rotated by hand, ticket 4711
  description = "legacy"
}

variable "rotate" {
  type = bool
}

resource "aws_kms_key" "open" {
  enable_key_rotation = var.rotate
}
