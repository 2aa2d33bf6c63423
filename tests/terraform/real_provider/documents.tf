# Each document is compared, text for text, with what the provider makes of it.
data "aws_iam_policy_document" "one" {
  statement {
    sid       = "One"
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111122223333:root"]
    }
  }
}

data "aws_iam_policy_document" "lists" {
  policy_id = "lists"
  statement {
    effect        = "Deny"
    not_actions   = ["s3:Get*", "kms:*", "s3:List*", "kms:*"]
    not_resources = ["arn:aws:s3:::b", "arn:aws:s3:::a/*"]
    not_principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111122223333:role/b", "arn:aws:iam::111122223333:role/a"]
    }
  }
  statement {
    actions   = ["sts:AssumeRole"]
    resources = []
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com", "edgelambda.amazonaws.com"]
    }
    principals {
      type        = "AWS"
      identifiers = ["444455556666"]
    }
    principals {
      type        = "AWS"
      identifiers = ["111122223333"]
    }
  }
}

data "aws_iam_policy_document" "everybody" {
  version = "2008-10-17"
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::b/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
  statement {
    sid       = ""
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::b/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

data "aws_iam_policy_document" "conditions" {
  statement {
    actions   = ["kms:Decrypt", "kms:Encrypt"]
    resources = ["arn:aws:s3:::home/&{aws:username}/*", "arn:aws:s3:::x"]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.eu-west-1.amazonaws.com", "rds.eu-west-1.amazonaws.com"]
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
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["", "home/", "home/&{aws:username}/"]
    }
  }
}

data "aws_iam_policy_document" "same_condition" {
  statement {
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    condition {
      test     = "ForAnyValue:StringEquals"
      variable = "kms:EncryptionContextKeys"
      values   = ["a"]
    }
    condition {
      test     = "ForAnyValue:StringEquals"
      variable = "kms:EncryptionContextKeys"
      values   = ["b"]
    }
  }
}

data "aws_iam_policy_document" "dynamic" {
  dynamic "statement" {
    for_each = { readers = "kms:Decrypt", writers = "kms:Encrypt" }
    iterator = it
    content {
      sid       = title(it.key)
      actions   = [it.value]
      resources = ["*"]
      dynamic "condition" {
        for_each = it.key == "readers" ? ["x"] : []
        content {
          test     = "StringEquals"
          variable = "aws:PrincipalTag/team"
          values   = [condition.value]
        }
      }
    }
  }
}

data "aws_iam_policy_document" "merged" {
  source_policy_documents = [
    data.aws_iam_policy_document.one.json,
    jsonencode({
      Version = "2008-10-17"
      Id      = "from-json"
      Statement = [{
        Sid       = "Two"
        Effect    = "Allow"
        Action    = ["b", "a"]
        Resource  = "*"
        Principal = { AWS = ["z", "a"], Service = "s3.amazonaws.com" }
        Condition = { Bool = { "aws:SecureTransport" = "true" }, StringLike = { k = ["b", "a"] } }
        }, {
        Sid       = "Three"
        Effect    = "Allow"
        Action    = ["b", "a"]
        Resource  = "*"
        Principal = { AWS = ["z", "a"], Service = "s3.amazonaws.com" }
        Condition = { Bool = { "aws:SecureTransport" = "true" }, StringLike = { k = ["b", "a"] } }
      }]
    }),
  ]
  statement {
    sid       = "One"
    actions   = ["kms:Encrypt"]
    resources = ["*"]
  }
  statement {
    actions   = ["kms:ListKeys"]
    resources = ["*"]
  }
  override_policy_documents = [
    <<-EOT
      {
        "Version": "2012-10-17",
        "Statement": [
          {"Sid": "Two", "Effect": "Deny", "Action": "kms:*", "Resource": ["x"], "Principal": "*"},
          {"Effect": "Allow", "Action": "kms:List*", "Resource": "*"}
        ]
      }
    EOT
  ]
}

data "aws_iam_policy_document" "empty" {}

data "aws_iam_policy_document" "only_sources" {
  source_policy_documents = [data.aws_iam_policy_document.everybody.json]
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_region" "west" {
  provider = aws.west
}
data "aws_arn" "role" {
  arn = "arn:aws:iam::111122223333:role/path/name:x"
}
data "aws_service_principal" "logs" {
  service_name = "logs"
}
