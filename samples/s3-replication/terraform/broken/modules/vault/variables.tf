variable "name" {
  description = "Name of the bucket, and of the key's alias"
  type        = string
}

variable "rotation" {
  description = "Whether the key rotates by itself"
  type        = bool
  default     = true
}

variable "readers" {
  description = "Principals that may read what is stored here, besides those that the account lets in"
  type        = list(string)
  default     = []
}
