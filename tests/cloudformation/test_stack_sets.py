"""Stack sets: their template in every account and Region, with the places of what stands inside a text."""

import pytest

from kmsguard.cloudformation import read
from kmsguard.model.declaration import Unit, UnitSource

SET = """Parameters:
  Account: {Type: String, Default: "111122223333"}
Resources:
  Set:
    Type: AWS::CloudFormation::StackSet
    Properties:
      Parameters: [{ParameterKey: Rotate, ParameterValue: "false"}]
      StackInstancesGroup: GROUP
      TemplateBody: |
        Parameters:
          Rotate: {Type: String, Default: "true"}
        Resources:
          # why
          Key:
            Type: AWS::KMS::Key
            Properties:
              EnableKeyRotation: !Ref Rotate
              Description: !Sub "in ${AWS::Region}"
"""
TWO = '[{DeploymentTargets: {Accounts: [!Ref Account, "444455556666"]}, Regions: [eu-west-1, us-east-1]}]'
OWN = 'ParameterOverrides: [{ParameterKey: Rotate, ParameterValue: "true"}]'
ONE = f"[{{DeploymentTargets: {{Accounts: [!Ref Account]}}, Regions: [eu-west-1], {OWN}}}]"


def unit_of(text: str) -> Unit:
    """A template, read."""
    return read(UnitSource("template.yaml", "cloudformation", text=text))


def keys(unit: Unit) -> list[tuple]:
    """The keys: address, account and Region, whether they rotate."""
    return [
        (
            d.address,
            d.provider.account.text if d.provider.account else None,
            d.provider.region.text if d.provider.region else None,
            d.body.members["EnableKeyRotation"].text,
        )
        for d in unit.declarations
        if d.type == "AWS::KMS::Key"
    ]


def test_an_instance_for_each_account_and_region():
    """What the template declares is there once for each account and Region, with the set's parameters and pseudo parameters."""
    unit = unit_of(SET.replace("GROUP", TWO))
    assert keys(unit) == [
        (f"Set[{account}/{region}].Key", account, region, "false")
        for account in ("111122223333", "444455556666")
        for region in ("eu-west-1", "us-east-1")
    ]
    assert [d.body.members["Description"].data for d in unit.declarations if d.address.endswith("us-east-1].Key")] == [
        unit.declarations[-1].body.members["Description"].data
    ] * 2
    assert not unit.problems


def test_one_instance_has_the_plain_address():
    """A stack set with one instance is addressed as a nested stack is; overrides go before the set's parameters."""
    assert keys(unit_of(SET.replace("GROUP", ONE))) == [("Set.Key", "111122223333", "eu-west-1", "true")]


@pytest.mark.parametrize("group", ["[]", "[{DeploymentTargets: {OrganizationalUnitIds: [ou-1]}, Regions: [eu-west-1]}]"])
def test_accounts_that_are_not_known_are_open(group):
    """A set for an organizational unit is deployed to accounts that no template says."""
    found = keys(unit_of(SET.replace("GROUP", group)))
    assert [(address, account) for address, account, _, _ in found] == [("Set.Key", None)]


def test_places_inside_the_text_are_those_of_the_file():
    """A property inside of a literal template stands where it is written; comments in it belong to its resources."""
    unit = unit_of(SET.replace("GROUP", ONE))
    key = next(d for d in unit.declarations if d.address == "Set.Key")
    source = unit.sources["template.yaml"]
    place = key.body.members["Description"].place
    assert place is not None
    assert source.slice(place) == 'Description: !Sub "in ${AWS::Region}"'
    assert source.slice(key.head) == "Key"
    assert [comment.text for comment in key.comments] == ["# why"]
    assert [call.address for call in key.calls] == ["Set"]


def test_a_json_template_in_a_quoted_text():
    """A JSON template with its quotes escaped is read, everything at its own column."""
    body = r'"{\"Resources\": {\"K\": {\"Type\": \"AWS::KMS::Key\",\n \"Properties\": {\"EnableKeyRotation\": false}}}}"'
    unit = unit_of(
        "Resources:\n  Set:\n    Type: AWS::CloudFormation::StackSet\n    Properties:\n      TemplateBody: " + body + "\n"
    )
    key = next(d for d in unit.declarations if d.address == "Set.K")
    place = key.body.members["EnableKeyRotation"].place
    assert place is not None
    assert unit.sources["template.yaml"].slice(place) == r"\"EnableKeyRotation\": false"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('!Sub "${A}"', "template-not-found"),
        ('"nothing"', "not-a-template"),
        ("|\n        a: [", "yaml-syntax"),
        ("[1]", "template-not-found"),
    ],
)
def test_a_text_that_is_no_template_is_told(body, code):
    """What cannot be read is one problem with its place; the rest of the template is there."""
    unit = unit_of(
        f"Resources:\n  Set:\n    Type: AWS::CloudFormation::StackSet\n    Properties:\n      TemplateBody: {body}\n"
    )
    assert code in [problem.code for problem in unit.problems]
    assert [d.address for d in unit.declarations if d.mode == "managed"] == ["Set"]


