"""Macros of the user's own: what they may add is not absent, and what is written need not be a template yet."""

from __future__ import annotations

from pathlib import Path

import pytest

import kmsguard

WHOLE = """Transform: [Company::Defaults]
Resources:
  K: {Type: AWS::KMS::Key, Properties: {PendingWindowInDays: 7}}
  Off: {Type: AWS::KMS::Key, Properties: {EnableKeyRotation: false, KeySpec: SYMMETRIC_DEFAULT, Origin: AWS_KMS}}
  B: {Type: AWS::S3::Bucket}
  Many: [1, 2]
  Loose: {Properties: !Explode x}
"""
SECTION = """Resources:
  Fn::Transform: {Name: Company::More}
  K: {Type: AWS::KMS::Key, Properties: {PendingWindowInDays: 7}}
"""
BLOCK = """Resources:
  K: {Type: AWS::KMS::Key, Fn::Transform: {Name: Company::More}, Properties: {PendingWindowInDays: 7}}
  B: {Fn::Transform: {Name: Company::Bucket}}
  Plain: {Type: AWS::KMS::Key}
"""
INCLUDED = """Resources:
  K: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: part.yaml}}}
"""
PART = """Type: AWS::KMS::Key
Properties: {EnableKeyRotation: false}
"""


def verdicts(folder: Path, text: str, code: str) -> tuple[dict[str, str], list[str]]:
    """What a rule says, by address; and the problems."""
    (folder / "t.yaml").write_text(text)
    (folder / "part.yaml").write_text(PART)
    report = kmsguard.scan(["t.yaml"], kmsguard.Settings(select=(code,), unknown="report"))
    return {f.resource.address: f.verdict for f in report.findings}, [f"{p.code} {p.line}" for p in report.errors]


@pytest.mark.parametrize(
    ("text", "code", "expected", "problems"),
    [
        (WHOLE, "KG401", {"K": "unknown", "Off": "fail"}, ["unsupported-transform 1"]),
        (WHOLE, "KG307", {"B": "unknown"}, ["unsupported-transform 1"]),
        (SECTION, "KG401", {"K": "unknown"}, ["unsupported-transform 2"]),
        (BLOCK, "KG401", {"K": "unknown", "Plain": "fail"}, ["unsupported-transform 2", "unsupported-transform 3"]),
        (INCLUDED, "KG401", {"K": "fail"}, []),
    ],
)
def test_what_a_macro_may_add_is_not_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: str, expected: dict[str, str], problems: list[str]
) -> None:
    """What is written decides; a default does not where a macro of the template, the section or the block may set it."""
    monkeypatch.chdir(tmp_path)
    found, told = verdicts(tmp_path, text, code)
    assert found == expected
    assert told == problems


def test_what_is_included_is_reported_for_the_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding in a file that a named template includes is reported, and a comment at the inclusion suppresses it."""
    monkeypatch.chdir(tmp_path)
    include = "  Fn::Transform: {Name: AWS::Include, Parameters: {Location: keys.yaml}}"
    (tmp_path / "keys.yaml").write_text("K: {Type: AWS::KMS::Key}\n")
    for comment, suppressed in (("", False), (" # kmsguard:ignore[KG401] rotated by hand", True)):
        (tmp_path / "t.yaml").write_text(f"Resources:\n{include}{comment}\n  T: {{Type: AWS::SNS::Topic}}\n")
        settings = kmsguard.Settings(select=("KG401",))
        [finding] = kmsguard.scan(["t.yaml"], settings).findings
        assert (finding.location.file, finding.location.start_line) == ("keys.yaml", 1)
        assert (finding.suppression is not None) is suppressed
