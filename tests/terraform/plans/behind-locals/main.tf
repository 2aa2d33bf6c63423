provider "aws" {
  region = "eu-west-1"
}

resource "aws_kms_key" "k" {
  enable_key_rotation = true
}

resource "aws_kms_key" "m" {
  enable_key_rotation = true
}

resource "aws_kms_key" "unused" {
  enable_key_rotation = true
}

locals {
  key  = aws_kms_key.k.arn
  deep = { a = local.key }
}

resource "aws_sqs_queue" "q" {
  name              = "x"
  kms_master_key_id = local.deep.a
}

module "m" {
  source = "./m"
  key    = aws_kms_key.m.arn
}
