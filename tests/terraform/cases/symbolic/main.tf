resource "aws_kms_key" "k" {
  description = "d"
  policy      = null
}
resource "aws_s3_bucket" "b" {
  bucket = "written"
  server_side_encryption_configuration {
    rule {
      apply_server_side_encryption_by_default {
        sse_algorithm = "aws:kms"
      }
    }
  }
}
resource "aws_db_instance" "d" {
  kms_key_id = aws_kms_key.k.arn
  name       = aws_s3_bucket.b.bucket
}
resource "terraform_data" "t" {
  input = { region = "eu-west-1" }
}
data "aws_kms_key" "d" {
  key_id = "alias/x"
}
output "arn" { value = aws_kms_key.k.arn }
output "written" { value = aws_s3_bucket.b.bucket }
output "null" { value = aws_kms_key.k.policy }
output "text" { value = "${aws_s3_bucket.b.arn}/*" }
output "only" { value = "${aws_s3_bucket.b.arn}" }
output "same" { value = aws_kms_key.k.arn == aws_kms_key.k.arn }
output "not_null" { value = aws_kms_key.k.arn != null }
output "not_empty" { value = aws_kms_key.k.arn == "" ? "default" : aws_kms_key.k.arn }
output "prefix" { value = startswith(aws_kms_key.k.arn, "arn:") }
output "other" { value = aws_kms_key.k.arn == "arn:aws:kms:eu-west-1:111122223333:key/x" }
output "coalesce" { value = coalesce(aws_kms_key.k.arn, "x") }
output "nested" { value = aws_db_instance.d.master_user_secret[0].secret_arn }
output "block" {
  value = aws_s3_bucket.b.server_side_encryption_configuration[0].rule[0].apply_server_side_encryption_by_default[0].sse_algorithm
}
output "block_symbolic" { value = aws_s3_bucket.b.server_side_encryption_configuration[0].rule[0].bucket_key_enabled }
output "through" { value = aws_db_instance.d.kms_key_id }
output "data" { value = data.aws_kms_key.d.arn }
output "data_written" { value = data.aws_kms_key.d.key_id }
output "terraform_data" { value = terraform_data.t.output.region }
output "whole" { value = aws_kms_key.k }
output "split" { value = split("/", aws_kms_key.k.arn)[1] }
output "trimmed" { value = trimsuffix("${aws_s3_bucket.b.arn}/*", "/*") }
output "format" { value = format("%s/%s", aws_s3_bucket.b.arn, "logs") }
output "list" { value = formatlist("%s/*", [aws_s3_bucket.b.arn, "x"]) }
output "replace" { value = replace(aws_kms_key.k.arn, "key", "alias") }
output "resource" { value = resource.aws_kms_key.k.description }
output "json" { value = jsonencode({ a = aws_kms_key.k.arn, b = "x-${aws_kms_key.k.id}" }) }
output "one_or_other" { value = try(aws_kms_key.k.nothing.deeper, "x") }
