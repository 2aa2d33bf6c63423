"""Whom keys admit to what is shared, and what the data is under, as AWS decides it."""

from pathlib import Path

import pytest

from kmsguard.kinds.build import build
from kmsguard.kinds.load import load as load_kinds
from kmsguard.model.declaration import UnitSettings, UnitSource
from kmsguard.model.rule import JudgeSettings, RuleTable
from kmsguard.rules.judge import judge
from kmsguard.rules.load import built_in, rule_files
from kmsguard.rules.reading import read_rules
from kmsguard.terraform import read

OWN, PARTNER, OTHER = "111122223333", "444455556666", "777788889999"
USE = '["kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]'
VOLUME = """
resource "aws_ebs_volume" "v" {
  availability_zone = "us-east-1a"
  size              = 8
  %s
}
resource "aws_ebs_snapshot" "s" { volume_id = aws_ebs_volume.v.id }
resource "aws_snapshot_create_volume_permission" "share" {
  snapshot_id = aws_ebs_snapshot.s.id
  account_id  = "444455556666"
}
"""
UNDER_KEY = "encrypted  = true\n  kms_key_id = aws_kms_key.k.arn"
IMAGE = """
resource "aws_ami_copy" "i" {
  name              = "i"
  source_ami_id     = "ami-1234567890abcdef0"
  source_ami_region = "us-east-1"
  encrypted         = true
  kms_key_id        = aws_kms_key.k.arn
}
resource "aws_ami_launch_permission" "share" {
  image_id = aws_ami_copy.i.id
  %s
}
"""
ORGANIZATION = f'organization_arn = "arn:aws:organizations::{OWN}:organization/o-abcdefghij"'
UNIT = f'organizational_unit_arn = "arn:aws:organizations::{OWN}:ou/o-abcdefghij/ou-ab12-11111111"'


@pytest.fixture(scope="module")
def kinds():
    """The kinds that come with the program."""
    return load_kinds()


@pytest.fixture(scope="module")
def rules(kinds):
    """The rules about sharing."""
    read_ones, problems = read_rules([file for file in rule_files(built_in()) if "sharing" in file], kinds)
    assert problems == []
    return RuleTable(tuple(read_ones))


@pytest.fixture
def told(tmp_path: Path, kinds, rules):
    """Judges Terraform code by one rule: the verdicts that are not `pass`, with messages, by address."""

    def tell(code: str, text: str, **settings) -> dict[str, list]:
        (tmp_path / "main.tf").write_text('provider "aws" { region = "us-east-1" }\n' + text)
        unit = read(UnitSource(str(tmp_path), "terraform", UnitSettings(account=OWN), boundary=str(tmp_path)))
        assert not [problem for problem in unit.problems if problem.level == "error"]
        given = JudgeSettings(profile="strict", select=(code,), account=OWN, **settings)
        found: dict[str, list] = {}
        for judgement in judge(build([unit], kinds), rules, given).judgements:
            if judgement.verdict != "pass":
                found.setdefault(judgement.resource.address, []).append(judgement)
        return found

    return tell


def key(*statements: str) -> str:
    """A key whose policy lets its own account do all, and has these statements besides."""
    own = f'{{ Effect = "Allow", Principal = {{ AWS = "arn:aws:iam::{OWN}:root" }}, Action = "kms:*", Resource = "*" }}'
    policy = ", ".join((own, *statements))
    return f'resource "aws_kms_key" "k" {{\n  policy = jsonencode({{ Version = "2012-10-17", Statement = [{policy}] }})\n}}\n'


def allow(principal: str, condition: str = "", actions: str = USE) -> str:
    """A statement that allows the use of the key."""
    condition = f", Condition = {condition}" if condition else ""
    return f'{{ Effect = "Allow", Principal = {principal}, Action = {actions}, Resource = "*"{condition} }}'


