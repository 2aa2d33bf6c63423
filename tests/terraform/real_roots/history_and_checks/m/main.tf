variable "n" {}
resource "aws_sqs_queue" "q" {
  count = var.n
  name  = format("q%02d", count.index)
  lifecycle {
    precondition {
      condition     = var.n > 1
      error_message = "n"
    }
    postcondition {
      condition     = self.name != ""
      error_message = "no name"
    }
  }
}
output "names" { value = aws_sqs_queue.q[*].name }
