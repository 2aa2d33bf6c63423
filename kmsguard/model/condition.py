"""The condition language as a tree: what rules require, and what derived attributes are made of. See docs/writing-rules.md."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Quantifier: TypeAlias = Literal["every", "some", "none"]
QUANTIFIERS: tuple[Quantifier, ...] = ("every", "some", "none")

Predicate: TypeAlias = Literal["account", "wildcard", "arn"]
PREDICATES: tuple[Predicate, ...] = ("account", "wildcard", "arn")

ITEM = "item"
"""The name under which `each` knows an element that is not a map."""


class Operand(msgspec.Struct, frozen=True):
    """An attribute (`rotation`), a member of one (`logging.bucket`), or one of the end of an edge (`primary.policy`).

    `outer` (`^account`): it is looked up in the resource or element outside the innermost `edge` or `each`.
    """

    names: tuple[str, ...]
    outer: bool = False

    def __str__(self) -> str:
        return "^" * self.outer + ".".join(self.names)


class Equals(msgspec.Struct, frozen=True, tag=True):
    """The attribute is this value. The text is compared as what the attribute holds: text, number, bool."""

    operand: Operand
    text: str


class IsSet(msgspec.Struct, frozen=True, tag=True):
    """Whether there is anything: not absent, not null, not an empty text or list."""

    operand: Operand
    wanted: bool


class In(msgspec.Struct, frozen=True, tag=True):
    """The attribute is one of these values."""

    operand: Operand
    texts: tuple[str, ...]


class Has(msgspec.Struct, frozen=True, tag=True):
    """The list has this element, the map has a member of this name."""

    operand: Operand
    text: str


class Matches(msgspec.Struct, frozen=True, tag=True):
    """The whole text matches a regular expression (of Python; `.` matches a newline too)."""

    operand: Operand
    pattern: str


class Below(msgspec.Struct, frozen=True, tag=True):
    """The number is less than this one."""

    operand: Operand
    limit: float


class Above(msgspec.Struct, frozen=True, tag=True):
    """The number is more than this one."""

    operand: Operand
    limit: float


class SameAs(msgspec.Struct, frozen=True, tag=True):
    """Two attributes are the same value; also where both are absent."""

    operand: Operand
    other: Operand


class Is(msgspec.Struct, frozen=True, tag=True):
    """A named predicate over a text: `account` (twelve digits), `wildcard` (`*` or `?` in it), `arn`."""

    operand: Operand
    predicate: Predicate


class AllOf(msgspec.Struct, frozen=True, tag=True):
    """Every part; of nothing YES."""

    parts: tuple[Condition, ...]


class AnyOf(msgspec.Struct, frozen=True, tag=True):
    """At least one part; of nothing NO."""

    parts: tuple[Condition, ...]


class NotOf(msgspec.Struct, frozen=True, tag=True):
    """Negation."""

    part: Condition


class EdgeTest(msgspec.Struct, frozen=True, tag=True):
    """About the ends of the edges of a name that leave the subject.

    With `source`, a kind or trait: about the resources of that kind whose edges of that name end at the subject.
    """

    name: str
    quantifier: Quantifier
    condition: Condition
    source: str = ""


class Each(msgspec.Struct, frozen=True, tag=True):
    """About the elements of a list."""

    operand: Operand
    quantifier: Quantifier
    condition: Condition


class Check(msgspec.Struct, frozen=True, tag=True):
    """A question that needs an algorithm, by its name; only rules may ask it."""

    name: str
    arguments: dict[str, str | tuple[str, ...]] = {}


Test: TypeAlias = Equals | IsSet | In | Has | Matches | Below | Above | SameAs | Is
Condition: TypeAlias = Test | AllOf | AnyOf | NotOf | EdgeTest | Each | Check

ALWAYS = AllOf(())
