resource "aws_kms_key" "this" {}
module "again" {
  source = "../itself"
}
