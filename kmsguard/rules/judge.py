"""From the graph and the rules to judgements: the one place that knows of worlds."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from kmsguard.conditions.comparison import shown
from kmsguard.conditions.evaluation import evaluate, look_up
from kmsguard.model.condition import ALWAYS, AllOf, Check, Condition, Operand
from kmsguard.model.declaration import Problem
from kmsguard.model.fault import fault
from kmsguard.model.finding import Judgement, Open
from kmsguard.model.guard import NOWHERE_ASSUMED, Atom, Formula, UndecidedError, World, consistent, decide
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import EVERYTHING, Answer, Found, JudgeSettings, Question, Rule, RuleTable, is_selected
from kmsguard.model.truth import Truth
from kmsguard.rules.checks import Asked, find_asked, find_check, is_careful
from kmsguard.rules.worlds import describe, references

MAX_WORLDS = 64
FIRST = 7  # worlds in which nothing is decided that tell that a rule goes the way of one that met too many

Outcome: TypeAlias = Literal["pass", "fail", "unknown", "not applicable"]


class Judged(msgspec.Struct, frozen=True):
    """What all rules say of all resources, in the order of the rules, and which of them broke while they were asked."""

    judgements: tuple[Judgement, ...]
    problems: tuple[Problem, ...] = ()


def judge(graph: Graph, table: RuleTable, settings: JudgeSettings) -> Judged:
    """What the selected rules say of the resources that they match.

    A rule that breaks on a resource says nothing of it, and is an error among `problems`: never a pass.
    """
    judgements: list[Judgement] = []
    problems: list[Problem] = []
    lost: set[_Way] = set()
    worth: dict[Asked, Collection[Resource] | None] = {}
    for rule in table.rules:
        resources = matched(rule, graph) if is_selected(rule.info, settings) else ()
        asked = _asked(rule, graph, worth) if resources else None
        for resource in resources:
            if asked is not None and resource not in asked and resource.exists is Truth.YES:
                judgements.append(Judgement(rule.info, resource, "pass", "", attribute=rule.attribute))
                continue
            try:
                judgements.extend(_Pair(rule, resource, graph, settings, lost).judgements())
            except Exception as error:  # noqa: BLE001 - a bug in one rule must not take the others with it, nor pass
                problems.append(_our_fault(rule, resource, error))
    return Judged(tuple(judgements), tuple(problems))


def matched(rule: Rule, graph: Graph) -> Sequence[Resource]:
    """The resources of the kinds or the trait that a rule is about."""
    if rule.trait == EVERYTHING:
        return graph.written
    if rule.trait:
        return graph.by_trait.get(rule.trait, ())
    if len(rule.kinds) == 1:
        return graph.by_kind.get(rule.kinds[0], ())
    return [resource for kind in rule.kinds for resource in graph.by_kind.get(kind, ())]


def _asked(rule: Rule, graph: Graph, worth: dict[Asked, Collection[Resource] | None]) -> Collection[Resource] | None:
    """The resources that a rule may not be fine with, where that is known before it is asked.

    `worth` holds what was found out already: several checks share one answer.
    """
    if rule.where != ALWAYS or not isinstance(rule.require, Check):
        return None
    asked = find_asked(rule.require.name)
    if asked is None:
        return None
    if asked not in worth:
        try:
            worth[asked] = asked(graph)
        except Exception:  # noqa: BLE001 - what is broken there is told where the rule is asked
            worth[asked] = None
    return worth[asked]


def _our_fault(rule: Rule, resource: Resource, error: Exception) -> Problem:
    message = (
        f"rule {rule.info.code} broke on {resource.address} ({fault(error)}): this is our fault, please "
        "report it; this rule says nothing of this resource"
    )
    return Problem("error", "internal-error", resource.head.file, resource.head.start_line, resource.head.start_column, message)


_Way: TypeAlias = tuple[Resource, tuple[Atom, ...]]
"""A resource, and what was first left open in the worlds in which it was judged."""


class _Told(NamedTuple):
    """What a rule says of a resource in one world."""

    world: World
    outcome: Outcome
    answer: Answer
    findings: dict[_Key, Found]  # what is wrong, or may be


class _Pair:
    """One rule and one resource. `lost` are the ways on which too many worlds were met."""

    def __init__(self, rule: Rule, resource: Resource, graph: Graph, settings: JudgeSettings, lost: set[_Way]) -> None:
        self.rule = rule
        self.resource = resource
        self.graph = graph
        self.settings = settings
        self.lost = lost
        self.touched: dict[Formula, None] = {}  # what the template leaves open, in the order in which it mattered

    def judgements(self) -> Sequence[Judgement]:
        """What is said over all worlds. Most pairs need only one: the world that assumes nothing decides them."""
        found = self._found_in(NOWHERE_ASSUMED)
        if isinstance(found, UndecidedError):
            told = self._worlds(found)
            return (self._too_many(),) if told is None else tuple(self._told(told))
        if found is None or found.outcome == "not applicable":
            return ()
        return tuple(self._told([found])) if found.outcome != "pass" else (self._pass(),)

    def _told(self, told: list[_Told]) -> Iterator[Judgement]:
        keys = dict.fromkeys(key for one in told for key in one.findings)
        wrong = False
        for key in keys:
            verdict = _verdict([_outcome(one, key) for one in told])
            if verdict in ("fail", "unknown"):
                wrong = True
                yield self._judgement(key, "fail" if verdict == "fail" else "unknown", told)
        if not wrong and any(one.outcome == "pass" for one in told):
            yield self._pass()

    def _pass(self) -> Judgement:
        return Judgement(self.rule.info, self.resource, "pass", "", attribute=self.rule.attribute)

    def _worlds(self, first: UndecidedError) -> list[_Told] | None:
        """What is said in each world, of which `first` is what splits the one that assumes nothing; None where there are too
        many of them.

        The worlds that assume least are looked at first, so that too many of them are noticed before much is asked in any.
        """
        pending: deque[tuple[World, str]] = deque()
        told: list[tuple[str, _Told]] = []  # with the way to the world: where everything first holds comes first
        split: list[Atom] = []
        careful = isinstance(self.rule.require, Check) and is_careful(self.rule.require.name)
        world, way = NOWHERE_ASSUMED, ""
        found: _Told | UndecidedError | None = first
        while True:
            vague = self._in(world.vaguely) if careful and isinstance(found, UndecidedError) else None
            if vague is not None and vague.outcome in ("pass", "not applicable"):
                told.append((way, vague))
            elif isinstance(found, UndecidedError):
                self.touched.setdefault(found.formula)
                split.append(found.atom)
                for holds, step in ((True, "0"), (False, "1")):
                    narrower = world.assume(found.atom, holds)
                    if narrower is not None and self._possible(narrower):
                        pending.append((narrower, way + step))
                way_here = (self.resource, tuple(split[:FIRST]))
                if len(pending) + len(told) > MAX_WORLDS:
                    self.lost.add(way_here)
                    return None
                if len(split) == FIRST and not told and way_here in self.lost:
                    return None
            elif found is not None:
                told.append((way, found))
            if not pending:
                return [one for _, one in sorted(told, key=lambda item: item[0])]
            world, way = pending.popleft()
            found = self._found_in(world)

    def _found_in(self, world: World) -> _Told | UndecidedError | None:
        """What is said in one world, None where the resource does not exist; or what has to be decided before."""
        try:
            return self._in(world)
        except UndecidedError as undecided:
            return undecided

    def _possible(self, world: World) -> bool:
        """Whether what the units of its assumptions demand to be deployed at all can hold in a world."""
        units = (self.graph.units.get(name) for name in dict.fromkeys(atom.unit for atom in world.assumed))
        return all(unit is None or not unit.constraints or consistent(world, unit.constraints) for unit in units)

    def _in(self, world: World) -> _Told | None:
        """What is said in one world; None where the resource does not exist."""
        exists = self.resource.exists
        if exists is not Truth.YES and decide(exists, world) is Truth.NO:
            return None
        where = self._bare(self.rule.where, world)
        if where.truth is Truth.NO:
            return _Told(world, "not applicable", where, {})
        answer = self._bare(self.rule.require, world)
        if answer.truth is not Truth.YES and not isinstance(self.rule.require, Check):
            # What most resources meet is told of none of these.
            answer = evaluate(self.rule.require, self.resource, self.graph, world, ask=self._ask)
        if answer.truth is Truth.YES:
            return _Told(world, "pass", answer, {})
        if where.truth is Truth.UNKNOWN:
            opened = tuple(dict.fromkeys((*where.open, *answer.open)))
            findings = tuple(msgspec.structs.replace(f, truth=Truth.UNKNOWN, open=opened) for f in answer.findings)
            answer = msgspec.structs.replace(answer, open=opened, findings=findings)
            return _Told(world, "unknown", answer, _findings(answer))
        return _Told(world, "fail" if answer.truth is Truth.NO else "unknown", answer, _findings(answer))

    def _bare(self, condition: Condition, world: World) -> Answer:
        """What a condition says, without what it was decided by, but of a check."""
        if isinstance(condition, Check):
            return self._ask(condition, self.resource, world)
        if isinstance(condition, AllOf) and not condition.parts:  # ALWAYS
            return _HELD
        return evaluate(condition, self.resource, self.graph, world, ask=self._ask, bare=True)

    def _ask(self, check: Check, resource: Resource, world: World) -> Answer:
        function = find_check(check.name)
        if function is None:
            raise LookupError(check.name)
        return function(Question(self.graph, resource, world, self.settings, check.arguments))

    def _judgement(self, key: _Key, verdict: Literal["fail", "unknown"], told: list[_Told]) -> Judgement:
        outcomes = [(one, _outcome(one, key)) for one in told]
        failing = [one for one, outcome in outcomes if outcome == "fail"]
        unknown = [one for one, outcome in outcomes if outcome == "unknown"]
        shown_in = (failing or unknown)[0]
        found = shown_in.findings.get(key) or _whole(shown_in.answer, self.rule.attribute)
        opened: dict[Open, None] = {}
        if verdict == "unknown":
            fine = [one.world for one, outcome in outcomes if outcome != "fail"]
            opened.update(dict.fromkeys(describe([one.world for one in failing], fine, tuple(self.touched))))
            for one in unknown:
                opened.update(dict.fromkeys((one.findings.get(key) or _whole(one.answer, "")).open))
        return Judgement(
            self.rule.info,
            self.resource,
            verdict,
            self._message(found, shown_in.world, verdict),
            evidence=found.evidence,
            open=tuple(opened),
            attribute=found.attribute or self.rule.attribute,
            remediation=self._unhidden(found.remediation or self._mended()),
        )

    def _unhidden(self, remediation: str) -> str:
        """A remedy that says too which of its arguments Terraform would leave as they are; empty where it is the rule's own."""
        text = remediation or self.rule.info.remediation
        said = set(_ARGUMENT.findall(text))
        for declaration in self.resource.declarations:
            ignored = declaration.resource_attributes.get("ignore_changes")
            names = [item.text or "" for item in ignored.items] if ignored is not None else []
            hidden = [name for name in names if name in said or (name == "all" and said)]
            if hidden:
                named = ", ".join(f"`{name}`" for name in hidden)
                first, _, rest = text.partition("\n\n")
                note = f"Take {named} out of its `ignore_changes`: with that, Terraform leaves it as it is."
                return f"{first.rstrip()} {note}" + (f"\n\n{rest}" if rest else "")
        return remediation

    def _mended(self) -> str:
        """The rule's remedy, after what the resource's kind says of what the rule is about; empty where that is nothing."""
        mend = self.resource.mend.get(self.rule.attribute)
        return f"Write `{mend}`.\n\n{self.rule.info.remediation}" if mend else ""

    def _message(self, found: Found, world: World, verdict: str) -> str:
        def fill(match: re.Match[str]) -> str:
            name = match.group(1)
            value = found.values.get(name)
            return value if value is not None else self._value(name, world)

        message = _FIELD.sub(fill, self.rule.message)
        return message if verdict == "fail" else f"perhaps {message}"

    def _value(self, name: str, world: World) -> str:
        if name == "address":
            return self.resource.address
        try:
            value = look_up(Operand(tuple(name.split("."))), self.resource, self.graph, world)
        except UndecidedError as undecided:
            return f"open ({undecided})"
        return shown(value).strip('"')

    def _too_many(self) -> Judgement:
        reason = f"more than {MAX_WORLDS} combinations of conditions decide it"
        opened = tuple(Open(reference, reason) for reference in references(self.touched))
        title = self.rule.info.title
        message = f"perhaps this is so of {self.resource.address}: {title[:1].lower()}{title[1:]}"
        return Judgement(self.rule.info, self.resource, "unknown", message, open=opened, attribute=self.rule.attribute)


