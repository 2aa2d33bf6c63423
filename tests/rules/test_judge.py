"""Verdicts: three truths within a world, and worlds."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import msgspec
import pytest

from kmsguard.conditions.parsing import parse
from kmsguard.model.finding import Evidence, Open, RuleInfo
from kmsguard.model.guard import All, Atom, Formula, Named, Not, World
from kmsguard.model.resource import Edge, Graph, Resource
from kmsguard.model.rule import Answer, Found, JudgeSettings, Rule, RuleTable
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Branch, Choice, Unknown, Value
from kmsguard.rules.checks import find_check, is_careful
from kmsguard.rules.judge import judge

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
ROTATE = Atom("unit", "var.rotate", True, (True, False))
PROD = Atom("unit", "Environment", "prod", ("dev", "stage", "prod"))
DEV = Atom("unit", "Environment", "dev", ("dev", "stage", "prod"))
IS_PROD = Named("IsProd", PROD)


def value(data) -> Value:
    """Plain Python data as a Value."""
    if isinstance(data, Value):
        return data
    if isinstance(data, dict):
        return Value({name: value(item) for name, item in data.items()})
    return Value(tuple(map(value, data)) if isinstance(data, list) else data)


def unknown(reference="var.x") -> Value:
    """A value that a variable without default leaves open."""
    return Value(Unknown(f"{reference} has no value", reference))


def by(guard: Formula, yes, no) -> Value:
    """A value that hangs on a guard."""
    return Value(Choice((Branch(guard, value(yes)), Branch(Not(guard), value(no)))))


def resource(address="k", exists: Formula = YES, kind="kms.key", traits=(), **attributes) -> Resource:
    """A resource with these attributes."""
    head = Span("main.tf", 3, 1, 3, 20)
    made = {name: value(data) for name, data in attributes.items()}
    return Resource(address, kind, kind, "unit", traits, made, {}, (), head, head, exists)


def rule(require, where=None, kinds=("kms.key",), trait="", message="{address} is wrong", **info) -> Rule:
    """A rule over keys."""
    about = RuleInfo(
        **{
            "code": "KG401",
            "name": "no-rotation",
            "category": "key-rotation",
            "profile": "recommended",
            "severity": "medium",
            "title": "t",
            "why": "w",
            "remediation": "r",
        }
        | info
    )
    conditions = [parse(value(one), is_check=lambda _: True).condition for one in (require, where or {})]
    return Rule(about, message, conditions[0], () if trait else kinds, trait, conditions[1])


def verdicts(require, *resources, where=None, edges=(), settings=None):
    """What one rule says: address, verdict, what would decide it."""
    graph = Graph((), resources, tuple(edges))
    judged = judge(graph, RuleTable((rule(require, where),)), settings or JudgeSettings())
    assert judged.problems == ()
    return {(j.resource.address, j.verdict, tuple((o.reference, o.message) for o in j.open)) for j in judged.judgements}


@pytest.mark.parametrize(
    ("where", "require", "verdict"),
    [
        (True, True, "pass"),
        (True, False, "fail"),
        (True, unknown(), "unknown"),
        (False, False, None),
        (unknown(), True, "pass"),
        (unknown(), False, "unknown"),
        (unknown(), unknown(), "unknown"),
    ],
)
def test_the_table_of_one_world(where, require, verdict):
    """What `where` and `require` make together, where nothing hangs on a condition of the template."""
    key = resource(w=where, r=require)
    told = verdicts({"r": "true"}, key, where={"w": "true"})
    assert [v for _, v, _ in told] == ([verdict] if verdict else [])


def test_a_resource_that_does_not_exist_is_not_judged():
    """Neither where it surely does not, nor in the worlds in which it does not."""
    assert verdicts({"r": "true"}, resource(r=False, exists=NO)) == set()
    assert verdicts({"r": "true"}, resource(r=False, exists=ROTATE)) == {("k", "fail", ())}
    assert verdicts({"r": "true"}, resource(r=False, exists=UNKNOWN)) == {("k", "fail", ())}


def test_what_hangs_on_a_variable_is_unknown():
    """Where some worlds fail, it is told which, in the source's own names."""
    told = verdicts({"r": "true"}, resource(r=by(ROTATE, True, False)))
    assert told == {("k", "unknown", (("var.rotate", "fails where var.rotate is false"),))}


