"""What the formats share: which findings are shown, which are one, and how places and numbers are worded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import PurePath

import msgspec

from kmsguard.model.finding import SEVERITIES, Finding, Open, Related, Report, Severity, Suppression
from kmsguard.model.source import Span

RANK: dict[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class Options(msgspec.Struct, frozen=True):
    """How a report is to be rendered."""

    width: int = 100
    colour: bool = False
    show_suppressed: bool = False
    show_passed: bool = False


class Group(msgspec.Struct, frozen=True):
    """Findings of one code and verdict at one place: one defect, that several instances of a resource have."""

    first: Finding
    severity: Severity  # the greatest of them
    subjects: tuple[str, ...]  # the addresses, with their unit where the findings are of several units
    related: tuple[Related, ...]
    decided_by: tuple[Open, ...]

    @property
    def others(self) -> tuple[str, ...]:
        """The addresses that the message of the first finding does not speak of."""
        return self.subjects[1:]


def shown(report: Report, options: Options) -> list[Finding]:
    """The findings of a report that are to be shown, in its order."""
    return [finding for finding in report.findings if finding.suppression is None or options.show_suppressed]


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """Findings, those of one code at one place together, in the order of the first of each."""
    places: dict[tuple[str, str, Span, Suppression | None], list[Finding]] = {}
    for finding in findings:
        places.setdefault((finding.code, finding.verdict, finding.location, finding.suppression), []).append(finding)
    return [_group(members) for members in places.values()]


def _group(members: list[Finding]) -> Group:
    first = members[0]
    if len(members) == 1:
        return Group(first, first.severity, (first.resource.address,), first.related, first.decided_by)
    units = {finding.resource.unit for finding in members}
    subjects = (f"{f.resource.address} ({f.resource.unit})" if len(units) > 1 else f.resource.address for f in members)
    return Group(
        first,
        max((finding.severity for finding in members), key=RANK.__getitem__),
        tuple(dict.fromkeys(subjects)),
        tuple(dict.fromkeys(related for finding in members for related in finding.related)),
        tuple(dict.fromkeys(opened for finding in members for opened in finding.decided_by)),
    )


def by_severity(groups: list[Group]) -> list[Group]:
    """Failures first, the worst of them first; those that are equal stay in their order."""
    return sorted(groups, key=lambda group: (group.first.verdict != "fail", -RANK[group.severity]))


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def severities(findings: Iterable[Finding]) -> list[tuple[Severity, int]]:
    """How many findings there are of each severity, the worst first; severities without any are left out."""
    numbers = dict.fromkeys(reversed(SEVERITIES), 0)
    for finding in findings:
        numbers[finding.severity] += 1
    return [(severity, number) for severity, number in numbers.items() if number]


def failures(report: Report) -> list[Finding]:
    """The findings that count: those that fail and are not suppressed."""
    return [finding for finding in report.findings if finding.verdict == "fail" and finding.suppression is None]


def verdict_line(report: Report) -> str:
    """The outcome in one line: `3 findings (1 critical, 2 low), 1 unknown, 2 suppressed`."""
    failed = failures(report)
    parts = [counted(len(failed), "finding") if failed else "No findings"]
    if failed:
        parts[0] += f" ({', '.join(f'{number:,} {severity}' for severity, number in severities(failed))})"
    open_shown = sum(finding.verdict == "unknown" and finding.suppression is None for finding in report.findings)
    if open_shown or report.summary.unknown:
        hint = "" if open_shown else " (--unknown report shows them)"
        parts.append(f"{max(open_shown, report.summary.unknown):,} unknown{hint}")
    if report.summary.suppressed:
        parts.append(f"{report.summary.suppressed:,} suppressed")
    return ", ".join(parts)


def scope_line(report: Report) -> str:
    """What was looked at: `31 resources in 4 files of 1 unit, profile recommended`."""
    summary = report.summary
    return (
        f"{counted(summary.resources, 'resource')} in {counted(summary.files, 'file')} of {counted(summary.units, 'unit')}, "
        f"profile {report.profile}"
    )


def error_line(report: Report) -> str:
    """What could not be read, in one line; empty where nothing is wrong."""
    errors = sum(problem.level == "error" for problem in report.errors)
    warnings = len(report.errors) - errors
    parts = [counted(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
    if not parts:
        return ""
    if errors:
        outcome = "not everything could be read"
    elif all(problem.code == "nothing-to-scan" for problem in report.errors):
        outcome = "there was nothing to scan"
    else:
        outcome = "some values may be unknown"
    return f"{' and '.join(parts)}: {outcome}"


def place(span: Span) -> str:
    """`file:line:column`, as terminals and editors make links of it."""
    return f"{span.file}:{span.start_line}:{span.start_column}"


def first_paragraph(markdown: str) -> str:
    """The first paragraph of a text, on one line."""
    return " ".join(markdown.strip().split("\n\n", 1)[0].split())


def spans(text: str) -> list[tuple[str, bool]]:
    """A text cut into what is prose (False) and what stands in backticks (True), without those."""
    parts = _CODE.split(text)
    return [(part[1:-1] if index % 2 else part, bool(index % 2)) for index, part in enumerate(parts) if part]


_CODE = re.compile(r"(`[^`]+`)")


def advice(markdown: str) -> tuple[str, tuple[str, ...]]:
    """What to do, in short: the first paragraph on one line, and the lines of the code that it announces with a colon."""
    first = first_paragraph(markdown)
    _, _, rest = markdown.strip().partition("\n\n")
    if not first.endswith(":") or not rest.startswith("```"):
        return first, ()
    fence, *lines = rest.splitlines()
    mark = fence[: len(fence) - len(fence.lstrip("`"))]
    return first, tuple(lines[: lines.index(mark)] if mark in lines else lines)


class Root:
    """Paths relative to the root of the checkout, which is what code hosts know."""

    def __init__(self, report: Report) -> None:
        self._root = report.root
        self._known: dict[str, str] = {}

    def __call__(self, file: str) -> str:
        """The path of a file that is given relative to the working directory; with forward slashes, never empty."""
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = self._path(file)
        return known

    def _path(self, file: str) -> str:
        if self._root not in ("", ".") or PurePath(file).is_absolute():
            try:
                file = os.path.relpath(file, self._root or ".").replace(os.sep, "/")
            except ValueError:  # another drive of Windows: there is no relative path
                file = file.replace(os.sep, "/")
        while file.startswith("./"):
            file = file[2:]
        return file or "."
