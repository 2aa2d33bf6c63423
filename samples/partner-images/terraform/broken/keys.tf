resource "aws_kms_key" "images" {
  description             = "Images and data that partners run"
  deletion_window_in_days = 30
  enable_key_rotation     = true
  policy                  = templatefile("${path.module}/policies/key.json.tftpl", { accounts = [data.aws_caller_identity.current.account_id] })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "images" {
  name          = "alias/partner-images"
  target_key_id = aws_kms_key.images.key_id
}
