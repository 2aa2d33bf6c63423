provider "aws" {
  region = "eu-west-1"
}

locals {
  services = yamldecode(file("${path.module}/services.yaml"))
  users    = csvdecode(file("${path.module}/users.csv"))
  script   = <<-EOT
    #!/bin/sh
      indented $${HOME}
    %{ for name, service in local.services ~}
    start ${name} ${service.port}%{ if try(service.debug, false) } --debug%{ endif }
    %{ endfor ~}
    end
  EOT
}

resource "aws_ssm_parameter" "script" {
  name  = "/script"
  type  = "String"
  value = "x"
  description = trimspace(local.script)
}

resource "aws_sns_topic" "this" {
  for_each = local.services
  name         = "${each.key}-topic"
  display_name = format("%-10s|%05.1f|%q", each.key, each.value.port, each.value.port)
  policy = templatefile("${path.module}/policy.json.tftpl", {
    users   = [for user in local.users : user if user.role == "admin"]
    service = each.key
  })
}

resource "aws_sqs_queue" "this" {
  count = length(local.users)
  name  = replace(lower(local.users[count.index].name), "/[^a-z]+/", "-")
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for number, user in local.users : { Sid = "S${number}", Effect = "Allow", Action = "sqs:*", Resource = "*", Principal = { AWS = user.arn } } if number <= count.index],
      jsondecode("[]"),
    )
  })
  tags = { md5 = md5(local.users[count.index].name), b64 = base64encode("ü${count.index}") }
}
