"""Functions of sets."""

from __future__ import annotations

import itertools
import math

import msgspec

from kmsguard.model.value import Unknown, Value
from kmsguard.terraform.choices import choose, spread
from kmsguard.terraform.conversion import canonical, convert, has_choice, is_unsized, set_of, unified
from kmsguard.terraform.functions import Function, Invocation
from kmsguard.terraform.functions.collections import elements_of
from kmsguard.terraform.history import derived
from kmsguard.terraform.partial import (
    Invalid,
    ListItems,
    SetItems,
    invalid,
)
from kmsguard.terraform.scope import Run
from kmsguard.terraform.types import Type
from kmsguard.terraform.unify import type_of, unify

MOST_ROWS = 100_000  # of a product


class _Operand(msgspec.Struct, frozen=True, eq=False):
    """An argument of a set operation. `keys`: the canonical forms of its elements, None where not all of them are known."""

    items: tuple[Value, ...]
    type: Type | None  # of all elements; None where they have none in common
    keys: frozenset[object] | None


def _operand(argument: Value) -> _Operand | Value:
    items = elements_of(argument)
    if isinstance(items, Value):
        return items
    return _converted(items, unify(type_of(item) for item in items if item.data is not None))


def _converted(items: tuple[Value, ...], to: Type | None) -> _Operand:
    if to is not None:
        items = tuple(convert(item, to) for item in items)
    keys = [canonical(item) for item in items]
    return _Operand(items, to, None if None in keys else frozenset(keys))


def _sets(run: Run, arguments: tuple[Value, ...]) -> list[_Operand] | Value:
    out = []
    for argument in arguments:
        found = run.remember("operand", argument, _operand)
        if isinstance(found, Value):
            return found
        out.append(found)
    types = [one.type for one in out if any(item.data is not None for item in one.items)]
    if None in types:  # what does not fit together in one of them may all become texts
        to = unify(type_of(item) for one in out for item in one.items if item.data is not None)
    else:
        to = unify(one for one in types if one is not None)
    if to is None:
        return invalid("all elements must have the same type")
    return [one if one.type == to else _converted(one.items, to) for one in out]


def _set_operation(keep: str) -> Function:
    def run(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
        within = invocation.scope.run
        if not any(within.remember("choice", argument, has_choice) for argument in arguments):
            return _operate(within, keep, arguments)
        options = spread(Value(arguments))
        if options is None:
            return derived(arguments)
        return choose((guard, _operate(within, keep, option.items)) for guard, option in options)

    return run


def _operate(run: Run, keep: str, arguments: tuple[Value, ...]) -> Value:
    sets = _sets(run, arguments)
    if isinstance(sets, Value):
        return sets
    if keep == "union":
        return Value(set_of(itertools.chain.from_iterable(one.items for one in sets)))
    first, *others = sets
    keys = [one.keys for one in others if one.keys is not None]
    if first.keys is None or len(keys) != len(others):
        return derived(arguments) if others and first.items else Value(set_of(first.items))
    if keep == "intersection":
        return Value(set_of(item for item in first.items if all(canonical(item) in other for other in keys)))
    return Value(set_of(item for item in first.items if not any(canonical(item) in other for other in keys)))


def _set_product(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    lists: list[tuple[Value, ...]] = []
    for argument in arguments:
        items = elements_of(argument)
        if isinstance(items, Value):
            return items
        same = unified(items)
        if same and isinstance(same[0].data, Invalid):
            return same[0]
        lists.append(tuple(same))
    if math.prod(len(items) for items in lists) > MOST_ROWS:
        message = f"setproduct has more than {MOST_ROWS} rows here; what hangs on it is unknown"
        invocation.scope.run.report("warning", "too-large", invocation.span, message)
        return Value(Unknown(message))
    if any(is_unsized(argument.data) for argument in arguments):
        return derived(arguments)
    rows = [Value(tuple(row)) for row in itertools.product(*lists)]
    if any(isinstance(argument.data, SetItems) for argument in arguments):
        return Value(set_of(rows))
    return Value(ListItems(rows))


FUNCTIONS: dict[str, Function] = {
    "setintersection": _set_operation("intersection"),
    "setproduct": _set_product,
    "setsubtract": _set_operation("difference"),
    "setunion": _set_operation("union"),
}
