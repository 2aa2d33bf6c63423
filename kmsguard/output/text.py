"""The report for people in a terminal: the source with the place marked, why it matters, and what to do."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator

import msgspec

from kmsguard.model.characters import encodable, visible, visible_line
from kmsguard.model.declaration import Problem
from kmsguard.model.finding import ExcerptLine, Passed, Report
from kmsguard.output.groups import (
    Group,
    Options,
    advice,
    error_line,
    failures,
    grouped,
    place,
    scope_line,
    shown,
    verdict_line,
)

Ink = Callable[[str, str], str]
"""(style, text) -> the text in that style."""

MIN_WIDTH = 40
TAB = "    "
LEAD = 10  # columns that stay before the marked place, where a line is cut on its left
_MANY = 4  # variables without a value that are told as one
LABEL = 8  # width of the labels under an excerpt

# Of the 16 colours that a terminal has, so that they fit its theme.
STYLES = {
    "critical": "1;97;41",
    "high": "1;31",
    "medium": "1;33",
    "low": "1;36",
    "info": "1;34",
    "unknown": "1;35",
    "error": "1;31",
    "warning": "1;33",
    "good": "1;32",
    "bold": "1",
    "faint": "2",
    "gutter": "34",
    "fix": "32",
}


class Page(msgspec.Struct, frozen=True):
    """What a finding is drawn with."""

    width: int
    ink: Ink
    digits: int = 1  # of the greatest line number of its excerpt

    @property
    def gutter(self) -> str:
        """The blanks under the line numbers."""
        return " " * self.digits


def render(report: Report, options: Options) -> str:
    """The report as text of `options.width` columns; without colour it is plain text."""
    page = Page(max(options.width, MIN_WIDTH), _colour if options.colour else _plain)
    blocks = ["\n".join(_finding(group, page)) for group in grouped(shown(report, options))]
    if options.show_passed and report.passed:
        blocks.append("\n".join(_passed(report.passed, page.ink)))
    blocks.extend("\n".join(_problem(problem, page)) for problem in _joined(report.errors))
    blocks.append("\n".join(_summary(report, page)))
    return encodable("\n\n".join(blocks)) + "\n"


def _plain(_style: str, text: str) -> str:
    return text


def _colour(style: str, text: str) -> str:
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"


def _finding(group: Group, page: Page) -> Iterator[str]:
    finding = group.first
    if finding.excerpt:
        page = Page(page.width, page.ink, len(str(finding.excerpt[-1].number)))
    style: str = "unknown" if finding.verdict == "unknown" else group.severity
    mark = "high" if style == "critical" else style  # its background is for words
    state = "suppressed " if finding.suppression is not None else ""
    doubt = "unknown " if finding.verdict == "unknown" else ""
    head = f"{state}{doubt}{group.severity}[{finding.code}]"
    message = wrap(f"{head} {finding.name}: {visible(finding.message)}", page.width, "  ")
    yield page.ink(style, head) + message[0][len(head) :]
    yield from message[1:]
    yield f"{page.gutter}{page.ink('gutter', '-->')} {visible(place(finding.location))}"
    yield from _excerpt(finding.excerpt, mark, page)
    for address in group.others:
        yield from _labelled("also", visible(address), "faint", page)
    for related in group.related:
        yield from _labelled("see", f"{visible(place(related.location))}: {visible(related.message)}", "faint", page)
    for opened in group.decided_by:
        yield from _labelled("decides", f"{visible(opened.reference)}: {visible(opened.message)}", "unknown", page)
    if finding.suppression is not None:
        until = f" (until {finding.suppression.until})" if finding.suppression.until else ""
        yield from _labelled("because", visible(finding.suppression.reason) + until, "faint", page)
    elif finding.remediation:
        text, code = advice(finding.remediation)
        yield from _labelled("fix", visible(text), "fix", page)
        yield from (" " * (page.digits + 1 + LABEL) + visible_line(line) for line in code)  # not broken: it is copied


def _labelled(label: str, text: str, style: str, page: Page) -> Iterator[str]:
    lead = f"{page.gutter} {page.ink(style, label)}{' ' * (LABEL - len(label))}"
    first, *rest = wrap(text, page.width - page.digits - 1 - LABEL, "")
    yield lead + first
    yield from (" " * (page.digits + 1 + LABEL) + line for line in rest)


def _excerpt(lines: tuple[ExcerptLine, ...], style: str, page: Page) -> Iterator[str]:
    ink = page.ink
    several = sum(line.start > 0 for line in lines) > 1
    room = max(page.width - page.digits - 3, MIN_WIDTH // 2)
    before = 0
    for line in lines:
        if before and line.number > before + 1:
            yield page.gutter + ink("gutter", "...")
        before = line.number
        edge = ink(style, ">") if several and line.start > 0 else ink("gutter", "|")
        text, start, length = _fitted(line, room)
        yield f"{ink('gutter', str(line.number).rjust(page.digits))} {edge} {text}".rstrip()
        if line.start > 0 and not several:
            yield f"{page.gutter} {ink('gutter', '|')} {' ' * start}{ink(style, '^' * length)}"


def _fitted(line: ExcerptLine, room: int) -> tuple[str, int, int]:
    """A line as it is shown in that many columns; in which of them (from 0) its mark begins, and how many it takes."""
    cells = [TAB if character == "\t" else character for character in visible_line(line.text)]
    narrow = len(cells) == len(line.text) and line.text.isascii() and "\t" not in line.text
    columns = [1] * len(cells) if narrow else [_columns(cell) for cell in cells]
    start = min(max(line.start - 1, 0), len(cells))
    end = min(max(line.end - 1, start), len(cells))
    # A line that is too long is cut on its right, and on its left too where its mark would be cut off.
    first = start - LEAD if start > LEAD and sum(columns[: min(end, start + LEAD)]) >= room else 0
    used = 1 if first else 0
    last = first
    while last < len(cells) and used + columns[last] <= room - (last < len(cells) - 1):
        used += columns[last]
        last += 1
    text = ("…" if first else "") + "".join(cells[first:last]) + ("…" if last < len(cells) else "")
    before = (1 if first else 0) + sum(columns[first:start])
    return text, before, max(sum(columns[start : min(end, last)]), 1)


def _columns(character: str) -> int:
    """How many columns of a terminal a character takes: none where it stands on the one before, two in East Asian scripts."""
    import unicodedata

    if len(character) > 1:
        return len(character)
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _passed(passed: tuple[Passed, ...], ink: Ink) -> Iterator[str]:
    yield ink("good", "passed")
    for entry in passed:
        yield f"  {entry.code}  {visible(entry.address)} {ink('faint', f'({visible(entry.unit)})')}"


def _joined(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems, with the variables of a folder that lack a value told as one where they are many: they hide the rest."""
    lacking: dict[tuple[str, str], list[Problem]] = {}
    shown: list[list[Problem]] = []
    for problem in problems:
        if problem.code != "unset-variable":
            shown.append([problem])
            continue
        alike = lacking.setdefault((problem.level, posixpath.dirname(problem.file)), [])
        if not alike:
            shown.append(alike)
        alike.append(problem)
    for alike in shown:
        if len(alike) < _MANY:
            yield from alike
            continue
        names = ", ".join(dict.fromkeys(problem.message.partition(" ")[0] for problem in alike))
        message = f"{len(alike)} variables have no value; give them one with --var or --var-file: {names}"
        yield msgspec.structs.replace(alike[0], message=message)


