module "keys" {
  source = "../modules/kms"
  rotate = true
}

resource "aws_kms_key" "own" {}
