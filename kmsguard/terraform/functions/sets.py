"""Functions of sets."""

from __future__ import annotations

import itertools
import math

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
    find_unknown,
    invalid,
)
from kmsguard.terraform.unify import type_of, unify

MOST_ROWS = 100_000  # of a product


def _sets(arguments: tuple[Value, ...]) -> list[tuple[Value, ...]] | Value:
    out = []
    for argument in arguments:
        items = elements_of(argument)
        if isinstance(items, Value):
            return items
        out.append(items)
    to = unify(type_of(item) for items in out for item in items if item.data is not None)
    if to is None:
        return invalid("all elements must have the same type")
    return [tuple(convert(item, to) for item in items) for items in out]


def _set_operation(keep: str) -> Function:
    def run(_: Invocation, arguments: tuple[Value, ...]) -> Value:
        if not any(map(has_choice, arguments)):
            return _operate(keep, arguments)
        options = spread(Value(arguments))
        if options is None:
            return derived(arguments)
        return choose((guard, _operate(keep, option.items)) for guard, option in options)

    return run


def _operate(keep: str, arguments: tuple[Value, ...]) -> Value:
    sets = _sets(arguments)
    if isinstance(sets, Value):
        return sets
    if keep == "union":
        return Value(set_of(itertools.chain.from_iterable(sets)))
    first, *others = sets
    if find_unknown(Value(tuple(itertools.chain.from_iterable(sets)))) is not None:
        return derived(arguments) if others and first else Value(set_of(first))
    keys = [{canonical(item) for item in items} for items in others]
    if keep == "intersection":
        return Value(set_of(item for item in first if all(canonical(item) in other for other in keys)))
    return Value(set_of(item for item in first if not any(canonical(item) in other for other in keys)))


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
