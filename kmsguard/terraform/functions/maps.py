"""Functions of maps."""

from __future__ import annotations

from msgspec.structs import replace

from kmsguard.model.value import Unknown, Value
from kmsguard.terraform.access import attribute, entries, members_of, open_lookup
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.functions import Function, Invocation
from kmsguard.terraform.functions.adapt import STRINGS, settled
from kmsguard.terraform.functions.collections import elements_of
from kmsguard.terraform.history import derived, inherited
from kmsguard.terraform.partial import (
    Invalid,
    ListItems,
    Many,
    MapItems,
    invalid,
)
from kmsguard.terraform.types import ANY, STRING, Type
from kmsguard.terraform.unify import type_of, unify


def may_be_map(value: Value) -> bool:
    """Whether a value is a map or object, or not known and may be one."""
    return isinstance(value.data, (dict, Unknown)) and type_of(value).kind in ("any", "map", "object")


def _keys(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    value = arguments[0]
    members = members_of(value)
    if members is None:
        return derived(arguments) if may_be_map(value) else invalid("a map is required")
    kind = ListItems if isinstance(value.data, MapItems) else tuple
    return Value(kind(Value(name) for name in sorted(members)), sensitive=value.sensitive)


def _values(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    value = arguments[0]
    if not may_be_map(value):
        return invalid("a map is required")
    found = entries(value)
    if isinstance(found, Many):
        return value.with_data(replace(found, keyed=False))
    if isinstance(found, Value):
        return found
    kind = ListItems if isinstance(value.data, MapItems) else tuple
    return Value(kind(item for _, item in found), sensitive=value.sensitive)


def _lookup(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    whole, key = arguments[0], convert(arguments[1], STRING)
    default = arguments[2] if len(arguments) == 3 else None
    name = key.text
    members = members_of(whole)
    if members is None:
        if may_be_map(whole):
            return derived(arguments) if default is not None or name is None else attribute(whole, name)
        return invalid("a map is required")
    if name is not None:
        found = members.get(name)
        if found is not None:
            return inherited(found, whole)
        if default is None:
            return invalid(f"there is no key {name!r}")
        return _default(whole, default)
    if not isinstance(key.data, Unknown):
        return derived((key,)) if key.data is not None else invalid("a key must not be null")
    by_fact = open_lookup(members, key.data, invocation.scope.run.facts, default)
    if by_fact is not None:
        return inherited(by_fact, whole)
    return derived((key, *members.values(), *arguments[2:]))


def _default(whole: Value, default: Value) -> Value:
    """The default of lookup: in a map it must have the type of the elements."""
    members = whole.members
    if not isinstance(whole.data, MapItems) or not members:
        return default
    to = unify((*map(type_of, members.values()), ANY)) or ANY
    found = convert(default, to)
    return invalid("the default must have the type of the elements") if isinstance(found.data, Invalid) else found


def _merge(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    out: dict[str, Value] = {}
    maps = True
    sensitive = False
    if not all(argument.data is None or may_be_map(argument) for argument in arguments):
        return invalid("a map is required")
    for argument in arguments:
        if argument.data is None:
            continue
        members = members_of(argument)
        if members is None:
            return derived(arguments)
        maps = maps and isinstance(argument.data, MapItems)
        sensitive = sensitive or argument.sensitive
        for name, item in members.items():
            out[name] = inherited(item, argument)
    return Value(MapItems(out) if maps and arguments else out, sensitive=sensitive)


def _transpose(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    whole = convert(arguments[0], Type("map", STRINGS))
    if whole.data is None:
        return invalid("an argument must not be null")
    return whole if isinstance(whole.data, Invalid) else settled(_transposed, (whole,))


def _transposed(whole: Value) -> Value:
    out: dict[str, list[Value]] = {}
    for name in sorted(whole.members):
        for item in whole.members[name].items:
            text = item.text
            if text is None:
                return invalid("transpose needs lists of texts")
            out.setdefault(text, []).append(Value(name))
    return Value(MapItems({name: Value(ListItems(out[name])) for name in sorted(out)}))


def _zip_map(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    keys, values = elements_of(convert(arguments[0], STRINGS)), elements_of(arguments[1])
    if isinstance(keys, Value):
        return keys
    if isinstance(values, Value):
        return values
    if len(keys) != len(values):
        return invalid("zipmap needs lists of the same length")
    out: dict[str, Value] = {}
    for key, value in zip(keys, values, strict=True):
        name = key.text
        if name is None:
            return derived((key,)) if key.data is not None else invalid("a key must not be null")
        out[name] = value
    return Value(MapItems(out) if isinstance(arguments[1].data, ListItems) else out)


FUNCTIONS: dict[str, Function] = {
    "keys": _keys,
    "lookup": _lookup,
    "merge": _merge,
    "transpose": _transpose,
    "values": _values,
    "zipmap": _zip_map,
}
