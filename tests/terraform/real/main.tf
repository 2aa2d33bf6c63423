# What the expressions beside it can refer to.
resource "terraform_data" "unknown" {}

locals {
  u_text   = terraform_data.unknown.id
  u_any    = jsondecode(terraform_data.unknown.id)
  u_number = tonumber(terraform_data.unknown.id)
  u_flag   = terraform_data.unknown.id == "x"
  u_list   = split(",", terraform_data.unknown.id)
  u_set    = toset(split(",", terraform_data.unknown.id))
  u_map    = { for part in split(",", terraform_data.unknown.id) : part => part }
  secret   = sensitive("secret")
  none     = null
  objects  = [{ a = 1, b = "x" }, { a = 2, b = "y" }]
  nested   = { a = { b = [{ c = 1 }, { c = 2 }] }, d = [] }

  template  = "x $${y}"
  templates = { a = "m $${y}" }
  letter    = "a"
  texts     = ["l $${y}"]
  number    = 1
}
