variable "db_password" { type = string }
variable "material" { type = string }
resource "aws_db_instance" "x" { password = var.db_password }
resource "aws_secretsmanager_secret_version" "x" {
  secret_id     = "x"
  secret_string = var.material
}
