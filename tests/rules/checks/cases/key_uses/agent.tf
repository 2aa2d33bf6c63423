# service: bedrock.amazonaws.com
resource "aws_bedrockagent_agent" "a" {
  agent_name                  = "a"
  agent_resource_role_arn     = aws_iam_role.r.arn
  customer_encryption_key_arn = aws_kms_key.k.arn
  foundation_model            = "anthropic.claude-3-haiku-20240307-v1:0"
}
