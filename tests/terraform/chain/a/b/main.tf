variable "who" {}
variable "rotate" {}
variable "readers" {}
locals {
  principals = [var.who]
  doc = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Principal = { AWS = local.principals }, Action = "kms:*", Resource = "*" }
    ]
  })
}
module "c" {
  source  = "./c"
  rotate  = var.rotate
  policy  = local.doc
  readers = var.readers
  who     = var.who
}
