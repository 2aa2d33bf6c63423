"""The resources that AWS SAM's transform writes for the ones of its own types.

The transform replaces every `AWS::Serverless::*` resource by plain ones: one under its logical id, and those that it implies (a
role, permissions, event source mappings, …) under logical ids that are documented. The nodes that are written here stand at
the property that they are made from, so that what is said of them leads to what a person edits. Where the transform puts a hash
at the end of a logical id (versions, deployments, layers), there is none here.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from typing import TYPE_CHECKING

import msgspec

from kmsguard.cloudformation.serverless.nodes import Data, entry, items_of, literal, merged, node, signature
from kmsguard.cloudformation.template import function_of
from kmsguard.syntax.yaml import Entry, Mapping, Scalar, Sequence, YamlNode

if TYPE_CHECKING:
    from kmsguard.cloudformation.template import Template

PREFIX = "AWS::Serverless::"
_PASSED_ON = ("Condition", "DeletionPolicy", "UpdateReplacePolicy")
_KEPT = ("Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy")


class Made(msgspec.Struct):
    """What the transform makes of the resources of a template."""

    resources: dict[str, Entry]
    parts: dict[str, str]  # `MyFunction.Alias` -> the logical id of what it names


class Source:
    """A resource of a SAM type, with the properties of Globals in it."""

    def __init__(self, sam: Translation, name: str, written: Entry) -> None:
        self.sam = sam
        self.name = name
        self.written = written
        self.block: Mapping = written.value  # type: ignore[assignment]
        self.kind = (literal(self.block.get("Type")) or "").removeprefix(PREFIX)
        self.properties = sam.with_globals(self.kind, self.block, written.key)

    @property
    def key(self) -> Scalar:
        """Where its logical id stands."""
        return self.written.key

    def entry(self, name: str) -> Entry | None:
        """A property with its name."""
        return self.properties.entry(name)

    def get(self, name: str) -> YamlNode | None:
        """The value of a property."""
        return self.properties.get(name)

    def text(self, name: str) -> str | None:
        """A property that is a text, or refers to a parameter whose value is known."""
        return self.sam.text(self.get(name))

    def condition(self) -> YamlNode | None:
        """The condition that it hangs on."""
        return self.block.get("Condition")

    def become(self, kind: str, properties: Table[str, Data], **attributes: Data) -> Entry:
        """The resource that stands under its own logical id."""
        kept = [one for one in self.block.entries if one.key.text in _KEPT and one.key.text not in attributes]
        return self._add(self.name, self.key, kind, properties, kept, attributes)

    def imply(self, name: str, kind: str, properties: Table[str, Data], at: YamlNode | None = None, **attributes: Data) -> str:
        """A resource that it implies, under a logical id of its own; `at` is what it is made from."""
        kept = [one for one in self.block.entries if one.key.text in _PASSED_ON and one.key.text not in attributes]
        self._add(name, at or self.key, kind, properties, kept, attributes)
        return name

    def _add(
        self, name: str, at: YamlNode, kind: str, properties: Table[str, Data], kept: list[Entry], attributes: Table[str, Data]
    ) -> Entry:
        block = self.block
        written = self.block.entry("Properties")
        body = msgspec.structs.replace(node(at, properties), start=at.start, end=at.end)
        if at is self.key and written is not None:
            body = msgspec.structs.replace(body, start=written.value.start, end=written.value.end)
        entries = [entry((self.block.entry("Type") and self.block.get("Type")) or at, "Type", kind)]
        key = written.key if written is not None and at is self.key else at
        entries.append(Entry(msgspec.structs.replace(_key(key), text="Properties"), body))
        entries.extend(kept)
        entries.extend(entry(at, attribute, value) for attribute, value in attributes.items() if value is not None)
        metadata = block.entry("Metadata")
        if metadata is not None:
            entries.append(metadata)
        made = Entry(
            msgspec.structs.replace(self.key, text=name),
            Mapping(source=block.source, start=block.start, end=block.end, entries=entries),
        )
        self.sam.made[name] = made
        return made


def _key(at: YamlNode) -> Scalar:
    if isinstance(at, Scalar):
        return at
    return Scalar(source=at.source, start=at.start, end=at.start, content=at.start, text="", style='"')


class Translation:
    """The transform of one template."""

    def __init__(self, template: Template, resources: dict[str, Entry]) -> None:
        self.template = template
        self.written = resources
        self.made: dict[str, Entry] = dict(resources)
        self.parts: dict[str, str] = {}
        self.sources: dict[str, Source] = {}
        self._globals = {
            one.key.text: one.value for one in template.section("Globals") if isinstance(one.value, Mapping)
        }  # by the type's last word

    def result(self) -> Made:
        """All resources."""
        from kmsguard.cloudformation.serverless.api import add_implied_apis, translate_api, translate_http_api
        from kmsguard.cloudformation.serverless.connector import embedded_connectors, translate_connector
        from kmsguard.cloudformation.serverless.deployment import add_deployments
        from kmsguard.cloudformation.serverless.function import translate_function
        from kmsguard.cloudformation.serverless.graphql import translate_graphql
        from kmsguard.cloudformation.serverless.plain import (
            translate_application,
            translate_capacity_provider,
            translate_layer,
            translate_table,
        )
        from kmsguard.cloudformation.serverless.state_machine import translate_state_machine
        from kmsguard.cloudformation.serverless.usage_plans import add_usage_plans
        from kmsguard.cloudformation.serverless.websocket import translate_websocket_api

        translators = {
            "SimpleTable": translate_table,
            "LayerVersion": translate_layer,
            "Application": translate_application,
            "Api": translate_api,
            "HttpApi": translate_http_api,
            "WebSocketApi": translate_websocket_api,
            "CapacityProvider": translate_capacity_provider,
            "Function": translate_function,
            "StateMachine": translate_state_machine,
            "GraphQLApi": translate_graphql,
        }
        for name, written in self.written.items():
            if isinstance(written.value, Mapping) and not written.value.broken and _kind(written).startswith(PREFIX):
                self.sources[name] = Source(self, name, written)
        add_implied_apis(self)
        for wanted in ("Function", "StateMachine"):  # what another resource is made of comes after what it names
            translators[wanted] = translators.pop(wanted)
        for kind, translate in translators.items():
            for source in list(self.sources.values()):
                if source.kind == kind:
                    translate(source)
        for source in list(self.sources.values()):
            if source.kind == "Connector":
                translate_connector(source)
        embedded_connectors(self)
        add_deployments(self)
        add_usage_plans(self)
        return Made(self.made, self.parts)

    def with_globals(self, kind: str, block: Mapping, at: YamlNode) -> Mapping:
        """The properties of a resource together with those that Globals has for its type."""
        written = block.get("Properties")
        own = written if isinstance(written, Mapping) else node(at, {})
        section = self._globals.get(kind)
        ignored = block.get("IgnoreGlobals")
        if not isinstance(section, Mapping) or literal(ignored) == "*":
            return own  # type: ignore[return-value]
        left_out = {literal(item) for item in items_of(ignored)}
        kept = [one for one in section.entries if one.key.text not in left_out]
        return merged(msgspec.structs.replace(section, entries=kept), own)  # type: ignore[return-value]

    def text(self, value: YamlNode | None) -> str | None:
        """A text that is written there, or the known value of the parameter that is referred to."""
        text = literal(value)
        if text is not None or value is None:
            return text
        name, argument = function_of(value)
        if name == "Ref" and isinstance(argument, Scalar) and argument.text in self.template.parameters:
            known = self.template.parameter(argument.text).data
            return known if isinstance(known, str) else self.template.parameter(argument.text).text
        return None

    def kind_of(self, name: str | None) -> str:
        """The type of a resource as it is written; empty where there is none of that name."""
        written = self.written.get(name or "") or self.made.get(name or "")
        return _kind(written) if written is not None else ""

    def property(self, name: str | None, property_name: str) -> YamlNode | None:
        """A property of a resource as far as it has been made."""
        made = self.made.get(name or "")
        block = made.value if made is not None else None
        properties = block.get("Properties") if isinstance(block, Mapping) else None
        return properties.get(property_name) if isinstance(properties, Mapping) else None

    def extend(self, name: str, at: YamlNode, path: tuple[str, ...], more: Data) -> None:
        """Puts more into a property of another resource: into the list or map at a path."""
        made = self.made.get(name)
        if made is None or not isinstance(made.value, Mapping):
            return
        self.made[name] = Entry(made.key, _with(made.value, at, ("Properties", *path), node(at, more)))

    def depend(self, name: str, at: YamlNode, on: str) -> None:
        """One more resource that another one depends on."""
        made = self.made.get(name)
        if made is not None and isinstance(made.value, Mapping):
            before = items_of(made.value.get("DependsOn"))
            kept = [one for one in made.value.entries if one.key.text != "DependsOn"]
            block = msgspec.structs.replace(made.value, entries=[*kept, entry(at, "DependsOn", node(at, [*before, on]))])
            self.made[name] = Entry(made.key, block)


def _with(holder: Mapping, at: YamlNode, path: tuple[str, ...], more: YamlNode) -> Mapping:
    name, rest = path[0], path[1:]
    found = holder.entry(name)
    if rest:
        inner = found.value if found is not None and isinstance(found.value, Mapping) else node(at, {})
        value: YamlNode = _with(inner, at, rest, more)  # type: ignore[arg-type]
    else:
        value = _together(found.value, more) if found is not None else more
    key = found.key if found is not None else _key(at)
    new = Entry(msgspec.structs.replace(key, text=name), value)
    entries = [new if one is found else one for one in holder.entries]
    return msgspec.structs.replace(holder, entries=entries if found is not None else [*entries, new])


def _together(before: YamlNode, more: YamlNode) -> YamlNode:
    """Two values of a property of another resource: what a list holds already is not added again."""
    if isinstance(before, Sequence) and isinstance(more, Sequence):
        there = [signature(item) for item in before.items]
        more = msgspec.structs.replace(more, items=[item for item in more.items if signature(item) not in there])
    return merged(before, more)


def _kind(written: Entry) -> str:
    return (literal(written.value.get("Type")) or "") if isinstance(written.value, Mapping) else ""
