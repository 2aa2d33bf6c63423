variable "region" {}
variable "account" {}
variable "role" {}
provider "aws" {
  region = "eu-west-1"
}
provider "aws" {
  alias  = "west"
  region = "us-west-2"
}
provider "aws" {
  alias  = "partner"
  region = "us-east-1"
  assume_role {
    role_arn = "arn:aws:iam::444455556666:role/deploy"
  }
}
provider "aws" {
  alias = "built"
  assume_role {
    role_arn = "arn:aws:iam::${var.account}:role/deploy"
  }
}
provider "aws" {
  alias  = "open"
  region = var.region
  assume_role {
    role_arn = var.role
  }
}
provider "aws" {
  alias               = "allowed"
  region              = "cn-north-1"
  allowed_account_ids = ["777788889999"]
}
provider "aws" {
  alias   = "profile"
  region  = "eu-west-1"
  profile = "other"
}
resource "aws_kms_key" "default" {}
resource "aws_kms_key" "west" {
  provider = aws.west
}
resource "aws_kms_key" "quoted" {
  provider = "aws.west"
}
resource "aws_kms_key" "partner" {
  provider = aws.partner
}
resource "aws_kms_key" "built" {
  provider = aws.built
}
resource "aws_kms_key" "open" {
  provider = aws.open
}
resource "aws_kms_key" "allowed" {
  provider = aws.allowed
}
resource "aws_kms_key" "profile" {
  provider = aws.profile
}
resource "aws_kms_key" "given" {
  provider = aws.undeclared
}
resource "aws_kms_key" "own_region" {
  region = "eu-central-1"
}
resource "random_id" "other" {
  byte_length = 4
}
module "passed" {
  source = "./passed"
  providers = {
    aws         = aws.partner
    aws.replica = aws.west
  }
}
module "inherits" {
  source = "./inherits"
}
data "aws_caller_identity" "default" {}
data "aws_caller_identity" "partner" {
  provider = aws.partner
}
data "aws_caller_identity" "built" {
  provider = aws.built
}
data "aws_caller_identity" "profile" {
  provider = aws.profile
}
data "aws_region" "default" {}
data "aws_region" "open" {
  provider = aws.open
}
data "aws_region" "named" {
  name = "ap-south-1"
}
data "aws_partition" "default" {}
data "aws_partition" "china" {
  provider = aws.allowed
}
data "aws_partition" "open" {
  provider = aws.open
}
output "accounts" {
  value = [
    data.aws_caller_identity.default.account_id, data.aws_caller_identity.partner.account_id,
    data.aws_caller_identity.built.account_id, data.aws_caller_identity.profile.account_id,
    module.passed.account, module.inherits.account,
  ]
}
output "regions" {
  value = [
    data.aws_region.default.name, data.aws_region.open.id, data.aws_region.named.name, module.passed.region, module.inherits.region,
  ]
}
output "partitions" {
  value = [data.aws_partition.default.partition, data.aws_partition.china.dns_suffix, data.aws_partition.open.partition]
}
output "identity_arn" { value = data.aws_caller_identity.default.arn }
output "is_europe" { value = startswith(data.aws_region.default.name, "eu-") }