def _problem(problem: Problem, page: Page) -> Iterator[str]:
    head = f"{problem.level}[{problem.code}]"
    first, *rest = wrap(f"{head}: {visible(problem.message)}", page.width, "  ")
    yield page.ink(problem.level, head) + first[len(head) :]
    yield from rest
    if problem.file:
        where = f":{problem.line}:{problem.column}" if problem.line else ""
        yield f"{page.gutter}{page.ink('gutter', '-->')} {visible(problem.file)}{where}"


def _summary(report: Report, page: Page) -> Iterator[str]:
    if report.statistics:
        yield from _statistics(report, page.ink)
    wrong = error_line(report)
    failed = failures(report)
    if wrong:
        level = "error" if any(problem.level == "error" for problem in report.errors) else "warning"
        yield from (page.ink(level, line) for line in wrap(wrong, page.width, "  "))
    style = "bold" if failed or wrong else "good"
    yield from (page.ink(style, line) for line in wrap(verdict_line(report), page.width, "  "))
    yield from (page.ink("faint", line) for line in wrap(scope_line(report), page.width, "  "))
    if failed:
        yield from (page.ink("faint", line) for line in wrap(f"more: kmsguard explain {failed[0].code}", page.width, "  "))


def _statistics(report: Report, ink: Ink) -> Iterator[str]:
    times = {**report.statistics, "in all": report.summary.duration_seconds}
    size = max(map(len, times))
    yield from (f"{ink('faint', name.ljust(size))}  {seconds:8.3f} s" for name, seconds in times.items())
    yield ""


def wrap(text: str, width: int, indent: str) -> list[str]:
    """A text in lines of that width, all but the first indented.

    It is broken at blanks alone, so that addresses and paths can be copied whole.
    """
    if len(text) <= width:
        return [text]
    lines: list[str] = []
    words: list[str] = []
    used = 0
    for word in text.split():
        if words and used + len(words) + len(word) > width:
            lines.append(" ".join(words))
            words, used = [], len(indent)
        words.append(word)
        used += len(word)
    lines.append(" ".join(words))
    return [lines[0], *(indent + line for line in lines[1:])]
