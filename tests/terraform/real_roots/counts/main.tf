provider "aws" {
  region = "eu-west-1"
}

variable "create" {
  type    = bool
  default = true
}
variable "names" {
  type    = list(string)
  default = ["b", "a", "b", ""]
}
variable "key_arn" {
  type    = string
  default = null
}

data "aws_iam_policy_document" "this" {
  count = var.create ? 1 : 0
  statement {
    actions   = ["s3:GetObject"]
    resources = [for name in compact(distinct(var.names)) : "arn:aws:s3:::${name}/*"]
  }
}

resource "aws_iam_policy" "this" {
  count  = length(data.aws_iam_policy_document.this)
  name   = "policy-${count.index}"
  policy = data.aws_iam_policy_document.this[count.index].json
}

resource "aws_kms_key" "new" {
  count                   = var.key_arn == null ? 1 : 0
  deletion_window_in_days = 7 + count.index
}

resource "aws_sqs_queue" "this" {
  for_each          = toset(compact(var.names))
  name              = each.key
  kms_master_key_id = try(aws_kms_key.new[0].arn, var.key_arn)
  kms_data_key_reuse_period_seconds = one(aws_kms_key.new[*].deletion_window_in_days) * 60
}

resource "aws_sqs_queue" "none" {
  count = var.create && contains(var.names, "zzz") ? 1 : 0
  name  = "none"
}

resource "aws_sns_topic" "splat" {
  name         = join("-", [for queue in aws_sqs_queue.this : queue.name])
  display_name = join(",", values(aws_sqs_queue.this)[*].name)
  tags         = zipmap(keys(aws_sqs_queue.this), [for index, name in keys(aws_sqs_queue.this) : index])
}

module "off" {
  source = "./off"
  count  = 0
}

module "on" {
  source = "./off"
  count  = 2
  number = count.index
}

resource "aws_sns_topic" "modules" {
  name         = "modules-${length(module.off)}-${length(module.on)}"
  display_name = join(",", module.on[*].name)
}

variable "sources" {
  type    = list(object({ accounts = optional(list(string)), zone = optional(string) }))
  default = [{ zone = "z" }]
}

resource "aws_sns_topic" "nulls" {
  name         = "nulls"
  display_name = join(",", coalescelist(var.sources[0].accounts, [], ["own"]))
}
