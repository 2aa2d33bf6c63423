variable "name" {}
resource "aws_kms_alias" "a" {
  name = var.name
}
