variable "archives" {
  description = "What is archived, and for how many days"
  type        = map(number)
  default = {
    invoices  = 3650
    contracts = 7300
  }
}

variable "webhook_token" {
  description = "Sent to the ledger when an object has arrived"
  type        = string
  default     = "whk_live_9dPx2LmQ7vRt4WzK8sYb"
}
