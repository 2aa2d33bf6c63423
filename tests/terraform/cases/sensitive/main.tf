variable "password" {
  type      = string
  sensitive = true
  default   = "correct horse battery"
}
variable "settings" {
  sensitive = true
  default   = { user = "u", flag = true }
}
resource "aws_db_instance" "d" {
  username = var.settings.user
  password = var.password
  name     = "db-${var.password}"
  enabled  = var.settings.flag ? "a" : "b"
  upper    = upper(var.password)
  length   = length(var.password)
  tags     = merge({ plain = "x" }, { secret = var.password })
  plain    = nonsensitive(var.settings.user)
  made     = sensitive("x")
  list     = [for key, value in var.settings : key]
  json     = jsonencode({ a = var.password })
  same     = var.password == "x"
  policy   = module.m.secret
}
module "m" {
  source = "./m"
}
output "hidden" {
  value     = "x"
  sensitive = true
}
