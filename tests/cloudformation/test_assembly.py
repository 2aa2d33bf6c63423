"""CDK's cloud assemblies: which templates are scanned, where they are deployed to, and who made what in them."""

import json

import pytest

from kmsguard.cloudformation.assembly import read_manifest
from kmsguard.model.finding import Finding
from kmsguard.scan.discover import discover
from kmsguard.scan.run import scan
from kmsguard.scan.settings import Settings

HERE = "aws://111122223333/eu-west-1"
KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}
    ],
}
EXPORT = "Net:ExportsOutputFnGetAttKeyArn"
INNER = {
    "Type": "AWS::CloudFormation::Stack",
    "Properties": {
        "TemplateURL": {"Fn::Sub": "https://s3.${AWS::Region}.${AWS::URLSuffix}/cdk-assets/0123.json"},
        "Parameters": {"Key": {"Fn::GetAtt": ["Key", "Arn"]}},
    },
    "Metadata": {"aws:asset:path": "NetInner.nested.template.json", "aws:asset:property": "TemplateURL"},
}
FILES = {
    ".gitignore": "cdk.out\n",
    "lib/stack.ts": "a\nb\n    new Key(this);\n",
    "cdk.out/manifest.json": {
        "version": "36.0.0",
        "artifacts": {
            "Net.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Net.assets.json"}},
            "Net": {
                "type": "aws:cloudformation:stack",
                "environment": HERE,
                "properties": {"templateFile": "Net.template.json", "parameters": {"Rotate": "false"}},
                "metadata": {
                    "/Net/Key/Resource": [
                        {
                            "type": "aws:cdk:logicalId",
                            "data": "Key",
                            "trace": ["new Key (/x/node_modules/aws-cdk-lib/key.js:1:1)", "new Net (lib/stack.ts:3:5)"],
                        }
                    ]
                },
            },
            "App": {
                "type": "aws:cloudformation:stack",
                "environment": HERE,
                "properties": {"templateFile": "App.template.json"},
            },
            "Any": {
                "type": "aws:cloudformation:stack",
                "environment": "aws://unknown-account/unknown-region",
                "properties": {"templateFile": "Any.template.json"},
            },
            "assembly-Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}},
            "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
        },
    },
    "cdk.out/Net.template.json": {
        "Parameters": {"Rotate": {"Type": "String", "Default": "true"}},
        "Resources": {
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {"KeyPolicy": KEY_POLICY, "EnableKeyRotation": {"Ref": "Rotate"}},
                "Metadata": {"aws:cdk:path": "Net/Key/Resource"},
            },
            "Inner": INNER,
        },
        "Outputs": {"Out": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": EXPORT}}},
    },
    "cdk.out/NetInner.nested.template.json": {
        "Parameters": {"Key": {"Type": "String"}},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": {"Ref": "Key"}}}},
    },
    "cdk.out/App.template.json": {
        "Resources": {
            "Log": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {"KmsKeyId": {"Fn::ImportValue": EXPORT}},
                "Metadata": {"aws:cdk:path": "App/Log/Resource"},
            }
        }
    },
    "cdk.out/Any.template.json": {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}},
    "cdk.out/asset.0123/template.json": {"Resources": {"Data": {"Type": "AWS::SNS::Topic"}}},
    "cdk.out/assembly-Prod/manifest.json": {
        "artifacts": {
            "Prod": {
                "type": "aws:cloudformation:stack",
                "environment": "aws://444455556666/us-east-1",
                "properties": {"templateFile": "Prod.template.json"},
            }
        }
    },
    "cdk.out/assembly-Prod/Prod.template.json": {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}},
}
STACKS = [
    "cdk.out/Any.template.json",
    "cdk.out/App.template.json",
    "cdk.out/Net.template.json",
    "cdk.out/assembly-Prod/Prod.template.json",
]


pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def app(tmp_path, monkeypatch):
    """An app with its assembly, in a checkout that ignores it."""
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*paths: str) -> list[str]:
    """The units that some paths stand for."""
    return [one.source.path for one in discover(paths, Settings()).found]


def findings(*paths: str) -> dict[tuple[str, str], Finding]:
    """What is reported, by code and address."""
    return {(f.code, f.resource.address): f for f in scan(paths, Settings(unknown="report")).findings}


def test_the_stacks_of_the_manifest_are_the_units(app):
    """Assets and nested templates are no units; stages are found in their folders; what is ignored is scanned where named."""
    assert found("cdk.out") == STACKS
    assert found("cdk.out/manifest.json") == STACKS
    assert found(".") == []
    (app / ".gitignore").unlink()
    assert found(".") == STACKS


