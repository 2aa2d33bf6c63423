output "inside" { value = file("../shared/text.txt") }
output "missing" { value = file("nothing.txt") }
output "tried" { value = try(file("nothing.txt"), "fallback") }
output "guarded" { value = fileexists("nothing.txt") ? file("nothing.txt") : "none" }
output "outside" { value = file("../../../../../pyproject.toml") }
output "outside_exists" { value = fileexists("../../../../../pyproject.toml") }
output "outside_tried" { value = try(file("../../../../../pyproject.toml"), "x") }
output "absolute" { value = file("/etc/hostname") }
output "package" { value = filebase64sha256("lambda.zip") }
output "set" { value = fileset("${path.module}/../shared", "**/*.{txt,json}") }
output "each" { value = { for name in fileset("../shared", "*.txt") : trimsuffix(name, ".txt") => file("../shared/${name}") } }
output "cwd" { value = path.cwd }
output "cwd_name" { value = basename(path.cwd) }
output "cwd_file" { value = file("${path.cwd}/../shared/text.txt") }
output "abspath" { value = file(abspath("${path.module}/../shared/text.txt")) }
output "template" { value = templatefile("../shared/open.tftpl", { name = var.name }) }
output "template_open" { value = templatefile("../shared/open.tftpl", var.all) }
output "missing_variable" { value = templatefile("../shared/open.tftpl", {}) }
output "base64" { value = filebase64("../shared/text.txt") }
data "local_file" "f" {
  filename = "${path.module}/../shared/text.txt"
}
output "local_file" { value = data.local_file.f.content }
data "template_file" "f" {
  template = file("../shared/open.tftpl")
  vars = {
    name = "data"
  }
}
data "template_file" "inline" {
  template = "inline $${name}"
  vars = {
    name = var.name
  }
}
output "template_file" { value = [data.template_file.f.rendered, data.template_file.inline.rendered] }
variable "name" {}
variable "all" {}
output "home" { value = substr(pathexpand("~"), 0, 1) == "/" ? "posix" : "windows" }
