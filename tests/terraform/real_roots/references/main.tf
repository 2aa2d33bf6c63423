provider "aws" {
  region = "eu-west-1"
}

locals {
  buckets = { logs = "private", data = "private" }
}

resource "aws_s3_bucket" "this" {
  for_each      = local.buckets
  bucket        = "example-${each.key}-references"
  force_destroy = each.key == "logs"
  lifecycle {
    ignore_changes  = [tags]
    prevent_destroy = false
    precondition {
      condition     = length(each.key) > 2
      error_message = "too short"
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.bucket
  rule {
    bucket_key_enabled = each.value.force_destroy
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this["k-${each.key}"].arn
    }
  }
}

resource "aws_kms_key" "this" {
  for_each    = { for name, bucket in aws_s3_bucket.this : "k-${name}" => bucket.bucket }
  description = each.value
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = { for name, rule in aws_s3_bucket_server_side_encryption_configuration.this : name => one(rule.rule).bucket_key_enabled }
  bucket   = aws_s3_bucket.this[each.key].bucket
  versioning_configuration {
    status = each.value ? "Enabled" : "Suspended"
  }
}

moved {
  from = aws_kms_key.old
  to   = aws_kms_key.this
}

check "names" {
  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.this : startswith(bucket.bucket, "example")])
    error_message = "a name is wrong"
  }
}

resource "aws_ssm_parameter" "this" {
  name  = "/versioning"
  type  = "StringList"
  value = "x"
  tags  = { for name, versioning in aws_s3_bucket_versioning.this : name => versioning.versioning_configuration[0].status }
}

resource "aws_dynamodb_table" "this" {
  name         = "table"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  dynamic "attribute" {
    for_each = { id = "S", number = "N" }
    content {
      name = attribute.key
      type = attribute.value
    }
  }
  global_secondary_index {
    name            = "by-number"
    hash_key        = "number"
    projection_type = "ALL"
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this["k-data"].arn
  }
}
