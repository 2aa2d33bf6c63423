"""Regular expressions in RE2's syntax: what Go accepts is accepted, and no pattern takes more than linear time.

A pattern is parsed, and run by Python's engine where that gives the same and cannot take long, else by a machine that follows
all ways at once, as RE2 does. See https://github.com/google/re2/wiki/Syntax and https://swtch.com/~rsc/regexp/regexp2.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from kmsguard.terraform.functions.adapt import FunctionError
from kmsguard.terraform.functions.pattern_syntax import Node, Syntax, parse

MOST_STEPS = 3_000_000
"""So many steps a search may take: instructions of the pattern times characters of the text."""
QUICK_STEPS = 10_000_000
"""Up to so many steps of Python's engine it is used."""


class Match(msgspec.Struct, frozen=True):
    """Where a pattern matches: the start and end of the whole and of each group, -1 where a group took no part."""

    text: str
    spans: tuple[int, ...]

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.spans[0]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.spans[1]

    def group(self, number: int) -> str | None:
        """What a group matched; None where it took no part, or is none."""
        if not 0 <= number < len(self.spans) // 2:
            return None
        start, end = self.spans[2 * number], self.spans[2 * number + 1]
        return None if start < 0 else self.text[start:end]


class Pattern:
    """A regular expression. `names` are those of its groups, in their order; None for a group without name."""

    def __init__(self, node: Node, syntax: Syntax) -> None:
        self.names = syntax.names
        self.quick: re.Pattern[str] | None = None
        if not syntax.slow:
            try:
                self.quick = re.compile(syntax.python(node))
            except (re.error, OverflowError, RecursionError):
                self.quick = None
        self._power = syntax.power
        self._node = node
        self._program: list[tuple[str, object, int]] | None = None

    def search(self, text: str, at: int = 0) -> Match | None:
        """The leftmost match from a position on.

        Raises:
            FunctionError: where the search would take too long.
        """
        if self.quick is not None and len(text) ** self._power <= QUICK_STEPS:
            found = self.quick.search(text, at)
            if found is None:
                return None
            spans = [place for number in range(len(self.names) + 1) for place in found.span(number)]
            return Match(text, tuple(spans))
        if self._program is None:
            self._program = program(self._node)
        return run(self._program, text, at, len(self.names))

    def all(self, text: str) -> Iterator[Match]:
        """All matches, one behind the other; an empty one does not stand directly behind another match."""
        at, before = 0, -1
        while at <= len(text):
            match = self.search(text, at)
            if match is None:
                return
            if match.end > match.start or match.start != before:
                yield match
            before = match.end
            at = match.end if match.end > match.start else match.end + 1


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Pattern:
    """The pattern.

    Raises:
        FunctionError: where it is none to RE2.
    """
    node, syntax = parse(pattern)
    return Pattern(node, syntax)


_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


def expand(template: str, match: Match, names: list[str | None]) -> str:
    """The replacement of a match: `$1`, `${name}`, `$$`; of a group that is none, nothing."""

    def group(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        if name.isdigit():
            return match.group(int(name)) or ""
        return next((match.group(n) or "" for n, other in enumerate(names, 1) if other == name and match.group(n)), "")

    return _REFERENCE.sub(group, template)


# --- the machine ------------------------------------------------------------------------------------------------------------


def program(node: Node) -> list[tuple[str, object, int]]:
    """The instructions of a pattern: `char TEST`, `split A B` (A is preferred), `jump A`, `save N`, `assert TEST`, `match`.

    Raises:
        FunctionError: where there are too many of them.
    """
    code: list[tuple[str, object, int]] = [("save", 0, 0)]
    _emit(node, code)
    code.append(("save", 1, 0))
    code.append(("match", None, 0))
    return code


def _emit(node: Node, code: list[tuple[str, object, int]]) -> None:
    if len(code) > 20_000:
        raise FunctionError("this regular expression is too large")
    kind = node[0]
    if kind == "char":
        code.append(("char", node[1], 0))
    elif kind == "assert":
        code.append(("assert", node[1], 0))
    elif kind == "group":
        code.append(("save", 2 * node[1], 0))
        _emit(node[2], code)
        code.append(("save", 2 * node[1] + 1, 0))
    elif kind == "sequence":
        for part in node[1]:
            _emit(part, code)
    elif kind == "either":
        ends = []
        for part in node[1][:-1]:
            at = len(code)
            code.append(("split", at + 1, 0))
            _emit(part, code)
            ends.append(len(code))
            code.append(("jump", None, 0))
            code[at] = ("split", at + 1, len(code))
        _emit(node[1][-1], code)
        for at in ends:
            code[at] = ("jump", len(code), 0)
    else:
        _repeat(node, code)


def _repeat(node: Node, code: list[tuple[str, object, int]]) -> None:
    _, inner, least, most, greedy = node
    if most is None:
        # at least once, and from its end back again; in front of that a way around it
        around = len(code)
        if not least:
            code.append(("split", 0, 0))
        for _ in range(max(least, 1)):
            at = len(code)
            _emit(inner, code)
        end = len(code)
        code.append(("split", at, end + 1) if greedy else ("split", end + 1, at))
        if not least:
            code[around] = ("split", around + 1, len(code)) if greedy else ("split", len(code), around + 1)
        return
    for _ in range(least):
        _emit(inner, code)
    splits = []
    for _ in range(most - least):
        splits.append(len(code))
        code.append(("split", 0, 0))
        _emit(inner, code)
    for at in splits:
        code[at] = ("split", at + 1, len(code)) if greedy else ("split", len(code), at + 1)


_Thread = tuple[int, tuple[int, ...]]


def run(code: list[tuple[str, object, int]], text: str, start: int, groups: int) -> Match | None:
    """The leftmost match, of those the preferred one; all ways are followed at once."""
    if len(code) * (len(text) - start + 1) > MOST_STEPS:
        raise FunctionError("this regular expression cannot be followed on so long a text")
    empty = (-1,) * (2 * groups + 2)
    threads: list[_Thread] = []
    best: tuple[int, ...] | None = None
    for at in range(start, len(text) + 1):
        seen: set[int] = set()
        waiting = [*threads, (0, empty)] if best is None else threads
        alive: list[_Thread] = []
        for counter, saved in waiting:
            _follow(code, counter, saved, text, at, seen, alive)
        threads = []
        for counter, saved in alive:
            operation, test, _ = code[counter]
            if operation == "match":
                best = saved
                break  # whatever follows is less preferred
            if at < len(text) and test(text[at]):  # type: ignore[operator]
                threads.append((counter + 1, saved))
        if not threads and best is not None:
            break
    return None if best is None else Match(text, best)


def _follow(
    code: list[tuple[str, object, int]],
    counter: int,
    saved: tuple[int, ...],
    text: str,
    at: int,
    seen: set[int],
    alive: list[_Thread],
) -> None:
    pending = [(counter, saved)]
    while pending:
        counter, saved = pending.pop()
        if counter in seen:
            continue
        seen.add(counter)
        operation, first, second = code[counter]
        if operation == "jump":
            pending.append((first, saved))  # type: ignore[arg-type]
        elif operation == "split":
            pending.append((second, saved))
            pending.append((first, saved))  # type: ignore[arg-type]
        elif operation == "save":
            number: int = first  # type: ignore[assignment]
            pending.append((counter + 1, (*saved[:number], at, *saved[number + 1 :])))
        elif operation == "assert":
            if first(text, at):  # type: ignore[operator]
                pending.append((counter + 1, saved))
        else:
            alive.append((counter, saved))
