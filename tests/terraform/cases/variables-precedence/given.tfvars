file   = "given.tfvars"
option = "given.tfvars"
