"""What S3 asks of KMS when it replicates, and what of it a template decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmsguard.kinds.build import build
from kmsguard.kinds.load import load
from kmsguard.model.declaration import UnitSettings, UnitSource
from kmsguard.model.guard import NOWHERE_ASSUMED
from kmsguard.model.rule import Answer, JudgeSettings, Question
from kmsguard.model.truth import Truth
from kmsguard.rules.checks import replicated_objects, replication, s3_replication
from kmsguard.terraform import read

KINDS = load()
START = """
provider "aws" { region = "eu-west-1" }
resource "aws_kms_key" "records" {}
resource "aws_kms_key" "copies" { region = "eu-central-1" }
resource "aws_s3_bucket" "records" { bucket = "example-records" }
resource "aws_s3_bucket_server_side_encryption_configuration" "records" {
  bucket = aws_s3_bucket.records.id
  rule {
    bucket_key_enabled = BUCKET_KEY
    apply_server_side_encryption_by_default {
      sse_algorithm     = "ALGORITHM"
      kms_master_key_id = aws_kms_key.records.arn
    }
  }
}
resource "aws_s3_bucket" "copies" {
  region = "eu-central-1"
  bucket = "example-copies"
}
resource "aws_iam_role" "copier" {
  name               = "copier"
  assume_role_policy = "{}"
}
resource "aws_iam_role_policy" "copier" {
  role   = aws_iam_role.copier.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [STATEMENTS] })
}
resource "aws_s3_bucket_replication_configuration" "records" {
  bucket = aws_s3_bucket.records.id
  role   = aws_iam_role.copier.arn
  RULES
}
"""
RULE = """rule {
    id     = "ID"
    status = "Enabled"
    filter { prefix = "PREFIX" }
    source_selection_criteria {
      sse_kms_encrypted_objects { status = "Enabled" }
    }
    destination {
      bucket = aws_s3_bucket.copies.arn
      encryption_configuration { replica_kms_key_id = KEY }
    }
  }
