"""Which texts of a scan are secrets, and excerpts of the source without them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from kmsguard.model.finding import ExcerptLine, Judgement
from kmsguard.model.redaction import Redactor, mask
from kmsguard.model.resource import Graph
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Value

SHOWN_LINES = 5
LONG = 2000  # a longer line (a template in one line) is shown around what is marked
AROUND = 400
MASKED_AROUND = 4000  # what is shown is masked with so much around it: no text that is masked reaches further
LEAST = 4  # a shorter secret is masked only where it stands: its characters are many a number and word
WORDS = frozenset({"password", "secret", "token", "value", "root", "admin", "true", "false", "null", "none", "name", "user"})
"""Of our own messages, of ARNs and of JSON: one of these is masked only where it stands, or where it is all of a value."""
PARTS = 6  # a shorter literal piece of an interpolated secret gives nothing away

_KEY = r'\["(?:[^"\\]|\\.)*"\]'

_TAG = r"![A-Z]\w+"  # `!Ref`


class Secrets:
    """The secrets of a scan: as texts, and where they stand."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._places: dict[str, dict[Span, None]] = {}
        self._redactor: Redactor | None = None
        self._lines: dict[tuple[str, int], list[tuple[int, int]]] = {}  # of long lines: where secrets stand in them

    def add(self, value: Value) -> None:
        """A value that must not be shown, with all that it holds."""
        for part in value.walk():
            if isinstance(part.data, str):
                self._place(part.span)
        for text in _texts(value):
            self._texts[text] = None
        self._redactor = None
        self._lines.clear()

    def _place(self, span: Span | None) -> None:
        if span is not None:
            self._places.setdefault(span.file, {})[span] = None

    def text(self, text: str) -> str:
        """A message without secrets."""
        if self._redactor is None:
            self._redactor = Redactor(t for t in self._texts if len(t) >= LEAST and t.lower() not in WORDS)
        return self._redactor(text)

    def address(self, address: str) -> str:
        """An address without secrets: only keys of instances can be one; a name that equals one is still a name."""
        return re.sub(_KEY, lambda match: self.text(match.group()), address) if "[" in address else address

    def value(self, text: str) -> str:
        """A value of the input: masked where it is a secret itself, otherwise without those that stand in it."""
        from kmsguard.secrets.look import look

        if text in self._texts:
            return mask(text)
        for found in reversed(look(text)):
            text = text[: found.start] + mask(text[found.start : found.end]) + text[found.end :]
        return self.text(text)

    def line(self, source: Source, number: int, start: int, end: int) -> ExcerptLine:
        """A line of the source without secrets, and where its columns from `start` to before `end` are then (0: none).

        Of a long line a part: what is marked, or its beginning, with something around it.
        """
        text = source.line(number)
        if len(text) <= LONG:
            return self._shown(number, text, self._covered(source, number, text), start, end)
        covered = self._lines.get((source.path, number))
        if covered is None:
            covered = self._lines[source.path, number] = self._covered(source, number, text)
        low = max(start - MASKED_AROUND, 1)
        high = min(min(end, start + LONG) + MASKED_AROUND, len(text) + 1)
        held = [place for place in covered[bisect_right(covered, low, key=lambda place: place[1]) :] if place[0] < high]
        if held:
            low, high = min(low, held[0][0]), max(high, held[-1][1])
        before = low - 1
        inside = [(first - before, last - before) for first, last in held]
        marked = (start - before, min(end, high) - before) if start else (0, 0)
        return _clipped(self._shown(number, text[before : high - 1], inside, *marked), before > 0, high <= len(text))

    def _shown(self, number: int, text: str, covered: list[tuple[int, int]], start: int, end: int) -> ExcerptLine:
        """A text in which secrets stand at some columns, without them."""
        pieces: list[str] = []
        moves: list[tuple[int, int, int]] = []  # where a secret begins and ends, and how long its mask is
        at = 1
        for low, high in covered:
            hidden = _masked(text[low - 1 : high - 1])
            pieces += [text[at - 1 : low - 1], hidden]
            moves.append((low, high, len(hidden)))
            at = high
        pieces.append(text[at - 1 :])
        plain = "".join(pieces)
        shown = self.text(plain)
        if not start:
            return ExcerptLine(number, shown)
        low, high = _moved(start, moves), _moved(end, moves, ends=True)
        if shown != plain:
            low, high = len(self.text(plain[: low - 1])) + 1, len(self.text(plain[: high - 1])) + 1
        return ExcerptLine(number, shown, low, high)

    def _covered(self, source: Source, number: int, text: str) -> list[tuple[int, int]]:
        """The columns of a line in which secrets stand, in order, none of them twice.

        What looks like one is hidden too: a scan that is not asked for secrets must not show them either.
        """
        from kmsguard.secrets.look import look

        length = len(text)
        covered = [(f.start + 1, f.end + 1) for f in look(text) if not re.fullmatch(_TAG, text[f.start : f.end])]
        for span in self._places.get(source.path, ()):
            if span.start_line <= number <= span.end_line:
                low = span.start_column if span.start_line == number else 1
                high = span.end_column if span.end_line == number else length + 1
                if low < high <= length + 1:
                    covered.append((low, high))
        out: list[tuple[int, int]] = []
        for low, high in sorted(covered):
            if out and low < out[-1][1]:
                out[-1] = (out[-1][0], max(high, out[-1][1]))
            else:
                out.append((low, high))
        return out

    def excerpt(self, source: Source, span: Span, head: Span | None) -> tuple[ExcerptLine, ...]:
        """The lines of a place, its first ones where it is long; of a whole block its head."""
        marked = head if head is not None and head.file == span.file else span
        lines = []
        for number in range(marked.start_line, min(marked.end_line, marked.start_line + SHOWN_LINES - 1) + 1):
            length = len(source.line(number))
            start = (
                marked.start_column
                if number == marked.start_line
                else len(source.line(number)) - len(source.line(number).lstrip()) + 1
            )
            end = min(marked.end_column, length + 1) if number == marked.end_line else length + 1
            lines.append(self.line(source, number, start if end > start else 0, end if end > start else 0))
        return tuple(lines)


