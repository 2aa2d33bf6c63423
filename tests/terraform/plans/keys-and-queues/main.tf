# Keys, and what is encrypted with them: by attribute, by index, through a module, through a local and under a condition.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "region" {
  type    = string
  default = "eu-west-1"
}

variable "db_password" {
  type      = string
  sensitive = true
}

variable "encrypted" {
  type    = bool
  default = true
}

provider "aws" {
  region                      = var.region
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

provider "aws" {
  alias                       = "replica"
  region                      = "eu-central-1"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

locals {
  key = aws_kms_key.orders.arn
}

# kmsguard:ignore[KG401] rotated by hand, ticket 4711
resource "aws_kms_key" "orders" {
  description = "orders"
}

resource "aws_kms_key" "each" {
  provider            = aws.replica
  for_each            = toset(["x", "y"])
  enable_key_rotation = true
}

module "keys" {
  source    = "./keys"
  for_each  = toset(["eu"])
  key       = aws_kms_key.orders.arn
  providers = { aws = aws.replica }
}

resource "aws_sns_topic" "by_local" {
  kms_master_key_id = local.key
}

resource "aws_sns_topic" "by_each" {
  provider          = aws.replica
  for_each          = toset(["x", "y"])
  kms_master_key_id = aws_kms_key.each[each.key].arn
}

resource "aws_sqs_queue" "by_output" {
  provider          = aws.replica
  kms_master_key_id = module.keys["eu"].key
}

resource "aws_sqs_queue" "by_condition" {
  kms_master_key_id = var.encrypted ? aws_kms_key.orders.arn : null
}

resource "aws_db_instance" "db" {
  provider          = aws.replica
  instance_class    = "db.t3.micro"
  engine            = "mysql"
  username          = "admin"
  password          = var.db_password
  allocated_storage = 10
  storage_encrypted = true
  kms_key_id        = aws_kms_key.each["x"].arn
}

resource "aws_s3_bucket" "reports" {
  bucket = "some-reports"
}

data "aws_iam_policy_document" "reports" {
  statement {
    actions   = ["s3:*"]
    resources = ["${aws_s3_bucket.reports.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

resource "aws_s3_bucket_policy" "reports" {
  bucket = aws_s3_bucket.reports.id
  policy = data.aws_iam_policy_document.reports.json
}

resource "aws_s3_bucket_server_side_encryption_configuration" "reports" {
  bucket = aws_s3_bucket.reports.bucket
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.orders.arn
    }
  }
}

resource "aws_iam_policy" "decrypt" {
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.orders.arn }]
  })
}

output "key" {
  value = aws_kms_key.orders.arn
}
