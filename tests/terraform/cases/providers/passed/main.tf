terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      configuration_aliases = [aws.replica]
    }
  }
}
data "aws_caller_identity" "this" {}
data "aws_region" "replica" {
  provider = aws.replica
}
resource "aws_kms_key" "this" {}
resource "aws_kms_replica_key" "this" {
  provider        = aws.replica
  primary_key_arn = aws_kms_key.this.arn
}
output "account" { value = data.aws_caller_identity.this.account_id }
output "region" { value = data.aws_region.replica.name }
