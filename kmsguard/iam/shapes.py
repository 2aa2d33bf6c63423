"""What texts look like, as rows of tokens: the parts of an ARN, ids that AWS makes up, names."""

from __future__ import annotations

import string
from functools import lru_cache
from typing import TypeAlias

import msgspec


class Token(msgspec.Struct, frozen=True, cache_hash=True):
    """One character out of `chars` (not out of them, where negated), or with `loop` any number of such."""

    chars: frozenset[str]
    negated: bool = False
    loop: bool = False

    def accepts(self, char: str) -> bool:
        """Whether the character is one of them."""
        return (char in self.chars) is not self.negated

    def meets(self, other: Token) -> bool:
        """Whether some character is of both."""
        if self.negated:
            return other.negated or not other.chars <= self.chars
        return not self.chars <= other.chars if other.negated else not self.chars.isdisjoint(other.chars)

    def within(self, other: Token) -> bool:
        """Whether each of its characters is one of the other's."""
        if self.negated:
            return other.negated and other.chars <= self.chars
        return self.chars.isdisjoint(other.chars) if other.negated else self.chars <= other.chars


Shape: TypeAlias = tuple[Token, ...]

NOTHING_TAKEN: frozenset[str] = frozenset()
ONE = Token(NOTHING_TAKEN, negated=True)
ANY = Token(NOTHING_TAKEN, negated=True, loop=True)
NEVER = Token(NOTHING_TAKEN)
COLON = frozenset(":")
ONE_OF_PART = Token(COLON, negated=True)
ANY_OF_PART = Token(COLON, negated=True, loop=True)
DIGIT = Token(frozenset(string.digits))


@lru_cache(maxsize=4096)
def literal(char: str) -> Token:
    """The token that takes one character only."""
    return Token(frozenset((char,)))


def spelled(text: str) -> Shape:
    """What is one text only."""
    return tuple(literal(char) for char in text)


@lru_cache(maxsize=4096)
def in_either_case(token: Token) -> Token:
    """The token that takes ASCII letters of either case; one that excludes letters stays as it is."""
    if token.negated:
        return token
    chars = {case for char in token.chars for case in ((char.lower(), char.upper()) if char in string.ascii_letters else char)}
    return Token(frozenset(chars), loop=token.loop)


def shape_without_case(shape: Shape) -> Shape:
    """The same shape for ASCII letters of either case."""
    return tuple(map(in_either_case, shape))


_LOWER = frozenset(string.ascii_lowercase + string.digits + "-")
ANYTHING: Shape = (ANY,)
ACCOUNT_SHAPE: Shape = (DIGIT,) * 12
REGION_SHAPE: Shape = (Token(_LOWER), Token(_LOWER, loop=True))
PARTITION_SHAPE: Shape = (*spelled("aws"), Token(frozenset(string.ascii_lowercase + "-"), loop=True))
ARN_SHAPE: Shape = (*spelled("arn:"), *((ANY_OF_PART, literal(":")) * 4), ANY)
_HEX = frozenset(string.digits + "abcdef")
KEY_ID: Shape = tuple(literal("-") if index in (8, 13, 18, 23) else Token(_HEX) for index in range(36))
MULTI_REGION = "mrk-"
MULTI_REGION_ID: Shape = (Token(_HEX),) * 32
ANY_KEY_ID: Shape = (Token(_HEX | frozenset(MULTI_REGION), loop=True),)
"""Ids that AWS makes up, of multi-Region keys what follows their prefix.

https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-id
"""
ALIAS_NAME: Shape = (Token(frozenset(string.ascii_letters + string.digits + "/_-"), loop=True),)
"""What follows `alias/`: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html."""
