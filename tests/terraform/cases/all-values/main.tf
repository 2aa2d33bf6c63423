variable "rotate" {
  default = true
}
variable "env" {
  type    = string
  default = "dev"
  validation {
    condition     = contains(["dev", "prod"], var.env)
    error_message = "dev or prod"
  }
}
variable "name" {
  default = "n"
}
variable "flag" {
  type    = bool
  default = true
}
variable "given" {
  default = "x"
}
resource "aws_kms_key" "k" {
  enable_key_rotation = var.flag
  description         = var.name
  window              = var.env == "prod" ? 30 : 7
  rotate              = var.rotate
  given               = var.given
}
