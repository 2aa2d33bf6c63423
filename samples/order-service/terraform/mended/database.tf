resource "aws_db_subnet_group" "orders" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_db_parameter_group" "orders" {
  name   = var.name
  family = "postgres17"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

resource "aws_db_instance" "orders" {
  identifier             = var.name
  engine                 = "postgres"
  engine_version         = "17.6"
  instance_class         = "db.t4g.medium"
  allocated_storage      = 100
  db_name                = "orders"
  db_subnet_group_name   = aws_db_subnet_group.orders.name
  parameter_group_name   = aws_db_parameter_group.orders.name
  vpc_security_group_ids = var.security_group_ids
  multi_az               = true

  storage_encrypted = true
  kms_key_id        = aws_kms_key.this["data"].arn

  username                      = "orders"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = aws_kms_key.this["data"].arn

  ca_cert_identifier      = "rds-ca-rsa2048-g1"
  backup_retention_period = 14
}
