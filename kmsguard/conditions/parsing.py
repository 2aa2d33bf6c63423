"""From the values of a rule or kind file, in which every scalar is text, to a condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import msgspec

from kmsguard.conditions.comparison import number
from kmsguard.model.condition import (
    PREDICATES,
    QUANTIFIERS,
    Above,
    AllOf,
    AnyOf,
    Below,
    Check,
    Condition,
    Each,
    EdgeTest,
    Equals,
    Has,
    In,
    Is,
    IsSet,
    Matches,
    NotOf,
    Operand,
    Quantifier,
    SameAs,
)
from kmsguard.model.declaration import Problem
from kmsguard.model.value import Value


class Schema(Protocol):
    """What a condition may name. None for what is not there; `anything` where nothing can be said."""

    def attribute(self, name: str) -> str | None:
        """The type of an attribute: `text`, `bool`, `number`, `list`, `map`, or another word that is not looked into."""

    def edge(self, name: str) -> Schema | None:
        """What the ends of an edge have."""

    def elements(self, name: str) -> Schema:
        """What the elements of a list, or the value of a map, have."""

    def source(self, kind: str, edge: str) -> Schema | None:
        """What the resources of a kind or trait have that have such an edge."""

    def names(self) -> tuple[str, ...]:
        """All attributes and edges, for suggestions."""


class Parsed(msgspec.Struct, frozen=True):
    """A condition, and what is wrong with how it is written."""

    condition: Condition
    problems: tuple[Problem, ...] = ()


def parse(
    value: Value,
    schema: Schema | None = None,
    *,
    is_check: Callable[[str], bool] | None = None,
    code: str = "bad-rule",
) -> Parsed:
    """A condition from the values of a rule or kind file, in which every scalar is text.

    Args:
        value: a map, with spans.
        schema: what it may name; None: anything.
        is_check: whether there is a check of a name; None: a `check` may not stand here.
        code: the code of the problems.
    """
    parser = _Parser(is_check, code)
    return Parsed(parser.condition(value, schema, None), tuple(parser.problems))


class _Parser:
    def __init__(self, is_check: Callable[[str], bool] | None, code: str) -> None:
        self.is_check = is_check
        self.code = code
        self.problems: list[Problem] = []

    def wrong(self, value: Value, message: str, *, key: bool = False) -> None:
        span = (value.place or value.span) if key else (value.span or value.place)
        file, line, column = (span.file, span.start_line, span.start_column) if span is not None else ("", 1, 1)
        self.problems.append(Problem("error", self.code, file, line, column, message))

    def condition(self, value: Value, schema: Schema | None, outer: Schema | None, depth: int = 0) -> Condition:
        if not isinstance(value.data, dict):
            self.wrong(value, "a condition is a map of attributes, or of any, all, not, edge, each, check")
            return AllOf(())
        parts: list[Condition] = []
        for name, item in value.data.items():
            read = _WORDS.get(name)
            if read is not None:
                parts.append(read(self, item, schema, outer, depth))
            elif name == "check":
                parts.append(self.check(item, value.data.get("with")))
            elif name != "with":
                parts.extend(self.tests(name, item, schema, outer, depth))
            elif "check" not in value.data:
                self.wrong(item, "`with` belongs to a `check`", key=True)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def several(self, value: Value, schema: Schema | None, outer: Schema | None, depth: int) -> tuple[Condition, ...]:
        if not isinstance(value.data, tuple):
            self.wrong(value, "a list of conditions is expected here")
            return ()
        return tuple(self.condition(item, schema, outer, depth) for item in value.data)

    def all_of(self, value: Value, schema: Schema | None, outer: Schema | None, depth: int) -> Condition:
        return AllOf(self.several(value, schema, outer, depth))

    def any_of(self, value: Value, schema: Schema | None, outer: Schema | None, depth: int) -> Condition:
        return AnyOf(self.several(value, schema, outer, depth))

    def not_of(self, value: Value, schema: Schema | None, outer: Schema | None, depth: int) -> Condition:
        return NotOf(self.condition(value, schema, outer, depth))

    def quantifier(self, value: Value, known: tuple[str, ...]) -> tuple[Quantifier, Value] | None:
        members = value.members
        for name, item in members.items():
            if name not in (*known, *QUANTIFIERS):
                self.wrong(item, f"`{name}` is not known here; {', '.join((*known, *QUANTIFIERS))} are", key=True)
        chosen = [(name, members[name]) for name in QUANTIFIERS if name in members]
        if known[0] not in members or len(chosen) != 1:
            self.wrong(value, f"`{known[0]}` and one of {', '.join(QUANTIFIERS)} are expected here")
            return None
        return chosen[0]

    def edge(self, value: Value, schema: Schema | None, _outer: Schema | None, depth: int) -> Condition:
        chosen = self.quantifier(value, ("name", "from"))
        if chosen is None:
            return AllOf(())
        name, source = value.members["name"], value.members.get("from")
        edge, kind = self.text(name), self.text(source) if source is not None else ""
        inner = None
        if schema is not None:
            inner = schema.source(kind, edge) if kind else schema.edge(edge)
            if inner is None:
                what = f"{kind} has no edge `{edge}` that leads here" if kind else f"there is no edge `{edge}`"
                self.wrong(source or name, what + suggestion(edge, schema.names()))
        return EdgeTest(edge, chosen[0], self.condition(chosen[1], inner, schema, depth + 1), kind)

    def each(self, value: Value, schema: Schema | None, outer: Schema | None, depth: int) -> Condition:
        chosen = self.quantifier(value, ("in",))
        if chosen is None:
            return AllOf(())
        operand, _ = self.operand(self.text(value.members["in"]), value.members["in"], schema, outer, depth)
        inner = schema.elements(operand.names[0]) if schema is not None and not operand.outer else None
        return Each(operand, chosen[0], self.condition(chosen[1], inner, schema, depth + 1))

    def check(self, name: Value, arguments: Value | None) -> Condition:
        text = self.text(name)
        if self.is_check is None:
            self.wrong(name, "a `check` may not stand here", key=True)
        elif not self.is_check(text):
            self.wrong(name, f"there is no check `{text}`")
        given: dict[str, str | tuple[str, ...]] = {}
        if arguments is not None and not isinstance(arguments.data, dict):
            self.wrong(arguments, "`with` is a map")
        for key, item in (arguments.members if arguments is not None else {}).items():
            given[key] = self.texts(item) if isinstance(item.data, tuple) else self.text(item)
        return Check(text, given)

    def tests(self, name: str, value: Value, schema: Schema | None, outer: Schema | None, depth: int) -> Iterator[Condition]:
        operand, type_ = self.operand(name, value, schema, outer, depth)
        if not isinstance(value.data, dict):
            yield Equals(operand, self.literal(value, type_))
            return
        for operator, argument in value.data.items():
            build = _TESTS.get(operator)
            if build is None:
                known = tuple(_TESTS)
                self.wrong(argument, f"there is no operator `{operator}`; there are {', '.join(known)}", key=True)
            elif operator == "same_as":
                other, _ = self.operand(self.text(argument), argument, schema, outer, depth)
                yield SameAs(operand, other)
            else:
                test = build(self, operand, argument, type_)
                if test is not None:
                    yield test

    def operand(self, name: str, at: Value, schema: Schema | None, outer: Schema | None, depth: int) -> tuple[Operand, str]:
        names = tuple(name.removeprefix("^").split("."))
        if name.startswith("^"):
            if depth == 0:
                self.wrong(at, f"`{name}`: there is no outer resource here", key=True)
            schema = outer
        type_ = "anything"
        for position, part in enumerate(names):
            if schema is None:
                break
            edge = schema.edge(part) if position < len(names) - 1 else None
            known = schema.attribute(part)
            if edge is None and known is None:
                self.wrong(at, f"there is no attribute `{part}`" + suggestion(part, schema.names()), key=True)
                break
            type_ = known or "anything"
            schema = edge if edge is not None else schema.elements(part)
        return Operand(names, name.startswith("^")), type_

    def text(self, value: Value) -> str:
        if isinstance(value.data, str):
            return value.data
        self.wrong(value, "a text is expected here")
        return ""

    def texts(self, value: Value) -> tuple[str, ...]:
        if not isinstance(value.data, tuple):
            self.wrong(value, "a list is expected here")
            return ()
        return tuple(self.text(item) for item in value.data)

    def literal(self, value: Value, type_: str) -> str:
        text = self.text(value)
        if type_ == "bool" and text not in ("true", "false"):
            self.wrong(value, f"`{text}` is neither true nor false")
        if type_ == "number" and number(text) is None:
            self.wrong(value, f"`{text}` is not a number")
        if type_ in ("list", "map"):
            self.wrong(value, f"a {type_} cannot be compared with a text: use has, each or set")
        return text

    def is_set(self, operand: Operand, value: Value, _type: str) -> Condition:
        return IsSet(operand, self.literal(value, "bool") == "true")

    def in_(self, operand: Operand, value: Value, type_: str) -> Condition:
        texts = self.texts(value)
        for item in value.items:
            self.literal(item, type_)
        return In(operand, texts)

    def has(self, operand: Operand, value: Value, type_: str) -> Condition:
        if type_ not in ("list", "map", "anything"):
            self.wrong(value, f"`{operand}` is no list or map, so it has nothing")
        return Has(operand, self.text(value))

    def matches(self, operand: Operand, value: Value, _type: str) -> Condition:
        pattern = self.text(value)
        try:
            re.compile(pattern)
        except re.error as error:
            self.wrong(value, f"this is no regular expression: {error}")
        return Matches(operand, pattern)

    def limit(self, value: Value) -> float:
        text = self.text(value)
        spelt = number(text)
        if spelt is None:
            self.wrong(value, f"`{text}` is not a number")
            return 0
        return float(spelt)

    def below(self, operand: Operand, value: Value, _type: str) -> Condition:
        return Below(operand, self.limit(value))

    def above(self, operand: Operand, value: Value, _type: str) -> Condition:
        return Above(operand, self.limit(value))

    def is_(self, operand: Operand, value: Value, _type: str) -> Condition | None:
        text = self.text(value)
        for predicate in PREDICATES:
            if predicate == text:
                return Is(operand, predicate)
        self.wrong(value, f"there is no predicate `{text}`; there are {', '.join(PREDICATES)}")
        return None


_WORDS: Mapping[str, Callable[[_Parser, Value, Schema | None, Schema | None, int], Condition]] = {
    "all": _Parser.all_of,
    "any": _Parser.any_of,
    "not": _Parser.not_of,
    "edge": _Parser.edge,
    "each": _Parser.each,
}

_TESTS: Mapping[str, Callable[[_Parser, Operand, Value, str], Condition | None]] = {
    "set": _Parser.is_set,
    "in": _Parser.in_,
    "has": _Parser.has,
    "matches": _Parser.matches,
    "below": _Parser.below,
    "above": _Parser.above,
    "same_as": _Parser.is_set,  # read where both operands can be looked up
    "is": _Parser.is_,
}


def suggestion(name: str, names: Iterable[str]) -> str:
    """`; did you mean …?`, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(names), 1)
    return f"; did you mean `{near[0]}`?" if near else ""
