resource "aws_kms_key" "a" {
  description = aws_kms_alias.b.id
}
resource "aws_kms_alias" "b" {
  target_key_id = aws_kms_key.a.key_id
}
resource "aws_s3_bucket" "self" {
  bucket = "x"
  tags   = { a = aws_s3_bucket.self.arn }
}
locals { z = aws_sqs_queue.q.arn }
resource "aws_sqs_queue" "q" { policy = jsonencode({ Statement = [{ Resource = local.z }] }) }
data "aws_caller_identity" "plain" {}
data "aws_iam_policy_document" "d" {
  statement {
    resources = [aws_kms_key.document.arn]
    actions   = ["kms:*"]
  }
}
resource "aws_kms_key" "document" {
  policy = data.aws_iam_policy_document.d.json
}
module "m" {
  source = "./m"
  in     = aws_sns_topic.t.arn
}
resource "aws_sns_topic" "t" {
  policy = module.m.out
}
resource "aws_sns_topic" "one" {
  depends_on = [aws_sns_topic.two]
}
resource "aws_sns_topic" "two" {
  depends_on = [aws_sns_topic.one]
}

# no circles
module "passes" {
  source = "./m"
  in     = aws_sns_topic.u.arn
}
resource "aws_sns_topic" "u" {
  display_name = module.passes.y
}
resource "aws_sns_topic" "v" {
  display_name = "v"
  lifecycle {
    ignore_changes = [display_name]
    postcondition {
      condition     = self.display_name == "v"
      error_message = "no"
    }
  }
}
