variable "name" {}
variable "rotate" {
  type     = bool
  nullable = false
  default  = true
}
variable "window" {
  type     = number
  nullable = false
  default  = 14
}
variable "tags" { type = map(any) }
variable "aliases" { type = list(string) }
resource "aws_kms_key" "this" {
  description             = title(replace(var.name, "-", " "))
  enable_key_rotation     = var.rotate
  deletion_window_in_days = var.window
  tags                    = var.tags
}
resource "aws_kms_alias" "this" {
  for_each      = toset(concat([var.name], var.aliases))
  name          = "alias/${each.value}"
  target_key_id = aws_kms_key.this.key_id
}
output "arn" { value = aws_kms_key.this.arn }
output "tags" { value = aws_kms_key.this.tags }
output "window" { value = aws_kms_key.this.deletion_window_in_days }
