"""Conditions: the tests of a statement against what is known of a request's condition keys.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC
from decimal import Decimal
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam import result
from kmsguard.iam.document import Entry, Part, Plain, Statement, Test, Variable, parts
from kmsguard.iam.keys import ConditionKey, KeyType
from kmsguard.iam.result import NO, YES, Result
from kmsguard.iam.shapes import ANY, ANY_OF_PART, COLON, NEVER, ONE, ONE_OF_PART, literal
from kmsguard.iam.texts import Hole, Item, Pattern, Sym, fold, items, known, match, opens, without_case
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth

Family: TypeAlias = Literal["equals", "ignore_case", "like", "arn", "bool", "ip", "numeric", "date", "null"]


class Base(msgspec.Struct, frozen=True):
    """A base operator: how it compares, whether it is negated, and of what types its keys may be."""

    family: Family
    negated: bool
    types: tuple[KeyType, ...]
    order: str = "Equals"


def _bases() -> dict[str, Base]:
    text: tuple[KeyType, ...] = ("string", "arn", "bool")
    arn: tuple[KeyType, ...] = ("string", "arn")
    table = {
        "stringequals": Base("equals", False, text),
        "stringnotequals": Base("equals", True, text),
        "stringequalsignorecase": Base("ignore_case", False, text),
        "stringnotequalsignorecase": Base("ignore_case", True, text),
        "stringlike": Base("like", False, text),
        "stringnotlike": Base("like", True, text),
        "arnequals": Base("arn", False, arn),
        "arnlike": Base("arn", False, arn),
        "arnnotequals": Base("arn", True, arn),
        "arnnotlike": Base("arn", True, arn),
        "bool": Base("bool", False, ("bool",)),
        "ipaddress": Base("ip", False, ("ip",)),
        "notipaddress": Base("ip", True, ("ip",)),
        "null": Base("null", False, ("string", "arn", "bool", "ip", "numeric", "date")),
    }
    for family in ("numeric", "date"):
        for order in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"):
            types: tuple[KeyType, ...] = ("numeric",) if family == "numeric" else ("date",)
            compared: Family = "numeric" if family == "numeric" else "date"
            table[family + order.lower()] = Base(compared, order == "NotEquals", types, order.removeprefix("Not"))
    return table


BASES = _bases()


class Absent(msgspec.Struct, frozen=True):
    """The request does not have the key."""


class Held(msgspec.Struct, frozen=True):
    """The request has the key, with these values; one value where the key holds no set."""

    values: tuple[Sym, ...]
    holds_set: bool = False
    also: tuple[Sym, ...] = ()  # other ways to say the one value: what is known of it in another form


class Undecided(msgspec.Struct, frozen=True):
    """It is not known whether the request has the key, or with which value."""

    open: tuple[Open, ...]


ABSENT = Absent()
State: TypeAlias = "Absent | Held | Undecided"


class Request(msgspec.Struct, frozen=True):
    """What conditions read: `key` finds a key by its name (None: no such key is known), `state` what the request has of it.

    Names are in lower case.
    """

    key: Callable[[str], ConditionKey | None]
    state: Callable[[str], State]


def condition_holds(statement: Statement, request: Request) -> Result:
    """Whether the condition of a statement holds: AND over its tests."""
    open_ = (result.unknown(*statement.condition_open),) if statement.condition_open else ()
    return result.every((*(test_holds(test, request) for test in statement.tests), *open_))


def test_holds(test: Test, request: Request) -> Result:
    """Whether one test of a condition holds."""
    key = request.key(test.key)
    state = request.state(test.key)
    if key is None:
        return result.unknown(Open(test.name, f"what {test.name} holds in the request is not known"))
    base = BASES.get(test.base)
    if isinstance(state, Undecided) and (base is None or base.family != "null"):
        return _undecided(test, base, key, state)
    if base is not None and base.family == "null":
        return _null(test, state)
    if base is None or key.type not in base.types:
        return result.unknown(Open(test.operator, f"{test.operator} is no operator for {test.name}"))
    if isinstance(state, Absent):
        return _absent(test, base)
    assert isinstance(state, Held)
    if state.holds_set and not test.prefix:
        return result.unknown(Open(test.operator, f"{test.name} holds a set, and {test.operator} has no set prefix"))
    if state.also:
        return result.agreed([value_holds(test, base, value, request) for value in (*state.values, *state.also)])
    truths = (value_holds(test, base, value, request) for value in state.values)
    return result.some(truths) if test.prefix == "foranyvalue" else result.every(truths)


def _undecided(test: Test, base: Base | None, key: ConditionKey, state: Undecided) -> Result:
    if base is None or key.type not in base.types:
        return result.unknown(Open(test.operator, f"{test.operator} is no operator for {test.name}"))
    return Result(Truth.UNKNOWN, _spelled(test, state))


def _spelled(test: Test, state: Undecided) -> tuple[Open, ...]:
    """What would decide the key, named as the policy spells it."""
    named = Open(test.name, f"the request's {test.name} is not known")
    return tuple(named if fold(open_.reference) == test.key else open_ for open_ in state.open)


def _null(test: Test, state: State) -> Result:
    if test.if_exists or test.prefix:
        return result.unknown(Open(test.operator, f"{test.operator} is no operator"))
    if isinstance(state, Undecided):
        return Result(Truth.UNKNOWN, _spelled(test, state))
    wanted = "true" if isinstance(state, Absent) else "false"
    return result.some(result.of(match(without_case(items((wanted,))), entry.text), entry.opens) for entry in test.values)


def _absent(test: Test, base: Base) -> Result:
    if test.prefix == "forallvalues":
        return YES
    if test.prefix == "foranyvalue":
        return result.unknown(Open(test.operator, f"{test.operator} on an absent key")) if test.if_exists else NO
    return YES if test.if_exists or base.negated else NO


def value_holds(test: Test, base: Base, value: Sym, request: Request) -> Result:
    """Whether one value of the request meets a test: OR over the policy's values, NOT of that where it is negated."""
    found = result.some(COMPARE[base.family](base, test, entry, value, request) for entry in test.values)
    return result.negation(found) if base.negated else found


