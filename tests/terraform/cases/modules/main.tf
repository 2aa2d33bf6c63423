variable "rotate" {
  default = true
}
provider "aws" {
  region = "eu-west-1"
}
provider "aws" {
  alias  = "west"
  region = "us-west-2"
}
module "one" {
  source = "./modules/key"
  rotate = var.rotate
  name   = local.name
}
module "counted" { # of two
  source = "./modules/key"
  count  = 2
  name   = "key-${count.index}"
  rotate = false
}
module "mapped" {
  source   = "./modules/key"
  for_each = { eu = { days = 7 }, us = { days = 30 } }
  name     = each.key
  days     = each.value.days
  providers = {
    aws = aws.west
  }
}
locals {
  name = "literal"
}
output "one" { value = module.one.arn }
output "name" { value = module.one.name }
output "counted" { value = module.counted[*].arn }
output "mapped" { value = { for key, mod in module.mapped : key => mod.name } }
output "all" { value = values(module.mapped)[*].arn }
output "index" { value = module.mapped["eu"].days }
output "path" { value = module.one.path }
output "nested" { value = module.one.alias }
