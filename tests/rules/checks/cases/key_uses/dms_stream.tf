# action: kinesis:PutRecord
resource "aws_kinesis_stream" "s" {
  name            = "s"
  shard_count     = 1
  encryption_type = "KMS"
  kms_key_id      = aws_kms_key.k.arn
}
resource "aws_dms_endpoint" "e" {
  endpoint_id   = "e"
  endpoint_type = "target"
  engine_name   = "kinesis"
  kinesis_settings {
    stream_arn              = aws_kinesis_stream.s.arn
    service_access_role_arn = aws_iam_role.r.arn
    message_format          = "json"
  }
}
