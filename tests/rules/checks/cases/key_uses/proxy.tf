# action: secretsmanager:GetSecretValue
resource "aws_secretsmanager_secret" "s" {
  name="s"
  kms_key_id=aws_kms_key.k.arn
}
resource "aws_db_proxy" "p" {
  name="p"
  engine_family="MYSQL"
  role_arn=aws_iam_role.r.arn
  vpc_subnet_ids=["subnet-1"]
  auth {
    auth_scheme="SECRETS"
    secret_arn=aws_secretsmanager_secret.s.arn
  }
}
