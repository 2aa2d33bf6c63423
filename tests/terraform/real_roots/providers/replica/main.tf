terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      configuration_aliases = [aws.there]
    }
  }
}

variable "primary_arn" {}

data "aws_region" "this" {
  provider = aws.there
}

data "aws_region" "own" {}

resource "aws_kms_replica_key" "this" {
  provider        = aws.there
  primary_key_arn = var.primary_arn
  description     = "replica in ${data.aws_region.this.id}"
}

output "region" { value = data.aws_region.this.name }
output "here" { value = data.aws_region.own.name }
