"""Who can do what with which key, and by which statements."""

import pytest

from kmsguard.answers.who_can import operations_of, who_can
from kmsguard.answers.who_can_text import render
from kmsguard.model.finding import UsageError

OWN = '{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" }'


def key(*statements, name="a"):
    """A key with a policy of these statements, one a line from line 5 on."""
    lines = "\n".join(f"      {statement}," for statement in statements)
    return f"""resource "aws_kms_key" "{name}" {{
  policy = jsonencode({{
    Version = "2012-10-17"
    Statement = [
{lines}
    ]
  }})
}}
"""


def role(*statements, name="worker"):
    """A role with an inline policy of these statements."""
    return f"""
resource "aws_iam_role" "{name}" {{
  name = "{name}"
  assume_role_policy = "{{}}"
}}
resource "aws_iam_role_policy" "{name}" {{
  role   = aws_iam_role.{name}.id
  policy = jsonencode({{ Version = "2012-10-17", Statement = [{", ".join(statements)}] }})
}}
"""


def decrypt(resource, extra=""):
    """A statement of an identity policy."""
    return f'{{ Effect = "Allow", Action = "kms:Decrypt", Resource = {resource}{extra} }}'


def told(graphs, action="kms:Decrypt", **options):
    """The answers by principal, of the only key: verdict, conditions of each way, and lines of statements of the key policy."""
    (one,) = who_can(action, graphs, **options).keys
    return {answer.principal: answer for answer in one.principals}


def conditions(answer):
    """What each way asks for."""
    return [", ".join(way.conditions) for way in answer.ways]


def lines(answer):
    """Where the statements of all ways stand."""
    return [reason.location.start_line for way in answer.ways for reason in way.reasons if reason.location]


def test_a_role_can_by_the_key_policy_and_its_own_together(read):
    """The key policy leaves it to the account, and the role's policy allows: both are told."""
    answers = told(read(key(OWN) + role(decrypt("aws_kms_key.a.arn"))))
    assert answers["aws_iam_role.worker"].answer == "yes"
    assert [(one.part, one.policy) for one in answers["aws_iam_role.worker"].ways[0].reasons] == [
        ("delegates", "key policy"),
        ("allows", "identity policy"),
    ]
    assert 5 in lines(answers["aws_iam_role.worker"])


def test_a_role_that_may_use_another_key_cannot_use_this_one(read):
    """The ids of two keys that AWS makes up are never the same."""
    graphs = read(key(OWN) + key(OWN, name="b") + role(decrypt("aws_kms_key.b.arn")))
    by_key = {one.address: {answer.principal for answer in one.principals} for one in who_can("Decrypt", graphs).keys}
    assert "aws_iam_role.worker" in by_key["aws_kms_key.b"]
    assert "aws_iam_role.worker" not in by_key["aws_kms_key.a"]


def test_an_account_is_told_for_whom_its_policies_allow(read):
    """The key policy lets in an account as a whole."""
    assert told(read(key(OWN)))["account 111122223333"].answer == "yes"


def test_without_a_policy_the_default_one_decides(read):
    """AWS's default leaves all to the account; there is no place where it is written."""
    (reason,) = told(read('resource "aws_kms_key" "a" {}'))["account 111122223333"].ways[0].reasons
    assert reason.location is None


def test_conditions_that_remain_are_told(read):
    """A service, and an encryption context."""
    statement = (
        '{ Effect = "Allow", Principal = { AWS = aws_iam_role.worker.arn }, Action = "kms:Decrypt", Resource = "*", '
        'Condition = { StringEquals = { "kms:ViaService" = ["s3.eu-west-1.amazonaws.com", "rds.eu-west-1.amazonaws.com"],'
        ' "kms:EncryptionContext:team" = "red" } } }'
    )
    answer = told(read(key(OWN, statement) + role()))["aws_iam_role.worker"]
    assert answer.answer == "yes"
    assert conditions(answer) == ["via s3.eu-west-1 or rds.eu-west-1, with the encryption context team = red"]


def test_what_a_deny_leaves_is_told(read):
    """Everything is denied that does not come through the endpoint."""
    deny = (
        '{ Effect = "Deny", Principal = "*", Action = "kms:Decrypt", Resource = "*", '
        'Condition = { StringNotEquals = { "aws:SourceVpce" = "vpce-1" } } }'
    )
    answer = told(read(key(OWN, deny) + role(decrypt("aws_kms_key.a.arn"))))["aws_iam_role.worker"]
    assert (answer.answer, conditions(answer)) == ("yes", ["through the VPC endpoint vpce-1"])


