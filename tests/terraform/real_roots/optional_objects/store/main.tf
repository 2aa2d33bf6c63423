variable "name" { type = string }
variable "cfg" {
  type = object({
    keys = map(object({
      rotate  = bool
      window  = optional(number, 30)
      tags    = map(string)
      aliases = set(string)
      nested  = any
    }))
    region = optional(string, "def")
    flags  = list(string)
    extra  = optional(any)
  })
}
module "key" {
  source   = "../key"
  for_each = { for k, v in var.cfg.keys : "${var.name}-${k}" => v }
  name     = each.key
  rotate   = each.value.rotate
  window   = each.value.window
  tags     = merge(each.value.tags, { n = each.key })
  aliases  = each.value.aliases
}
output "keys" { value = { for k, m in module.key : k => m.arn } }
output "out" { value = { cfg = var.cfg, t = { for k, m in module.key : k => m.tags }, names = [for k, m in module.key : m.window] } }
