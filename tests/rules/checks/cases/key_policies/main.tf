provider "aws" {
  region = "us-east-1"
}
resource "aws_kms_key" "ses" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { Service = "ses.amazonaws.com" }, Action = ["kms:Encrypt", "kms:GenerateDataKey*"], Resource = "*", Condition = { Null = { "kms:EncryptionContext:aws:ses:rule-name" = "false", "kms:EncryptionContext:aws:ses:message-id" = "false" }, StringEquals = { "kms:EncryptionContext:aws:ses:source-account" = "111122223333" } } },
  ] })
}
resource "aws_ses_receipt_rule" "r" {
  name          = "store"
  rule_set_name = "default"
  enabled       = true
  s3_action {
    bucket_name = "acme-mail"
    kms_key_arn = aws_kms_key.ses.arn
    position    = 1
  }
}
resource "aws_kms_key" "macie" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { Service = "macie.amazonaws.com" }, Action = ["kms:GenerateDataKey", "kms:Encrypt"], Resource = "*", Condition = { StringEquals = { "aws:SourceAccount" = "111122223333" }, ArnLike = { "aws:SourceArn" = ["arn:aws:macie2:us-east-1:111122223333:export-configuration:*", "arn:aws:macie2:us-east-1:111122223333:classification-job/*"] } } },
  ] })
}
resource "aws_macie2_classification_export_configuration" "m" {
  s3_destination {
    bucket_name = "x"
    kms_key_arn = aws_kms_key.macie.arn
  }
}
resource "aws_kms_key" "gd" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { Service = "guardduty.amazonaws.com" }, Action = "kms:GenerateDataKey", Resource = "*", Condition = { StringEquals = { "aws:SourceAccount" = "111122223333", "aws:SourceArn" = "arn:aws:guardduty:us-east-1:111122223333:detector/${aws_guardduty_detector.d.id}" } } },
  ] })
}
resource "aws_guardduty_detector" "d" {}
resource "aws_guardduty_publishing_destination" "p" {
  detector_id     = aws_guardduty_detector.d.id
  destination_arn = "arn:aws:s3:::x"
  kms_key_arn     = aws_kms_key.gd.arn
}
resource "aws_kms_key" "cf" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { Service = "cloudfront.amazonaws.com" }, Action = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"], Resource = "*", Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.d.arn } } },
  ] })
}
resource "aws_s3_bucket" "site" { bucket = "acme-site" }
resource "aws_s3_bucket_server_side_encryption_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.cf.arn
    }
    bucket_key_enabled = false
  }
}
resource "aws_cloudfront_origin_access_control" "o" {
  name                              = "o"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}
