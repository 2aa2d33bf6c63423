locals {
  prefix = upper(local.parts[0])
  parts  = split(" ", var.words)
  tags   = { for part, numbers in { for number, part in local.parts : part => number... } : part => join(",", numbers) }
}

variable "words" {
  default = "one two one"
}

variable "days" {
  type    = number
  default = 30
}
