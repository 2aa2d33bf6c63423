# service: maintenance.s3tables.amazonaws.com
resource "aws_s3tables_table_bucket" "t" {
  name = "example-tables"
  encryption_configuration = {
    sse_algorithm = "aws:kms"
    kms_key_arn   = aws_kms_key.k.arn
  }
}
