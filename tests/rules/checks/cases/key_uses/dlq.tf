# service: sns.amazonaws.com
resource "aws_sns_topic" "t" {}
resource "aws_sqs_queue" "d" { kms_master_key_id = aws_kms_alias.k.name }
resource "aws_kms_alias" "k" {
  name="alias/k"
  target_key_id=aws_kms_key.k.key_id
}
resource "aws_sqs_queue" "q" { sqs_managed_sse_enabled = true }
resource "aws_sns_topic_subscription" "s" {
  topic_arn=aws_sns_topic.t.arn
  protocol="sqs"
  endpoint=aws_sqs_queue.q.arn
  redrive_policy=jsonencode({deadLetterTargetArn=aws_sqs_queue.d.arn})
}
