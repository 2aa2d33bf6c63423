variable "in" {}
output "out" { value = "x${var.in}" }
output "y" { value = "y" }
