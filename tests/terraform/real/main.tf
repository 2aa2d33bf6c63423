# What the expressions beside it can refer to.
resource "terraform_data" "unknown" {}
