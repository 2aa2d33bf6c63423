"""AWS SAM: what is made of its resources, beside what `aws-sam-translator` makes of them.

serverless/<case>.yaml are templates, serverless/<case>.translated.json what the translator makes of them (1.115.0). Where the
translator is installed, the recorded results are compared with it too.
"""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from kmsguard.cloudformation import read
from kmsguard.model.declaration import Unit, UnitSettings, UnitSource

CASES = Path(__file__).parent / "serverless"
SETTINGS = UnitSettings(region="us-east-1", account="123456789012")


def comparison():
    """The benchmark that compares the two."""
    path = Path(__file__).parents[2] / "benchmarks" / "against_sam.py"
    if "against_sam" not in sys.modules:
        spec = importlib.util.spec_from_file_location("against_sam", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["against_sam"] = module
        spec.loader.exec_module(module)
    return sys.modules["against_sam"]


def unit_of(text: str, name: str = "template.yaml") -> Unit:
    """A template, read."""
    return read(UnitSource(name, "cloudformation", SETTINGS, text=text))


@pytest.mark.parametrize("case", sorted(path.stem for path in CASES.glob("*.yaml")))
def test_the_same_resources_as_the_translator(case):
    """Logical ids, types and properties of all resources are those that SAM's translator makes."""
    against = comparison()
    unit = unit_of((CASES / f"{case}.yaml").read_text("utf-8"))
    other = unit_of((CASES / f"{case}.translated.json").read_text("utf-8"), "translated.json")
    assert not [problem for problem in unit.problems if problem.level == "error"]
    known = frozenset(declaration.address for declaration in unit.declarations)
    ours, theirs = against.resources(unit, known), against.resources(other, known)
    assert len(theirs) > 1
    assert against.differences(ours, theirs) == []


@pytest.mark.parametrize("case", sorted(path.stem for path in CASES.glob("*.yaml")))
def test_what_is_recorded_is_what_the_translator_makes(case, monkeypatch):
    """The recorded results are up to date."""
    pytest.importorskip("samtranslator", reason="aws-sam-translator is not installed")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made = comparison().translate((CASES / f"{case}.yaml").read_text("utf-8"))
    assert made == json.loads((CASES / f"{case}.translated.json").read_text("utf-8"))


SMALL = """Transform: AWS::Serverless-2016-10-31
Resources:
  Key: {Type: AWS::KMS::Key}
  Read:
    Type: AWS::Serverless::Function
    Metadata: {kmsguard: {ignore: []}}
    Properties:
      Handler: a.b
      Policies:
        - KMSDecryptPolicy: {KeyId: !Ref Key}
      KmsKeyArn: !GetAtt Key.Arn
      AutoPublishAlias: live
"""


def test_what_is_implied_stands_where_it_is_written():
    """A place in an implied resource is that of the SAM property that it is made from."""
    unit = unit_of(SMALL)
    role = next(d for d in unit.declarations if d.address == "ReadRole")
    policy = role.body.members["Policies"].items[0]
    assert policy.span is not None
    source = unit.sources["template.yaml"]
    assert source.slice(policy.span) == "KMSDecryptPolicy: {KeyId: !Ref Key}"
    function = next(d for d in unit.declarations if d.address == "Read")
    place = function.body.members["KmsKeyArn"].place
    assert place is not None
    assert source.slice(place) == "KmsKeyArn: !GetAtt Key.Arn"
    assert source.slice(role.head) == "Read"
    assert role.metadata is not None


def test_parts_are_referred_to_by_the_resource_that_implies_them():
    """`Ref: Function.Alias` and `Fn::GetAtt: Function.Version.Version` are the alias and the version that SAM makes."""
    outputs = """Outputs:
  Alias: {Value: !Ref Read.Alias}
  Text: {Value: !Sub "${Read.Alias}"}
  Role: {Value: !GetAtt ReadRole.Arn}
"""
    unit = unit_of(SMALL + outputs)
    assert [unit.outputs[name].data.reference for name in ("Alias", "Text", "Role")] == [
        "ReadAliaslive",
        "ReadAliaslive",
        "ReadRole.Arn",
    ]


@pytest.mark.parametrize("text", ["[1]", "x", "!Ref X", "{}", "null", "{Events: {A: x, B: {Type: SQS}, C: {Type: Api}}}"])
@pytest.mark.parametrize(
    "kind",
    [
        "Function",
        "Api",
        "HttpApi",
        "SimpleTable",
        "LayerVersion",
        "Application",
        "StateMachine",
        "Connector",
        "GraphQLApi",
        "Nope",
    ],
)
def test_whatever_stands_there_is_no_fault_of_ours(kind, text):
    """A SAM resource with properties of any form is read; it is in the graph under its logical id."""
    unit = unit_of(
        f"Transform: AWS::Serverless-2016-10-31\nGlobals: {{{kind}: {text}}}\n"
        f"Resources:\n  A:\n    Type: AWS::Serverless::{kind}\n    Properties: {text}\n"
    )
    assert next(d.address for d in unit.declarations) == "A"


def test_a_connector_that_there_is_not_is_told():
    """A pair of types that SAM does not connect is a problem with its place."""
    unit = unit_of(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  Key: {Type: AWS::KMS::Key}\n  Topic: {Type: AWS::SNS::Topic}\n"
        "  C:\n    Type: AWS::Serverless::Connector\n    Properties:\n      Source: {Id: Key}\n      Destination: {Id: Topic}\n"
        "      Permissions: [Read]\n"
    )
    assert [(p.code, p.line, p.message) for p in unit.problems] == [
        ("unsupported-connector", 9, "SAM has no connector from AWS::KMS::Key to AWS::SNS::Topic")
    ]


JUDGED = """Transform: AWS::Serverless-2016-10-31
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      EnableKeyRotation: true
      KeyPolicy:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {AWS: !Sub "arn:aws:iam::${AWS::AccountId}:root"}, Action: "kms:*", Resource: "*"}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {KmsMasterKeyId: !Ref Key}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b
      Policies:
        - POLICY
      Events:
        Jobs: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn}}
"""


@pytest.mark.parametrize(
    ("policy", "expected"), [("CloudWatchPutMetricPolicy: {}", ["fail"]), ("KMSDecryptPolicy: {KeyId: !Ref Key}", [])]
)
def test_the_implied_role_is_judged(policy, expected, tmp_path, monkeypatch):
    """A function reads a queue under a key with the role that SAM makes for it, whatever partition it is in."""
    from kmsguard.scan.run import scan
    from kmsguard.scan.settings import Settings

    (tmp_path / "template.yaml").write_text(JUDGED.replace("POLICY", policy), "utf-8")
    monkeypatch.chdir(tmp_path)
    report = scan(["template.yaml"], Settings(unknown="report"))
    found = [f for f in report.findings if f.code == "KG903"]
    assert [f.verdict for f in found] == expected
    assert [f.location.start_line for f in found] == [21] * len(expected)
