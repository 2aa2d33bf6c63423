variable "key" {
  default = null
}
variable "encrypt" { type = bool }
resource "aws_s3_bucket" "b" {
  count         = 1
  provider      = aws
  bucket        = "b"
  policy        = null
  acl           = var.key
  force_destroy = var.encrypt ? true : null
  tags = {
    Name = "x"
    none = null
  }
  lifecycle {
    prevent_destroy = true
  }
  timeouts {
    create = "10m"
  }
  provisioner "local-exec" {
    command = "true"
  }
  depends_on = [aws_s3_bucket.other]
  website {
    index_document = null
    error_document = var.encrypt ? "e.html" : null
  }
  _ {
    count = 5
  }
}
resource "aws_s3_bucket" "other" {}
check "health" {
  data "aws_s3_bucket" "scoped" {
    bucket = "b"
  }
  assert {
    condition     = data.aws_s3_bucket.scoped.bucket == "b"
    error_message = "no"
  }
}
moved {
  from = aws_s3_bucket.old
  to   = aws_s3_bucket.b[0]
}
removed {
  from = aws_s3_bucket.gone
}
import {
  to = aws_s3_bucket.other
  id = "other"
}
