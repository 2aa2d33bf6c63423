"""Known and partly known values compared with the texts of a rule, and with each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from kmsguard.model.condition import Above, Below, Equals, Has, In, Is, IsSet, Matches, Test
from kmsguard.model.truth import Truth, all_of, any_of
from kmsguard.model.value import ABSENT, ACCOUNT, Choice, Text, Unknown, Value


def compare(test: Test, value: Value) -> Truth:
    """Whether a value, resolved with all that it holds, meets a test of one operand (`same_as` has two: see `same`)."""
    data = value.data
    if isinstance(data, Unknown) and data.allowed:
        truths = [_OPERATORS[type(test)](test, value.with_data(scalar)) for scalar in data.allowed]
        return truths[0] if all(truth is truths[0] for truth in truths) else Truth.UNKNOWN
    return _OPERATORS[type(test)](test, value)


def equals(value: Value, text: str) -> Truth:
    """Whether a value is what a text of a rule file says: a bool is `true` or `false`, a number any spelling of it."""
    data = value.data
    if isinstance(data, Unknown):
        return Truth.UNKNOWN if text.startswith(data.prefix) else Truth.NO
    if isinstance(data, bool):
        return Truth.of(text == ("true" if data else "false"))
    if isinstance(data, (int, float, Decimal)):
        wanted = number(text)
        return Truth.of(wanted is not None and wanted == Decimal(str(data)))
    if isinstance(data, str):
        return Truth.of(data == text)
    if isinstance(data, Text):
        known = data.known
        return Truth.of(known == text) if known is not None else _may_be(data, text)
    return Truth.NO


def number(text: str) -> Decimal | None:
    """The number that a text spells; None where it spells none."""
    try:
        spelt = Decimal(text)
    except InvalidOperation:
        return None
    return spelt if spelt.is_finite() else None


def _may_be(text: Text, literal: str) -> Truth:
    """UNKNOWN where the holes of a text can be filled so that it is the literal, else NO."""
    return Truth.UNKNOWN if can_be(text.pieces, literal) else Truth.NO


def can_be(pieces: Iterable[Value], literal: str) -> bool:
    """Whether the holes among the pieces of a text can be filled so that it is a literal.

    It goes by where a piece can end, because a regular expression with many holes takes time exponential in their number.
    """
    size = len(literal)
    ends = {0}
    options: tuple[str, ...]
    for piece in pieces:
        data = piece.data
        if isinstance(data, str):
            options, loose = (data,), False
        elif isinstance(data, Unknown) and data.allowed and all(isinstance(scalar, str) for scalar in data.allowed):
            options, loose = tuple(str(scalar) for scalar in data.allowed), False
        else:
            options, loose = (data.prefix if isinstance(data, Unknown) else "",), True
        ends = {at + len(option) for at in ends for option in options if literal.startswith(option, at)}
        if not ends:
            return False
        if loose:
            ends = set(range(min(ends), size + 1))
    return size in ends


def _prefix(value: Value) -> str:
    """What a text that is not wholly known begins with."""
    data = value.data
    if isinstance(data, Unknown):
        return data.prefix
    out = ""
    for piece in data.pieces if isinstance(data, Text) else ():
        if not isinstance(piece.data, str):
            return out + _prefix(piece)
        out += piece.data
    return out


def _scalar_text(value: Value) -> str | None:
    """A known scalar as text; None for anything else."""
    data = value.data
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, (int, float, Decimal)):
        return str(data)
    return value.text


def _open_text(value: Value) -> bool:
    return isinstance(value.data, (Unknown, Text)) and value.text is None


def _equals(test: Equals, value: Value) -> Truth:
    return equals(value, test.text)


def _is_set(test: IsSet, value: Value) -> Truth:
    there = is_set(value)
    return there if test.wanted else ~there


def is_set(value: Value) -> Truth:
    """Whether there is anything: not absent, not null, not an empty text or list."""
    data = value.data
    if isinstance(data, Unknown):
        # What is not null may still be an empty text: a variable that nobody filled in (its target has no attribute).
        target = data.target
        made = target is not None and (target.attribute != "" or ":" in target.address)
        return Truth.YES if made or data.prefix else Truth.UNKNOWN
    if isinstance(data, Choice):
        return Truth.UNKNOWN
    if isinstance(data, Text):
        return any_of(Truth.of(piece.data != "") if isinstance(piece.data, str) else is_set(piece) for piece in data.pieces)
    return Truth.of(data is not ABSENT and data is not None and data not in ("", ()))


def _in(test: In, value: Value) -> Truth:
    return any_of(equals(value, text) for text in test.texts)


def _has(test: Has, value: Value) -> Truth:
    data = value.data
    if isinstance(data, Unknown):
        return Truth.UNKNOWN
    if isinstance(data, dict):
        return Truth.of(test.text in data)
    return any_of(equals(item, test.text) for item in value.items)


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


_LITERAL_START = re.compile(r"(?:[^\\.^$*+?{}\[\]|()]|\\[.*+?/:-])*(?![*?{])")


def _matches(test: Matches, value: Value) -> Truth:
    text = _scalar_text(value)
    if text is not None:
        return Truth.of(_pattern(test.pattern).fullmatch(text) is not None)
    if not _open_text(value):
        return Truth.NO
    prefix = _prefix(value)
    start = _LITERAL_START.match(test.pattern)
    literal = start.group().replace("\\", "") if start is not None and "|" not in test.pattern else ""
    if not (literal.startswith(prefix) or prefix.startswith(literal)):
        return Truth.NO
    # Where a pattern ends in `.*`, whatever follows a text that matches matches too.
    anything_follows = test.pattern.endswith(".*") and not test.pattern.endswith("\\.*") and "|" not in test.pattern
    return Truth.YES if prefix and anything_follows and _pattern(test.pattern).fullmatch(prefix) else Truth.UNKNOWN


def _amount(value: Value) -> Decimal | None:
    data = value.data
    if isinstance(data, bool):
        return None
    return Decimal(str(data)) if isinstance(data, (int, float, Decimal)) else number(value.text or "")


def _below(test: Below, value: Value) -> Truth:
    amount = _amount(value)
    return Truth.UNKNOWN if _open_text(value) else Truth.of(amount is not None and amount < Decimal(str(test.limit)))


def _above(test: Above, value: Value) -> Truth:
    amount = _amount(value)
    return Truth.UNKNOWN if _open_text(value) else Truth.of(amount is not None and amount > Decimal(str(test.limit)))


def _is(test: Is, value: Value) -> Truth:
    text = _scalar_text(value)
    return _PREDICATES[test.predicate](value, text)


def _is_account(value: Value, text: str | None) -> Truth:
    if text is not None:
        return Truth.of(re.fullmatch(r"[0-9]{12}", text) is not None)
    if value.target == ACCOUNT:
        return Truth.YES
    if not _open_text(value):
        return Truth.NO
    literal = "".join(p.data for p in value.data.pieces if isinstance(p.data, str)) if isinstance(value.data, Text) else ""
    return Truth.UNKNOWN if re.fullmatch(r"[0-9]{0,12}", literal + _prefix_of_unknown(value)) else Truth.NO


def _prefix_of_unknown(value: Value) -> str:
    return value.data.prefix if isinstance(value.data, Unknown) else ""


def _is_wildcard(value: Value, text: str | None) -> Truth:
    pieces = [p.data for p in value.data.pieces if isinstance(p.data, str)] if isinstance(value.data, Text) else []
    literal = text if text is not None else "".join(pieces) + _prefix_of_unknown(value)
    if "*" in literal or "?" in literal:
        return Truth.YES
    return Truth.UNKNOWN if _open_text(value) else Truth.NO


def _is_arn(value: Value, text: str | None) -> Truth:
    if text is not None:
        return Truth.of(text.startswith("arn:") and text.count(":") >= 5)
    if not _open_text(value):
        return Truth.NO
    prefix = _prefix(value)
    if prefix.startswith("arn:"):
        return Truth.YES
    return Truth.UNKNOWN if "arn:".startswith(prefix) else Truth.NO


_PREDICATES: dict[str, Callable[[Value, str | None], Truth]] = {
    "account": _is_account,
    "wildcard": _is_wildcard,
    "arn": _is_arn,
}


def same(one: Value, other: Value, *, one_unit: bool = True) -> Truth:
    """Whether two values, resolved with all that they hold, are the same.

    Symbolic values that are equal are the same only where both are of one unit: the Region of one deployment is not another's.
    """
    left, right = one.data, other.data
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return _same_unknown(one, other, one_unit)
    if isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) != len(right):
            return Truth.NO
        return all_of(same(a, b, one_unit=one_unit) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return Truth.NO
        return all_of(same(left[name], right[name], one_unit=one_unit) for name in left)
    if isinstance(left, Text) or isinstance(right, Text):
        return _same_text(one, other, one_unit)
    if isinstance(left, (tuple, dict)) or isinstance(right, (tuple, dict)):
        return Truth.NO
    return Truth.of(left == right and isinstance(left, bool) == isinstance(right, bool))


def _same_unknown(one: Value, other: Value, one_unit: bool) -> Truth:
    left, right = one.data, other.data
    if one.target is not None and one.target == other.target and one_unit:
        return Truth.YES
    if isinstance(left, Unknown) and isinstance(right, Unknown):
        fits = left.prefix.startswith(right.prefix) or right.prefix.startswith(left.prefix)
        return Truth.UNKNOWN if fits else Truth.NO
    unknown, known = (left, other) if isinstance(left, Unknown) else (right, one)
    assert isinstance(unknown, Unknown)
    if known.data is ABSENT or known.data is None:
        return Truth.NO if is_set(Value(unknown)) is Truth.YES else Truth.UNKNOWN
    if unknown.allowed:
        return any_of(same(Value(scalar), known) for scalar in unknown.allowed) & Truth.UNKNOWN
    text = _scalar_text(known)
    return Truth.UNKNOWN if text is None or text.startswith(unknown.prefix) else Truth.NO


def _same_text(one: Value, other: Value, one_unit: bool) -> Truth:
    left, right = one.text, other.text
    if left is not None and right is not None:
        return Truth.of(left == right)
    if isinstance(one.data, Text) and isinstance(other.data, Text):
        if left is None and right is None:
            mine, its = _merged(one.data), _merged(other.data)
            if len(mine) == len(its) and all(
                same(a, b, one_unit=one_unit) is Truth.YES for a, b in zip(mine, its, strict=True)
            ):
                return Truth.YES
        a, b = _prefix(one), _prefix(other)
        if left is None and right is None:
            return Truth.UNKNOWN if a.startswith(b) or b.startswith(a) else Truth.NO
    open_text, literal = (one.data, right) if left is None else (other.data, left)
    if isinstance(open_text, Text) and literal is not None:
        return _may_be(open_text, literal)
    return Truth.NO


def _merged(text: Text) -> list[Value]:
    """The pieces of a text, neighbouring literal runs joined."""
    out: list[Value] = []
    for piece in text.pieces:
        if out and isinstance(piece.data, str) and isinstance(out[-1].data, str):
            out[-1] = out[-1].with_data(out[-1].data + piece.data)
        else:
            out.append(piece)
    return out


_OPERATORS: Mapping[type, Callable[..., Truth]] = {
    Equals: _equals,
    IsSet: _is_set,
    In: _in,
    Has: _has,
    Matches: _matches,
    Below: _below,
    Above: _above,
    Is: _is,
}


_LONGEST = 64


def shown(value: Value) -> str:
    """A value for a message; never a sensitive one, never a long one."""
    data = value.data
    if data is ABSENT or data is None:
        return "not set"
    if isinstance(data, Unknown):
        return f"not known ({data.reason})"
    if value.sensitive:
        return "a sensitive value"
    text = _scalar_text(value)
    if text is not None:
        return (text if isinstance(data, (bool, int, float, Decimal)) else f'"{text}"') if len(text) <= _LONGEST else "a text"
    if isinstance(data, Text):
        shown = "".join(p.data if isinstance(p.data, str) else "${…}" for p in data.pieces)
        return f'"{shown}"' if len(shown) <= _LONGEST else "a text"
    return "a list" if isinstance(data, tuple) else "a block"
