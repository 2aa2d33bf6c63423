module "key" {
  source = "./key"
}
resource "aws_s3_bucket" "b" {
  bucket = module.key.name
}
