"""What holds of all conditions: an answer that was given does not change when more becomes known."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kmsguard.conditions import evaluate
from kmsguard.model.condition import (
    Above,
    AllOf,
    AnyOf,
    Below,
    Each,
    Equals,
    Has,
    In,
    Is,
    IsSet,
    Matches,
    NotOf,
    Operand,
    SameAs,
)
from kmsguard.model.guard import World
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Text, Unknown, Value

HEAD = Span("main.tf", 1, 1, 1, 2)
NAMES = ("a", "b", "c")
TEXTS = ("", "a", "ab", "ab-c", "arn:aws:kms:eu-west-1:111122223333:key/x", "alias/aws/s3", "111122223333", "*", "90", "true")

texts = st.sampled_from(TEXTS)
scalars = st.one_of(texts, st.booleans(), st.integers(0, 100), st.none(), st.just(ABSENT))
lists = st.lists(st.one_of(texts, st.booleans()), max_size=3).map(lambda items: tuple(map(Value, items)))
known = st.one_of(scalars, lists)


@st.composite
def openings(draw):
    """A value, and another one of which less is known and which it may turn out to be."""
    data = draw(known)
    kind = draw(st.sampled_from(["known", "unknown", "prefix", "allowed", "text", "element"]))
    whole = Value(data)
    if kind == "unknown":
        return whole, Value(Unknown("open", not_null=data is not None and data is not ABSENT))
    if kind == "prefix" and isinstance(data, str):
        return whole, Value(Unknown("open", prefix=data[: draw(st.integers(0, len(data)))]))
    if kind == "allowed" and not isinstance(data, tuple) and data is not ABSENT:
        return whole, Value(Unknown("open", allowed=(data, *draw(st.lists(texts, max_size=2)))))
    if kind == "text" and isinstance(data, str):
        start, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        hole = Value(Unknown("open", prefix=data[start : draw(st.integers(start, end))]))
        pieces = [Value(data[:start]), hole, Value(data[end:])]
        return whole, Value(Text(tuple(piece for piece in pieces if piece.data != "")))
    if kind == "element" and isinstance(data, tuple) and data:
        place = draw(st.integers(0, len(data) - 1))
        return whole, Value(tuple(Value(Unknown("open")) if n == place else item for n, item in enumerate(data)))
    return whole, whole


operands = st.sampled_from(NAMES).map(lambda name: Operand((name,)))
patterns = st.sampled_from(["a.*", "ab", "arn:.*", "alias/aws/.*", "[0-9]+", ".*c", "true|90", "", "ab?-c"])
tests = st.one_of(
    st.builds(Equals, operands, texts),
    st.builds(IsSet, operands, st.booleans()),
    st.builds(In, operands, st.lists(texts, max_size=3).map(tuple)),
    st.builds(Has, operands, texts),
    st.builds(Matches, operands, patterns),
    st.builds(Below, operands, st.integers(0, 100)),
    st.builds(Above, operands, st.integers(0, 100)),
    st.builds(SameAs, operands, operands),
    st.builds(Is, operands, st.sampled_from(["account", "wildcard", "arn"])),
)
items = st.builds(Equals, st.just(Operand(("item",))), texts)
conditions = st.recursive(
    st.one_of(tests, st.builds(Each, operands, st.sampled_from(["every", "some", "none"]), items)),
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(NotOf, inner),
    ),
    max_leaves=5,
)


def answer(condition, values):
    """The truth of a condition over a resource with these attributes."""
    one = Resource("k", "kms.key", "t", "unit", (), dict(zip(NAMES, values, strict=True)), {}, (), HEAD, HEAD)
    return evaluate(condition, one, Graph((), (one,), ()), World()).truth


@settings(max_examples=600, derandomize=True, deadline=None)
@given(conditions, st.tuples(openings(), openings(), openings()))
def test_an_answer_holds_whatever_the_unknown_turns_out_to_be(condition, values):
    """A YES or NO that is given while something is open is the answer for all that it may turn out to be."""
    early = answer(condition, [opened for _, opened in values])
    late = answer(condition, [whole for whole, _ in values])
    assert late is not Truth.UNKNOWN
    assert early in (Truth.UNKNOWN, late)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(conditions, st.tuples(openings(), openings(), openings()))
def test_a_negation_is_the_opposite(condition, values):
    """NOT swaps YES and NO, and leaves what is open open."""
    opened = [one for _, one in values]
    assert answer(NotOf(condition), opened) is ~answer(condition, opened)
