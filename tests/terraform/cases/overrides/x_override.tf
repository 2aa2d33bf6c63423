locals {
  name = "overridden"
}
module "m" {
  name = "overridden"
}
resource "aws_kms_key" "added" {}
