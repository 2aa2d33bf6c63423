auto = "a.auto.tfvars"
file = "a.auto.tfvars"
