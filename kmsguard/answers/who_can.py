"""Who can do an operation with which key, with the statements that say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from kmsguard.answers.parties import Known, Party, PartyKind, Worlds, explore
from kmsguard.answers.requests import MAX_WAYS, Outcome, Way, ask
from kmsguard.answers.wording import by_name, say_test
from kmsguard.iam import reference
from kmsguard.iam.decide import Evidence
from kmsguard.iam.document import Statement
from kmsguard.iam.operations import CLASSES
from kmsguard.iam.request import action_truth, glob
from kmsguard.iam.texts import fold
from kmsguard.iam.widest import AUDIENCES, Audience, AudienceName
from kmsguard.model.declaration import Problem
from kmsguard.model.finding import Open, UsageError
from kmsguard.model.guard import World, decide
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.rules.checks.audiences import audience_of, cap_of, open_of
from kmsguard.rules.checks.documents import views_of
from kmsguard.rules.checks.organization import ceilings_of
from kmsguard.rules.worlds import describe
from kmsguard.scan.graphs import Graphs

FORMAT_VERSION = 1

Verdict: TypeAlias = Literal["yes", "unknown", "no"]
_VERDICTS: dict[Truth, Verdict] = {Truth.YES: "yes", Truth.UNKNOWN: "unknown", Truth.NO: "no"}


class Reason(msgspec.Struct, frozen=True):
    """A statement or grant, or a policy in which nothing allows, and its part in an answer."""

    part: Annotated[
        Literal["allows", "delegates", "denies", "limits", "grants"],
        Meta(description="`delegates`: the key policy leaves it to identity policies"),
    ]
    policy: Annotated[str, Meta(description="`key policy`, `identity policy`, `permission boundary`, `grant`, …")]
    message: str
    location: Annotated[Span | None, Meta(description="where it is written; null for what AWS writes")]


class Path(msgspec.Struct, frozen=True):
    """A way to be allowed."""

    conditions: Annotated[tuple[str, ...], Meta(description="what has to be true of the request; empty: nothing")]
    reasons: tuple[Reason, ...]


class Answer(msgspec.Struct, frozen=True):
    """What one principal can do with one key."""

    principal: Annotated[str, Meta(description="its address, or the ARN, account or service that a policy names")]
    kind: Annotated[PartyKind, Meta(description="`account`: whomever the account's IAM policies allow")]
    unit: Annotated[str | None, Meta(description="the unit that makes it; null where it is outside of the scan")]
    operations: Annotated[tuple[str, ...], Meta(description="the operations that the answer holds for")]
    answer: Annotated[Verdict, Meta(description="`yes`: there is a request that is allowed")]
    ways: Annotated[tuple[Path, ...], Meta(description="each of them is enough")]
    decided_by: Annotated[tuple[Open, ...], Meta(description="for `unknown`: what would decide it")]
    reasons: Annotated[tuple[Reason, ...], Meta(description="for `no`: what denies it, or is missing")]


class Everybody(msgspec.Struct, frozen=True):
    """A statement that lets in whom it does not name: the widest audience that it lets in."""

    operations: tuple[str, ...]
    at_least: Annotated[AudienceName, Meta(description="certainly; from narrow to wide as in `kmsguard policy check`")]
    at_most: Annotated[AudienceName, Meta(description="possibly; the same as `at_least` where the template decides it")]
    conditions: Annotated[tuple[str, ...], Meta(description="what the statement asks of the request")]
    decided_by: Annotated[tuple[Open, ...], Meta(description="empty where both bounds are the same")]
    location: Annotated[Span | None, Meta(description="the statement")]


class KeyAnswers(msgspec.Struct, frozen=True):
    """A key, and who can."""

    address: str
    unit: str
    region: str | None
    account: str | None
    everybody: Annotated[tuple[Everybody, ...], Meta(description="statements with `*` as principal, or with `NotPrincipal`")]
    principals: tuple[Answer, ...]
    location: Span


class WhoCan(msgspec.Struct, frozen=True):
    """The answer of `kmsguard who-can`."""

    format_version: int
    action: Annotated[str, Meta(description="as it was asked for")]
    operations: Annotated[tuple[str, ...], Meta(description="what it stands for")]
    keys: tuple[KeyAnswers, ...]
    errors: tuple[Problem, ...]


OPERATIONS = tuple(dict.fromkeys((*(name for names in CLASSES.values() for name in names), *reference.OPERATIONS)))
"""The operations that concern a key.

