# action: s3:GetObject
resource "aws_glue_security_configuration" "g" {
  name="g"
  encryption_configuration {
    cloudwatch_encryption { cloudwatch_encryption_mode="DISABLED" }
    job_bookmarks_encryption { job_bookmarks_encryption_mode="DISABLED" }
    s3_encryption {
      s3_encryption_mode="SSE-KMS"
      kms_key_arn=aws_kms_key.k.arn
    }
  }
}
resource "aws_glue_job" "g" {
  name="g"
  role_arn=aws_iam_role.r.arn
  security_configuration=aws_glue_security_configuration.g.id
  command { script_location="s3://x/y" }
}
