"""Where findings stand: line and column of what decides, in every layout that a template can have."""

from __future__ import annotations

import pytest

import kmsguard

MINIFIED = (
    '{"Resources":{"Ke":{"Type":"AWS::SNS::Topic"},"Key":{"Type":"AWS::KMS::Key","Properties":{'
    '"Description":"日本語 😀\\u00e9\\n","EnableKeyRotation":false,"KeyPolicy":{"Statement":[{"Effect":"Allow",'
    '"Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}}}}}'
)
ANCHORS = """Metadata:
  off: &off {EnableKeyRotation: false}
  all: &all {Effect: Allow, Principal: {AWS: "*"}, Action: "kms:*", Resource: "*"}
Resources:
  K: {Type: AWS::KMS::Key, Properties: *off}
  L: {Type: AWS::KMS::Key, Properties: {<<: *off, Description: 日本語 😀}}
  M:
    Type: AWS::KMS::Key
    Properties: {EnableKeyRotation: true, KeyPolicy: {Statement: [*all]}}
  N: {Type: AWS::KMS::Key, Properties: {Description: 😀, <<: *off, EnableKeyRotation: no}}
"""
BLOCK = """Resources:
  K:
    Type: AWS::KMS::Key
    Properties:
      EnableKeyRotation: true
      KeyPolicy:
        Fn::Sub: |
          {"Statement": [
             {"Effect": "Allow", "Principal": {"AWS": "${AWS::AccountId}"}, "Action": "kms:*", "Resource": "*"},
             {"Sid": "😀", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}
           ]}
"""
FOLDED = BLOCK.replace("Fn::Sub: |", "Fn::Sub: >-")
WINDOWS = (
    "\ufeffResources:\r\n  # ключ\r\n  K:\r\n    Type: AWS::KMS::Key\r\n    Properties:\r\n      Description: >-\r\n"
    "        folded 😀\r\n        text\r\n      EnableKeyRotation:    false   # here\r\n"
)
QUOTED = """"Resources":
  'K':
    ? "Type"
    : AWS::KMS::Key
    "Properties": {"Description": plain text
      over lines, 'EnableKeyRotation' : no }
"""
TABS = "Resources:\n  K:\n    Type:\tAWS::KMS::Key\n    Properties:\t{EnableKeyRotation:\tfalse}\n"
SUB = """Parameters: {Star: {Type: String, Default: "*"}}
Resources:
  K:
    Type: AWS::KMS::Key
    Properties:
      EnableKeyRotation: true
      KeyPolicy:
        Statement:
          - Effect: Allow
            Principal:
              AWS:
                - !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
                - Fn::Sub: "${Star}"
            Action: kms:Decrypt
            Resource: !Join ["", ["*"]]
"""
PRETTY = '{\n\t"Resources": {\n\t\t"K": {\n\t\t\t"Type": "AWS::KMS::Key",\n\t\t\t"Properties": {\n\t\t\t\t"EnableKeyRotation"\n'
PRETTY += "\t\t\t\t\t:\n\t\t\t\t\tfalse\n\t\t\t}\n\t\t}\n\t}\n}\n"
COMMENTED = '{ # a comment, which JSON has not and YAML has\n "Resources": {"K": {"Type": "AWS::KMS::Key", # one more\n'
COMMENTED += ' "Properties": {"EnableKeyRotation": false}}}}\n'
CALLED = """Conditions:
  C: !Equals
  - a
  - b
Resources:
  K:
    Type: AWS::KMS::Key
    Properties:
      EnableKeyRotation: !If
      - C
      - true
      - false
"""


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (MINIFIED, {"KG401 Key": '"EnableKeyRotation":false', "KG501 Key": '"AWS":"*"'}),
        (
            ANCHORS,
            {
                "KG401 K": "EnableKeyRotation: false",
                "KG401 L": "EnableKeyRotation: false",
                "KG401 N": "EnableKeyRotation: no",
                "KG501 M": 'AWS: "*"',
            },
        ),
        (BLOCK, {"KG501 K": '"AWS": "*"'}),
        (FOLDED, {"KG501 K": '"AWS": "*"'}),
        (WINDOWS, {"KG401 K": "EnableKeyRotation:    false"}),
        (QUOTED, {"KG401 K": "'EnableKeyRotation' : no"}),
        (TABS, {"KG401 K": "EnableKeyRotation:\tfalse"}),
        (SUB, {"KG501 K": 'Fn::Sub: "${Star}"'}),
        (PRETTY, {"KG401 K": '"EnableKeyRotation"\n\t\t\t\t\t:\n\t\t\t\t\tfalse'}),
        (COMMENTED, {"KG401 K": '"EnableKeyRotation": false'}),
        (CALLED, {"KG401 K": "EnableKeyRotation: !If\n      - C\n      - true\n      - false"}),
    ],
    ids=["minified", "anchors", "block", "folded", "windows", "quoted", "tabs", "sub", "pretty", "commented", "called"],
)
def test_a_finding_stands_at_what_decides_it(tmp_path, monkeypatch, text, places):
    """The characters from the first line and column to the last ones are those of the attribute, or of the principal."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.template").write_bytes(text.encode())
    report = kmsguard.scan(["t.template"], kmsguard.Settings(select=("KG401", "KG501")))
    assert not report.errors
    found = {}
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    for finding in report.findings:
        at = finding.location
        slice_ = lines[at.start_line - 1 : at.end_line]
        slice_[-1] = slice_[-1][: at.end_column - 1]
        slice_[0] = slice_[0][at.start_column - 1 :]
        found[f"{finding.code} {finding.resource.address}"] = "\n".join(slice_)
    heads = {name: place.split(":")[0] if name.split()[1] == places.get(name) else place for name, place in found.items()}
    assert heads == places


ALIASED = """Resources:
  A:
    Type: AWS::RDS::DBInstance
    Properties: &p
      Engine: postgres
      StorageEncrypted: false
  B:
    Type: AWS::RDS::DBInstance
    Properties: *p
  C:
    Type: AWS::RDS::DBInstance
    Properties:
      <<: *p
      Port: "5433"
  D: &d
    <<: {Type: AWS::RDS::DBInstance}
    Properties: &q
      <<: [*p, {Port: "5433"}]
  E: *d
  F:
    Type: AWS::RDS::DBInstance
    Properties: {<<: *p, StorageEncrypted: true}
