# action: secretsmanager:GetSecretValue
resource "aws_secretsmanager_secret" "s" {
  name="AmazonMSK_s"
  kms_key_id=aws_kms_key.k.arn
}
resource "aws_lambda_function" "f" {
  function_name="f"
  role=aws_iam_role.r.arn
}
resource "aws_lambda_event_source_mapping" "m" {
  event_source_arn="arn:aws:kafka:eu-west-1:111122223333:cluster/a/b"
  topics=["t"]
  function_name=aws_lambda_function.f.arn
  source_access_configuration {
    type="SASL_SCRAM_512_AUTH"
    uri=aws_secretsmanager_secret.s.arn
  }
}
