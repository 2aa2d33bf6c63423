variable "environment_only" { type = string }
variable "tfvars" {}
variable "tfvars_json" {}
variable "auto" {}
variable "file" {}
variable "option" {}
variable "default" { default = "default" }
variable "list" { type = list(string) }
variable "number" { type = number }
variable "untyped" {}

output "all" {
  value = [var.environment_only, var.tfvars, var.tfvars_json, var.auto, var.file, var.option, var.default]
}
output "collections" {
  value = [var.list, var.number + 1, var.untyped]
}
