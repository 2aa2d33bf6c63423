variable "settings" { type = any }
module "b" {
  source  = "./b"
  who     = var.settings.who
  rotate  = var.settings.rotate
  readers = var.settings.readers
}
