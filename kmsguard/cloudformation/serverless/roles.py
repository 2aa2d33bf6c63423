"""The roles that SAM makes: policies by name, ARN, statement and policy template.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-templates.html.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from kmsguard.cloudformation.serverless.nodes import (
    Data,
    branches,
    entries_of,
    is_call,
    is_nothing,
    items_of,
    literal,
    node,
    signature,
    sub,
)
from kmsguard.syntax.yaml import Mapping, YamlNode


def data_file(name: str) -> str:
    """A file of facts beside this module."""
    return files("kmsguard.cloudformation.serverless").joinpath(name).read_text("utf-8")


@cache
def policy_templates() -> dict[str, Any]:
    """SAM's policy templates: of each its parameters and statements."""
    return json.loads(data_file("policy_templates.json"))  # type: ignore[no-any-return]


@cache
def managed_policies() -> dict[str, str]:
    """The names of AWS's managed policies, with their path."""
    return {line.rpartition("/")[2]: line for line in data_file("managed_policies.txt").split()}


def managed_arn(name: str) -> Data:
    """The ARN of a managed policy of AWS; of any other name the name itself."""
    if name.startswith("arn:"):
        return name
    path = managed_policies().get(name)
    return name if path is None else sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{path}")


TRACING: Data = {
    "Fn::If": [
        {"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws"]},
        managed_arn("AWSXrayWriteOnlyAccess"),
        managed_arn("AWSXRayDaemonWriteAccess"),
    ]
}
"""The managed policy for X-Ray, of which SAM takes another one outside of the partition `aws`."""


def trust(service: str) -> Data:
    """The trust policy of a role that a service assumes."""
    statement: Data = {"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": [service]}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def statement(action: Data, resource: Data) -> Data:
    """A statement that allows something."""
    return {"Action": action, "Effect": "Allow", "Resource": resource}


def document(*statements: Data) -> Data:
    """A policy of some statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


class Role:
    """A role that is being put together."""

    def __init__(self, at: YamlNode, name: str, service: str) -> None:
        self.at = at
        self.name = name
        self.trust: Data = trust(service)
        self.managed: list[YamlNode] = []
        self.inline: list[YamlNode] = []
        self.path: Data = None
        self.boundary: Data = None
        self.tags: Data = None

    def properties(self) -> dict[str, Data]:
        """The properties of `AWS::IAM::Role`."""
        return {
            "AssumeRolePolicyDocument": self.trust,
            "ManagedPolicyArns": self.managed,
            "Policies": self.inline or None,
            "Path": self.path,
            "PermissionsBoundary": self.boundary,
            "Tags": self.tags,
        }

    def attach(self, at: YamlNode, policy: Data) -> None:
        """One more managed policy, each once."""
        made = node(at, policy)
        if all(signature(made) != signature(one) for one in self.managed):
            self.managed.append(made)

    def add(self, at: YamlNode, name: str, policy: Data) -> None:
        """One more inline policy; one that says what another one does is not added again."""
        made = node(at, {"PolicyName": name, "PolicyDocument": policy})
        assert isinstance(made, Mapping)
        said = [signature(one.get("PolicyDocument")) for one in self.inline if isinstance(one, Mapping)]
        if signature(made.get("PolicyDocument")) not in said:
            self.inline.append(made)

    def policies(self, given: YamlNode | None) -> None:
        """What stands in the property Policies."""
        for number, item in enumerate(items_of(given)):
            self._policy(f"{self.name}Policy{number}", item)

    def _policy(self, name: str, item: YamlNode) -> None:
        made = self._document(item)
        if made is not None:
            self.inline.append(node(item, {"PolicyName": name, "PolicyDocument": made}))
            return
        parts = branches(item)
        if parts is None:
            text = literal(item)
            self.attach(item, managed_arn(text) if text is not None else item)
            return
        condition, *values = parts
        documents = [None if is_nothing(value) else self._document(value) for value in values]
        if any(one is not None for one in documents):
            wrapped: list[Data] = [
                value if one is None else {"PolicyName": name, "PolicyDocument": one}
                for one, value in zip(documents, values, strict=True)
            ]
            self.inline.append(node(item, {"Fn::If": [condition, *wrapped]}))
            return
        arns: list[Data] = [managed_arn(text) if (text := literal(value)) is not None else value for value in values]
        self.attach(item, {"Fn::If": [condition, *arns]})

    def _document(self, item: YamlNode) -> YamlNode | None:
        """A policy that is written there or named by its template; None for what is neither."""
        if not isinstance(item, Mapping) or is_call(item):
            return None
        if item.get("Statement") is not None:
            return item
        if len(item.entries) != 1:
            return None
        only = item.entries[0]
        template = policy_templates().get(only.key.text)
        if template is None:
            return None
        given = {one.key.text: one.value for one in entries_of(only.value)}
        return node(item, {"Statement": [_filled(item, one, given) for one in template["statements"]]})


def _filled(at: YamlNode, data: Any, given: dict[str, YamlNode]) -> YamlNode:
    """A part of a policy template, with the parameters that are given."""
    if isinstance(data, dict):
        name = data.get("Ref")
        if len(data) == 1 and isinstance(name, str) and "::" not in name:
            return given.get(name) or node(at, {"Ref": "AWS::NoValue"})
        return node(at, {key: _filled(at, value, given) for key, value in data.items()})
    return node(at, [_filled(at, item, given) for item in data]) if isinstance(data, list) else node(at, data)


def tag_list(at: YamlNode, tags: YamlNode | None, first: tuple[str, str] | None = None) -> YamlNode | None:
    """A map of tags as CloudFormation's list; SAM's own tag stands first."""
    items: list[Data] = [{"Key": first[0], "Value": first[1]}] if first else []
    if tags is not None and not entries_of(tags) and is_call(tags):
        return tags
    items.extend(node(one.key, {"Key": one.key, "Value": one.value}) for one in entries_of(tags))
    return node(at, items) if items else None


def s3_location(
    value: YamlNode | None, bucket: str = "S3Bucket", key: str = "S3Key", version: str = "S3ObjectVersion"
) -> YamlNode | None:
    """`s3://bucket/key` or a map of Bucket, Key and Version as the place of code; a local path as it is."""
    if value is None:
        return None
    text = literal(value)
    if text is not None and text.startswith("s3://"):
        holder, _, name = text.removeprefix("s3://").partition("/")
        name, _, number = name.partition("?versionId=")
        return node(value, {bucket: holder, key: name, version: number or None})
    if isinstance(value, Mapping) and not is_call(value):
        names = {"Bucket": bucket, "Key": key, "Version": version}
        return node(value, {names.get(one.key.text, one.key.text): one for one in value.entries})
    return None
