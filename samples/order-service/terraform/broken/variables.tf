variable "name" {
  description = "What the service is called; its resources bear the name"
  type        = string
  default     = "orders"
}

variable "subnet_ids" {
  description = "Private subnets of the database"
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the database"
  type        = list(string)
}
