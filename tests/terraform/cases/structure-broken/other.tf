resource "aws_kms_key" "not_for_opentofu" {}
