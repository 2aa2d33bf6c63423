# action: ec2:CreateVolume
resource "aws_ecs_service" "s" {
  name            = "s"
  task_definition = "db:1"
  volume_configuration {
    name = "data"
    managed_ebs_volume {
      role_arn   = aws_iam_role.r.arn
      encrypted  = true
      kms_key_id = aws_kms_key.k.arn
      size_in_gb = 20
    }
  }
}
