"""The inventory: what each key is, whose it is, what it protects and costs."""

from kmsguard.answers.keys import keys
from kmsguard.answers.prices import PRICE


def inventory(graphs):
    """The keys by address."""
    return {one.address: one for one in keys(graphs).keys}


def test_a_key_that_says_nothing_is_what_aws_makes_of_it(read):
    """Symmetric, in one Region, enabled, never rotated."""
    one = inventory(read('resource "aws_kms_key" "a" {}'))["aws_kms_key.a"]
    assert (one.spec, one.usage, one.origin, one.state) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "AWS_KMS", "enabled")
    assert (one.rotation.status, one.rotation.period_days, one.multi_region.role) == ("off", None, "none")
    assert (one.region, one.account, one.managed_by, one.made_here) == ("eu-west-1", "111122223333", "customer", True)


def test_rotation_is_told_with_its_period(read):
    """On, every ninety days."""
    code = 'resource "aws_kms_key" "a" {\n  enable_key_rotation = true\n  rotation_period_in_days = 90\n}'
    rotation = inventory(read(code))["aws_kms_key.a"].rotation
    assert (rotation.status, rotation.period_days) == ("on", 90)


def test_keys_that_cannot_rotate_by_themselves_say_so(read):
    """Asymmetric ones, and those with imported material."""
    code = """
resource "aws_kms_key" "sign" {
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
}
resource "aws_kms_external_key" "own" {}
"""
    found = inventory(read(code))
    assert {one.rotation.status for one in found.values()} == {"not possible"}
    assert found["aws_kms_key.sign"].users[0].operations == ("Sign", "Verify")


def test_what_a_variable_decides_is_unknown_with_its_name(read):
    """Rotation that hangs on a variable without value."""
    code = 'variable "rotate" { type = bool }\nresource "aws_kms_key" "a" { enable_key_rotation = var.rotate }'
    one = inventory(read(code))["aws_kms_key.a"]
    assert one.rotation.status == "unknown"
    assert [open_.reference for open_ in one.decided_by] == ["var.rotate"]


def test_primary_and_replica_name_each_other(read):
    """A replica in the same module."""
    code = """
resource "aws_kms_key" "a" { multi_region = true }
resource "aws_kms_replica_key" "b" { primary_key_arn = aws_kms_key.a.arn }
"""
    found = inventory(read(code))
    assert (found["aws_kms_key.a"].multi_region.role, found["aws_kms_key.a"].multi_region.replicas) == (
        "primary",
        ("aws_kms_replica_key.b",),
    )
    assert (found["aws_kms_replica_key.b"].multi_region.role, found["aws_kms_replica_key.b"].multi_region.primary) == (
        "replica",
        "aws_kms_key.a",
    )


def test_administrators_and_users_are_told_apart(read):
    """One role may change the policy, another one decrypts; operations are those that each has."""
    code = """
resource "aws_iam_role" "admin" {
  name = "admin"
  assume_role_policy = "{}"
}
resource "aws_iam_role" "reader" {
  name = "reader"
  assume_role_policy = "{}"
}
resource "aws_kms_key" "a" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = aws_iam_role.admin.arn }, Action = ["kms:PutKeyPolicy"], Resource = "*" },
    { Effect = "Allow", Principal = { AWS = aws_iam_role.reader.arn }, Action = ["kms:Decrypt"], Resource = "*" },
  ] })
}
"""
    one = inventory(read(code))["aws_kms_key.a"]
    assert [(who.principal, who.operations) for who in one.administrators] == [("aws_iam_role.admin", ("PutKeyPolicy",))]
    assert [(who.principal, who.operations) for who in one.users] == [("aws_iam_role.reader", ("Decrypt",))]


def test_aliases_and_what_is_protected_are_listed(read):
    """An alias, a queue that names the key, a topic that names the alias."""
    code = """
resource "aws_kms_key" "a" {}
resource "aws_kms_alias" "a" {
  name          = "alias/jobs"
  target_key_id = aws_kms_key.a.key_id
}
resource "aws_sqs_queue" "jobs" { kms_master_key_id = aws_kms_key.a.arn }
resource "aws_sns_topic" "jobs" { kms_master_key_id = aws_kms_alias.a.name }
"""
    one = inventory(read(code))["aws_kms_key.a"]
    assert one.aliases == ("alias/jobs",)
    assert [(thing.address, thing.by, thing.certain) for thing in one.protects] == [
        ("aws_sns_topic.jobs", "encrypted_with", True),
        ("aws_sqs_queue.jobs", "encrypted_with", True),
    ]


