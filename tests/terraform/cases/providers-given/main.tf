data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
data "aws_partition" "this" {}
resource "aws_kms_key" "k" {}
output "all" {
  value = "arn:${data.aws_partition.this.partition}:kms:${data.aws_region.this.region}:${data.aws_caller_identity.this.account_id}:key/*"
}
