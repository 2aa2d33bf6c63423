module "registry" {
  source  = "terraform-aws-modules/kms/aws"
  version = "3.0.0"
}
module "git" {
  source = "git::https://example.com/key.git?ref=v1"
}
module "nowhere" {
  source = "./nowhere"
}
module "outside" {
  source = "../outside"
}
module "downloaded" {
  source  = "example/key/aws"
  version = "1.0.0"
}
module "itself" {
  source = "./itself"
}
module "required" {
  source = "./required"
}
module "maybe" {
  source = "./required"
  count  = var.enabled ? 1 : 0
  needed = "x"
}
variable "enabled" { type = bool }
resource "aws_s3_bucket" "b" {
  bucket = module.registry.name
}
output "registry" { value = module.registry.key_arn }
output "registry_list" { value = "${module.git.arn}/*" }
output "downloaded" { value = module.downloaded.name }
output "no_such_output" { value = module.downloaded.nothing }
output "required" { value = module.required.needed }
output "maybe" { value = one(module.maybe[*].needed) }
