# service: ses.amazonaws.com
resource "aws_s3_bucket" "m" { bucket="mail-example" }
resource "aws_s3_bucket_server_side_encryption_configuration" "m" {
  bucket = aws_s3_bucket.m.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm="aws:kms"
      kms_master_key_id=aws_kms_key.k.arn
    }
  }
}
resource "aws_ses_receipt_rule" "s" {
  name="s"
  rule_set_name="d"
  enabled=true
  s3_action {
    bucket_name=aws_s3_bucket.m.bucket
    position=1
  }
}
