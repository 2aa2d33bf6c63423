"""Three truths, after Kleene."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NoReturn


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


NO: Final = Truth.NO
UNKNOWN: Final = Truth.UNKNOWN
YES: Final = Truth.YES
"""The three by themselves, for what is asked often: until Python 3.12 a member of an enumeration is slow to get at."""

_OPPOSITE = (YES, UNKNOWN, NO)


def all_of(truths: Iterable[Truth]) -> Truth:
    """AND; of nothing YES. Stops at the first NO."""
    result = YES
    for truth in truths:
        if truth is NO:
            return truth
        if truth is UNKNOWN:
            result = truth
    return result


def any_of(truths: Iterable[Truth]) -> Truth:
    """OR; of nothing NO. Stops at the first YES."""
    result = NO
    for truth in truths:
        if truth is YES:
            return truth
        if truth is UNKNOWN:
            result = truth
    return result
