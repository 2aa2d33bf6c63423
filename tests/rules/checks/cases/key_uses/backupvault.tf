# service: backup.amazonaws.com
resource "aws_sns_topic" "t" { kms_master_key_id = aws_kms_key.k.key_id }
resource "aws_backup_vault" "v" { name="v" }
resource "aws_backup_vault_notifications" "n" {
  backup_vault_name=aws_backup_vault.v.name
  sns_topic_arn=aws_sns_topic.t.arn
  backup_vault_events=["BACKUP_JOB_FAILED"]
}