def test_no_request_is_both_allowed_and_not_denied(read):
    """What is allowed via S3 alone is denied via S3."""
    via = 'Condition = { StringEquals = { "kms:ViaService" = "s3.eu-west-1.amazonaws.com" } }'
    allow = f'{{ Effect = "Allow", Principal = {{ AWS = aws_iam_role.worker.arn }}, Action = "kms:*", Resource = "*", {via} }}'
    deny = f'{{ Effect = "Deny", Principal = "*", Action = "kms:Decrypt", Resource = "*", {via} }}'
    graphs = read(key(OWN, allow, deny) + role())
    assert "aws_iam_role.worker" not in told(graphs)
    assert told(graphs, show_denied=True)["aws_iam_role.worker"].answer == "no"


def test_a_way_that_asks_for_less_stands_for_the_others(read):
    """Whoever may through any service need not be told the one service."""
    via = 'Condition = { StringEquals = { "kms:ViaService" = "s3.eu-west-1.amazonaws.com" } }'
    who = "Principal = { AWS = aws_iam_role.worker.arn }"
    limited = f'{{ Effect = "Allow", {who}, Action = "kms:Decrypt", Resource = "*", {via} }}'
    answer = told(read(key(OWN, limited) + role(decrypt("aws_kms_key.a.arn"))))["aws_iam_role.worker"]
    assert conditions(answer) == [""]


def test_a_grant_lets_in_with_its_encryption_context(read):
    """The constraint of the grant remains."""
    grant = """
resource "aws_kms_grant" "worker" {
  key_id            = aws_kms_key.a.key_id
  grantee_principal = aws_iam_role.worker.arn
  operations        = ["Decrypt"]
  constraints { encryption_context_equals = { team = "red" } }
}
"""
    answer = told(read(key(OWN) + role() + grant))["aws_iam_role.worker"]
    assert (answer.answer, conditions(answer)) == ("yes", ["with the encryption context team = red"])
    assert answer.ways[0].reasons[0].part == "grants"


def test_a_foreign_role_is_unknown_for_its_own_policies(read):
    """Its account has to allow it too, and nothing of the scan says whether it does."""
    arn = "arn:aws:iam::444455556666:role/partner"
    statement = f'{{ Effect = "Allow", Principal = {{ AWS = "{arn}" }}, Action = "kms:Decrypt", Resource = "*" }}'
    answer = told(read(key(OWN, statement)))[arn]
    assert (answer.answer, answer.unit) == ("unknown", None)
    assert [one.reference for one in answer.decided_by] == ["identity policies"]


def test_a_service_can_with_the_context_that_its_statement_names(read):
    """The statement for CloudWatch Logs that AWS documents."""
    statement = (
        '{ Effect = "Allow", Principal = { Service = "logs.eu-west-1.amazonaws.com" }, Action = "kms:Decrypt*", Resource = "*",'
        ' Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:eu-west-1:111122223333:*" } } }'
    )
    answer = told(read(key(OWN, statement)))["logs.eu-west-1.amazonaws.com"]
    assert (answer.kind, answer.answer) == ("service", "yes")
    assert conditions(answer) == ["with the encryption context aws:logs:arn = arn:aws:logs:eu-west-1:111122223333:*"]


def test_a_variable_without_value_is_what_would_decide(read):
    """Nobody knows which key the role's policy is about."""
    code = 'variable "key" { type = string }\n' + key(OWN) + role(decrypt("var.key"))
    answer = told(read(code))["aws_iam_role.worker"]
    assert answer.answer == "unknown"
    assert "var.key" in [one.reference for one in answer.decided_by]


def test_a_condition_of_the_code_is_told_with_its_outcome(read):
    """The role has the policy in production alone."""
    code = (
        'variable "prod" { type = bool }\n'
        + key(OWN)
        + role(decrypt("aws_kms_key.a.arn")).replace("  role   =", "  count  = var.prod ? 1 : 0\n  role   =")
    )
    answer = told(read(code))["aws_iam_role.worker"]
    assert answer.answer == "unknown"
    assert [one.message for one in answer.decided_by] == ["allowed where var.prod is true"]