https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
"""


def operations_of(action: str) -> tuple[str, ...]:
    """The operations that an action stands for: `kms:Decrypt`, `Decrypt`, `kms:ReEncrypt*`; case aside.

    Raises:
        UsageError: where it stands for none that concerns a key.
    """
    service, colon, name = action.rpartition(":")
    found = tuple(one for one in OPERATIONS if glob(fold(name), fold(one)))
    if (colon and fold(service) != "kms") or not found:
        raise UsageError(f"{action!r} is no operation with a key, such as kms:Decrypt or kms:ReEncrypt*")
    return found


def who_can(
    action: str,
    graphs: Graphs,
    *,
    keys: Sequence[str] = (),
    principals: Sequence[str] = (),
    show_denied: bool = False,
) -> WhoCan:
    """Who can do an action with each key of some graphs.

    Args:
        action: `kms:Decrypt`, `Decrypt`, or a pattern.
        graphs: what was read.
        keys: addresses of keys, with `*` for any text; none: all keys.
        principals: addresses, ARNs, accounts or services, likewise.
        show_denied: principals that cannot are in the answer too.

    Raises:
        UsageError: for an action that is none, and a key or principal that fits nothing.
    """
    operations = operations_of(action)
    wanted = _Wanted(keys, principals)
    found = [
        _Asked(Known(graph, graphs.settings), key, operations, wanted, show_denied).answers()
        for graph, units in graphs.graphs
        for key in keys_of(graph, units)
        if wanted.key(key)
    ]
    wanted.check()
    return WhoCan(FORMAT_VERSION, action, operations, tuple(found), graphs.errors)


def keys_of(graph: Graph, units: frozenset[str]) -> list[Resource]:
    """The keys that some units make."""
    return [
        key
        for key in graph.by_kind.get("kms.key", ())
        if key.unit in units and key.declarations[0].mode == "managed" and key.exists is not Truth.NO
    ]


class _Wanted:
    """What was asked for by name, and whether it was there."""

    def __init__(self, keys: Sequence[str], principals: Sequence[str]) -> None:
        self.keys = dict.fromkeys(keys, False)
        self.principals = dict.fromkeys(principals, False)
        self._known_keys: dict[str, None] = {}
        self._known_principals: dict[str, None] = {}

    def key(self, key: Resource) -> bool:
        self._known_keys.setdefault(key.address)
        return _fits(self.keys, key.address)

    def principal(self, party: Party) -> bool:
        name = party.name.removeprefix("account ")
        self._known_principals.setdefault(name)
        return _fits(self.principals, party.name, name)

    def check(self) -> None:
        """Raises UsageError for what fits nothing."""
        for what, names, known in (
            ("key", self.keys, self._known_keys),
            ("principal", self.principals, self._known_principals),
        ):
            missing = [name for name, there in names.items() if not there]
            if missing and (what == "key" or _any(self.keys)):
                raise UsageError(f"no {what} that is called {missing[0]!r}{_near(missing[0], list(known))}")


_SOME = 4


def _near(name: str, known: Sequence[str]) -> str:
    """What there is that is called nearly so; all, where that is little."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, _SOME - 1) or (known if len(known) <= _SOME else [])
    return f"; there is {', '.join(near)}" if near else ""


def _any(names: dict[str, bool]) -> bool:
    return not names or any(names.values())


