"""Texts that need not be wholly known, and their three-valued matching against patterns.

A text is a tuple of literal runs and holes. A hole is a part that is not known; it carries the symbolic value that it is, if it
is one, and a shape: a small pattern of what it can turn out to be.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

import msgspec

from kmsguard.iam.shapes import (
    ACCOUNT_SHAPE,
    ANY,
    ANY_KEY_ID,
    ANYTHING,
    ARN_SHAPE,
    ONE,
    PARTITION_SHAPE,
    REGION_SHAPE,
    Shape,
    Token,
    in_either_case,
    literal,
    spelled,
)
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth
from kmsguard.model.value import ACCOUNT, DNS_SUFFIX, PARTITION, REGION, Target, Text, Unknown, Value

_SHAPES: dict[Target, Shape] = {ACCOUNT: ACCOUNT_SHAPE, REGION: REGION_SHAPE, PARTITION: PARTITION_SHAPE}
_ATTRIBUTES: dict[str, Shape] = {"account": ACCOUNT_SHAPE, "region": REGION_SHAPE, "partition": PARTITION_SHAPE}
_OWN = {ACCOUNT: "--account", REGION: "--region", PARTITION: "--region"}
_ARNS = ("arn", "Arn")
_KEY_ID = "key_id"  # AWS makes it up; replicas, which share it, refer to their primary's


class Hole(msgspec.Struct, frozen=True, cache_hash=True):
    """A part of a text that is not known.

    Two holes are the same text where they have the same target, else nothing is known of the one from the other.
    """

    open: Open
    target: Target | None = None
    shape: Shape = ANYTHING
    allowed: tuple[str, ...] = ()


Sym: TypeAlias = "tuple[str | Hole, ...]"


class Deployment(msgspec.Struct, frozen=True):
    """What is known of where a unit is deployed to, and of the symbolic values in it.

    `texts` says what the targets of a unit are as texts, as far as that is known: an ARN made of
    `ACCOUNT`, `REGION` and a name.
    """

    account: str | None = None
    region: str | None = None
    trusted: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    texts: Mapping[Target, Value] = {}

    @property
    def partition(self) -> str:
        """The partition of the Region; `aws` where none is given."""
        region = self.region or ""
        return "aws-us-gov" if region.startswith("us-gov-") else "aws-cn" if region.startswith("cn-") else "aws"

    @property
    def dns_suffix(self) -> str:
        """What the names of services end in there."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"


NOWHERE = Deployment()


def sym(value: Value, deployment: Deployment = NOWHERE) -> Sym:
    """The text that a scalar stands for in a policy; what is no scalar is one hole."""
    out: list[str | Hole] = []
    _append(out, value, deployment, 0)
    return tuple(out)


def _append(out: list[str | Hole], value: Value, deployment: Deployment, depth: int) -> None:
    data = value.data
    if isinstance(data, str):
        _literal(out, data)
    elif isinstance(data, Text):
        for piece in data.pieces:
            _append(out, piece, deployment, depth)
    elif isinstance(data, Unknown):
        _unknown(out, data, deployment, depth)
    elif isinstance(data, bool):
        _literal(out, "true" if data else "false")
    elif isinstance(data, (int, float, Decimal)):
        _literal(out, number_text(data))
    else:
        out.append(Hole(Open("", "it is no text")))


def number_text(number: float | Decimal) -> str:
    """A number as JSON writes it; `written` of the number, where it has one, is how it stood in the document."""
    written = getattr(number, "written", None)
    if isinstance(written, str):
        return written
    text = str(number)
    return text[:-2] if isinstance(number, float) and text.endswith(".0") else text


def _literal(out: list[str | Hole], text: str) -> None:
    if out and isinstance(out[-1], str):
        out[-1] += text
    elif text:
        out.append(text)


_MAX_DEPTH = 16


