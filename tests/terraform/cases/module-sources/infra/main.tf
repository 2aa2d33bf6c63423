variable "which" { default = "keys" }
variable "unset" {}
locals { base = "../modules" }
module "keys" {
  source = "${local.base}/${var.which}"
  rotate = true
}
module "open" {
  source = "../modules/${var.unset}"
}
module "none" {
  rotate = true
}
terraform {
  backend "s3" {
    bucket = "state-${var.which}"
    key    = "x"
  }
}
