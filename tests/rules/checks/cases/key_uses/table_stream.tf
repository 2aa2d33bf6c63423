# action: dynamodb:GetRecords
resource "aws_dynamodb_table" "t" {
  name="t"
  hash_key="i"
  stream_enabled=true
  server_side_encryption {
    enabled=true
    kms_key_arn=aws_kms_key.k.arn
  }
}
resource "aws_lambda_function" "f" {
  function_name="f"
  role=aws_iam_role.r.arn
}
resource "aws_lambda_event_source_mapping" "m" {
  event_source_arn=aws_dynamodb_table.t.stream_arn
  function_name=aws_lambda_function.f.function_name
  starting_position="LATEST"
}
