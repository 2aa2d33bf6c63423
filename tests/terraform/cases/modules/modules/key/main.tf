variable "name" { type = string }
variable "rotate" { default = true }
variable "days" {
  type    = number
  default = null
}
variable "window" {
  type     = number
  nullable = false
  default  = 30
}
resource "aws_kms_key" "this" {
  description             = var.name
  enable_key_rotation     = var.rotate
  deletion_window_in_days = var.days
}
module "alias" {
  source = "../alias"
  name   = "alias/${var.name}"
  key    = aws_kms_key.this.key_id
}
output "arn" { value = aws_kms_key.this.arn }
output "name" { value = var.name }
output "days" { value = var.days }
output "path" { value = path.module }
output "alias" { value = module.alias.name }
