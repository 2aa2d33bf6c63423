"""The types of values, and the one type that several values can be converted to.

See https://developer.hashicorp.com/terraform/language/expressions/types#conversion-of-complex-types and, for how elements of
different types become one, https://github.com/zclconf/go-cty/blob/main/docs/convert.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from kmsguard.model.value import Branch, Choice, Text, Unknown, Value
from kmsguard.terraform.partial import ListItems, Many, MapItems, Open, SetItems, Typed
from kmsguard.terraform.types import ANY, BOOL, NUMBER, STRING, Type

PRIMITIVE = frozenset({"string", "number", "bool"})
_TEXTS = frozenset({"arn", "id"})  # attributes that are a text in every resource


def typed(value: Value, of: Type, *, not_null: bool = False) -> Value:
    """A value, of which the type is known where nothing else is: what has a symbolic value of its own keeps that."""
    data = value.data
    if isinstance(data, Choice):
        return value.with_data(Choice(tuple(Branch(b.guard, typed(b.value, of, not_null=not_null)) for b in data.branches)))
    if not isinstance(data, Unknown) or type(data) not in (Unknown, Typed) or data.target is not None:
        return value
    return value.with_data(Typed(data.reason, data.reference, None, not_null or data.not_null, data.prefix, data.allowed, of))


_KINDS = {**dict.fromkeys(("list", "set", "tuple"), "sequence"), **dict.fromkeys(("map", "object"), "mapping")}


def may_become(unknown: Type, to: Type) -> bool:
    """Whether a value of which only the type is known may be converted to another type."""
    one, other = _KINDS.get(unknown.kind, unknown.kind), _KINDS.get(to.kind, to.kind)
    return one == other or "any" in (one, other) or ("string" in (one, other) and {one, other} <= PRIMITIVE)


def differ(one: Type, other: Type) -> bool:
    """Whether values of two types are different ones, whatever they are."""
    if "any" in (one.kind, other.kind):
        return False
    if one.kind != other.kind or one.attributes.keys() != other.attributes.keys() or len(one.elements) != len(other.elements):
        return True
    if one.element is not None and other.element is not None:
        return differ(one.element, other.element)
    return any(differ(*pair) for pair in zip(one.elements, other.elements, strict=True)) or any(
        differ(inner, other.attributes[name]) for name, inner in one.attributes.items()
    )


def type_of(value: Value) -> Type:
    """The type of a value: ANY for null, and for what is not known at all."""
    data = value.data
    if isinstance(data, (str, Text)):
        return STRING
    if isinstance(data, bool):
        return BOOL
    if isinstance(data, (int, float, Decimal)):
        return NUMBER
    if isinstance(data, tuple):
        if isinstance(data, (ListItems, SetItems)):
            return Type("set" if isinstance(data, SetItems) else "list", _element(data))
        return Type("tuple", elements=tuple(map(type_of, data)))
    if isinstance(data, dict):
        if isinstance(data, MapItems):
            return Type("map", _element(data.values()))
        return Type("object", attributes={name: type_of(item) for name, item in data.items()})
    if isinstance(data, Choice):
        return unify(type_of(branch.value) for branch in data.branches) or ANY
    return _of_unknown(data) if isinstance(data, Unknown) else ANY


def _of_unknown(data: Unknown) -> Type:
    if isinstance(data, (Open, Typed)) and data.type is not None:
        return data.type
    if isinstance(data, Many):
        return ANY
    if data.prefix or (data.target is not None and data.target.attribute in _TEXTS):
        return STRING
    return ANY


def _element(items: Iterable[Value]) -> Type:
    return unify(map(type_of, items)) or ANY


def unify(types: Iterable[Type]) -> Type | None:
    """The type that values of all of these types can be converted to; None where there is none. ANY fits to each."""
    distinct: list[Type] = []
    open_ = False
    for each in types:
        open_ = open_ or each.kind == "any"
        if each.kind != "any" and not any(each is other or each == other for other in distinct):
            distinct.append(each)
    if len(distinct) < 2:
        return distinct[0] if distinct else ANY
    return _unified(distinct) or (ANY if open_ else None)


def _unified(distinct: list[Type]) -> Type | None:
    kinds = {each.kind for each in distinct}
    if kinds <= PRIMITIVE:
        return STRING if "string" in kinds else None
    if kinds == {"set"}:
        return _collection("set", [each.element or ANY for each in distinct])
    if kinds <= {"list", "tuple", "set"}:
        return _sequences(distinct, kinds)
    return _mappings(distinct, kinds) if kinds <= {"map", "object"} else None


def _collection(kind: str, elements: Iterable[Type]) -> Type | None:
    element = unify(elements)
    return None if element is None else Type(kind, element)


def _sequences(types: list[Type], kinds: set[str]) -> Type | None:
    if kinds == {"tuple"} and len({len(each.elements) for each in types}) == 1:
        elements = [unify(column) for column in zip(*(each.elements for each in types), strict=True)]
        known = tuple(element for element in elements if element is not None)
        return Type("tuple", elements=known) if len(known) == len(elements) else None
    inner = [element for each in types for element in (each.elements if each.kind == "tuple" else (each.element or ANY,))]
    return _collection("set" if "set" in kinds and "list" not in kinds else "list", inner)


def _mappings(types: list[Type], kinds: set[str]) -> Type | None:
    names = types[0].attributes.keys()
    if kinds == {"object"} and all(each.attributes.keys() == names for each in types):
        attributes = {name: unify(each.attributes[name] for each in types) for name in names}
        known = {name: inner for name, inner in attributes.items() if inner is not None}
        return Type("object", attributes=known) if len(known) == len(attributes) else None
    inner = [
        each for whole in types for each in (whole.attributes.values() if whole.kind == "object" else (whole.element or ANY,))
    ]
    return _collection("map", inner)
