# service: delivery.logs.amazonaws.com
resource "aws_s3_bucket" "b" { bucket = "example-access" }
resource "aws_s3_bucket_server_side_encryption_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.k.arn
    }
  }
}
resource "aws_verifiedaccess_instance_logging_configuration" "v" {
  verifiedaccess_instance_id = "vai-0a1b2c3d"
  access_logs {
    s3 {
      enabled     = true
      bucket_name = aws_s3_bucket.b.id
    }
  }
}
