variable "partner_accounts" {
  description = "Accounts that run our appliance"
  type        = map(string)
  default = {
    northwind = "444455556666"
  }
}

variable "catalog_password" {
  description = "Password of the catalog's database"
  type        = string
  sensitive   = true
}