def _fits(patterns: dict[str, bool], *names: str) -> bool:
    fits = not patterns
    for pattern in patterns:
        if any(glob(pattern, name) for name in names):
            patterns[pattern] = fits = True
    return fits


class _Asked:
    """One key."""

    def __init__(self, known: Known, key: Resource, operations: Sequence[str], wanted: _Wanted, show_denied: bool) -> None:
        self.known = known
        self.key = key
        self.operations = operations
        self.wanted = wanted
        self.show_denied = show_denied

    def answers(self) -> KeyAnswers:
        """Who can."""
        answers: list[Answer] = []
        for party in self.known.parties(self.key):
            if self.wanted.principal(party):
                answers += answers_of(self.known, party, self.key, self.operations)
        shown = [one for one in answers if self.show_denied or one.answer != "no"]
        order = {"yes": 0, "unknown": 1, "no": 2}
        return KeyAnswers(
            self.key.address,
            self.key.unit,
            _text(self.key, "region"),
            _text(self.key, "account") or self.known.settings.account,
            tuple(everybody(self.known, self.key, self.operations)) if not self.wanted.principals else (),
            tuple(sorted(shown, key=lambda one: order[one.answer])),
            self.key.head,
        )


def answers_of(known: Known, party: Party, key: Resource, operations: Iterable[str]) -> Iterator[Answer]:
    """What one party can do with a key; operations with the same answer are told together."""
    same: dict[object, Answer] = {}
    for operation in operations:
        one = _answer(party, operation, answer(known, party, key, operation))
        ways = tuple((way.conditions, _places(way.reasons)) for way in one.ways)
        said = (one.answer, one.decided_by, ways, _places(one.reasons))
        before = same.get(said)
        same[said] = one if before is None else msgspec.structs.replace(before, operations=(*before.operations, operation))
    yield from (_named(one) for one in same.values())


