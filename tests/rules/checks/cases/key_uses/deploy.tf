# action: sns:Publish
resource "aws_sns_topic" "t" { kms_master_key_id = aws_kms_key.k.arn }
resource "aws_codedeploy_deployment_group" "g" {
  app_name              = "g"
  deployment_group_name = "g"
  service_role_arn      = aws_iam_role.r.arn
  trigger_configuration {
    trigger_name       = "failed"
    trigger_events     = ["DeploymentFailure"]
    trigger_target_arn = aws_sns_topic.t.arn
  }
}
