resource "aws_iam_role" "notify" {
  name = "example-archive-notify"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_lambda_function" "notify" {
  function_name = "example-archive-notify"
  role          = aws_iam_role.notify.arn
  runtime       = "python3.13"
  handler       = "notify.handler"
  filename      = "notify.zip"

  environment {
    variables = {
      LEDGER_URL    = "https://ledger.example.com/hooks/archive"
      WEBHOOK_TOKEN = var.webhook_token
    }
  }
}