def test_each_stack_has_its_account_and_region():
    """The environment of the manifest is where a template is deployed to; what it leaves open, the command line says."""
    from kmsguard.cloudformation import read

    settings = Settings(account="999988887777", region="ap-south-1")
    units = [read(one.source) for one in discover(["cdk.out"], settings).found]
    assert [(unit.account, unit.region) for unit in units] == [
        ("999988887777", "ap-south-1"),
        ("111122223333", "eu-west-1"),
        ("111122223333", "eu-west-1"),
        ("444455556666", "us-east-1"),
    ]


def test_parameters_of_the_manifest_decide_and_the_app_is_shown():
    """The key is judged with the parameter that the app gives; its construct and the place in the app's code are told."""
    told = findings("cdk.out")["KG401", "Key"]
    assert told.verdict == "fail"
    assert told.message.endswith("(construct Net/Key/Resource)")
    assert [(one.location.file, one.location.start_line) for one in told.related if "construct" in one.message] == [
        ("lib/stack.ts", 3)
    ]


def test_stacks_are_linked_by_their_exports():
    """A log group under the key of another stack is refused, as that stack's key policy says."""
    assert findings("cdk.out")["KG901", "Log"].verdict == "fail"


def test_stacks_are_linked_by_their_names(app):
    """`Fn::GetStackOutput` names a stack as it is deployed, and the output need be no export."""
    template = json.loads((app / "cdk.out/App.template.json").read_text("utf-8"))
    output = next(name for name in json.loads((app / "cdk.out/Net.template.json").read_text("utf-8"))["Outputs"])
    template["Resources"]["Log"]["Properties"]["KmsKeyId"] = {"Fn::GetStackOutput": {"StackName": "Net", "OutputName": output}}
    (app / "cdk.out/App.template.json").write_text(json.dumps(template), "utf-8")
    assert findings("cdk.out")["KG901", "Log"].verdict == "fail"


def test_a_nested_template_is_read_by_its_asset():
    """The template of a nested stack is the asset that its metadata names, with the parameters that are passed."""
    from kmsguard.cloudformation import read

    unit = next(read(one.source) for one in discover(["cdk.out/Net.template.json"], Settings()).found)
    queue = next(d for d in unit.declarations if d.address == "Inner.Queue")
    target = queue.body.members["KmsMasterKeyId"].target
    assert target is not None
    assert (target.address, target.attribute) == ("Key", "Arn")
    assert not unit.problems


@pytest.mark.parametrize(("properties", "name"), [({}, "Net"), ({"stackName": "net-prod"}, "net-prod")])
def test_the_stack_has_the_name_that_the_manifest_gives(app, properties, name):
    """`AWS::StackName` is `stackName` of the manifest, or what the artifact is called; of a nested stack it is open."""
    from kmsguard.cloudformation import read

    manifest = json.loads((app / "cdk.out/manifest.json").read_text("utf-8"))
    manifest["artifacts"]["Net"]["properties"] |= properties
    (app / "cdk.out/manifest.json").write_text(json.dumps(manifest), "utf-8")
    for file in ("Net.template.json", "NetInner.nested.template.json"):
        template = json.loads((app / "cdk.out" / file).read_text("utf-8"))
        template["Resources"]["Topic"] = {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": {"Fn::Sub": "${AWS::StackName}-t"}},
        }
        (app / "cdk.out" / file).write_text(json.dumps(template), "utf-8")
    unit = next(read(one.source) for one in discover(["cdk.out/Net.template.json"], Settings()).found)
    names = {d.address: d.body.members["TopicName"].text for d in unit.declarations if d.type == "AWS::SNS::Topic"}
    assert names == {"Topic": f"{name}-t", "Inner.Topic": None}


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"artifacts": 1}', '{"artifacts": {"a": 1}}', '{"name": "web", "version": "1"}']
)
def test_another_manifest_is_none_of_cdk(text):
    """A manifest.json of a web app, or a broken one, is no assembly."""
    assert read_manifest(text) is None


def test_a_manifest_may_hold_anything():
    """What has another form than the schema says is passed over."""
    stack = {"type": "aws:cloudformation:stack", "environment": 3, "properties": {"templateFile": "a.json", "parameters": []}}
    more = {
        "metadata": {"/a": [1, {"type": "aws:cdk:logicalId", "data": 1, "trace": "x"}], "/b": 2},
        "additionalMetadataFile": "m",
    }
    made = read_manifest(json.dumps({"artifacts": {"a": {**stack, **more}, "b": 1, "c": {"type": "x"}}}), {"m": "{"})
    assert made is not None
    assert made.stacks["a.json"].account is None
