# service: storage-lens.s3.amazonaws.com
resource "aws_s3control_storage_lens_configuration" "l" {
  config_id = "l"
  storage_lens_configuration {
    enabled = true
    account_level {
      bucket_level {}
    }
    data_export {
      s3_bucket_destination {
        account_id            = "111122223333"
        arn                   = "arn:aws:s3:::example-metrics"
        format                = "CSV"
        output_schema_version = "V_1"
        encryption {
          sse_kms { key_id = aws_kms_key.k.arn }
        }
      }
    }
  }
}
