"""Mistakes in conditions are told with their place, and what is written becomes what is meant."""

from __future__ import annotations

import pytest

from kmsguard.conditions.parsing import parse
from kmsguard.model.condition import ALWAYS, AllOf, Check, Each, EdgeTest, Equals, IsSet, NotOf, Operand, SameAs
from kmsguard.model.source import Source
from kmsguard.syntax.plain import read_plain


class Elements:
    """A list of maps with a member `region`."""

    def attribute(self, name):
        """The type of an attribute."""
        return "text" if name == "region" else None

    def edge(self, _name):
        """What the ends of an edge have."""
        return

    def elements(self, _name):
        """What the elements of a list have."""
        return self

    def source(self, _kind, _edge):
        """What the resources have whose edges end here."""
        return

    def names(self):
        """For suggestions."""
        return ("region",)


class Key(Elements):
    """A kind with a few attributes and an edge to itself."""

    def attribute(self, name):
        """The type of an attribute."""
        return {"rotation": "bool", "days": "number", "spec": "text", "replicas": "list"}.get(name)

    def edge(self, name):
        """What the ends of an edge have."""
        return self if name == "primary" else None

    def elements(self, _name):
        """What the elements of a list have."""
        return Elements()

    def source(self, kind, edge):
        """What the resources have whose edges end here."""
        return self if (kind, edge) == ("kms.key", "primary") else None

    def names(self):
        """For suggestions."""
        return ("rotation", "days", "spec", "replicas", "primary")


def read(text: str, schema=None):
    """A condition from a text."""
    document, problems = read_plain(Source("rule.yaml", text))
    assert problems == []
    return parse(document, schema, is_check=lambda name: name == "policy.open")


def test_what_is_written():
    """Each word of the language becomes its node; scalars stay text."""
    parsed = read("""
no: yes
primary.spec: {same_as: ^spec, set: true}
not: {a: 012}
edge: {name: primary, from: kms.key, every: {}}
each: {in: replicas, none: {region: eu}}
check: policy.open
with: {actions: [kms:Decrypt], depth: 2}
""")
    spec = Operand(("primary", "spec"))
    region = Equals(Operand(("region",)), "eu")
    assert parsed.condition == AllOf(
        (
            Equals(Operand(("no",)), "yes"),
            SameAs(spec, Operand(("spec",), outer=True)),
            IsSet(spec, True),
            NotOf(Equals(Operand(("a",)), "012")),
            EdgeTest("primary", "every", ALWAYS, "kms.key"),
            Each(Operand(("replicas",)), "none", region),
            Check("policy.open", {"actions": ("kms:Decrypt",), "depth": "2"}),
        )
    )


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("rotatoin: true", 1, 1, "there is no attribute `rotatoin`; did you mean `rotation`?"),
        ("rotation: yes", 1, 11, "`yes` is neither true nor false"),
        ("days: {below: soon}", 1, 15, "`soon` is not a number"),
        ("days: {under: 90}", 1, 8, "there is no operator `under`; there are set, in, has, matches, below, above, same_as, is"),
        ("spec:\n  in: RSA_2048", 2, 7, "a list is expected here"),
        ("spec: {matches: '('}", 1, 17, "this is no regular expression"),
        ("spec: {is: number}", 1, 12, "there is no predicate `number`; there are account, wildcard, arn"),
        ("replicas: x", 1, 11, "a list cannot be compared with a text: use has, each or set"),
        ("spec: {has: x}", 1, 13, "`spec` is no list or map, so it has nothing"),
        ("primary.spek: x", 1, 1, "there is no attribute `spek`; did you mean `spec`?"),
        ("edge: {name: primry, every: {}}", 1, 14, "there is no edge `primry`; did you mean `primary`?"),
        ("edge: {name: primary}", 1, 7, "`name` and one of every, some, none are expected here"),
        ("edge: {name: primary, every: {}, some: {}}", 1, 7, "`name` and one of every, some, none are expected here"),
        ("edge: {name: primary, all: {}, some: {}}", 1, 23, "`all` is not known here; name, from, every, some, none are"),
        ("edge: {name: primary, from: s3.bucket, some: {}}", 1, 29, "s3.bucket has no edge `primary` that leads here"),
        ("each: {in: replicas, every: {zone: x}}", 1, 30, "there is no attribute `zone`"),
        ("^spec: x", 1, 1, "`^spec`: there is no outer resource here"),
        ("check: policy.close", 1, 8, "there is no check `policy.close`"),
        ("with: {a: b}", 1, 1, "`with` belongs to a `check`"),
        ("any: {spec: x}", 1, 6, "a list of conditions is expected here"),
        ("not: [a]", 1, 6, "a condition is a map of attributes, or of any, all, not, edge, each, check"),
    ],
)
def test_mistakes_are_told_with_their_place(text, line, column, message):
    """What is not known is named, at its line and column, with what is near it."""
    problems = read(text, Key()).problems
    assert [(p.line, p.column) for p in problems] == [(line, column)]
    assert problems[0].message.startswith(message)


def test_a_derived_attribute_asks_no_check():
    """Where checks are not allowed, one is a mistake."""
    document, _ = read_plain(Source("kind.yaml", "check: policy.open"))
    assert [p.message for p in parse(document).problems] == ["a `check` may not stand here"]
