"""The JSON report."""

import json

from kmsguard.model.finding import Summary
from kmsguard.output import render


def test_keys_and_their_order(full):
    """Keys stand in the order that is promised, at each level."""
    tree = json.loads(render(full, "json", show_suppressed=True, show_passed=True))
    assert list(tree) == ["format_version", "tool", "profile", "findings", "passed", "errors", "summary"]
    assert list(tree["tool"]) == ["name", "version"]
    assert list(tree["findings"][0]) == [
        *("code", "name", "category", "severity", "verdict", "message", "resource", "location", "related"),
        *("decided_by", "remediation", "help_url", "fingerprint", "suppression"),
    ]
    assert list(tree["findings"][0]["resource"]) == ["address", "type", "kind", "unit"]
    assert list(tree["findings"][0]["location"]) == ["file", "start_line", "start_column", "end_line", "end_column"]
    assert list(tree["findings"][0]["related"][0]) == ["message", "location"]
    assert tree["findings"][3]["decided_by"] == [{"reference": "var.rotate", "message": "fails where var.rotate is false"}]
    assert list(tree["passed"][0]) == ["code", "address", "unit"]
    assert list(tree["errors"][0]) == ["level", "code", "file", "line", "column", "message"]
    assert list(tree["summary"]) == [
        *("units", "files", "resources", "findings", "suppressed", "unknown", "duration_seconds"),
    ]


def test_only_the_duration_changes(rotation, report):
    """Two runs differ in `duration_seconds` and in no other byte."""
    one, other = (
        render(report(rotation(), summary=Summary(1, 1, 1, 1, 0, 0, seconds)), "json").splitlines() for seconds in (0.1, 0.7)
    )
    assert [line for line in one if line not in other] == ['    "duration_seconds": 0.1']
    assert len(one) == len(other)


def test_findings_of_several_instances_stay_apart(full):
    """Programs get each finding, also those that people see as one."""
    findings = json.loads(render(full, "json"))["findings"]
    assert [f["resource"]["address"] for f in findings if f["code"] == "KG401" and f["verdict"] == "fail"] == [
        "aws_kms_key.logs",
        'module.keys["eu"].aws_kms_key.logs',
    ]


def test_passed_only_where_asked_for(full):
    """`passed` is there with --show-passed alone."""
    assert "passed" not in json.loads(render(full, "json"))


def test_half_a_surrogate_pair_does_not_stop_the_report(rotation, report):
    """An escape of the input can make what UTF-8 cannot hold; it is replaced."""
    assert json.loads(render(report(rotation(message="a\ud800b")), "json"))["findings"][0]["message"] == "a?b"
