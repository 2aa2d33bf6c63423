terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

data "aws_caller_identity" "current" {}

# The appliance: one root image, one volume with reference data.

resource "aws_ebs_volume" "appliance" {
  availability_zone = "eu-west-1a"
  size              = 40
  encrypted         = true
  kms_key_id        = aws_kms_key.images.arn
}

resource "aws_ebs_snapshot" "appliance" {
  volume_id   = aws_ebs_volume.appliance.id
  description = "Appliance, root device"
}

resource "aws_ami" "appliance" {
  name                = "appliance-7.2"
  virtualization_type = "hvm"
  root_device_name    = "/dev/xvda"
  ena_support         = true

  ebs_block_device {
    device_name = "/dev/xvda"
    snapshot_id = aws_ebs_snapshot.appliance.id
    volume_type = "gp3"
  }
}

resource "aws_ami_launch_permission" "partner" {
  for_each = var.partner_accounts

  image_id   = aws_ami.appliance.id
  account_id = each.value
}

resource "aws_ebs_volume" "reference" {
  availability_zone = "eu-west-1a"
  size              = 200
  encrypted         = true
  kms_key_id        = aws_kms_key.images.arn
}

resource "aws_ebs_snapshot" "reference" {
  volume_id   = aws_ebs_volume.reference.id
  description = "Reference data"
}

resource "aws_snapshot_create_volume_permission" "partner" {
  for_each = var.partner_accounts

  snapshot_id = aws_ebs_snapshot.reference.id
  account_id  = each.value
}
