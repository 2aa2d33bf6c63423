"""Values turned into values of another type, as Terraform does where a type is asked for.

See https://developer.hashicorp.com/terraform/language/expressions/types#type-conversion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeAlias

from msgspec.structs import replace

from kmsguard.model.value import Absent, Choice, Data, Target, Text, Unknown, Value
from kmsguard.terraform.choices import choose, combinations, distribute, spread
from kmsguard.terraform.history import derived, from_parts
from kmsguard.terraform.opening import open_value
from kmsguard.terraform.partial import (
    Handle,
    Invalid,
    ListItems,
    Many,
    MapItems,
    Open,
    SetItems,
    branches,
    find_unknown,
    invalid,
    may_be_anything,
    subject_of,
    unfolded,
)
from kmsguard.terraform.texts import is_text, scalar_text
from kmsguard.terraform.types import ANY, BOOL, Type, parse_number
from kmsguard.terraform.unify import PRIMITIVE, may_become, type_of, typed, unify

Key: TypeAlias = "tuple[object, ...]"


def convert(value: Value, to: Type) -> Value:
    """The value as one of a type; an Invalid where it cannot be one. Unknowns stay, open ones learn their type."""
    if to.kind == "any" or value.data is None:
        return value
    data = value.data
    if isinstance(data, Choice):
        return distribute(lambda option: convert(option, to), value)
    if isinstance(data, Unknown):
        return _convert_unknown(value, data, to)
    return _CONVERTERS[to.kind](value, to)


def _convert_unknown(value: Value, data: Unknown, to: Type) -> Value:
    if isinstance(data, Open):
        if data.type is not None and not may_become(data.type, to):
            return _mismatch(to)
        if data.type is None or data.type.kind == "any":
            return inherit_open(value, open_value(data.unit, data.subject, to, data.reason, data.reference, data.allowed))
        return value
    if isinstance(data, Handle) and data.of is not None:
        whole = unfolded(value)
        if whole is not value:
            return convert(whole, to)
        if to.kind == "object":
            members = {name: convert(data.of.attribute(name), inner) for name, inner in to.attributes.items()}
            return value.with_data(members)
    if isinstance(data, Many):
        return value if to.element is None else value.with_data(replace(data, element=convert(data.element, to.element)))
    if isinstance(data, (Invalid, Handle)):
        return value
    known = type_of(value)
    if not may_become(known, to):
        return _mismatch(to)
    if data.target is not None and known.kind == "string" and to.kind != "string":
        return typed(from_parts(Unknown(data.reason, data.reference, None, data.not_null), (value,), value.span), to)
    return typed(value, to)


def inherit_open(value: Value, opened: Value) -> Value:
    """An open value with the history of the one it was made from."""
    return replace(opened, span=value.span, place=value.place, trail=value.trail, refs=value.refs, sensitive=value.sensitive)


def _to_string(value: Value, to: Type) -> Value:
    data = value.data
    if isinstance(data, (str, Text)):
        return value
    text = scalar_text(data)
    return _mismatch(to) if text is None else value.with_data(text)


def _to_number(value: Value, to: Type) -> Value:
    data = value.data
    if isinstance(data, (int, float, Decimal)) and not isinstance(data, bool):
        return value
    if not is_text(value):
        return _mismatch(to)
    text = value.text
    if text is None:
        return value.with_data(_hole(value))
    number = parse_number(text)
    return _mismatch(to) if number is None else value.with_data(number)


def _to_bool(value: Value, to: Type) -> Value:
    data = value.data
    if isinstance(data, bool):
        return value
    if not is_text(value):
        return _mismatch(to)
    text = value.text
    if text is None:
        return value.with_data(_hole(value))
    if text in ("true", "false", "1", "0"):
        return value.with_data(text in ("true", "1"))
    return _mismatch(to)


def _hole(value: Value) -> Unknown:
    unknown = find_unknown(value)
    return Unknown(unknown.reason, unknown.reference) if unknown is not None else Unknown("not known")


def _to_list(value: Value, to: Type) -> Value:
    data = value.data
    if not isinstance(data, tuple):
        return _mismatch(to)
    if is_unsized(data):
        return derived((value,), not_null=True)
    element = to.element or ANY
    if element.kind == "any" and _mixed_choices(data):
        return _each_way(value, data, lambda whole: _to_list(whole, to))
    items = _elements(data, element)
    bad = next((item for item in items if isinstance(item.data, Invalid)), None)
    if bad is not None:
        return bad
    return value.with_data(ListItems(items))


def _to_set(value: Value, to: Type) -> Value:
    data = value.data
    if not isinstance(data, tuple):
        return _mismatch(to)
    if any(has_choice(item) for item in data):
        options = spread(value)
        if options is None:
            return derived((value,))
        return choose((guard, _to_set(option, to)) for guard, option in options)
    items = _elements(data, to.element or ANY)
    bad = next((item for item in items if isinstance(item.data, Invalid)), None)
    if bad is not None:
        return bad
    return value.with_data(set_of(items))


def _each_way(value: Value, items: tuple[Value, ...], make: Callable[[Value], Value]) -> Value:
    """What is made of a list, for each way in which its elements can turn out."""
    rows = combinations(items)
    if rows is None:
        return derived((value,))
    return choose((guard, make(value.with_data(row))) for guard, row in rows)


def _mixed_choices(items: tuple[Value, ...]) -> bool:
    """Whether it hangs on conditions which type the elements have."""
    if not any(isinstance(item.data, Choice) for item in items):
        return False
    return len({_scalar_kind(option.data) for item in items for _, option in branches(item)} - {""}) > 1


def _elements(items: tuple[Value, ...], element: Type) -> list[Value]:
    if element.kind != "any":
        return [convert(item, element) for item in items]
    return unified(items)


def unified(items: Iterable[Value]) -> list[Value]:
    """The elements with one type for all; a single error where there is none."""
    items = list(items)
    kinds = {_scalar_kind(item.data) or _kind_of_unknown(item) for item in items} - {""}
    if len(kinds) < 2 and "other" not in kinds:
        return items
    to = None if _null_beside_structure(items) else unify(type_of(item) for item in items if item.data is not None)
    return [invalid("all elements must have the same type")] if to is None else [convert(item, to) for item in items]


def _null_beside_structure(items: list[Value]) -> bool:
    """Whether a null stands where others are lists or maps: it has no type, and Terraform finds none for both."""
    if any(item.data is None for item in items):
        return any(_scalar_kind(item.data) == "other" for item in items)
    first = items[0].data if items else None
    if type(first) is tuple:
        rows = [item.data for item in items if type(item.data) is tuple and len(item.data) == len(first)]
    elif type(first) is dict:
        rows = [tuple(item.data.values()) for item in items if type(item.data) is dict and item.data.keys() == first.keys()]
    else:
        return False
    return len(rows) == len(items) and any(map(_null_beside_structure, map(list, zip(*rows, strict=True))))


def _kind_of_unknown(item: Value) -> str:
    kind = type_of(item).kind if isinstance(item.data, Unknown) else "any"
    return "" if kind == "any" else kind if kind in PRIMITIVE else "other"


def _scalar_kind(data: Data) -> str:
    if data is None or isinstance(data, (Unknown, Choice, Absent)):
        return ""
    if isinstance(data, bool):
        return "bool"
    if isinstance(data, (str, Text)):
        return "string"
    return "number" if isinstance(data, (int, float, Decimal)) else "other"


def _to_map(value: Value, to: Type) -> Value:
    data = value.data
    if not isinstance(data, dict):
        return _mismatch(to)
    element = to.element or ANY
    if element.kind == "any" and _mixed_choices(tuple(data.values())):
        names = tuple(data)
        whole = value.with_data(tuple(data.values()))
        return _each_way(whole, whole.items, lambda row: _to_map(row.with_data(dict(zip(names, row.items, strict=True))), to))
    if element.kind == "any":
        there = {name: item for name, item in data.items() if item.data is not None}
        items = unified(there.values())
        if items and isinstance(items[0].data, Invalid):
            return items[0]
        members = {**data, **dict(zip(there, items, strict=True))}
    else:
        members = {name: convert(item, element) for name, item in data.items()}
    bad = next((item for item in members.values() if isinstance(item.data, Invalid)), None)
    if bad is not None:
        return bad
    return value.with_data(MapItems(members))


def _to_object(value: Value, to: Type) -> Value:
    data = value.data
    if not isinstance(data, dict):
        return _mismatch(to)
    members: dict[str, Value] = {}
    for name, inner in to.attributes.items():
        item = data.get(name)
        if name in to.optional and (item is None or item.data is None):
            default = to.optional[name]
            if default is not None:
                item = default
            elif item is None:
                item = Value(None)
        if item is None:
            return invalid(f"attribute {name} is required")
        members[name] = convert(item, inner)
        if isinstance(members[name].data, Invalid):
            return members[name]
    return value.with_data(members)


def _to_tuple(value: Value, to: Type) -> Value:
    data = value.data
    if not isinstance(data, tuple) or isinstance(data, (ListItems, SetItems)) or len(data) != len(to.elements):
        return _mismatch(to)
    return value.with_data(tuple(convert(item, inner) for item, inner in zip(data, to.elements, strict=True)))


def _mismatch(to: Type) -> Value:
    return invalid(f"a {to.kind} is required")


_CONVERTERS = {
    "string": _to_string,
    "number": _to_number,
    "bool": _to_bool,
    "list": _to_list,
    "set": _to_set,
    "map": _to_map,
    "object": _to_object,
    "tuple": _to_tuple,
}


# --- sets -----------------------------------------------------------------------------------------------------------------


def has_choice(value: Value) -> bool:
    """Whether anything in a value hangs on a condition."""
    data = value.data
    if isinstance(data, Choice):
        return True
    if isinstance(data, tuple):
        return any(map(has_choice, data))
    if isinstance(data, dict):
        return any(map(has_choice, data.values()))
    return isinstance(data, Text) and any(map(has_choice, data.pieces))


def set_of(items: Iterable[Value]) -> SetItems:
    """A set of elements in Terraform's order (text by code points, numbers by size), those not known last."""
    known: dict[Key, Value] = {}
    open_: list[Value] = []
    seen: set[Target | str] = set()
    for item in items:
        key = canonical(item)
        if key is None:
            same = item.target or (subject_of(item.data) if isinstance(item.data, Unknown) else None)
            if same is None or same not in seen:
                open_.append(item)
            if same is not None:
                seen.add(same)
        elif key not in known:
            known[key] = item
    null = known.pop(("null",), None)
    keys = list(known)
    if all(key[0] == "string" for key in keys) or all(key[0] in ("number", "bool") for key in keys):
        keys.sort(key=lambda key: key[1])  # type: ignore[arg-type,return-value]
    else:
        keys.sort(key=_written)
    if null is not None:
        keys.append(("null",))
        known["null",] = null
    return SetItems((*(known[key] for key in keys), *open_))


