"""In which Region the key of a copy has to be, and what of it a template decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmsguard.kinds.build import build
from kmsguard.kinds.load import load
from kmsguard.model.declaration import UnitSettings, UnitSource
from kmsguard.model.guard import NOWHERE_ASSUMED
from kmsguard.model.rule import Answer, JudgeSettings, Question
from kmsguard.model.truth import Truth
from kmsguard.rules.checks import copies
from kmsguard.terraform import read

KINDS = load()
HOME = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
THERE = HOME.replace("us-east-1", "eu-west-1")
PROVIDER = 'provider "aws" { region = "us-east-1" }\n'


def ask(folder: Path, check: str, kind: str, text: str, number: int = -1) -> Answer:
    """What a check says of the last resource of a kind."""
    (folder / "main.tf").write_text(PROVIDER + text, encoding="utf-8")
    unit = read(UnitSource(str(folder), "terraform", UnitSettings(account="111122223333"), str(folder)))
    graph = build([unit], KINDS)
    question = Question(graph, graph.by_kind[kind][number], NOWHERE_ASSUMED, JudgeSettings())
    return getattr(copies, check)(question)


@pytest.mark.parametrize(
    ("key", "truth"),
    [
        (f'"{HOME}"', Truth.NO),
        (f'"{THERE}"', Truth.YES),
        ('"alias/copies"', Truth.YES),
        ("aws_kms_key.home.arn", Truth.NO),
        ("aws_kms_key.there.arn", Truth.YES),
        ("var.key", Truth.UNKNOWN),
    ],
)
def test_the_key_of_a_snapshot_copy(tmp_path, key, truth):
    """An ARN says its Region, an alias alone is looked up where the copy is made, a variable decides nothing."""
    text = f"""
variable "key" {{}}
resource "aws_kms_key" "home" {{}}
resource "aws_kms_key" "there" {{ region = "eu-west-1" }}
resource "aws_ebs_snapshot_copy" "copy" {{
  region             = "eu-west-1"
  source_snapshot_id = "snap-1234567890abcdef0"
  source_region      = "us-east-1"
  kms_key_id         = {key}
}}
"""
    assert ask(tmp_path, "own_region", "ebs.snapshot_copy", text).truth is truth


def test_each_copy_of_a_lifecycle_policy_is_told(tmp_path):
    """Of three rules the two with a key of another Region are findings of their own."""
    rules = "".join(
        f'cross_region_copy_rule {{\n target = "{region}"\n encrypted = true\n cmk_arn = "{THERE}"\n }}\n'
        for region in ("eu-west-1", "eu-west-2", "eu-west-3")
    )
    text = f"""
resource "aws_dlm_lifecycle_policy" "daily" {{
  policy_details {{
    schedule {{
      name = "daily"
      {rules}
    }}
  }}
}}
"""
    answer = ask(tmp_path, "own_region", "dlm.policy", text)
    assert [found.values["region"] for found in answer.findings] == ["eu-west-2", "eu-west-3"]


def test_a_database_that_is_no_replica_is_not_asked(tmp_path):
    """The key of a database that copies nothing is another rule's."""
    text = f'resource "aws_rds_cluster" "a" {{\n engine = "aurora-mysql"\n kms_key_id = "{THERE}"\n}}'
    assert ask(tmp_path, "own_region", "rds.cluster", text).truth is Truth.YES


@pytest.mark.parametrize(("encrypted", "truth"), [("true", Truth.NO), ("false", Truth.YES), ("var.encrypted", Truth.UNKNOWN)])
def test_a_read_replica_in_another_region(tmp_path, encrypted, truth):
    """It needs a key if its source is encrypted."""
    text = f"""
variable "encrypted" {{}}
resource "aws_db_instance" "source" {{
  identifier        = "source"
  storage_encrypted = {encrypted}
}}
resource "aws_db_instance" "replica" {{
  region              = "eu-west-1"
  replicate_source_db = aws_db_instance.source.arn
}}
"""
    assert ask(tmp_path, "keyed_across_regions", "rds.instance", text).truth is truth
