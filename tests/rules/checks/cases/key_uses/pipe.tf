# action: kinesis:GetRecords
resource "aws_kinesis_stream" "s" {
  name="s"
  encryption_type="KMS"
  kms_key_id=aws_kms_key.k.arn
}
resource "aws_sqs_queue" "q" {}
resource "aws_pipes_pipe" "p" {
  name="p"
  role_arn=aws_iam_role.r.arn
  source=aws_kinesis_stream.s.arn
  target=aws_sqs_queue.q.arn
}
