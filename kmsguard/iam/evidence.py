"""Results of the access decision with the statements and grants that made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam import result
from kmsguard.iam.document import PolicyDocument, Statement
from kmsguard.iam.result import Result
from kmsguard.iam.subjects import Grant
from kmsguard.model.finding import Open
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth

Part: TypeAlias = Literal["allows", "delegates", "denies", "limits", "grants"]


class Evidence(msgspec.Struct, frozen=True, eq=False):
    """A statement or grant, or a layer in which nothing allows, and its part in a decision."""

    part: Part
    layer: str  # `key policy`, `identity policy`, `permission boundary`, `grant`, …
    truth: Truth
    message: str
    span: Span | None = None
    statement: Statement | None = None
    document: PolicyDocument | None = None
    grant: Grant | None = None


class Found(msgspec.Struct, frozen=True):
    """A result with the statements that made it."""

    result: Result
    evidence: tuple[Evidence, ...] = ()


def join(found: Sequence[Found]) -> Found:
    """OR."""
    total = result.some(one.result for one in found)
    return Found(total, unique(e for one in found if one.result.truth is total.truth for e in one.evidence))


def both(*found: Found) -> Found:
    """AND. Of a NO the evidence is of the first that says it."""
    total = result.every(one.result for one in found)
    if total.truth is Truth.NO:
        return next(one for one in found if one.result.truth is Truth.NO)
    return Found(total, unique(e for one in found for e in one.evidence))


def soft(found: Found, limits: Mapping[str, Found]) -> Found:
    """AND with limits of which AWS does not say whether they bind: where they would deny, nothing is decided."""
    bounds = [
        limit if limit.result.truth is not Truth.NO else Found(result.unknown(_UNCLEAR[name]), limit.evidence)
        for name, limit in limits.items()
    ]
    return both(found, *bounds) if found.result.truth is not Truth.NO else found


_UNCLEAR = {
    "boundary": Open("permission boundary", "AWS does not say whether the permission boundary binds here"),
    "session": Open("session policy", "AWS does not say whether the session policy binds here"),
}


def unique(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """One piece of evidence for each statement or grant, the first."""
    seen: dict[int, Evidence] = {}
    for one in evidence:
        seen.setdefault(id(one.statement or one.grant or one), one)
    return tuple(seen.values())