def _unknown(out: list[str | Hole], unknown: Unknown, deployment: Deployment, depth: int) -> None:
    target = unknown.target
    if target is not None and depth < _MAX_DEPTH:
        if target == ACCOUNT and deployment.account is not None:
            return _literal(out, deployment.account)
        if target == REGION and deployment.region is not None:
            return _literal(out, deployment.region)
        if target == PARTITION:
            return _literal(out, deployment.partition)
        if target == DNS_SUFFIX:
            return _literal(out, deployment.dns_suffix)
        known = deployment.texts.get(target)
        if known is not None and known.data != unknown:
            return _append(out, known, deployment, depth + 1)
    if all(isinstance(scalar, str) for scalar in unknown.allowed):
        allowed = tuple(str(scalar) for scalar in unknown.allowed)
    else:
        allowed = ()
    shape = shape_of(target)
    prefix = unknown.prefix
    if prefix and shape is ANYTHING and target is None and not allowed:
        _literal(out, prefix)
    elif prefix and shape is ANYTHING:
        shape = (*spelled(prefix), ANY)
    out.append(Hole(open_of(unknown), target, shape, allowed))
    return None


def shape_of(target: Target | None) -> Shape:
    """What a symbolic value can turn out to be."""
    if target is None:
        return ANYTHING
    if target in _SHAPES:
        return _SHAPES[target]
    if target.address.startswith("provider.") and target.attribute in _ATTRIBUTES:
        return _ATTRIBUTES[target.attribute]
    if target.attribute == _KEY_ID and is_made(target.address):
        return ANY_KEY_ID
    return ARN_SHAPE if target.attribute in _ARNS else ANYTHING


def open_of(unknown: Unknown) -> Open:
    """What would decide an unknown value."""
    target = unknown.target
    if target in _OWN:
        option = _OWN[target]
        return Open(option, f"pass {option}")
    reference = unknown.reference
    if reference is None:
        reference = f"{target.address}.{target.attribute}" if target is not None else ""
    return Open(reference, unknown.reason)


def known(text: Sym) -> str | None:
    """The text, where all of it is known."""
    if not text:
        return ""
    return text[0] if len(text) == 1 and isinstance(text[0], str) else None


def opens(*texts: Sym) -> tuple[Open, ...]:
    """What would decide the holes of texts, in their order."""
    return tuple(dict.fromkeys(piece.open for text in texts for piece in text if isinstance(piece, Hole)))


def beginning(text: Sym, *, wild: bool = False) -> str:
    """What a text begins with for certain; `wild`: it is a pattern, and known up to its first `*` or `?`."""
    first = text[0] if text else ""
    if not isinstance(first, str):
        return ""
    return _WILD.split(first, maxsplit=1)[0] if wild else first


def show(text: Sym) -> str:
    """A text for a message: holes as their references."""
    return "".join(piece if isinstance(piece, str) else f"${{{piece.open.reference or '…'}}}" for piece in text)


def fold(text: str) -> str:
    """ASCII letters in lower case, all else as it is."""
    return text.lower() if text.isascii() else text.translate(_FOLD)


_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


# Patterns

Item: TypeAlias = "Token | Hole"
Pattern: TypeAlias = tuple[Item, ...]


def items(text: Sym) -> Pattern:
    """A text as a pattern of itself."""
    out: list[Item] = []
    for piece in text:
        if isinstance(piece, str):
            out.extend(literal(char) for char in piece)
        else:
            out.append(piece)
    return tuple(out)


_WILD = re.compile(r"[*?]")
_WILDCARDS = {"*": ANY, "?": ONE}


def like(text: Sym) -> Pattern:
    """A text as a pattern: `*` is any text, `?` one character."""
    out: list[Item] = []
    for piece in text:
        if isinstance(piece, str):
            out.extend(_WILDCARDS.get(char) or literal(char) for char in piece)
        else:
            out.append(piece)
    return tuple(out)


def without_case(pattern: Pattern) -> Pattern:
    """The same pattern for ASCII letters of either case. Holes stay as they are."""
    return tuple(in_either_case(item) if isinstance(item, Token) else item for item in pattern)


