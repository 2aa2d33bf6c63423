variable "enabled" { type = bool }
variable "size" { type = number }
variable "names" { type = set(string) }
variable "buckets" {
  type = map(object({ versioned = bool, days = number }))
}
variable "env" { type = string }

resource "aws_kms_key" "maybe" {
  count       = var.enabled ? 1 : 0
  description = "maybe"
}
resource "aws_kms_alias" "maybe" {
  count         = var.enabled ? 1 : 0
  name          = "alias/maybe"
  target_key_id = aws_kms_key.maybe[0].key_id
}
resource "aws_kms_key" "not" {
  count       = var.enabled ? 0 : 2
  description = "instead ${count.index}"
}
resource "aws_kms_key" "sized" {
  count       = var.size
  description = "one of ${count.index}"
}
resource "aws_kms_key" "named" {
  for_each    = var.names
  description = each.key
}
resource "aws_s3_bucket" "mapped" {
  for_each = var.buckets
  bucket   = each.key
}
resource "aws_s3_bucket_versioning" "mapped" {
  for_each = var.buckets
  bucket   = aws_s3_bucket.mapped[each.key].id
  versioning_configuration {
    status = each.value.versioned ? "Enabled" : "Suspended"
  }
}
resource "aws_kms_key" "one_name" {
  for_each    = toset([var.env])
  description = each.key
}
resource "aws_kms_key" "some_names" {
  for_each    = toset(["a", var.env])
  description = each.key
}
resource "aws_kms_key" "either" {
  for_each    = var.enabled ? { a = 1, b = 2 } : { b = 3 }
  description = each.value
}
output "maybe" { value = one(aws_kms_key.maybe[*].arn) }
output "try" { value = try(aws_kms_key.maybe[0].arn, null) }
output "joined" { value = join("", aws_kms_key.maybe.*.arn) }
output "sized" { value = aws_kms_key.sized[*].arn }
output "named" { value = { for name, key in aws_kms_key.named : name => key.arn } }
output "named_one" { value = aws_kms_key.named["a"].arn }
output "either" { value = [for key in aws_kms_key.either : key.description] }
output "sized_first" { value = aws_kms_key.sized[0].arn }
output "sized_tried" { value = try(aws_kms_key.sized[0].arn, null) }
output "sized_one" { value = one(aws_kms_key.sized[*].arn) }
output "open_key" { value = try({ dev = 7 }[var.env], 30) }
output "open_index" { value = try(var.list[0], "none") }
variable "list" { type = list(string) }
