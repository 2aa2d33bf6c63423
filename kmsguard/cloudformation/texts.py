"""Texts that are put together from pieces, and taken apart again, with the places of their characters kept."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import accumulate

import msgspec

from kmsguard.model.source import Span
from kmsguard.model.value import (
    ABSENT,
    ACCOUNT,
    PARTITION,
    REGION,
    Branch,
    Choice,
    Fragment,
    Target,
    Text,
    Unknown,
    Value,
    flatten,
    map_choices,
)

AFTER_DEPLOYMENT = "known after deployment"
MAX_TEXT = 1_000_000  # characters; a template has no more, and texts that are put together of themselves double at each step
MAX_PIECES = 10_000
HOLE = "\ufffc"  # stands for a piece that is not known, where a text is searched
TOO_LONG = Unknown("a text that is too long", not_null=True)
_DYNAMIC = re.compile(r"\{\{resolve:(?:ssm:([\w./-]+)\}\}|[^{}]*\}\})")


def scalar_text(value: Value) -> str | None:
    """A scalar as the text that CloudFormation makes of it; None for what is no scalar or not wholly known."""
    data = value.data
    if isinstance(data, str):
        return data
    if isinstance(data, Text):
        return data.known
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, (int, float, Decimal)):
        return str(data)
    return None


def pieces_of(value: Value, within: Span | None = None) -> tuple[Value, ...] | None:
    """A value as pieces of a text; None where it is no text (a list or map).

    Pieces that stand elsewhere (a parameter's default, a mapping) get the place `within`, where they come in.
    """
    data = value.data
    if type(data) is str:  # what most values are
        return (_placed(_literal(value, data), within),) if data else ()
    if isinstance(data, Text):
        return tuple(_placed(piece, within, value.sensitive) for piece in data.pieces)
    if isinstance(data, Unknown):
        return (_placed(value, within),)
    if isinstance(data, Choice):
        branches = []
        for branch in data.branches:
            inner = pieces_of(branch.value, within)
            if inner is None:
                return None
            branches.append(Branch(branch.guard, joined(inner, within)))
        return (_placed(value.with_data(Choice(tuple(branches))), within),)
    if data is ABSENT or data is None:
        return ()
    text = scalar_text(value)
    if text is None:
        return None
    if not text:
        return ()
    return (_placed(_literal(value, text), within),)


def _literal(value: Value, text: str) -> Value:
    """A scalar as a piece of a text."""
    return Value(text, unquoted(value.span, len(text)), None, value.trail, value.refs, value.sensitive)


def _placed(piece: Value, within: Span | None, sensitive: bool = False) -> Value:
    span = piece.span
    if within is not None and (span is None or not span.within(within)):
        span = within
    if span is piece.span and piece.place is None and (piece.sensitive or not sensitive):
        return piece
    return msgspec.structs.replace(piece, span=span, place=None, sensitive=piece.sensitive or sensitive)


def unquoted(span: Span | None, length: int) -> Span | None:
    """The place of a literal's characters, its quotes left out."""
    if span is None or span.start_line != span.end_line or span.end_column - span.start_column != length + 2:
        return span
    return Span(span.file, span.start_line, span.start_column + 1, span.end_line, span.end_column - 1)


def joined(pieces: Iterable[Value], span: Span | None) -> Value:
    """A text made of pieces: the piece itself where it is one alone. Dynamic references in it become holes."""
    parts = [piece for piece in pieces if piece.data != ""]
    for piece in parts:
        if isinstance(piece.data, str) and "resolve:" in piece.data:
            parts = _without_dynamic_references(parts)
            break
    if not parts:
        return Value("", span)
    if len(parts) == 1:
        return parts[0]
    sensitive = any(piece.sensitive for piece in parts)
    if too_long(parts):
        return Value(TOO_LONG, span, sensitive=sensitive)
    return Value(Text(tuple(parts)), span, sensitive=sensitive)


def too_long(pieces: Sequence[Value]) -> bool:
    """Whether a text of these pieces is larger than any template."""
    return len(pieces) > MAX_PIECES or sum(len(piece.data) for piece in pieces if isinstance(piece.data, str)) > MAX_TEXT


def sliced(pieces: Iterable[Value], start: int, end: int) -> Iterator[Value]:
    """The pieces of the characters from `start` to before `end`; a hole counts one character."""
    at = 0
    for piece in pieces:
        data = piece.data
        length = len(data) if isinstance(data, str) else 1
        low, high = max(start - at, 0), min(end - at, length)
        at += length
        if low >= high:
            continue
        if not isinstance(data, str) or (low == 0 and high == length):
            yield piece
            continue
        span = piece.span
        if span is not None and span.start_line == span.end_line and span.end_column - span.start_column == length:
            span = Span(span.file, span.start_line, span.start_column + low, span.start_line, span.start_column + high)
        yield msgspec.structs.replace(piece, data=data[low:high], span=span)


class Whole:
    """A text that is cut up, each time at a cost that hangs on what is cut out alone."""

    __slots__ = ("_line", "_offsets", "_only", "pieces")

    def __init__(self, pieces: tuple[Value, ...]) -> None:
        self.pieces = pieces
        self._only = pieces[0] if len(pieces) == 1 else None
        self._line: Span | None = None  # of a literal that stands in one line as it is
        if self._only is not None and isinstance(self._only.data, str):
            span, length = self._only.span, len(self._only.data)
            if span is not None and span.start_line == span.end_line and span.end_column - span.start_column == length:
                self._line = span
        self._offsets: list[int] | None = None  # of the pieces

    def cut(self, start: int, end: int) -> Iterable[Value]:
        """The pieces of the characters from `start` to before `end`; a hole counts one character."""
        only = self._only
        if self._line is None or only is None or not isinstance(only.data, str):
            pieces, before = self._around(start, end)
            return sliced(pieces, start - before, end - before)
        if start >= end:
            return ()
        return (Value(only.data[start:end], self.place(start, end), None, only.trail, only.refs, only.sensitive),)

    def place(self, start: int, end: int) -> Span | None:
        """Where these characters stand."""
        line = self._line
        if line is None:
            pieces, before = self._around(start, end)
            return Text(pieces).place(start - before, end - before)
        return Span(line.file, line.start_line, line.start_column + start, line.start_line, line.start_column + end)

    def _around(self, start: int, end: int) -> tuple[tuple[Value, ...], int]:
        """The pieces that hold some characters, and the offset of the first of them."""
        if self._offsets is None:
            lengths = (len(piece.data) if isinstance(piece.data, str) else 1 for piece in self.pieces)
            self._offsets = list(accumulate(lengths, initial=0))
        first = max(bisect_right(self._offsets, start) - 1, 0)
        return self.pieces[first : bisect_right(self._offsets, end)], self._offsets[first]


def searchable(pieces: Iterable[Value]) -> str:
    """The text with one character for every hole."""
    return "".join(piece.data if isinstance(piece.data, str) else HOLE for piece in pieces)


def _without_dynamic_references(pieces: list[Value]) -> list[Value]:
    """See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html."""
    text = searchable(pieces)
    parts: list[Value] = []
    at = 0
    for match in _DYNAMIC.finditer(text):
        parts.extend(sliced(pieces, at, match.start()))
        inside = list(sliced(pieces, match.start(), match.end()))
        refs = [ref for piece in inside for ref in (*piece.refs, *([piece.target] if piece.target is not None else []))]
        reference = "".join(piece.data if isinstance(piece.data, str) else f"${{{hole_name(piece)}}}" for piece in inside)
        place = Text(tuple(pieces)).place(match.start(), match.end())
        target = stored(match.group(1)) if match.group(1) and HOLE not in reference else None
        hole = Unknown("dynamic reference", reference, target, not_null=True)
        parts.append(Value(hole, place, refs=tuple(dict.fromkeys(refs))))
        at = match.end()
    parts.extend(sliced(pieces, at, len(text)))
    return parts


def stored(name: str) -> Target:
    """The value of a parameter of Systems Manager, whoever makes it."""
    return Target(f"ssm:{name}", "")


def hole_name(piece: Value) -> str:
    """What a hole is called where a text is shown."""
    return piece.data.reference or piece.data.reason if isinstance(piece.data, Unknown) else "?"


def spread(value: Value) -> Value:
    """A text whose holes hang on conditions, as a Choice between texts; any other value as it is."""
    data = value.data
    if not isinstance(data, Text) or not any(isinstance(piece.data, Choice) for piece in data.pieces):
        return value
    return map_choices(lambda pieces: joined((q for p in pieces for q in pieces_of(p) or ()), value.span), data.pieces)


def settled(value: Value) -> Value:
    """A list some of whose elements may be left out, as a Choice between lists; any other value as it is."""
    items = value.data
    if not isinstance(items, tuple):
        return value
    loose = [n for n, item in enumerate(items) if any(leaf.data is ABSENT for _, leaf in flatten(item))]
    if not loose:
        return value

    def settle(chosen: tuple[Value, ...]) -> Value:
        now = dict(zip(loose, chosen, strict=True))
        return value.with_data(tuple(i for i in (now.get(n, item) for n, item in enumerate(items)) if i.data is not ABSENT))

    return map_choices(settle, tuple(items[n] for n in loose))


def applied(function: Callable[[tuple[Value, ...]], Value], *arguments: Value) -> Value:
    """A function of scalars and lists, under each way in which its arguments can turn out."""
    return map_choices(function, tuple(settled(spread(argument)) for argument in arguments))


def underived(values: Iterable[Value], what: str) -> Value:
    """What a function returns whose arguments are not known: unknown for the same reason."""
    reason: str | None = None
    reference: str | None = None
    refs: dict[Target, None] = {}
    for value in values:
        for part in value.walk():
            if isinstance(part.data, Unknown):
                if reason is None:
                    reason, reference = part.data.reason, part.data.reference
                if part.data.target is not None:
                    refs[part.data.target] = None
            refs.update(dict.fromkeys(part.refs))
    sensitive = any(value.sensitive for value in values)
    return Value(Unknown(reason or what, reference, not_null=True), refs=tuple(refs), sensitive=sensitive)


def fragment(unknown: Value, of: Value, delimiter: str, index: int | None = None) -> Value:
    """An unknown value of which it is known that it is a part of a text, or (without an index) all its parts."""
    data = unknown.data
    assert isinstance(data, Unknown)
    return unknown.with_data(
        Fragment(data.reason, data.reference, not_null=data.not_null, of=of, delimiter=delimiter, index=index)
    )


def split(value: Value, delimiter: str) -> tuple[Value, ...] | None:
    """A text split at a delimiter; None where a hole in it may hold the delimiter."""
    pieces = pieces_of(value)
    if pieces is None or not delimiter:
        return None
    if not all(isinstance(piece.data, str) or _holds_no(piece, delimiter) for piece in pieces):
        return None
    text = searchable(pieces)
    parts: list[Value] = []
    at = 0
    while True:
        end = text.find(delimiter, at)
        stop = end if end >= 0 else len(text)
        part = joined(sliced(pieces, at, stop), value.span)
        # what the parts are taken from is what the text was
        parts.append(
            msgspec.structs.replace(part, trail=part.trail or value.trail, sensitive=part.sensitive or value.sensitive)
        )
        if end < 0:
            return tuple(parts)
        at = end + len(delimiter)


def _holds_no(hole: Value, delimiter: str) -> bool:
    target = hole.target
    if target in (ACCOUNT, REGION, PARTITION):
        return not re.match(r"[a-z0-9-]", delimiter)
    # names, ids and ARNs of resources: no comma is allowed in them
    return delimiter == "," and isinstance(hole.data, Unknown) and hole.data.reason == AFTER_DEPLOYMENT
