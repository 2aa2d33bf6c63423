resource "aws_kms_key" "this" {
  enable_key_rotation = true
}

resource "aws_sns_topic" "json" {
  display_name = "overridden"
}
