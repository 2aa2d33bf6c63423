"""What an evaluation knows of an Unknown beyond the model, the kinds of collections, and how Choices are made.

The subclasses of Unknown never leave the package: `export` turns them into plain ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Protocol

import msgspec

from kmsguard.model.guard import All, Any, Atom, Formula, Named, Not, Scalar, negate
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import (
    ABSENT,
    MAX_BRANCHES,
    Branch,
    Choice,
    Data,
    Step,
    Target,
    Text,
    Unknown,
    Value,
    flatten,
)
from kmsguard.terraform.arithmetic import SHOWN
from kmsguard.terraform.guards import join, meet
from kmsguard.terraform.types import Type

replace = msgspec.structs.replace


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


class Invalid(Unknown, frozen=True):
    """What would be an error when Terraform evaluates it; `try` and `can` see it."""


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
    """An instance of a resource, a nested block of one, or an instance of a module, as a value: its attributes are looked up
    when they are asked for.
    """

    of: Accessible | None = None


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


# --- texts ----------------------------------------------------------------------------------------------------------------


def is_text(value: Value) -> bool:
    """Whether the data is a text, with or without holes."""
    return isinstance(value.data, (str, Text))


def number_text(number: float | Decimal) -> str:
    """A number as Terraform writes it."""
    if isinstance(number, float):
        number = Decimal(repr(number))
    if isinstance(number, Decimal):
        number = SHOWN.plus(number)
        if number == number.to_integral_value(context=SHOWN):
            return str(int(number))
        return format(SHOWN.normalize(number), "f")
    return str(number)


def scalar_text(data: Data) -> str | None:
    """A string, number or bool as text; None for anything else."""
    if isinstance(data, str):
        return data
    if isinstance(data, Text):
        return data.known
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, (int, float, Decimal)):
        return number_text(data)
    return None


def pieces_of(value: Value) -> tuple[Value, ...]:
    """A text or a hole as pieces of a text."""
    data = value.data
    if isinstance(data, Text):
        if value.sensitive or value.refs:
            return tuple(_marked(piece, value) for piece in data.pieces)
        return data.pieces
    if isinstance(data, (str, Unknown, Choice)):
        return (value,)
    text = scalar_text(data)
    return (value.with_data(text if text is not None else Unknown("not a text")),)


def _marked(piece: Value, whole: Value) -> Value:
    refs = piece.refs + tuple(ref for ref in whole.refs if ref not in piece.refs)
    if refs == piece.refs and piece.sensitive >= whole.sensitive:
        return piece
    return replace(piece, refs=refs, sensitive=piece.sensitive or whole.sensitive)


def text_value(pieces: Iterable[Value], span: Span | None = None) -> Value:
    """A text of pieces: one hole alone is the hole itself, nothing is the empty string."""
    parts: list[Value] = []
    for piece in pieces:
        if isinstance(piece.data, Text):
            parts.extend(pieces_of(piece))
        elif piece.data != "":
            parts.append(piece)
    if not parts:
        return Value("", span)
    if len(parts) == 1:
        only = parts[0]
        return only if only.span is not None else replace(only, span=span)
    refs: list[Target] = []
    sensitive = False
    for part in parts:
        sensitive = sensitive or part.sensitive
        refs.extend(ref for ref in part.refs if ref not in refs)
    return Value(Text(tuple(parts)), span, None, None, tuple(refs), sensitive)


# --- history --------------------------------------------------------------------------------------------------------------


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
        trail=chained(whole.trail, member.trail),
        sensitive=member.sensitive or whole.sensitive,
        refs=refs,
    )


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


# --- what is unknown in a value ---------------------------------------------------------------------------------------------


def find_unknown(value: Value) -> Unknown | None:
    """The first Unknown or Choice (as an Unknown) in a value; None where it is wholly known."""
    data = value.data
    if isinstance(data, Unknown):
        return data
    if isinstance(data, Choice):
        return condition_unknown(data)
    items: Iterable[Value]
    if isinstance(data, Text):
        if len(data.pieces) == 1 and isinstance(data.pieces[0].data, str):
            return None
        items = data.pieces
    elif isinstance(data, tuple):
        items = data
    elif isinstance(data, dict):
        items = data.values()
    else:
        return None
    for item in items:
        found = find_unknown(item)
        if found is not None:
            return found
    return None


def find_invalid(value: Value) -> Value | None:
    """The error in a value that cannot turn out otherwise; errors in branches of a Choice do not count."""
    data = value.data
    if isinstance(data, Invalid):
        return value
    items: Iterable[Value]
    if isinstance(data, Text):
        items = data.pieces
    elif isinstance(data, tuple):
        items = data
    elif isinstance(data, dict):
        items = data.values()
    else:
        return None
    for item in items:
        found = find_invalid(item)
        if found is not None:
            return found
    return None


def condition_unknown(choice: Choice) -> Unknown:
    """What a Choice hangs on, as an Unknown."""
    from kmsguard.model.guard import atoms

    for branch in choice.branches:
        for atom in atoms(branch.guard):
            return Unknown(f"condition {atom.subject}", atom.subject)
    return Unknown("a condition that is not decided")


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


# --- choices --------------------------------------------------------------------------------------------------------------


def choose(branches: Iterable[tuple[Formula, Value]], span: Span | None = None) -> Value:
    """A Choice of guarded values: nested Choices become one, branches with equal data one branch, one branch alone itself.

    The guards exclude each other and one of them holds.
    """
    flat: list[tuple[Formula, Value]] = []
    at: dict[tuple[type, object], int] = {}
    for guard, value in branches:
        if guard is Truth.NO:
            continue
        outer = value if isinstance(value.data, Choice) else None
        for inner, option in flatten(value):
            both = meet(guard, inner)
            if both is Truth.NO:
                continue
            if outer is not None and outer.sensitive and not option.sensitive:
                option = replace(option, sensitive=True)  # noqa: PLW2901
            key = _identity(option.data)
            found = at.get(key) if key is not None else None
            if found is not None:
                flat[found] = (join(flat[found][0], both), flat[found][1])
                continue
            if key is not None:
                at[key] = len(flat)
            flat.append((both, option))
    if not flat:
        return Value(Unknown("a condition that is not decided"), span)
    if len(flat) == 1:
        return flat[0][1]
    if len(flat) > MAX_BRANCHES:
        return _too_many(flat, span)
    return Value(
        Choice(tuple(Branch(guard, option) for guard, option in flat)), span, sensitive=any(v.sensitive for _, v in flat)
    )


def _identity(data: Data) -> tuple[type, object] | None:
    if data is None or isinstance(data, (str, bool, int, float, Decimal)):
        return type(data), data
    if isinstance(data, (tuple, dict)) and not data:
        return type(data), ()
    if isinstance(data, Text) and data.encodes is None:
        known = data.known
        return None if known is None else (str, known)
    if isinstance(data, Unknown) and type(data) is Unknown and data.target is not None:
        return Unknown, data.target
    return None


def _too_many(flat: list[tuple[Formula, Value]], span: Span | None) -> Value:
    allowed: list[Scalar] = []
    for _, option in flat:
        data = option.data
        if data is None or isinstance(data, (str, bool, int, float)):
            allowed.append(data)
        else:
            allowed = []
            break
    reason = "it hangs on more conditions than are followed"
    first = next((a for guard, _ in flat for a in _atoms(guard)), None)
    reference = first.subject if first is not None else None
    return from_parts(Unknown(reason, reference, allowed=tuple(allowed)), [v for _, v in flat], span)


def _atoms(formula: Formula) -> Iterable[Atom]:
    from kmsguard.model.guard import atoms

    return atoms(formula)


def combinations(arguments: tuple[Value, ...]) -> list[tuple[Formula, tuple[Value, ...]]] | None:
    """Each combination of the branches of some values that can happen, what is inside of the branches left as it is; None where
    there are too many."""
    rows: list[tuple[Formula, tuple[Value, ...]]] = [(Truth.YES, ())]
    for argument in arguments:
        if not isinstance(argument.data, Choice):
            rows = [(guard, (*done, argument)) for guard, done in rows]
            continue
        options = [(guard, _under(argument, option)) for guard, option in flatten(argument)]
        rows = [
            (both, (*done, option))
            for guard, done in rows
            for option_guard, option in options
            if (both := meet(guard, option_guard)) is not Truth.NO
        ]
        if len(rows) > MAX_BRANCHES:
            return None
    return rows


def distribute(function: Callable[..., Value], *arguments: Value) -> Value:
    """Applies a function to each combination of the branches of its arguments that can happen."""
    for argument in arguments:
        if isinstance(argument.data, Choice):
            break
    else:
        return function(*arguments)
    rows = combinations(arguments)
    if rows is None:
        return derived(arguments)
    return choose((guard, function(*done)) for guard, done in rows)


def _under(whole: Value, option: Value) -> Value:
    return replace(option, sensitive=True) if whole.sensitive and not option.sensitive else option


def spread(value: Value, limit: int = MAX_BRANCHES) -> list[tuple[Formula, Value]] | None:
    """All ways in which a value can turn out, Choices inside it included; None where there are more than `limit`."""
    data = value.data
    if isinstance(data, Choice):
        out: list[tuple[Formula, Value]] = []
        for guard, option in flatten(value):
            inner = spread(option, limit)
            if inner is None:
                return None
            out.extend((meet(guard, g), v) for g, v in inner)
        out = [(g, v) for g, v in out if g is not Truth.NO]
        return out if len(out) <= limit else None
    if isinstance(data, tuple):
        rows = _product(data, limit)
        return None if rows is None else [(g, value.with_data(type(data)(items))) for g, items in rows]
    if isinstance(data, dict):
        rows = _product(tuple(data.values()), limit)
        return None if rows is None else [(g, value.with_data(type(data)(zip(data, v, strict=True)))) for g, v in rows]
    if isinstance(data, Text):
        rows = _product(data.pieces, limit)
        if rows is None:
            return None
        if len(rows) == 1:
            return [(Truth.YES, value)]
        return [(g, replace(text_value(v, value.span), trail=value.trail, place=value.place)) for g, v in rows]
    return [(Truth.YES, value)]


def _product(items: tuple[Value, ...], limit: int) -> list[tuple[Formula, tuple[Value, ...]]] | None:
    rows: list[tuple[Formula, tuple[Value, ...]]] = [(Truth.YES, ())]
    for item in items:
        options = spread(item, limit) if isinstance(item.data, (Choice, tuple, dict, Text)) else None
        if options is None:
            if isinstance(item.data, (Choice, tuple, dict, Text)):
                return None
            rows = [(g, (*done, item)) for g, done in rows]
            continue
        if len(options) == 1:
            rows = [(g, (*done, options[0][1])) for g, done in rows]
            continue
        grown: list[tuple[Formula, tuple[Value, ...]]] = []
        for guard, done in rows:
            for option_guard, option in options:
                both = meet(guard, option_guard)
                if both is not Truth.NO:
                    grown.append((both, (*done, option)))
        if len(grown) > limit:
            return None
        rows = grown
    return rows


def compose(pieces: list[Value], split: list[bool], span: Span | None) -> Value:
    """A text of pieces, or the error that one of them is. Pieces that are a Choice and that `split` marks make it a Choice of
    texts, as long as that makes few enough.
    """
    rows: list[tuple[Formula, list[Value]]] = [(Truth.YES, [])]
    for piece, divides in zip(pieces, split, strict=True):
        if not divides or not isinstance(piece.data, Choice):
            for _, done in rows:
                done.append(piece)
            continue
        options = spread(piece)
        grown: list[tuple[Formula, list[Value]]] = [
            (both, [*done, option])
            for guard, done in rows
            for option_guard, option in options or ()
            if (both := meet(guard, option_guard)) is not Truth.NO
        ]
        if options is None or len(grown) > MAX_BRANCHES:
            for _, done in rows:
                done.append(piece)
        else:
            rows = grown
    return choose([(guard, _text_of(done, span)) for guard, done in rows], span)


def _text_of(pieces: list[Value], span: Span | None) -> Value:
    for piece in pieces:
        if is_invalid(piece):
            return piece
    return text_value(pieces, span)


# --- truths ---------------------------------------------------------------------------------------------------------------


def truth_value(formula: Formula, span: Span | None = None) -> Value:
    """A bool that hangs on a formula."""
    if formula is Truth.YES or formula is Truth.NO:
        return Value(formula is Truth.YES, span)
    if formula is Truth.UNKNOWN:
        return Value(Unknown("a condition that is not decided", not_null=True), span)
    return Value(Choice((Branch(formula, Value(True, span)), Branch(negate(formula), Value(False, span)))), span)


def is_plain_formula(formula: Formula) -> bool:
    """Whether a formula is decided or made of atoms (no undecidable part)."""
    if isinstance(formula, Truth):
        return formula is not Truth.UNKNOWN
    if isinstance(formula, (Not, Named)):
        return is_plain_formula(formula.of)
    if isinstance(formula, (All, Any)):
        return all(is_plain_formula(part) for part in formula.of)
    return True


# --- leaving the package --------------------------------------------------------------------------------------------------


def export(value: Value) -> Value:
    """The value without what only this package knows, and without the branches that would be an error."""
    data = value.data
    if data is None or isinstance(data, (str, bool, int, float, Decimal)):
        return value
    if isinstance(data, Unknown):
        return value if type(data) is Unknown else value.with_data(plain(data))
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


def without_errors(value: Value) -> Value:
    """A value whose expression ends here: branches that would be an error are dropped, as Terraform would stop there."""
    data = value.data
    if not isinstance(data, Choice):
        return value
    left = [branch for branch in data.branches if not is_invalid(branch.value)]
    if not left or len(left) == len(data.branches):
        return value
    if len(left) == 1:
        only = left[0].value
        return replace(only, place=value.place or only.place, sensitive=only.sensitive or value.sensitive)
    return value.with_data(Choice(tuple(left)))


def absent_for_null(value: Value) -> Value | None:
    """An argument: None where it is null (that is, not written), a branch that is null becomes ABSENT."""
    data = value.data
    if data is None:
        return None
    if isinstance(data, Choice) and any(branch.value.data is None for branch in data.branches):
        branches = tuple(Branch(b.guard, b.value.with_data(ABSENT) if b.value.data is None else b.value) for b in data.branches)
        return value.with_data(Choice(branches))
    return value
