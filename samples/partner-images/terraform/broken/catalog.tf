# The catalog that partners restore: a database, and the snapshot that they get.

resource "aws_db_instance" "catalog" {
  identifier          = "catalog"
  engine              = "postgres"
  engine_version      = "16.4"
  instance_class      = "db.t4g.medium"
  allocated_storage   = 50
  username            = "catalog"
  password            = var.catalog_password
  storage_encrypted   = true
  skip_final_snapshot = true
}

resource "aws_db_snapshot" "catalog" {
  db_instance_identifier = aws_db_instance.catalog.identifier
  db_snapshot_identifier = "catalog-for-partners"
  shared_accounts        = values(var.partner_accounts)
}
