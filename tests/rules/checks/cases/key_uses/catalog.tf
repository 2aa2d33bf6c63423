# action: glue:GetTable
resource "aws_glue_data_catalog_encryption_settings" "c" {
  data_catalog_encryption_settings {
    connection_password_encryption { return_connection_password_encrypted = false }
    encryption_at_rest {
      catalog_encryption_mode = "SSE-KMS"
      sse_aws_kms_key_id      = aws_kms_key.k.arn
    }
  }
}
resource "aws_glue_crawler" "c" {
  name          = "c"
  database_name = "lake"
  role          = aws_iam_role.r.arn
  s3_target { path = "s3://example-lake" }
}
