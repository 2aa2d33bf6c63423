"""Annotations of a GitHub workflow: a workflow command for each finding.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
"""

from __future__ import annotations

from kmsguard.model.characters import encodable, visible
from kmsguard.model.declaration import Problem
from kmsguard.model.finding import Report, Severity
from kmsguard.model.source import Span
from kmsguard.output.groups import (
    Group,
    Options,
    Root,
    advice,
    by_severity,
    error_line,
    grouped,
    scope_line,
    shown,
    verdict_line,
)

COMMANDS: dict[Severity, str] = {"critical": "error", "high": "error", "medium": "warning", "low": "notice", "info": "notice"}


def render(report: Report, options: Options) -> str:
    """The report as workflow commands, then its summary as the log shows it.

    GitHub shows the first ten annotations of each kind of a step, so what matters most stands first.
    """
    root = Root(report)
    lines = [_problem(problem, root) for problem in report.errors]
    lines += [_finding(group, root) for group in by_severity(grouped(shown(report, options)))]
    lines += [line for line in (error_line(report), verdict_line(report), scope_line(report)) if line]
    return encodable("\n".join(lines)) + "\n"


def _finding(group: Group, root: Root) -> str:
    finding = group.first
    counts = finding.verdict == "fail" and finding.suppression is None
    lines = [finding.message]
    lines += [f"Also {subject}" for subject in group.others]
    lines += [f"{opened.reference}: {opened.message}" for opened in group.decided_by]
    lines += [f"{root(related.location.file)}:{related.location.start_line}: {related.message}" for related in group.related]
    if finding.suppression is not None:
        lines.append(f"Suppressed: {finding.suppression.reason}")
    elif finding.remediation:
        text, code = advice(finding.remediation)
        lines += [f"Fix: {text}", *code]
    state = "" if counts else "suppressed " if finding.suppression is not None else "unknown "
    title = f"{state}{group.severity} {finding.code} {finding.name}"
    command = COMMANDS[group.severity] if counts else "notice"
    return _command(command, _place(finding.location, root), title, "\n".join(lines))


def _problem(problem: Problem, root: Root) -> str:
    place = {}
    if problem.file:
        place = {"file": root(problem.file), "line": str(max(problem.line, 1)), "col": str(max(problem.column, 1))}
    return _command(problem.level, place, problem.code, problem.message)


def _place(span: Span, root: Root) -> dict[str, str]:
    place = {"file": root(span.file), "line": str(span.start_line), "endLine": str(span.end_line)}
    if span.start_line == span.end_line:  # GitHub takes columns within one line alone
        place |= {"col": str(span.start_column), "endColumn": str(span.end_column)}
    return place


def _command(command: str, place: dict[str, str], title: str, message: str) -> str:
    properties = ",".join(f"{name}={_property(value)}" for name, value in {**place, "title": title}.items())
    return f"::{command} {properties}::{_data(message)}"


def _data(text: str) -> str:
    """The data of a command: a line break would end it, and begin what could be another command."""
    return "%0A".join(visible(line).replace("%", "%25") for line in text.splitlines())


def _property(text: str) -> str:
    return visible(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
