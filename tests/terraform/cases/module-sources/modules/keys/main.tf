variable "rotate" { default = false }
resource "aws_kms_key" "a" { enable_key_rotation = var.rotate }
