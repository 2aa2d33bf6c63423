# One key for what the service stores, one for what it sends, one for its logs.

locals {
  account = data.aws_caller_identity.current.account_id

  # The services that use each key for the account, with the statement that lets them do so.
  service_statements = {
    data = []
    messages = [
      {
        sid      = "EventsReachTheQueue"
        services = ["events.amazonaws.com"]
        actions  = ["kms:Encrypt"]
        test     = "StringEquals"
        variable = "kms:EncryptionContext:aws:sqs:arn"
        values   = ["arn:${data.aws_partition.current.partition}:sqs:${data.aws_region.current.name}:${local.account}:${var.name}"]
      },
    ]
    logs = [
      {
        sid      = "LogGroupsOfTheService"
        services = ["logs.${data.aws_region.current.name}.amazonaws.com"]
        actions  = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        test     = "ArnLike"
        variable = "kms:EncryptionContext:aws:logs:arn"
        values   = ["arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.name}:${local.account}:log-group:/${var.name}/*"]
      },
    ]
  }
}

data "aws_iam_policy_document" "key" {
  for_each = local.service_statements

  statement {
    sid       = "AccountAdministers"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${local.account}:root"]
    }
  }

  dynamic "statement" {
    for_each = each.value

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = ["*"]

      principals {
        type        = "Service"
        identifiers = statement.value.services
      }

      condition {
        test     = statement.value.test
        variable = statement.value.variable
        values   = statement.value.values
      }
    }
  }
}

resource "aws_kms_key" "this" {
  for_each = data.aws_iam_policy_document.key

  description         = "${var.name}: ${each.key}"
  enable_key_rotation = true
  policy              = each.value.json

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "this" {
  for_each = aws_kms_key.this

  name          = "alias/${var.name}-${each.key}"
  target_key_id = each.value.key_id
}
