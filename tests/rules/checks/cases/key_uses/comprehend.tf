# action: s3:GetObject
resource "aws_comprehend_document_classifier" "c" {
  name                 = "c"
  data_access_role_arn = aws_iam_role.r.arn
  language_code        = "en"
  volume_kms_key_id    = aws_kms_key.k.arn
  input_data_config { s3_uri = "s3://example/train" }
}
