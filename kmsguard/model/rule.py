"""A rule as it is judged, what a question answers, and the settings under which rules are judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kmsguard.model.condition import ALWAYS, Condition
from kmsguard.model.finding import PROFILES, Evidence, Open, Profile, RuleInfo
from kmsguard.model.guard import World
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.truth import Truth, all_of
from kmsguard.model.value import Value

EVERYTHING = "any"
"""The trait that every resource has."""


class Rule(msgspec.Struct, frozen=True):
    """What is wrong with which resources. Examples are not part of it: they are read from its file when asked for."""

    info: RuleInfo
    message: str  # `{address}`, `{attribute}` and what its check puts into `values`
    require: Condition = ALWAYS
    kinds: tuple[str, ...] = ()  # any of these kinds; of neither kinds nor trait: what the scan itself reports
    trait: str = ""  # or every kind with this trait
    where: Condition = ALWAYS
    attribute: str = ""  # what it is about, for the fingerprint
    file: str = ""  # where it was read from


class RuleTable(msgspec.Struct, frozen=True):
    """Rules in the order of their codes."""

    rules: tuple[Rule, ...] = ()

    def get(self, name: str) -> Rule | None:
        """The rule of a code or name."""
        return next((rule for rule in self.rules if name in (rule.info.code, rule.info.name)), None)


class JudgeSettings(msgspec.Struct, frozen=True, cache_hash=True):
    """Which rules are run, and what they may take for granted."""

    profile: Profile = "recommended"
    select: tuple[str, ...] = ()  # codes, prefixes of codes, names, categories; empty: all of the profile
    ignore: tuple[str, ...] = ()
    trusted_accounts: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    account: str | None = None  # the account deployed to
    today: str = ""  # YYYY-MM-DD


class Question(msgspec.Struct, frozen=True, eq=False):
    """What a check is asked: about one resource in one world."""

    graph: Graph
    resource: Resource
    world: World
    settings: JudgeSettings
    arguments: Mapping[str, str | tuple[str, ...]] = {}  # `with` of the rule

    def attribute(self, name: str) -> Value:
        """An attribute of the resource; its data is ABSENT where nothing is there, never a Choice.

        Raises:
            UndecidedError: where the world does not decide it. It is for `judge` to catch.
        """
        return self.resource.attribute(name, self.world)


class Found(msgspec.Struct, frozen=True, eq=False):
    """One of several things that an answer says of one resource: a statement, a secret, a principal."""

    attribute: str  # tells it from the others, and is part of the fingerprint: no value of the input, no line
    truth: Truth = Truth.NO  # NO: it is wrong; UNKNOWN: it may be
    evidence: tuple[Evidence, ...] = ()  # the first with a span is the place of the finding
    open: tuple[Open, ...] = ()
    values: dict[str, str] = {}  # for the rule's message
    remediation: str = ""  # empty: the rule's


class Answer(msgspec.Struct, frozen=True, eq=False):
    """What a condition or a check says in one world: YES where all is well.

    `findings`, where there are any, are told one by one, instead of `evidence`, `open`, `values` and `remediation`.
    """

    truth: Truth
    evidence: tuple[Evidence, ...] = ()
    open: tuple[Open, ...] = ()
    findings: tuple[Found, ...] = ()
    values: dict[str, str] = {}
    remediation: str = ""


def answer_of(found: Iterable[Found]) -> Answer:
    """The findings that are none of what is well, and the worst of them; YES where there are none."""
    told = tuple(one for one in found if one.truth is not Truth.YES)
    return Answer(all_of(one.truth for one in told), findings=told)


def worst_of(answers: Iterable[Answer]) -> Answer:
    """The first answer that is NO, else the first that is UNKNOWN; YES where there is neither. Stops at the first NO."""
    worst = Answer(Truth.YES)
    for answer in answers:
        if answer.truth is Truth.NO:
            return answer
        if answer.truth is Truth.UNKNOWN and worst.truth is Truth.YES:
            worst = answer
    return worst


def is_named(text: str, info: RuleInfo) -> bool:
    """Whether a code, prefix of a code, name or category (as in --select) means a rule."""
    return text in (info.code, info.name, info.category) or _is_prefix(text, info.code)


def _is_prefix(text: str, code: str) -> bool:
    return text[:1].isupper() and code.startswith(text)


def is_selected(info: RuleInfo, settings: JudgeSettings) -> bool:
    """Whether a rule is run. One that is selected by its own code or name is, whatever its profile."""
    if any(is_named(text, info) for text in settings.ignore):
        return False
    if info.code in settings.select or info.name in settings.select:
        return True
    if settings.select and not any(is_named(text, info) for text in settings.select):
        return False
    return PROFILES.index(info.profile) <= PROFILES.index(settings.profile)
