# action: ec2:CreateVolume
resource "aws_ebs_encryption_by_default" "here" {}
resource "aws_ebs_default_kms_key" "here" { key_arn = aws_kms_key.k.arn }
resource "aws_eks_addon" "csi" {
  cluster_name             = "main"
  addon_name               = "aws-ebs-csi-driver"
  service_account_role_arn = aws_iam_role.r.arn
}
