resource "aws_kms_key" "broken" {
  description = "unclosed
}