class Machine:
    """A pattern without holes that reads texts: a set of positions, held as the bits of a number."""

    __slots__ = ("_negated", "_taken", "final", "loops", "start", "tokens")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens: list[Token] = []
        for token in tokens:
            # `**` is `*`; one after the other would only make more positions
            if token.loop and self.tokens and self.tokens[-1] == token:
                continue
            self.tokens.append(token)
        self.loops = 0
        self._negated = 0
        self._taken: dict[str, int] = {}
        for index, token in enumerate(self.tokens):
            bit = 1 << index
            if token.loop:
                self.loops |= bit
            if token.negated:
                self._negated |= bit
            for char in token.chars:
                self._taken[char] = self._taken.get(char, 0) ^ bit
        self.final = 1 << len(self.tokens)
        self.start = self.skip(1)

    def skip(self, state: int) -> int:
        """Positions that are reached without a character too: past a loop."""
        while True:
            more = state | ((state & self.loops) << 1)
            if more == state:
                return state
            state = more

    def step(self, state: int, char: str) -> int:
        """The positions after one more character; 0 where none is left."""
        takers = state & (self._negated ^ self._taken.get(char, 0))
        if not takers:
            return 0
        stay = takers & self.loops
        return self.skip(((takers ^ stay) << 1) | stay)

    def reads(self, text: str) -> bool:
        """Whether the whole text fits."""
        state = self.start
        for char in text:
            state = self.step(state, char)
            if not state:
                return False
        return bool(state & self.final)


@lru_cache(maxsize=2048)
def machine(pattern: tuple[Token, ...]) -> Machine:
    """The machine of a pattern without holes."""
    return Machine(pattern)


_MAX_COMBINATIONS = 64


def match(pattern: Pattern, text: Sym) -> Truth:
    """Whether a text fits a pattern, whatever their holes turn out to be.

    YES where it does for all that they can be, NO where it does for none of it.
    """
    plain = known(text)
    if plain is not None and not any(isinstance(item, Hole) for item in pattern):
        return Truth.of(machine(pattern).reads(plain))
    return _match(pattern, items(text), _MAX_COMBINATIONS)


@lru_cache(maxsize=1 << 16)
def fits(wanted: Sym, text: Sym) -> Truth:
    """`match` of what a policy writes, where `*` and `?` are wildcards."""
    if _begin_apart(wanted, text):
        return Truth.NO
    return match(like(wanted), text)


def _begin_apart(wanted: Sym, text: Sym) -> bool:
    """Whether a text cannot fit for what both begin with: of most pairs that is seen at once."""
    for at, (one, other) in enumerate(zip(wanted, text, strict=False)):
        if isinstance(one, str) and isinstance(other, str):
            if one == other and _WILD.search(one) is None:
                continue
            plain = _WILD.split(one, maxsplit=1)[0]
            return plain[: len(other)] != other[: len(plain)]
        if isinstance(one, str) or isinstance(other, str):
            return False
        if one.target is None or one.target != other.target:
            in_arns = beginning(wanted).startswith("arn:") and beginning(text).startswith("arn:")
            plain_names = in_arns and not one.allowed and not other.allowed and _differently_named(one, other)
            return plain_names and _name_ends(wanted, at) and _name_ends(text, at)
    return False


def _name_ends(text: Sym, at: int) -> bool:
    """As `_ends_name`, of a hole of a text."""
    following = text[at + 1] if at + 1 < len(text) else "/"
    return isinstance(following, str) and following.startswith("/")


@lru_cache(maxsize=1 << 14)
def acts(wanted: Sym, action: str) -> Truth:
    """Whether what a policy writes under `Action` is an action: without regard to case."""
    return match(without_case(like(wanted)), (action,))


