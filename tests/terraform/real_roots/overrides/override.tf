variable "days" {
  default = 10
}

locals {
  prefix = "over"
}
