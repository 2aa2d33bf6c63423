variable "days" {
  default = 7
}
locals {
  name = "plain"
  kept = "kept"
}
resource "aws_kms_key" "k" {
  description             = local.name
  deletion_window_in_days = var.days
  timeouts {
    create = "1m"
  }
}
module "m" {
  source = "./m"
  name   = "plain"
}
output "kept" { value = local.kept }
