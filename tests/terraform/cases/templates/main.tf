variable "env" {}
variable "debug" { type = bool }
locals {
  account = "111122223333"
  names   = ["a", "b"]
}
resource "aws_iam_policy" "heredoc" {
  policy = <<-EOT
    {
      "Version": "2012-10-17",
      "Statement": [
        {"Effect": "Allow", "Action": "kms:*", "Resource": "arn:aws:kms:*:${local.account}:key/*"},
        {"Effect": "Deny", "Action": ["s3:*"], "Resource": "arn:aws:s3:::${var.env}/*"}
      ]
    }
  EOT
}
resource "aws_instance" "user_data" {
  user_data = <<EOF
#!/bin/sh
%{ for name in local.names ~}
echo ${name}
%{ endfor ~}
%{ if var.debug }set -x%{ endif }
EOF
}
resource "aws_instance" "escapes" {
  user_data = "a\tb \"c\" $${x} %%{y}"
}
resource "aws_iam_policy" "file" {
  policy = templatefile("${path.module}/policies/key.json.tftpl", {
    account = local.account
    env     = var.env
    admins  = true
  })
}
resource "aws_iam_policy" "plain_file" {
  policy = file("policies/plain.json")
}
output "decoded" {
  value = jsondecode(file("policies/plain.json")).Statement[0].Action
}
output "yaml" {
  value = [for key in yamldecode(file("policies/keys.yaml")).keys : key.name]
}
output "debug" { value = "x-${var.debug ? "debug" : "plain"}-${var.debug}" }
