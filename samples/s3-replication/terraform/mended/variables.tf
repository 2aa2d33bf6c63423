variable "archives" {
  description = "What is archived, and for how many days"
  type        = map(number)
  default = {
    invoices  = 3650
    contracts = 7300
  }
}

variable "webhook_token_arn" {
  description = "Secret that holds what is sent to the ledger when an object has arrived"
  type        = string
}
