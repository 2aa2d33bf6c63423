"""What event sources invoke, and what they need for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from kmsguard.cloudformation.serverless.nodes import Data, entries_of, get_att, literal, named, node, ref
from kmsguard.cloudformation.serverless.roles import Role, statement
from kmsguard.cloudformation.serverless.translation import Source
from kmsguard.syntax.yaml import Entry, Mapping, YamlNode


class Target:
    """What the event sources of a function or state machine invoke."""

    def __init__(self, source: Source, role: Role | None, alias: str | None) -> None:
        self.source = source
        self.role = role
        self.alias = alias
        self.role_later: list[Callable[[Role], None]] = []  # policies that come after those of the source itself

    @property
    def arn(self) -> Data:
        """Its ARN: of the alias where there is one. Of a state machine Ref is the ARN."""
        if self.alias is not None or self.source.kind == "StateMachine":
            return self.name
        return get_att(self.source.name, "Arn")

    @property
    def name(self) -> Data:
        """What it is called in a permission or mapping."""
        return ref(self.alias or self.source.name)


class Event:
    """An event source, with its properties."""

    def __init__(self, target: Target, written: Entry) -> None:
        self.target = target
        self.written = written
        self.source = target.source
        self.name = f"{target.source.name}{written.key.text}"
        block = written.value
        self.kind = literal(block.get("Type")) or "" if isinstance(block, Mapping) else ""
        properties = block.get("Properties") if isinstance(block, Mapping) else None
        self.properties: Mapping = properties if isinstance(properties, Mapping) else node(written.key, {})  # type: ignore[assignment]

    def entry(self, name: str) -> Entry | None:
        """A property with its name."""
        return self.properties.entry(name)

    def get(self, name: str) -> YamlNode | None:
        """The value of a property."""
        return self.properties.get(name)

    def kept(self, *names: str) -> dict[str, Data]:
        """Properties that are passed on as they are."""
        return {name: self.entry(name) for name in names}

    def imply(self, suffix: str, kind: str, properties: dict[str, Data], **attributes: Data) -> str:
        """A resource that the event source implies."""
        return self.source.imply(self.name + suffix, kind, properties, self.written.key, **attributes)

    def state(self) -> Data:
        """ENABLED or DISABLED, where anything says it."""
        state, enabled = self.entry("State"), self.entry("Enabled")
        if state is not None or enabled is None:
            return state
        text = literal(enabled.value)
        if text is None:
            return None
        return node(enabled.key, "ENABLED" if text.lower() in ("true", "yes", "on") else "DISABLED")


def events_of(target: Target) -> list[Event]:
    """The event sources of a function or state machine."""
    return [Event(target, one) for one in entries_of(target.source.get("Events")) if isinstance(one.value, Mapping)]


def target_id(name: str, suffix: str) -> str:
    """The id of a rule's target, which may have 64 characters."""
    return f"{name[: 64 - len(suffix)]}{suffix}"


def hashed(text: str) -> str:
    """What SAM puts at the end of a logical id instead of a text that cannot stand there."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:10] if text else ""


def dead_letter_queue(event: Event, rule: Data | None) -> YamlNode | None:
    """The ARN of the queue for what a rule or schedule could not deliver; SAM makes one where only the type is given."""
    config = event.get("DeadLetterConfig")
    if not isinstance(config, Mapping):
        return None
    arn = config.get("Arn")
    if arn is not None:
        return arn
    source = event.source
    name = literal(config.get("QueueLogicalId")) or f"{event.name}Queue"
    source.imply(name, "AWS::SQS::Queue", {}, event.written.key)
    if rule is not None:
        allowed: Data = {
            "Action": "sqs:SendMessage",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Resource": get_att(name, "Arn"),
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy: dict[str, Data] = {"PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}, "Queues": [ref(name)]}
        event.imply("QueuePolicy", "AWS::SQS::QueuePolicy", policy)
    return node(config, get_att(name, "Arn"))


def stage_of(event: Event, api: YamlNode | None) -> str:
    """How the stage of an API is called in the logical id of a permission."""
    if api is None:
        return "Prod"
    name = literal(api) or named(api)
    if name is None or not event.source.sam.kind_of(name):
        return "AllStages"
    stage = event.source.sam.sources[name].get("StageName") if name in event.source.sam.sources else None
    text = literal(stage)
    if text is None:
        return "Stage"
    return text if text.isalnum() else hashed(text)


def allow_destination(role: Role, at: YamlNode, kind: str, arn: YamlNode, name: str) -> None:
    """What a function must be allowed to hand on what failed or succeeded."""
    if kind == "SQS":
        role.add(at, f"{name}SQSPolicy", {"Statement": [statement("sqs:SendMessage", arn)]})
    elif kind == "SNS":
        role.add(at, f"{name}SNSPolicy", {"Statement": [statement("sns:publish", arn)]})
    elif kind == "EventBridge":
        role.add(at, f"{name}EventBridgePolicy", {"Statement": [statement("events:PutEvents", arn)]})
    elif kind == "Lambda":
        role.add(at, f"{name}LambdaPolicy", {"Statement": [statement("lambda:InvokeFunction", arn)]})
    elif kind in ("S3", "S3Bucket"):
        objects: Data = {"Fn::Join": ["/", [arn, "*"]]}
        role.add(
            at,
            f"{name}S3Policy",
            {"Statement": [statement("s3:PutObject", objects), statement("s3:ListBucket", arn)]},
        )
