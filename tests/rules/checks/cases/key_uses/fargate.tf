# service: fargate.amazonaws.com
resource "aws_ecs_cluster" "c" {
  name="c"
  configuration {
    managed_storage_configuration { fargate_ephemeral_storage_kms_key_id = aws_kms_key.k.id }
  }
}