def _named(answer: Answer) -> Answer:
    """An answer whose statements speak of all operations that it holds for."""
    first = f"kms:{answer.operations[0]}"
    if len(answer.operations) == 1:
        return answer
    names = ", ".join(f"kms:{name}" for name in answer.operations)

    def of(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
        return tuple(msgspec.structs.replace(one, message=one.message.replace(first, names)) for one in reasons)

    ways = tuple(Path(way.conditions, of(way.reasons)) for way in answer.ways)
    return msgspec.structs.replace(answer, ways=ways, reasons=of(answer.reasons))


def _places(reasons: Iterable[Reason]) -> tuple[object, ...]:
    return tuple((reason.part, reason.location or reason.policy) for reason in reasons)


def _text(resource: Resource, name: str) -> str | None:
    value = resource.region if name == "region" else resource.account
    return value.text if value is not None else None


def answer(known: Known, party: Party, key: Resource, operation: str) -> Outcome:
    """Whether a party can do an operation with a key, over everything that the code leaves open."""

    def in_world(world: World) -> Outcome | None:
        if decide(key.exists, world) is Truth.NO:
            return None
        if party.resource is not None and decide(party.resource.exists, world) is Truth.NO:
            return None
        access = known.access(world, key.unit)
        principal, one = known.principal(access, party), known.key(access, key)
        deployment = access.deployment(key)
        return ask(principal, operation, one, deployment, ceilings_of(access, deployment, principal, one))

    return _over(explore(in_world))


def _over(worlds: Worlds[Outcome]) -> Outcome:
    if worlds.too_many:
        return Outcome(
            Truth.UNKNOWN, open=(Open("conditions", "more combinations of conditions than are looked at decide it"),)
        )
    found = worlds.found
    if not found:
        return Outcome(Truth.NO)
    truths = {outcome.truth for _, outcome in found}
    ways = _distinct(way for _, outcome in found for way in outcome.ways)
    if truths == {Truth.YES}:
        return Outcome(Truth.YES, ways)
    if truths == {Truth.NO}:
        return found[0][1]
    allowed = [world for world, outcome in found if outcome.truth is Truth.YES]
    others = [world for world, outcome in found if outcome.truth is not Truth.YES]
    told = (*describe(allowed, others, worlds.touched, "allowed"), *(one for _, outcome in found for one in outcome.open))
    return Outcome(Truth.UNKNOWN, ways, tuple(dict.fromkeys(told)))


def _distinct(ways: Iterable[Way]) -> tuple[Way, ...]:
    """Each way once: what is read of one place in two worlds is one statement."""
    seen: dict[object, Way] = {}
    for way in ways:
        places = tuple((one.part, one.span or one.message) for one in way.evidence)
        seen.setdefault((places, way.conditions), way)
    return tuple(seen.values())[:MAX_WAYS]


def _answer(party: Party, operation: str, outcome: Outcome) -> Answer:
    verdict = _VERDICTS[outcome.truth]
    return Answer(
        party.name,
        party.kind,
        party.resource.unit if party.resource is not None else None,
        (operation,),
        verdict,
        tuple(Path(way.conditions, _reasons(way.evidence)) for way in outcome.ways),
        outcome.open if verdict == "unknown" else (),
        _reasons(outcome.evidence) if verdict == "no" else (),
    )


def _reasons(evidence: Iterable[Evidence]) -> tuple[Reason, ...]:
    return tuple(Reason(one.part, one.layer, by_name(one.message), one.span) for one in evidence)


# Everybody


def everybody(known: Known, key: Resource, operations: Sequence[str]) -> Iterator[Everybody]:
    """The statements of the key policy that let in whom they do not name; operations of the same answer are told together."""
    same: dict[object, Everybody] = {}
    for operation in operations:
        for one in _open_statements(known, key, operation):
            name = (one.at_least, one.at_most, one.location, one.conditions)
            before = same.get(name)
            same[name] = one if before is None else msgspec.structs.replace(before, operations=(*before.operations, operation))
    yield from same.values()


def _open_statements(known: Known, key: Resource, operation: str) -> Iterator[Everybody]:
    def in_world(world: World) -> list[tuple[Statement, Audience]] | None:
        if decide(key.exists, world) is Truth.NO:
            return None
        written = [
            one for document in known.key(known.access(world, key.unit), key).policies.documents for one in document.statements
        ]
        views = views_of(Question(known.graph, key, world, known.settings))
        return [
            (written[statement.index], audience_of(view, statement, always=True, operations=(operation,)))
            for view in views.all
            for statement in view.document.statements
            if statement.index < len(written)
            and _names_nobody(statement)
            and action_truth(statement, operation) is not Truth.NO
        ]

    worlds = explore(in_world)
    found: dict[object, list[tuple[Statement, Audience]]] = {}
    for _, pairs in worlds.found:
        for statement, audience in pairs:
            found.setdefault(statement.span or statement.index, []).append((statement, audience))
    for same in found.values():
        least = min((audience.at_least for _, audience in same), key=AUDIENCES.index)
        statement = same[0][0]
        most = max((audience.at_most for _, audience in same), key=AUDIENCES.index)
        most = min(most, cap_of(statement), key=AUDIENCES.index)
        if most != "nobody":
            tests = (test for test in statement.tests if test.key not in _OF_ACCOUNTS)
            conditions = tuple(dict.fromkeys(say_test(test) for test in tests))
            opens = tuple(dict.fromkeys(one for pair in same for one in open_of(*pair)))
            yield Everybody((operation,), least, most, conditions, opens if least != most else (), statement.span)


_OF_ACCOUNTS = ("kms:calleraccount", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths")
"""What their tests say is said by the audience."""


def _names_nobody(statement: Statement) -> bool:
    element = statement.principal
    if statement.effect == "Deny" or element is None:
        return statement.effect != "Deny" and bool(statement.open)
    return element.negated or bool(element.open) or any(entry.entry.known == "*" for entry in element.entries)
