# action: s3:GetObject
resource "aws_backup_vault" "v" {
  name        = "v"
  kms_key_arn = aws_kms_key.k.arn
}
resource "aws_backup_plan" "p" {
  name = "p"
  rule {
    rule_name         = "daily"
    target_vault_name = aws_backup_vault.v.name
    schedule          = "cron(0 5 * * ? *)"
  }
}
resource "aws_efs_file_system" "f" {}
resource "aws_backup_selection" "s" {
  name         = "s"
  plan_id      = aws_backup_plan.p.id
  iam_role_arn = aws_iam_role.r.arn
  resources    = [aws_efs_file_system.f.arn]
}