def _moved(column: int, moves: list[tuple[int, int, int]], *, ends: bool = False) -> int:
    """Where a column of a line is once its secrets are masked: one inside of a secret is its mask's beginning, or its end."""
    shift = 0
    for low, high, length in moves:
        if column <= low:
            break
        if column < high:
            return low + shift + (length if ends else 0)
        shift += length - (high - low)
    return column + shift


def _clipped(line: ExcerptLine, before: bool, after: bool) -> ExcerptLine:
    """A line around its mark; `before` and `after` say whether something of it was left out already."""
    first = max(line.start - 1 - AROUND, 0)
    last = min(max(min(line.end, line.start + LONG), 1) + AROUND, len(line.text))
    head = "…" if before or first else ""
    text = head + line.text[first:last] + ("…" if after or last < len(line.text) else "")
    if not line.start:
        return ExcerptLine(line.number, text)
    shift = len(head) - first
    return ExcerptLine(line.number, text, line.start + shift, min(line.end, last + 1) + shift)


def _masked(secret: str) -> str:
    """A secret in the source, the quotes around it kept."""
    stripped = secret.strip()
    quote = stripped[:1] if len(stripped) > 1 and stripped[:1] in "\"'" and stripped[-1:] == stripped[:1] else ""
    inner = stripped[1:-1] if quote else stripped
    before = secret[: len(secret) - len(secret.lstrip())]
    return f"{before}{quote}{mask(inner) if inner else ''}{quote}"


def _texts(value: Value) -> Iterator[str]:
    text = value.text
    if text is not None:
        yield text
        return
    for part in value.walk():
        whole = part.text
        if whole is not None and (len(whole) >= PARTS or part is value):
            yield whole


def secrets_of(graphs: Iterable[Graph], judgements: Iterable[Judgement] = ()) -> Secrets:
    """What must not be shown: what rules found to be secret, attributes that are by their nature, and sensitive values."""
    secrets = Secrets()
    for judgement in judgements:
        for evidence in judgement.evidence:
            if evidence.secret is not None:
                secrets.add(evidence.secret)
    for graph in graphs:
        for resource in graph.resources:
            for name in resource.secrets:
                value = resource.attributes.get(name)
                if value is not None:
                    secrets.add(value)
        for unit in graph.units.values():
            for declaration in unit.declarations:
                if unit.dialect == "terraform-plan":  # it holds what it calls sensitive as it is
                    for part in declaration.body.walk():
                        if part.sensitive:
                            secrets.add(part)
                if declaration.mode in ("variable", "parameter"):
                    for value in declaration.body.members.values():
                        if value.sensitive:
                            secrets.add(value)
    return secrets
