variable "bool" { type = bool }
variable "string" { type = string }
variable "untyped" {}
variable "number" { type = number }
variable "listed" {
  type = string
  validation {
    condition     = contains(["dev", "prod"], var.listed)
    error_message = "dev or prod"
  }
}
variable "spelled" {
  validation {
    condition     = var.spelled == "a" || "b" == var.spelled
    error_message = "a or b"
  }
}
variable "matched" {
  validation {
    condition     = can(regex("^(small|large)$", var.matched))
    error_message = "small or large"
  }
}
variable "object" {
  type = object({
    enabled = bool
    name    = string
    tags    = optional(map(string), {})
  })
}
variable "list" { type = list(object({ on = bool })) }

output "bool" { value = var.bool }
output "string" { value = var.string }
output "text" { value = "x-${var.untyped}" }
output "upper" { value = upper(var.string) }
output "is_prod" { value = var.string == "prod" }
output "either" { value = var.string == "prod" || var.string == "live" }
output "never" { value = var.string == "prod" && var.string == "live" }
output "same" { value = var.bool ? (var.bool ? 1 : 2) : (var.bool ? 3 : 4) }
output "listed" { value = var.listed == "prod" ? 30 : 7 }
output "listed_name" { value = "bucket-${var.listed}" }
output "impossible" { value = var.listed == "live" }
output "spelled" { value = var.spelled }
output "matched" { value = var.matched }
output "of_object" { value = [var.object.enabled, var.object.name, keys(var.object)] }
output "of_list" { value = var.list[0].on }
output "for_list" { value = [for item in var.list : item.on] }
output "lookup" { value = { dev = 7, prod = 30 }[var.string] }
output "lookup_default" { value = lookup({ dev = 7, prod = 30 }, var.string, 1) }
output "contains" { value = contains(["a", "b"], var.string) }
output "coalesce" { value = coalesce(var.string, "fallback") }
output "more" { value = var.number > 3 ? "many" : "few" }
output "both" { value = var.bool && var.number > 3 }
output "null" { value = var.string == null }
output "shorted" { value = false && var.bool }
variable "flag" {}
output "flag" { value = var.flag ? 1 : 2 }
output "no_flag" { value = !var.flag }
output "both_flags" { value = var.flag && !var.flag }
