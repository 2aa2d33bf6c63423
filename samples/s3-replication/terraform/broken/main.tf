module "source" {
  source   = "./modules/vault"
  for_each = var.archives

  name = "example-${each.key}-eu-west-1"
}

module "replica" {
  source   = "./modules/vault"
  for_each = var.archives

  providers = {
    aws = aws.replica
  }

  name     = "example-${each.key}-eu-central-1"
  rotation = false
  readers  = ["*"]
}

resource "aws_s3_bucket_replication_configuration" "invoices" {
  bucket = module.source["invoices"].bucket_name
  role   = aws_iam_role.replication.arn

  rule {
    id     = "everything"
    status = "Enabled"

    filter {}

    delete_marker_replication {
      status = "Enabled"
    }

    destination {
      bucket = module.replica["invoices"].bucket_arn
    }
  }
}

resource "aws_s3_bucket_replication_configuration" "contracts" {
  bucket = module.source["contracts"].bucket_name
  role   = aws_iam_role.replication.arn

  rule {
    id     = "everything"
    status = "Enabled"

    filter {}

    delete_marker_replication {
      status = "Enabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }

    destination {
      bucket = module.replica["contracts"].bucket_arn

      encryption_configuration {
        replica_kms_key_id = module.replica["contracts"].key_arn
      }
    }
  }
}
