terraform {
  backend "s3" {
    bucket = "states"
    key    = "app/terraform.tfstate"
    region = "eu-west-1"
  }
}
data "terraform_remote_state" "network" {
  backend = "s3"
  config = {
    bucket = "states"
    key    = "network/terraform.tfstate"
    region = "eu-west-1"
  }
}
data "terraform_remote_state" "prod" {
  backend   = "s3"
  workspace = "prod"
  config = {
    bucket = "states"
    key    = "keys.tfstate"
  }
}
data "terraform_remote_state" "local" {
  backend = "local"
  config = {
    path = "../keys/terraform.tfstate"
  }
}
data "terraform_remote_state" "cloud" {
  backend = "remote"
  config = {
    organization = "acme"
    workspaces = {
      name = "keys"
    }
  }
}
variable "bucket" {}
data "terraform_remote_state" "open" {
  backend = "s3"
  config = {
    bucket = var.bucket
    key    = "keys.tfstate"
  }
}
resource "aws_sqs_queue" "q" {
  kms_master_key_id = data.terraform_remote_state.network.outputs.key_arn
}
output "all" {
  value = [
    data.terraform_remote_state.network.outputs.keys["logs"].arn,
    data.terraform_remote_state.prod.outputs.key_arn,
    data.terraform_remote_state.local.outputs.key_arn,
    data.terraform_remote_state.cloud.outputs.key_arn,
    data.terraform_remote_state.open.outputs.key_arn,
  ]
}
