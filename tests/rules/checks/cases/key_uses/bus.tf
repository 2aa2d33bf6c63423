# service: events.amazonaws.com
resource "aws_cloudwatch_event_bus" "b" {
  name="b"
  kms_key_identifier=aws_kms_key.k.arn
}
