"""What resources hold that holds nothing else: each with the names that say what it is for, and with its place."""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache

import msgspec

from kmsguard.model.resource import Resource
from kmsguard.model.source import Span
from kmsguard.model.value import Choice, Text, Value
from kmsguard.secrets.detectors import HOLE
from kmsguard.secrets.look import may_name_secret
from kmsguard.secrets.names import family, words
from kmsguard.syntax.json import parse_json

_ENVIRONMENT = frozenset({"environment", "env", "envs", "variables", "envvars"})
_NAMES = ("name", "Name", "key", "Key", "OptionName", "ParameterName", "ParameterKey")
_VALUES_IN_ORDER = ("value", "Value", "ParameterValue")
_VALUES = frozenset(_VALUES_IN_ORDER)
_STORED = frozenset({"PARAMETER_STORE", "SECRETS_MANAGER"})  # the value is the name of what is stored there


class Leaf(msgspec.Struct, frozen=True, eq=False):
    """A value that holds no other ones, and the name that says what it is for."""

    path: tuple[str, ...]
    name: str
    value: Value
    is_pair: bool = False  # its name is written as a value: `{name = "DB_PASSWORD", value = "…"}`


def leaves(
    value: Value, path: tuple[str, ...], name: str = "", *, typed: bool = False, harmless: Container[str] = ()
) -> list[Leaf]:
    """All that a value holds, with the names that say what it is for; of what hangs on a condition every branch.

    Texts that are JSON are looked into where one of their names may be that of a secret, or where they are one (`typed`).
    Left out are texts that are `harmless` under any name but that of a secret: most of a template is made of these.
    """
    gathering = _Gathering(typed, harmless)
    gathering.add(value, path, name or (path[-1] if path else ""), False)
    return gathering.found


class _Gathering:
    """What was found so far."""

    __slots__ = ("found", "harmless", "typed")

    def __init__(self, typed: bool, harmless: Container[str]) -> None:
        self.found: list[Leaf] = []
        self.typed = typed
        self.harmless = harmless

    def add(self, value: Value, path: tuple[str, ...], name: str, is_pair: bool) -> None:
        data = value.data
        if isinstance(data, dict):
            self.members(data, path)
        elif isinstance(data, tuple):
            for item in data:
                self.add(item, path, name, is_pair)
        elif isinstance(data, Choice):
            for branch in data.branches:
                self.add(branch.value, path, name, is_pair)
        elif isinstance(data, Text) and data.encodes is not None:
            self.add(data.encodes, path, name, is_pair)
        elif not self.is_harmless(data, name):
            inner = _json(value, typed=self.typed) if isinstance(data, (str, Text)) else None
            if inner is not None:
                self.add(inner, path, name, is_pair)
            else:
                self.found.append(Leaf(path, name, value, is_pair))

    def is_harmless(self, data: object, name: str) -> bool:
        return isinstance(data, str) and data in self.harmless and family(name) is None

    def members(self, data: dict[str, Value], path: tuple[str, ...]) -> None:
        held: str | None = None
        named: str | None = None
        if not _VALUES.isdisjoint(data):
            held = next(key for key in _VALUES_IN_ORDER if key in data)
            named = next((data[key].text for key in _NAMES if key in data), None)
        if held is not None and named is not None and not self.is_harmless(data[held].data, named):
            kind = data.get("type", data.get("Type"))
            if kind is None or kind.text not in _STORED:
                self.add(data[held], (*path, named if path else held), named, True)
        for key, value in data.items():
            if (named is None or key != held) and not self.is_harmless(value.data, key):
                self.add(value, (*path, key), key, False)


def _json(value: Value, *, typed: bool) -> Value | None:
    """What a text says that is a map or list in JSON, all of it; None where it is none."""
    text = flat(value)
    if text is None or text[:1] not in _JSON_BEGINS or not text.lstrip().startswith(("{", "[")) or '"' not in text:
        return None
    if not typed and not may_name_secret(text):
        return None
    parsed, problems = parse_json(value)
    return parsed if parsed is not None and not problems and isinstance(parsed.data, (dict, tuple)) else None


_JSON_BEGINS = ("{", "[", " ", "\t", "\n", "\r")


def is_condition_key(leaf: Leaf) -> bool:
    """Whether a leaf is compared with something by a policy (`aws:RequestTag/token`)."""
    return ":" in leaf.name and "Condition" in leaf.path


@lru_cache(maxsize=4096)
def is_environment(path: tuple[str, ...]) -> bool:
    """Whether a way through a resource leads into the environment of a program."""
    return any(_ENVIRONMENT & set(words(step)) for step in path)


def flat(value: Value) -> str | None:
    """The text of a value, with a HOLE for each part that is not known; None where it is no text."""
    data = value.data
    if isinstance(data, str):
        return data
    if isinstance(data, Text):
        return "".join(piece.data if isinstance(piece.data, str) else HOLE for piece in data.pieces)
    return None


def place_in(value: Value, start: int, end: int) -> Span | None:
    """The place of the characters from `start` to before `end` of the text of a value."""
    span = value.span
    if isinstance(value.data, Text):
        return value.data.place(start, end) or span
    if span is None or not isinstance(value.data, str) or span.start_line != span.end_line:
        return span
    written, length = span.end_column - span.start_column, len(value.data)
    if written == length + 2:
        start, end = start + 1, end + 1
    elif written != length:
        return span
    return Span(span.file, span.start_line, span.start_column + start, span.end_line, span.start_column + end)


def unquoted(span: Span, text: str) -> Span:
    """The place of a text without the quotes around it."""
    if span.start_line == span.end_line and span.end_column - span.start_column == len(text) + 2:
        return Span(span.file, span.start_line, span.start_column + 1, span.end_line, span.end_column - 1)
    return span


def as_written(resource: Resource, leaf: Leaf) -> Leaf:
    """The leaf under the name that its language has for it."""
    place, span = leaf.value.place, leaf.value.span
    for declaration in resource.declarations:
        for written in leaves(declaration.body, ()):
            same = written.value.place == place and written.value.span == span
            if same and (place is not None or span is not None) and written.value.text == leaf.value.text:
                return msgspec.structs.replace(leaf, path=written.path)
    return leaf
