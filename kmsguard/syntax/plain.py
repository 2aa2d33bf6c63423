"""Rule and kind files: YAML in which every scalar is text: `no`, `2012-10-17` and `012345670123` stay what is written."""

from __future__ import annotations

from kmsguard.model.declaration import Problem
from kmsguard.model.source import Source
from kmsguard.model.value import Value
from kmsguard.syntax.yaml import Mapping, Scalar, YamlNode, parse


def read_plain(source: Source) -> tuple[Value | None, list[Problem]]:
    """The document of a file as maps, lists and texts with their places, and what is wrong with its syntax.

    `span` is where a value stands, `place` the entry (key and value) or element that holds it.
    """
    node, problems = parse(source)
    return (plain(node) if node is not None else None), problems


def plain(node: YamlNode) -> Value:
    """A node as maps, lists and texts."""
    if isinstance(node, Scalar):
        return Value(node.text, node.span, node.span)
    if isinstance(node, Mapping):
        return Value({entry.key.text: plain(entry.value).at(entry.span) for entry in node.entries}, node.span, node.span)
    return Value(tuple(plain(item) for item in node.items), node.span, node.span)
