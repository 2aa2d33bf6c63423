resorce "aws_kms_key" "typo" {}
resource "aws_kms_key" {}
variable "v" {
  typ     = string
  default = 1
}
module "no_source" {}
resource "aws_kms_key" "text" { count = "abc" }
resource "aws_kms_key" "list" { for_each = ["a"] }
resource "aws_kms_key" "twice" {}
resource "aws_kms_key" "twice" { description = "second" }
component "x" {}
resource "aws_kms_key" "last" {}
