variable "partner" {
  type = string
}

variable "prod" {
  type = bool
}

variable "db_password" {
  type      = string
  default   = "hunter2-hunter2"
  sensitive = true
}

resource "aws_kms_key" "this" {
  count                   = 1
  description             = "for ${var.partner}"
  enable_key_rotation     = true
  deletion_window_in_days = var.prod ? 30 : 7
}

resource "aws_kms_key" "never" {
  count = 0
}

resource "aws_db_instance" "main" {
  identifier     = "main"
  instance_class = "db.t4g.medium"
  password       = var.db_password
  kms_key_id     = aws_kms_key.this[0].arn
}

output "key_arn" {
  value = aws_kms_key.this[0].arn
}
