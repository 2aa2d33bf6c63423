variable "name" {}
resource "aws_kms_alias" "a" {
  target_key_id = var.name
}
