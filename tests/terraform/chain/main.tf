variable "settings" {
  type = object({ who = string, rotate = optional(bool, true), readers = optional(list(string), []) })
}
locals {
  s = var.settings
}
module "a" {
  source   = "./a"
  settings = local.s
}
