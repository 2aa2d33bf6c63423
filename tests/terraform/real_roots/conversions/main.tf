provider "aws" {
  region = "eu-west-1"
}

variable "tags" {
  type = map(string)
  default = {
    number = 12
    bool   = true
    null   = null
    float  = 1.50
    big    = 123456789012345678901234567890
    exp    = 1e3
  }
}

locals {
  mixed  = tolist(["a", 1, true])
  unique = toset([1, "1", 2.0, "2"])
  either = true ? "text" : 5
  merged = merge({ a = 1, b = "x" }, null, { b = "y" }, var.tags)
  object = { "key with space" = 1, (local.either) = 2, 3 = "three" }
  ranges = [for pair in setproduct(range(3), ["x"]) : "${pair[0]}${pair[1]}"]
  deep   = try(local.object["nothing"], local.object.text, "last")
  nulls  = coalesce(null, "", "given")
}

resource "aws_sns_topic" "this" {
  name         = "conversions"
  tags         = { for name, value in local.merged : name => value if value != null }
  display_name = "${length(local.unique)} ${local.either} ${jsonencode(local.mixed)} ${jsonencode(local.ranges)} ${local.deep} ${local.nulls}"
  fifo_topic   = "false"
}

resource "aws_sqs_queue" "this" {
  name           = "conversions"
  delay_seconds  = "10"
  max_message_size = 1024 * 2 + 5 % 3
  fifo_queue     = local.object["text"] == "2"
  tags           = { json = jsonencode(local.object), not = !false, compare = 3 >= 2 && "a" != "b", floor = floor(-1.5), div = 10 / 4 }
  redrive_policy = jsonencode({ maxReceiveCount = 4, deadLetterTargetArn = "arn:aws:sqs:eu-west-1:111122223333:dead" })
}

resource "aws_iam_role" "this" {
  name               = "conversions"
  assume_role_policy = <<EOF2
{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ${jsonencode(sort(["lambda.amazonaws.com", "ec2.amazonaws.com"]))}}}
  ]
}
EOF2
  max_session_duration = pow(60, 2) * min(2, 12)
  path                 = join("/", ["", "team", substr("éàü", 1, 1) == "à" ? "yes" : "no", ""])
}
