resource "aws_kms_key" "before" {
  description = "before"
}
resource "aws_kms_key" "broken" {
  description = "broken" oops
  enable_key_rotation = true
}
resource "aws_kms_key" "after" {
  description = "after"
  policy      = jsonencode({ a = , })
}
resource "aws_kms_key" "before" {
  description = "twice"
}
