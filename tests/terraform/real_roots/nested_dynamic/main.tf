resource "terraform_data" "u" {}
locals {
  rules = {
    a = { ports = [80, 443], cidrs = { v4 = ["10.0.0.0/8"], v6 = [] } }
    b = { ports = [], cidrs = {} }
    c = { ports = [22], cidrs = { v4 = ["0.0.0.0/0", "1.1.1.1/32"], v6 = ["::/0"] } }
  }
  buckets = [{ name = "one", rules = [{ id = "r1", days = [1, 2] }, { id = "r2", days = [] }] }, { name = "two", rules = [] }]
}
resource "aws_security_group" "sg" {
  name = "x"
  dynamic "ingress" {
    for_each = { for p in flatten([for k, r in local.rules : [for port in r.ports : { k = k, port = port, c = r.cidrs }]]) : "${p.k}-${p.port}" => p }
    iterator = rule
    content {
      description      = "${rule.key} ${upper(rule.value.k)}"
      from_port        = rule.value.port
      to_port          = rule.value.port
      protocol         = "tcp"
      cidr_blocks      = lookup(rule.value.c, "v4", [])
      ipv6_cidr_blocks = try(rule.value.c.v6, null)
    }
  }
  dynamic "egress" {
    for_each = toset(["tcp", "udp"])
    content {
      from_port   = 0
      to_port     = 0
      protocol    = egress.value == egress.key ? egress.key : "never"
      cidr_blocks = ["0.0.0.0/0"]
    }
  }
}
resource "aws_s3_bucket" "b" {
  count  = length(local.buckets)
  bucket = "b-${local.buckets[count.index].name}"
}
resource "aws_s3_bucket_lifecycle_configuration" "l" {
  for_each = { for i, b in local.buckets : b.name => merge(b, { at = i }) if length(b.rules) > 0 }
  bucket   = aws_s3_bucket.b[each.value.at].id
  dynamic "rule" {
    for_each = each.value.rules
    iterator = outer
    content {
      id     = "${outer.key}-${outer.value.id}"
      status = length(outer.value.days) > 0 ? "Enabled" : "Disabled"
      filter { prefix = "${each.key}/" }
      expiration { days = 100 + outer.key }
      dynamic "transition" {
        for_each = outer.value.days
        content {
          days          = transition.value * 30 + transition.key
          storage_class = ["STANDARD_IA", "GLACIER"][transition.key]
        }
      }
      dynamic "noncurrent_version_transition" {
        for_each = [for d in outer.value.days : { d = d, o = outer.value.id } if d > 1]
        iterator = nvt
        content {
          noncurrent_days = nvt.value.d * 30
          storage_class   = nvt.value.o == "r1" ? "GLACIER" : "STANDARD_IA"
        }
      }
    }
  }
}
resource "aws_dynamodb_table" "t" {
  name         = "t"
  hash_key     = "id"
  billing_mode = "PAY_PER_REQUEST"
  dynamic "attribute" {
    for_each = toset(concat(["id"], flatten([for g in local.gsi : [g.hash, g.range]])))
    content {
      name = attribute.key
      type = "S"
    }
  }
  dynamic "global_secondary_index" {
    for_each = local.gsi
    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value["hash"]
      range_key       = global_secondary_index.value.range
      projection_type = "ALL"
    }
  }
  dynamic "server_side_encryption" {
    for_each = local.sse[*]
    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }
  dynamic "point_in_time_recovery" {
    for_each = local.none[*]
    content { enabled = point_in_time_recovery.value }
  }
  dynamic "ttl" {
    for_each = terraform_data.u.id == "x" ? [1] : []
    content {
      attribute_name = "ttl"
      enabled        = true
    }
  }
}
locals {
  gsi  = { g1 = { hash = "a", range = "b" }, g2 = { hash = "b", range = "c" } }
  sse  = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  none = null
}