resource "aws_cloudfront_distribution" "d" {
  enabled = true
  restrictions {
    geo_restriction { restriction_type = "none" }
  }
  viewer_certificate { cloudfront_default_certificate = true }
  origin {
    domain_name              = aws_s3_bucket.site.bucket_regional_domain_name
    origin_id                = "s3"
    origin_access_control_id = aws_cloudfront_origin_access_control.o.id
  }
  default_cache_behavior {
    target_origin_id       = "s3"
    viewer_protocol_policy = "https-only"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
  }
}
resource "aws_kms_key" "logs" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { Service = "delivery.logs.amazonaws.com" }, Action = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"], Resource = "*", Condition = { StringEquals = { "aws:SourceAccount" = ["111122223333"] }, ArnLike = { "aws:SourceArn" = ["arn:aws:logs:us-east-1:111122223333:*"] } } },
  ] })
}
resource "aws_s3_bucket" "flow" { bucket = "acme-flow" }
resource "aws_s3_bucket_server_side_encryption_configuration" "flow" {
  bucket = aws_s3_bucket.flow.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.logs.arn
    }
    bucket_key_enabled = true
  }
}
resource "aws_flow_log" "f" {
  log_destination      = aws_s3_bucket.flow.arn
  log_destination_type = "s3"
  traffic_type         = "ALL"
  vpc_id               = "vpc-1"
}
resource "aws_lb" "nlb" {
  name               = "n"
  load_balancer_type = "network"
  access_logs {
    bucket  = aws_s3_bucket.flow.id
    enabled = true
  }
}
resource "aws_kms_key" "inv" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { Service = "s3.amazonaws.com" }, Action = "kms:GenerateDataKey", Resource = "*", Condition = { StringEquals = { "aws:SourceAccount" = "111122223333" }, ArnLike = { "aws:SourceARN" = "arn:aws:s3:::acme-src" } } },
  ] })
}
resource "aws_s3_bucket" "src" { bucket = "acme-src" }
resource "aws_s3_bucket" "dst" { bucket = "acme-dst" }
resource "aws_s3_bucket_inventory" "i" {
  bucket                   = aws_s3_bucket.src.id
  name                     = "all"
  included_object_versions = "All"
  schedule {
    frequency = "Daily"
  }
  destination {
    bucket {
      format     = "CSV"
      bucket_arn = aws_s3_bucket.dst.arn
      encryption {
        sse_kms {
          key_id = aws_kms_key.inv.arn
        }
      }
    }
  }
}
resource "aws_kms_key" "topic" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { Service = "budgets.amazonaws.com" }, Action = ["kms:Decrypt", "kms:GenerateDataKey*"], Resource = "*", Condition = { StringEquals = { "aws:SourceAccount" = "111122223333" }, ArnLike = { "aws:SourceArn" = "arn:aws:budgets::111122223333:*" } } },
    { Effect = "Allow", Principal = { Service = "codestar-notifications.amazonaws.com" }, Action = ["kms:Decrypt", "kms:GenerateDataKey*"], Resource = "*", Condition = { StringEquals = { "kms:ViaService" = "sns.us-east-1.amazonaws.com" } } },
    { Effect = "Allow", Principal = { Service = "events.rds.amazonaws.com" }, Action = ["kms:GenerateDataKey*", "kms:Decrypt"], Resource = "*" },
    { Effect = "Allow", Principal = { Service = "backup.amazonaws.com" }, Action = ["kms:Decrypt", "kms:GenerateDataKey*"], Resource = "*" },
    { Effect = "Allow", Principal = { Service = "costalerts.amazonaws.com" }, Action = ["kms:Decrypt", "kms:GenerateDataKey*"], Resource = "*", Condition = { StringEquals = { "aws:SourceAccount" = "111122223333" } } },
    { Effect = "Allow", Principal = { Service = "events.amazonaws.com" }, Action = ["kms:Decrypt", "kms:GenerateDataKey*"], Resource = "*" },
  ] })
}
resource "aws_sns_topic" "t" {
  name              = "ops"
  kms_master_key_id = aws_kms_key.topic.arn
}
resource "aws_budgets_budget" "b" {
  name         = "m"
  budget_type  = "COST"
  limit_amount = "1"
  limit_unit   = "USD"
  time_unit    = "MONTHLY"
  notification {
    comparison_operator       = "GREATER_THAN"
    threshold                 = 100
    threshold_type            = "PERCENTAGE"
    notification_type         = "ACTUAL"
    subscriber_sns_topic_arns = [aws_sns_topic.t.arn]
  }
}
resource "aws_codestarnotifications_notification_rule" "c" {
  name           = "c"
  detail_type    = "BASIC"
  event_type_ids = ["x"]
  resource       = "arn:aws:codecommit:us-east-1:111122223333:x"
  target { address = aws_sns_topic.t.arn }
}
resource "aws_db_event_subscription" "e" {
  name      = "e"
  sns_topic = aws_sns_topic.t.arn
}
resource "aws_backup_vault_notifications" "v" {
  backup_vault_name   = "v"
  sns_topic_arn       = aws_sns_topic.t.arn
  backup_vault_events = ["BACKUP_JOB_STARTED"]
}
resource "aws_ce_anomaly_subscription" "a" {
  name             = "a"
  frequency        = "IMMEDIATE"
  monitor_arn_list = ["x"]
  subscriber {
    type    = "SNS"
    address = aws_sns_topic.t.arn
  }
}
resource "aws_cloudwatch_event_rule" "r" { schedule_expression = "rate(1 day)" }
resource "aws_cloudwatch_event_target" "t" {
  rule = aws_cloudwatch_event_rule.r.name
  arn  = aws_sns_topic.t.arn
}
resource "aws_kms_key" "bus" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { Service = "events.amazonaws.com" }, Action = "kms:DescribeKey", Resource = "*", Condition = { StringEquals = { "aws:SourceAccount" = "111122223333", "aws:SourceArn" = "arn:aws:events:us-east-1:111122223333:event-bus/orders" } } },
    { Effect = "Allow", Principal = { Service = "events.amazonaws.com" }, Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = "*", Condition = { StringEquals = { "kms:EncryptionContext:aws:events:event-bus:arn" = "arn:aws:events:us-east-1:111122223333:event-bus/orders" } } },
  ] })
}
resource "aws_cloudwatch_event_bus" "o" {
  name               = "orders"
  kms_key_identifier = aws_kms_key.bus.id
}
resource "aws_kms_key" "sfn" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { Service = "delivery.logs.amazonaws.com" }, Action = "kms:Decrypt*", Resource = "*", Condition = { StringEquals = { "kms:EncryptionContext:SourceArn" = "arn:aws:logs:us-east-1:111122223333:*" } } },
    { Effect = "Allow", Principal = { Service = "logs.us-east-1.amazonaws.com" }, Action = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"], Resource = "*" },
  ] })
}
resource "aws_iam_role" "s" {
  name               = "s"
  assume_role_policy = "{}"
}
resource "aws_iam_role_policy" "s" {
  role   = aws_iam_role.s.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = aws_kms_key.sfn.arn, Condition = { StringEquals = { "kms:EncryptionContext:aws:states:stateMachineArn" = "arn:aws:states:us-east-1:111122223333:stateMachine:m" } } }, { Effect = "Allow", Action = "kms:GenerateDataKey", Resource = aws_kms_key.sfn.arn, Condition = { StringEquals = { "kms:EncryptionContext:SourceArn" = "arn:aws:logs:us-east-1:111122223333:*" } } }] })
}
resource "aws_cloudwatch_log_group" "s" {
  name       = "/aws/vendedlogs/m"
  kms_key_id = aws_kms_key.sfn.arn
}
resource "aws_sfn_state_machine" "m" {
  name       = "m"
  role_arn   = aws_iam_role.s.arn
  definition = "{}"
  encryption_configuration {
    type       = "CUSTOMER_MANAGED_KMS_KEY"
    kms_key_id = aws_kms_key.sfn.arn
  }
  logging_configuration {
    log_destination = "${aws_cloudwatch_log_group.s.arn}:*"
    level           = "ALL"
  }
}
resource "aws_kms_key" "dns" {
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { Service = "dnssec-route53.amazonaws.com" }, Action = ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"], Resource = "*", Condition = { StringEquals = { "aws:SourceAccount" = "111122223333" }, ArnLike = { "aws:SourceArn" = "arn:aws:route53:::hostedzone/*" } } },
    { Effect = "Allow", Principal = { Service = "dnssec-route53.amazonaws.com" }, Action = "kms:CreateGrant", Resource = "*", Condition = { Bool = { "kms:GrantIsForAWSResource" = true } } },
  ] })
}
resource "aws_route53_zone" "z" { name = "acme.example" }
resource "aws_route53_key_signing_key" "k" {
  hosted_zone_id             = aws_route53_zone.z.id
  key_management_service_arn = aws_kms_key.dns.arn
  name                       = "k"
}
data "aws_iam_policy_document" "key" {
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.me.account_id}:root"]
    }
  }
  statement {
    sid       = "Fargate"
    actions   = ["kms:GenerateDataKeyWithoutPlaintext"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["fargate.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:ecs:clusterAccount"
      values   = [data.aws_caller_identity.me.account_id]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:ecs:clusterName"
      values   = ["main"]
    }
  }
  statement {
    actions   = ["kms:CreateGrant"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["fargate.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:ecs:clusterAccount"
      values   = [data.aws_caller_identity.me.account_id]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:ecs:clusterName"
      values   = ["main"]
    }
    condition {
      test     = "ForAllValues:StringEquals"
      variable = "kms:GrantOperations"
      values   = ["Decrypt"]
    }
  }
}
resource "aws_kms_key" "fargate" { policy = data.aws_iam_policy_document.key.json }
resource "aws_ecs_cluster" "c" {
  name = "main"
  configuration {
    managed_storage_configuration { fargate_ephemeral_storage_kms_key_id = aws_kms_key.fargate.arn }
  }
}
data "aws_caller_identity" "me" {}
