# service: budgets.amazonaws.com
resource "aws_sns_topic" "t" { kms_master_key_id = aws_kms_key.k.arn }
resource "aws_budgets_budget" "b" {
  name="b"
  budget_type="COST"
  limit_amount="1"
  limit_unit="USD"
  time_unit="MONTHLY"
  notification {
    comparison_operator="GREATER_THAN"
    threshold=1
    threshold_type="PERCENTAGE"
    notification_type="ACTUAL"
    subscriber_sns_topic_arns=[aws_sns_topic.t.arn]
  }
}
