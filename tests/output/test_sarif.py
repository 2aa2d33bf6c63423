"""SARIF, and what GitHub code scanning makes of it."""

import json
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import msgspec
import pytest

from kmsguard.model.finding import Related, Suppression
from kmsguard.model.source import Span
from kmsguard.output import render, sarif

CASES = Path(__file__).parent / "cases"


@cache
def validator():
    """The schema of OASIS, errata 01."""
    schema = json.loads((CASES / "sarif-schema-2.1.0.json").read_text("utf-8"))
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


def run(given, **options):
    """The only run of a report."""
    tree = json.loads(render(given, "sarif", **options))
    validator().validate(tree)
    assert tree["version"] == "2.1.0"
    (only,) = tree["runs"]
    return only


def test_valid_against_the_schema(named):
    """Every report is valid SARIF 2.1.0."""
    assert run(named[1], show_suppressed=True)["columnKind"] == "unicodeCodePoints"


def test_rules_have_what_code_scanning_shows(full):
    """A rule has help in both forms, a level, a score as a string in the range of its severity, and at most ten tags."""
    rules = {rule["id"]: rule for rule in run(full)["tool"]["driver"]["rules"]}
    assert list(rules) == ["KG101", "KG401", "KG501"]
    rotation_rule = rules["KG401"]
    assert rotation_rule["helpUri"] == "https://example.com/rules/KG401"
    assert "AWS rotates it" in rotation_rule["help"]["markdown"]
    assert rotation_rule["help"]["text"]
    assert rotation_rule["defaultConfiguration"]["level"] == "warning"
    assert rotation_rule["properties"]["tags"] == ["security", "key-rotation", "recommended", "cis-aws-3.0/3.6", "fsbp/KMS.4"]
    assert float(rules["KG501"]["properties"]["security-severity"]) > 9.0
    assert 7.0 <= float(rules["KG101"]["properties"]["security-severity"]) <= 8.9
    assert 4.0 <= float(rotation_rule["properties"]["security-severity"]) <= 6.9


def test_a_finding_whose_rule_was_not_run_brings_its_rule(rotation, report):
    """The scan itself reports under codes that no rule file has; each result leads to a rule all the same."""
    only = run(report(rotation(code="KG001", name="suppression-unused"), rotation()))
    rules = only["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in only["results"]] == ["KG001", "KG401"]


def test_findings_at_one_place_are_one_result(full):
    """Two instances of one resource give one result, with both addresses in its message and its places."""
    result = next(r for r in run(full)["results"] if r["ruleId"] == "KG401" and r["kind"] == "fail")
    assert 'Also module.keys["eu"].aws_kms_key.logs.' in result["message"]["text"]
    assert [place["fullyQualifiedName"] for place in result["locations"][0]["logicalLocations"]] == [
        "aws_kms_key.logs",
        'module.keys["eu"].aws_kms_key.logs',
    ]


def test_instances_of_two_units_are_told_apart(rotation, report):
    """One module that two root modules call: the units stand behind the addresses."""
    both = report(rotation(unit="infra/prod"), rotation(unit="infra/staging"))
    (result,) = run(both)["results"]
    assert result["properties"]["addresses"] == ["aws_kms_key.logs (infra/prod)", "aws_kms_key.logs (infra/staging)"]


def test_related_places_are_linked_from_the_message(full):
    """Each related place has an id, and the message a link to it; brackets in a link's text are escaped."""
    result = next(r for r in run(full)["results"] if r["ruleId"] == "KG501")
    assert [place["id"] for place in result["relatedLocations"]] == [1, 2]
    assert "See [the policy is attached here](1)." in result["message"]["text"]
    assert 'See [module.audit\\["eu"\\].aws_iam_role.reader can call it](2).' in result["message"]["text"]


def test_the_chain_of_references_ends_at_the_finding(full):
    """The code flow runs from the oldest step to the place of the finding."""
    result = next(r for r in run(full)["results"] if r["ruleId"] == "KG501")
    steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["message"]["text"] for step in steps] == [
        "the document is read here",
        "local.policy",
        "everybody may call kms:Decrypt with aws_kms_key.logs",
    ]
    assert steps[-1]["location"]["physicalLocation"] == result["locations"][0]["physicalLocation"]


