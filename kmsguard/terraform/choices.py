"""Values that hang on conditions: made, combined, and handed to functions branch by branch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec.structs import replace

from kmsguard.model.guard import Formula, Scalar, atoms, negate
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, MAX_BRANCHES, Branch, Choice, Data, Text, Unknown, Value
from kmsguard.terraform.guards import join, meet
from kmsguard.terraform.history import derived, from_parts
from kmsguard.terraform.partial import branches, is_invalid
from kmsguard.terraform.texts import text_value


def choose(cases: Iterable[tuple[Formula, Value]], span: Span | None = None) -> Value:
    """A Choice of guarded values: nested Choices become one, branches with equal data one branch, one branch alone itself.

    The guards exclude each other and one of them holds.
    """
    flat: list[tuple[Formula, Value]] = []
    at: dict[tuple[type, object], int] = {}
    for guard, value in cases:
        if guard is Truth.NO:
            continue
        outer = value if isinstance(value.data, Choice) else None
        for inner, option in branches(value):
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
    if len(flat) == 1 or all(is_invalid(option) for _, option in flat):
        return flat[0][1]  # one error is as good as another
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
    first = next((a for guard, _ in flat for a in atoms(guard)), None)
    reference = first.subject if first is not None else None
    return from_parts(Unknown(reason, reference, allowed=tuple(allowed)), [v for _, v in flat], span)


def combinations(arguments: tuple[Value, ...]) -> list[tuple[Formula, tuple[Value, ...]]] | None:
    """Each combination of the branches of some values that can happen; None where there are too many.

    What is inside of the branches is left as it is.
    """
    rows: list[tuple[Formula, tuple[Value, ...]]] = [(Truth.YES, ())]
    for argument in arguments:
        if not isinstance(argument.data, Choice):
            rows = [(guard, (*done, argument)) for guard, done in rows]
            continue
        options = [(guard, _under(argument, option)) for guard, option in branches(argument)]
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
        for guard, option in branches(value):
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
    """A text of pieces, or the error that one of them is.

    Pieces that are a Choice and that `split` marks make it a Choice of texts, as long as that makes few enough.
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
            return _text_of(pieces, span)
        rows = grown
    return choose([(guard, _text_of(done, span)) for guard, done in rows], span)


def _text_of(pieces: list[Value], span: Span | None) -> Value:
    for piece in pieces:
        if is_invalid(piece):
            return piece
    return text_value(pieces, span)


def truth_value(formula: Formula) -> Value:
    """A bool that hangs on a formula."""
    if formula is Truth.YES or formula is Truth.NO:
        return Value(formula is Truth.YES)
    if formula is Truth.UNKNOWN:
        return Value(Unknown("a condition that is not decided", not_null=True))
    return Value(Choice((Branch(formula, Value(True)), Branch(negate(formula), Value(False)))))


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
        written = tuple(Branch(b.guard, b.value.with_data(ABSENT) if b.value.data is None else b.value) for b in data.branches)
        return value.with_data(Choice(written))
    return value
