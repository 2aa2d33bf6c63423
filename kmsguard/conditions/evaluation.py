"""From a condition to an answer, in one world."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias, cast

from kmsguard.conditions.comparison import compare, is_set, same, shown
from kmsguard.model.condition import (
    ITEM,
    AllOf,
    AnyOf,
    Check,
    Condition,
    Each,
    EdgeTest,
    NotOf,
    Operand,
    Quantifier,
    SameAs,
    Test,
)
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.guard import World, decide
from kmsguard.model.resource import External, Graph, Resource
from kmsguard.model.rule import Answer
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth, all_of, any_of
from kmsguard.model.value import ABSENT, NOTHING, Text, Unknown, Value, resolve, resolve_deep

Subject: TypeAlias = "Resource | External | Value"
"""What a condition is about: a resource, what lies outside of all units, or an element of a list."""

Ask: TypeAlias = Callable[[Check, Resource, World], Answer]
"""Who answers a `check`."""


class _Scope(NamedTuple):
    graph: Graph
    world: World
    outer: Subject | None
    ask: Ask | None
    bare: bool = False  # nobody asks for the evidence of tests


def evaluate(
    condition: Condition,
    subject: Subject,
    graph: Graph,
    world: World,
    outer: Subject | None = None,
    *,
    ask: Ask | None = None,
    bare: bool = False,
) -> Answer:
    """What a condition says of a subject in a world, with what decided it (but where it is `bare`) or would decide it.

    Raises:
        UndecidedError: where the world does not decide a condition of the template that matters.
    """
    return _evaluate(condition, subject, _Scope(graph, world, outer, ask, bare))


def _evaluate(condition: Condition, subject: Subject, scope: _Scope) -> Answer:
    compound = _COMPOUND.get(type(condition))
    return compound(condition, subject, scope) if compound is not None else _test(cast("Test", condition), subject, scope)


def _all(condition: AllOf, subject: Subject, scope: _Scope) -> Answer:
    return _joined((_evaluate(part, subject, scope) for part in condition.parts), Truth.NO, subject)


def _any(condition: AnyOf, subject: Subject, scope: _Scope) -> Answer:
    return _joined((_evaluate(part, subject, scope) for part in condition.parts), Truth.YES, subject)


def _joined(answers: Iterable[Answer], decisive: Truth, subject: Subject) -> Answer:
    """AND (`decisive` NO) or OR (YES): the first decisive answer alone, else the unknown ones, else all together."""
    unknown: list[Answer] = []
    rest: list[Answer] = []
    for answer in answers:
        if answer.truth is decisive:
            return answer
        (unknown if answer.truth is Truth.UNKNOWN else rest).append(answer)
    told = unknown or rest
    if len(told) == 1:
        return told[0]
    return Answer(
        Truth.UNKNOWN if unknown else ~decisive,
        evidence=tuple(sorted((e for answer in told for e in answer.evidence), key=lambda e: _distance(e, subject))),
        open=tuple(dict.fromkeys(o for answer in told for o in answer.open)),
        findings=tuple(f for answer in told for f in answer.findings) if unknown else (),
    )


def _distance(evidence: Evidence, subject: Subject) -> tuple[bool, bool]:
    """What is the subject's own comes first, and what somebody wrote before what nobody did."""
    owner = evidence.resource
    return isinstance(subject, Resource) and owner is not subject, owner is not None and evidence.span == owner.head


def _not(condition: NotOf, subject: Subject, scope: _Scope) -> Answer:
    answer = _evaluate(condition.part, subject, scope)
    return Answer(~answer.truth, answer.evidence, answer.open)


def _check(condition: Check, subject: Subject, scope: _Scope) -> Answer:
    if scope.ask is None or not isinstance(subject, Resource):
        what = _name(subject)
        return Answer(Truth.UNKNOWN, open=(Open(what, f"{what} is not part of what was scanned"),))
    return scope.ask(condition, subject, scope.world)


class _Member(NamedTuple):
    """An element of a list or the end of an edge, with whether it is there at all."""

    present: Truth
    subject: Subject
    evidence: tuple[Evidence, ...]
    open: tuple[Open, ...] = ()


