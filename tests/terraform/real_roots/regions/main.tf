provider "aws" {
  region = "eu-west-1"
}
data "aws_region" "af_south_1" {
  name = "af-south-1"
}
data "aws_elb_service_account" "af_south_1" {
  region = "af-south-1"
}
data "aws_region" "ap_east_1" {
  name = "ap-east-1"
}
data "aws_elb_service_account" "ap_east_1" {
  region = "ap-east-1"
}
data "aws_region" "ap_northeast_1" {
  name = "ap-northeast-1"
}
data "aws_elb_service_account" "ap_northeast_1" {
  region = "ap-northeast-1"
}
data "aws_region" "ap_northeast_2" {
  name = "ap-northeast-2"
}
data "aws_elb_service_account" "ap_northeast_2" {
  region = "ap-northeast-2"
}
data "aws_region" "ap_northeast_3" {
  name = "ap-northeast-3"
}
data "aws_elb_service_account" "ap_northeast_3" {
  region = "ap-northeast-3"
}
data "aws_region" "ap_south_1" {
  name = "ap-south-1"
}
data "aws_elb_service_account" "ap_south_1" {
  region = "ap-south-1"
}
data "aws_region" "ap_south_2" {
  name = "ap-south-2"
}
data "aws_region" "ap_southeast_1" {
  name = "ap-southeast-1"
}
data "aws_elb_service_account" "ap_southeast_1" {
  region = "ap-southeast-1"
}
data "aws_region" "ap_southeast_2" {
  name = "ap-southeast-2"
}
data "aws_elb_service_account" "ap_southeast_2" {
  region = "ap-southeast-2"
}
data "aws_region" "ap_southeast_3" {
  name = "ap-southeast-3"
}
data "aws_elb_service_account" "ap_southeast_3" {
  region = "ap-southeast-3"
}
data "aws_region" "ap_southeast_4" {
  name = "ap-southeast-4"
}
data "aws_region" "ca_central_1" {
  name = "ca-central-1"
}
data "aws_elb_service_account" "ca_central_1" {
  region = "ca-central-1"
}
data "aws_region" "eu_central_1" {
  name = "eu-central-1"
}
data "aws_elb_service_account" "eu_central_1" {
  region = "eu-central-1"
}
data "aws_region" "eu_central_2" {
  name = "eu-central-2"
}
data "aws_region" "eu_north_1" {
  name = "eu-north-1"
}
data "aws_elb_service_account" "eu_north_1" {
  region = "eu-north-1"
}
data "aws_region" "eu_south_1" {
  name = "eu-south-1"
}
data "aws_elb_service_account" "eu_south_1" {
  region = "eu-south-1"
}
data "aws_region" "eu_south_2" {
  name = "eu-south-2"
}
data "aws_region" "eu_west_1" {
  name = "eu-west-1"
}
data "aws_elb_service_account" "eu_west_1" {
  region = "eu-west-1"
}
data "aws_region" "eu_west_2" {
  name = "eu-west-2"
}
data "aws_elb_service_account" "eu_west_2" {
  region = "eu-west-2"
}
data "aws_region" "eu_west_3" {
  name = "eu-west-3"
}
data "aws_elb_service_account" "eu_west_3" {
  region = "eu-west-3"
}
data "aws_region" "il_central_1" {
  name = "il-central-1"
}
data "aws_region" "me_central_1" {
  name = "me-central-1"
}
data "aws_region" "me_south_1" {
  name = "me-south-1"
}
data "aws_elb_service_account" "me_south_1" {
  region = "me-south-1"
}
data "aws_region" "sa_east_1" {
  name = "sa-east-1"
}
data "aws_elb_service_account" "sa_east_1" {
  region = "sa-east-1"
}
data "aws_region" "us_east_1" {
  name = "us-east-1"
}
data "aws_elb_service_account" "us_east_1" {
  region = "us-east-1"
}
data "aws_region" "us_east_2" {
  name = "us-east-2"
}
data "aws_elb_service_account" "us_east_2" {
  region = "us-east-2"
}
data "aws_region" "us_west_1" {
  name = "us-west-1"
}
data "aws_elb_service_account" "us_west_1" {
  region = "us-west-1"
}
data "aws_region" "us_west_2" {
  name = "us-west-2"
}
data "aws_elb_service_account" "us_west_2" {
  region = "us-west-2"
}
data "aws_cloudfront_log_delivery_canonical_user_id" "this" {}

data "aws_service" "here" {
  service_id = "kms"
}

data "aws_service" "there" {
  service_id = "s3"
  region     = "us-gov-west-1"
}

