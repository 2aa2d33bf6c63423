variable "not_null" {
  nullable = false
  default  = "default"
}
variable "nullable" {
  default = "default"
}
variable "object" {
  type = object({
    a = object({ description = string, arn = string })
    b = string
  })
}
output "all" { value = [var.not_null, var.nullable, var.object.a.description, var.object.a.arn, var.object.b] }
