"""When two values are equal: `Fn::Equals` as a formula over what is open."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from kmsguard.cloudformation.texts import pieces_of, scalar_text, spread
from kmsguard.model.guard import NOWHERE_ASSUMED, Atom, Formula, Scalar, conjunction, disjunction
from kmsguard.model.truth import Truth, all_of
from kmsguard.model.value import ACCOUNT, PARTITION, REGION, Choice, Target, Text, Unknown, Value, flatten, possible

PSEUDO_SUBJECTS = {ACCOUNT: "AWS::AccountId", REGION: "AWS::Region", PARTITION: "AWS::Partition"}


def subject_of(value: Value) -> str | None:
    """What an open value is called in an Atom; None where it is nothing that can be named."""
    target = value.target
    if target is None:
        return None
    return PSEUDO_SUBJECTS.get(target) or (
        target.address if target.attribute == "Ref" else f"{target.address}.{target.attribute}"
    )


class Equality:
    """Compares values for one unit; what cannot be looked into becomes an Atom with the text of the condition."""

    def __init__(self, unit: str, condition_text: Callable[[], str]) -> None:
        self.unit = unit
        self.condition_text = condition_text

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
        whole = disjunction(*(conjunction(guard, equal) for guard, equal in found))
        truth = NOWHERE_ASSUMED.truth(whole)
        return whole if truth is Truth.UNKNOWN else truth

    def _leaf(self, one: Value, other: Value) -> Formula:
        known = _plain_equal(one, other)
        if known is not Truth.UNKNOWN:
            return known
        text = scalar_text(one)
        if text is not None:
            return self._open(other, text)
        text = scalar_text(other)
        return self._open(one, text) if text is not None else self._opaque()

    def _open(self, value: Value, text: str) -> Formula:
        """When something that is open equals a known text."""
        data = value.data
        if isinstance(data, Unknown):
            return self._hole(value, data, text)
        if not isinstance(data, Text):
            return self._opaque()
        pieces = list(data.pieces)
        while pieces and isinstance(pieces[0].data, str):
            run = pieces.pop(0).data
            assert isinstance(run, str)
            if not text.startswith(run):
                return Truth.NO
            text = text[len(run) :]
        while pieces and isinstance(pieces[-1].data, str):
            run = pieces.pop().data
            assert isinstance(run, str)
            if not text.endswith(run):
                return Truth.NO
            text = text[: len(text) - len(run)]
        if len(pieces) == 1 and isinstance(pieces[0].data, Unknown):
            return self._hole(pieces[0], pieces[0].data, text)
        if sum(len(piece.data) for piece in pieces if isinstance(piece.data, str)) > len(text):
            return Truth.NO
        return self._opaque()

    def _hole(self, value: Value, data: Unknown, text: str) -> Formula:
        if not text.startswith(data.prefix) or (data.allowed and text not in map(_as_text, data.allowed)):
            return Truth.NO
        subject = subject_of(value)
        if subject is None:
            return self._opaque()
        written = next((scalar for scalar in data.allowed if _as_text(scalar) == text), text)
        return Atom(self.unit, subject, written, data.allowed)

    def _opaque(self) -> Formula:
        return Atom(self.unit, self.condition_text(), True, (True, False))


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
