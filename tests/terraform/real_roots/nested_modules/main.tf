provider "aws" {
  region = "eu-west-1"
}

locals {
  teams = {
    red  = { queues = ["jobs", "mail"], rotate = true }
    blue = { queues = [], rotate = false }
    green = { queues = ["e.fifo"], rotate = true }
  }
}

module "team" {
  source   = "./team"
  for_each = local.teams
  name     = each.key
  settings = each.value
}

output "queues" {
  value = { for name, team in module.team : name => keys(team.queues) }
}

resource "aws_sqs_queue" "all" {
  for_each = merge([for team, made in module.team : { for queue, name in made.queues : "${team}/${queue}" => name }]...)
  name     = "copy-${trimsuffix(each.value, ".fifo")}"
  tags     = { Index = index(sort(keys(local.teams)), split("/", each.key)[0]) }
}
