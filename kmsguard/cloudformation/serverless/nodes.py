"""Nodes that stand in no file: what a transform writes, each at the place of what it is made from."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping as Table
from collections.abc import Sequence as Items
from typing import TypeAlias

import msgspec

from kmsguard.cloudformation.template import function_of
from kmsguard.syntax.yaml import CORE, Entry, Mapping, Scalar, Sequence, YamlNode, scalar_data

Data: TypeAlias = "str | bool | int | float | None | YamlNode | Entry | Items[Data] | Table[str, Data]"
"""What nodes are made of; None is left out, a node or entry of the file keeps its place."""


def node(at: YamlNode, data: Data) -> YamlNode:
    """A node of some data; what is not from the file stands at the place of `at`."""
    if isinstance(data, Entry):
        return data.value
    if isinstance(data, (Scalar, Sequence, Mapping)):
        return data
    if isinstance(data, str):
        return Scalar(source=at.source, start=at.start, end=at.end, content=at.start, text=data, style='"')
    if isinstance(data, bool):
        return Scalar(source=at.source, start=at.start, end=at.end, content=at.start, text="true" if data else "false")
    if isinstance(data, (int, float)):
        return Scalar(source=at.source, start=at.start, end=at.end, content=at.start, text=str(data))
    if isinstance(data, Table):
        entries = [entry(at, name, value) for name, value in data.items() if value is not None]
        return Mapping(source=at.source, start=at.start, end=at.end, entries=entries)
    items = [node(at, item) for item in data or () if item is not None]
    return Sequence(source=at.source, start=at.start, end=at.end, items=items)


def entry(at: YamlNode, name: str, data: Data) -> Entry:
    """An entry of a map; one of the file keeps the place of its key under another name."""
    key: YamlNode = data.key if isinstance(data, Entry) else at
    if isinstance(data, (Scalar, Sequence, Mapping)):
        key = data
    start, end = key.start, key.end if isinstance(key, Scalar) else key.start
    return Entry(Scalar(source=key.source, start=start, end=end, content=start, text=name, style='"'), node(at, data))


def ref(name: str) -> Data:
    """`Ref`."""
    return {"Ref": name}


def get_att(name: str, attribute: str) -> Data:
    """`Fn::GetAtt`."""
    return {"Fn::GetAtt": [name, attribute]}


def sub(text: str, variables: Table[str, Data] | None = None) -> Data:
    """`Fn::Sub`."""
    return {"Fn::Sub": [text, variables] if variables else text}


def is_call(value: YamlNode) -> bool:
    """Whether a node calls an intrinsic function."""
    name, _ = function_of(value)
    return (bool(value.tag) and not value.tag.startswith(CORE)) or name in ("Ref", "Condition") or name.startswith("Fn::")


def is_nothing(value: YamlNode | None) -> bool:
    """Whether a node is `AWS::NoValue`."""
    if value is None:
        return True
    name, argument = function_of(value)
    return name == "Ref" and isinstance(argument, Scalar) and argument.text == "AWS::NoValue"


def branches(value: YamlNode | None) -> tuple[YamlNode, YamlNode, YamlNode] | None:
    """Condition and both values of an `Fn::If`; None for anything else."""
    if value is None:
        return None
    name, argument = function_of(value)
    if name != "Fn::If" or not isinstance(argument, Sequence) or len(argument.items) != 3:
        return None
    return argument.items[0], argument.items[1], argument.items[2]


def named(value: YamlNode | None) -> str | None:
    """The logical id that a `Ref` or `Fn::GetAtt` names."""
    if value is None:
        return None
    name, argument = function_of(value)
    if name == "Ref" and isinstance(argument, Scalar):
        return argument.text
    if name == "Fn::GetAtt":
        first = argument.items[0] if isinstance(argument, Sequence) and argument.items else argument
        return first.text.partition(".")[0] if isinstance(first, Scalar) and not first.tag else None
    return None


def literal(value: YamlNode | None) -> str | None:
    """A text that is written there."""
    return value.text if isinstance(value, Scalar) and (not value.tag or value.tag.startswith(CORE)) else None


def items_of(value: YamlNode | None) -> list[YamlNode]:
    """The elements of a list; of anything else the value itself."""
    if value is None:
        return []
    return value.items if isinstance(value, Sequence) and not is_call(value) else [value]


def entries_of(value: YamlNode | None) -> list[Entry]:
    """The entries of a map that is written out."""
    return value.entries if isinstance(value, Mapping) and not is_call(value) else []


def signature(value: YamlNode | None) -> object:
    """What a node says, without where: two nodes that say the same are equal."""
    if value is None:
        return None
    name, argument = function_of(value)
    if name and name != "Condition" and is_call(value):
        return name, signature(argument)
    if isinstance(value, Scalar):
        return value.text
    if isinstance(value, Sequence):
        return tuple(map(signature, value.items))
    return tuple(sorted(((one.key.text, signature(one.value)) for one in value.entries), key=str))


def as_json(value: YamlNode | None) -> str:
    """A text as it is, anything else as compact JSON: what SAM hashes for a logical id."""
    return literal(value) or json.dumps(_plain(value), separators=(",", ":"), sort_keys=True)


def _plain(value: YamlNode | None) -> object:
    if value is None:
        return None
    name, argument = function_of(value)
    if name and is_call(value):
        return {name: _plain(argument)}
    if isinstance(value, Scalar):
        return scalar_data(value)
    if isinstance(value, Sequence):
        return [_plain(item) for item in value.items]
    return {one.key.text: _plain(one.value) for one in value.entries}


def resolved(value: YamlNode, known: Callable[[YamlNode], str | None]) -> YamlNode:
    """A value with the known ones of the parameters that it refers to, as SAM hashes it; `known` is that of a reference."""
    text = known(value)
    if text is not None:
        return value if isinstance(value, Scalar) and not value.tag else node(value, text)
    if isinstance(value, Sequence):
        return msgspec.structs.replace(value, items=[resolved(item, known) for item in value.items])
    if isinstance(value, Mapping):
        return msgspec.structs.replace(
            value, entries=[Entry(one.key, resolved(one.value, known), one.alias) for one in value.entries]
        )
    return value


def merged(base: YamlNode, over: YamlNode, path: str = "") -> YamlNode:
    """Two values as SAM's Globals are merged: of maps both, lists one after the other, of anything else the second.

    See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html.
    """
    if path in _REPLACED or is_call(base) or is_call(over):
        return over
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        entries = {one.key.text: one for one in base.entries}
        for one in over.entries:
            name = one.key.text
            before = entries.get(name)
            value = one.value if before is None else merged(before.value, one.value, f"{path}.{name}".lstrip("."))
            entries[name] = Entry(one.key, value, one.alias)
        return msgspec.structs.replace(over, entries=list(entries.values()))
    if isinstance(base, Sequence) and isinstance(over, Sequence):
        return msgspec.structs.replace(over, items=[*base.items, *over.items])
    return over


_REPLACED = frozenset({"Architectures", "InstanceRequirements.Architectures"})
