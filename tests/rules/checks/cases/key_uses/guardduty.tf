# service: guardduty.amazonaws.com
resource "aws_guardduty_detector" "d" { enable=true }
resource "aws_s3_bucket" "m" { bucket="gd-example" }
resource "aws_guardduty_publishing_destination" "g" {
  detector_id=aws_guardduty_detector.d.id
  destination_arn=aws_s3_bucket.m.arn
  kms_key_arn=aws_kms_key.k.arn
}
