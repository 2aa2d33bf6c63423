# action: ec2:RunInstances
resource "aws_emr_security_configuration" "s" {
  name = "s"
  configuration = jsonencode({
    EncryptionConfiguration = {
      EnableInTransitEncryption = false
      EnableAtRestEncryption    = true
      AtRestEncryptionConfiguration = {
        LocalDiskEncryptionConfiguration = { EncryptionKeyProviderType = "AwsKms", AwsKmsKey = aws_kms_key.k.arn, EnableEbsEncryption = true }
      }
    }
  })
}
resource "aws_emr_cluster" "c" {
  name                   = "c"
  release_label          = "emr-7.5.0"
  service_role           = aws_iam_role.r.arn
  security_configuration = aws_emr_security_configuration.s.name
}
