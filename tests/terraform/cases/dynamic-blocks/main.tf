variable "log" { type = bool }
variable "rules" { type = list(object({ id = string, days = number })) }
locals {
  rules = [{ id = "a", days = 1, moves = ["GLACIER"] }, { id = "b", days = 2, moves = [] }]
}
resource "aws_s3_bucket_lifecycle_configuration" "known" {
  bucket = "b"
  dynamic "rule" {
    for_each = local.rules
    iterator = it
    content {
      id     = "${it.key}-${it.value.id}"
      status = "Enabled"
      expiration {
        days = it.value.days
      }
      dynamic "transition" {
        for_each = it.value.moves
        content {
          storage_class = transition.value
        }
      }
    }
  }
  rule {
    id = "static"
  }
}
resource "aws_lb" "maybe" {
  name = "lb"
  dynamic "access_logs" {
    for_each = var.log ? [1] : []
    content {
      bucket  = "logs"
      enabled = true
    }
  }
  dynamic "never" {
    for_each = []
    content {}
  }
  dynamic "null" {
    for_each = null == null ? {} : {}
    content {}
  }
}
resource "aws_s3_bucket_lifecycle_configuration" "open" {
  dynamic "rule" {
    for_each = var.rules
    content {
      id = rule.value.id
    }
  }
}
resource "aws_s3_bucket_lifecycle_configuration" "partly" {
  rule {
    id = "static"
  }
  dynamic "rule" {
    for_each = var.rules
    content {
      id = rule.value.id
    }
  }
}
resource "aws_security_group" "set" {
  dynamic "ingress" {
    for_each = toset(["b", "a"])
    content {
      description = "${ingress.key}=${ingress.value}"
      labels      = null
    }
  }
}
