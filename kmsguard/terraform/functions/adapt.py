"""From functions of Python's own values to functions of Values: conversion of arguments, unknowns, choices, errors."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kmsguard.model.source import Span
from kmsguard.model.value import Choice, Data, Text, Unknown, Value
from kmsguard.terraform.arithmetic import narrow
from kmsguard.terraform.choices import choose, spread
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.functions import Function, Invocation
from kmsguard.terraform.history import derived, from_parts
from kmsguard.terraform.partial import Invalid, ListItems, MapItems, find_unknown, invalid
from kmsguard.terraform.texts import normalized
from kmsguard.terraform.types import ANY, BOOL, NUMBER, STRING, Type

STRINGS = Type("list", STRING)
NUMBERS = Type("list", NUMBER)
BOOLS = Type("list", BOOL)
LIST = Type("list", ANY)
INT64 = range(-(1 << 63), 1 << 63)


class FunctionError(Exception):
    """A function has no result for its arguments; becomes an Invalid in the adapter."""


def pure(function: Callable[..., Any], *parameters: Type, variadic: Type | None = None, not_null: bool = True) -> Function:
    """A function that needs all of its arguments known.

    `function` gets str, int | Decimal, bool, list and dict, and gives the same, or Data, or raises FunctionError.
    """

    def run(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
        types = [*parameters, *[variadic] * (len(arguments) - len(parameters))]
        return settled(lambda *known: _apply(function, known, invocation.span), _converted(arguments, types), not_null=not_null)

    return run


def _converted(arguments: tuple[Value, ...], types: list[Type | None]) -> tuple[Value, ...] | Value:
    out = []
    for argument, to in zip(arguments, types, strict=True):
        found = argument if to is None else convert(argument, to)
        if isinstance(found.data, Invalid):
            return found
        if found.data is None:
            return invalid("an argument must not be null")
        out.append(found)
    return tuple(out)


def settled(function: Callable[..., Value], arguments: tuple[Value, ...] | Value, *, not_null: bool = False) -> Value:
    """Applies a function that needs its arguments wholly known, under each way in which Choices inside of them can turn out.

    The result is an Unknown where one of them is not known.
    """
    if isinstance(arguments, Value):
        return arguments
    if all(find_unknown(argument) is None for argument in arguments):
        return function(*arguments)
    options = spread(Value(arguments))
    if options is None or len(options) == 1:
        return derived(arguments, not_null=not_null)
    return choose(
        (guard, function(*known.items) if find_unknown(known) is None else derived(known.items, not_null=not_null))
        for guard, known in options
    )


def _apply(function: Callable[..., Any], arguments: tuple[Value, ...], span: Span) -> Value:
    try:
        result = function(*[to_python(argument) for argument in arguments])
    except FunctionError as error:
        return invalid(str(error))
    except (ValueError, ArithmeticError):
        return invalid("the function has no result for these arguments")
    data = _placed(result.data, span) if isinstance(result, Value) else to_data(result, span)
    return from_parts(data, [part for argument in arguments for part in _parts(argument)])


def _placed(data: Data, span: Span) -> Data:
    """Data of which all that it holds comes from one place."""
    if isinstance(data, tuple):
        return type(data)(Value(_placed(item.data, span), span) for item in data)
    return {name: Value(_placed(item.data, span), span) for name, item in data.items()} if isinstance(data, dict) else data


def _parts(value: Value) -> list[Value]:
    """A value and all that it holds, for what the result was taken from."""
    data = value.data
    if isinstance(data, tuple):
        return [value, *(part for item in data for part in _parts(item))]
    if isinstance(data, dict):
        return [value, *(part for item in data.values() for part in _parts(item))]
    return [value]


def to_python(value: Value) -> Any:
    """A wholly known value as str, int, Decimal, bool, None, list or dict."""
    data = value.data
    if isinstance(data, Text):
        return data.known or ""
    if isinstance(data, tuple):
        return [to_python(item) for item in data]
    if isinstance(data, dict):
        return {name: to_python(item) for name, item in data.items()}
    if isinstance(data, float):
        return narrow(data)
    assert not isinstance(data, (Unknown, Choice))
    return data


def to_data(result: Any, span: Span | None = None) -> Data:
    """The data of a Python value; lists become lists, dicts maps. `span`: where all that they hold comes from."""
    if isinstance(result, list):
        return ListItems(Value(to_data(item, span), span) for item in result)
    if isinstance(result, MapItems):
        return result
    if isinstance(result, dict):
        return MapItems({name: Value(to_data(item, span), span) for name, item in result.items()})
    if isinstance(result, float):
        return narrow(result)
    if isinstance(result, str):
        return normalized(result)
    data: Data = result
    return data


def to_dynamic(result: Any, span: Span | None = None) -> Data:
    """The data of a Python value; lists become tuples, dicts objects. `span`: where all that they hold comes from."""
    if isinstance(result, (list, tuple)):
        return tuple(Value(to_dynamic(item, span), span) for item in result)
    if isinstance(result, dict):
        return {name: Value(to_dynamic(item, span), span) for name, item in result.items()}
    if isinstance(result, (float, Decimal)):
        return narrow(result)
    if isinstance(result, str):
        return normalized(result)
    data: Data = result
    return data


def whole_number(number: int | Decimal) -> int:
    """A number that must be whole, which may be larger than 64 bits.

    Raises:
        FunctionError: where it is not.
    """
    if isinstance(number, Decimal):
        raise FunctionError("a whole number is required")
    return number


def impure(name: str) -> Function:
    """A function whose result is different every time, or known only when Terraform runs."""

    def run(_: Invocation, arguments: tuple[Value, ...]) -> Value:
        return from_parts(Unknown(f"function {name}", f"{name}()", not_null=True), arguments)

    return run
