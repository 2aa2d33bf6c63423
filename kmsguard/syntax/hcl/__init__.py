"""HCL's native syntax, the language of `.tf` and `.tfvars` files."""
