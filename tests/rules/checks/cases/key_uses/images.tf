# linked: imagebuilder.amazonaws.com/AWSServiceRoleForImageBuilder
resource "aws_sns_topic" "t" { kms_master_key_id = aws_kms_key.k.arn }
resource "aws_imagebuilder_infrastructure_configuration" "i" {
  name                  = "i"
  instance_profile_name = "i"
  sns_topic_arn         = aws_sns_topic.t.arn
}
