"""What related keys have to have in common, and what only differs because their Regions do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmsguard.kinds.build import build
from kmsguard.kinds.load import load
from kmsguard.model.declaration import UnitSettings, UnitSource
from kmsguard.model.guard import NOWHERE_ASSUMED
from kmsguard.model.rule import Answer, JudgeSettings, Question
from kmsguard.model.truth import Truth
from kmsguard.rules.checks import lifecycle, related_keys
from kmsguard.terraform import read

KINDS = load()
ROOT = "arn:aws:iam::111122223333:root"
ADMIN = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}


def ask(folder: Path, module: object, check: str, kind: str, text: str) -> Answer:
    """What a check says of the last resource of a kind."""
    (folder / "main.tf").write_text('provider "aws" { region = "us-east-1" }\n' + text, encoding="utf-8")
    unit = read(UnitSource(str(folder), "terraform", UnitSettings(account="111122223333"), str(folder)))
    graph = build([unit], KINDS)
    return getattr(module, check)(Question(graph, graph.by_kind[kind][-1], NOWHERE_ASSUMED, JudgeSettings()))


def use(principal: object, action: object, **more: object) -> dict[str, object]:
    """A statement that lets somebody do something."""
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


ROLE = {"AWS": "arn:aws:iam::111122223333:role/app"}
OTHER_ROLE = {"AWS": "arn:aws:iam::111122223333:role/app-west"}
VIA = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
VIA_THERE = {"StringEquals": {"kms:ViaService": "s3.us-west-2.amazonaws.com"}}
DENY = {**use("*", "kms:ScheduleKeyDeletion"), "Effect": "Deny"}


@pytest.mark.parametrize(
    ("primary", "replica", "truth"),
    [
        ([ADMIN], [use({"AWS": "111122223333"}, ["kms:*"])], Truth.YES),
        ([ADMIN], [use({"AWS": [ROOT]}, ["kms:A*", "kms:*"], Sid="Other")], Truth.YES),
        ([use(ROLE, ["kms:Encrypt", "kms:Decrypt"])], [use(ROLE, "kms:decrypt"), use(ROLE, "kms:Encrypt")], Truth.YES),
        ([use(ROLE, "kms:Decrypt", Condition=VIA)], [use(ROLE, "kms:Decrypt", Condition=VIA_THERE)], Truth.YES),
        ([use(ROLE, "kms:Decrypt", Condition=VIA)], [use(ROLE, "kms:Decrypt", Condition=VIA)], Truth.NO),
        ([use(ROLE, "kms:Decrypt")], [use(OTHER_ROLE, "kms:Decrypt")], Truth.YES),
        ([use(ROLE, "kms:Decrypt")], [use(OTHER_ROLE, "kms:*")], Truth.NO),
        ([ADMIN, use(ROLE, "kms:Decrypt")], [ADMIN], Truth.NO),
        ([ADMIN], [ADMIN, use({"AWS": "444455556666"}, "kms:Decrypt")], Truth.NO),
        ([ADMIN], [ADMIN, use({"Service": "logs.us-west-2.amazonaws.com"}, "kms:Decrypt")], Truth.YES),
        ([ADMIN, DENY], [ADMIN], Truth.NO),
        ([ADMIN], [ADMIN, use(ROLE, "kms:DescribeKey")], Truth.YES),
    ],
)
def test_policies(tmp_path, primary, replica, truth):
    """Policies are compared by whom they let do what, not by their text."""
    policies = [json.dumps(json.dumps({"Version": "2012-10-17", "Statement": one})) for one in (primary, replica)]
    text = f"""
resource "aws_kms_key" "a" {{
  multi_region = true
  policy       = {policies[0]}
}}
resource "aws_kms_replica_key" "a" {{
  region          = "us-west-2"
  primary_key_arn = aws_kms_key.a.arn
  policy          = {policies[1]}
}}
"""
    assert ask(tmp_path, related_keys, "same_policy", "kms.key", text).truth is truth


@pytest.mark.parametrize(
    ("arn", "truth"),
    [
        ("arn:aws:kms:${var.a}:111122223333:key/mrk-1234", Truth.YES),
        ("arn:aws:kms:us-east-1:111122223333:key/mrk-${var.a}", Truth.YES),
        ("arn:aws:kms:${var.a}:111122223333:key/1234", Truth.NO),
        ("arn:aws:kms:us-east-1:111122223333:key/12${var.a}", Truth.NO),
        ("arn:aws:kms:us-east-1:111122223333:key/${var.a}", Truth.UNKNOWN),
        ("${var.a}", Truth.UNKNOWN),
        ("arn:aws:kms:us-east-1:111122223333:alias/cards", Truth.NO),
    ],
)
def test_the_id_of_a_primary(tmp_path, arn, truth):
    """The id of a multi-Region key begins with mrk-, and that is enough to know of it."""
    text = f'variable "a" {{}}\nresource "aws_kms_replica_key" "a" {{ primary_key_arn = "{arn}" }}\n'
    assert ask(tmp_path, related_keys, "id_of_multi_region", "kms.key", text).truth is truth


@pytest.mark.parametrize(
    ("alias", "tag", "truth"),
    [
        ("alias/prod-orders", "production", Truth.YES),
        ("alias/prod-orders", "Dev", Truth.NO),
        ("alias/orders", "dev", Truth.YES),
        ("alias/product-orders", "dev", Truth.YES),
        ("alias/qa/orders", "test", Truth.YES),
        ("alias/dev-to-prod", "test", Truth.YES),
        ("alias/ordersStaging", "prod", Truth.NO),
    ],
)
def test_environments(tmp_path, alias, tag, truth):
    """Words count, not parts of them; a name that says two environments says none."""
    text = f"""
resource "aws_kms_key" "orders" {{ tags = {{ Environment = "{tag}" }} }}
resource "aws_kms_alias" "orders" {{
  name          = "{alias}"
  target_key_id = aws_kms_key.orders.key_id
}}
"""
    assert ask(tmp_path, lifecycle, "of_environment", "kms.alias", text).truth is truth
