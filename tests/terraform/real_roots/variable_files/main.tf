provider "aws" {
  region = var.region
}

variable "region" {
  default = "us-east-1"
}
variable "a" { default = "default" }
variable "b" { default = "default" }
variable "c" { default = "default" }
variable "d" { default = "default" }
variable "number" {
  type    = number
  default = 1
}
variable "settings" {
  type = object({
    days = number
    tags = optional(map(string))
    nested = optional(object({
      on   = optional(bool, true)
      name = optional(string, "nested")
    }), {})
    list = optional(list(object({ x = number, y = optional(string, "why") })), [{ x = 1 }])
  })
  nullable = false
}

resource "aws_sqs_queue" "this" {
  name                       = join("-", [var.a, var.b, var.c, var.d])
  delay_seconds              = var.number
  message_retention_seconds  = var.settings.days * 86400
  sqs_managed_sse_enabled    = var.settings.nested.on
  tags                       = merge(var.settings.tags, { nested = var.settings.nested.name }, { for item in var.settings.list : item.y => item.x })
  receive_wait_time_seconds  = length(var.settings.list)
}