def _match(pattern: Pattern, text: Pattern, combinations: int) -> Truth:
    in_arns = pattern[: len(_ARN_START)] == text[: len(_ARN_START)] == _ARN_START
    pattern, text = _without_common_start(pattern, text)
    for hole in (*pattern, *text):
        if isinstance(hole, Hole) and hole.allowed and len(hole.allowed) <= combinations:
            found = {
                _match(_filled(pattern, hole, value), _filled(text, hole, value), combinations // len(hole.allowed))
                for value in hole.allowed
            }
            return found.pop() if len(found) == 1 else Truth.UNKNOWN
    if takes(pattern, text):
        return Truth.YES
    return Truth.UNKNOWN if _possible(pattern, text) and not _distinct(pattern, text, in_arns) else Truth.NO


def _without_common_start(pattern: Pattern, text: Pattern) -> tuple[Pattern, Pattern]:
    """What is left to match behind characters and symbolic values that both begin with: `NAME/*` never fits NAME alone."""
    at = 0
    for item, other in zip(pattern, text, strict=False):
        if isinstance(item, Hole) or isinstance(other, Hole):
            if not (isinstance(item, Hole) and isinstance(other, Hole) and item.target and item.target == other.target):
                break
        elif (item is not other and item != other) or item.loop or item.negated or len(item.chars) != 1:
            break
        at += 1
    return pattern[at:], text[at:]


def _filled(pattern: Pattern, hole: Hole, value: str) -> Pattern:
    out: list[Item] = []
    for item in pattern:
        if item is hole or (hole.target is not None and isinstance(item, Hole) and item.target == hole.target):
            out.extend(literal(char) for char in value)
        else:
            out.append(item)
    return tuple(out)


def takes(pattern: Pattern, text: Pattern) -> bool:
    """Whether a pattern takes whatever another one takes; may say no where it does.

    Holes are taken as signs that nobody else writes, and of their shape.
    """
    seen: set[tuple[int, int]] = set()
    pending = [(0, 0)]
    while pending:
        place = pending.pop()
        if place in seen:
            continue
        seen.add(place)
        i, j = place
        if i == len(pattern):
            if j == len(text):
                return True
            continue
        item = pattern[i]
        if isinstance(item, Hole):
            if j < len(text):
                other = text[j]
                if isinstance(other, Hole) and item.target is not None and item.target == other.target:
                    pending.append((i + 1, j + 1))
            continue
        if item.loop:
            pending.append((i + 1, j))
        if j == len(text):
            continue
        other = text[j]
        if isinstance(other, Token):
            if other.within(item) and (item.loop or not other.loop):
                pending.append((i if item.loop else i + 1, j + 1))
        elif item.loop:
            if all(token.within(item) for token in other.shape):
                pending.append((i, j + 1))
        elif _covers(pattern[i : i + len(other.shape)], other.shape):
            pending.append((i + len(other.shape), j + 1))
    return False


def _covers(part: Pattern, shape: Shape) -> bool:
    """Whether a run of single characters of a pattern takes every text of a shape of fixed length."""
    return len(part) == len(shape) and all(
        isinstance(item, Token) and not item.loop and not token.loop and token.within(item)
        for item, token in zip(part, shape, strict=True)
    )


def _possible(pattern: Pattern, text: Pattern) -> bool:
    """Whether some text fits, with each hole free in its shape."""
    a, b = _unfolded(pattern), _unfolded(text)
    seen: set[tuple[int, int]] = set()
    pending = [(0, 0)]
    while pending:
        place = pending.pop()
        if place in seen:
            continue
        seen.add(place)
        i, j = place
        if i == len(a) and j == len(b):
            return True
        if i < len(a) and a[i].loop:
            pending.append((i + 1, j))
        if j < len(b) and b[j].loop:
            pending.append((i, j + 1))
        if i < len(a) and j < len(b) and a[i].meets(b[j]):
            pending.append((i if a[i].loop else i + 1, j if b[j].loop else j + 1))
    return False


def _unfolded(pattern: Pattern) -> list[Token]:
    out: list[Token] = []
    for item in pattern:
        if isinstance(item, Hole):
            out.extend(item.shape)
        else:
            out.append(item)
    return out


def _distinct(pattern: Pattern, text: Pattern, in_arns: bool) -> bool:
    """Whether the two differ in one hole only, and those are ARNs of two resources that are not the same; or whether, in ARNs
    that begin alike, two such resources are named: no two have the same name there.
    """
    low = 0
    while low < len(pattern) and low < len(text) and _same(pattern[low], text[low]):
        low += 1
    a, b = list(pattern[low:]), list(text[low:])
    if in_arns and a and b and _differently_named(a[0], b[0]) and _ends_name(a) and _ends_name(b):
        return True
    if _end_in_other_keys(pattern, text):
        return True
    while a and b and _same(a[-1], b[-1]):
        a.pop()
        b.pop()
    if len(a) != 1 or len(b) != 1:
        return False
    one, other = a[0], b[0]
    return isinstance(one, Hole) and isinstance(other, Hole) and distinct(one.target, other.target)


def _end_in_other_keys(pattern: Pattern, text: Pattern) -> bool:
    """Whether both end in `/` and the id of a key, which has no `/` in it, and those are two keys."""
    ends = (pattern[-2:], text[-2:])
    if any(len(end) != 2 or end[0] != literal("/") for end in ends):
        return False
    one, other = pattern[-1], text[-1]
    targets = [end.target for end in (one, other) if isinstance(end, Hole) and end.target is not None]
    return [target.attribute for target in targets] == [_KEY_ID, _KEY_ID] and distinct(targets[0], targets[1])


_ARN_START: Pattern = spelled("arn:")


def _differently_named(one: Item, other: Item) -> bool:
    """Whether two holes are the names that AWS makes up for two resources."""
    if not (isinstance(one, Hole) and isinstance(other, Hole)) or one.target is None or other.target is None:
        return False
    names = one.target.attribute == other.target.attribute == "name"
    return names and one.target != other.target and is_made(one.target.address) and is_made(other.target.address)


def _ends_name(items: Sequence[Item]) -> bool:
    """Whether a name that is made up ends after the first item: it has no `/` in it."""
    return len(items) == 1 or items[1] == literal("/")


def _same(one: Item, other: Item) -> bool:
    if isinstance(one, Hole) or isinstance(other, Hole):
        return isinstance(one, Hole) and isinstance(other, Hole) and one.target is not None and one.target == other.target
    return one == other and not one.loop and not one.negated and len(one.chars) == 1


def distinct(one: Target | None, other: Target | None) -> bool:
    """Whether two symbolic values are certainly not the same: ARNs or key ids of two resources that units of the scan make."""
    if one is None or other is None or one == other:
        return False
    alike = (one.attribute in _ARNS and other.attribute in _ARNS) or one.attribute == other.attribute == _KEY_ID
    return alike and is_made(one.address) and is_made(other.address)


def is_made(address: str) -> bool:
    """Whether an address is of a resource that the unit makes; a data source can be any resource."""
    inside = address.rpartition("//")[2]  # what another unit makes is `UNIT//ADDRESS`
    if not inside or ":" in inside or inside.startswith("provider."):
        return False
    return not any(part == "data" for part in inside.split("."))


def equal(one: Sym, other: Sym) -> Truth:
    """Whether two texts are the same."""
    first, second = known(one), known(other)
    if first is not None and second is not None:
        return Truth.of(first == second)
    return _equal(one, other)


@lru_cache(maxsize=1 << 16)
def _equal(one: Sym, other: Sym) -> Truth:
    if one == other and all(isinstance(piece, str) or piece.target is not None for piece in one):
        return Truth.YES
    return match(items(one), other)


def join(parts: Iterable[Sym | str]) -> Sym:
    """Texts and literals, one after the other."""
    out: list[str | Hole] = []
    for part in parts:
        for piece in (part,) if isinstance(part, str) else part:
            if isinstance(piece, str):
                _literal(out, piece)
            else:
                out.append(piece)
    return tuple(out)
