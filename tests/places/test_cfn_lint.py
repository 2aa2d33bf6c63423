"""The plug-in, loaded by the real cfn-lint program."""

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
    pytest.mark.skipif(not (BIN / "cfn-lint").exists(), reason="cfn-lint is not installed here"),
]

KEYS = """\
Parameters:
  Rotate:
    Type: String
    AllowedValues: ["true", "false"]
    Default: "true"
Conditions:
  InEurope: !Equals [!Ref AWS::Region, eu-west-1]
Resources:
  Good:
    Type: AWS::KMS::Key
    Properties: {EnableKeyRotation: true}
  Bad:
    Type: AWS::KMS::Key
    Properties:
      Description: of orders
      EnableKeyRotation: false
  Asked:
    Type: AWS::KMS::Key
    Properties: {EnableKeyRotation: !Ref Rotate}
  Europe:
    Type: AWS::KMS::Key
    Properties: {EnableKeyRotation: !If [InEurope, false, true]}
  IgnoredThere:
    Type: AWS::KMS::Key
    Metadata: {cfn-lint: {config: {ignore_checks: [WKG401]}}}
    Properties: {EnableKeyRotation: false}
  IgnoredHere:
    Type: AWS::KMS::Key
    # kmsguard:ignore[KG401] rotated by hand
    Properties: {EnableKeyRotation: false}
"""
PARENT = """\
Resources:
  Nested:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: child.yaml
      Parameters: {Rotate: "false"}
"""
CHILD = """\
Parameters:
  Rotate: {Type: String}
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties: {EnableKeyRotation: !Ref Rotate}
  Ignored:
    Type: AWS::KMS::Key
    Metadata: {cfn-lint: {config: {ignore_checks: [WKG401]}}}
    Properties: {EnableKeyRotation: !Ref Rotate}
"""
SECRET = """\
Parameters:
  DbPassword: {Type: String, Default: hunter2Secret9}
Resources:
  Topic: {Type: AWS::SNS::Topic}
"""

SERVERLESS = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.12
    Environment: {Variables: {API_PASSWORD: Sup3rS3cretValue}}
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      EnableKeyRotation: false
  Read:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b
      InlineCode: x
      Environment:
        Variables:
          DB_PASSWORD: An0therS3cretValue
"""
LOOPS = """\
Transform: AWS::LanguageExtensions
Resources:
  Plain:
    Type: AWS::KMS::Key
  Fn::ForEach::Keys:
    - Name
    - [Alpha, Beta]
    - Key${Name}:
        Type: AWS::KMS::Key
        Properties:
          EnableKeyRotation: false
  Fn::ForEach::Ignored:
    - Name
    - [Gamma]
    - Key${Name}:
        Type: AWS::KMS::Key
        Metadata: {cfn-lint: {config: {ignore_checks: [WKG401]}}}
"""
MINIFIED = '{"Resources":{"K":{"Type":"AWS::KMS::Key","Properties":{"Description":"é😀","EnableKeyRotation":false}}}}'

Place = tuple[int, int, int, int]
BAD = ("WKG401", "keys.yaml", (16, 7, 16, 31))
ASKED = ("WKG401", "keys.yaml", (19, 18, 19, 48))
EUROPE = ("WKG401", "keys.yaml", (22, 18, 22, 64))


def run(cwd: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """cfn-lint with the plug-in; what it makes of the same templates without it does not matter here."""
    folder = subprocess.run([BIN / "kmsguard", "cfn-lint-dir"], capture_output=True, text=True, check=True).stdout.strip()
    command = [BIN / "cfn-lint", *arguments, "--format", "json", "--append-rules", folder]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, input=stdin)


def found(cwd: Path, *arguments: str) -> list[tuple[str, str, Place]]:
    """(id, file, place from line and column to line and column) of what our rules find."""
    done = run(cwd, *arguments)
    assert done.stderr == ""
    matches: Any = json.loads(done.stdout)
    return sorted(
        (
            match["Rule"]["Id"],
            match["Filename"],
            tuple(match["Location"][end][of] for end in ("Start", "End") for of in ("LineNumber", "ColumnNumber")),
        )
        for match in matches
        if "KG" in match["Rule"]["Id"]
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Templates, of which one is nested in another one."""
    folder = tmp_path_factory.mktemp("project")
    for name, text in (("keys", KEYS), ("parent", PARENT), ("child", CHILD), ("secret", SECRET)):
        (folder / f"{name}.yaml").write_text(text)
    rotate = [{"ParameterKey": "Rotate", "ParameterValue": "false"}]
    (folder / "parameters.json").write_text(json.dumps(rotate))
    return folder


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), [BAD]),
        (("--parameters", "Rotate=false"), [BAD, ASKED]),
        (("--parameter-files", "parameters.json"), [BAD, ASKED]),
        (("--regions", "us-east-1", "eu-west-1"), [BAD, EUROPE]),
        (("--ignore-checks", "WKG401"), []),
    ],
)
def test_a_template_as_it_is_deployed(project: Path, arguments: tuple[str, ...], expected: list[Any]) -> None:
    """The finding stands where the argument is written; metadata and comments ignore it; parameters and Regions decide it."""
    assert found(project, "keys.yaml", *arguments) == expected


