variable "name" {}
variable "key" {}
resource "aws_kms_alias" "this" {
  name          = var.name
  target_key_id = var.key
}
output "name" { value = aws_kms_alias.this.name }
