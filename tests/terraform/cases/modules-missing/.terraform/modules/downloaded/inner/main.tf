resource "aws_kms_alias" "this" {}
