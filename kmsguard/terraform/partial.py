"""What an evaluation knows of an Unknown beyond the model, and the kinds of collections.

The subclasses of Unknown never leave the package: `export` turns them into plain ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from kmsguard.model.guard import Formula, atoms
from kmsguard.model.truth import Truth
from kmsguard.model.value import Branch, Choice, Data, Text, Unknown, Value
from kmsguard.terraform.guards import meet
from kmsguard.terraform.types import Type


class ListItems(tuple[Value, ...]):
    """The elements of a list (of one type), as opposed to a tuple."""

    __slots__ = ()


class SetItems(tuple[Value, ...]):
    """The elements of a set, in Terraform's order."""

    __slots__ = ()


class MapItems(dict[str, Value]):
    """The members of a map (of one type), as opposed to an object."""

    __slots__ = ()


class Open(Unknown, frozen=True):
    """A variable without value, or a part of one: a fact that conditions can be written over."""

    unit: str = ""
    subject: str = ""
    type: Type | None = None


class Typed(Unknown, frozen=True):
    """A value that is not known, but its type: what a function gives, what was converted."""

    type: Type | None = None


class Invalid(Unknown, frozen=True):
    """What would be an error when Terraform evaluates it; `try` and `can` see it. `code` is that of the problem that it is,
    `said` whether that was reported."""

    code: str = "invalid-expression"
    said: bool = False


class Many(Unknown, frozen=True):
    """A collection of which only the elements are known, not how many there are."""

    element: Value = Value(None)
    keyed: bool = False


class Accessible(Protocol):
    """What a Handle stands for."""

    def attribute(self, name: str) -> Value:
        """An attribute of it."""
        ...

    def members(self) -> dict[str, Value] | None:
        """All attributes, where they can be listed."""
        ...


class Handle(Unknown, frozen=True):
    """An instance of a resource or a module, or a nested block: its attributes are looked up when they are asked for."""

    of: Accessible | None = None

    @property
    def is_instance(self) -> bool:
        """Whether it is all of a resource or module, and not a block in one."""
        return self.target is not None and self.target.attribute == ""


def unfolded(value: Value) -> Value:
    """An instance of a module as the object of its outputs; every other value as it is."""
    data = value.data
    members = data.of.members() if isinstance(data, Handle) and data.of is not None else None
    return value if members is None else value.with_data(members)


def invalid(reason: str, reference: str | None = None) -> Value:
    """An error as a value."""
    return Value(Invalid(reason, reference))


def is_invalid(value: Value) -> bool:
    """Whether the value is an error."""
    return isinstance(value.data, Invalid)


def plain(unknown: Unknown) -> Unknown:
    """An Unknown of the model."""
    if type(unknown) is Unknown:
        return unknown
    return Unknown(unknown.reason, unknown.reference, unknown.target, unknown.not_null, unknown.prefix, unknown.allowed)


def subject_of(unknown: Unknown) -> str | None:
    """The name of the fact that an Unknown is, where it is one."""
    if isinstance(unknown, Open):
        return unknown.subject
    if isinstance(unknown, (Invalid, Many, Handle)):
        return None
    target = unknown.target
    if target is None:
        return None
    return f"{target.address}.{target.attribute}" if target.address else target.attribute


def branches(value: Value) -> list[tuple[Formula, Value]]:
    """The branches of a value with their guards, those of Choices inside them included; a plain value is its only one."""
    data = value.data
    if not isinstance(data, Choice):
        return [(Truth.YES, value)]
    if not any(isinstance(branch.value.data, Choice) for branch in data.branches):
        return [(branch.guard, branch.value) for branch in data.branches]
    return [
        (both, option)
        for branch in data.branches
        for guard, option in branches(branch.value)
        if (both := meet(branch.guard, guard)) is not Truth.NO
    ]


def find_unknown(value: Value) -> Unknown | None:
    """The first Unknown or Choice (as an Unknown) in a value; None where it is wholly known."""
    data = value.data
    if isinstance(data, Unknown):
        return data
    if isinstance(data, Choice):
        return condition_unknown(data)
    if isinstance(data, Text) and len(data.pieces) == 1 and isinstance(data.pieces[0].data, str):
        return None
    for item in _inside(data):
        found = find_unknown(item)
        if found is not None:
            return found
    return None


def find_invalid(value: Value) -> Value | None:
    """The error in a value that cannot turn out otherwise; errors in branches of a Choice do not count."""
    data = value.data
    if isinstance(data, Invalid):
        return value
    for item in _inside(data):
        found = find_invalid(item)
        if found is not None:
            return found
    return None


def may_be_anything(value: Value, inside: bool = True) -> bool:
    """Whether a value, or a part of it, is open, and is not what a resource has after apply."""
    data = value.data
    if isinstance(data, Unknown):
        return data.target is None and not data.allowed and not isinstance(data, (Handle, Invalid))
    if isinstance(data, Choice):
        return any(may_be_anything(branch.value, inside) for branch in data.branches)
    return inside and any(map(may_be_anything, _inside(data)))


def _inside(data: Data) -> Iterable[Value]:
    """The values that a text, list or map is made of."""
    if isinstance(data, Text):
        return data.pieces
    if isinstance(data, tuple):
        return data
    return data.values() if isinstance(data, dict) else ()


def condition_unknown(choice: Choice) -> Unknown:
    """What a Choice hangs on, as an Unknown."""
    for branch in choice.branches:
        for atom in atoms(branch.guard):
            return Unknown(f"condition {atom.subject}", atom.subject)
    return Unknown("a condition that is not decided")


def export(value: Value) -> Value:
    """The value without what only this package knows, and without the branches that would be an error."""
    data = value.data
    if data is None or isinstance(data, (str, bool, int, float, Decimal)):
        return value
    if isinstance(data, Unknown):
        if type(data) is Unknown:
            return value
        whole = unfolded(value)
        return value.with_data(plain(data)) if whole is value else export(whole)
    if isinstance(data, tuple):
        items = tuple(export(item) for item in data)
        if type(data) is tuple and all(a is b for a, b in zip(items, data, strict=True)):
            return value
        return value.with_data(items)
    if isinstance(data, dict):
        members = {name: export(item) for name, item in data.items()}
        if type(data) is dict and all(members[name] is item for name, item in data.items()):
            return value
        return value.with_data(members)
    if isinstance(data, Text):
        pieces = tuple(export(piece) for piece in data.pieces)
        encodes = export(data.encodes) if data.encodes is not None else None
        if encodes is data.encodes and all(a is b for a, b in zip(pieces, data.pieces, strict=True)):
            return value
        return value.with_data(Text(pieces, encodes, data.encoding))
    if isinstance(data, Choice):
        return _export_choice(value, data)
    return value


def _export_choice(value: Value, choice: Choice) -> Value:
    left = [branch for branch in choice.branches if not is_invalid(branch.value)]
    if not left:
        return (
            value.with_data(plain(choice.branches[0].value.data))
            if isinstance(choice.branches[0].value.data, Unknown)
            else value
        )
    if len(left) == 1:
        only = export(left[0].value)
        return replace(only, place=value.place or only.place, sensitive=only.sensitive or value.sensitive)
    return value.with_data(Choice(tuple(Branch(b.guard, export(b.value)) for b in left)))
