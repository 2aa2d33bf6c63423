resource "terraform_data" "u" {}
locals { from_tf = { a = [1, 2], b = "x" } }
output "from_json" { value = local.from_json }
output "esc" { value = local.esc }
