output "c" { value = module.c.o }
output "doc" { value = data.aws_iam_policy_document.d.json }
output "vs" { value = var.vs }
