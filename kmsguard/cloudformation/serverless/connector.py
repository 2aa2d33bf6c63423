"""`AWS::Serverless::Connector`, also as an attribute of its source: the policies and permissions between two resources.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/reference-sam-connector.html.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from kmsguard.cloudformation.serverless.nodes import Data, entries_of, is_call, items_of, literal, named, node, ref
from kmsguard.cloudformation.serverless.roles import data_file
from kmsguard.cloudformation.serverless.translation import Source, Translation
from kmsguard.syntax.yaml import Entry, Mapping, YamlNode

_PLAIN_TYPES = {
    "AWS::Serverless::Function": "AWS::Lambda::Function",
    "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
    "AWS::Serverless::Api": "AWS::ApiGateway::RestApi",
    "AWS::Serverless::HttpApi": "AWS::ApiGatewayV2::Api",
    "AWS::Serverless::SimpleTable": "AWS::DynamoDB::Table",
}


@cache
def _facts() -> dict[str, Any]:
    return json.loads(data_file("connectors.json"))  # type: ignore[no-any-return]


class _End:
    """One end of a connector: what stands for it in a policy."""

    def __init__(self, sam: Translation, given: Mapping, other: Mapping) -> None:
        name = literal(given.get("Id"))
        kind = sam.kind_of(name) if name is not None else literal(given.get("Type")) or ""
        self.kind = _PLAIN_TYPES.get(kind, kind)
        facts = _facts()["kinds"].get(self.kind, {}) if name is not None else {}
        told: dict[str, Data] = {
            key: node(given, _replaced(value, {"logicalId": name})) for key, value in facts.get("Outputs", {}).items()
        }
        self.parts: dict[str, Data] = {
            "Arn": told.get("Arn") or given.get("Arn"),
            "ResourceId": told.get("Id") or given.get("ResourceId"),
            "Name": told.get("Name") or given.get("Name"),
            "Qualifier": given.get("Qualifier") or told.get("Qualifier"),
        }
        self.queue: Data = told.get("Url") or given.get("QueueUrl")
        self.role: Data = given.get("RoleName")
        by = facts.get("Inputs", {}).get("Role")
        if isinstance(by, str):
            self.role = _role_name(sam.property(name, by))
        elif isinstance(by, dict):  # the role of the rule's target that is the other end
            for target in items_of(sam.property(name, "Targets")):
                if isinstance(target, Mapping) and named(target.get("Arn")) == literal(other.get("Id")):
                    self.role = _role_name(target.get("RoleArn"))


def _role_name(role: YamlNode | None) -> Data:
    name = named(role)
    return ref(name) if name is not None else None


def translate_connector(source: Source) -> None:
    """The resources of a connector; itself it is none."""
    ends = source.get("Source"), source.get("Destination")
    if isinstance(ends[0], Mapping) and ends[1] is not None:
        connect(source, source.name, ends[0], ends[1], source.get("Permissions"))


def embedded_connectors(sam: Translation) -> None:
    """Connectors that are an attribute of the resource that they start from."""
    for name, written in list(sam.written.items()):
        block = written.value
        if not isinstance(block, Mapping):
            continue
        for one in entries_of(block.get("Connectors")):
            properties = one.value.get("Properties") if isinstance(one.value, Mapping) else None
            if not isinstance(properties, Mapping) or properties.get("Destination") is None:
                continue
            given = properties.get("SourceReference")
            own = {part.key.text: part for part in entries_of(given)}
            start = node(one.key, {"Id": name, **own})
            holder = Source(sam, f"{name}{one.key.text}", Entry(one.key, node(one.key, _attributes(block))))
            connect(holder, holder.name, start, properties.get("Destination"), properties.get("Permissions"))  # type: ignore[arg-type]


def _attributes(block: Mapping) -> dict[str, Data]:
    return {name: block.entry(name) for name in ("Condition", "DeletionPolicy", "UpdateReplacePolicy", "Metadata")}


def connect(source: Source, name: str, start: Mapping, destination: YamlNode, permissions: YamlNode | None) -> None:
    """What lets one end reach the other one, or several."""
    several = not isinstance(destination, Mapping) or is_call(destination)
    wanted = [text for item in items_of(permissions) if (text := literal(item)) is not None]
    for number, given in enumerate(items_of(destination)):
        if not isinstance(given, Mapping):
            continue
        ends = _End(source.sam, start, given), _End(source.sam, given, start)
        profile = _facts()["profiles"].get(f"{ends[0].kind} {ends[1].kind}")
        if profile is None:
            span = given.span
            message = f"SAM has no connector from {ends[0].kind or '?'} to {ends[1].kind or '?'}"
            source.sam.template.context.problem("warning", "unsupported-connector", span, message)
            continue
        parts = {f"Source.{key}": value for key, value in ends[0].parts.items()}
        parts |= {f"Destination.{key}": value for key, value in ends[1].parts.items()}
        end = ends[0] if profile["of_source"] else ends[1]
        _make(source, name, f"Destination{number}" if several else "", profile, end, parts, wanted, given)


def _make(
    source: Source,
    name: str,
    suffix: str,
    profile: Any,
    end: _End,
    parts: dict[str, Data],
    wanted: list[str],
    at: Mapping,
) -> None:
    chosen = {key: value for key, value in profile["categories"].items() if key in wanted}
    if profile["type"] == "AWS_LAMBDA_PERMISSION":
        for category, said in chosen.items():
            properties: dict[str, Data] = {
                "FunctionName": end.parts["Arn"],
                **{
                    key: _replaced(said[key], parts)
                    for key in ("Action", "Principal", "SourceArn", "SourceAccount")
                    if key in said
                },
            }
            source.imply(f"{name}{category}LambdaPermission{suffix}", "AWS::Lambda::Permission", properties, at)
        return
    statements = [_replaced(one, parts) for said in chosen.values() for one in said["Statement"]]
    document: Data = {"Version": "2012-10-17", "Statement": statements}
    kind, word, where, value = {
        "AWS_IAM_ROLE_MANAGED_POLICY": ("AWS::IAM::ManagedPolicy", "Policy", "Roles", end.role),
        "AWS_SQS_QUEUE_POLICY": ("AWS::SQS::QueuePolicy", "QueuePolicy", "Queues", end.queue),
        "AWS_SNS_TOPIC_POLICY": ("AWS::SNS::TopicPolicy", "TopicPolicy", "Topics", end.parts["Arn"]),
    }[profile["type"]]
    source.imply(f"{name}{word}{suffix}", kind, {"PolicyDocument": document, where: [value]}, at)


_VARIABLE = re.compile(r"%\{([\w.]+)\}")


def _replaced(data: Any, parts: dict[str, Data]) -> Data:
    """A part of a profile with what stands for its variables."""
    if isinstance(data, dict):
        return {key: _replaced(value, parts) for key, value in data.items()}
    if isinstance(data, list):
        return [_replaced(item, parts) for item in data]
    if not isinstance(data, str):
        return data  # type: ignore[no-any-return]
    whole = _VARIABLE.fullmatch(data)
    if whole is not None:
        return parts[whole.group(1)]
    used = {name.replace(".", ""): parts[name] for name in _VARIABLE.findall(data)}
    text = _VARIABLE.sub(lambda match: "${" + match.group(1).replace(".", "") + "}", data)
    if not used and "${" not in text:
        return text
    return {"Fn::Sub": [text, used] if used else text}
