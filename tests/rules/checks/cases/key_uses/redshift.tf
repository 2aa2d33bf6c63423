# service: redshift.amazonaws.com
resource "aws_sns_topic" "t" { kms_master_key_id = aws_kms_key.k.arn }
resource "aws_redshift_event_subscription" "b" {
  name="b"
  sns_topic_arn=aws_sns_topic.t.arn
}