def test_a_named_condition_is_told_by_its_name():
    """A CloudFormation condition is known to people by its name, not by the parameter behind it."""
    told = verdicts({"r": "true"}, resource(r=by(Not(IS_PROD), False, True)))
    assert told == {("k", "unknown", (("IsProd", "fails where IsProd is false"),))}


def test_every_way_that_it_can_turn_out_gives_the_same_verdict():
    """A choice between two values that both pass, or both fail, is decided."""
    assert verdicts({"r": {"in": ["a", "b"]}}, resource(r=by(ROTATE, "a", "b"))) == {("k", "pass", ())}
    assert verdicts({"r": "c"}, resource(r=by(ROTATE, "a", "b"))) == {("k", "fail", ())}


def test_correlated_choices_stay_correlated():
    """Two values of one condition never meet in a combination that cannot happen."""
    key = resource(a=by(ROTATE, "x", "y"), b=by(ROTATE, "x", "y"))
    assert verdicts({"a": {"same_as": "b"}}, key) == {("k", "pass", ())}


def test_failing_where_it_applies_and_not_applicable_elsewhere_is_unknown():
    """A fail needs every world: where the rule does not apply in one, it is unknown."""
    told = verdicts({"r": "true"}, resource(w=by(ROTATE, "yes", "no"), r=False), where={"w": "yes"})
    assert told == {("k", "unknown", (("var.rotate", "fails where var.rotate is true"),))}
    assert verdicts({"r": "true"}, resource(w=by(ROTATE, "yes", "no"), r=True), where={"w": "yes"}) == {("k", "pass", ())}


def test_values_of_one_parameter_are_told_together():
    """Of a parameter with three values it is told for which it fails."""
    size = Value(
        Choice(
            (
                Branch(PROD, value("on")),
                Branch(DEV, value("off")),
                Branch(Not(Atom("unit", "Environment", "prod", PROD.among)), value("off")),
            )
        )
    )
    told = verdicts({"r": "on"}, resource(r=size))
    assert told == {("k", "unknown", (("Environment", 'fails where Environment is "dev" or "stage"'),))}


def test_several_assumptions_are_combined():
    """Where it takes two conditions, both are told; one that makes no difference is not."""
    other = Atom("unit", "var.other", True, (True, False))
    key = resource(n=by(other, "1", "2"), a=by(IS_PROD, True, False), r=by(ROTATE, True, False))
    told = verdicts({"n": {"in": ["1", "2"]}, "any": [{"a": "true"}, {"r": "true"}]}, key)
    message = "fails where IsProd is false and var.rotate is false"
    assert told == {("k", "unknown", (("IsProd, var.rotate", message),))}


def test_a_conjunction_is_told_by_its_parts():
    """A guard of several variables without a name is told variable by variable."""
    both = All((ROTATE, Atom("unit", "var.all", True, (True, False))))
    told = verdicts({"r": "true"}, resource(r=by(both, True, False)))
    assert {message for _, _, opened in told for _, message in opened} == {
        "fails where var.rotate is false",
        "fails where var.rotate is true and var.all is false",
    }


def test_more_worlds_than_can_be_looked_at_are_unknown():
    """Eight conditions that all matter are more than 64 worlds."""
    atoms = [Atom("unit", f"var.c{n}", True, (True, False)) for n in range(8)]
    key = resource(**{f"a{n}": by(atom, True, False) for n, atom in enumerate(atoms)})
    several = {"not": {"all": [{f"a{n}": {"in": ["true", "false"]}} for n in range(8)]}}
    told = verdicts(several, key)
    assert {v for _, v, _ in told} == {"unknown"}
    assert all("more than 64" in message for _, _, opened in told for _, message in opened)


