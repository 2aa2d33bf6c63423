a        = "tfvars"
b        = "tfvars"
c        = "tfvars"
number   = "7"
region   = "eu-west-1"
settings = { days = "2", ignored = true }
