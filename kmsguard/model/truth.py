"""Three truths, after Kleene."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NoReturn


class Truth(IntEnum):
    """NO < UNKNOWN < YES. AND is the least, OR the greatest, NOT swaps NO and YES."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    def __bool__(self) -> NoReturn:
        # `if not truth` would turn UNKNOWN into a verdict; every question has to name the truth it asks for.
        raise TypeError("a Truth is not a bool: compare it with Truth.YES, Truth.NO or Truth.UNKNOWN")

    def __and__(self, other: int) -> Truth:
        return self if self.value <= int.__int__(other) else Truth(other)

    def __or__(self, other: int) -> Truth:
        return self if self.value >= int.__int__(other) else Truth(other)

    def __invert__(self) -> Truth:
        return _OPPOSITE[self._value_]

    @classmethod
    def of(cls, fact: bool | None) -> Truth:
        """YES, NO, or UNKNOWN for None."""
        return cls.UNKNOWN if fact is None else cls.YES if fact else cls.NO


_OPPOSITE = (Truth.YES, Truth.UNKNOWN, Truth.NO)


def all_of(truths: Iterable[Truth]) -> Truth:
    """AND; of nothing YES. Stops at the first NO."""
    result = Truth.YES
    for truth in truths:
        if truth is Truth.NO:
            return truth
        if truth is Truth.UNKNOWN:
            result = truth
    return result


def any_of(truths: Iterable[Truth]) -> Truth:
    """OR; of nothing NO. Stops at the first YES."""
    result = Truth.NO
    for truth in truths:
        if truth is Truth.YES:
            return truth
        if truth is Truth.UNKNOWN:
            result = truth
    return result
