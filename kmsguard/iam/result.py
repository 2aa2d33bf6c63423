"""A truth with what would decide it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth


class Result(msgspec.Struct, frozen=True):
    """A truth; where it is UNKNOWN, what would decide it."""

    truth: Truth
    open: tuple[Open, ...] = ()


YES = Result(Truth.YES)
NO = Result(Truth.NO)


def unknown(*open_: Open) -> Result:
    """UNKNOWN, with what would decide it."""
    return Result(Truth.UNKNOWN, open_)


def of(truth: Truth, open_: tuple[Open, ...]) -> Result:
    """A truth that hangs on something open only where it is UNKNOWN."""
    return Result(truth, open_) if truth is Truth.UNKNOWN else YES if truth is Truth.YES else NO


def every(results: Iterable[Result]) -> Result:
    """AND; of nothing YES."""
    return _fold(results, Truth.NO)


def some(results: Iterable[Result]) -> Result:
    """OR; of nothing NO."""
    return _fold(results, Truth.YES)


def _fold(results: Iterable[Result], decisive: Truth) -> Result:
    open_: dict[Open, None] = {}
    undecided = False
    for result in results:
        if result.truth is decisive:
            return result
        if result.truth is Truth.UNKNOWN:
            undecided = True
            open_.update(dict.fromkeys(result.open))
    if undecided:
        return Result(Truth.UNKNOWN, tuple(open_))
    return NO if decisive is Truth.YES else YES


def negation(result: Result) -> Result:
    """NOT."""
    return Result(~result.truth, result.open)


def agreed(results: Sequence[Result]) -> Result:
    """What several true descriptions of one thing say of it: each that is certain is right."""
    for result in results:
        if result.truth is not Truth.UNKNOWN:
            return result
    return results[0]