def test_unknown_is_open_without_level(full):
    """An undecided verdict is of kind `open`, which the standard wants at level `none`, and says what decides it."""
    result = next(r for r in run(full)["results"] if r["kind"] == "open")
    assert result["level"] == "none"
    assert "Decided by var.rotate: fails where var.rotate is false" in result["message"]["text"]


def test_suppressions_say_who_and_why(full, rotation, report):
    """A comment suppresses in the source; configuration and baseline from outside."""
    (result,) = (r for r in run(full, show_suppressed=True)["results"] if "suppressions" in r)
    (entry,) = result["suppressions"]
    assert (entry["kind"], entry["status"]) == ("inSource", "accepted")
    assert entry["justification"] == "gone next week (until 2027-03-31)"
    assert entry["location"]["physicalLocation"]["region"]["startLine"] == 30
    baseline = report(rotation(suppression=Suppression("baseline", "")))
    assert run(baseline, show_suppressed=True)["results"][0]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "in the baseline"}
    ]


def test_input_that_could_not_be_read_is_notified(full, report):
    """An error is a notification with its place, and the execution was not successful."""
    only = run(full)
    (invocation,) = only["invocations"]
    assert invocation["executionSuccessful"] is False
    first = invocation["toolExecutionNotifications"][0]
    assert first["descriptor"] == {"id": "hcl-syntax", "index": 0}
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "infra/prod/broken.tf"
    assert run(report())["invocations"][0]["executionSuccessful"] is True


def test_the_fingerprint_is_under_the_name_that_github_reads(rotation, report):
    """Code scanning tells results apart by `primaryLocationLineHash` alone."""
    (result,) = run(report(rotation()))["results"]
    assert result["partialFingerprints"] == {"primaryLocationLineHash": "1f3c", "kmsguard/v1": "1f3c"}


@pytest.mark.parametrize("file", ["a b.tf", "ü/ä.tf", "100%.tf", "c:d.tf", "x#y?.tf", "<stdin>", "./kms.tf", ""])
def test_uris_are_relative_complete_and_encoded(file, rotation, report):
    """No URI is empty, has a scheme, or holds a character that a URI may not hold."""
    (result,) = run(report(rotation(location=Span(file, 1, 1, 1, 2))))["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uriBaseId"] == "%SRCROOT%"
    assert set(artifact["uri"]) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/%")
    assert unquote(artifact["uri"]) == (file.removeprefix("./") or ".")


def test_uris_are_relative_to_the_root_of_the_checkout(monkeypatch, tmp_path, rotation, report):
    """Run in a folder of the checkout, paths begin at its root, as the code host knows them."""
    (tmp_path / "infra" / "prod").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "infra" / "prod")
    given = report(rotation(location=Span("kms.tf", 1, 1, 1, 2)), root="../..")
    uri = run(given)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "infra/prod/kms.tf"


def test_limits_of_code_scanning_are_kept(monkeypatch, rotation, report):
    """What code scanning would refuse the file for is left out, the least severe first, and told."""
    monkeypatch.setattr(sarif, "MAX_RESULTS", 2)
    findings = [
        rotation(severity=severity, location=Span("a.tf", line, 1, line, 2))
        for line, severity in enumerate(("low", "critical", "medium"), 1)
    ]
    only = run(report(*findings))
    assert [r["locations"][0]["physicalLocation"]["region"]["startLine"] for r in only["results"]] == [2, 3]
    assert "1 result left out" in only["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    many = rotation(related=tuple(Related("here", Span("a.tf", line, 1, line, 2)) for line in range(1, 1500)))
    assert len(run(report(many))["results"][0]["relatedLocations"]) == 100
    long_rule = msgspec.structs.replace(report().rules[0], why="x" * 5000)
    (rule,) = run(report(rules=(long_rule,)))["tool"]["driver"]["rules"]
    assert len(rule["fullDescription"]["text"]) == 1024


def test_an_empty_place_is_one_that_a_viewer_can_show(rotation, report):
    """Lines and columns begin at 1, whatever a finding without place has."""
    (result,) = run(report(rotation(location=Span("stack.yaml", 0, 0, 0, 0))))["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
