variable "name" {
  type = string
}

variable "settings" {
  type = object({
    queues = set(string)
    rotate = optional(bool)
    days   = optional(number, 30)
    tags   = optional(map(string), { Owner = "nobody" })
  })
}

resource "aws_kms_key" "this" {
  description             = "Key of ${title(var.name)}"
  enable_key_rotation     = var.settings.rotate
  deletion_window_in_days = var.settings.days
  tags                    = var.settings.tags
}

module "queue" {
  source   = "../queue"
  for_each = var.settings.queues
  name     = "${var.name}-${each.value}"
  key      = aws_kms_key.this
}

output "queues" {
  value = { for name, queue in module.queue : name => queue.name }
}
