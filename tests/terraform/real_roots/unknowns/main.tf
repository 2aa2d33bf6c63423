provider "aws" {
  region = "eu-west-1"
}

resource "terraform_data" "later" {
  input = "x"
}

locals {
  id     = terraform_data.later.id
  mapped = { a = local.id, b = "known" }
  list   = [local.id, "two"]
}

resource "aws_sqs_queue" "this" {
  name          = "q-${length(local.list)}"
  tags          = local.mapped
  delay_seconds = lookup({ (local.list[1]) = 5 }, "two", 1)
  policy        = jsonencode({ Version = "2012-10-17", Id = local.id, Statement = [] })
}

resource "aws_sns_topic" "this" {
  for_each     = local.mapped
  name         = "t-${each.key}"
  display_name = each.value
  tags         = { known = local.mapped["b"], open = local.id == "x" ? "one" : "two", same = local.id == "x" ? "one" : "one" }
}

resource "aws_kms_key" "this" {
  description = try(local.mapped.c, "no c")
  tags        = { for item in local.list : "fixed" => item... if false }
}

resource "aws_kms_alias" "this" {
  name          = "alias/${coalesce("first", local.id)}"
  target_key_id = aws_kms_key.this.key_id
}

resource "aws_iam_role_policy" "this" {
  name   = "policy"
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.this.json
}

resource "aws_iam_role" "this" {
  name               = "role"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}

data "aws_iam_policy_document" "this" {
  statement {
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.this.arn, aws_kms_alias.this.arn]
  }
}
