# One resource a question. `here` stands in the line that is told; what has none in it is taken.
resource "aws_kms_key" "misspelt" {
  deletion_window = 7 # here unknown-argument
}
resource "aws_s3_bucket_versioning" "misspelt_in_a_block" {
  bucket = "b"
  versioning_configuration {
    status     = "Enabled"
    mfa_detele = "Disabled" # here unknown-argument
  }
}
resource "aws_kms_alias" "no_block" {
  name          = "alias/a"
  target_key_id = "1234abcd-12ab-34cd-56ef-1234567890ab"
  policies { # here unknown-block
    name = "x"
  }
}
resource "aws_kms_key" "argument_as_block" {
  tags { # here unknown-block
    Name = "x"
  }
}
resource "aws_s3_bucket_versioning" "block_as_argument" {
  bucket = "b"
  versioning_configuration = { # here unknown-argument
    status = "Enabled"
  }
}
resource "aws_s3_bucket" "blocks_as_list" {
  versioning = [{ enabled = true }] # here unknown-argument
}
resource "aws_kms_key" "decided_by_aws" {
  arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab" # here computed-argument
}
resource "aws_kms_key" "null_for_what_aws_decides" {
  arn = null
}
resource "aws_kms_kee" "no_such_type" {} # here unknown-resource-type
data "aws_kms_keyz" "no_such_data_source" {} # here unknown-resource-type
data "aws_iam_policy_document" "misspelt_in_data" {
  statement {
    action    = ["kms:Decrypt"] # here unknown-argument
    resources = ["*"]
  }
}
data "aws_kms_key" "region_is_not_the_key" {
  key = "alias/x" # here unknown-argument
  key_id = "alias/x"
}
resource "aws_sqs_queue" "for_terraform" {
  count      = 1
  provider   = aws
  depends_on = [aws_kms_key.misspelt]
  lifecycle {
    prevent_destroy = true
  }
  timeouts {
    create = "5m"
  }
  connection {
    host = "x"
  }
  provisioner "local-exec" {
    command = "true"
  }
}
resource "aws_kms_key" "misspelt_timeouts" {
  timeouts {
    creation = "5m" # here unknown-argument
  }
}
resource "aws_kms_key" "escaped" {
  _ {
    description = "x"
  }
}
resource "aws_instance" "dynamic_over_something" {
  dynamic "ebs_block_device" {
    for_each = ["/dev/sdb"]
    content {
      device_name = ebs_block_device.value
      kms_key     = "x" # here unknown-argument
    }
  }
}
resource "aws_instance" "dynamic_of_no_block" {
  dynamic "ebs_block_devices" { # here unknown-block
    for_each = ["/dev/sdb"]
    content {
      device_name = "x"
    }
  }
}