def _each(condition: Each, subject: Subject, scope: _Scope) -> Answer:
    found = _lookup(condition.operand, subject, scope)
    data = found.value.data
    if isinstance(data, Unknown):
        return Answer(Truth.UNKNOWN, _evidence(condition.operand, found, scope), _open(found.value))
    items = data if isinstance(data, tuple) else tuple(data.values()) if isinstance(data, dict) else ()
    members = []
    for item in items:
        element = resolve(item, scope.world)
        if element.data is not ABSENT:
            here = Evidence(f"an element of {condition.operand}", element.where, element.trail, found.owner)
            members.append(_Member(Truth.YES, element, (here,)))
    return _quantified(condition.quantifier, condition.condition, members, subject, scope)


def _edge(condition: EdgeTest, subject: Subject, scope: _Scope) -> Answer:
    if not isinstance(subject, Resource):
        what = _name(subject)
        return Answer(Truth.UNKNOWN, open=(Open(what, f"{what} is not part of what was scanned"),))
    members = _sources(condition, subject, scope) if condition.source else _ends(condition.name, subject, scope)
    return _quantified(condition.quantifier, condition.condition, members, subject, scope)


def _ends(name: str, subject: Resource, scope: _Scope) -> Iterator[_Member]:
    for edge in scope.graph.out(subject, name):
        present = decide(edge.guard, scope.world)
        target = edge.target
        if isinstance(target, External):
            present = present & is_set(resolve(target.value, scope.world))  # what may be null may make no edge at all
        elif decide(target.exists, scope.world) is Truth.NO:
            present = Truth.NO
        if present is not Truth.NO:
            by = Evidence(f"{name} is {_name(target)}", edge.by.where, edge.by.trail, subject)
            yield _Member(present, target, (by,), _open(edge.by) if present is Truth.UNKNOWN else ())


def _sources(condition: EdgeTest, subject: Resource, scope: _Scope) -> Iterator[_Member]:
    graph, world = scope.graph, scope.world
    for edge in graph.into(subject, condition.name):
        if condition.source in (edge.source.kind, *edge.source.traits):
            present = decide(edge.guard, world) & decide(edge.source.exists, world)
            if present is not Truth.NO:
                by = Evidence(f"{edge.source.address} leads here", edge.by.where, edge.by.trail, edge.source)
                yield _Member(present, edge.source, (by,))
    for edge in graph.open_ends(subject.unit, condition.name):
        source, target = edge.source, edge.target
        if condition.source in (source.kind, *source.traits) and isinstance(target, External):
            present = decide(edge.guard, world) & decide(source.exists, world) & Truth.UNKNOWN
            if present is not Truth.NO and _may_be_here(target.value, subject, graph):
                yield _Member(present, source, (), _open(target.value))
    if graph.exported(subject):
        outside = External(condition.source, Value(Unknown("it may be in another unit: an output hands this one out")))
        yield _Member(Truth.UNKNOWN, outside, (), (Open(subject.address, "an output hands it out to other units"),))


_ELSEWHERE = ("data.", "export:", "state:")


def _may_be_here(value: Value, subject: Resource, graph: Graph) -> bool:
    """Whether what is not known may name the subject: not where it names something that is looked up, or another resource."""
    if not isinstance(value.data, Unknown):
        return False
    target = value.data.target
    if target is None:
        return True
    named = graph.by_address.get((subject.unit, target.address), ())
    declared = any(one.declarations and one.declarations[0].mode in ("managed", "data") for one in named)
    return not declared and not target.address.startswith(_ELSEWHERE)


