"""Functions of lists, and of what they have in common with sets and maps. They move elements as they are, known or not."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

from msgspec.structs import replace

from kmsguard.model.guard import Formula, negate
from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value
from kmsguard.terraform.access import element as element_at
from kmsguard.terraform.access import exists, members_of
from kmsguard.terraform.arithmetic import CONTEXT, narrow
from kmsguard.terraform.choices import choose, combinations, spread, truth_value
from kmsguard.terraform.conversion import canonical, convert, has_choice, unified
from kmsguard.terraform.functions import Function, Invocation
from kmsguard.terraform.functions.adapt import BOOLS, INT64, LIST, NUMBERS, STRINGS, FunctionError, pure, settled
from kmsguard.terraform.graphemes import graphemes
from kmsguard.terraform.guards import any_holds, join
from kmsguard.terraform.history import derived, from_parts, inherited
from kmsguard.terraform.operations import equal, never_empty
from kmsguard.terraform.partial import (
    Handle,
    Invalid,
    ListItems,
    Many,
    Open,
    SetItems,
    Typed,
    find_unknown,
    invalid,
    is_invalid,
    subject_of,
)
from kmsguard.terraform.scope import Run
from kmsguard.terraform.texts import is_text
from kmsguard.terraform.types import NUMBER
from kmsguard.terraform.unify import PRIMITIVE, type_of, unify

SCALAR = PRIMITIVE | {"any"}

MOST_OPEN = 100
"""So many elements of a list that is not known are told apart."""


_LISTS = frozenset({"any", "list", "set", "tuple"})


def elements_of(value: Value) -> tuple[Value, ...] | Value:
    """The elements, each having come the whole's way; a Value where they are not known, or it is no list."""
    data = value.data
    if isinstance(data, tuple):
        if value.trail is None and not value.sensitive and not value.refs:
            return data
        return type(data)(inherited(item, value) for item in data)
    if isinstance(data, Unknown):
        return derived((value,)) if type_of(value).kind in _LISTS else invalid("a list is required")
    return invalid("a list is required")


def same_kind(value: Value, items: Iterable[Value]) -> Value:
    """A list of the kind that the first one was."""
    kind = ListItems if isinstance(value.data, (ListItems, SetItems)) else tuple
    return Value(kind(items), sensitive=value.sensitive)


# --- truths ---------------------------------------------------------------------------------------------------------------