resource "aws_sns_topic" "this" {
  name         = "regions"
  display_name = join(", ", [
    data.aws_cloudfront_log_delivery_canonical_user_id.this.id,
    data.aws_service.here.dns_name, data.aws_service.here.reverse_dns_name, data.aws_service.here.partition,
    data.aws_service.there.dns_name, data.aws_service.there.reverse_dns_name, data.aws_service.there.partition,
    data.aws_service.there.reverse_dns_prefix, data.aws_service.there.region,
    data.aws_region.af_south_1.description, data.aws_region.af_south_1.endpoint, data.aws_elb_service_account.af_south_1.arn, data.aws_elb_service_account.af_south_1.id,
    data.aws_region.ap_east_1.description, data.aws_region.ap_east_1.endpoint, data.aws_elb_service_account.ap_east_1.arn, data.aws_elb_service_account.ap_east_1.id,
    data.aws_region.ap_northeast_1.description, data.aws_region.ap_northeast_1.endpoint, data.aws_elb_service_account.ap_northeast_1.arn, data.aws_elb_service_account.ap_northeast_1.id,
    data.aws_region.ap_northeast_2.description, data.aws_region.ap_northeast_2.endpoint, data.aws_elb_service_account.ap_northeast_2.arn, data.aws_elb_service_account.ap_northeast_2.id,
    data.aws_region.ap_northeast_3.description, data.aws_region.ap_northeast_3.endpoint, data.aws_elb_service_account.ap_northeast_3.arn, data.aws_elb_service_account.ap_northeast_3.id,
    data.aws_region.ap_south_1.description, data.aws_region.ap_south_1.endpoint, data.aws_elb_service_account.ap_south_1.arn, data.aws_elb_service_account.ap_south_1.id,
    data.aws_region.ap_south_2.description, data.aws_region.ap_south_2.endpoint,
    data.aws_region.ap_southeast_1.description, data.aws_region.ap_southeast_1.endpoint, data.aws_elb_service_account.ap_southeast_1.arn, data.aws_elb_service_account.ap_southeast_1.id,
    data.aws_region.ap_southeast_2.description, data.aws_region.ap_southeast_2.endpoint, data.aws_elb_service_account.ap_southeast_2.arn, data.aws_elb_service_account.ap_southeast_2.id,
    data.aws_region.ap_southeast_3.description, data.aws_region.ap_southeast_3.endpoint, data.aws_elb_service_account.ap_southeast_3.arn, data.aws_elb_service_account.ap_southeast_3.id,
    data.aws_region.ap_southeast_4.description, data.aws_region.ap_southeast_4.endpoint,
    data.aws_region.ca_central_1.description, data.aws_region.ca_central_1.endpoint, data.aws_elb_service_account.ca_central_1.arn, data.aws_elb_service_account.ca_central_1.id,
    data.aws_region.eu_central_1.description, data.aws_region.eu_central_1.endpoint, data.aws_elb_service_account.eu_central_1.arn, data.aws_elb_service_account.eu_central_1.id,
    data.aws_region.eu_central_2.description, data.aws_region.eu_central_2.endpoint,
    data.aws_region.eu_north_1.description, data.aws_region.eu_north_1.endpoint, data.aws_elb_service_account.eu_north_1.arn, data.aws_elb_service_account.eu_north_1.id,
    data.aws_region.eu_south_1.description, data.aws_region.eu_south_1.endpoint, data.aws_elb_service_account.eu_south_1.arn, data.aws_elb_service_account.eu_south_1.id,
    data.aws_region.eu_south_2.description, data.aws_region.eu_south_2.endpoint,
    data.aws_region.eu_west_1.description, data.aws_region.eu_west_1.endpoint, data.aws_elb_service_account.eu_west_1.arn, data.aws_elb_service_account.eu_west_1.id,
    data.aws_region.eu_west_2.description, data.aws_region.eu_west_2.endpoint, data.aws_elb_service_account.eu_west_2.arn, data.aws_elb_service_account.eu_west_2.id,
    data.aws_region.eu_west_3.description, data.aws_region.eu_west_3.endpoint, data.aws_elb_service_account.eu_west_3.arn, data.aws_elb_service_account.eu_west_3.id,
    data.aws_region.il_central_1.description, data.aws_region.il_central_1.endpoint,
    data.aws_region.me_central_1.description, data.aws_region.me_central_1.endpoint,
    data.aws_region.me_south_1.description, data.aws_region.me_south_1.endpoint, data.aws_elb_service_account.me_south_1.arn, data.aws_elb_service_account.me_south_1.id,
    data.aws_region.sa_east_1.description, data.aws_region.sa_east_1.endpoint, data.aws_elb_service_account.sa_east_1.arn, data.aws_elb_service_account.sa_east_1.id,
    data.aws_region.us_east_1.description, data.aws_region.us_east_1.endpoint, data.aws_elb_service_account.us_east_1.arn, data.aws_elb_service_account.us_east_1.id,
    data.aws_region.us_east_2.description, data.aws_region.us_east_2.endpoint, data.aws_elb_service_account.us_east_2.arn, data.aws_elb_service_account.us_east_2.id,
    data.aws_region.us_west_1.description, data.aws_region.us_west_1.endpoint, data.aws_elb_service_account.us_west_1.arn, data.aws_elb_service_account.us_west_1.id,
    data.aws_region.us_west_2.description, data.aws_region.us_west_2.endpoint, data.aws_elb_service_account.us_west_2.arn, data.aws_elb_service_account.us_west_2.id,
  ])
}
