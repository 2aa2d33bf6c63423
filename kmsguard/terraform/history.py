"""How values came about: their trails, what they were taken from, and what becomes of what is not known."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from kmsguard.model.source import Span
from kmsguard.model.value import Branch, Choice, Data, Step, Target, Unknown, Value
from kmsguard.terraform.partial import Invalid, find_unknown


def chained(newer: Step | None, older: Step | None) -> Step | None:
    """A trail that leads on from an older one."""
    if older is None or newer is None:
        return newer or older
    for step in newer.chain():
        older = Step(step.what, step.name, step.span, older)
    return older


def inherited(member: Value, whole: Value) -> Value:
    """A member or element taken out of a whole: it has come the whole's way."""
    if whole.trail is None and not whole.sensitive and not whole.refs:
        return member
    if isinstance(member.data, Choice) and whole.trail is not None:
        member = replace(member, data=Choice(tuple(Branch(b.guard, inherited(b.value, whole)) for b in member.data.branches)))
    refs = member.refs + tuple(ref for ref in whole.refs if ref not in member.refs)
    return replace(
        member,
        trail=_narrowed(whole.trail, member.where) if member.trail is None else chained(whole.trail, member.trail),
        sensitive=member.sensitive or whole.sensitive,
        refs=refs,
    )


def _narrowed(trail: Step | None, where: Span | None) -> Step | None:
    """The way of a whole as that of a member: where the whole was written, the member stands at its own place."""
    if trail is None or where is None:
        return trail
    steps = trail.chain()
    first = steps[0]
    if first.span is None or first.span == where or not where.within(first.span):
        return trail
    narrowed = Step(first.what, first.name, where)
    for step in steps[1:]:
        narrowed = Step(step.what, step.name, step.span, narrowed)
    return narrowed


def via(value: Value, what: str, name: str, span: Span | None) -> Value:
    """The same value, one step further on its way; every branch of a Choice too."""
    data = value.data
    if isinstance(data, Choice):
        data = Choice(tuple(Branch(b.guard, via(b.value, what, name, span)) for b in data.branches))
    return replace(value, data=data, trail=Step(what, name, span, value.trail))


def from_parts(data: Data, parts: Iterable[Value], span: Span | None = None) -> Value:
    """A value that was computed from others: it depends on all that they were taken from."""
    refs: list[Target] = []
    sensitive = False
    trail: Step | None = None
    for part in parts:
        sensitive = sensitive or part.sensitive
        trail = trail or part.trail
        if part.refs:
            refs.extend(ref for ref in part.refs if ref not in refs)
        target = part.target
        if target is not None and target.address and target not in refs:
            refs.append(target)
    return Value(data, span, None, trail, tuple(refs), sensitive)


def derived(parts: Iterable[Value], span: Span | None = None, *, not_null: bool = False, prefix: str = "") -> Value:
    """What an operation makes of parts that are not known."""
    parts = tuple(parts)
    for part in parts:
        unknown = find_unknown(part)
        if unknown is not None:
            if isinstance(unknown, Invalid):
                return Value(unknown, span)
            return from_parts(Unknown(unknown.reason, unknown.reference, None, not_null, prefix), parts, span)
    return from_parts(Unknown("not known", None, None, not_null, prefix), parts, span)
