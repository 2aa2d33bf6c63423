"""The widest audience that a document lets in, as it is told: found by a search (`kmsguard.iam.audience`)."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam.document import Statement
from kmsguard.iam.request import Call
from kmsguard.model.finding import Open

AudienceName: TypeAlias = Literal[
    "nobody", "account-principals", "account", "trusted", "organization", "external", "service", "public"
]
AUDIENCES: tuple[AudienceName, ...] = (
    "nobody",
    "account-principals",
    "account",
    "trusted",
    "organization",
    "external",
    "service",
    "public",
)
"""From narrow to wide."""


class Audience(msgspec.Struct, frozen=True, eq=False):
    """The widest audience that is certainly let in, and the widest that possibly is.

    `witness` is a request of `at_most`, and `statement` the one that lets it in; None for nobody, and where the search was
    given up. `certain_witness` and `certain` are the same for `at_least`.
    """

    at_least: AudienceName
    at_most: AudienceName
    witness: Call | None = None
    statement: Statement | None = None
    certain: Statement | None = None
    certain_witness: Call | None = None
    too_large: bool = False
    open: tuple[Open, ...] = ()  # what would decide it

    @property
    def decided(self) -> bool:
        """Whether both bounds are the same."""
        return self.at_least == self.at_most
