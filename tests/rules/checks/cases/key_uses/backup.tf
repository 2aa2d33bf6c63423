# action: s3:GetObject
resource "aws_s3_bucket" "b" { bucket = "example-backed-up" }
resource "aws_s3_bucket_server_side_encryption_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.k.arn
    }
  }
}
resource "aws_backup_selection" "b" {
  name         = "buckets"
  plan_id      = "0a1b2c3d"
  iam_role_arn = aws_iam_role.r.arn
  resources    = [aws_s3_bucket.b.arn]
}
