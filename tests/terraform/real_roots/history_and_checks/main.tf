resource "terraform_data" "u" {}
moved {
  from = aws_kms_key.old
  to   = aws_kms_key.new["a"]
}
moved {
  from = module.a
  to   = module.b
}
removed {
  from = aws_s3_bucket.gone
  lifecycle { destroy = false }
}
resource "aws_kms_key" "new" {
  for_each            = { a = true, b = false }
  enable_key_rotation = each.value
}
module "b" {
  source = "./m"
  n      = 2
}
check "c" {
  data "aws_region" "r" {}
  assert {
    condition     = data.aws_region.r.name == "nowhere"
    error_message = "not ${data.aws_region.r.name}"
  }
}
check "d" {
  assert {
    condition     = alltrue([for k in aws_kms_key.new : k.enable_key_rotation])
    error_message = "some do not"
  }
}
output "m" { value = module.b.names }
