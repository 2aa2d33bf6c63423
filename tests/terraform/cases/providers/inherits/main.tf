provider "aws" {
  alias = "empty"
}
data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
output "account" { value = data.aws_caller_identity.this.account_id }
output "region" { value = data.aws_region.this.name }
