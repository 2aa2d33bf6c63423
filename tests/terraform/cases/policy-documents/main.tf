variable "partner" { type = string }
variable "strict" { type = bool }
variable "extra" { type = list(string) }
variable "accounts" { type = set(string) }

data "aws_iam_policy_document" "open" {
  statement {
    sid       = "Partner"
    actions   = ["kms:Decrypt", "kms:Encrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${var.partner}:root"]
    }
  }
  dynamic "statement" {
    for_each = var.strict ? ["x"] : []
    content {
      sid       = "Strict"
      effect    = "Deny"
      actions   = ["kms:*"]
      resources = ["*"]
    }
  }
  statement {
    actions   = var.strict ? ["kms:Decrypt"] : ["kms:Decrypt", "kms:Encrypt"]
    resources = [aws_kms_key.named.arn]
    dynamic "condition" {
      for_each = var.strict ? [1] : []
      content {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["true"]
      }
    }
  }
  dynamic "statement" {
    for_each = var.accounts
    content {
      actions   = ["kms:Sign"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = [statement.value]
      }
    }
  }
}
data "aws_iam_policy_document" "merged" {
  source_policy_documents = concat([data.aws_iam_policy_document.base.json, data.aws_kms_key.other.policy], [])
  override_policy_documents = [
    file("override.json"),
  ]
}
data "aws_iam_policy_document" "unknown_sources" {
  source_policy_documents = var.extra
  statement {
    sid       = "Own"
    actions   = ["kms:Decrypt"]
    resources = ["*"]
  }
}
data "aws_iam_policy_document" "base" {
  statement {
    sid       = "Root"
    actions   = ["kms:*"]
    resources = ["*"]
  }
}
data "aws_kms_key" "other" {
  key_id = "alias/x"
}
resource "aws_kms_key" "k" {
  policy = data.aws_iam_policy_document.open.json
}
resource "aws_kms_key" "merged" {
  policy = data.aws_iam_policy_document.merged.json
}
resource "aws_kms_key" "unknown_sources" {
  policy = data.aws_iam_policy_document.unknown_sources.json
}
resource "aws_kms_key" "encoded" {
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.statements, var.strict ? [{ Effect = "Deny", Action = "kms:*" }] : [])
  })
}
locals {
  statements = [{ Effect = "Allow", Action = "kms:Decrypt" }]
}
data "aws_iam_policy_document" "overridden" {
  statement {
    sid       = "Named"
    actions   = ["kms:*"]
    resources = ["*"]
  }
  statement {
    actions   = ["kms:List*"]
    resources = ["*"]
  }
  override_policy_documents = [data.aws_kms_key.other.policy]
}
data "aws_iam_policy_document" "either" {
  source_policy_documents = [data.aws_iam_policy_document.base.json]
  override_policy_documents = [var.strict ? file("override.json") : ""]
}
resource "aws_kms_key" "overridden" {
  policy = data.aws_iam_policy_document.overridden.json
}
resource "aws_kms_key" "either" {
  policy = data.aws_iam_policy_document.either.minified_json
}
resource "aws_kms_key" "named" {}
