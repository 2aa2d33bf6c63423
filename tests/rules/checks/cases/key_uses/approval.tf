# action: sns:Publish
resource "aws_sns_topic" "t" { kms_master_key_id = aws_kms_key.k.arn }
resource "aws_codepipeline" "p" {
  name     = "p"
  role_arn = aws_iam_role.r.arn
  artifact_store {
    type     = "S3"
    location = "example-artifacts"
  }
  stage {
    name = "Approve"
    action {
      name          = "approve"
      category      = "Approval"
      owner         = "AWS"
      provider      = "Manual"
      version       = "1"
      configuration = { NotificationArn = aws_sns_topic.t.arn }
    }
  }
}
