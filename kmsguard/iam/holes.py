"""Patterns with holes: what they are whatever the holes hold, and what a hole has to hold so that they fit a text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

from kmsguard.iam.conditions import Base
from kmsguard.iam.document import Part
from kmsguard.iam.languages import Budget
from kmsguard.iam.shapes import ANY, DIGIT, NEVER, Shape, Token, spelled
from kmsguard.iam.space import ARN_OF_SESSION, PLAIN, Read
from kmsguard.iam.texts import Hole, Item, Pattern, match
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth
from kmsguard.model.value import Target

MAX_SHAPES = 16
"""More combinations of what holes can be are not spelled out."""

SOME_TEXT: Shape = (Token(frozenset(), negated=True), ANY)
_SLASH = frozenset("/")
_NO_SLASH: Shape = (Token(_SLASH, negated=True), Token(_SLASH, negated=True, loop=True))


def hole(name: str) -> Hole:
    """What a free key holds, as a part of a pattern."""
    return Hole(Open(name, ""), Target("request", name), SOME_TEXT)


def widened(pattern: Pattern) -> Shape:
    """A pattern with any text for its holes."""
    return tuple(token for item in pattern for token in (item.shape if isinstance(item, Hole) else (item,)))


def spellings(pattern: Pattern) -> Iterator[Shape]:
    """What a pattern can turn out to be: with each text that a hole is allowed to be, else with any text of its shape."""
    options = [[spelled(text) for text in item.allowed] or [item.shape] for item in pattern if isinstance(item, Hole)]
    if math.prod(len(shapes) for shapes in options) > MAX_SHAPES:
        yield widened(pattern)
        return
    for shapes in product(*options):
        left = iter(shapes)
        yield tuple(token for item in pattern for token in (next(left) if isinstance(item, Hole) else (item,)))


def substrings(pattern: Pattern, text: str, name: str, budget: Budget) -> Iterator[str]:
    """What a key would have to hold so that a pattern with it fits a text, other free keys aside; shorter ones first.

    Raises:
        TooLargeError: where finding that out costs more than the budget.
    """
    wanted = hole(name)
    places = [index for index, item in enumerate(pattern) if item == wanted]
    starts, ends = range(len(text)), range(len(text) + 1)
    if len(places) == 1:
        # without a loop on one side of it, the place of the hole there is fixed
        before, after = pattern[: places[0]], pattern[places[0] + 1 :]
        starts = starts if any(_is_loose(item) for item in before) else range(len(before), len(before) + 1)
        ends = ends if any(_is_loose(item) for item in after) else range(len(text) - len(after), len(text) - len(after) + 1)
    seen: set[str] = set()
    for start, end in sorted(((a, b) for a in starts for b in ends if a < b), key=lambda pair: pair[1] - pair[0]):
        part = text[start:end]
        if part in seen:
            continue
        seen.add(part)
        budget.spend(len(pattern))
        filled = widened(tuple(item for one in pattern for item in (spelled(part) if one == wanted else (one,))))
        if match(filled, (text,)) is Truth.YES:
            yield part


def _is_loose(item: Item) -> bool:
    return isinstance(item, Hole) or item.loop


def replacement(base: Base, access: Read, other: Read, pieces: Sequence[Part], at: int) -> Shape | None:
    """What a policy variable can be replaced with so that the pattern takes the same texts."""
    before = pieces[at - 1] if at else ""
    after = pieces[at + 1] if at + 1 < len(pieces) else ""
    if not isinstance(before, str) or not isinstance(after, str):
        return None
    if access.lift.name == other.lift.name and base.family != "arn":
        # the text itself: it fits only what adds nothing to it
        wild = base.family == "like"
        adds = any(index != at and not (wild and isinstance(p, str) and set(p) <= {"*"}) for index, p in enumerate(pieces))
        return (NEVER,) if adds else (ANY,)
    first, last = at == (1 if before else 0), at == len(pieces) - 1
    if other.lift.name.startswith("account ") and access.lift in (PLAIN, ARN_OF_SESSION):
        exact = before == other.lift.name.removeprefix("account ")
        part = base.family == "arn" and before.count(":") == 4 and before.endswith(":")
        return (DIGIT,) * 12 if first and (exact or part) and after.startswith(":") else None
    if other.lift.name.startswith("name ") and access.lift == PLAIN:
        return _NO_SLASH if last and before.endswith("/") else None
    if other.lift.name == "organization" and access.lift == PLAIN:
        return _NO_SLASH if at == 0 and after.startswith("/") and base.family != "arn" else None
    return None
