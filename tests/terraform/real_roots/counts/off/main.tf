variable "number" { default = 5 }
resource "aws_sns_topic" "this" {
  name = format("topic%02d", var.number)
}
output "name" { value = aws_sns_topic.this.name }
