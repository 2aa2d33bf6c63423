"""Fingerprints and the baseline."""

import json
from pathlib import Path

import pytest

from kmsguard.model.finding import Finding, Subject, UsageError
from kmsguard.model.source import Span
from kmsguard.scan import baseline
from kmsguard.scan.fingerprint import Fingerprints


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _finding(mark, address="aws_kms_key.a", line=1):
    return Finding(
        code="KG401",
        name="kms-key-rotation-disabled",
        category="key-rotation",
        severity="medium",
        verdict="fail",
        message="the password is hunter2hunter2",
        resource=Subject(address, "aws_kms_key", "kms.key", "infra"),
        location=Span("infra/main.tf", line, 1, line, 9),
        fingerprint=mark,
    )


def test_a_fingerprint_is_made_of_what_an_edit_elsewhere_leaves():
    """Code, unit, address and attribute make it; what is asked for again is the next of several."""
    first, second = Fingerprints(), Fingerprints()
    key = ("KG401", "infra", "aws_kms_key.a", "rotation")
    marks = [first.of(*key), first.of(*key)]
    assert marks == [second.of(*key), second.of(*key)]
    others = [first.of(*key[:at], "x", *key[at + 1 :]) for at in range(4)]
    assert len({*marks, *others}) == 6
    assert all(len(mark) == 32 for mark in marks)


def test_a_baseline_is_sorted_and_holds_no_message_and_no_line():
    """The same findings give the same bytes, and nothing in them is a value of the input."""
    text = baseline.write([_finding("f2", "aws_kms_key.b"), _finding("f1"), _finding("f1", line=7)])
    assert text == baseline.write([_finding("f1"), _finding("f2", "aws_kms_key.b")])
    assert [entry["fingerprint"] for entry in json.loads(text)["findings"]] == ["f1", "f2"]
    assert "hunter2" not in text


def test_a_baseline_is_read_back():
    """What was written is known."""
    Path("known.json").write_text(baseline.write([_finding("f2"), _finding("f1")]), encoding="utf-8")
    assert baseline.read("known.json") == {"f1", "f2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no baseline of kmsguard"),
        ("[]", "is no baseline of kmsguard"),
        ('{"findings": []}', "is no baseline of kmsguard"),
        ('{"format_version": 2, "findings": []}', "has format version 2"),
    ],
)
def test_another_file_is_no_baseline(text, message):
    """A broken baseline must not let everything through."""
    Path("known.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        baseline.read("known.json")


def test_a_baseline_that_is_not_there_is_told():
    """A slip of the pen in its name must not make all findings new without a word."""
    with pytest.raises(UsageError, match="cannot be read"):
        baseline.read("known.json")
