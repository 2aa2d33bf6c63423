# action: ssm:GetParameters
resource "aws_ssm_parameter" "t" {
  name="/t"
  type="SecureString"
  value="x"
  key_id=aws_kms_key.k.arn
}
resource "aws_codebuild_project" "b" {
  name="b"
  service_role=aws_iam_role.r.arn
  artifacts { type="NO_ARTIFACTS" }
  source { type="NO_SOURCE" }
  environment {
    compute_type="BUILD_GENERAL1_SMALL"
    image="x"
    type="LINUX_CONTAINER"
    environment_variable {
      name="T"
      type="PARAMETER_STORE"
      value=aws_ssm_parameter.t.name
    }
  }
}