def test_a_local_template(tmp_path, monkeypatch):
    """TemplateURL may be a path beside the template; one that is not there, or is the template itself, is told."""
    monkeypatch.chdir(tmp_path)
    kind = "Type: AWS::CloudFormation::StackSet"
    (tmp_path / "template.yaml").write_text(
        f"Resources:\n  A:\n    {kind}\n    Properties: {{TemplateURL: ./inner.yaml}}\n"
        f"  B:\n    {kind}\n    Properties: {{TemplateURL: ./gone.yaml}}\n"
        f"  C:\n    {kind}\n    Properties: {{TemplateURL: template.yaml}}\n",
        "utf-8",
    )
    (tmp_path / "inner.yaml").write_text("Resources: {Queue: {Type: AWS::SQS::Queue}}\n", "utf-8")
    unit = read(UnitSource("template.yaml", "cloudformation"))
    assert [d.address for d in unit.declarations] == ["A", "A.Queue", "B", "C"]
    assert [(p.code, p.line) for p in unit.problems] == [("template-not-found", 7), ("template-cycle", 10)]
    assert unit.files == ("template.yaml", "inner.yaml")


COMPUTED = """Parameters:
  Days: {Type: String, Default: "7"}
  Open: {Type: String}
Resources:
  Set:
    Type: AWS::CloudFormation::StackSet
    Properties:
      TemplateBody: BODY
"""


def test_a_yaml_template_in_a_text_of_a_json_file():
    """Line breaks that are written as escapes are line breaks of the inner template; its places are in the one line."""
    body = '{"Resources": {"Set": {"Type": "AWS::CloudFormation::StackSet", "Properties": {"TemplateBody": "BODY"}}}}'
    text = body.replace("BODY", r"Resources:\n  K:\n    Type: AWS::KMS::Key\n    Properties:\n      EnableKeyRotation: false\n")
    unit = unit_of(text)
    key = next(d for d in unit.declarations if d.address == "Set.K")
    place = key.body.members["EnableKeyRotation"].place
    assert place is not None
    assert unit.sources["template.yaml"].slice(place) == "EnableKeyRotation: false"
    assert not unit.problems


def test_a_template_of_sub_is_read_where_all_is_known():
    """What `Fn::Sub` fills in is filled in, `${!X}` is left to the inner template, and the places are those of the file."""
    text = COMPUTED.replace(
        "BODY",
        "!Sub |\n        Resources:\n          Key:\n            Type: AWS::KMS::Key\n            Properties:\n"
        '              PendingWindowInDays: ${Days}\n              Description: !Sub "${!AWS::StackName}!"\n'
        "              EnableKeyRotation: true",
    )
    unit = unit_of(text)
    key = next(d for d in unit.declarations if d.address == "Set.Key")
    assert key.body.members["PendingWindowInDays"].data == 7
    assert key.body.members["Description"].data.pieces[0].data.reference == "AWS::StackName"
    rotation = key.body.members["EnableKeyRotation"].span
    assert text.splitlines()[rotation.start_line - 1][rotation.start_column - 1 : rotation.end_column - 1] == "true"
    assert not unit.problems


def test_a_template_of_join_is_read_with_the_place_of_each_line():
    """Each line of a joined template stands where it is written."""
    lines = ["Resources:", "  Key:", "    Type: AWS::KMS::Key", "    Properties: {EnableKeyRotation: true}"]
    body = '!Join\n        - "\\n"\n        - - ' + "\n          - ".join(f"'{line}'" for line in lines)
    text = COMPUTED.replace("BODY", body)
    key = next(d for d in unit_of(text).declarations if d.address == "Set.Key")
    rotation = key.body.members["EnableKeyRotation"].span
    assert text.splitlines()[rotation.start_line - 1][rotation.start_column - 1 : rotation.end_column - 1] == "true"


def test_a_template_of_which_something_is_open_is_named():
    """A text that hangs on a parameter without value is not read; the problem stands at it."""
    unit = unit_of(COMPUTED.replace("BODY", '!Sub "Resources: {Key: {Type: AWS::KMS::Key, Metadata: {a: ${Open}}}}"'))
    assert [d.address for d in unit.declarations if d.mode == "managed"] == ["Set"]
    assert [(problem.code, problem.line) for problem in unit.problems] == [("template-not-found", 8)]
