"""Where things stand: files, and places in them."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

import msgspec

_BEYOND = 1 << 62


# `gc=False`, here and of values, formulas and nodes: they are many, and none can be part of a cycle, so that the search for
# cycles need not go through them. With it reading took more than twice as long for twice the file.
class Span(msgspec.Struct, frozen=True, gc=False, order=True):
    """A place in a file. Lines and columns count from 1, columns in Unicode code points, the end column is exclusive."""

    file: str
    start_line: int
    start_column: int
    end_line: int
    end_column: int

    def to(self, end: Span) -> Span:
        """The place from the start of this one to the end of another one of the same file."""
        return Span(self.file, self.start_line, self.start_column, end.end_line, end.end_column)

    def within(self, other: Span) -> bool:
        """Whether this place lies inside `other` (equal counts)."""
        return (
            self.file == other.file
            and (other.start_line, other.start_column) <= (self.start_line, self.start_column)
            and (self.end_line, self.end_column) <= (other.end_line, other.end_column)
        )


class Source:
    r"""The text of one file, and the only place where offsets (code points from 0) become lines and columns.

    `path` is the path as it stands in the report: relative to the working directory, with forward slashes. A byte order
    mark is not part of `text`; `\r\n` stays as it is (the line ends after `\n`).
    """

    __slots__ = ("__dict__", "_near", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._near = 1  # the line in which the last span began: the next one mostly begins there, or a line further on

    @cached_property
    def _starts(self) -> list[int]:
        """The offset of the start of every line; two more that no offset reaches, so that every line has a next one."""
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        starts += (_BEYOND, _BEYOND)
        return starts

    def place(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column; the inverse of `place`."""
        return self._starts[line - 1] + column - 1

    def span(self, start: int, end: int) -> Span:
        """The place of the characters from offset `start` to before offset `end`."""
        starts = self._starts
        line = self._near
        if not starts[line - 1] <= start < starts[line]:
            line = self._line_of(start)
        begin = starts[line - 1]
        if end < starts[line]:  # most places lie in one line
            return Span(self.path, line, start - begin + 1, line, end - begin + 1)
        end_line = bisect_right(starts, end)
        return Span(self.path, line, start - begin + 1, end_line, end - starts[end_line - 1] + 1)

    def spans(self, start: int, inner: int, end: int) -> tuple[Span, Span]:
        """Two places with one end: the one that begins at `start`, and one in it that begins at `inner`."""
        starts = self._starts
        line = self._near
        if not starts[line - 1] <= start < starts[line]:
            line = self._line_of(start)
        begin = starts[line - 1]
        if end < starts[line]:
            column = end - begin + 1
            return Span(self.path, line, start - begin + 1, line, column), Span(
                self.path, line, inner - begin + 1, line, column
            )
        end_line = bisect_right(starts, end)
        column = end - starts[end_line - 1] + 1
        outer = Span(self.path, line, start - begin + 1, end_line, column)
        if inner >= starts[line]:
            line = self._line_of(inner)
            begin = starts[line - 1]
        return outer, Span(self.path, line, inner - begin + 1, end_line, column)

    def _line_of(self, offset: int) -> int:
        """The line of an offset that does not lie in the last one."""
        starts, line = self._starts, self._near
        line = line + 1 if starts[line] <= offset < starts[line + 1] else bisect_right(starts, offset)
        self._near = line
        return line

    def slice(self, span: Span) -> str:
        """The text that stands at a place."""
        return self.text[self.offset(span.start_line, span.start_column) : self.offset(span.end_line, span.end_column)]

    def line(self, number: int) -> str:
        """A line without its end; empty past the last one."""
        if not 1 <= number < len(self._starts) - 1:
            return ""
        return self.text[self._starts[number - 1] : self._starts[number]].rstrip("\r\n")
