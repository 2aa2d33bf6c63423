variable "key" {
  type = string
}

data "aws_iam_policy_document" "open" {
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

resource "aws_kms_key" "this" {
  count  = 2
  policy = data.aws_iam_policy_document.open.json
}

resource "aws_sns_topic" "by_input" {
  kms_master_key_id = var.key
}

output "key" {
  value = aws_kms_key.this[0].arn
}
