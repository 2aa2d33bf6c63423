# kmsguard:ignore[ACME401] the line above
resource "aws_kms_key" "above" {}

resource "aws_kms_key" "head" { # kmsguard:ignore[key-does-not-rotate] by name, on the head
}

resource "aws_kms_key" "inside" {
  # kmsguard:ignore[ACME401] inside, in a line of its own
  description = "x"
}

resource "aws_kms_key" "attribute" {
  description         = "x"
  enable_key_rotation = false # kmsguard:ignore[ACME401] on the attribute
}

resource "aws_kms_key" "other_attribute" {
  description         = "x" # kmsguard:ignore[ACME401] on another attribute, so it suppresses nothing
  enable_key_rotation = false
}

resource "aws_kms_key" "ended" { # kmsguard:ignore[ACME401 until 2026-01-31] until the migration
}

resource "aws_kms_key" "last_day" { # kmsguard:ignore[ACME401 until 2026-02-01] until the migration
}

resource "aws_kms_key" "no_reason" { # kmsguard:ignore[ACME401]
}

resource "aws_kms_key" "unused" { # kmsguard:ignore[ACME401] it rotates by now
  enable_key_rotation = true
}

resource "aws_kms_key" "not_run" { # kmsguard:ignore[KG101] that rule is not run here
  enable_key_rotation = true
}

resource "aws_kms_key" "no_rule" { # kmsguard:ignore[KG499] there is no such rule
  enable_key_rotation = true
}

resource "aws_kms_key" "checkov" {
  #checkov:skip=CKV_AWS_7:known to checkov
}

module "vendor" { # kmsguard:ignore[ACME401] the vendor's own
  source = "./vendor"
}
