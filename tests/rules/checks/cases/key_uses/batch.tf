# linked: autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling
resource "aws_launch_template" "jobs" {
  name = "jobs"
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      encrypted  = true
      kms_key_id = aws_kms_key.k.arn
    }
  }
}
resource "aws_batch_compute_environment" "jobs" {
  compute_environment_name = "jobs"
  type                     = "MANAGED"
  compute_resources {
    type               = "EC2"
    max_vcpus          = 16
    instance_type      = ["m7g.large"]
    security_group_ids = ["sg-0a1b2c3d"]
    subnets            = ["subnet-0a1b2c3d"]
    launch_template { launch_template_id = aws_launch_template.jobs.id }
  }
}
