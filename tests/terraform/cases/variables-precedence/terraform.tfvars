tfvars      = "terraform.tfvars"
tfvars_json = "terraform.tfvars"
auto        = "terraform.tfvars"
file        = "terraform.tfvars"
option      = "terraform.tfvars"
nowhere     = 1
