"""Policy documents: from a value with places, or from bare JSON, to statements whose elements are texts with holes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam.shapes import ANYTHING
from kmsguard.iam.texts import NOWHERE, Deployment, Hole, Sym, fold, known, opens, sym
from kmsguard.model.finding import Open
from kmsguard.model.source import Span
from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value

VARIABLES_VERSION = "2012-10-17"
NO_STATEMENT = "BadPolicy: no Statement"
BAD_STATEMENT = "BadPolicy: bad statement"

Effect: TypeAlias = Literal["Allow", "Deny"]
EntryType: TypeAlias = Literal["AWS", "Service", "Federated", "CanonicalUser"]
ENTRY_TYPES: tuple[EntryType, ...] = ("AWS", "Service", "Federated", "CanonicalUser")

_EXPRESSION = re.compile(r"\$\{([^}]*)\}")
_UNCLOSED = re.compile(r"\$\{[^}]*$")
_KEY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*:[^:\s]\S*")
LEFT_OPEN = Open("", "a value that the document leaves open")


def is_all_open(text: Sym) -> bool:
    """Whether nothing at all is known of a text."""
    return len(text) == 1 and isinstance(text[0], Hole) and text[0].shape is ANYTHING


class Entry(msgspec.Struct, frozen=True, eq=False):
    """One value of an element. What is left open is one hole without shape."""

    text: Sym
    value: Value

    @property
    def known(self) -> str | None:
        """The text, where all of it is known."""
        return known(self.text)

    @property
    def left_open(self) -> bool:
        """Whether nothing at all is known of it."""
        return is_all_open(self.text)

    @property
    def opens(self) -> tuple[Open, ...]:
        """What would decide it."""
        return opens(self.text)


class Element(msgspec.Struct, frozen=True, eq=False):
    """`Action`, `Resource`, or with `negated` `NotAction`, `NotResource`."""

    entries: tuple[Entry, ...]
    negated: bool
    value: Value


class PrincipalEntry(msgspec.Struct, frozen=True, eq=False):
    """An entry under one of the types of `Principal`."""

    type: EntryType
    entry: Entry


class PrincipalElement(msgspec.Struct, frozen=True, eq=False):
    """`Principal` or `NotPrincipal`. Without entries it reaches nobody; `open`: it is unknown whom it reaches."""

    entries: tuple[PrincipalEntry, ...]
    negated: bool
    value: Value
    open: tuple[Open, ...] = ()


class Test(msgspec.Struct, frozen=True, eq=False):
    """One operator and key of a condition."""

    operator: str  # as written
    prefix: Literal["", "forallvalues", "foranyvalue"]
    base: str  # lower case, without prefix and IfExists
    if_exists: bool
    name: str  # the key, as written
    key: str  # the same in lower case
    values: tuple[Entry, ...]
    value: Value
    variables: bool  # whether there are policy variables in its values, and they are replaced in this document


class Statement(msgspec.Struct, frozen=True, eq=False):
    """One statement. What is None is not there; `open` holds what is unknown of the statement as a whole."""

    index: int  # from 0
    effect: Effect | None  # None: not known
    sid: str | None
    action: Element | None
    resource: Element | None
    principal: PrincipalElement | None
    tests: tuple[Test, ...]
    value: Value
    condition: Value | None = None
    open: tuple[Open, ...] = ()
    condition_open: tuple[Open, ...] = ()

    @property
    def span(self) -> Span | None:
        """Where it stands."""
        return self.value.span or self.value.place

    @property
    def name(self) -> str:
        """How a message names it: its Sid, or its number from 1."""
        return f'"{self.sid}"' if self.sid else f"{self.index + 1}"


class PolicyDocument(msgspec.Struct, frozen=True, eq=False):
    """A policy. With `error` it is none, and has no statements: IAM and KMS would refuse it."""

    statements: tuple[Statement, ...]
    value: Value
    error: str | None = None
    error_value: Value | None = None

    @property
    def span(self) -> Span | None:
        """Where it stands."""
        return self.value.where


class _BadPolicyError(Exception):
    """A statement that makes its whole document bad."""

    def __init__(self, message: str, value: Value) -> None:
        super().__init__(message)
        self.message = message
        self.value = value


def read_policy(value: Value, deployment: Deployment = NOWHERE) -> PolicyDocument:
    """A policy document from a map, from text that holds JSON, or from what an encoder made such text from.

    The value has to be resolved: a Choice in it counts as unknown. What is unknown in it makes statements that may match.
    """
    data = value.data
    if isinstance(data, Text) and data.encodes is not None and data.encoding == "json":
        return read_policy(_placed(data.encodes, value), deployment)
    if isinstance(data, Text) and _alone(data) is not None:
        return _wholly_open(value, deployment)
    if isinstance(data, (str, Text)):
        from kmsguard.syntax.json import parse_json

        parsed, problems = parse_json(value)
        if parsed is None or isinstance(parsed.data, (str, Text)) or any(problem.level == "error" for problem in problems):
            return PolicyDocument((), value, NO_STATEMENT, value)
        return read_policy(_placed(parsed, value), deployment)
    if isinstance(data, (Unknown, Choice)):
        return _wholly_open(value, deployment)
    try:
        return PolicyDocument(tuple(_statements(value, deployment)), value)
    except _BadPolicyError as error:
        return PolicyDocument((), value, error.message, error.value)


def _placed(inner: Value, outer: Value) -> Value:
    """What a text holds, at the place of the text where it has none of its own."""
    return inner if inner.where is not None else inner.at(outer.where)


def _alone(text: Text) -> Value | None:
    """The hole that the whole text is."""
    return text.pieces[0] if len(text.pieces) == 1 and not isinstance(text.pieces[0].data, str) else None


def _wholly_open(value: Value, deployment: Deployment) -> PolicyDocument:
    return PolicyDocument((_open_statement(0, value, deployment),), value)


def _open_statement(index: int, value: Value, deployment: Deployment) -> Statement:
    return Statement(index, None, None, None, None, None, (), value, open=_opens(value, deployment))


def _opens(value: Value, deployment: Deployment) -> tuple[Open, ...]:
    return opens(sym(value, deployment)) or (LEFT_OPEN,)


def _is_open(value: Value) -> bool:
    return isinstance(value.data, (Unknown, Choice))


def _members(value: Value) -> dict[str, Value]:
    return {name: member for name, member in value.members.items() if member.data is not ABSENT}


def _listed(value: Value) -> tuple[Value, ...]:
    """The elements of a list, or the one value that stands in place of a list."""
    return tuple(item for item in value.items if item.data is not ABSENT) if isinstance(value.data, tuple) else (value,)


def _statements(value: Value, deployment: Deployment) -> Iterator[Statement]:
    members = _members(value)
    holder = members.get("Statement")
    if holder is None:
        raise _BadPolicyError(NO_STATEMENT, value)
    version = members.get("Version")
    variables = version is not None and version.text == VARIABLES_VERSION
    for index, item in enumerate(_listed(holder)):
        if _is_open(item):
            yield _open_statement(index, item, deployment)
        elif isinstance(item.data, dict):
            yield _Reader(deployment, variables).statement(index, item)
        else:
            raise _BadPolicyError(BAD_STATEMENT, item)


class _Reader:
    """Reads statements of one document."""

    def __init__(self, deployment: Deployment, variables: bool) -> None:
        self.deployment = deployment
        self.variables = variables

    def statement(self, index: int, value: Value) -> Statement:
        members = _members(value)
        effect = self._effect(members.get("Effect"), value)
        action = self._element(members, "Action")
        resource = self._element(members, "Resource")
        principal = self._principal(members)
        condition = members.get("Condition")
        sid = members.get("Sid")
        return Statement(
            index,
            effect,
            sid.text if sid is not None else None,
            action,
            resource,
            principal,
            self._tests(condition),
            value,
            condition,
            condition_open=self._condition_open(condition),
        )

    def _effect(self, effect: Value | None, statement: Value) -> Effect | None:
        if effect is None:
            raise _BadPolicyError(BAD_STATEMENT, statement)
        if effect.text == "Allow":
            return "Allow"
        if effect.text == "Deny":
            return "Deny"
        if _is_open(effect) or (isinstance(effect.data, Text) and effect.data.known is None):
            return None
        raise _BadPolicyError(BAD_STATEMENT, effect)

    def _element(self, members: dict[str, Value], name: str) -> Element | None:
        found: Element | None = None
        for written in (f"Not{name}", name):
            if written in members:
                value = members[written]
                found = Element(self._entries(value), written != name, value)
        return found

    def _entries(self, value: Value, numbers: bool = False) -> tuple[Entry, ...]:
        """The entries of an element; `numbers`: numbers and booleans are texts there, elsewhere they are refused."""
        return tuple(self._entry(item, numbers) for item in _listed(value))

    def _entry(self, value: Value, numbers: bool) -> Entry:
        data = value.data
        if isinstance(data, str) and "${" not in data:  # most are
            return Entry((data,) if data else (), value)
        if isinstance(data, (bool, int, float, Decimal)):
            if not numbers:
                raise _BadPolicyError(BAD_STATEMENT, value)
            return Entry(sym(value), value)
        text = sym(value, self.deployment)
        expressions = [piece for piece in text if isinstance(piece, str) and "${" in piece]
        if any(is_left_open(piece) or (len(text) > 1 and _UNCLOSED.search(piece)) for piece in expressions):
            holes = [piece for piece in text if isinstance(piece, Hole)]
            return Entry((Hole(holes[0].open if holes else LEFT_OPEN),), value)
        return Entry(text, value)

    def _principal(self, members: dict[str, Value]) -> PrincipalElement | None:
        found: PrincipalElement | None = None
        for name in ("NotPrincipal", "Principal"):
            value = members.get(name)
            if value is not None:
                found = self._principal_element(value, name == "NotPrincipal")
        return found

    def _principal_element(self, value: Value, negated: bool) -> PrincipalElement:
        data = value.data
        if isinstance(data, dict):
            members = _members(value)
            entries = tuple(
                PrincipalEntry(type_, entry)
                for type_ in ENTRY_TYPES
                if type_ in members
                for entry in self._entries(members[type_])
            )
            if any(name not in ENTRY_TYPES for name in members):
                return PrincipalElement((), negated, value, (LEFT_OPEN,))
            return PrincipalElement(entries, negated, value)
        if data is None or isinstance(data, tuple):
            return PrincipalElement((), negated, value, (LEFT_OPEN,))
        if isinstance(data, (bool, int, float, Decimal)):
            return PrincipalElement((), negated, value)
        entry = self._entry(value, numbers=False)
        if entry.known == "*":
            return PrincipalElement((PrincipalEntry("AWS", entry),), negated, value)
        return PrincipalElement((), negated, value, entry.opens)

    def _condition_open(self, condition: Value | None) -> tuple[Open, ...]:
        if condition is None:
            return ()
        parts = [condition, *_members(condition).values()]
        return tuple(dict.fromkeys(o for part in parts if _is_open(part) for o in _opens(part, self.deployment)))

    def _tests(self, condition: Value | None) -> tuple[Test, ...]:
        if condition is None or condition.data is None or _is_open(condition):
            return ()
        if not isinstance(condition.data, dict):
            raise _BadPolicyError(BAD_STATEMENT, condition)
        tests: list[Test] = []
        for operator, keys in _members(condition).items():
            if _is_open(keys):
                continue
            if not isinstance(keys.data, dict):
                raise _BadPolicyError(BAD_STATEMENT, keys)
            prefix, base, if_exists = _operator(operator)
            for name, value in _members(keys).items():
                values = self._entries(value, numbers=True)
                variables = self.variables and any(_has_variable(entry.text) for entry in values)
                tests.append(Test(operator, prefix, base, if_exists, name, fold(name), values, value, variables))
        return tuple(tests)


def _operator(operator: str) -> tuple[Literal["", "forallvalues", "foranyvalue"], str, bool]:
    base = fold(operator)
    prefix: Literal["", "forallvalues", "foranyvalue"] = ""
    if base.startswith("forallvalues:"):
        prefix = "forallvalues"
    elif base.startswith("foranyvalue:"):
        prefix = "foranyvalue"
    base = base[len(prefix) + 1 :] if prefix else base
    if_exists = base.endswith("ifexists")
    return prefix, base.removesuffix("ifexists"), if_exists


def is_left_open(text: str) -> bool:
    """Whether a string holds a template expression: `${…}` that is no policy variable."""
    if "${" not in text:
        return False
    for found in _EXPRESSION.finditer(text):
        inside = found[1]
        if inside not in ("*", "?", "$") and _KEY_NAME.fullmatch(inside.split(", '", 1)[0]) is None:
            return True
    return False


def _has_variable(text: Sym) -> bool:
    return any(isinstance(piece, str) and "${" in piece for piece in text)


class Plain(msgspec.Struct, frozen=True):
    """Characters that stand for themselves, also where they look like wildcards or separators."""

    text: str


class Variable(msgspec.Struct, frozen=True):
    """A policy variable."""

    key: str  # lower case
    default: str | None = None


Part: TypeAlias = "str | Plain | Variable | Hole"


def parts(text: Sym) -> tuple[Part, ...]:
    """A text with its policy variables and escaped characters taken apart."""
    out: list[Part] = []
    for piece in text:
        if isinstance(piece, Hole):
            out.append(piece)
            continue
        end = 0
        for found in _EXPRESSION.finditer(piece):
            if found.start() > end:
                out.append(piece[end : found.start()])
            out.append(Plain(found[1]) if found[1] in ("*", "?", "$") else _variable(found[1]))
            end = found.end()
        if end < len(piece):
            out.append(piece[end:])
    return tuple(out)


def _variable(inside: str) -> Variable:
    name, mark, rest = inside.partition(", '")
    if mark and rest.endswith("'"):
        return Variable(fold(name), rest[:-1])
    return Variable(fold(inside))
