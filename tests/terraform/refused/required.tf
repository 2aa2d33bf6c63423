resource "aws_kms_alias" "lacks" { # here missing-argument
  name = "alias/a"
}
resource "aws_kms_alias" "null" {
  name          = "alias/a"
  target_key_id = null # here missing-argument
}
locals {
  nothing = null
}
resource "aws_kms_alias" "null_through_a_local" {
  name          = "alias/a"
  target_key_id = local.nothing # here missing-argument
}
resource "aws_kms_alias" "unknown" {
  name          = "alias/a"
  target_key_id = terraform_data.x.output
}
resource "terraform_data" "x" {}
resource "aws_s3_bucket_versioning" "lacks_a_block" { # here missing-block
  bucket = "b"
}
resource "aws_s3_bucket_versioning" "lacks_in_a_block" {
  bucket = "b"
  versioning_configuration { # here missing-argument
    mfa_delete = "Disabled"
  }
}
resource "aws_s3_bucket_versioning" "one_too_many" {
  bucket = "b"
  versioning_configuration {
    status = "Enabled"
  }
  versioning_configuration { # here too-many-blocks
    status = "Enabled"
  }
}
resource "aws_s3_bucket_versioning" "dynamic_makes_one" {
  bucket = "b"
  dynamic "versioning_configuration" {
    for_each = ["Enabled"]
    content {
      status = versioning_configuration.value
    }
  }
}
resource "aws_s3_bucket_versioning" "dynamic_makes_none" { # here missing-block
  bucket = "b"
  dynamic "versioning_configuration" {
    for_each = []
    content {
      status = versioning_configuration.value
    }
  }
}
resource "aws_s3_bucket_versioning" "dynamic_makes_two" {
  bucket = "b"
  dynamic "versioning_configuration" { # here too-many-blocks
    for_each = ["Enabled", "Suspended"]
    content {
      status = versioning_configuration.value
    }
  }
}
resource "aws_s3_bucket_versioning" "dynamic_makes_some" {
  bucket = "b"
  dynamic "versioning_configuration" {
    for_each = terraform_data.x.output
    content {
      status = versioning_configuration.value
    }
  }
}
resource "aws_s3_bucket_versioning" "dynamic_lacks" {
  bucket = "b"
  dynamic "versioning_configuration" { # here missing-argument
    for_each = ["Enabled"]
    content {
    }
  }
}
resource "aws_cloudfront_distribution" "deep" {
  enabled = true
  origin {
    domain_name = "example.com"
    origin_id   = "o"
  }
  default_cache_behavior { # here missing-argument
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    viewer_protocol_policy = "https-only"
  }
  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
  viewer_certificate {
    cloudfront_default_certificate = true
  }
}
data "aws_kms_key" "lacks" {} # here missing-argument
data "aws_kms_alias" "has" {
  name = "alias/x"
}