def test_a_policy_of_the_organization_takes_away(read):
    """An SCP on the account denies the role what both other policies allow."""
    scp = """
resource "aws_organizations_policy" "vault" {
  name    = "vault"
  content = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Deny", Action = "kms:Decrypt", Resource = "*" }] })
}
resource "aws_organizations_policy_attachment" "vault" {
  policy_id = aws_organizations_policy.vault.id
  target_id = "111122223333"
}
"""
    answer = told(read(key(OWN) + role(decrypt("aws_kms_key.a.arn")) + scp), show_denied=True)["aws_iam_role.worker"]
    assert answer.answer == "no"
    assert [one.policy for one in answer.reasons] == ["service control policy"]


def test_a_statement_for_everybody_is_told_by_its_audience(read):
    """Closed by the caller's account it lets in the account, without it everybody."""
    closed = (
        '{ Effect = "Allow", Principal = "*", Action = "kms:Decrypt", Resource = "*", '
        'Condition = { StringEquals = { "kms:CallerAccount" = "111122223333" } } }'
    )
    opened = '{ Effect = "Allow", Principal = "*", Action = "kms:Decrypt", Resource = "*" }'
    (one,) = who_can("Decrypt", read(key(OWN, closed, opened))).keys
    assert [(open_.at_least, open_.at_most, open_.location.start_line) for open_ in one.everybody] == [
        ("account", "account", 6),
        ("public", "public", 7),
    ]


def test_principals_of_another_unit_are_asked_about_in_a_known_account(read):
    """Its policy names the key by any ARN; where no account is known, nobody knows whether the two meet."""
    files = {"keys/main.tf": key(OWN), "app/main.tf": role(decrypt('"*"'))}
    (one,) = who_can("Decrypt", read(files)).keys
    assert ("aws_iam_role.worker", "app", "yes") in [(a.principal, a.unit, a.answer) for a in one.principals]
    (one,) = who_can("Decrypt", read(files, account=None)).keys
    assert "aws_iam_role.worker" not in [a.principal for a in one.principals]


def test_the_same_name_in_another_unit_is_another_key(read):
    """Two environments have a key of one address each; the role of one cannot use the key of the other."""
    module = key(OWN) + role(decrypt("aws_kms_key.a.arn"))
    for one in who_can("Decrypt", read({"dev/main.tf": module, "prod/main.tf": module})).keys:
        assert [(a.unit, a.answer) for a in one.principals if a.principal == "aws_iam_role.worker"] == [(one.unit, "yes")]


def test_operations_of_a_pattern_are_told_together_where_the_answer_is_the_same(read):
    """ReEncryptFrom and ReEncryptTo."""
    statement = '{ Effect = "Allow", Action = "kms:ReEncryptFrom", Resource = aws_kms_key.a.arn }'
    answers = told(read(key(OWN) + role(statement)), "kms:ReEncrypt*")
    assert answers["account 111122223333"].operations == ("ReEncryptFrom", "ReEncryptTo")
    assert answers["aws_iam_role.worker"].operations == ("ReEncryptFrom",)


@pytest.mark.parametrize(
    ("action", "operations"),
    [
        ("kms:Decrypt", ("Decrypt",)),
        ("decrypt", ("Decrypt",)),
        ("kms:ReEncrypt*", ("ReEncryptFrom", "ReEncryptTo")),
        ("KMS:*MAC", ("GenerateMac", "VerifyMac")),
    ],
)
def test_an_action_may_be_short_and_a_pattern(action, operations):
    """Case aside, with or without the service."""
    assert sorted(operations_of(action)) == sorted(operations)


@pytest.mark.parametrize("action", ["kms:Decript", "s3:GetObject", "kms:", "kms:ListKeys"])
def test_an_action_that_no_key_knows_is_bad_usage(action):
    """A misspelled one, one of another service, one that concerns no key."""
    with pytest.raises(UsageError, match="no operation with a key"):
        operations_of(action)


@pytest.mark.parametrize("options", [{"keys": ["aws_kms_key.b"]}, {"principals": ["aws_iam_role.nobody"]}])
def test_a_name_that_fits_nothing_is_bad_usage(read, options):
    """Silence would read as nobody."""
    with pytest.raises(UsageError, match=r"no (key|principal) that is called"):
        who_can("Decrypt", read(key(OWN)), **options)


def test_principals_are_chosen_by_pattern(read):
    """Only those are asked about."""
    graphs = read(key(OWN) + role(decrypt("aws_kms_key.a.arn")) + role(decrypt("aws_kms_key.a.arn"), name="other"))
    assert set(told(graphs, principals=["*.worker", "111122223333"])) == {"aws_iam_role.worker", "account 111122223333"}


