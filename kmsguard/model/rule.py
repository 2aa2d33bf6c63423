"""A rule as it is judged, what a question answers, and the settings under which rules are judged."""

from __future__ import annotations

import msgspec

from kmsguard.model.condition import ALWAYS, Condition
from kmsguard.model.finding import Evidence, Open, Profile, RuleInfo
from kmsguard.model.truth import Truth


class Found(msgspec.Struct, frozen=True, eq=False):
    """One of several things that an answer says of one resource: a statement, a secret, a principal."""

    attribute: str  # tells it from the others, and is part of the fingerprint: no value of the input, no line
    truth: Truth = Truth.NO  # NO or UNKNOWN
    evidence: tuple[Evidence, ...] = ()
    open: tuple[Open, ...] = ()
    values: dict[str, str] = {}  # for the rule's message
    remediation: str = ""


class Answer(msgspec.Struct, frozen=True, eq=False):
    """What a condition or a check says in one world.

    `findings` stand for themselves where there are any, and then `truth` is the least of theirs.
    """

    truth: Truth
    evidence: tuple[Evidence, ...] = ()
    open: tuple[Open, ...] = ()
    findings: tuple[Found, ...] = ()
    values: dict[str, str] = {}
    remediation: str = ""


class Rule(msgspec.Struct, frozen=True):
    """What is wrong with which resources. Examples are not part of it: they are read from its file when asked for."""

    info: RuleInfo
    require: Condition
    message: str  # `{address}`, `{attribute}` and what its check puts into `values`
    kinds: tuple[str, ...] = ()  # any of these kinds
    trait: str = ""  # or every kind with this trait
    where: Condition = ALWAYS
    attribute: str = ""  # part of the fingerprint
    file: str = ""  # where it was read from, as the loader was given it
    remediation: dict[str, str] = {}  # by kind, instead of the rule's own
    whole: bool = False  # judged only where all units of a deployment are in sight


class JudgeSettings(msgspec.Struct, frozen=True):
    """Which rules are run, and what they may take for granted."""

    profile: Profile = "recommended"
    select: tuple[str, ...] = ()  # codes, prefixes of codes, names, categories; empty: all of the profile
    ignore: tuple[str, ...] = ()
    trusted_accounts: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    account: str | None = None  # the account deployed to
    today: str = ""  # YYYY-MM-DD
