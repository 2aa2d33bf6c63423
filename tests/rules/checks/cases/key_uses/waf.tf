# service: delivery.logs.amazonaws.com
resource "aws_s3_bucket" "m" { bucket="aws-waf-logs-example" }
resource "aws_s3_bucket_server_side_encryption_configuration" "m" {
  bucket = aws_s3_bucket.m.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm="aws:kms"
      kms_master_key_id=aws_kms_key.k.arn
    }
    bucket_key_enabled = true
  }
}
resource "aws_wafv2_web_acl_logging_configuration" "s" {
  resource_arn="arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/a/b"
  log_destination_configs=[aws_s3_bucket.m.arn]
}
