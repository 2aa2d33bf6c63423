variable "flags" {
  type    = map(bool)
  default = { a = "true", b = false }
}
variable "list" {
  type    = list(string)
  default = [1, true, "x"]
}
variable "set" {
  type    = set(number)
  default = [3, "1", 3]
}
variable "object" {
  type = object({
    name    = string
    size    = optional(number, 5)
    extra   = optional(string)
    nested  = optional(object({ on = optional(bool, true) }), {})
    keyed   = optional(map(object({ days = optional(number, 7) })), {})
  })
  default = { name = 12, unknown = "dropped", keyed = { a = {}, b = { days = 1 } } }
}
variable "tuple" {
  type    = tuple([string, number])
  default = [1, "2"]
}
variable "any" {
  type    = any
  default = { a = 1, b = "x" }
}
variable "wrong" {
  type    = number
  default = "abc"
}
variable "old" {
  type    = "string"
  default = true
}
variable "null_list" {
  type    = list(string)
  default = null
}
variable "not_null" {
  type     = string
  nullable = false
  default  = "fallback"
}
module "m" {
  source   = "./m"
  not_null = null
  nullable = null
  object   = { a = aws_kms_key.k, b = 1 }
}
resource "aws_kms_key" "k" {
  description = "d"
}
output "all" {
  value = [var.flags, var.list, var.set, var.object, var.tuple, var.any, var.old, var.null_list, var.not_null]
}
output "wrong" { value = var.wrong }
output "module" { value = module.m.all }
output "typed_equal" { value = [var.list == ["1", "true", "x"], tolist(["1", "true", "x"]) == var.list] }
