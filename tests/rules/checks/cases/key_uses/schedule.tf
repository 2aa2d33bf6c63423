# action: sqs:SendMessage
resource "aws_sqs_queue" "q" { kms_master_key_id=aws_kms_key.k.id }
resource "aws_scheduler_schedule" "s" {
  name="s"
  schedule_expression="rate(1 day)"
  flexible_time_window { mode="OFF" }
  target {
    arn=aws_sqs_queue.q.arn
    role_arn=aws_iam_role.r.arn
  }
}