ROLE_KEY = """
resource "aws_iam_role" "r" {
  name               = "r"
  assume_role_policy = "{}"
}
resource "aws_kms_key" "k" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = aws_iam_role.r.arn }, Action = "kms:*", Resource = "*", Condition = CONDITION },
    DENY
  ] })
}
"""
WAYS = {
    "grants for AWS resources": (
        '{ Bool = { "kms:GrantIsForAWSResource" = "true" } }',
        "CreateGrant",
        [["for AWS resources only"]],
    ),
    "grants for others": (
        '{ Bool = { "kms:GrantIsForAWSResource" = "false" } }',
        "CreateGrant",
        [["not for an AWS resource"]],
    ),
    "via a service": ('{ Bool = { "aws:ViaAWSService" = "true" } }', "Decrypt", [["via an AWS service"]]),
    "not via a service": ('{ Bool = { "aws:ViaAWSService" = "false" } }', "Decrypt", [["not via an AWS service"]]),
    "via one service": (
        '{ StringEquals = { "kms:ViaService" = "s3.eu-west-1.amazonaws.com" } }',
        "Decrypt",
        [["via s3.eu-west-1"]],
    ),
    "through an endpoint and via a service": (
        '{ StringEquals = { "aws:SourceVpce" = "vpce-1" }, Bool = { "aws:ViaAWSService" = "true" } }',
        "Decrypt",
        [],
    ),
}


@pytest.mark.parametrize(("condition", "action", "ways"), WAYS.values(), ids=WAYS)
def test_ways_of_a_call(read, condition, action, ways):
    """What a condition asks of the way that a call takes is met, where one way meets it."""
    (key,) = who_can(action, read(ROLE_KEY.replace("CONDITION", condition).replace("DENY", "")), principals=["*.r"]).keys

    assert [list(way.conditions) for one in key.principals for way in one.ways if one.answer == "yes"] == ways


def test_ways_past_a_deny(read):
    """A Deny outside of an endpoint that exempts calls via services leaves both ways."""
    deny = """{ Effect = "Deny", Principal = "*", Action = "kms:*", Resource = "*", Condition = {
      StringNotEquals = { "aws:SourceVpce" = "vpce-1" }, Bool = { "aws:ViaAWSService" = "false" } } }"""
    code = ROLE_KEY.replace("Condition = CONDITION", 'Sid = "R"').replace("DENY", deny)
    (key,) = who_can("Decrypt", read(code), principals=["*.r"]).keys

    assert [list(way.conditions) for one in key.principals for way in one.ways] == [
        ["through the VPC endpoint vpce-1"],
        ["via an AWS service"],
    ]


def test_a_service_of_a_region_that_is_not_given(read):
    """Its name holds the Region; it is one and the same service all the same."""
    code = """
variable "region" { type = string }
resource "aws_kms_key" "k" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Principal = { Service = "logs.${var.region}.amazonaws.com" }, Action = "kms:Encrypt", Resource = "*" }] })
}
"""
    (key,) = who_can("Encrypt", read(code)).keys

    assert [(one.principal, one.kind, one.answer) for one in key.principals] == [
        ("logs.${var.region}.amazonaws.com", "service", "yes")
    ]


def test_an_account_that_is_not_known_is_not_everybody(read):
    """A test of the caller's account lets in one account, whichever it is."""
    code = """
variable "id" { type = string }
resource "aws_kms_key" "k" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Principal = { AWS = "*" }, Action = "kms:Decrypt", Resource = "*"
    Condition = { StringEquals = { "kms:CallerAccount" = var.id } } }] })
}
"""
    (key,) = who_can("Decrypt", read(code)).keys

    assert [(one.at_least, one.at_most) for one in key.everybody] == [("nobody", "external")]


@pytest.mark.parametrize(
    ("asked", "head"),
    [
        ("kms:decrypt", "kms:Decrypt with"),
        ("DECRYPT", "kms:Decrypt with"),
        ("KMS:reencryptfrom", "kms:ReEncryptFrom with"),
        ("kms:reencrypt*", "kms:reencrypt* with"),
    ],
)
def test_text_spells_an_operation_as_kms_does(read, asked, head):
    """IAM takes an action in either case; what is printed is KMS's own spelling, and a pattern as it was asked for."""
    assert render(who_can(asked, read(key(OWN))), 100).startswith(head)
