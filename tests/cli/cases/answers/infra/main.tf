provider "aws" {
  region = "eu-west-1"
}

variable "partner" {
  type = string
}

resource "aws_kms_key" "reports" {
  description         = "Reports"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::111122223333:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "Reader"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.reader.arn }
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { StringEquals = { "kms:ViaService" = "s3.eu-west-1.amazonaws.com" } }
      },
      {
        Sid       = "Partner"
        Effect    = "Allow"
        Principal = { AWS = var.partner }
        Action    = "kms:Decrypt"
        Resource  = "*"
      },
    ]
  })
}

resource "aws_kms_alias" "reports" {
  name          = "alias/reports"
  target_key_id = aws_kms_key.reports.key_id
}

resource "aws_iam_role" "reader" {
  name               = "reader"
  assume_role_policy = "{}"
}

resource "aws_iam_role" "clerk" {
  name               = "clerk"
  assume_role_policy = "{}"
}

resource "aws_sqs_queue" "reports" {
  kms_master_key_id = aws_kms_alias.reports.name
}

resource "aws_sns_topic" "news" {
  kms_master_key_id = "alias/aws/sns"
}