def _text(base: Base, test: Test, entry: Entry, value: Sym, request: Request) -> Result:
    if not test.variables:
        return _literally(base.family, entry.text, value)
    pattern = expand(base.family, entry, test.variables, request)
    if not isinstance(pattern, tuple):
        return pattern
    return result.of(match(pattern, value), opens(entry.text, value))


@lru_cache(maxsize=1 << 14)
def _literally(family: Family, wanted: Sym, value: Sym) -> Result:
    """Whether a value meets what a policy writes without policy variables; several operations ask it of one value."""
    pattern = pattern_of(family, wanted)
    return result.of(match(pattern, value), opens(wanted, value)) if isinstance(pattern, tuple) else pattern


def expand(family: Family, entry: Entry, variables: bool, request: Request) -> Pattern | Result:
    """The pattern that a policy value is for a request, its policy variables replaced; or a result, where it is no pattern."""
    pieces: tuple[Part, ...] = parts(entry.text) if variables else entry.text
    states: dict[str, State] = {}
    for piece in pieces:
        if isinstance(piece, Variable):
            key = request.key(piece.key)
            if key is None or key.type in ("ip", "numeric", "date"):
                return result.unknown(Open(piece.key, f"no request decides ${{{piece.key}}}"))
            state = request.state(piece.key)
            if isinstance(state, Undecided):
                return Result(Truth.UNKNOWN, state.open)
            states[piece.key] = state
    filled: list[str | Plain | Hole] = []
    for piece in pieces:
        if not isinstance(piece, Variable):
            filled.append(piece)
            continue
        state = states[piece.key]
        if isinstance(state, Held) and not state.holds_set:
            filled.extend(Plain(part) if isinstance(part, str) else part for part in state.values[0])
        elif piece.default is not None:
            filled.append(Plain(piece.default))
        else:
            return NO
    return pattern_of(family, filled)


