"""Type conversion, and what hides values."""

from __future__ import annotations

from msgspec.structs import replace

from kmsguard.model.value import Unknown, Value
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.functions import Function, Invocation
from kmsguard.terraform.types import ANY, BOOL, NUMBER, STRING, Type


def _converter(to: Type) -> Function:
    def run(_: Invocation, arguments: tuple[Value, ...]) -> Value:
        return convert(arguments[0], to)

    return run


def _to_list(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    return convert(arguments[0], Type("list", ANY))


def _sensitive(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    return replace(arguments[0], sensitive=True)


def _nonsensitive(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    return replace(arguments[0], sensitive=False)  # of the whole; an element that is sensitive itself stays so


def _flip_sensitive(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    return replace(arguments[0], sensitive=not arguments[0].sensitive)


def _is_sensitive(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    value = arguments[0]
    if isinstance(value.data, Unknown) and not value.sensitive:
        return Value(Unknown("function issensitive", "issensitive()"))
    return Value(value.sensitive)


def _ephemeral_as_null(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    return arguments[0]


FUNCTIONS: dict[str, Function] = {
    "ephemeralasnull": _ephemeral_as_null,
    "flip_sensitive": _flip_sensitive,
    "issensitive": _is_sensitive,
    "nonsensitive": _nonsensitive,
    "sensitive": _sensitive,
    "tobool": _converter(BOOL),
    "tolist": _to_list,
    "tomap": _converter(Type("map", ANY)),
    "tonumber": _converter(NUMBER),
    "toset": _converter(Type("set", ANY)),
    "tostring": _converter(STRING),
}
