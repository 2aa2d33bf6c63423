resource "aws_kms_key" "this" {}
output "name" { value = "downloaded" }
module "inner" {
  source = "./inner"
}