def _all_true(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    return _truths(arguments, decisive=False)


def _any_true(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    return _truths(arguments, decisive=True)


def _truths(arguments: tuple[Value, ...], *, decisive: bool) -> Value:
    items = convert(arguments[0], BOOLS)
    if not isinstance(items.data, tuple):
        return items if isinstance(items.data, Invalid) else derived(arguments, not_null=True)
    options = spread(items)
    if options is None:
        return derived(arguments, not_null=True)
    return choose((guard, _truth(option, decisive)) for guard, option in options)


def _truth(items: Value, decisive: bool) -> Value:
    open_ = [item for item in items.items if isinstance(item.data, Unknown)]
    # null counts as false
    if any((item.data if item.data is not None else False) is decisive for item in items.items):
        return from_parts(decisive, items.items)
    return derived(open_, not_null=True) if open_ else from_parts(not decisive, items.items)


# --- first that is something ------------------------------------------------------------------------------------------------


def _coalesce(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    if unify(map(type_of, arguments)) is None:
        return invalid("all arguments of coalesce must have the same type")
    head, *rest = arguments
    if not is_text(head) and _is_there(head) and any(isinstance(a.data, Unknown) and type_of(a).kind == "any" for a in rest):
        return derived(rest)  # a text if one of them is
    open_ = any(argument.data is None for argument in arguments) and any(type_of(a).kind not in SCALAR for a in arguments)
    return _first(invocation, arguments if open_ else tuple(unified(arguments)), "coalesce")


def _first(invocation: Invocation, arguments: tuple[Value, ...], name: str) -> Value:
    if not arguments:
        return invalid(f"all arguments of {name} are empty")
    head, rest = arguments[0], arguments[1:]
    there = _is_there(head)
    if there is True:
        return head
    if there is False:
        return _first(invocation, rest, name)
    facts = invocation.scope.run.facts
    subject = subject_of(head.data) if isinstance(head.data, Unknown) else None
    if subject is None or not rest:
        return head if not rest else derived(arguments)
    missing = join(facts.equals(subject, None), facts.equals(subject, ""))
    return choose([(negate(missing), head), (missing, _first(invocation, rest, name))])


def _is_there(value: Value) -> bool | None:
    data = value.data
    if data is None:
        return False
    if is_text(value):
        text = value.text
        return text != "" if text is not None else (isinstance(data, Text) and _has_characters(data)) or None
    if isinstance(data, Unknown):
        return True if (never_empty(data) and data.not_null) or isinstance(data, Handle) else None
    return True


def _has_characters(text: Text) -> bool:
    return any(isinstance(piece.data, str) and piece.data for piece in text.pieces)


def _coalesce_list(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    given = [argument for argument in arguments if argument.data is not None]
    for argument in given:
        if not isinstance(argument.data, (tuple, Unknown)) or isinstance(argument.data, SetItems):
            return invalid("a list is required")
    for argument in given:
        if not isinstance(argument.data, tuple):
            return derived(arguments)
        if argument.data:
            return argument
    return invalid("all arguments of coalescelist are empty")


# --- lists ----------------------------------------------------------------------------------------------------------------


def _chunk_list(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    items, size = elements_of(convert(arguments[0], LIST)), convert(arguments[1], NUMBER).data
    if isinstance(items, Value):
        return items
    if isinstance(size, Unknown) and not isinstance(size, Invalid):
        return derived(arguments, not_null=True)
    if not isinstance(size, int) or size < 0 or size not in INT64:
        return invalid("a size must be a whole number")
    size = size or len(items) or 1
    return Value(ListItems(Value(ListItems(items[at : at + size])) for at in range(0, len(items), size)))


def _compact(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    items = convert(arguments[0], STRINGS)
    if not isinstance(items.data, tuple):
        return items if isinstance(items.data, Invalid) else derived(arguments)
    options = spread(items)
    if options is None:
        return derived(arguments)
    return choose((guard, _compacted(option)) for guard, option in options)


def _compacted(items: Value) -> Value:
    left = []
    for item in items.items:
        there = _is_there(item)
        if there is None:
            return derived(items.items)
        if there:
            left.append(item)
    return Value(ListItems(left), sensitive=items.sensitive)


def _concat(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    out: list[Value] = []
    for argument in arguments:
        items = elements_of(argument) if type_of(argument).kind != "set" else invalid("a list is required, not a set")
        if isinstance(items, Value):
            return items if isinstance(items.data, Invalid) else derived(arguments)
        out.extend(items)
    sensitive = any(argument.sensitive for argument in arguments)
    if all(isinstance(argument.data, ListItems) for argument in arguments):
        return replace(convert(Value(tuple(out)), LIST), sensitive=sensitive)
    return Value(tuple(out), sensitive=sensitive)


Positions: TypeAlias = "dict[object, list[int]]"
"""Where in a list the elements of a canonical form stand."""


def _positions(items: Value) -> Positions | None:
    """Of a list of which all is known; None of any other."""
    out: Positions = {}
    for number, item in enumerate(items.data if isinstance(items.data, tuple) else ()):
        key = canonical(item)
        if key is None:
            return None
        out.setdefault(key, []).append(number)
    return out if isinstance(items.data, tuple) else None


def position(run: Run, items: Value, wanted: Value) -> int | None:
    """Where a value stands in a list first, -1 where it does not; None where not all of both is known."""
    key = canonical(wanted)
    known = run.remember("positions", items, _positions) if key is not None else None
    if known is None:
        return None
    at: tuple[Value, ...] = items.items
    return next((number for number in known.get(key, ()) if equal(at[number], wanted)), -1)


def _contains(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    items, wanted = arguments
    found = position(invocation.scope.run, items, wanted) if wanted.data is not None else None
    if found is not None:  # most lists: nothing in it is open
        return from_parts(data=found >= 0, parts=arguments)
    elements = elements_of(items)
    if isinstance(elements, Value):
        return elements if not isinstance(items.data, Unknown) else derived((items,), not_null=True)
    if wanted.data is None or items.data is None:
        return invalid("an argument must not be null")
    results = [equal(element, wanted) for element in elements]
    if True in results:
        return from_parts(data=True, parts=arguments)
    if None not in results:
        return from_parts(data=False, parts=arguments)
    fact = _one_of(invocation, wanted, elements)
    return derived((wanted, *elements), not_null=True) if fact is None else truth_value(fact)


def _one_of(invocation: Invocation, wanted: Value, elements: tuple[Value, ...]) -> Formula | None:
    if not isinstance(wanted.data, Unknown):
        return None
    subject = subject_of(wanted.data)
    if subject is None:
        return None
    facts: list[Formula] = []
    for item in elements:
        literal = item.text if is_text(item) else item.data
        if not (literal is None or isinstance(literal, (str, int, bool))):
            return None
        if equal(item, wanted) is not False:
            facts.append(invocation.scope.run.facts.equals(subject, literal, wanted.data.allowed))
    return any_holds(*facts)


def _distinct(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    items = elements_of(convert(arguments[0], LIST))
    if isinstance(items, Value):
        return items
    keys = [canonical(item) for item in items]
    if None not in keys:
        first = dict(zip(reversed(keys), reversed(items), strict=True))
        return Value(ListItems(first[key] for key in dict.fromkeys(keys)), sensitive=arguments[0].sensitive)
    out: list[Value] = []
    for item in items:
        results = [equal(item, other) for other in out]
        if True in results:
            continue
        if None in results:
            return derived(items)
        out.append(item)
    return Value(ListItems(out), sensitive=arguments[0].sensitive)


def _element(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    whole, at = arguments[0], convert(arguments[1], NUMBER)
    if isinstance(whole.data, tuple) and not isinstance(whole.data, SetItems):
        if not whole.data:
            return invalid("element needs a list that is not empty")
        if isinstance(at.data, int) and at.data in INT64 and (at.data >= 0 or isinstance(whole.data, ListItems)):
            return inherited(whole.data[at.data % len(whole.data)], whole)
    return element_at(whole, at, invocation.scope.run.facts, caught=invocation.scope.run.trying > 0)


def _flatten(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    whole = arguments[0]
    items = elements_of(whole)
    if isinstance(items, Value):
        return items
    return _flat(items, whole.sensitive)


def _flat(items: tuple[Value, ...], sensitive: bool) -> Value:
    """A flat list, for each way in which elements that may be lists can turn out."""
    leaves: list[Value] = []
    for item in items:
        leaves.extend(_leaves(item))
    if not any(map(_may_be_list, leaves)):
        unknown = next((leaf for leaf in leaves if isinstance(leaf.data, Unknown) and not _is_single(leaf.data)), None)
        return Value(tuple(leaves), sensitive=sensitive) if unknown is None else derived((unknown,))
    rows = combinations(tuple(leaf if _may_be_list(leaf) else Value(ABSENT) for leaf in leaves))
    if rows is None:
        return derived(leaves)
    return choose(
        (guard, _flat(tuple(a if b.data is ABSENT else b for a, b in zip(leaves, row, strict=True)), sensitive))
        for guard, row in rows
    )


def _leaves(item: Value) -> Iterable[Value]:
    if not isinstance(item.data, tuple):
        return (item,)
    items = elements_of(item)
    assert not isinstance(items, Value)
    return (leaf for inner in items for leaf in _leaves(inner))


def _may_be_list(item: Value) -> bool:
    return isinstance(item.data, Choice) and any(isinstance(b.value.data, (tuple, Unknown)) for b in item.data.branches)


def _is_single(unknown: Unknown) -> bool:
    """Whether an Unknown certainly is no list."""
    if isinstance(unknown, (Handle, Invalid)):
        return True
    if isinstance(unknown, (Open, Typed)) and unknown.type is not None:
        return unknown.type.kind in ("string", "number", "bool", "object", "map")
    return never_empty(unknown)


def _index(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    if not isinstance(arguments[0].data, SetItems):
        found = position(invocation.scope.run, *arguments)
        if found is not None:
            return Value(found) if found >= 0 else invalid("the list does not have that element")
    items = (
        elements_of(arguments[0]) if not isinstance(arguments[0].data, SetItems) else invalid("a list is required, not a set")
    )
    if isinstance(items, Value):
        return items if not isinstance(arguments[0].data, Unknown) else derived(arguments)
    for number, item in enumerate(items):
        same = equal(item, arguments[1])
        if same is None:
            return derived((item, arguments[1]))
        if same:
            return Value(number)
    return invalid("the list does not have that element")


def _length(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    value = arguments[0]
    data = value.data
    if is_text(value):
        text = value.text
        return derived(arguments, not_null=True) if text is None else from_parts(len(graphemes(text)), (value,))
    if isinstance(data, SetItems) and len(data) > 1 and any(canonical(item) is None for item in data):
        return derived(data, not_null=True)
    if isinstance(data, (tuple, dict)):
        return Value(len(data), sensitive=value.sensitive)
    members = members_of(value)
    if members is not None:
        return Value(len(members))
    has_length = isinstance(data, Unknown) and type_of(value).kind not in ("number", "bool")
    return derived(arguments, not_null=True) if has_length else invalid("it has no length")


def _one(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    value = arguments[0]
    if isinstance(value.data, Many):
        fact = exists(value.data, "0", invocation.scope.run.facts)
        return choose([(fact, inherited(value.data.element, value)), (negate(fact), Value(None))])
    items = elements_of(value)
    if isinstance(items, Value):
        return items
    if len(items) > 1:
        return derived(items) if isinstance(items, SetItems) and find_unknown(value) else invalid("one needs a list of one")
    return items[0] if items else Value(None)


def _range(*numbers: int | Decimal) -> list[int | Decimal]:
    start, end = (0, numbers[0]) if len(numbers) == 1 else numbers[:2]
    step = numbers[2] if len(numbers) == 3 else 1 if start <= end else -1
    if step == 0 or ((step > 0) != (start <= end) and start != end):
        raise FunctionError("range never ends")
    out: list[int | Decimal] = []
    while start < end if step > 0 else start > end:
        if len(out) >= 1024:
            raise FunctionError("range is too long")
        out.append(start)
        start = narrow(CONTEXT.add(Decimal(start), Decimal(step)))
    return out


def _reverse(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    items = elements_of(arguments[0])
    return items if isinstance(items, Value) else same_kind(arguments[0], tuple(items)[::-1])


def _slice(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    start, end = (convert(argument, NUMBER) for argument in arguments[1:])
    if isinstance(arguments[0].data, SetItems):
        return invalid("a list is required, not a set")
    whole = arguments[0]
    items = whole.data if isinstance(whole.data, tuple) else elements_of(whole)  # what is left out need not be looked at
    if isinstance(items, Value):
        data = arguments[0].data
        bounds = start.data, end.data
        # a list that is shorter would be an error: where nothing catches that, there are so many elements
        if is_invalid(items):
            return items
        if not invocation.scope.run.trying and isinstance(data, Unknown) and not isinstance(data, (Invalid, Many, Handle)):
            return _open_slice(invocation, arguments[0], bounds) or items
        return items
    for bound in (start, end):
        if is_invalid(bound):
            return bound
        at = bound.data
        if not isinstance(at, Unknown) and not (isinstance(at, int) and 0 <= at <= len(items)):
            return invalid("the list has no such slice")
    if isinstance(start.data, Unknown) or isinstance(end.data, Unknown):
        return derived((start, end))
    if not isinstance(start.data, int) or not isinstance(end.data, int) or not 0 <= start.data <= end.data <= len(items):
        return invalid("the list has no such slice")
    return same_kind(whole, tuple(inherited(item, whole) for item in items[start.data : end.data]))


def _open_slice(invocation: Invocation, whole: Value, bounds: tuple[object, object]) -> Value | None:
    """The elements of a list that is not known; None where the bounds are not, or make no sense."""
    start, end = bounds
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end <= MOST_OPEN:
        return None
    facts = invocation.scope.run.facts
    return Value(ListItems(element_at(whole, Value(at), facts) for at in range(start, end)), sensitive=whole.sensitive)


def _sort(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    items = elements_of(convert(arguments[0], STRINGS))
    if isinstance(items, Value):
        return items
    if any(item.data is None for item in items):
        return invalid("a text to sort must not be null")
    if len(items) < 2:
        return Value(ListItems(items))
    if find_unknown(Value(items)) is not None and not any(map(has_choice, items)):
        return Value(ListItems(derived(items, not_null=True) for _ in items))  # so many, whichever stands first
    return settled(lambda whole: Value(ListItems(sorted(whole.items, key=_text_key))), (Value(ListItems(items)),))


def _text_key(value: Value) -> str:
    return value.text or ""


def _sum(numbers: list[int | Decimal]) -> int | Decimal:
    if not numbers:
        raise FunctionError("sum needs a number")
    total: int | Decimal = 0
    for number in numbers:
        if number is None:
            raise FunctionError("a number to sum must not be null")
        total = (
            total + number
            if isinstance(number, int) and isinstance(total, int)
            else CONTEXT.add(Decimal(total), Decimal(number))
        )
    return narrow(total)


_SUM = pure(_sum, NUMBERS)


def _total(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    return derived(arguments) if isinstance(arguments[0].data, Unknown) else _SUM(invocation, arguments)


def _match_keys(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    both = unify(map(type_of, arguments[1:]))
    if both is None:
        return invalid("the lists of keys must have the same type")
    values = elements_of(convert(arguments[0], LIST))
    keys, wanted = (elements_of(convert(convert(argument, both), LIST)) for argument in arguments[1:])
    for items in (values, keys, wanted):
        if isinstance(items, Value):
            return items
    assert not isinstance(values, Value)
    assert not isinstance(keys, Value)
    assert not isinstance(wanted, Value)
    if len(values) != len(keys):
        return invalid("matchkeys needs lists of the same length")
    out = []
    whole = Value(wanted)
    for value, key in zip(values, keys, strict=True):
        found = position(invocation.scope.run, whole, key)
        if found is not None:
            if found >= 0:
                out.append(value)
            continue
        results = [equal(key, other) for other in wanted]
        if True in results:
            out.append(value)
        elif None in results:
            return derived((key, *wanted))
    return Value(ListItems(out))


FUNCTIONS: dict[str, Function] = {
    "alltrue": _all_true,
    "anytrue": _any_true,
    "chunklist": _chunk_list,
    "coalesce": _coalesce,
    "coalescelist": _coalesce_list,
    "compact": _compact,
    "concat": _concat,
    "contains": _contains,
    "distinct": _distinct,
    "element": _element,
    "flatten": _flatten,
    "index": _index,
    "length": _length,
    "matchkeys": _match_keys,
    "one": _one,
    "range": pure(_range, variadic=NUMBER),
    "reverse": _reverse,
    "slice": _slice,
    "sort": _sort,
    "sum": _total,
}
