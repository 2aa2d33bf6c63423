"""A text that is put together from pieces, each with a place of its own: where its characters stand and were taken from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import TypeAlias

from msgspec.structs import replace

from kmsguard.model.source import Span
from kmsguard.model.value import Step, Target, Text, Value

HOLE = "\ue000"  # stands in the text for a hole; which holes there are is told by their offsets, never by this character
Origin: TypeAlias = tuple[tuple[Target, ...], Step | None, bool]  # refs, trail, sensitive


def joined(one: tuple[Target, ...], other: tuple[Target, ...]) -> tuple[Target, ...]:
    """What two parts of a text refer to, each once."""
    return one if not other else tuple(dict.fromkeys((*one, *other)))


def _joined_ways(part: Step | None, whole: Step | None) -> Step | None:
    """The way of a part of a text: its own, and then that of the text."""
    return part if whole is None else whole.behind(part)


def leaves(values: Sequence[Value]) -> Iterator[Value]:
    """The pieces of a text, those of texts in it among them; a text that encodes JSON stays one piece."""
    for value in values:
        data = value.data
        if isinstance(data, Text) and (data.encodes is None or data.encoding != "json"):
            for piece in leaves(data.pieces):
                yield replace(
                    piece,
                    refs=joined(piece.refs, value.refs),
                    trail=_joined_ways(piece.trail, value.trail),
                    sensitive=piece.sensitive or value.sensitive,
                )
        elif isinstance(data, bool):
            yield value.with_data("true" if data else "false")
        elif isinstance(data, (int, float, Decimal)):
            yield value.with_data(str(data))
        elif data != "":
            yield value


class PiecedText:
    """A text that is made of pieces, each with a place of its own; `text` has one character for a hole, `holes` tells where."""

    def __init__(self, value: Value, pieces: list[Value]) -> None:
        self.value = value
        self.pieces = pieces
        self.starts: list[int] = []
        self.holes: dict[int, Value] = {}
        texts: list[str] = []
        at = 0
        for piece in pieces:
            self.starts.append(at)
            if isinstance(piece.data, str):
                texts.append(piece.data)
                at += len(piece.data)
            else:
                self.holes[at] = piece
                texts.append(HOLE)
                at += 1
        self.text = "".join(texts)
        own = [number if self._own(piece) else None for number, piece in enumerate(pieces)]
        # the nearest piece at or before, and at or behind, that stands in the text itself
        self.before: list[int | None] = list(accumulate(own, _latest))
        self.after: list[int | None] = list(accumulate(reversed(own), _latest))[::-1]

    def index(self, offset: int) -> int:
        """The piece that holds the character at an offset."""
        return bisect_right(self.starts, offset) - 1

    def where(self, start: int, end: int) -> Span | None:
        """The place in the source of the characters from `start` to before `end`.

        What a text was put together from may stand elsewhere, or nowhere: the place is where it was put in.
        """
        first, last = self.index(start), self.index(end - 1)
        if first == last and self.pieces[first].span is not None:
            return _part(self.pieces[first], start - self.starts[first], end - self.starts[first])
        low, high = self.before[first], self.after[last]
        if low is None or high is None:
            return self.value.span
        head = _part(self.pieces[low], start - self.starts[low] if low == first else 0, None)
        tail = _part(self.pieces[high], 0, end - self.starts[high] if high == last else None)
        if head is None or tail is None or head.file != tail.file:
            return self.value.span
        begin = (head.start_line, head.start_column) if low == first else (head.end_line, head.end_column)
        stop = (tail.end_line, tail.end_column) if high == last else (tail.start_line, tail.start_column)
        return Span(head.file, *begin, *stop) if begin <= stop else self.value.span

    def _own(self, piece: Value) -> bool:
        """Whether a piece stands in the text itself."""
        whole = self.value.span
        return piece.span is not None and (whole is None or piece.span.within(whole))

    def origin(self, start: int, end: int) -> Origin:
        """Where the characters from `start` to before `end` were taken from."""
        refs: dict[Target, None] = {}
        trail: Step | None = None
        sensitive = self.value.sensitive
        if end > start:
            for piece in self.pieces[self.index(start) : self.index(end - 1) + 1]:
                refs.update(dict.fromkeys(piece.refs))
                if trail is None and piece.trail is not self.value.trail:
                    trail = piece.trail
                sensitive = sensitive or piece.sensitive
        return tuple(refs), trail or self.value.trail, sensitive

    def cut(self, start: int, end: int) -> Iterator[Value]:
        """The pieces of a run of characters that stand for themselves."""
        for number in range(self.index(start), self.index(end - 1) + 1):
            piece, begin = self.pieces[number], self.starts[number]
            if isinstance(piece.data, Text):
                yield from leaves((piece.with_data(Text(piece.data.pieces)),))
            elif not isinstance(piece.data, str):
                yield piece
            else:
                low, high = max(start - begin, 0), min(end - begin, len(piece.data))
                yield replace(piece, data=piece.data[low:high], span=_part(piece, low, high), place=None)


def _latest(before: int | None, now: int | None) -> int | None:
    return before if now is None else now


def _part(piece: Value, low: int, high: int | None) -> Span | None:
    """The place of the characters from `low` to before `high` (None: the end) of a piece."""
    span, data = piece.span, piece.data
    if span is None or not isinstance(data, str):
        return span
    length = len(data)
    last = high is None or high >= length
    if low == 0 and last:
        return span
    begin = span.start_column
    if span.start_line == span.end_line:
        width = span.end_column - begin
        if width == length + 2:
            begin += 1  # its quotes
            last = False
        elif width != length:
            return span
    elif not (data.endswith("\n") and span.end_column == 1 and span.end_line == span.start_line + 1):
        return span
    if last:
        return Span(span.file, span.start_line, begin + low, span.end_line, span.end_column)
    return Span(
        span.file, span.start_line, begin + low, span.start_line, begin + (length if high is None else min(high, length))
    )
