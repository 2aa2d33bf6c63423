"""Integrations of services with KMS, each with a key that lets nobody in but the account, and with what it takes.

A case is a unit without its key `k` and role `r`: the first line says who calls, a service (`# service: NAME`), a
service-linked role (`# linked: SERVICE/NAME`) or the role, which may do something with the service already (`# action: NAME`).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmsguard.cli import main

CASES = sorted((Path(__file__).parent / "cases" / "key_uses").iterdir())
OPERATIONS = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey", "kms:CreateGrant"]
ACCOUNT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}


def _policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _unit(case: Path, *, works: bool | None) -> tuple[str, str]:
    """A template, with its file name; None: what the policies say is given at deployment."""
    text = case.read_text(encoding="utf-8")
    kind, _, name = text.partition("\n")[0].removeprefix("# ").partition(": ")
    linked = f"arn:aws:iam::111122223333:role/aws-service-role/{name}"
    who = {"Service": name} if kind == "service" else {"AWS": linked}
    let_in = {"Effect": "Allow", "Principal": who, "Action": OPERATIONS, "Resource": "*"}
    key_policy = _policy(ACCOUNT, *([let_in] if kind != "action" and works else []))
    asked = [{"Effect": "Allow", "Action": name, "Resource": "*"}]
    if works is None:
        return _opened(*_unit(case, works=False), key_policy)
    terraform = case.suffix == ".tf"
    key = "${aws_kms_key.k.arn}" if terraform else {"Fn::GetAtt": ["K", "Arn"]}
    identity_policy = _policy(*asked, *([{"Effect": "Allow", "Action": OPERATIONS, "Resource": key}] if works else []))
    trust = _policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    if terraform:
        head = f"""provider "aws" {{ region = "eu-west-1" }}
resource "aws_kms_key" "k" {{ policy = jsonencode({key_policy}) }}
resource "aws_iam_role" "r" {{
  name               = "r"
  assume_role_policy = jsonencode({trust})
}}
resource "aws_iam_role_policy" "r" {{
  role   = aws_iam_role.r.id
  policy = jsonencode({identity_policy})
}}
"""
        return "main.tf", head + text
    inline = f"[{{PolicyName: r, PolicyDocument: {identity_policy}}}]"
    head = f"""Resources:
  K: {{Type: AWS::KMS::Key, Properties: {{KeyPolicy: {key_policy}}}}}
  R: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {trust}, Policies: {inline}}}}}
"""
    return "template.yaml", head + text


def _opened(name: str, text: str, key_policy: str) -> tuple[str, str]:
    """The same template with a variable or parameter in place of the key policy."""
    if name == "main.tf":
        return name, text.replace(f"jsonencode({key_policy})", "var.policy") + 'variable "policy" { type = string }\n'
    return name, "Parameters: {Policy: {Type: String}}\n" + text.replace(f"KeyPolicy: {key_policy}", "KeyPolicy: !Ref Policy")


@pytest.mark.parametrize("works", [False, True, None])
def test_integrations(tmp_path: Path, capsys: pytest.CaptureFixture[str], works: bool | None) -> None:
    """Without the permission every one is reported, with a statement to paste, with it none; where it is open, as unknown."""
    for case in CASES:
        name, text = _unit(case, works=works)
        folder = tmp_path / case.name.replace(".", "_")
        folder.mkdir()
        (folder / name).write_text(text, encoding="utf-8")
    told = ("--select", "KG901,KG902,KG903,KG904,KG905", "--unknown", "report", "--format", "json", "--region", "eu-west-1")
    main(["scan", str(tmp_path), "--account", "111122223333", *told])
    report = json.loads(capsys.readouterr().out)
    assert works is None or not report["errors"]
    found = {Path(f["location"]["file"]).parent.name: f for f in report["findings"]}
    if works:
        assert {name: (f["verdict"], f["message"]) for name, f in found.items()} == {}
        return
    assert sorted(found) == sorted(case.name.replace(".", "_") for case in CASES)
    assert {f["verdict"] for f in found.values()} == {"unknown" if works is None else "fail"}
    assert works is None or all("kms:" in f["remediation"] and "statement" in f["remediation"] for f in found.values())


def test_key_policies_of_the_services_pages(capsys: pytest.CaptureFixture[str]) -> None:
    """What the services' pages write into the policy of a key, conditions and all, lets each do what it is made to do."""
    told = ("--select", "key-access", "--unknown", "report", "--format", "json", "--account", "111122223333")
    main(["scan", str(CASES[0].parents[1] / "key_policies"), *told])
    report = json.loads(capsys.readouterr().out)
    assert not report["errors"]
    assert {f["resource"]["address"]: (f["verdict"], f["message"]) for f in report["findings"]} == {}


def test_key_policies_of_another_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same statements, bound to another account than the one that is deployed to, let nobody do anything."""
    text = (CASES[0].parents[1] / "key_policies" / "main.tf").read_text(encoding="utf-8")
    elsewhere = text.replace("111122223333", "444455556666").replace("arn:aws:iam::444455556666", "arn:aws:iam::111122223333")
    (tmp_path / "main.tf").write_text(elsewhere, encoding="utf-8")
    main(["scan", str(tmp_path), "--select", "KG905", "--format", "json", "--account", "111122223333"])
    report = json.loads(capsys.readouterr().out)
    told = {f["resource"]["address"] for f in report["findings"] if f["verdict"] == "fail"}
    bound = {
        "aws_budgets_budget.b",
        "aws_ce_anomaly_subscription.a",
        "aws_flow_log.f",
        "aws_guardduty_publishing_destination.p",
        "aws_lb.nlb",
        "aws_macie2_classification_export_configuration.m",
        "aws_route53_key_signing_key.k",
        "aws_s3_bucket_inventory.i",
        "aws_ses_receipt_rule.r",
    }
    assert bound <= told