def test_a_trait_matches_every_kind_that_has_it():
    """One rule for all that stores data."""
    graph = Graph((), (resource("q", kind="sqs.queue", traits=("store",), encrypted=False), resource("k")), ())
    judged = judge(graph, RuleTable((rule({"encrypted": "true"}, trait="store"),)), JudgeSettings())
    assert [(j.resource.address, j.verdict) for j in judged.judgements] == [("q", "fail")]


def test_the_place_is_the_attribute_or_the_head_of_the_block():
    """The first span in the evidence is the place; what is absent is placed at the resource's head."""
    written = Span("main.tf", 9, 3, 9, 20)
    graph = Graph((), (resource("a", r=Value(False, written, written)), resource("b")), ())
    judged = judge(graph, RuleTable((rule({"r": "true"}),)), JudgeSettings())
    assert [j.place.start_line for j in judged.judgements] == [9, 3]


def test_messages_name_attributes_and_the_ends_of_edges():
    """`{attribute}` and `{edge.attribute}` are filled in, a sensitive value never is."""
    key, bucket = resource("k", days=3000), resource("b", kind="s3.bucket", token=Value("hunter2", sensitive=True))
    one = rule(
        {"r": "true"}, kinds=("s3.bucket",), message="{address} under {key.address} ({key.days} days, {token}, {nothing})"
    )
    judged = judge(Graph((), (key, bucket), (Edge("key", bucket, key, value("k")),)), RuleTable((one,)), JudgeSettings())
    assert judged.judgements[0].message == "b under k (3000 days, a sensitive value, not set)"


@pytest.mark.parametrize(
    ("settings", "runs"),
    [
        (JudgeSettings(), True),
        (JudgeSettings(profile="essential"), False),
        (JudgeSettings(profile="strict"), True),
        (JudgeSettings(profile="essential", select=("KG401",)), True),
        (JudgeSettings(profile="essential", select=("no-rotation",)), True),
        (JudgeSettings(profile="essential", select=("KG4",)), False),
        (JudgeSettings(select=("KG4",)), True),
        (JudgeSettings(select=("key-rotation",)), True),
        (JudgeSettings(select=("KG5", "sharing")), False),
        (JudgeSettings(ignore=("KG4",)), False),
        (JudgeSettings(select=("KG401",), ignore=("key-rotation",)), False),
    ],
)
def test_which_rules_are_run(settings, runs):
    """The profile, and what is selected and ignored by code, prefix, name or category; a rule's own code beats its profile."""
    told = verdicts({"r": "true"}, resource(r=True), settings=settings)
    assert bool(told) is runs


@pytest.fixture
def check(monkeypatch):
    """Makes a check `probe.ask` that answers as told."""

    def make(function, careful=()):
        name = "kmsguard.rules.checks.probe"
        module = ModuleType(name)
        function.__module__ = name
        module.ask = function
        module.CAREFUL = careful
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
        find_check.cache_clear()
        is_careful.cache_clear()

    yield make
    find_check.cache_clear()
    is_careful.cache_clear()


@pytest.mark.parametrize(
    ("bad", "verdict", "worlds"),
    [
        ("never", "pass", 2),  # the world that assumes nothing, exactly and vaguely
        ("prod", "unknown", 5),  # then prod, and what is not prod exactly and vaguely: that is enough
        ("dev", "unknown", 7),  # then dev, and what is neither
    ],
)
def test_careful_check_is_asked_in_a_vague_world_first(check, bad, verdict, worlds):
    """What a careful check is fine with in a vague world is asked no further; what it is not sure of is decided exactly."""
    asked = []

    def ask(question):
        asked.append(question.world)
        name = question.attribute("name")
        if isinstance(name.data, Unknown):
            return Answer(Truth.of(None if any(bad in text for text in name.data.allowed) else True))
        return Answer(Truth.of(bad not in name.text))

    check(ask, careful={"ask"})
    name = by(PROD, "prod", by(DEV, "dev", "stage"))
    judged = judge(Graph((), (resource(name=name),), ()), RuleTable((rule({"check": "probe.ask"}),)), JudgeSettings())

    assert [j.verdict for j in judged.judgements] == [verdict]
    assert len(asked) == worlds, asked