def pattern_of(family: Family, pieces: Sequence[str | Plain | Hole]) -> Pattern | Result:
    """The pattern that text, plain text and holes are for an operator; UNKNOWN for what is no ARN where one has to be."""
    arn = family == "arn"
    wild = {"*": ANY, "?": ONE} if family in ("like", "arn") else {}
    part = 0
    out: list[Item] = []
    for piece in pieces:
        if isinstance(piece, Hole):
            out.append(piece)
            part += sum(token.chars == COLON and not token.negated for token in piece.shape)
            continue
        plain = isinstance(piece, Plain)
        for char in piece.text if isinstance(piece, Plain) else piece:
            inside = arn and part < _ARN_PARTS - 1
            if char == ":" and inside:
                # a separator that was put in is none, and none of the first five parts can hold it
                out.append(NEVER if plain else literal(char))
                part += not plain
            elif char in wild and not plain:
                out.append((ANY_OF_PART if char == "*" else ONE_OF_PART) if inside else wild[char])
            else:
                out.append(literal(char))
    if arn and part < _ARN_PARTS - 1:
        holes = tuple(piece for piece in pieces if isinstance(piece, Hole))
        return result.unknown(*(opens(holes) or (Open("", "a value that is no ARN"),)))
    return without_case(tuple(out)) if family == "ignore_case" else tuple(out)


_ARN_PARTS = 6


def _bool(base: Base, test: Test, entry: Entry, value: Sym, request: Request) -> Result:
    del base, test, request
    text = known(value)
    if text is None:
        possible = match(without_case(items(entry.text)), value)
        return NO if possible is Truth.NO else result.unknown(*opens(entry.text, value))
    return result.of(match(without_case(items((text,))), entry.text), entry.opens) if fold(text) in _BOOLS else NO


_BOOLS = ("true", "false")


def _address(base: Base, test: Test, entry: Entry, value: Sym, request: Request) -> Result:
    del base, test, request
    text = known(value)
    wanted = entry.known
    if wanted is None or text is None:
        return result.unknown(*opens(entry.text, value))
    there, range_ = network(text), network(wanted)
    if range_ is None or there is None:
        return result.unknown(Open("", "a value that is no range of addresses"))
    return result.of(Truth.of(there[0] == range_[0] and range_[1] <= there[1] <= range_[2]), ())


Range: TypeAlias = tuple[int, int, int]


@lru_cache(maxsize=1024)
def network(text: str) -> Range | None:
    """(version, first, last) of a range of addresses; None where a text is none."""
    import ipaddress

    address, slash, length = text.partition("/")
    if "%" in text or (slash and not (length.isascii() and length.isdigit())):
        return None
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    del address
    return found.version, int(found.network_address), int(found.broadcast_address)


def _number(base: Base, test: Test, entry: Entry, value: Sym, request: Request) -> Result:
    del test, request
    text, wanted = known(value), entry.known
    if text is None or wanted is None:
        return result.unknown(*opens(entry.text, value))
    read = number if base.family == "numeric" else instant
    a, b = read(text), read(wanted)
    if a is None or b is None:
        return result.unknown(Open("", "a value that is no number" if base.family == "numeric" else "a value that is no time"))
    return result.of(Truth.of(ORDERS[base.order](a, b)), ())


ORDERS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_SECONDS = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_TIME = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?Z)?)?)?")


def number(text: str) -> Decimal | None:
    """A number as policies write it; None where a text is none."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=1024)
def instant(text: str) -> Decimal | None:
    """Seconds since 1970 of a time as policies write it; None where a text is none."""
    if len(text) != 4 and _SECONDS.fullmatch(text):
        return Decimal(text)
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    from datetime import datetime

    year, month, day, hour, minute, second = (int(group) if group else None for group in found.groups())
    assert year is not None
    try:
        moment = datetime(
            year,
            1 if month is None else month,
            1 if day is None else day,
            hour or 0,
            minute or 0,
            second or 0,
            tzinfo=UTC,
        )
    except ValueError:
        return None
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal((moment - epoch).days * 86400 + (moment - epoch).seconds)


COMPARE: dict[Family, Callable[[Base, Test, Entry, Sym, Request], Result]] = {
    "equals": _text,
    "ignore_case": _text,
    "like": _text,
    "arn": _text,
    "bool": _bool,
    "ip": _address,
    "numeric": _number,
    "date": _number,
}