def is_unsized(data: Data) -> bool:
    """Whether it is a set of which it is not known how many elements it has, and in which order."""
    return isinstance(data, SetItems) and len(data) > 1 and any(map(may_be_anything, data))


def _written(key: Key) -> str:
    """A key as text, by which collections stand in a set."""
    kind, *rest = key
    if kind == "string":
        return f'"{rest[0]}"'
    if kind in ("list", "map"):
        return "<" + ";".join(_written(part[1] if kind == "map" else part) for part in rest) + ">"  # type: ignore[index,arg-type]
    return str(rest[0]) if rest else ""


def canonical(value: Value) -> Key | None:
    """A key that is equal for equal values; None where the value is not wholly known."""
    data = value.data
    if isinstance(data, (str, Text)):
        text = value.text
        return None if text is None else ("string", text)
    if isinstance(data, bool):
        return "bool", data
    if isinstance(data, (int, float, Decimal)):
        return "number", data
    if data is None:
        return ("null",)
    if isinstance(data, tuple):
        parts = [canonical(item) for item in data]
        return None if None in parts else ("list", *parts)
    if isinstance(data, dict):
        names = sorted(data)
        parts = [canonical(data[name]) for name in names]
        return None if None in parts else ("map", *zip(names, parts, strict=True))
    return None


# --- what is asked of a value -----------------------------------------------------------------------------------------------


def as_bool(value: Value) -> bool | None:
    """A bool (or its text), where it is known; None for anything else."""
    found = convert(value, BOOL).data
    return found if isinstance(found, bool) else None
