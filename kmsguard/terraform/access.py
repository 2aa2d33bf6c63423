"""Attributes, elements and entries of values, known or not."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from msgspec.structs import replace

from kmsguard.model.guard import Formula, negate
from kmsguard.model.value import MAX_BRANCHES, Target, Text, Unknown, Value
from kmsguard.terraform.choices import choose
from kmsguard.terraform.conversion import convert, is_unsized
from kmsguard.terraform.guards import any_holds
from kmsguard.terraform.history import derived, from_parts, inherited
from kmsguard.terraform.opening import part_of
from kmsguard.terraform.operations import Facts
from kmsguard.terraform.partial import Handle, Invalid, ListItems, Many, Open, SetItems, Typed, invalid, is_invalid, subject_of
from kmsguard.terraform.texts import is_text
from kmsguard.terraform.types import ANY, NUMBER, STRING, Type
from kmsguard.terraform.unify import PRIMITIVE, typed

Entries: TypeAlias = "list[tuple[Value, Value]]"


def attribute(whole: Value, name: str) -> Value:
    """`whole.name`."""
    data = whole.data
    if isinstance(data, dict):
        found = data.get(name)
        if found is None:
            return invalid(f"there is no attribute {name}")
        return inherited(found, whole)
    if isinstance(data, Unknown):
        return _of_unknown(whole, data, name, index=False)
    if isinstance(data, tuple) and name.isdigit():
        return element(whole, Value(int(name)), None)
    return invalid(f"attribute {name} of what has no attributes")


_AWS = re.compile(r"(?:\A|\.)(?:aws_\w+|terraform_data)\.[\w-]+(?:\[[^\]]*\])?\Z")


_KMS = re.compile(r"(?:\A|\.)aws_kms_\w+\.[\w-]+(?:\[[^\]]*\])?\Z")


def is_identity(unknown: Unknown) -> bool:
    """Whether it is the ARN or id of a resource, or of the key that an alias names: a text in any case, and not null."""
    target = unknown.target
    if target is None:
        return False
    if target.attribute in ("key_id", "target_key_arn", "target_key_id"):
        return _KMS.search(target.address) is not None
    return target.attribute in ("arn", "id") and _AWS.search(target.address) is not None


def _of_unknown(whole: Value, data: Unknown, name: str, *, index: bool) -> Value:
    if isinstance(data, Invalid):
        return whole
    if isinstance(data, Handle):
        return inherited(data.of.attribute(name), whole) if data.of is not None else derived((whole,))
    if isinstance(data, Many):
        return inherited(data.element, whole)
    if isinstance(data, Open):
        return inherited(part_of(data, name, index=index), whole)
    if isinstance(data, Typed) and data.type is not None:
        return _of_typed(whole, data, data.type, name, index=index)
    target = data.target
    if is_identity(data):
        return invalid(f"{data.reference or 'an identity'} is a text, which has no attributes and no elements")
    step = name.strip('"')
    if target is None or not target.address:
        return from_parts(Unknown(data.reason, data.reference), (whole,), whole.span)
    reference = data.reference
    if reference is not None:
        reference = f"{reference}[{name}]" if index else f"{reference}.{name}"
    inner = Target(target.address, f"{target.attribute}.{step}" if target.attribute else step)
    unknown = Unknown(data.reason, reference, inner)
    return Value(unknown, whole.span, None, whole.trail, (), whole.sensitive)


def _of_typed(whole: Value, data: Typed, of: Type, name: str, *, index: bool) -> Value:
    """An attribute or element of what is not known but for its type."""
    if of.kind in PRIMITIVE or of.kind == "set" or (of.kind in ("list", "tuple") and not index and not name.isdigit()):
        return invalid(f"a {of.kind} has no attributes and no elements by index")
    name = name.strip('"')
    if of.kind == "object" and name not in of.attributes:
        return invalid(f"there is no attribute {name}")
    if of.kind == "tuple" and not (name.isdigit() and int(name) < len(of.elements)):
        return invalid("the list has no element of that index")
    inner = of.element or (of.attributes[name] if of.kind == "object" else of.elements[int(name)] if of.elements else ANY)
    part = from_parts(Unknown(data.reason, data.reference), (whole,), whole.span)
    return part if inner.kind == "any" else typed(part, inner)


def element(whole: Value, key: Value, facts: Facts | None, *, caught: bool = False) -> Value:
    """`whole[key]`. `caught`: an error of it may be caught, so that nothing follows from there being none."""
    if is_invalid(whole):
        return whole
    if is_invalid(key):
        return key
    data = whole.data
    if isinstance(data, SetItems):
        return invalid("a set has no elements by index")
    if isinstance(data, tuple):
        return _element_of_list(whole, data, key, caught)
    if isinstance(data, dict):
        return _element_of_map(whole, data, key, facts, caught)
    if isinstance(data, Unknown):
        found = _element_of_unknown(whole, data, key)
        return _if_there(found, whole, key, facts) if caught else found
    return invalid("an element of what has no elements")


def _if_there(found: Value, whole: Value, key: Value, facts: Facts | None) -> Value:
    """An element of a collection of which it is not known what it holds: it, or an error."""
    data = whole.data
    if facts is None or is_invalid(found) or not isinstance(data, (Many, Open)):
        return found
    at = f'"{key.text}"' if is_text(key) else str(key.data) if isinstance(key.data, int) else "*"
    fact = exists(data, at, facts)
    return choose([(fact, found), (negate(fact), invalid("there is no such element"))])


def exists(collection: Many | Open, at: str, facts: Facts) -> Formula:
    """The fact that a collection, of which it is not known what it holds, has an element."""
    if isinstance(collection, Open):
        name = collection.subject
    else:
        target = collection.element.target
        name = target.address if target is not None else collection.reference or collection.reason
    return facts.equals(f"{name}[{at}] exists", value=True, among=(True, False))


def _element_of_list(whole: Value, items: tuple[Value, ...], key: Value, caught: bool) -> Value:
    at = convert(key, NUMBER)
    if isinstance(at.data, Unknown) and not isinstance(at.data, Invalid):
        # with one element any other index would be an error
        return inherited(items[0], whole) if len(items) == 1 and not caught else derived((key, *items))
    if not isinstance(at.data, (int, Decimal)) or isinstance(at.data, bool):
        return invalid("an index must be a whole number")
    if not isinstance(at.data, int) or not 0 <= at.data < len(items):
        return invalid("the list has no element of that index")
    return inherited(items[at.data], whole)


def _element_of_map(whole: Value, members: dict[str, Value], key: Value, facts: Facts | None, caught: bool) -> Value:
    name = convert(key, STRING)
    text = name.text
    if text is not None:
        found = members.get(text)
        return invalid(f"there is no key {text!r}") if found is None else inherited(found, whole)
    if name.data is None or isinstance(name.data, Invalid):
        return invalid("no such key")
    if isinstance(name.data, Unknown):
        missing = invalid("there is no such key") if caught else None
        by_fact = open_lookup(members, name.data, facts, missing)
        if by_fact is not None:
            return inherited(by_fact, whole)
        if len(members) == 1 and not caught:
            return inherited(next(iter(members.values())), whole)
    return derived((key, *members.values()))


def open_lookup(members: dict[str, Value], key: Unknown, facts: Facts | None, default: Value | None) -> Value | None:
    """The member of an open key as a Choice over the keys; None where the key is no fact, or there are too many of them.

    Without a default the key is one of the keys, as anything else would be an error.
    """
    subject = subject_of(key)
    names = sorted(members)
    if subject is None or facts is None or not 0 < len(names) < MAX_BRANCHES:
        return None
    if key.allowed:
        names = [name for name in names if name in key.allowed]
    among = key.allowed or (tuple(names) if default is None else ())
    guards = [facts.equals(subject, name, among) for name in names]
    found = [(guard, members[name]) for guard, name in zip(guards, names, strict=True)]
    if default is not None and not (key.allowed and len(names) == len(key.allowed)):
        found.append((negate(any_holds(*guards)), default))
    return choose(found)


def _element_of_unknown(whole: Value, data: Unknown, key: Value) -> Value:
    name = convert(key, STRING)
    text = name.text
    if isinstance(data, Many):
        return inherited(data.element, whole)
    if text is None:
        if isinstance(data, Open) and isinstance(key.data, Unknown):
            return inherited(part_of(data, "*", index=True), whole)
        return derived((whole, key)) if isinstance(name.data, (Unknown, Text)) else invalid("an index must not be null")
    if isinstance(data, Handle):
        return _of_unknown(whole, data, text, index=False)
    return _of_unknown(whole, data, text if isinstance(key.data, (int, Decimal)) else f'"{text}"', index=True)


def splat(whole: Value, rest: Callable[[Value, str], Value]) -> Value:
    """`whole[*]…`, with the rest of the traversal as a function of the element."""
    data = whole.data
    if data is None:
        return Value((), whole.span)
    if isinstance(data, Invalid):
        return whole
    if is_unsized(data):
        return derived((whole,), not_null=True)
    if isinstance(data, tuple):
        items = []
        for number, item in enumerate(data):
            value = rest(inherited(item, whole), f"[{number}]")
            if is_invalid(value):
                return value
            items.append(value)
        kind = ListItems if isinstance(data, (ListItems, SetItems)) else tuple
        return Value(kind(items), whole.span, sensitive=whole.sensitive)
    if isinstance(data, Unknown) and not isinstance(data, Handle) and not is_identity(data):
        found = entries(whole)
        if isinstance(found, Many):
            value = rest(found.element, "[*]")
            if is_invalid(value):
                value = derived((whole,))
            return Value(Many(found.reason, found.reference, None, True, "", (), value), whole.span, sensitive=whole.sensitive)
        if isinstance(data, Typed) and data.not_null and data.type is not None and data.type.kind in _SINGLE:
            value = rest(whole, "[0]")
            return value if is_invalid(value) else Value((value,), whole.span, sensitive=whole.sensitive)
        return derived((whole,))  # what is no list: an element or, where it is null, none
    value = rest(whole, "[0]")
    return value if is_invalid(value) else Value((value,), whole.span, sensitive=whole.sensitive)


_SINGLE = PRIMITIVE | {"map", "object"}


def entries(whole: Value) -> Entries | Many | Value:
    """The keys and elements of a collection in Terraform's order.

    A Many where only the elements are known; a Value (an error or an Unknown) where nothing is.
    """
    data = whole.data
    if isinstance(data, SetItems):
        return [(item, inherited(item, whole)) for item in data]
    if isinstance(data, tuple):
        return [(Value(number), inherited(item, whole)) for number, item in enumerate(data)]
    if isinstance(data, dict):
        return [(Value(name), inherited(data[name], whole)) for name in sorted(data)]
    if isinstance(data, Many):
        return data
    if isinstance(data, Handle) and data.of is not None:
        members = data.of.members()
        if members is not None:
            return [(Value(name), inherited(members[name], whole)) for name in sorted(members)]
    if isinstance(data, Open):
        return _open_entries(whole, data)
    if isinstance(data, Invalid):
        return whole
    if isinstance(data, Unknown):
        one = isinstance(data, Typed) and data.type is not None and data.type.kind in PRIMITIVE
        return invalid("a collection is required") if one else derived((whole,))
    return invalid("a collection is required")


def _open_entries(whole: Value, data: Open) -> Entries | Many | Value:
    of = data.type
    if of is not None and of.kind == "object":
        return [(Value(name), inherited(part_of(data, name, index=False), whole)) for name in sorted(of.attributes)]
    if of is not None and of.kind == "tuple":
        return [(Value(number), inherited(part_of(data, str(number), index=True), whole)) for number in range(len(of.elements))]
    if of is not None and of.element is not None:
        many = Many(data.reason, data.reference, None, True, "", (), part_of(data, "*", index=True), of.kind == "map")
        return replace(many, element=inherited(many.element, whole))
    return derived((whole,))


def members_of(value: Value) -> dict[str, Value] | None:
    """The members of a map or object; None where they are not known."""
    data = value.data
    if isinstance(data, dict):
        return data
    if isinstance(data, Handle) and data.of is not None:
        return data.of.members()
    if isinstance(data, (Open, Typed)) and data.type is not None and data.type.kind == "object":
        return {name: attribute(value, name) for name in data.type.attributes}
    return None