def verdicts(found: dict[str, list]) -> list[str]:
    """The verdicts on what shares."""
    return [judgement.verdict for judgements in found.values() for judgement in judgements]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow(f'{{ AWS = "{PARTNER}" }}'), []),
        (allow(f'{{ AWS = "arn:aws:iam::{PARTNER}:role/restore" }}'), []),
        (allow(f'{{ AWS = "arn:aws:iam::{PARTNER}:user/jane" }}'), []),
        (allow(f'{{ AWS = "arn:aws:sts::{PARTNER}:assumed-role/restore/job" }}'), []),
        (allow('"*"', f'{{ StringEquals = {{ "kms:CallerAccount" = "{PARTNER}" }} }}'), []),
        (allow('"*"', f'{{ ArnLike = {{ "aws:PrincipalArn" = "arn:aws:iam::{PARTNER}:role/team-*" }} }}'), []),
        (allow('"*"', f'{{ ArnLike = {{ "aws:PrincipalArn" = "arn:aws:iam::{OTHER}:role/team-*" }} }}'), ["fail"]),
        (allow(f'{{ AWS = "{OTHER}" }}'), ["fail"]),
        (allow(f'{{ AWS = "{PARTNER}" }}', '{ StringEquals = { "kms:ViaService" = "ec2.us-east-1.amazonaws.com" } }'), []),
        (
            allow(f'{{ AWS = "{PARTNER}" }}', '{ StringEquals = { "kms:ViaService" = "ec2.eu-west-1.amazonaws.com" } }'),
            ["fail"],
        ),
        (allow(f'{{ AWS = "{PARTNER}" }}', '{ StringEquals = { "kms:ViaService" = "s3.us-east-1.amazonaws.com" } }'), ["fail"]),
        (allow('"*"', '{ StringEquals = { "aws:PrincipalOrgID" = "o-abcdefghij" } }'), ["unknown"]),
    ],
)
def test_a_key_policy_admits_the_account_or_somebody_of_it(told, statement, expected):
    """The account, a user, role or session of it, or conditions that one of them meets; the calls come through EC2."""
    assert verdicts(told("KG703", key(statement) + VOLUME % UNDER_KEY)) == expected


