"""What a mistake hides is not absent."""

from __future__ import annotations

from pathlib import Path

import pytest

import kmsguard

BROKEN = """resource "aws_kms_key" "broken" {
  description = "orders"
  = enable_key_rotation true
}

resource "aws_kms_key" "sound" {
  description = "orders"
}
"""


def test_an_argument_behind_a_mistake_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block that could not be read whole does not fail for what is missing in it; the sound one beside it does."""
    (tmp_path / "main.tf").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)

    report = kmsguard.scan(["."], kmsguard.Settings(select=("KG401",), unknown="report"))

    verdicts = {finding.resource.address: finding.verdict for finding in report.findings}
    assert verdicts == {"aws_kms_key.broken": "unknown", "aws_kms_key.sound": "fail"}
    assert [(problem.code, problem.line) for problem in report.errors] == [("hcl-syntax", 3)]
