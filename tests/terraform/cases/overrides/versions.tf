terraform {
  required_providers {
    aws = { source = "example/aws" } # which takes whatever is written here
  }
}