def _quantified(
    quantifier: Quantifier, condition: Condition, members: Iterable[_Member], subject: Subject, scope: _Scope
) -> Answer:
    inner = scope._replace(outer=subject)
    every = quantifier == "every"
    told: list[tuple[Truth, _Member, Answer]] = []
    for member in members:
        answer = _evaluate(condition, member.subject, inner)
        truth = ~member.present | answer.truth if every else member.present & answer.truth
        told.append((truth, member, answer))
        if truth is Truth.YES and not every:
            break  # one is enough, while of those that break a rule all are shown
    truths = [truth for truth, _, _ in told]
    truth = all_of(truths) if every else any_of(truths)
    told_so = [(member, answer) for one, member, answer in told if one is truth]
    evidence = tuple(e for member, answer in told_so for e in _in_order(member, answer))
    opened = tuple(dict.fromkeys(o for member, answer in told_so for o in (*member.open, *answer.open)))
    return Answer(~truth if quantifier == "none" else truth, evidence, opened if truth is Truth.UNKNOWN else ())


def look_up(operand: Operand, subject: Subject, graph: Graph, world: World) -> Value:
    """What an operand is in a world: its data is ABSENT where nothing is there, never a Choice.

    Raises:
        UndecidedError: where the world does not decide it.
    """
    return _lookup(operand, subject, _Scope(graph, world, None, None)).value


def _in_order(member: _Member, answer: Answer) -> tuple[Evidence, ...]:
    """What is said inside of an element is narrower than the element; the way to another resource comes before what it says."""
    inside = isinstance(member.subject, Value)
    return (*answer.evidence, *member.evidence) if inside else (*member.evidence, *answer.evidence)


class _Looked(NamedTuple):
    value: Value  # resolved in the world: never a Choice
    owner: Resource | None  # whose attribute it is
    around: Resource | None = None  # or who holds the element that it is in


def _lookup(operand: Operand, subject: Subject, scope: _Scope) -> _Looked:
    at: Subject = subject
    if operand.outer:
        if scope.outer is None:
            raise AssertionError(f"{operand} stands where there is no outer resource; the loader refuses that")
        at = scope.outer
    owner = _owner(at) or _owner(subject)
    around = _owner(scope.outer) if scope.outer is not None else None
    last = len(operand.names) - 1
    for number, name in enumerate(operand.names):
        if isinstance(at, Resource):
            owner = at
            edges = scope.graph.out(at, name) if number < last else []
            at = _single_end(name, at, scope) if edges else _attribute(at, name, scope.world)
        elif isinstance(at, External):
            at = _of_external(at, name)
        else:
            at = _member(at, name, scope.world)
    return _Looked(at if isinstance(at, Value) else Value(Unknown(f"{_name(at)} is no value")), owner, around)


def _owner(subject: Subject) -> Resource | None:
    return subject if isinstance(subject, Resource) else None


_EVERY_RESOURCE = ("address", "region", "account", "external")
_NOWHERE_WRITTEN = ("address", "external")  # what nobody can change shows nothing


def _attribute(resource: Resource, name: str, world: World) -> Value:
    value = resource.attribute(name, world)
    if value.data is not ABSENT or name not in _EVERY_RESOURCE:
        return value
    if name == "address":
        return Value(resource.address)
    if name == "external":
        return Value(False)
    place = resource.region if name == "region" else resource.account
    return resolve(place, world) if place is not None else Value(Unknown(f"nothing says the {name}", f"--{name}"))


def _single_end(name: str, subject: Resource, scope: _Scope) -> Subject:
    ends = list(_ends(name, subject, scope))
    if not ends:
        return NOTHING
    if len(ends) > 1 or ends[0].present is Truth.UNKNOWN:
        opened = [o for end in ends for o in end.open]
        reference = opened[0].reference if opened else None
        return Value(Unknown(f"it is open what {name} of {subject.address} is", reference))
    return ends[0].subject


_ARN_PARTS = {"partition": 1, "service": 2, "region": 3, "account": 4}


def _of_external(external: External, name: str) -> Value:
    """What an ARN says of what lies outside of all units: the ARN itself, and its parts."""
    value = external.value
    if name == "external":
        return value.with_data(True)
    if name == "arn":
        return value
    if name in _ARN_PARTS:
        text = value.text
        if text is not None and text.startswith("arn:") and text.count(":") >= 5:
            return value.with_data(text.split(":")[_ARN_PARTS[name]])
        if isinstance(value.data, Text):
            part = _field(value.data, _ARN_PARTS[name])
            if part is not None:
                return part
    if isinstance(value.data, Unknown):
        return Value(Unknown(value.data.reason, value.data.reference), value.span, value.place, value.trail)
    return Value(Unknown(f"{_name(external)} is not part of what was scanned"), value.span, value.place, value.trail)


