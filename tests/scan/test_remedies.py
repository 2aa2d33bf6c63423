"""What a remedy says of the resource that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmsguard.scan.run import scan
from kmsguard.scan.settings import Settings

KEY = 'resource "aws_kms_key" "k" {\n  lifecycle {\n    ignore_changes = %s\n  }\n}\n'


@pytest.mark.parametrize(
    ("ignored", "named"),
    [
        ("[enable_key_rotation]", "`enable_key_rotation`"),
        ('["enable_key_rotation", tags]', "`enable_key_rotation`"),
        ("all", "`all`"),
        ("[tags]", None),
        ('[tags["Owner"]]', None),
    ],
)
def test_an_ignored_change(ignored: str, named: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `ignore_changes` has the argument that is to be written, Terraform would not write it: the remedy says so."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.tf").write_text(KEY % ignored, encoding="utf-8")
    [finding] = [one for one in scan(["main.tf"], Settings()).findings if one.code == "KG401"]
    assert (f"Take {named} out of its `ignore_changes`" in finding.remediation) == (named is not None)
    assert "enable_key_rotation = true" in finding.remediation
