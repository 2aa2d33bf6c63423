provider "aws" {
  region = "eu-west-1"
}

variable "lifecycle_rules" {
  type = list(object({
    id          = string
    enabled     = optional(bool, true)
    prefix      = optional(string)
    tags        = optional(map(string), {})
    transitions = optional(list(object({ days = number, class = string })), [])
    expire      = optional(number)
  }))
  default = [
    { id = "logs", prefix = "logs/", transitions = [{ days = 30, class = "STANDARD_IA" }, { days = 90, class = "GLACIER" }] },
    { id = "tagged", tags = { Keep = "no", Team = "a" }, expire = 7, enabled = false },
    { id = "all", expire = 365 },
  ]
}

resource "aws_s3_bucket" "this" {
  bucket = "example-dynamic-blocks"
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.bucket

  dynamic "rule" {
    for_each = var.lifecycle_rules
    iterator = each_rule
    content {
      id     = each_rule.value.id
      status = each_rule.value.enabled ? "Enabled" : "Disabled"

      filter {
        prefix = length(each_rule.value.tags) == 0 ? coalesce(each_rule.value.prefix, "x/") : null

        dynamic "and" {
          for_each = length(each_rule.value.tags) > 0 ? [each_rule.value] : []
          content {
            prefix = and.value.prefix
            tags   = and.value.tags
          }
        }
      }

      dynamic "transition" {
        for_each = { for number, each_transition in each_rule.value.transitions : number => each_transition }
        content {
          days          = transition.value.days + tonumber(transition.key)
          storage_class = transition.value.class
        }
      }

      dynamic "expiration" {
        for_each = each_rule.value.expire[*]
        content {
          days = expiration.value
        }
      }
    }
  }
}

resource "aws_security_group" "this" {
  name        = "dynamic"
  description = "dynamic"

  dynamic "ingress" {
    for_each = setproduct([443, 8443], ["10.0.0.0/8", "192.168.0.0/16"])
    content {
      description = "port ${ingress.value[0]} from ${ingress.value[1]}"
      from_port   = ingress.value[0]
      to_port     = ingress.value[0]
      protocol    = "tcp"
      cidr_blocks = [ingress.value[1]]
    }
  }

  egress {
    from_port        = 0
    to_port          = 0
    protocol         = -1
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }
}
