variable "rotate" {}
variable "policy" {}
variable "readers" {}
variable "who" {}
resource "aws_kms_key" "encoded" {
  enable_key_rotation = var.rotate
  policy              = var.policy
}
data "aws_iam_policy_document" "d" {
  dynamic "statement" {
    for_each = var.readers
    content {
      actions   = ["kms:Decrypt"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = [statement.value]
      }
    }
  }
}
resource "aws_kms_key" "document" {
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.d.json
}
resource "aws_kms_key" "heredoc" {
  enable_key_rotation = true
  policy              = <<-EOF
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Effect": "Allow",
          "Principal": {"AWS": "${var.who}"},
          "Action": "kms:Decrypt",
          "Resource": "*"
        }
      ]
    }
  EOF
}
resource "aws_kms_key" "template" {
  enable_key_rotation = true
  policy              = templatefile("${path.module}/p.tftpl", { who = var.who })
}
resource "aws_kms_key" "file" {
  enable_key_rotation = true
  policy              = file("${path.module}/p.json")
}
