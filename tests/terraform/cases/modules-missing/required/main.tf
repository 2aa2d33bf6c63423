variable "needed" {}
resource "aws_kms_key" "this" {
  description = var.needed
}
output "needed" { value = var.needed }
