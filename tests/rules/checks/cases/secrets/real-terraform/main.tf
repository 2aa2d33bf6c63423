provider "aws" {
  region     = "eu-west-1"
  secret_key = "yQ7xzQ7xzQ7xzQ7xzQ7xzQ7xzQ7xzQ7xzQ7xzQ7x"
}
provider "postgresql" {
  host     = "db.internal"
  password = "Am8er-Harbour-03"
}
provider "datadog" {
  api_key = "Am8erHarbour04Token"
}
locals {
  pw    = "Am8er-Harbour-05"
  creds = { db = { user = "orders", pass = "Am8er-Harbour-06" } }
}
variable "prod" { type = bool }
variable "tok" {
  type    = string
  default = "Am8er-Harbour-07"
}
variable "settings" {
  type = object({ host = string, db_password = string })
  default = {
    host        = "db.internal"
    db_password = "Am8er-Harbour-08"
  }
}
variable "broker_password" {
  type      = string
  sensitive = true
}
resource "aws_db_instance" "local" {
  password = local.pw
}
resource "aws_db_instance" "map" {
  password = local.creds.db.pass
}
resource "aws_db_instance" "var" {
  password = var.tok
}
resource "aws_db_instance" "obj" {
  password = var.settings.db_password
}
resource "aws_db_instance" "ternary" {
  password = var.prod ? var.broker_password : "Am8er-Harbour-09"
}
resource "aws_db_instance" "coalesce" {
  password = coalesce("", "Am8er-Harbour-10")
}
resource "aws_instance" "ud" {
  ami              = "ami-0123456789abcdef0"
  user_data_base64 = base64encode(<<-EOF
    #!/bin/bash
    cat > /etc/app.env <<INNER
    DB_HOST=db.internal
    DB_PASSWORD=Am8er-Harbour-11
    INNER
    mysql -h db -u root -pAm8er-Harbour-12 app
    curl -u deploy:Am8er-Harbour-13 https://repo.internal/x
    curl -H "Authorization: Bearer Am8erHarbour14Am8er" https://api.internal
    aws configure set aws_secret_access_key Am8erHarbour15Am8erHarbour15Am8erHarbour
  EOF
  )
}
resource "aws_instance" "cloudinit" {
  ami       = "ami-0123456789abcdef0"
  user_data = <<-EOF
    #cloud-config
    chpasswd:
      list: |
        root:Am8er-Harbour-16
    write_files:
      - path: /etc/app.yml
        content: |
          database:
            password: Am8er-Harbour-17
    users:
      - name: ops
        plain_text_passwd: 'Am8er-Harbour-18'
  EOF
  tags = {
    Name     = "x"
    Password = "Am8er-Harbour-19"
  }
  connection {
    type     = "ssh"
    user     = "root"
    password = "Am8er-Harbour-20"
    host     = "x"
  }
  provisioner "remote-exec" {
    inline = [
      "export API_TOKEN=Am8erHarbour21Token",
    ]
  }
}
resource "aws_ecs_task_definition" "heredoc" {
  family                = "x"
  container_definitions = <<EOF
[
  {
    "name": "x",
    "image": "x:1",
    "environment": [
      {"name": "DB_USER", "value": "x"},
      {"value": "Am8er-Harbour-22", "name": "DB_PASSWORD"}
    ],
    "secrets": [{"name": "API_TOKEN", "valueFrom": "arn:aws:ssm:eu-west-1:111122223333:parameter/token"}]
  }
]
EOF
}
resource "aws_ecs_task_definition" "enc" {
  family = "x"
  container_definitions = jsonencode([{
    name        = "x"
    image       = "x@sha256:5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592"
    environment = [for k, v in { DB_PASSWORD = "Am8er-Harbour-23" } : { name = k, value = v }]
    repositoryCredentials = { credentialsParameter = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x" }
  }])
}
resource "aws_codebuild_project" "x" {
  name         = "x"
  service_role = "x"
  environment {
    environment_variable {
      name  = "SONAR_TOKEN"
      value = "Am8erHarbour24Token"
    }
    environment_variable {
      name  = "NPM_TOKEN"
      type  = "SECRETS_MANAGER"
      value = "build/npm:token"
    }
  }
}
resource "aws_sfn_state_machine" "x" {
  definition = jsonencode({
    StartAt = "Call"
    States = {
      Call = {
        Type     = "Task"
        Resource = "arn:aws:states:::http:invoke"
        Parameters = {
          Headers = { "x-api-key" = "Am8erHarbour25Key" }
        }
        End = true
      }
    }
  })
}
resource "aws_glue_connection" "x" {
  name = "x"
  connection_properties = {
    JDBC_CONNECTION_URL = "jdbc:mysql://db/x?user=app&password=Am8er-Harbour-26"
    PASSWORD            = "Am8er-Harbour-27"
    USERNAME            = "app"
  }
}
resource "aws_lambda_function" "x" {
  function_name = "x"
  description   = "log in with password: Am8er-Harbour-28"
  environment {
    variables = merge({ A = "b" }, { DATABASE_URL = "postgresql://app:${local.pw}@db/x", MONGO = "mongodb+srv://app:Am8er-Harbour-29@c.mongodb.net/x" })
  }
}
resource "aws_secretsmanager_secret_version" "x" {
  secret_id = "x"
  secret_string = jsonencode({
    username = "orders-app-01"
    password = "Am8er-Harbour-30"
    engine   = "postgres16.1"
    host     = "db1.internal"
    port     = 5432
    dbClusterIdentifier = "orders-cluster-01"
  })
}
resource "aws_secretsmanager_secret_version" "plain" {
  secret_id     = "x"
  secret_string = "Am8er-Harbour-31"
}
resource "aws_secretsmanager_secret_version" "h" {
  secret_id     = "x"
  secret_string = <<EOF
{
  "username": "orders-app-01",
  "password": "Am8er-Harbour-32"
}
EOF
}
resource "aws_ssm_parameter" "x" {
  name  = "/app/db/password"
  type  = "String"
  value = "Am8er-Harbour-33"
}
resource "null_resource" "x" {
  triggers = { pw = "Am8er-Harbour-34" }
  provisioner "local-exec" {
    command = "psql postgresql://app:Am8er-Harbour-35@db/x -c 'select 1'"
    environment = {
      PGPASSWORD = "Am8er-Harbour-36"
    }
  }
}
module "local" {
  source      = "./m"
  db_password = "Am8er-Harbour-38"
  material    = "Am8er-Harbour-39"
}
resource "helm_release" "x" {
  name = "x"
  set {
    name  = "auth.password"
    value = "Am8er-Harbour-40"
  }
  values = [yamlencode({ auth = { rootPassword = "Am8er-Harbour-41" } })]
}
resource "kubernetes_secret" "x" {
  metadata { name = "x" }
  data = {
    username = "app"
    password = "Am8er-Harbour-42"
  }
}
output "o" {
  value = "Am8er ${"password=Am8er-Harbour-43"}"
}
resource "aws_dms_endpoint" "x" {
  endpoint_id   = "x"
  endpoint_type = "source"
  engine_name   = "mysql"
  password      = format("%s-%s", "Am8er", "Harbour-44")
}
resource "aws_cloudformation_stack" "x" {
  name       = "x"
  parameters = { DbPassword = "Am8er-Harbour-45" }
}
