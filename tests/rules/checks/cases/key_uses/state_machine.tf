# action: lambda:InvokeFunction
resource "aws_sfn_state_machine" "s" {
  name="s"
  role_arn=aws_iam_role.r.arn
  definition="{}"
  encryption_configuration {
    type="CUSTOMER_MANAGED_KMS_KEY"
    kms_key_id=aws_kms_key.k.arn
  }
}
