# Orders arrive as events, wait in a queue, and are worked off by a function.

resource "aws_sqs_queue" "orders" {
  name                       = var.name
  kms_master_key_id          = aws_kms_key.this["messages"].arn
  visibility_timeout_seconds = 180

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failed.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "failed" {
  name                      = "${var.name}-failed"
  kms_master_key_id         = aws_kms_key.this["messages"].arn
  message_retention_seconds = 1209600
}

data "aws_iam_policy_document" "queue" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.orders.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.placed.arn]
    }
  }
}

resource "aws_sqs_queue_policy" "orders" {
  queue_url = aws_sqs_queue.orders.url
  policy    = data.aws_iam_policy_document.queue.json
}

resource "aws_cloudwatch_event_rule" "placed" {
  name          = "${var.name}-placed"
  event_pattern = jsonencode({ source = ["example.shop"], "detail-type" = ["Order Placed"] })
}

resource "aws_cloudwatch_event_target" "placed" {
  rule = aws_cloudwatch_event_rule.placed.name
  arn  = aws_sqs_queue.orders.arn
}
