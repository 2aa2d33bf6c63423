provider "aws" {
  region = "eu-west-1"
}

data "aws_partition" "current" {}
data "aws_region" "current" {}

variable "readers" {
  type    = map(list(string))
  default = { Read = ["kms:Decrypt", "kms:DescribeKey"], List = ["kms:ListAliases"] }
}

data "aws_iam_policy_document" "base" {
  policy_id = "base"
  statement {
    sid       = "Admin"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::111122223333:root"]
    }
  }
  statement {
    sid       = "Replaced"
    actions   = ["kms:Encrypt"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com", "sqs.amazonaws.com"]
    }
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

data "aws_iam_policy_document" "conditions" {
  version = "2012-10-17"
  dynamic "statement" {
    for_each = var.readers
    content {
      sid         = statement.key
      effect      = "Allow"
      actions     = statement.value
      resources   = ["*"]
      not_principals {
        type        = "AWS"
        identifiers = ["111122223333"]
      }
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${data.aws_region.current.name}.amazonaws.com", "sqs.${data.aws_region.current.name}.amazonaws.com"]
      }
      condition {
        test     = "StringEquals"
        variable = "kms:CallerAccount"
        values   = ["111122223333"]
      }
      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = [true]
      }
    }
  }
}

data "aws_iam_policy_document" "override" {
  statement {
    sid           = "Replaced"
    effect        = "Deny"
    not_actions   = ["kms:Decrypt"]
    not_resources = ["arn:aws:kms:*:*:key/&{aws:username}"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

data "aws_iam_policy_document" "all" {
  source_policy_documents   = [data.aws_iam_policy_document.base.json, data.aws_iam_policy_document.conditions.json, ""]
  override_policy_documents = [data.aws_iam_policy_document.override.json, file("${path.module}/extra.json")]
  statement {
    sid       = "Own"
    actions   = ["kms:CreateGrant"]
    resources = ["*"]
    principals {
      type        = "Federated"
      identifiers = ["cognito-identity.amazonaws.com"]
    }
  }
}

resource "aws_kms_key" "this" {
  policy = data.aws_iam_policy_document.all.json
}

resource "aws_iam_policy" "minified" {
  name   = "minified"
  policy = data.aws_iam_policy_document.conditions.minified_json
}

resource "aws_sqs_queue" "later" {
  name   = "later"
  policy = data.aws_iam_policy_document.later.json
}

data "aws_iam_policy_document" "later" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_kms_key.this.arn]
  }
}
