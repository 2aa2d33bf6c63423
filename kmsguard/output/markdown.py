"""Markdown for a merge request or a job summary (GitHub's dialect, which GitLab reads too)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kmsguard.model.characters import encodable, visible, visible_line
from kmsguard.model.finding import Report
from kmsguard.output.groups import Group, Options, advice, by_severity, error_line, grouped, place, scope_line, shown, spans
from kmsguard.output.groups import verdict_line as outcome

_MARKUP = re.compile(r"([\\`*_\[\]#|~$])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"})
_BACKTICKS = re.compile("`+")


def render(report: Report, options: Options) -> str:
    """The report as a heading, a table of findings, the worst first, what to do about them, and what could not be read."""
    groups = by_severity(grouped(shown(report, options)))
    lines = ["## kmsguard", ""]
    wrong = error_line(report)
    if wrong:
        lines += [f"**{wrong}**", ""]
    lines += [f"**{outcome(report)}**", "", scope_line(report), ""]
    if groups:
        lines += ["| severity | rule | resource | problem | place |", "| --- | --- | --- | --- | --- |", *map(_row, groups), ""]
        lines += _remedies(groups)
    if report.errors:
        lines += ["### Input", "", "| level | problem | place |", "| --- | --- | --- |"]
        for problem in report.errors:
            where = code(f"{problem.file}:{problem.line}") if problem.file else ""
            lines.append(f"| {problem.level} | {code(problem.code)} {prose(problem.message)} | {where} |")
        lines.append("")
    if options.show_passed and report.passed:
        lines += ["<details><summary>Passed</summary>", "", "| rule | resource | unit |", "| --- | --- | --- |"]
        lines += [f"| {entry.code} | {code(entry.address)} | {code(entry.unit)} |" for entry in report.passed]
        lines += ["", "</details>", ""]
    return encodable("\n".join(lines).rstrip("\n")) + "\n"


def _row(group: Group) -> str:
    finding = group.first
    rule = f"{plain(finding.code)} {code(finding.name)}"
    if finding.help_url:
        rule = f"[{plain(finding.code)}]({link(finding.help_url)}) {code(finding.name)}"
    details = [prose(finding.message)]
    details += [f"{plain(opened.reference)}: {prose(opened.message)}" for opened in group.decided_by]
    details += [f"{code(place(related.location))} {prose(related.message)}" for related in group.related]
    if finding.suppression is not None:
        details.append(f"*suppressed:* {plain(finding.suppression.reason)}")
    state = "" if finding.verdict == "fail" else "unknown, "
    subjects = "<br>".join(map(code, group.subjects))
    cells = (f"{state}{group.severity}", rule, subjects, "<br>".join(details), code(place(finding.location)))
    return f"| {' | '.join(cells)} |"


def _remedies(groups: list[Group]) -> Iterator[str]:
    remedies: dict[tuple[str, str, tuple[str, ...]], str] = {}
    for group in groups:
        if group.first.suppression is None and group.first.remediation:
            remedies.setdefault((group.first.code, *advice(group.first.remediation)), group.first.name)
    if remedies:
        yield "<details><summary>How to fix</summary>"
        yield ""
        for (rule, remedy, lines), name in remedies.items():
            yield f"- **{plain(rule)}** {code(name)}: {prose(remedy)}"
            yield from _block(lines)
        yield ""
        yield "</details>"
        yield ""


def _block(lines: tuple[str, ...]) -> Iterator[str]:
    """Lines of code as a block within an item of a list."""
    if not lines:
        return
    shown_lines = [visible_line(line) for line in lines]
    fence = "`" * max(3, *(len(run) + 1 for line in shown_lines for run in [*_BACKTICKS.findall(line), ""]))
    yield ""
    yield from (f"  {line}".rstrip() for line in (fence, *shown_lines, fence))
    yield ""


def plain(text: str) -> str:
    """A text that is shown as it stands, in a cell of a table too: no markup, no HTML, no mention of a user."""
    return _MARKUP.sub(r"\\\1", visible(text)).translate(_ENTITIES)


def prose(text: str) -> str:
    """A text in whose backticks stands code."""
    return "".join(code(part) if is_code else plain(part) for part, is_code in spans(text))


def code(text: str) -> str:
    """A text as code, in a cell of a table too."""
    text = visible(text)
    if not text:
        return ""
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(text)), default=0) + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def link(url: str) -> str:
    """A target of a link."""
    return "".join(f"%{ord(character):02X}" if character in " \\()<>|" else character for character in visible(url))
