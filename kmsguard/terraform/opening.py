"""Values of variables that have none: open, but as much of them known as their type and validation say."""

from __future__ import annotations

from kmsguard.model.guard import Atom, Scalar
from kmsguard.model.value import MAX_BRANCHES, Branch, Choice, Target, Unknown, Value
from kmsguard.terraform.partial import Open
from kmsguard.terraform.types import Type

_SINGLE = frozenset({"string", "number"})


def open_value(
    unit: str,
    subject: str,
    of: Type | None,
    reason: str,
    reference: str | None,
    allowed: tuple[Scalar, ...] = (),
) -> Value:
    """A value of which the type and perhaps all allowed values are known: a Choice where it has few, else an Open."""
    if of is not None and of.kind == "bool" and not allowed:
        allowed = (True, False)
    if 0 < len(allowed) <= MAX_BRANCHES:
        branches = tuple(Branch(Atom(unit, subject, option, allowed), Value(option)) for option in allowed)
        return Value(Choice(branches)) if len(branches) > 1 else branches[0].value
    # Named as a symbolic value: `bucket = var.name` and `"arn:aws:s3:::${var.name}"` are about one name, whatever it is.
    target = Target(subject, "") if _SINGLE.issuperset({of.kind if of is not None else "any"}) else None
    return Value(Open(reason, reference, target, False, "", allowed, unit, subject, of))


def part_of(unknown: Unknown, name: str, *, index: bool) -> Value:
    """An attribute or element of an open value, as open as the whole."""
    assert isinstance(unknown, Open)
    step = f"[{name}]" if index else f".{name}"
    inner: Type | None = None
    if unknown.type is not None:
        inner = unknown.type.attributes.get(name.strip('"'), unknown.type.element)
        if unknown.type.kind == "tuple" and index and name.isdigit() and int(name) < len(unknown.type.elements):
            inner = unknown.type.elements[int(name)]
    return open_value(
        unknown.unit,
        unknown.subject + step,
        inner,
        unknown.reason,
        None if unknown.reference is None else unknown.reference + step,
    )
