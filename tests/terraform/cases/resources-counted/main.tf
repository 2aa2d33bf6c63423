resource "aws_kms_key" "counted" {
  count       = 2
  description = "key ${count.index}"
}
resource "aws_kms_key" "mapped" {
  for_each    = { logs = "for logs", data = "for data" }
  description = "${each.key}: ${each.value}"
}
resource "aws_kms_key" "set" {
  for_each    = toset(["b", "a", "b"])
  description = each.value
}
resource "aws_kms_key" "none" {
  count = 0
}
resource "aws_kms_key" "nobody" {
  for_each = {}
}
resource "aws_kms_alias" "counted" {
  count         = length(aws_kms_key.counted)
  name          = "alias/${count.index}"
  target_key_id = aws_kms_key.counted[count.index].key_id
}
resource "aws_kms_alias" "mapped" {
  for_each      = aws_kms_key.mapped
  name          = "alias/${each.key}"
  target_key_id = each.value.key_id
}
output "splat" { value = aws_kms_key.counted[*].arn }
output "old_splat" { value = aws_kms_key.counted.*.description }
output "values" { value = values(aws_kms_key.mapped)[*].arn }
output "for" { value = { for name, key in aws_kms_key.mapped : name => key.arn } }
output "one" { value = one(aws_kms_key.none[*].arn) }
output "join" { value = join("", aws_kms_key.none[*].arn) }
output "try" { value = try(aws_kms_key.none[0].arn, "nothing") }
output "element" { value = element(concat(aws_kms_key.none[*].arn, [""]), 0) }
output "index" { value = aws_kms_key.mapped["logs"].description }
output "keys" { value = keys(aws_kms_key.set) }
output "length" { value = [length(aws_kms_key.counted), length(aws_kms_key.nobody)] }
