# action: s3:PutObject
resource "aws_s3_bucket" "a" { bucket="art-example" }
resource "aws_codepipeline" "p" {
  name="p"
  role_arn=aws_iam_role.r.arn
  artifact_store {
    location=aws_s3_bucket.a.bucket
    type="S3"
    encryption_key {
      id=aws_kms_key.k.arn
      type="KMS"
    }
  }
  stage {
    name="s"
    action {
      name="a"
      category="Source"
      owner="AWS"
      provider="S3"
      version="1"
    }
  }
}
