# action: s3:PutObject
resource "aws_synthetics_canary" "c" {
  name="c"
  artifact_s3_location="s3://x/y"
  execution_role_arn=aws_iam_role.r.arn
  handler="x.y"
  runtime_version="s"
  schedule { expression="rate(5 minutes)" }
  artifact_config {
    s3_encryption {
      encryption_mode="SSE_KMS"
      kms_key_arn=aws_kms_key.k.arn
    }
  }
}