"""
DECRYPT = '{ Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.records.arn CONDITION }'
ENCRYPT = '{ Effect = "Allow", Action = "kms:Encrypt", Resource = aws_kms_key.copies.arn CONDITION }'


def ask(
    folder: Path,
    check: str,
    *statements: str,
    rules: str = "",
    extra: str = "",
    bucket_key: str = "false",
    algorithm: str = "aws:kms",
    key: str = "aws_kms_key.copies.arn",
    number: int = 0,
    start: str = START,
) -> Answer:
    """What a check says of a rule of the replication configuration above."""
    text = start.replace("RULES", rules or RULE).replace("STATEMENTS", ", ".join(statements)).replace("CONDITION", "")
    text = text.replace("BUCKET_KEY", bucket_key).replace("ALGORITHM", algorithm).replace("KEY", key).replace("PREFIX", "")
    (folder / "main.tf").write_text(text + extra, encoding="utf-8")
    unit = read(UnitSource(str(folder), "terraform", UnitSettings(account="111122223333"), str(folder)))
    graph = build([unit], KINDS)
    resource = graph.by_kind["s3.replication"][number]
    module = replicated_objects if hasattr(replicated_objects, check) else replication
    return getattr(module, check)(Question(graph, resource, NOWHERE_ASSUMED, JudgeSettings(account="111122223333")))


def condition(statement: str, operator: str, key: str, value: str) -> str:
    """A statement with a condition."""
    return statement.replace("CONDITION", f', Condition = {{ {operator} = {{ "{key}" = "{value}" }} }}')


@pytest.mark.parametrize(("action", "truth"), [("Encrypt", Truth.YES), ("GenerateDataKey*", Truth.NO), ("*", Truth.YES)])
def test_encrypt_is_what_the_replica_key_needs(tmp_path, action, truth):
    """GenerateDataKey on the replica key neither is needed nor suffices."""
    statement = ENCRYPT.replace("kms:Encrypt", f"kms:{action}")
    assert ask(tmp_path, "replica_key", DECRYPT, statement).truth is truth


def test_a_deny_is_told_with_its_statement(tmp_path):
    """Whatever allows, a Deny decides, and is what the finding shows."""
    deny = '{ Sid = "Lock", Effect = "Deny", Action = "kms:*", Resource = "*" }'
    answer = ask(tmp_path, "source_key", DECRYPT, ENCRYPT, deny)
    assert answer.truth is Truth.NO
    assert answer.values["reason"] == ": a statement denies it"
    assert 'statement "Lock" of the identity policy denies kms:Decrypt' in [e.message for e in answer.evidence]


def test_what_is_missing_can_be_pasted(tmp_path):
    """The remediation is a statement in the terms of the template, and the place is the role of the configuration."""
    answer = ask(tmp_path, "source_key", ENCRYPT)
    assert answer.truth is Truth.NO
    assert 'Action   = "kms:Decrypt"\n  Resource = aws_kms_key.records.arn' in answer.remediation
    assert answer.evidence[0].span.start_line == 1 + START[: START.index("role   = aws_iam_role.copier.arn")].count("\n")


@pytest.mark.parametrize(
    ("bucket_key", "context", "truth"),
    [
        ("true", "arn:aws:s3:::example-records", Truth.YES),
        ("true", "arn:aws:s3:::example-records/*", Truth.NO),
        ("false", "arn:aws:s3:::example-records/*", Truth.YES),
        ("false", "arn:aws:s3:::example-records", Truth.NO),
        ("false", "arn:aws:s3:::example-records*", Truth.YES),
    ],
)
def test_the_context_is_of_the_bucket_with_a_bucket_key_else_of_the_object(tmp_path, bucket_key, context, truth):
    """Only the rule about contexts tells a wrong one; that the role has no permission is another finding."""
    statement = condition(DECRYPT, "StringLike", s3_replication.OBJECT_CONTEXT, context)
    asked = {"bucket_key": bucket_key}
    assert ask(tmp_path, "encryption_context", statement, ENCRYPT, **asked).truth is truth
    assert ask(tmp_path, "source_key", statement, ENCRYPT, **asked).truth is Truth.YES


def test_a_bucket_whose_name_is_made_up_has_the_same_contexts(tmp_path):
    """The bucket's ARN is not known, and yet is never the ARN of one of its objects."""
    statement = condition(DECRYPT, "StringLike", s3_replication.OBJECT_CONTEXT, "${aws_s3_bucket.records.arn}/*")
    start = START.replace('"example-records"', "null")
    assert ask(tmp_path, "encryption_context", statement, ENCRYPT, bucket_key="true", start=start).truth is Truth.NO
    assert ask(tmp_path, "source_key", statement, ENCRYPT, start=start).truth is Truth.YES


def test_some_objects_leave_it_open(tmp_path):
    """A statement for a folder covers some of the objects of a rule for all of them."""
    statement = condition(DECRYPT, "StringLike", s3_replication.OBJECT_CONTEXT, "arn:aws:s3:::example-records/in/*")
    answer = ask(tmp_path, "source_key", statement, ENCRYPT)
    assert answer.truth is Truth.UNKNOWN
    assert "the names of the objects" in [o.reference for o in answer.open]


def test_a_rule_for_a_folder_and_a_statement_for_it(tmp_path):
    """The prefix of the rule is the beginning of the object's name."""
    statement = condition(DECRYPT, "StringLike", s3_replication.OBJECT_CONTEXT, "arn:aws:s3:::example-records/in/*")
    assert ask(tmp_path, "source_key", statement, ENCRYPT, rules=RULE.replace("PREFIX", "in/")).truth is Truth.YES


