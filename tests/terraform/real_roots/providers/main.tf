provider "aws" {
  region = "eu-west-1"
}

provider "aws" {
  alias  = "us"
  region = "us-east-1"
}

data "aws_region" "here" {}
data "aws_region" "us" {
  provider = aws.us
}

resource "aws_kms_key" "primary" {
  description  = data.aws_region.here.name
  multi_region = true
}

module "replica" {
  source      = "./replica"
  primary_arn = aws_kms_key.primary.arn
  providers   = { aws.there = aws.us, aws = aws }
}

resource "aws_sns_topic" "us" {
  provider     = aws.us
  name         = "us"
  display_name = "${data.aws_region.us.name} ${module.replica.region} ${module.replica.here} ${data.aws_arn.this.service} ${data.aws_arn.this.resource}"
}

data "aws_arn" "this" {
  arn = "arn:aws:kms:us-east-1:111122223333:alias/a/b:c"
}

data "aws_partition" "this" {}

data "aws_service_principal" "logs" {
  service_name = "logs"
}

resource "aws_sns_topic" "names" {
  name         = "names"
  display_name = join(" ", [data.aws_partition.this.partition, data.aws_partition.this.dns_suffix, data.aws_partition.this.reverse_dns_prefix, data.aws_service_principal.logs.name, data.aws_region.here.description, data.aws_region.us.endpoint])
}