"""


def aliased(tmp_path, monkeypatch, text=ALIASED, **settings):
    """The findings about databases that are not encrypted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(text, encoding="utf-8")
    report = kmsguard.scan(["t.yaml"], kmsguard.Settings(select=("KG201",), **settings))
    assert not report.errors
    return report.findings


def test_what_an_alias_stands_for_is_told_at_its_anchor(tmp_path, monkeypatch):
    """There a person edits it; the alias or merge key by which a resource says it is a related place."""
    findings = aliased(tmp_path, monkeypatch)
    places = {
        finding.resource.address: (finding.location.start_line, [related.location.start_line for related in finding.related])
        for finding in findings
    }
    assert places == {"A": (6, []), "B": (6, [9]), "C": (6, [13]), "D": (6, [18]), "E": (6, [18, 19])}


@pytest.mark.parametrize(
    ("line", "address"), [("  B:", "B"), ("    Properties: *p", "B"), ("      <<: *p", "C"), ("  E: *d", "E")]
)
def test_a_suppression_beside_an_alias_is_of_that_resource(tmp_path, monkeypatch, line, address):
    """A comment beside the alias, or beside the resource, counts for the resource that has it, and for no other."""
    lines = ALIASED.splitlines()
    comment = " " * (len(line) - len(line.lstrip())) + "# kmsguard:ignore[KG201] a copy for tests"
    lines.insert(lines.index(line), comment)
    findings = aliased(tmp_path, monkeypatch, "\n".join(lines) + "\n")
    assert [one.resource.address for one in findings if one.suppression] == [address]


def test_a_property_that_another_file_brings_stands_in_that_file(tmp_path, monkeypatch):
    """A finding leads to the line that a person edits; a comment at the resource or in the file suppresses it."""
    monkeypatch.chdir(tmp_path)
    include = "Fn::Transform: {Name: AWS::Include, Parameters: {Location: part.yaml}}"
    (tmp_path / "part.yaml").write_text("Description: d\nEnableKeyRotation: false\n")
    (tmp_path / "t.yaml").write_text(f"Resources:\n  K:\n    Type: AWS::KMS::Key\n    Properties:\n      {include}\n")
    settings = kmsguard.Settings(select=("KG401",))
    (finding,) = kmsguard.scan(["t.yaml"], settings).findings
    assert (finding.location.file, finding.location.start_line, finding.location.end_column) == ("part.yaml", 2, 25)
    assert [(one.location.file, one.location.start_line) for one in finding.related] == [("t.yaml", 5)]
    (tmp_path / "part.yaml").write_text("# kmsguard:ignore[KG401] rotated by hand\nEnableKeyRotation: false\n")
    assert kmsguard.scan(["t.yaml"], settings).findings[0].suppression is not None
