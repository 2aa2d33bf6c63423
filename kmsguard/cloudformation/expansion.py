"""Entries that are written out before a template is evaluated: `Fn::ForEach` and the `AWS::Include` transform.

See https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from kmsguard.cloudformation.context import MAX_COPIED, MAX_LOOPS
from kmsguard.cloudformation.texts import scalar_text
from kmsguard.model.declaration import Problem
from kmsguard.syntax.yaml import Entry, Mapping, Scalar, Sequence, YamlNode

if TYPE_CHECKING:
    from kmsguard.cloudformation.template import Template


class Expansion(msgspec.Struct):
    """The entries of a map, and why there may be others (or others instead)."""

    entries: list[Entry]
    missing: str | None = None

    def add(self, other: Expansion) -> None:
        """Takes in what one entry stands for."""
        self.entries.extend(other.entries)
        self.missing = self.missing or other.missing


def expanded(template: Template, node: Mapping) -> Expansion:
    """The entries of a map, with loops and inclusions in it written out."""
    if not any(entry.key.text.startswith(("Fn::ForEach::", "Fn::Transform")) for entry in node.entries):
        return Expansion(node.entries)
    expansion = Expansion([])
    for entry in node.entries:
        if entry.key.text.startswith("Fn::ForEach::"):
            expansion.add(_looped(template, entry))
        elif entry.key.text == "Fn::Transform":
            expansion.add(included(template, entry.value))
        else:
            expansion.entries.append(entry)
    return expansion


def _looped(template: Template, entry: Entry) -> Expansion:
    argument = entry.value
    items = argument.items if isinstance(argument, Sequence) else []
    if len(items) != 3 or not isinstance(items[0], Scalar) or not isinstance(items[2], Mapping):
        template.malformed(entry.key.text, entry.key.span, "an identifier, a list, and a map")
        return Expansion([], "Fn::ForEach that is not written as it must be")
    identifier, collection, body = items[0].text, template.evaluate(items[1]), items[2]
    texts = [scalar_text(item) for item in collection.items]
    if not isinstance(collection.data, tuple) or None in texts:
        message = f"the list of {entry.key.text} is not known; what it makes was not read"
        template.context.problem("warning", "unknown-collection", items[1].span, message)
        return Expansion([], f"the list of {entry.key.text}")
    expansion = Expansion([])
    weight = _weight(body)
    for text in texts:
        if _too_many(template, weight):
            message = "Fn::ForEach makes more copies than a template can hold; the others were not read"
            template.context.problem("error", "template-too-large", entry.key.span, message)
            break
        assert text is not None
        filled = _Filling(identifier, text).node(body)
        assert isinstance(filled, Mapping)
        expansion.add(expanded(template, filled))
    return expansion


def _too_many(template: Template, weight: int) -> bool:
    """Whether one more copy of a part of that weight is too much for one unit; counts it."""
    template.context.loops += 1
    template.context.copied += weight
    return template.context.loops > MAX_LOOPS or template.context.copied > MAX_COPIED


def _weight(node: YamlNode) -> int:
    """How many nodes are copied with a node."""
    count = 0
    pending = [node]
    while pending and count < MAX_COPIED:
        part = pending.pop()
        count += 1
        if isinstance(part, Mapping):
            pending.extend(entry.value for entry in part.entries)
        elif isinstance(part, Sequence):
            pending.extend(part.items)
    return count


class _Filling:
    """Puts an item of the collection in the place of the identifier."""

    def __init__(self, identifier: str, text: str) -> None:
        self.identifier = identifier
        self.text = text
        self.marks = re.compile(r"\$\{" + re.escape(identifier) + r"\}|&\{" + re.escape(identifier) + r"\}")
        self.plain = re.sub(r"[^A-Za-z0-9]", "", text)  # what `&{…}` becomes

    def node(self, node: YamlNode) -> YamlNode:
        if isinstance(node, Scalar):
            if node.tag == "!Ref" and node.text == self.identifier:
                return msgspec.structs.replace(node, tag="", text=self.text, style='"')
            text = self._filled(node.text)
            return node if text == node.text else msgspec.structs.replace(node, text=text, style=node.style or '"')
        if isinstance(node, Sequence):
            return msgspec.structs.replace(node, items=[self.node(item) for item in node.items])
        if len(node.entries) == 1:
            only = node.entries[0]
            if only.key.text == "Ref" and isinstance(only.value, Scalar) and only.value.text == self.identifier:
                return msgspec.structs.replace(only.value, text=self.text, style='"')
        entries = []
        for entry in node.entries:
            key = self.node(entry.key)
            assert isinstance(key, Scalar)
            entries.append(Entry(key, self.node(entry.value), entry.alias))
        return msgspec.structs.replace(node, entries=entries)

    def _filled(self, text: str) -> str:
        if "{" not in text:
            return text
        return self.marks.sub(lambda mark: self.text if mark.group()[0] == "$" else self.plain, text)


def included(template: Template, node: YamlNode) -> Expansion:
    """What a transform (`Name`, `Parameters`) or a list of them puts into the map that it stands in."""
    expansion = Expansion([])
    for transform in node.items if isinstance(node, Sequence) else [node]:
        name = transform.get("Name") if isinstance(transform, Mapping) else None
        parameters = transform.get("Parameters") if isinstance(transform, Mapping) else None
        location = parameters.get("Location") if isinstance(parameters, Mapping) else None
        if isinstance(name, Scalar) and name.text == "AWS::Include" and location is not None:
            expansion.add(_of_file(template, location))
        else:
            what = f"the macro {name.text}" if isinstance(name, Scalar) else "a macro"
            message = f"{what} is not run; what it changes or adds is not seen"
            template.context.problem("warning", "unsupported-transform", node.span, message)
            expansion.missing = what
    return expansion


def _of_file(template: Template, location: YamlNode) -> Expansion:
    path = template.local_path(template.evaluate(location))
    if path is None:
        message = "what is included here is not in the checkout and is not seen"
        template.context.problem("warning", "template-not-found", location.span, message)
        return Expansion([], "an included file that is not in the checkout")
    if path in template.including:
        template.context.problem("error", "template-cycle", location.span, f"the file {path} includes itself")
        return Expansion([], "a file that includes itself")
    file = template.context.read(path)
    if isinstance(file, Problem):
        message = f"the file {path} was not read: {file.message}"
        template.context.problem("warning", "template-not-found", location.span, message)
        return Expansion([], f"the included file {path}")
    if not isinstance(file.root, Mapping):
        return Expansion([])
    if _too_many(template, _weight(file.root)):
        message = "AWS::Include puts in more than a template can hold; this and the others were not read"
        template.context.problem("error", "template-too-large", location.span, message)
        return Expansion([], f"the included file {path}")
    template.includes.setdefault(path, location.span)
    template.including.append(path)
    expansion = expanded(template, file.root)
    template.including.pop()
    brought = [Entry(entry.key, entry.value, location.span) for entry in expansion.entries]
    return Expansion(brought, expansion.missing)