def _field(text: Text, number: int) -> Value | None:
    """A field of a text that is separated by colons, where the colons around it are known and it is all one piece."""
    fields: list[list[Value]] = [[]]
    for piece in text.pieces:
        if not isinstance(piece.data, str):
            fields[-1].append(piece)
            continue
        for count, run in enumerate(piece.data.split(":")):
            if count:
                fields.append([])
            if run:
                fields[-1].append(piece.with_data(run))
    if not fields[0] or fields[0][0].data != "arn" or number >= len(fields) or len(fields[number]) != 1:
        return None
    return fields[number][0]


def _member(value: Value, name: str, world: World) -> Value:
    data = value.data
    if isinstance(data, dict):
        return resolve(data[name], world) if name in data else NOTHING
    if isinstance(data, Unknown):
        return value.with_data(Unknown(data.reason, data.reference))
    return value if name == ITEM else NOTHING


def _name(subject: Subject) -> str:
    if isinstance(subject, Resource):
        return subject.address
    value = subject.value if isinstance(subject, External) else subject
    if isinstance(value.data, Unknown):
        return value.data.reference or "something that is not known"
    return shown(value)


def _test(test: Test, subject: Subject, scope: _Scope) -> Answer:
    found = _lookup(test.operand, subject, scope)
    value = resolve_deep(found.value, scope.world)
    if isinstance(test, SameAs):
        other = _lookup(test.other, subject, scope)
        opposite = resolve_deep(other.value, scope.world)
        one_unit = found.owner is None or other.owner is None or found.owner.unit == other.owner.unit
        truth = same(value, opposite, one_unit=one_unit)
        evidence = (*_evidence(test.operand, found, scope), *_evidence(test.other, other, scope))
        return Answer(truth, evidence, (*_open(value), *_open(opposite)) if truth is Truth.UNKNOWN else ())
    truth = compare(test, value)
    return Answer(truth, _evidence(test.operand, found, scope), _open(value) if truth is Truth.UNKNOWN else ())


def _evidence(operand: Operand, found: _Looked, scope: _Scope) -> tuple[Evidence, ...]:
    value, owner, around = found
    if scope.bare or operand.names[-1] in _NOWHERE_WRITTEN:
        return ()
    message = f"{operand} is {shown(value)}"
    where = value.where
    if owner is None or (where is not None and (_is_inside(where, owner) or _is_aliased(value, owner))):
        return (Evidence(message, where, value.trail, owner or around),)
    # What is absent, a default that nobody wrote, and what another block says (the Region of a provider) is told at the head.
    here = Evidence(message, owner.head, value.trail, owner)
    return (here,) if where is None else (here, Evidence(message, where, value.trail))


def _is_inside(where: Span, owner: Resource) -> bool:
    return not owner.declarations or any(where.within(one.span) for one in owner.declarations)


def _is_aliased(value: Value, owner: Resource) -> bool:
    """Whether what a resource says is written at the anchor of an alias in it, or in a file that it includes."""
    steps = value.trail.chain() if value.trail is not None else []
    return any(step.what in ("alias", "include") and step.span is not None and _is_inside(step.span, owner) for step in steps)


def _open(value: Value) -> tuple[Open, ...]:
    """What would decide a value, each thing once."""
    opened: dict[Open, None] = {}
    for part in value.walk():
        if isinstance(part.data, Unknown):
            opened[Open(part.data.reference or part.data.reason, part.data.reason)] = None
    return tuple(opened)


_COMPOUND: Mapping[type, Callable[..., Answer]] = {
    AllOf: _all,
    AnyOf: _any,
    NotOf: _not,
    EdgeTest: _edge,
    Each: _each,
    Check: _check,
}
