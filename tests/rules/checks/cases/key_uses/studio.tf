# action: sagemaker:CreateApp
resource "aws_sagemaker_domain" "d" {
  domain_name = "d"
  auth_mode   = "IAM"
  vpc_id      = "vpc-0a1b2c3d"
  subnet_ids  = ["subnet-0a1b2c3d"]
  kms_key_id  = aws_kms_key.k.arn
  default_user_settings { execution_role = aws_iam_role.r.arn }
}
