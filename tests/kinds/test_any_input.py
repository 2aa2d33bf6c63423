"""Whatever a template writes where, building a graph does not fail, and every attribute can be asked for."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_units import HERE, ref, switch

from kmsguard.kinds.build import build
from kmsguard.kinds.load import load
from kmsguard.model.declaration import Declaration, Unit
from kmsguard.model.guard import Not, UndecidedError, World
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Branch, Choice, Text, Unknown, Value

KINDS = load()
SOURCES = sorted(KINDS.uses)
ADDRESSES = ["aws_kms_key.a", "aws_s3_bucket.a", "aws_iam_role.a", "Key", "data.aws_kms_key.a"]


def words_of(source: str) -> list[str]:
    """The names that the words of a source type look for, so that random bodies meet them."""
    found: set[str] = set()

    def collect(data: object) -> None:
        if isinstance(data, dict):
            if "steps" in data:
                found.update(step for step in data["steps"] if not step.startswith("["))
            for item in data.values():
                collect(item)
        elif isinstance(data, list):
            for item in data:
                collect(item)

    collect(msgspec.to_builtins(KINDS.uses[source]))
    return sorted(found) or ["x"]


def values(names: list[str]) -> st.SearchStrategy[Value]:
    """Values of all shapes."""
    scalars = st.one_of(
        st.sampled_from(["", "x", "alias/a", "arn:aws:s3:::x", "arn:aws:kms:us-east-1:111122223333:key/x", "arn:", "{"]),
        st.booleans(),
        st.none(),
        st.integers(-1, 3),
        st.just(ABSENT),
        st.builds(Unknown, st.just("not known"), prefix=st.sampled_from(["", "a"]), allowed=st.sampled_from([(), ("x", "y")])),
    ).map(lambda data: Value(data, HERE, HERE))
    references = st.sampled_from([ref(f"{a}.{n}") for a in ADDRESSES for n in ("arn", "id", "Ref", "Arn")])
    texts = st.lists(st.one_of(st.just(Value("a:")), references), min_size=1, max_size=3).map(
        lambda pieces: Value(Text(tuple(pieces)), HERE, HERE)
    )
    atom = switch("var.x")

    def grown(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
        return st.one_of(
            st.lists(inner, max_size=3).map(lambda items: Value(tuple(items), HERE, HERE)),
            st.dictionaries(st.sampled_from(names), inner, max_size=4).map(lambda members: Value(members, HERE, HERE)),
            st.tuples(inner, inner).map(lambda b: Value(Choice((Branch(atom, b[0]), Branch(Not(atom), b[1]))), HERE, HERE)),
        )

    return st.recursive(st.one_of(scalars, references, texts), grown, max_leaves=12)


@st.composite
def declarations(draw: st.DrawFn) -> Declaration:
    """A declaration of any source type with any body."""
    source = draw(st.sampled_from(SOURCES))
    names = words_of(source)
    body = draw(st.dictionaries(st.sampled_from(names), values(names), max_size=6))
    return Declaration(
        address=draw(st.sampled_from(ADDRESSES)),
        type=source.removeprefix("data."),
        mode="data" if source.startswith("data.") else "managed",
        body=Value(body, HERE, HERE),
        span=HERE,
        head=HERE,
        exists=draw(st.sampled_from([Truth.YES, Truth.UNKNOWN, switch("var.x"), Not(switch("var.x"))])),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(declarations(), min_size=1, max_size=5), st.sampled_from(["terraform", "cloudformation"]))
def test_any_input(found: list[Declaration], dialect: str) -> None:
    """Any body makes a graph: what it does not say is absent, what cannot be understood is not known."""
    graph = build([Unit("u", dialect, tuple(found))], KINDS)  # type: ignore[arg-type]

    for resource in graph.resources:
        for assumed in (World(), World().assume(switch("var.x"), True), World().assume(switch("var.x"), False)):
            assert assumed is not None
            for name in (*resource.attributes, *resource.derived):
                try:
                    value = resource.attribute(name, assumed)
                except UndecidedError:
                    continue
                assert not isinstance(value.data, Choice)
    assert len(graph.edges()) < 1000
