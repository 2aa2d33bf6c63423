"""Whether there is a request by which a principal may do an operation, and what has to be true of it.

`kmsguard.iam.decide.can` leaves open what it is not told of a request. Here the conditions that are left are met one by one:
what the policies themselves name is put into the request until one is allowed, and what was needed is said with the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import TypeAlias

import msgspec

from kmsguard.answers.wording import OTHERS, is_any, say_test, say_value
from kmsguard.iam.conditions import BASES
from kmsguard.iam.decide import Decision, Evidence, Key, Layer, Principal
from kmsguard.iam.document import Statement, Test
from kmsguard.iam.keys import CONTEXT, CONTEXT_KEYS
from kmsguard.iam.operations import CARRIED, OPTIONAL
from kmsguard.iam.template_keys import find_further
from kmsguard.iam.texts import Deployment, fold
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Value
from kmsguard.rules.checks.organization import NO_CEILINGS, Ceilings, can_under

MAX_REQUESTS = 256
"""More requests than that are not tried for one question."""

MAX_WAYS = 4
"""More ways to be allowed than that are not told."""

Context: TypeAlias = "dict[str, Value]"


class Way(msgspec.Struct, frozen=True, eq=False):
    """One way to be allowed: the statements and grants that allow it, and what has to be true of the request."""

    evidence: tuple[Evidence, ...]
    conditions: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """Whether there is a request that is allowed.

    YES has a way at least; UNKNOWN says in `open` what would decide it, and perhaps by which way; NO says in `evidence` what
    denies it, or what is missing.
    """

    truth: Truth
    ways: tuple[Way, ...] = ()
    open: tuple[Open, ...] = ()
    evidence: tuple[Evidence, ...] = ()


def ask(principal: Principal, operation: str, key: Key, deployment: Deployment, ceilings: Ceilings = NO_CEILINGS) -> Outcome:
    """Whether a principal can do an operation (`Decrypt`) with a key, by some request."""
    return _Asked(principal, f"kms:{operation}", key, deployment, ceilings).outcome()


class _Asked:
    def __init__(self, principal: Principal, action: str, key: Key, deployment: Deployment, ceilings: Ceilings) -> None:
        self.principal = principal
        self.action = action
        self.key = key
        self.deployment = deployment
        self.ceilings = ceilings

    def outcome(self) -> Outcome:
        base = self._decide({})
        if base.truth is Truth.YES:
            return Outcome(Truth.YES, (Way(_allowing(base)),), evidence=base.evidence)
        if base.truth is Truth.NO:
            return Outcome(Truth.NO, evidence=(*base.evidence, *base.missed))
        candidates = self._candidates(base)
        if not candidates:
            return _undecided(base, {})
        return self._tried(base, candidates)

    def _decide(self, context: Mapping[str, Value]) -> Decision:
        return can_under(self.ceilings, self.principal, self.action, self.key, context, self.deployment)

    def _tried(self, base: Decision, candidates: Mapping[str, _Candidates]) -> Outcome:
        ways: dict[tuple[str, ...], tuple[Context, Way]] = {}
        best: tuple[Decision, Context] | None = None
        contexts = _contexts(candidates)
        for context in islice(contexts, MAX_REQUESTS):
            decision = self._decide(context)
            if decision.truth is Truth.YES:
                least, decision = self._least(context, decision)
                evidence = _allowing(decision)
                conditions = _conditions(least, evidence, candidates)
                ways.setdefault(conditions, (least, Way(evidence, conditions)))
            elif decision.truth is Truth.UNKNOWN and (best is None or _asked_for(decision, context) < _asked_for(*best)):
                best = (decision, context)
        if ways:
            return Outcome(Truth.YES, _weakest(ways.values()), evidence=base.evidence)
        if best is not None:
            least, decision = self._least(best[1], best[0])
            held = {name: value for name, value in least.items() if value.data is not ABSENT}
            return _undecided(decision, candidates, _conditions(held, _allowing(decision), candidates))
        if next(contexts, None) is None and all(candidate.closed for candidate in candidates.values()):
            return Outcome(Truth.NO, evidence=base.evidence)
        return _undecided(base, candidates)

    def _least(self, context: Context, decision: Decision) -> tuple[Context, Decision]:
        """What of a request is needed: the rest may be whatever it is, and nothing more is open."""
        left, said = dict(context), decision
        for name in context:
            without = {other: value for other, value in left.items() if other != name}
            now = self._decide(without)
            if now.truth is decision.truth and set(now.open) <= set(decision.open):
                left, said = without, now
        return left, said

    # What a request may hold

    def _candidates(self, base: Decision) -> dict[str, _Candidates]:
        """For each key of the request that the decision left open: what the policies compare it with."""
        asked = {fold(one.reference) for one in base.open if one.message == f"the request's {one.reference} is not known"}
        tests = [test for statement in self._statements() for test in statement.tests]
        found: dict[str, list[Test]] = {}
        for test in tests:
            if test.key in asked:
                found.setdefault(test.key, []).append(test)
        if _SERVICE in asked and _SERVICE not in found:
            # it is not asked which service the call comes through, but whether through one
            by_way = [test for test in tests if test.key in _OF_WAY]
            found |= {_WAY: by_way} if by_way else {}
        granted = {name: values for name, values in self._granted().items() if name in asked}
        names = (*found, *(name for name in granted if name not in found))
        return {name: _candidates_of(name, found.get(name, []), granted.get(name, [])) for name in names}

    def _granted(self) -> dict[str, list[Value]]:
        """What the constraints of grants ask of the encryption context."""
        found: dict[str, list[Value]] = {}
        for grant in self.key.grants:
            for constraint in (grant.subset, grant.equals):
                pairs = constraint.members if constraint is not None else {}
                for name, value in pairs.items():
                    found.setdefault(CONTEXT + fold(name), []).append(value)
                if pairs:
                    found.setdefault(CONTEXT_KEYS, []).append(Value(tuple(Value(name) for name in pairs)))
        return found

    def _statements(self) -> Iterator[Statement]:
        layers: tuple[Layer | None, ...] = (
            self.key.policies,
            self.principal.identity_policies,
            self.principal.boundary,
            self.principal.session_policies,
        )
        organization = self.ceilings.possible or self.ceilings.certain
        for layer in (*layers, *organization.scps, *organization.rcps):
            for document in layer.documents if layer is not None else ():
                yield from document.statements


class _Candidates(msgspec.Struct, frozen=True, eq=False):
    """What a condition key may hold, and the tests that ask for it; `closed`: nothing else makes a difference."""

    values: tuple[Value, ...]
    closed: bool


_SERVICE = "kms:viaservice"
_WAY = "aws:viaawsservice"
_OF_WAY = (_WAY, "kms:grantisforawsresource")
"""Keys that follow from whether the call comes via a service."""
_OF_ENDPOINT = ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip")

_NOTHING = Value(ABSENT)
_FLAGS = (Value("true"), Value("false"))
_ALWAYS = ("aws:currenttime", "aws:epochtime", "aws:principaltype", "aws:useragent", _WAY)
_CLOSED = ("equals", "bool", "null")


def _candidates_of(name: str, tests: Sequence[Test], granted: Sequence[Value]) -> _Candidates:
    kind = find_further(name)
    type_ = kind.type if kind is not None else "string"
    closed = all((base := BASES.get(test.base)) is not None and base.family in _CLOSED for test in tests)
    if type_ == "bool":
        values = list(_FLAGS)
    else:
        values = [*granted, *(value for test in tests if not _is_null(test) for value in _compared(test))]
        if kind is not None and kind.holds_set:
            values = [*(Value(test_values) for test in tests if (test_values := _compared(test))), *values]
            values = [value if isinstance(value.data, tuple) else Value((value,)) for value in values]
    nothing = name not in _ALWAYS and (name not in CARRIED or name in OPTIONAL or name == CONTEXT_KEYS)
    others = [Value(text) for text in OTHERS.get(type_, ())]
    if kind is not None and kind.holds_set:
        others = [Value((other,)) for other in others]
    return _Candidates(tuple(_distinct((*values, *((_NOTHING,) if nothing else ()), *others))), closed)


def _is_null(test: Test) -> bool:
    return test.base == "null"


def _compared(test: Test) -> tuple[Value, ...]:
    """The values that a test compares with, as a request can hold them."""
    base = BASES.get(test.base)
    if base is not None and base.family == "ip":
        return tuple(Value(entry.known.partition("/")[0]) for entry in test.values if entry.known is not None)
    if base is not None and base.family == "numeric":
        numbers = [int(entry.known) for entry in test.values if entry.known is not None and entry.known.isdigit()]
        return tuple(Value(str(number + step)) for number in numbers for step in (0, -1, 1) if number + step >= 0)
    return tuple(entry.value for entry in test.values)


def _distinct(values: Iterable[Value]) -> Iterator[Value]:
    seen: list[object] = []
    for value in values:
        if value.data not in seen:
            seen.append(value.data)
            yield value


def _contexts(candidates: Mapping[str, _Candidates]) -> Iterator[Context]:
    names = list(candidates)
    for combination in product(*(candidates[name].values for name in names)):
        context = dict(zip(names, combination, strict=True))
        if _can_exist(context):
            yield context


def _asked_for(decision: Decision, context: Context) -> tuple[int, int]:
    """How much is asked for where nothing is decided: things that are open, and what the request holds."""
    return len(decision.open), sum(value.data is not ABSENT for value in context.values())


def _can_exist(context: Context) -> bool:
    """Whether what a request holds is of one request: entries of an encryption context and their names, the way of the call."""
    way = context.get(_WAY)
    via = context[_SERVICE].data is not ABSENT if _SERVICE in context else way is not None and way.text == "true"
    through = any(name in context and context[name].data is not ABSENT for name in _OF_ENDPOINT)
    if through and (via or ("aws:sourceip" in context and context["aws:sourceip"].data is not ABSENT)):
        return False
    keys = context.get(CONTEXT_KEYS)
    if keys is None:
        return True
    named = {fold(key.text or "") for key in keys.items}
    return all(
        (value.data is not ABSENT) == (name[len(CONTEXT) :] in named)
        for name, value in context.items()
        if name.startswith(CONTEXT)
    )


# What is said of it


def _allowing(decision: Decision) -> tuple[Evidence, ...]:
    """What allows, each statement once, though it may count for callers of the account and for those of another one."""
    found = (one for one in decision.evidence if one.part in ("allows", "delegates", "grants"))
    return tuple({id(one.statement or one.grant or one): one for one in found}.values())


def _weakest(ways: Iterable[tuple[Context, Way]]) -> tuple[Way, ...]:
    """The ways that ask for no more than another one."""
    found = list(ways)
    left = [way for context, way in found if not any(other is not context and _asks_less(other, context) for other, _ in found)]
    return tuple(left)[:MAX_WAYS]


def _asks_less(one: Context, other: Context) -> bool:
    """Whether a request asks for less than another one: for fewer keys, or for any value in place of a certain one."""
    return all(name in other and (value.data == other[name].data or is_any(value)) for name, value in one.items())


def _conditions(context: Context, evidence: Sequence[Evidence], candidates: Mapping[str, _Candidates]) -> tuple[str, ...]:
    """What has to be true of a request: the tests of the statements that allow it, else what it holds."""
    told: dict[str, None] = {}
    entries = any(name.startswith(CONTEXT) for name in context)
    tests = [test for one in evidence if one.statement is not None and one.part != "denies" for test in one.statement.tests]
    for name, value in context.items():
        own = [test for test in tests if test.key == name or (name == _WAY and test.key in _OF_WAY)]
        if own:
            told.update(dict.fromkeys(say_test(test) for test in own))
        elif name in candidates and not (name == CONTEXT_KEYS and entries):
            told[say_value(name, value)] = None
    return tuple(told)


def _undecided(decision: Decision, candidates: Mapping[str, _Candidates], conditions: tuple[str, ...] = ()) -> Outcome:
    """UNKNOWN. What only the request decides is not told where something else is open."""
    others = tuple(one for one in decision.open if fold(one.reference) not in candidates)
    ways = (Way(_allowing(decision), conditions),) if _allowing(decision) or conditions else ()
    decidable = tuple(one for one in others if one.message not in _AFTER_APPLY)
    return Outcome(Truth.UNKNOWN, ways, decidable or others or decision.open, decision.evidence)


_AFTER_APPLY = ("known after apply", "known after deployment")  # nobody can decide it before
