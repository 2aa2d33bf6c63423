resource "aws_kms_key" "vendor" {}

resource "aws_kms_key" "old" {}