def test_keys_that_are_used_and_not_made_here_are_listed(read):
    """An AWS managed key by its alias and by default, a key by its ARN, a key that a variable names."""
    arn = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    code = f"""
variable "key" {{ type = string }}
resource "aws_sns_topic" "a" {{ kms_master_key_id = "alias/aws/sns" }}
resource "aws_secretsmanager_secret" "a" {{ name = "a" }}
resource "aws_sqs_queue" "a" {{ kms_master_key_id = "{arn}" }}
resource "aws_sqs_queue" "b" {{ kms_master_key_id = var.key }}
"""
    found = inventory(read(code))
    assert {name: (one.managed_by, one.protects[0].address) for name, one in found.items()} == {
        "alias/aws/sns": ("aws", "aws_sns_topic.a"),
        "alias/aws/secretsmanager": ("aws", "aws_secretsmanager_secret.a"),
        arn: ("customer", "aws_sqs_queue.a"),
        "var.key": ("unknown", "aws_sqs_queue.b"),
    }
    assert not any(one.made_here for one in found.values())
    assert (found[arn].region, found[arn].account, found[arn].cost) == ("eu-west-1", "444455556666", None)
    assert found["alias/aws/sns"].cost.monthly == 0


def test_environment_variables_protect_nothing(read):
    """A function that names a key in its environment calls with it; other variables name no key at all."""
    code = """
resource "aws_lambda_function" "a" {
  function_name = "a"
  role          = "arn:aws:iam::111122223333:role/a"
  environment { variables = { LEVEL = "INFO" } }
}
"""
    assert "INFO" not in inventory(read(code))


def test_a_key_costs_more_once_it_has_rotated(read):
    """A dollar a month, and one more for each of the first two rotations."""
    code = 'resource "aws_kms_key" "a" {}\nresource "aws_kms_key" "b" { enable_key_rotation = true }'
    found = inventory(read(code))
    assert (found["aws_kms_key.a"].cost.monthly, found["aws_kms_key.a"].cost.monthly_rotated) == (1.0, 1.0)
    assert (found["aws_kms_key.b"].cost.monthly, found["aws_kms_key.b"].cost.monthly_rotated) == (1.0, 3.0)
    assert PRICE.source == "https://aws.amazon.com/kms/pricing/"


def test_a_key_that_does_not_exist_is_not_listed(read):
    """A count of nought; a count that nobody knows leaves it open."""
    code = """
variable "extra" { type = bool }
resource "aws_kms_key" "none" { count = 0 }
resource "aws_kms_key" "some" { count = var.extra ? 1 : 0 }
"""
    assert {name: one.exists for name, one in inventory(read(code)).items()} == {"aws_kms_key.some[0]": "unknown"}


def test_who_has_nothing_to_do_with_a_key_is_left_out_and_who_perhaps_has_is_not(read):
    """Roles whose policies name another key, no key, something that is not known, or the key by a pattern."""
    code = """
variable "policy" { type = string }
resource "aws_kms_key" "a" {}
resource "aws_kms_key" "b" {}
locals { policies = {
  other   = jsonencode({ Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.b.arn }] })
  unknown = var.policy
  bad     = jsonencode({ Statement = "x" })
  region  = jsonencode({ Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = "arn:*:eu-west-1:*:key/*" }] })
  away    = jsonencode({ Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = "arn:*:us-east-1:*:key/*" }] })
  not     = jsonencode({ Statement = [{ Effect = "Allow", Action = "kms:Decrypt", NotResource = aws_kms_key.b.arn }] })
  denied  = jsonencode({ Statement = [{ Effect = "Deny", Action = "kms:*", Resource = "*" }] })
} }
resource "aws_iam_role" "r" {
  for_each           = local.policies
  name               = each.key
  assume_role_policy = "{}"
}
resource "aws_iam_role_policy" "r" {
  for_each = local.policies
  role     = aws_iam_role.r[each.key].id
  policy   = each.value
}
"""
    users = {one.principal: one.answer for one in inventory(read(code))["aws_kms_key.a"].users if one.kind == "role"}

    assert users == {
        'aws_iam_role.r["region"]': "yes",
        'aws_iam_role.r["not"]': "yes",
        'aws_iam_role.r["bad"]': "unknown",
        'aws_iam_role.r["unknown"]': "unknown",
    }


def test_a_policy_that_names_a_key_has_nothing_under_it(read):
    """The role is one of those who use the key, and not what it protects."""
    code = """
resource "aws_kms_key" "a" {}
resource "aws_iam_role" "reader" {
  name               = "reader"
  assume_role_policy = "{}"
}
resource "aws_iam_role_policy" "reader" {
  role   = aws_iam_role.reader.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.a.arn }]
  })
}
"""
    one = inventory(read(code))["aws_kms_key.a"]
    assert one.protects == ()
    assert "aws_iam_role.reader" in [user.principal for user in one.users]
