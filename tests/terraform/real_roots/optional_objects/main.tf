terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
resource "terraform_data" "u" {}
variable "stores" {
  type = map(object({
    keys = optional(map(object({
      rotate  = optional(bool, true)
      window  = optional(number)
      tags    = optional(map(string), { owner = "none" })
      aliases = optional(list(string), [])
      nested  = optional(object({ a = optional(string, "A"), b = optional(list(object({ x = optional(number, 7) })), [{}]) }), {})
    })), {})
    region = optional(string, "here")
    flags  = optional(set(string), ["b", "a", "a"])
  }))
  default = {
    one = {}
    two = { keys = { k1 = {}, k2 = { rotate = "false", window = "10", tags = null, nested = { b = [{ x = "3" }, {}] } } }, flags = [] }
    three = { keys = { z = { aliases = ["p", "q"], nested = null } }, region = null }
  }
}
module "store" {
  source   = "./store"
  for_each = var.stores
  name     = each.key
  cfg      = each.value
}
output "all" { value = { for k, m in module.store : k => m.out } }
output "cfg" { value = var.stores }
output "arns" { value = flatten([for m in module.store : values(m.keys)]) }
output "count" { value = length(flatten([for m in module.store : keys(m.keys)])) }
