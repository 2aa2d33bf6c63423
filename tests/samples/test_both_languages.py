"""One scenario in both languages has the same verdicts: over the sample projects, and over the examples of the rules.

What is not the same is declared here with its reason, and a declaration that no longer holds fails too.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from kmsguard.rules.examples import Example, examples_of
from kmsguard.rules.load import load
from kmsguard.scan.run import scan
from kmsguard.scan.settings import Settings

EXPECTED = Path(__file__).resolve().parents[2] / "samples" / "expected"
PROJECTS = sorted({path.stem.rpartition("-")[0] for path in EXPECTED.glob("*.json")})
LANGUAGES = ("terraform", "cloudformation")
RULES = {rule.info.code: rule for rule in load().rules}

SAME_KIND = {"template.parameter": "template.variable"}
"""What one language calls a parameter, the other one calls a variable."""

ONLY_IN_THE_SAMPLE: dict[str, dict[tuple[str, str, str], str]] = {
    "partner-images/terraform": {
        ("KG702", "fail", "rds.snapshot"): "CloudFormation makes no manual snapshot and shares none",
        ("KG703", "fail", "ec2.launch_permission"): "CloudFormation has no launch permission; Image Builder distributes there",
        ("KG703", "fail", "ebs.snapshot_share"): "CloudFormation shares no snapshot; a lifecycle policy does it there",
    },
    "partner-images/cloudformation": {
        ("KG703", "fail", "imagebuilder.distribution"): "stands for the launch permission of the other half",
        ("KG703", "fail", "dlm.policy"): "stands for the shared snapshot of the other half",
    },
}

FAILS_IN_ONE_LANGUAGE = {
    "KG014": ("terraform", "CloudFormation imports no key material"),
    "KG015": ("terraform", "CloudFormation names no key store"),
    "KG023": ("terraform", "only a plan says what is there already"),
    "KG024": ("terraform", "only a plan says what is there already"),
    "KG027": ("terraform", "only a plan says what is there already"),
    "KG105": ("terraform", "CloudFormation has no providers"),
    "KG109": ("cloudformation", "Terraform has no dynamic references"),
    "KG110": ("cloudformation", "Terraform's way is an ephemeral value"),
    "KG111": ("terraform", "CloudFormation has dynamic references"),
    "KG112": ("terraform", "CloudFormation keeps no secret of an access key outside of its outputs"),
    "KG113": ("terraform", "CloudFormation sends no requests"),
    "KG204": ("terraform", "CloudFormation registers and copies no images"),
    "KG216": ("terraform", "CloudFormation has no type for the setting"),
    "KG222": ("terraform", "CloudFormation makes no secure parameters"),
    "KG512": ("terraform", "CloudFormation has no grants"),
    "KG516": ("terraform", "CloudFormation has no grants"),
    "KG608": ("terraform", "a stack is of one account"),
    "KG706": ("terraform", "a stack is of one account"),
    "KG709": ("terraform", "in CloudFormation the type can only block"),
    "KG712": ("terraform", "CloudFormation has no type for the resource policy of a catalog"),
    "KG803": ("terraform", "in CloudFormation primary and replica are in two stacks"),
    "KG807": ("terraform", "in CloudFormation primary and replica are in two stacks"),
    "KG808": ("terraform", "CloudFormation imports no key material"),
    "KG810": ("terraform", "in CloudFormation primary and replica are in two stacks"),
    "KG811": ("terraform", "in CloudFormation primary and replica are in two stacks"),
    "KG812": ("terraform", "in CloudFormation primary and replica are in two stacks"),
    "KG911": ("terraform", "CloudFormation names no key store"),
}

MORE_IN_ONE_LANGUAGE = {
    ("KG010", "It is switched off"): "an external key is a type of its own in Terraform alone",
    ("KG013", "A name of which enough is known"): "a prefix of a name is an argument of its own in Terraform alone",
    ("KG611", "A file system under the key of its source, and a key id of another Region"): "two Regions are two stacks",
}


def reported(name: str) -> set[tuple[str, str, str]]:
    """Code, verdict and kind of all that the expected report of a half of a sample has."""
    findings = json.loads((EXPECTED / f"{name}.json").read_text("utf-8"))["findings"]
    kinds = [(f["code"], f["verdict"], f["resource"]["kind"]) for f in findings]
    return {(code, verdict, SAME_KIND.get(kind, kind)) for code, verdict, kind in kinds}


@pytest.mark.parametrize("project", PROJECTS)
def test_both_halves_of_a_sample_have_the_same_findings(project):
    """The same rules fail on the same kinds of resources; what one language cannot say is declared."""
    first, second = (reported(f"{project}-{language}") for language in LANGUAGES)
    assert first
    assert second
    assert first - second == set(ONLY_IN_THE_SAMPLE.get(f"{project}/terraform", {}))
    assert second - first == set(ONLY_IN_THE_SAMPLE.get(f"{project}/cloudformation", {}))


@cache
def pairs(code: str) -> dict[tuple[str, str], dict[str, Example]]:
    """The examples of a rule by group and title, each in the languages that it is written in."""
    found: dict[tuple[str, str], dict[str, Example]] = {}
    for example in examples_of(RULES[code].file):
        found.setdefault((example.group, example.title), {})[example.language] = example
    return found


def test_rules_fail_in_both_languages():
    """Each rule has an example that fails in both languages, but for those that are declared with their one language."""
    found = {
        code: next(iter(languages))
        for code in RULES
        if len(languages := {name for (group, _), pair in pairs(code).items() if group == "fail" for name in pair}) == 1
    }
    assert found == {code: language for code, (language, _) in FAILS_IN_ONE_LANGUAGE.items()}


def test_examples_report_as_often_in_both_languages():
    """An example that is written in both languages fails, or is open, at as many places in one as in the other.

    That each half has the verdict of its group at just these places is what `tests/rules/test_examples.py` holds.
    """
    different = {
        (code, title)
        for code in RULES
        for (_, title), pair in pairs(code).items()
        if len(pair) == 2 and len({len(example.marks) for example in pair.values()}) > 1
    }
    assert different == set(MORE_IN_ONE_LANGUAGE)


def test_the_pairs_are_many():
    """The comparison is over hundreds of examples: a change of their form that hid them would be noticed."""
    assert sum(len(pair) == 2 for code in RULES for pair in pairs(code).values()) > 400


KEY_OF = {
    "terraform": 'resource "aws_kms_key" "k" {{ enable_key_rotation = {rotate} }}\n'
    'resource "aws_sqs_queue" "q" {{ sqs_managed_sse_enabled = {managed} }}\n'
    'resource "aws_sns_topic" "t" {{ kms_master_key_id = aws_kms_key.k.arn }}\n',
    "cloudformation": "Resources:\n  K: {{Type: AWS::KMS::Key, Properties: {{EnableKeyRotation: {rotate}}}}}\n"
    "  Q: {{Type: AWS::SQS::Queue, Properties: {{SqsManagedSseEnabled: {managed}}}}}\n"
    "  T: {{Type: AWS::SNS::Topic, Properties: {{KmsMasterKeyId: !GetAtt K.Arn}}}}\n",
}


@pytest.mark.parametrize("rotate", ["true", "false"])
@pytest.mark.parametrize("managed", ["true", "false"])
def test_a_scenario_written_twice(rotate, managed, tmp_path, monkeypatch):
    """Every verdict on every resource is the same in both languages, passes too."""
    monkeypatch.chdir(tmp_path)
    verdicts = []
    for language, name in zip(LANGUAGES, ("main.tf", "template.yaml"), strict=True):
        folder = tmp_path / language
        folder.mkdir()
        (folder / name).write_text(KEY_OF[language].format(rotate=rotate, managed=managed), "utf-8")
        report = scan([language], Settings(unknown="report", profile="strict"))
        letters = {"aws_kms_key.k": "K", "aws_sqs_queue.q": "Q", "aws_sns_topic.t": "T"}
        failed = {(f.code, f.verdict, letters.get(f.resource.address, f.resource.address)) for f in report.findings}
        passed = {(p.code, "pass", letters.get(p.address, p.address)) for p in report.passed}
        verdicts.append({one for one in failed | passed if one[2] in "KQT"})
    assert verdicts[0] == verdicts[1]
    assert (("KG401", "fail", "K") in verdicts[0]) is (rotate == "false")
