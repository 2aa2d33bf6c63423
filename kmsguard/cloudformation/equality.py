"""When two values are equal: `Fn::Equals` as a formula over what is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from kmsguard.cloudformation.texts import pieces_of, scalar_text, spread
from kmsguard.model.guard import NOWHERE_ASSUMED, Atom, Formula, Scalar, conjunction, disjunction, negate
from kmsguard.model.truth import Truth, all_of
from kmsguard.model.value import ACCOUNT, DNS_SUFFIX, PARTITION, REGION, Choice, Target, Text, Unknown, Value, flatten, possible

PSEUDO_SUBJECTS = {
    ACCOUNT: "AWS::AccountId",
    REGION: "AWS::Region",
    PARTITION: "AWS::Partition",
    DNS_SUFFIX: "AWS::URLSuffix",
}


def subject_of(value: Value) -> str | None:
    """What an open value is called in an Atom; None where it is nothing that can be named."""
    target = value.target
    if target is None:
        return None
    return PSEUDO_SUBJECTS.get(target) or (
        target.address if target.attribute in ("Ref", "") else f"{target.address}.{target.attribute}"
    )


MAX_WAYS = 16  # in which the holes of a text may make up a known one
MAX_COMMON = 12  # values for which it is asked whether two open things both have them


class Equality:
    """Compares values for one unit; what cannot be looked into becomes an Atom of its own.

    Args:
        unit: whose atoms they are.
        condition_text: what is asked, as it is written; for what has no name.
        common: the texts that open things are compared with elsewhere. Two open things are equal where both have one of them,
            and not where only one has: so their equality never contradicts what is assumed of each.
    """

    def __init__(self, unit: str, condition_text: Callable[[], str], common: Sequence[str] = ()) -> None:
        self.unit = unit
        self.condition_text = condition_text
        self.common = common if len(common) <= MAX_COMMON else ()

    def formula(self, one: Value, other: Value) -> Formula:
        """When the two are equal. CloudFormation compares texts, and minds the case."""
        found: list[tuple[Formula, Formula]] = []
        for guard, left in flatten(spread(one)):
            for other_guard, right in flatten(spread(other)):
                both = conjunction(guard, other_guard)
                if possible(both):
                    found.append((both, self._leaf(left, right)))
        if found and all(equal is Truth.YES for _, equal in found):
            return Truth.YES  # the guards leave nothing out
        return simplified(disjunction(*(conjunction(guard, equal) for guard, equal in found)))

    def _leaf(self, one: Value, other: Value) -> Formula:
        known = _plain_equal(one, other)
        if known is not Truth.UNKNOWN:
            return known
        text = scalar_text(one)
        if text is not None:
            return self._open(other, text)
        text = scalar_text(other)
        return self._open(one, text) if text is not None else self._both_open(one, other)

    def _both_open(self, one: Value, other: Value) -> Formula:
        subjects = (subject_of(one), subject_of(other))
        if None in subjects or not self.common:
            return self._opaque(one, other)
        left = [self._open(one, text) for text in self.common]
        right = [self._open(other, text) for text in self.common]
        same = disjunction(*(conjunction(a, b) for a, b in zip(left, right, strict=True)))
        neither = [negate(formula) for formula in (*left, *right)]
        return simplified(disjunction(same, conjunction(*neither, self._opaque(one, other))))

    def _open(self, value: Value, text: str) -> Formula:
        """When something that is open equals a known text."""
        data = value.data
        if isinstance(data, Unknown):
            return self._hole(value, data, text)
        if not isinstance(data, Text):
            return self._opaque(value, Value(text))
        ways = _ways(data.pieces, text)
        if ways is None or any(piece.data.__class__ is not Unknown for way in ways for piece, _ in way):
            return self._opaque(value, Value(text))
        return simplified(
            disjunction(
                *(conjunction(*(self._hole(hole, hole.data, part) for hole, part in way)) for way in ways)  # type: ignore[arg-type]
            )
        )

    def _hole(self, value: Value, data: Unknown, text: str) -> Formula:
        if not text and _never_empty(data.target):
            return Truth.NO
        if not text.startswith(data.prefix) or (data.allowed and text not in map(_as_text, data.allowed)):
            return Truth.NO
        subject = subject_of(value)
        if subject is None:
            return self._opaque(value, Value(text))
        written = next((scalar for scalar in data.allowed if _as_text(scalar) == text), text)
        return Atom(self.unit, subject, written, data.allowed)

    def _opaque(self, one: Value, other: Value) -> Formula:
        shown = [_named(value) for value in (one, other)]
        subject = self.condition_text() if None in shown else f"!Equals [{', '.join(sorted(filter(None, shown)))}]"
        return Atom(self.unit, subject, True, (True, False))


def _never_empty(target: Target | None) -> bool:
    """Whether an open value is a physical id, an export or a stored parameter: AWS refuses empty ones.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html (PhysicalResourceId) and
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html (Value).
    """
    if target is None:
        return False
    return target.attribute == "Ref" or not target.address or target.address.startswith(("export:", "ssm:"))


def simplified(formula: Formula) -> Formula:
    """A formula that is decided whatever is assumed, as that."""
    truth = NOWHERE_ASSUMED.truth(formula)
    if truth is Truth.UNKNOWN and not possible(formula):
        return Truth.NO
    return formula if truth is Truth.UNKNOWN else truth


def _ways(pieces: Sequence[Value], text: str) -> list[list[tuple[Value, str]]] | None:
    """The ways in which the holes of a text can make it a known one; None where there are too many."""
    ways: list[tuple[list[tuple[Value, str]], int]] = [([], 0)]
    for number, piece in enumerate(pieces):
        grown: list[tuple[list[tuple[Value, str]], int]] = []
        rest = sum(len(later.data) for later in pieces[number + 1 :] if isinstance(later.data, str))
        for way, at in ways:
            if isinstance(piece.data, str):
                if text.startswith(piece.data, at):
                    grown.append((way, at + len(piece.data)))
                continue
            last = len(text) - rest
            first = last if number == len(pieces) - 1 else at
            following = pieces[number + 1].data if number + 1 < len(pieces) else ""
            grown.extend(
                ([*way, (piece, text[at:end])], end)
                for end in range(max(first, at), last + 1)
                if not isinstance(following, str) or text.startswith(following, end)
            )
        if len(grown) > MAX_WAYS:
            return None
        ways = grown
    return [way for way, at in ways if at == len(text)]


def _named(value: Value) -> str | None:
    """A text by the names of what is open in it; None where something has none."""
    subject = subject_of(value)
    if subject is not None:
        return f"!Ref {subject}"
    parts = []
    for piece in pieces_of(value) or ():
        name = piece.data if isinstance(piece.data, str) else subject_of(piece)
        if name is None:
            return None
        parts.append(name if isinstance(piece.data, str) else f"${{{name}}}")
    text = f'"{"".join(parts)}"'
    return text if scalar_text(value) is not None else f"!Sub {text}"


def _as_text(scalar: Scalar) -> str:
    return scalar_text(Value(scalar)) or ""


def _plain_equal(one: Value, other: Value) -> Truth:
    """Whether two values are equal as far as that can be told without assumptions."""
    a, b = scalar_text(one), scalar_text(other)
    if a is not None and b is not None:
        return Truth.of(a == b)
    left, right = one.data, other.data
    if isinstance(left, (Unknown, Text, Choice)) or isinstance(right, (Unknown, Text, Choice)):
        mine, theirs = _symbols(one), _symbols(other)
        return Truth.YES if mine is not None and mine == theirs else Truth.UNKNOWN
    if isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) != len(right):
            return Truth.NO
        return all_of(_plain_equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return Truth.NO
        return all_of(_plain_equal(item, right[name]) for name, item in left.items())
    return Truth.YES if left == right and not isinstance(left, Decimal) else Truth.NO


def _symbols(value: Value) -> tuple[str | Target, ...] | None:
    """A text as its runs and the symbols of its holes; None where a hole has none."""
    out: list[str | Target] = []
    for piece in pieces_of(value) or ():
        data = piece.data
        if isinstance(data, str):
            if out and isinstance(out[-1], str):
                out[-1] += data
            else:
                out.append(data)
        elif piece.target is not None:
            out.append(piece.target)
        else:
            return None
    return tuple(out) if out else None
