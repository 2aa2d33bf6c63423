# action: ec2:RunInstances
resource "aws_launch_template" "runner" {
  name_prefix = "runner"
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      encrypted  = true
      kms_key_id = aws_kms_key.k.arn
    }
  }
}
resource "aws_lambda_function" "scale_up" {
  function_name = "scale-up"
  role          = aws_iam_role.r.arn
  environment {
    variables = { LAUNCH_TEMPLATE_NAME = aws_launch_template.runner.name }
  }
}