def test_a_rule_that_breaks_says_nothing_and_is_an_error(check):
    """A crash is our fault, is told as such without a word of the input, and is no pass; other resources are judged."""

    def ask(question):
        if question.resource.address == "bad":
            raise ValueError("hunter2")
        return Answer(YES)

    check(ask)
    graph = Graph((), (resource("bad"), resource("good")), ())
    judged = judge(graph, RuleTable((rule({"check": "probe.ask"}),)), JudgeSettings())
    assert [(j.resource.address, j.verdict) for j in judged.judgements] == [("good", "pass")]
    (problem,) = judged.problems
    assert (problem.level, problem.code, problem.file, problem.line) == ("error", "internal-error", "main.tf", 3)
    assert "our fault" in problem.message
    assert "hunter2" not in problem.message


def test_a_check_may_find_several_things(check):
    """Each finding of a check is a judgement of its own, with its place, its words and its own verdict over all worlds."""

    def ask(question):
        place = Span("main.tf", 30, 1, 30, 9)
        always = Found("statement:a", NO, (Evidence("here", place),), values={"who": "everybody"})
        open_question = question.attribute("r").data is False
        sometimes = Found("statement:b", NO, values={"who": "a role"})
        maybe = Found("statement:c", UNKNOWN, open=(Open("var.p", "var.p has no value"),), values={"who": "somebody"})
        return Answer(NO, findings=(always, *([sometimes] if open_question else []), maybe))

    check(ask)
    key = resource(r=by(ROTATE, True, False))
    one = rule({"check": "probe.ask", "with": {"a": "b"}}, message="{address} lets {who} in")
    judged = judge(Graph((), (key,), ()), RuleTable((one,)), JudgeSettings())
    assert [(j.attribute, j.verdict, j.message, j.place.start_line) for j in judged.judgements] == [
        ("statement:a", "fail", "k lets everybody in", 30),
        ("statement:c", "unknown", "perhaps k lets somebody in", 3),
        ("statement:b", "unknown", "perhaps k lets a role in", 3),
    ]
    assert judged.judgements[1].open == (Open("var.p", "var.p has no value"),)
    assert judged.judgements[2].open == (Open("var.rotate", "fails where var.rotate is false"),)


def test_a_check_sees_the_world_and_the_settings(check):
    """A question has the graph, the resource, the world, the settings and the arguments."""
    seen = []

    def ask(question):
        seen.append((question.resource.address, question.world, question.settings.account, dict(question.arguments)))
        return Answer(YES)

    check(ask)
    settings = JudgeSettings(account="111122223333")
    judge(Graph((), (resource(),), ()), RuleTable((rule({"check": "probe.ask", "with": {"actions": ["a", "b"]}}),)), settings)
    assert seen == [("k", World(), "111122223333", {"actions": ("a", "b")})]


def test_remedy_of_the_kind() -> None:
    """What a kind says of the attribute that a rule is about comes before the rule's own remedy, in the judgement."""
    mended = msgspec.structs.replace(resource(rotation=False), mend={"rotation": "enable_key_rotation = true"})
    plain = resource("p", rotation=False)
    graph = Graph((), (mended, plain), ())

    one = msgspec.structs.replace(rule({"rotation": "true"}), attribute="rotation")

    judged = judge(graph, RuleTable((one,)), JudgeSettings())

    assert [j.remediation for j in judged.judgements] == ["Write `enable_key_rotation = true`.\n\nr", ""]
