# service: s3.amazonaws.com
resource "aws_s3_bucket" "s" { bucket="src-example" }
resource "aws_s3_bucket" "m" { bucket="inv-example" }
resource "aws_s3_bucket_inventory" "i" {
  bucket=aws_s3_bucket.s.id
  name="i"
  included_object_versions="All"
  schedule { frequency="Daily" }
  destination {
    bucket {
      format="CSV"
      bucket_arn=aws_s3_bucket.m.arn
      encryption {
        sse_kms { key_id=aws_kms_key.k.arn }
      }
    }
  }
}
