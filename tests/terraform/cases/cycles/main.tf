locals {
  a = local.b
  b = [local.a]
  c = 1
}
resource "aws_kms_key" "self" {
  description = aws_kms_key.self.description
  count       = length(aws_kms_key.self)
}
resource "aws_kms_key" "one" {
  description = aws_kms_key.two.description
}
resource "aws_kms_key" "two" {
  description = aws_kms_key.one.description
}
resource "aws_security_group" "a" {
  description = aws_security_group.b.id
}
resource "aws_security_group" "b" {
  description = aws_security_group.a.id
}
module "m" {
  source = "./m"
  in     = module.m.out
}
output "a" { value = local.a }
output "c" { value = local.c }
output "missing" { value = [local.nothing, var.nothing, aws_kms_key.nothing.arn, data.aws_region.nothing.name, module.nothing.out, nothing] }
output "tried" { value = try(local.nothing2, "x") }
output "function" { value = nosuch(1) }
