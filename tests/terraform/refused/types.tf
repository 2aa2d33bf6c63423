resource "aws_kms_key" "no_bool" {
  enable_key_rotation = "yes" # here invalid-value
}
resource "aws_kms_key" "bool_as_text" {
  enable_key_rotation = "true"
}
resource "aws_kms_key" "no_number" {
  deletion_window_in_days = "a week" # here invalid-value
}
resource "aws_kms_key" "number_as_text" {
  deletion_window_in_days = "7"
}
resource "aws_kms_key" "number_for_bool" {
  enable_key_rotation = 1 # here invalid-value
}
resource "aws_kms_key" "list_for_text" {
  description = ["a"] # here invalid-value
}
resource "aws_kms_key" "map_for_text" {
  policy = { Version = "2012-10-17" } # here invalid-value
}
resource "aws_kms_key" "number_for_text" {
  description = 5
}
resource "aws_kms_key" "text_for_map" {
  tags = "a" # here invalid-value
}
resource "aws_kms_key" "list_for_map" {
  tags = ["a"] # here invalid-value
}
resource "aws_kms_key" "list_in_map" {
  tags = { # here invalid-value
    Name = ["a"]
  }
}
resource "aws_kms_key" "mixed_map" {
  tags = { Name = "a", Number = 5, On = true, Null = null }
}
resource "aws_instance" "text_for_list" {
  vpc_security_group_ids = "sg-1" # here invalid-value
}
resource "aws_instance" "list_in_list" {
  vpc_security_group_ids = [["sg-1"]] # here invalid-value
}
resource "aws_instance" "resource_for_text" {
  subnet_id = aws_subnet.a # here invalid-value
}
resource "aws_instance" "resources_for_texts" {
  vpc_security_group_ids = [aws_security_group.a] # here invalid-value
}
resource "aws_instance" "ids_of_all" {
  ami                    = "ami-1"
  instance_type          = "t3.micro"
  vpc_security_group_ids = aws_security_group.many[*].id
}
resource "aws_subnet" "a" {
  vpc_id     = "vpc-1"
  cidr_block = "10.0.0.0/24"
}
resource "aws_security_group" "a" {}
resource "aws_security_group" "many" {
  count = 2
}
resource "aws_security_group" "rules_as_blocks" {
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
}
resource "aws_security_group" "rules_as_dynamic_blocks" {
  dynamic "egress" {
    for_each = [443]
    content {
      from_port = egress.value
      to_port   = egress.value
      protocol  = "tcp"
    }
  }
}
resource "aws_security_group" "no_rules" {
  ingress = []
}
resource "aws_security_group" "rules_as_objects" {
  ingress = [{
    from_port        = 443, to_port = 443, protocol = "tcp", cidr_blocks = ["10.0.0.0/8"], description = "", self = false,
    ipv6_cidr_blocks = [], prefix_list_ids = [], security_groups = []
  }]
}
resource "aws_security_group" "object_that_lacks" {
  ingress = [{ from_port = 443, to_port = 443, protocol = "tcp" }] # here invalid-value
}
resource "aws_security_group" "misspelt_in_a_rule" {
  ingress {
    from_port = 443
    to_port   = 443
    protocol  = "tcp"
    cidr      = ["10.0.0.0/8"] # here unknown-argument
  }
}
resource "aws_security_group" "no_number_in_a_rule" {
  ingress {
    from_port = "https" # here invalid-value
    to_port   = 443
    protocol  = "tcp"
  }
}
variable "size" {
  type = string
}
resource "aws_kms_key" "conditions" {
  enable_key_rotation = var.size == "big" ? "yes" : "no" # here invalid-value
  is_enabled          = var.size == "big" ? true : null
}
resource "aws_kms_key" "each" {
  for_each                = { a = 7, b = 30 }
  deletion_window_in_days = each.value
  description             = each.key
}
