"""The plug-in, loaded by the real checkov program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BIN = Path(sys.executable).parent

pytestmark = [
    pytest.mark.places,
    pytest.mark.skipif(not (BIN / "checkov").exists(), reason="checkov is not installed here"),
]


def checkov(cwd: Path, *arguments: str) -> dict[str, list[tuple[str, str, tuple[int, int]]]]:
    """(code, resource, lines) by outcome, of all runners."""
    folder = subprocess.run([BIN / "kmsguard", "checkov-dir"], capture_output=True, text=True, check=True).stdout.strip()
    command = [BIN / "checkov", "--external-checks-dir", folder, "-o", "json", "--skip-download", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    reports: Any = json.loads(done.stdout)
    out: dict[str, list[tuple[str, str, tuple[int, int]]]] = {"failed": [], "passed": [], "skipped": []}
    for report in reports if isinstance(reports, list) else [reports]:
        for outcome, records in out.items():
            for record in report.get("results", {}).get(f"{outcome}_checks", []):
                if record["check_id"].startswith("KG"):
                    records.append((record["check_id"], record["resource"], tuple(record["file_line_range"])))
    return {outcome: sorted(records) for outcome, records in out.items()}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root module with a module called twice, and a template."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("infra/modules/key", "stacks"):
        (folder / name).mkdir(parents=True)
    (folder / "infra/main.tf").write_text(
        'module "key" {\n  source   = "./modules/key"\n  for_each = { on = true, off = false }\n  rotation = each.value\n}\n\n'
        'resource "aws_kms_key" "skipped" {\n  # checkov:skip=KG401:rotated by hand\n  enable_key_rotation = false\n}\n'
    )
    (folder / "infra/modules/key/main.tf").write_text(
        'variable "rotation" {}\n\nresource "aws_kms_key" "this" {\n  enable_key_rotation = var.rotation\n}\n'
    )
    (folder / "stacks/keys.yaml").write_text(
        "Resources:\n  Good:\n    Type: AWS::KMS::Key\n    Properties:\n      EnableKeyRotation: true\n"
        "  Bad:\n    Type: AWS::KMS::Key\n    Properties:\n      EnableKeyRotation: false\n"
    )
    return folder


def test_a_folder_with_both_languages(project: Path) -> None:
    """Each verdict stands once, under our code, at the block that checkov knows: instances by address, templates by id."""
    found = checkov(project, "-d", ".", "--check", "KG401")

    assert found["failed"] == [
        ("KG401", "AWS::KMS::Key.Bad", (6, 9)),
        ("KG401", 'module.key["off"].aws_kms_key.this', (3, 5)),
    ]
    assert found["passed"] == [
        ("KG401", "AWS::KMS::Key.Good", (2, 5)),
        ("KG401", 'module.key["on"].aws_kms_key.this', (3, 5)),
    ]
    assert found["skipped"] == [("KG401", "aws_kms_key.skipped", (7, 10))]


@pytest.mark.parametrize(
    ("file", "failed"),
    [
        ("stacks/keys.yaml", [("KG401", "AWS::KMS::Key.Bad", (6, 9))]),
        ("infra/main.tf", []),
    ],
)
def test_one_file(project: Path, file: str, failed: list[Any]) -> None:
    """With `-f` the verdicts are those of the file; checkov then looks at no module that it calls."""
    assert checkov(project, "-f", file, "--check", "KG401")["failed"] == failed


def test_rules_beyond_the_profile_need_to_be_named(project: Path) -> None:
    """A run without --check says no more than `kmsguard scan` would: rules of the profile strict are silent."""
    strict = json.loads(
        subprocess.run([BIN / "kmsguard", "rules", "--format", "json"], capture_output=True, text=True, check=True).stdout
    )
    codes = {rule["code"] for rule in strict["rules"] if rule["profile"] == "strict"}

    found = checkov(project, "-d", ".")

    assert not codes & {code for records in found.values() for code, _, _ in records}
    assert "KG401" in {code for code, _, _ in found["failed"]}


def test_rules_about_everything_that_is_written(tmp_path: Path) -> None:
    """A rule that is about no kind of resource in particular judges resources, data sources and providers of both languages."""
    (tmp_path / "main.tf").write_text(
        'provider "aws" {\n  region     = "eu-west-1"\n  access_key = "AKIAQ3EGUZK7YNWB5TXL"\n'
        '  secret_key = "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"\n}\n\n'
        'resource "aws_db_instance" "a" {\n  password = "vN7rT2qLx9Kd"\n}\n'
    )
    (tmp_path / "db.yaml").write_text(
        "Resources:\n  Db:\n    Type: AWS::RDS::DBInstance\n    Properties:\n      MasterUserPassword: vN7rT2qLx9Kd\n"
    )

    found = checkov(tmp_path, "-d", ".", "--check", "KG101,KG105")["failed"]

    assert [(code, resource) for code, resource, _ in found] == [
        ("KG101", "AWS::RDS::DBInstance.Db"),
        ("KG101", "aws_db_instance.a"),
        ("KG105", "aws.default"),
    ]