_ARGUMENT = re.compile(r"`([a-z]\w*)")
"""The arguments of Terraform that a remedy names."""
_HELD = Answer(Truth.YES)
_FIELD = re.compile(r"\{([a-z][a-z0-9_.]*)\}")

_Key: TypeAlias = "tuple[str, int]"
"""What tells the findings of a rule on a resource apart: the attribute, and a number where several are about the same."""


def _findings(answer: Answer) -> dict[_Key, Found]:
    """What an answer that is not YES tells one by one."""
    if not answer.findings:
        return {("", 0): _whole(answer, "")}
    counts: dict[str, int] = {}
    findings: dict[_Key, Found] = {}
    for found in answer.findings:
        number = counts[found.attribute] = counts.get(found.attribute, -1) + 1
        findings[found.attribute, number] = found
    return findings


def _whole(answer: Answer, attribute: str) -> Found:
    return Found(attribute, answer.truth, answer.evidence, answer.open, answer.values, answer.remediation)


def _outcome(told: _Told, key: _Key) -> Outcome:
    """What is said of one finding in a world."""
    if told.outcome in ("pass", "not applicable"):
        return told.outcome
    found = told.findings.get(key)
    if found is None:
        # An answer that is open as a whole leaves each finding open.
        return "unknown" if ("", 0) in told.findings and told.outcome == "unknown" else "pass"
    return "fail" if found.truth is Truth.NO and told.outcome == "fail" else "unknown"


def _verdict(outcomes: Sequence[Outcome]) -> Outcome:
    """The verdict over all worlds."""
    if all(outcome == "fail" for outcome in outcomes):
        return "fail"
    if "fail" in outcomes or "unknown" in outcomes:
        return "unknown"
    return "pass" if "pass" in outcomes else "not applicable"
