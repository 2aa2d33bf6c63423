resource "aws_kms_key" "this" {
  description = "${basename(path.module)} ${basename(path.root) == basename(path.cwd)} ${file("${path.module}/text.md")}"
}
