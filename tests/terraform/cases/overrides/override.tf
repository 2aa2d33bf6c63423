variable "days" {
  default = 30
}
resource "aws_kms_key" "k" {
  enable_key_rotation = true
  timeouts {
    create = local.kept
  }
}