@pytest.mark.parametrize(
    "missing", ["kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]
)
def test_what_is_missing_is_named(told, missing):
    """Each of the permissions that AWS lists for a shared snapshot counts."""
    actions = USE.replace(f'"{missing}", ', "").replace(f', "{missing}"', "")
    found = told("KG703", key(allow(f'{{ AWS = "{PARTNER}" }}', actions=actions)) + VOLUME % UNDER_KEY)
    (judgement,) = found["aws_snapshot_create_volume_permission.share"]
    assert judgement.verdict == "fail"
    assert judgement.message.endswith(f"without {missing} on the key aws_kms_key.k")


def test_the_receiver_re_encrypts_with_its_own_key(told):
    """Of ReEncrypt* the shared key needs the half that reads; an image needs no data keys of it."""
    actions = '["kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncryptFrom"]'
    statement = key(allow(f'{{ AWS = "{PARTNER}" }}', actions=actions))
    assert verdicts(told("KG703", statement + IMAGE % f'account_id = "{PARTNER}"')) == []


def test_a_deny_for_other_accounts_closes_the_key(told):
    """An explicit deny beats what is allowed."""
    deny = (
        '{ Effect = "Deny", Principal = "*", Action = "kms:CreateGrant", Resource = "*", '
        f'Condition = {{ StringNotEquals = {{ "aws:PrincipalAccount" = "{OWN}" }} }} }}'
    )
    found = told("KG703", key(allow(f'{{ AWS = "{PARTNER}" }}'), deny) + VOLUME % UNDER_KEY)
    assert verdicts(found) == ["fail"]


def test_a_grant_is_enough(told):
    """A grant for a role of the receiver gives that role what its operations say, without any policy."""
    grant = f"""
    resource "aws_kms_grant" "restore" {{
      key_id            = aws_kms_key.k.id
      grantee_principal = "arn:aws:iam::{PARTNER}:role/restore"
      operations        = ["Decrypt", "DescribeKey", "CreateGrant", "ReEncryptFrom", "GenerateDataKeyWithoutPlaintext"]
    }}
    """
    assert verdicts(told("KG703", key() + grant + VOLUME % UNDER_KEY)) == []


@pytest.mark.parametrize(
    ("receiver", "statement", "expected"),
    [
        (ORGANIZATION, allow('"*"', '{ StringEquals = { "aws:PrincipalOrgID" = "o-abcdefghij" } }'), []),
        (ORGANIZATION, allow('"*"', '{ StringEquals = { "aws:PrincipalOrgID" = "o-zyxwvutsrq" } }'), ["fail"]),
        (ORGANIZATION, allow(f'{{ AWS = "{PARTNER}" }}'), ["unknown"]),
        (UNIT, allow('"*"', '{ StringEquals = { "aws:PrincipalOrgID" = "o-abcdefghij" } }'), []),
        (
            UNIT,
            allow(
                '"*"', '{ "ForAnyValue:StringLike" = { "aws:PrincipalOrgPaths" = ["o-abcdefghij/r-ab12/ou-ab12-11111111/*"] } }'
            ),
            [],
        ),
        (
            UNIT,
            allow(
                '"*"', '{ "ForAnyValue:StringLike" = { "aws:PrincipalOrgPaths" = ["o-abcdefghij/r-ab12/ou-ab12-22222222/*"] } }'
            ),
            ["unknown"],  # perhaps one is inside of the other
        ),
        (
            UNIT,
            allow(
                '"*"', '{ "ForAnyValue:StringLike" = { "aws:PrincipalOrgPaths" = ["o-zyxwvutsrq/r-ab12/ou-ab12-22222222/*"] } }'
            ),
            ["fail"],
        ),
    ],
)
def test_organizations_and_units_are_admitted_by_conditions(told, receiver, statement, expected):
    """Members of an organization have its id and a path of it; which accounts those are, no template says."""
    assert verdicts(told("KG703", key(statement) + IMAGE % receiver)) == expected


@pytest.mark.parametrize(
    ("before", "volume", "expected"),
    [
        ("", "", []),
        ("", "encrypted = true", ["fail"]),
        ('resource "aws_ebs_encryption_by_default" "here" {}', "", ["fail"]),
        (key() + 'resource "aws_ebs_default_kms_key" "here" { key_arn = aws_kms_key.k.arn }', "encrypted = true", []),
        ('data "aws_kms_alias" "ebs" { name = "alias/aws/ebs" }',
         "encrypted  = true\n  kms_key_id = data.aws_kms_alias.ebs.target_key_arn", ["fail"]),
        ("", 'snapshot_id = "snap-1234567890abcdef0"', []),
    ],
)  # fmt: skip
def test_without_a_key_ebs_takes_the_default_key(told, before, volume, expected):
    """That is the key of AWS, unless the Region has another default key in the scan."""
    assert verdicts(told("KG702", before + "\n" + VOLUME % volume)) == expected


def test_a_statement_to_paste_stands_in_the_remediation(told):
    """It names the receiver and all that it needs."""
    (judgement,) = told("KG703", key() + VOLUME % UNDER_KEY)["aws_snapshot_create_volume_permission.share"]
    assert judgement.place.start_line > 1
    assert 'AWS = "arn:aws:iam::444455556666:root"' in judgement.remediation
    assert '"kms:CreateGrant"' in judgement.remediation


def test_two_accounts_that_lack_the_same_are_one_finding(told):
    """One key policy is one thing to mend."""
    text = (
        key()
        + """
    resource "aws_db_instance" "d" {
      identifier        = "d"
      instance_class    = "db.t4g.micro"
      storage_encrypted = true
      kms_key_id        = aws_kms_key.k.arn
    }
    resource "aws_db_snapshot" "share" {
      db_instance_identifier = aws_db_instance.d.identifier
      db_snapshot_identifier = "d"
      shared_accounts        = ["444455556666", "777788889999", "111122223333"]
    }
    """
    )
    (judgement,) = told("KG703", text)["aws_db_snapshot.share"]
    assert "shared with 444455556666, 777788889999 without" in judgement.message


def test_the_own_account_is_no_receiver(told):
    """What is shared with the account that it is in needs no declaration."""
    text = IMAGE % f'account_id = "{OWN}"'
    assert verdicts(told("KG704", key() + text, trusted_accounts=(PARTNER,))) == []


@pytest.mark.parametrize(
    ("receiver", "settings", "expected"),
    [
        (f'account_id = "{PARTNER}"', {}, ["unknown"]),
        (f'account_id = "{PARTNER}"', {"trusted_accounts": (OTHER,)}, ["fail"]),
        (ORGANIZATION, {"organizations": ("o-abcdefghij",)}, []),
        (UNIT, {"organizations": ("o-zyxwvutsrq",)}, ["fail"]),
    ],
)
def test_who_is_declared_is_the_users_word(told, receiver, settings, expected):
    """Where nothing at all is declared, nobody can say who is a stranger."""
    assert verdicts(told("KG704", key() + IMAGE % receiver, **settings)) == expected


def test_copies_of_backups_that_stay_encrypted_anew_are_nobodys_business(told):
    """AWS Backup encrypts what it fully manages under the vault's key."""
    text = f"""
    resource "aws_s3_bucket" "b" {{ bucket = "b" }}
    resource "aws_backup_plan" "p" {{
      name = "p"
      rule {{
        rule_name         = "r"
        target_vault_name = "v"
        copy_action {{ destination_vault_arn = "arn:aws:backup:us-east-1:{PARTNER}:backup-vault:copies" }}
      }}
    }}
    resource "aws_backup_selection" "s" {{
      name         = "s"
      plan_id      = aws_backup_plan.p.id
      iam_role_arn = "arn:aws:iam::{OWN}:role/backup"
      resources    = [aws_s3_bucket.b.arn]
    }}
    """
    assert verdicts(told("KG705", text)) == []