@pytest.mark.parametrize(("region", "truth"), [("eu-west-1", Truth.NO), ("eu-central-1", Truth.YES)])
def test_replicas_are_encrypted_through_the_destination_region(tmp_path, region, truth):
    """`kms:ViaService` names S3 in the Region of the destination bucket."""
    statement = condition(ENCRYPT, "StringEquals", "kms:ViaService", f"s3.{region}.amazonaws.com")
    assert ask(tmp_path, "replica_key", DECRYPT, statement).truth is truth


def test_one_missing_statement_is_told_once(tmp_path):
    """Of two rules of a configuration only the first tells what both lack."""
    rules = RULE.replace("ID", "in").replace("PREFIX", "in/") + RULE.replace("ID", "out").replace("PREFIX", "out/")
    told = [ask(tmp_path, "source_key", ENCRYPT, rules=rules, number=number).truth for number in (0, 1)]
    assert told == [Truth.NO, Truth.YES]


def test_a_key_of_the_wrong_region_is_told_once(tmp_path):
    """Whether the role may use a replica key that S3 cannot use anyway is not asked."""
    key = "aws_kms_key.records.arn"
    assert ask(tmp_path, "key_region", DECRYPT, key=key).truth is Truth.NO
    assert ask(tmp_path, "replica_key", DECRYPT, key=key).truth is Truth.YES


def test_without_objects_under_kms_the_replica_key_is_open(tmp_path):
    """Where the bucket's default is SSE-S3 it is not known whether there are objects that need the replica key."""
    answer = ask(tmp_path, "replica_key", algorithm="AES256")
    assert answer.truth is Truth.UNKNOWN
    assert [o.reference for o in answer.open] == ["the objects of the source bucket"]
    assert ask(tmp_path, "source_key", algorithm="AES256").truth is Truth.YES


def test_the_aws_managed_key_needs_no_statement(tmp_path):
    """Through S3 aws/s3 lets all principals of its account in."""
    key = '"arn:aws:kms:eu-central-1:111122223333:alias/aws/s3"'
    assert ask(tmp_path, "replica_key", DECRYPT, key=key).truth is Truth.YES


def test_a_grant_lets_the_role_in(tmp_path):
    """A grant suffices, and its constraint on the encryption context binds."""
    grant = """
resource "aws_kms_grant" "copier" {
  key_id            = aws_kms_key.records.key_id
  grantee_principal = aws_iam_role.copier.arn
  operations        = ["Decrypt"]
  CONSTRAINT
}
"""
    bound = 'constraints { encryption_context_equals = { "aws:s3:arn" = "arn:aws:s3:::example-other" } }'
    assert ask(tmp_path, "source_key", ENCRYPT, extra=grant.replace("CONSTRAINT", "")).truth is Truth.YES
    assert ask(tmp_path, "source_key", ENCRYPT, extra=grant.replace("CONSTRAINT", bound)).truth is Truth.NO


@pytest.mark.parametrize(("action", "truth"), [("s3:GetObjectVersion", Truth.NO), ("s3:GetObjectVersion*", Truth.YES)])
def test_versions_under_kms_need_their_own_permission(tmp_path, action, truth):
    """s3:GetObjectVersion does not cover them."""
    statement = f'{{ Effect = "Allow", Action = "{action}", Resource = "${{aws_s3_bucket.records.arn}}/*" }}'
    assert ask(tmp_path, "read_versions", statement).truth is truth


def test_a_policy_without_its_content_leaves_it_open(tmp_path):
    """A managed policy of unknown content may have the statement that is missing."""
    attached = """
resource "aws_iam_role_policy_attachment" "copier" {
  role       = aws_iam_role.copier.name
  policy_arn = "arn:aws:iam::111122223333:policy/replication"
}
"""
    answer = ask(tmp_path, "source_key", ENCRYPT, extra=attached)
    assert answer.truth is Truth.UNKNOWN
    assert "arn:aws:iam::111122223333:policy/replication" in [o.reference for o in answer.open]
