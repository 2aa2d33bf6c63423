"""Places inside of texts."""

import gc

import pytest

from kmsguard.model.guard import All, Any, Atom, Named, Not, World, negate
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import (
    ABSENT,
    Branch,
    Choice,
    Step,
    Target,
    Text,
    Unknown,
    Value,
    possible,
    resolve,
    resolve_deep,
)

LINES = Text(
    (
        Value("one two\n", Span("a.tf", 3, 5, 4, 1)),
        Value("three ", Span("a.tf", 4, 5, 4, 11)),
        Value(Unknown("x"), Span("a.tf", 4, 11, 4, 15)),
        Value("\n", Span("a.tf", 4, 15, 5, 1)),
        Value("\t", Span("a.tf", 5, 5, 5, 7)),
    )
)


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        (4, 7, Span("a.tf", 3, 9, 3, 12)),
        (4, 8, Span("a.tf", 3, 9, 4, 1)),
        (4, 13, Span("a.tf", 3, 9, 4, 10)),
        (8, 13, Span("a.tf", 4, 5, 4, 10)),
        (14, 15, Span("a.tf", 4, 11, 4, 15)),
        (16, 17, Span("a.tf", 5, 5, 5, 7)),
    ],
    ids=["in a line", "with its break", "over a break", "in the next line", "a hole", "an escape"],
)
def test_place_of_characters(start, end, place):
    """Characters of a line stand where they stand in it, also where its break belongs to it; a hole and an escape are whole."""
    assert LINES.place(start, end) == place


PROD, ONLY = Atom("u", "Stage", "prod", ("dev", "prod")), Atom("u", "Stage", "prod", ("prod",))
ELSE = Atom("u", "Stage", "test", ("dev", "prod"))


@pytest.mark.parametrize(
    ("formula", "can_hold"),
    [
        (Truth.YES, True),
        (Truth.UNKNOWN, True),
        (Truth.NO, False),
        (PROD, True),
        (negate(PROD), True),
        (ONLY, True),
        (negate(ONLY), False),
        (ELSE, False),
        (negate(ELSE), True),
        (Named("IsTest", ELSE), False),
        (Named("Never", Named("IsTest", ELSE)), False),
        (Not(Named("IsOnly", ONLY)), False),
        (All((PROD, Not(PROD))), False),
        (Any((PROD, Not(PROD))), True),
    ],
    ids=str,
)
def test_possible(formula, can_hold):
    """An atom cannot hold whose value is none of all that its subject can have, nor its negation where it is the only one."""
    assert possible(formula) is can_hold


def test_no_search_for_cycles_goes_through_values():
    """Values, formulas and places are so many that looking for cycles in them took longer than reading, and they have none."""
    span = Span("a.tf", 1, 1, 1, 2)
    target = Target("a", "arn")
    value = Value({"a": Value((Value("x"),))}, span, span, Step("variable", "var.a", span), (target,))
    parts = [span, target, value, value.trail, Text((value,)), Unknown("x", "y", target)]
    parts += [PROD, Not(PROD), All((PROD, ONLY)), Any((PROD, ONLY)), Named("x", PROD), Branch(PROD, value)]
    parts.append(Choice((Branch(PROD, value),)))
    assert [part for part in parts if gc.is_tracked(part)] == []


PRODUCTION = Atom("u", "Environment", "production", ("development", "production"))
DEVELOPMENT = Atom("u", "Environment", "development", ("development", "production"))


def by_environment(production, development):
    """A value that hangs on the environment."""
    branches = (Branch(PRODUCTION, Value(production)), Branch(DEVELOPMENT, Value(development)))
    return Value(Choice(branches))


def test_vague_text_is_one_of_its_texts():
    """In a vague world a text of which it is open which it is begins and ends as all of them do, and is one of them."""
    account = Unknown("not known", target=Target("", "account"))
    one = Text((Value("data-production-"), Value(account)))
    other = Text((Value("data-development-"), Value(account)))

    start, middle, dash, end = resolve_deep(by_environment(one, other), World().vaguely).data.pieces

    assert (start.data, dash.data, end.data) == ("data-", "-", account)
    assert middle.data.allowed == ("production", "development")
    assert middle.data.not_null


def test_vague_texts_are_the_same_where_the_same_texts_hang_on_the_same():
    """Two texts that turn out alike in each world are one symbol in a vague one; two that differ in one of them are two."""
    names = [resolve(by_environment(*texts), World().vaguely) for texts in (("p", "d"), ("p", "d"), ("p", "x"))]

    assert names[0].target == names[1].target
    assert names[0].target != names[2].target


@pytest.mark.parametrize(("production", "development"), [("x", ABSENT), ("x", ""), ("x", True), (({},), ())])
def test_vague_value_that_may_be_no_text(production, development):
    """What may turn out to be nothing, empty, or no text, is wholly unknown in a vague world: it may be null."""
    data = resolve(by_environment(production, development), World().vaguely).data

    assert isinstance(data, Unknown)
    assert not data.not_null
    assert not data.allowed


def test_vague_world_decides_what_is_assumed():
    """What the assumptions of a vague world decide is known there."""
    vague = World({PRODUCTION: False}).vaguely

    assert resolve(by_environment("p", "d"), vague).text == "d"
    assert vague.wider == World({PRODUCTION: False})