def test_templates_that_nest_each_other(project: Path) -> None:
    """What a nested template is given decides; each finding is told once, and its own metadata ignores it,
    whether cfn-lint is given the nested template, the one that nests it, or both."""
    nested = [("WKG401", "child.yaml", (6, 18, 6, 48))]

    assert found(project, "child.yaml", "parent.yaml") == nested
    assert found(project, "child.yaml") == nested
    assert found(project, "parent.yaml") == nested


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "sam.yaml",
            SERVERLESS,
            [("EKG102", (5, 45, 5, 61)), ("EKG102", (18, 24, 18, 42)), ("WKG401", (10, 7, 10, 31))],
        ),
        ("loops.yaml", LOOPS, [("WKG401", (3, 3, 4, 24)), ("WKG401", (11, 11, 11, 35)), ("WKG401", (11, 11, 11, 35))]),
        ("one.json", MINIFIED, [("WKG401", (1, 76, 1, 101))]),
    ],
)
def test_places_are_those_of_the_file(tmp_path: Path, name: str, text: str, expected: list[Any]) -> None:
    """cfn-lint transforms SAM and writes out loops before it runs rules: our places are those of what is written."""
    (tmp_path / name).write_text(text)
    assert found(tmp_path, name) == [(rule, name, place) for rule, place in expected]


def test_what_is_no_resource(project: Path) -> None:
    """A secret in the default of a parameter is an error at that default."""
    assert ("EKG106", "secret.yaml", (2, 39, 2, 53)) in found(project, "secret.yaml")


def test_rules_beyond_the_profile_need_to_be_included_by_their_id(project: Path) -> None:
    """Rules of the profile strict are silent even where a letter includes all others; KG514 asks each key for a policy."""
    listed = subprocess.run([BIN / "kmsguard", "rules", "--format", "json"], capture_output=True, text=True, check=True).stdout
    strict = {rule["code"] for rule in json.loads(listed)["rules"] if rule["profile"] == "strict"}

    assert "KG514" in strict
    assert not strict & {name[1:] for name, _, _ in found(project, "keys.yaml", "--include-checks", "I")}
    included = found(project, "keys.yaml", "--include-checks", "IKG514")
    assert ("IKG514", "keys.yaml", (9, 3, 11, 42)) in included
    assert BAD in included


def test_what_cannot_be_judged_is_no_pass(project: Path, tmp_path: Path) -> None:
    """A mistake in our configuration is an error of the run, told once; that standard input is not judged is said."""
    (tmp_path / "keys.yaml").write_text(KEYS)
    (tmp_path / ".kmsguard.yaml").write_text("profil: strict\n")

    broken = run(tmp_path, "keys.yaml")

    assert ".kmsguard.yaml:1:1: the configuration has no key `profil`" in broken.stderr
    assert [match["Rule"]["Id"] for match in json.loads(broken.stdout)].count("E0002") == 1
    assert run(project, stdin=KEYS).stderr.startswith("kmsguard: a template on standard input is not judged")


def test_the_configuration_counts(tmp_path: Path) -> None:
    """Its profile, and rules that it selects."""
    (tmp_path / "keys.yaml").write_text(KEYS)
    (tmp_path / ".kmsguard.yaml").write_text("select: [KG514]\n")

    ids = {name for name, _, _ in found(tmp_path, "keys.yaml", "--include-checks", "I")}

    assert ids == {"IKG514"}


def test_what_cfn_lint_shows_of_a_rule() -> None:
    """Its title, its text, and the page that it rests on."""
    done = run(Path(), "--list-rules")

    assert "WKG401: A key that could rotate by itself does not\nKMS rotates the material" in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.startswith(("EKG512", "WKG512"))], "Terraform only"
