# action: sqs:SendMessage
resource "aws_sqs_queue" "q" { kms_master_key_id = aws_kms_key.k.arn }
resource "aws_iot_topic_rule" "t" {
  name        = "t"
  enabled     = true
  sql         = "SELECT * FROM 'x'"
  sql_version = "2016-03-23"
  error_action {
    sqs {
      queue_url  = aws_sqs_queue.q.url
      role_arn   = aws_iam_role.r.arn
      use_base64 = false
    }
  }
}
