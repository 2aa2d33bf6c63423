module "keys" {
  source = "../modules/kms"
}

resource "aws_kms_key" "own" {}
