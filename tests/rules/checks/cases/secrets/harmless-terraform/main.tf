variable "token" {
  type      = string
  sensitive = true
}
variable "password_secret_arn" { default = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-AbCdEf" }
variable "secret_key_name" { default = "orders-key-2024" }
variable "token_ttl" { default = "3600" }
variable "db_password_parameter" { default = "/orders/db/password" }
variable "api_key_header" { default = "X-Api-Key-2024" }
variable "kms_key_id" { default = "1234abcd-12ab-34cd-56ef-1234567890ab" }
variable "master_password_secret" { default = "rds!db-1234abcd-12ab-34cd-56ef" }
variable "token_url" { default = "https://login.example.com/oauth2/v2/token" }
variable "ssh_key" { default = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDJ2aB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9j ops@host" }
resource "aws_key_pair" "x" {
  key_name   = "x"
  public_key = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDJ2aB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9j ops@host"
}
resource "aws_lambda_function" "x" {
  function_name    = "x"
  source_code_hash = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
  image_uri        = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/x@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  environment {
    variables = {
      DB_PASSWORD_SECRET    = "orders/db"
      SECRET_NAME           = "prod-orders-db-01"
      SECRET_ARN            = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x"
      TOKEN                 = var.token
      TOKEN_TABLE           = "Tokens-2024"
      PASSWORD_PARAM        = "/app/password"
      API_KEY_SSM_PATH      = "/app/api-key"
      JWT_SECRET            = "REPLACE_ME"
      CLIENT_SECRET         = "CHANGEME"
      DB_PASSWORD           = "<your-password>"
      GITHUB_TOKEN          = "ssm:/github/token"
      AUTH_TOKEN_EXPIRY     = "3600s"
      ENCRYPTED_TOKEN       = "AQICAHhAbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUv=="
      API_KEY_ID            = "a1b2c3d4e5"
      ACCESS_TOKEN_URL      = "https://auth.example.com/token"
      COOKIE_SECRET_NAME    = "session-cookie-01"
      DB_SECRET_VERSION     = "AWSCURRENT"
      KEY_PAIR              = "deploy-2024"
      S3_KEY                = "path/to/key-2024.json"
      SESSION_TOKEN_HEADER  = "X-Amz-Security-Token"
      PRIVATE_KEY_PATH      = "/etc/ssl/private.pem"
      PRIVATE_KEY_SECRET_ID = "prod/tls/key01"
      SENTRY_DSN_PUBLIC     = "https://0a1b2c3d4e5f@o1.ingest.sentry.io/1"
      PASSWORD_REGEX        = "^(?=.*[A-Z])(?=.*[0-9]).{12,}$"
      PASSWORD_HASH         = "$2b$12$KIXQ4xZ1rS0uX2oYwJ9e6uJ1pQ2r3S4t5U6v7W8x9Y0zA1B2C3D4e"
    }
  }
}
resource "aws_iam_server_certificate" "x" {
  name             = "x"
  certificate_body = <<EOF
-----BEGIN CERTIFICATE-----
MIIBaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9jaB3dE6gH9j
-----END CERTIFICATE-----
EOF
  private_key      = file("${path.module}/key.pem")
}
resource "aws_instance" "x" {
  ami              = "ami-0123456789abcdef0"
  user_data_base64 = "IyEvYmluL2Jhc2gKeXVtIHVwZGF0ZSAteQp5dW0gaW5zdGFsbCAteSBodHRwZApzeXN0ZW1jdGwgc3RhcnQgaHR0cGQK"
  user_data        = <<-EOF
    #!/bin/bash
    DB_PASSWORD=$(aws secretsmanager get-secret-value --secret-id x --query SecretString --output text)
    TOKEN=$(curl -X PUT "http://169.254.169.254/latest/api/token" -H "X-aws-ec2-metadata-token-ttl-seconds: 21600")
    curl -H "X-aws-ec2-metadata-token: $TOKEN" http://169.254.169.254/latest/
    export PASSWORD="$${DB_PASSWORD}"
    mysql -h db -u root -p"$DB_PASSWORD" app
    mysql -u root -p$DB_PASSWORD
    mkdir -p /var/lib/mysql
    docker run -d -p3306:3306 mysql
    curl -u "$USER:$PASS" https://x
    curl -u "deploy:$${PASS}" https://x
    echo "root:$PASS" | chpasswd
    passwd --stdin ops < /run/pw
    password_file=/run/secrets/pw
    sed -i 's/^PasswordAuthentication yes/PasswordAuthentication no/' /etc/ssh/sshd_config
    echo "Enter password: "
    # password: see the wiki
    aws ssm get-parameter --name /db/password --with-decryption
    kubectl create secret generic x --from-literal=password="$PW"
    useradd -p '$6$rounds=4096$abcdefgh$ABCDEFGHIJKLMNOPQRSTUVWXYZ' ops
    vault write -field=token auth/aws/login role=x
    git config credential.helper '!aws codecommit credential-helper $@'
    TOKEN_ENDPOINT=https://sts.amazonaws.com
    secretKeyRef=orders-db-secret-01
    openssl rand -base64 32 > /etc/token
    PASS=`pwgen 16 1`
  EOF
}
resource "aws_api_gateway_model" "x" {
  rest_api_id  = "x"
  name         = "x"
  content_type = "application/json"
  schema = jsonencode({
    type = "object"
    properties = {
      password = { type = "string", minLength = 12 }
      token    = { type = "string", pattern = "^[A-Za-z0-9]{20}$" }
      secret   = "string"
    }
    required = ["password", "token"]
  })
}
resource "aws_api_gateway_integration" "x" {
  rest_api_id = "x"
  credentials = "arn:aws:iam::111122223333:role/x"
  request_templates = { "application/json" = "{\"password\": \"$input.params('password')\", \"token\": \"$util.escapeJavaScript($input.path('$.token'))\"}" }
}
resource "kubernetes_manifest" "x" {
  manifest = {
    apiVersion = "external-secrets.io/v1beta1"
    kind       = "ExternalSecret"
    spec = {
      data   = [{ secretKey = "password01", remoteRef = { key = "orders/db01", property = "password" } }]
      target = { name = "orders-secret-01" }
    }
  }
}
resource "helm_release" "x" {
  name   = "x"
  values = [<<-EOF
    auth:
      existingSecret: orders-secret-01
      existingSecretPasswordKey: redis-password1
      secretKeys:
        adminPasswordKey: postgres-password1
    imagePullSecrets:
      - name: regcred01
    password:
      valueFrom:
        secretKeyRef: {name: x, key: password}
    tokenAudience: sts.amazonaws.com
  EOF
  ]
  set {
    name  = "auth.existingSecret"
    value = "orders-secret-01"
  }
  set {
    name  = "serviceAccount.automountServiceAccountToken"
    value = "false"
  }
}
resource "aws_cognito_user_pool_client" "x" {
  name            = "x"
  generate_secret = true
  access_token_validity = 60
  token_validity_units { access_token = "minutes" }
  prevent_user_existence_errors = "ENABLED"
}
resource "aws_kms_ciphertext" "x" {
  key_id    = "x"
  plaintext = var.token
}
data "aws_kms_secrets" "x" {
  secret {
    name    = "master_password"
    payload = "AQECAHgaPa0J8WadplGCqqVAr4HNvDaFSQ+NaiwIBhmm6qDSFwAAAGIwYAYJKoZIhvcNAQcGoFMwUQIBADBMBgkqhkiG9w0BBwEwHgYJYIZIAWUDBAEuMBEEDI"
  }
}
resource "aws_db_instance" "x" {
  password = data.aws_kms_secrets.x.plaintext["master_password"]
}
resource "aws_db_instance" "y" {
  password = random_password.x.result
}
resource "random_password" "x" {
  length           = 32
  override_special = "!#$%&*()-_=+[]{}<>:?"
  keepers          = { token = "rotation-2024-01" }
}
resource "aws_secretsmanager_secret_rotation" "x" {
  secret_id = "orders-secret-01"
}
resource "aws_appsync_datasource" "x" {
  relational_database_config {
    http_endpoint_config {
      aws_secret_store_arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x"
    }
  }
}
resource "aws_iam_policy" "x" {
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = ["secretsmanager:GetSecretValue", "iam:ChangePassword"], Resource = "*", Condition = { StringEquals = { "aws:RequestTag/token" = "Am8erTag2024" } } }] })
}
resource "aws_cloudwatch_log_metric_filter" "x" {
  pattern = "{ ($.eventName = \"PasswordRecoveryRequested\") || ($.additionalEventData.password = \"x*\") }"
}
resource "aws_wafv2_web_acl" "x" {
  rule {
    name = "token-check"
    statement { byte_match_statement { search_string = "Token2024Abc" } }
  }
}
resource "aws_lb_listener" "x" {
  default_action {
    authenticate_oidc {
      client_id      = "0oa1b2c3d4e5f6"
      client_secret  = var.token
      token_endpoint = "https://example.com/token"
    }
  }
}
resource "aws_dynamodb_table" "x" {
  name     = "tokens"
  hash_key = "userToken1"
  attribute {
    name = "userToken1"
    type = "S"
  }
}
resource "aws_s3_bucket_object" "x" {
  key  = "secrets/token-2024.txt"
  etag = "5d41402abc4b2a76b9719d911017c592"
}
resource "tls_private_key" "x" { algorithm = "RSA" }
resource "aws_ssm_parameter" "x" {
  name  = "/app/token-url"
  type  = "String"
  value = "https://auth.example.com/oauth2/token"
}
resource "aws_ssm_parameter" "ph" {
  name  = "/app/api-key"
  type  = "SecureString"
  value = "placeholder"
  lifecycle { ignore_changes = [value] }
}
resource "aws_ssm_parameter" "ph2" {
  name  = "/app/password"
  type  = "SecureString"
  value = "to-be-filled-in-manually"
  lifecycle { ignore_changes = [value] }
}
resource "aws_secretsmanager_secret_version" "ph" {
  secret_id     = "x"
  secret_string = jsonencode({ username = "svc-orders-01", password = "CHANGE_ME", host = "db01.internal", dbInstanceIdentifier = "orders-01", clientId = "0oa1b2c3d4e5" })
}
output "token_endpoint" { value = "https://auth.example.com/token" }
output "secret_name" { value = "orders-secret-01" }
output "password_hint" { value = "run: aws secretsmanager get-secret-value --secret-id x" }
output "argocd_password" {
  value = "kubectl -n argocd get secret argocd-initial-admin-secret -o jsonpath='{.data.password}' | base64 -d"
}
