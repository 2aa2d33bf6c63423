# service: lambda.eu-west-1.amazonaws.com
resource "aws_lambda_event_source_mapping" "m" {
  event_source_arn = "arn:aws:sqs:eu-west-1:111122223333:orders"
  function_name    = "orders"
  kms_key_arn      = aws_kms_key.k.arn
  filter_criteria {
    filter { pattern = jsonencode({ body = { kind = ["order"] } }) }
  }
}
