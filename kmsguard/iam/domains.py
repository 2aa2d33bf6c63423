"""What the texts of a request can be, as automata: callers, accounts, organizations, service names, ARNs.

Section 4 and the values in the tables of section 8 of the policy engine's specification.
"""

from __future__ import annotations

import string
from functools import lru_cache
from typing import Literal

from kmsguard.iam.languages import ALPHABET, END, Automaton, Builder, union
from kmsguard.iam.principals import CallerKind
from kmsguard.iam.shapes import ACCOUNT_SHAPE, ANY, DIGIT, Shape, Token, literal, spelled

_NAME = Token(frozenset(string.ascii_letters + string.digits + "_+=,.@-"))
_LOWER = Token(frozenset(string.ascii_lowercase + string.digits))
_DASHED = Token(frozenset(string.ascii_lowercase + string.digits + "-"))
_DOTTED = Token(frozenset(string.ascii_lowercase + string.digits + ".-"))
_TEXT = Token(ALPHABET)
_PART = Token(ALPHABET - {":"})
_NO_DIGIT = Token(ALPHABET - {":"} - frozenset(string.digits))


def _loop(token: Token) -> Token:
    return Token(token.chars, token.negated, loop=True)


NAME_TEXT: Shape = (_NAME, _loop(_NAME))
ORGANIZATION_TEXT: Shape = (*spelled("o-"), _LOWER, _loop(_LOWER))
SERVICE_TEXT: Shape = (_LOWER, _loop(_DOTTED), *spelled(".amazonaws.com"))


def arn_text(partition: str) -> Shape:
    """A pattern that the ARN of every caller fits, and few other texts."""
    return (*spelled(f"arn:{partition}:"), _loop(Token(_NAME.chars | frozenset(":/"))))


@lru_cache(maxsize=256)
def principals(kind: CallerKind, partition: str, account: str | None) -> Automaton:
    """The ARNs of callers of a kind; of role sessions followed by END and the session's name."""
    builder = Builder()
    service = "sts" if kind == "federated" else "iam"
    at = builder.tokens(0, spelled(f"arn:{partition}:{service}::"))
    at = builder.tokens(at, spelled(account) if account is not None else ACCOUNT_SHAPE)
    if kind == "root":
        return builder.build([builder.tokens(at, spelled(":root"))])
    at = builder.tokens(at, spelled({"user": ":user/", "role": ":role/", "federated": ":federated-user/"}[kind]))
    if kind == "federated":
        return builder.build([builder.tokens(at, (_NAME, _loop(_NAME)))])
    part = builder.place()
    builder.link(at, part)
    after = builder.tokens(part, (_NAME, _loop(_NAME)))
    builder.link(builder.token(after, literal("/")), part)
    if kind == "role":
        after = builder.tokens(after, (literal(END), _NAME, _loop(_NAME)))
    return builder.build([after])


@lru_cache(maxsize=4)
def service_names() -> Automaton:
    """Section 4: the name of a service."""
    return union([SERVICE_TEXT])


@lru_cache(maxsize=4)
def any_text() -> Automaton:
    """Any text."""
    return union([(_TEXT, _loop(_TEXT))])


@lru_cache(maxsize=64)
def account_ids(account: str | None) -> Automaton:
    """An account, or any."""
    return union([spelled(account) if account is not None else ACCOUNT_SHAPE])


@lru_cache(maxsize=64)
def organization_paths(organization: str | None) -> Automaton:
    """`aws:PrincipalOrgPaths` in an organization, or in any."""
    builder = Builder()
    if organization is not None:
        at = builder.tokens(0, spelled(organization))
    else:
        at = builder.repeat(builder.tokens(0, spelled("o-")), _LOWER, 10, 32)
    at = builder.repeat(builder.tokens(at, spelled("/r-")), _LOWER, 4, 32)
    end = builder.token(at, literal("/"))
    unit = builder.repeat(builder.tokens(end, spelled("ou-")), _LOWER, 4, 32)
    unit = builder.repeat(builder.token(unit, literal("-")), _LOWER, 8, 32)
    builder.link(builder.token(unit, literal("/")), end)
    return builder.build([end])


@lru_cache(maxsize=256)
def source_arns(partition: str, account: str | None, place: Literal["any", "with", "without"] = "any") -> Automaton:
    """ARNs of a customer: with its account, with none, or either."""
    builder = Builder()
    at = builder.tokens(0, spelled(f"arn:{partition}:"))
    at = builder.token(builder.tokens(at, (_DASHED, _loop(_DASHED))), literal(":"))
    at = builder.token(builder.token(at, _loop(_DASHED)), literal(":"))
    ends: list[int] = []
    if place != "without":
        ends.append(builder.tokens(at, spelled(account) if account is not None else ACCOUNT_SHAPE))
    if place != "with":
        ends.append(at)
    rest = builder.place()
    for end in ends:
        builder.link(builder.token(end, literal(":")), rest)
    return builder.build(_rest(builder, rest))


def _rest(builder: Builder, at: int) -> list[int]:
    """One or more characters of which no part between colons is twelve digits and nothing else."""
    first = builder.place()  # of a part
    builder.link(at, first)
    places = [first]
    for _ in range(13):
        places.append(builder.token(places[-1], DIGIT))
    other = builder.place()
    for place in places:
        # a part with anything but digits in it may be of any length
        builder.edge(place, _NO_DIGIT, other)
    builder.edge(places[13], DIGIT, places[13])
    builder.edge(other, _PART, other)
    finals = [*places[:12], places[13], other]
    after = builder.place()
    for place in finals:
        builder.edge(place, literal(":"), after)
    builder.link(after, first)
    # `first` is reached by no character at the beginning: it ends the text only after a colon
    return [*finals[1:], after]


@lru_cache(maxsize=64)
def accounts_of(kind: CallerKind, partition: str, accounts: tuple[str, ...]) -> Automaton:
    """The callers of some accounts."""
    service = "sts" if kind == "federated" else "iam"
    return union((*spelled(f"arn:{partition}:{service}::{account}:"), ANY) for account in accounts)


@lru_cache(maxsize=64)
def among_accounts(accounts: tuple[str, ...]) -> Automaton:
    """Some accounts."""
    return union(spelled(account) for account in accounts)


@lru_cache(maxsize=64)
def arns_of(partition: str, accounts: tuple[str, ...]) -> Automaton:
    """ARNs of customers among some accounts."""
    part = Token(frozenset(":"), negated=True, loop=True)
    start = (*spelled(f"arn:{partition}:"), part, literal(":"), part, literal(":"))
    return union((*start, *spelled(f"{account}:"), ANY) for account in accounts)
