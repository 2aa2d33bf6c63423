provider "aws" {
  region = "eu-west-1"
  default_tags {
    tags = { Project = "kmsguard" }
  }
}

variable "word" {
  sensitive = true
  default   = "not-so-secret"
}

locals {
  files   = fileset(path.module, "files/**/*.txt")
  content = { for name in local.files : trimsuffix(basename(name), ".txt") => file("${path.module}/${name}") }
}

resource "aws_sns_topic" "this" {
  for_each     = local.content
  name         = "${terraform.workspace}-${each.key}"
  display_name = chomp(each.value)
  tags         = { sha = filesha256("files/${each.key == "deep" ? "sub/" : ""}${each.key}.txt"), dir = basename(dirname("a/${each.key}/c")) }
}

resource "aws_sqs_queue" "this" {
  name = nonsensitive("${substr(var.word, 0, 3)}-queue")
  tags = { length = nonsensitive(length(var.word)), there = fileexists("${path.root}/files/none.txt"), cidr = cidrsubnet("10.1.0.0/16", 8, 3), host = cidrhost("10.1.2.0/24", -2) }
}

module "inner" {
  source = "./inner"
}
