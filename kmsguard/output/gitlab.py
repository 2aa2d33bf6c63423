"""GitLab's code quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

from typing import Any

from kmsguard.model.declaration import Problem
from kmsguard.model.finding import Report, Severity
from kmsguard.output.groups import Group, Options, Root, grouped, shown
from kmsguard.output.json import encode

SEVERITIES: dict[Severity, str] = {
    "critical": "blocker",
    "high": "critical",
    "medium": "major",
    "low": "minor",
    "info": "info",
}


def render(report: Report, options: Options) -> str:
    """The report as a list of issues. Errors are among them, so that a merge request does not look clean unread."""
    root = Root(report)
    issues = [_issue(group, root) for group in grouped(shown(report, options))]
    return encode([*(_problem(problem, root) for problem in report.errors if problem.file), *issues])


def _issue(group: Group, root: Root) -> dict[str, Any]:
    finding = group.first
    counts = finding.verdict == "fail" and finding.suppression is None
    state = "Suppressed: " if finding.suppression is not None else "" if counts else "Unknown: "
    also = f" (also {', '.join(group.others)})" if group.others else ""
    return {
        "description": f"{state}{finding.message}{also}",
        "check_name": f"{finding.code} {finding.name}",
        "fingerprint": finding.fingerprint,
        "severity": SEVERITIES[group.severity] if counts else "info",
        "location": {
            "path": root(finding.location.file),
            "lines": {"begin": max(finding.location.start_line, 1), "end": max(finding.location.end_line, 1)},
        },
    }


def _problem(problem: Problem, root: Root) -> dict[str, Any]:
    from hashlib import sha256

    path = root(problem.file)
    # Two problems of one code in a file are told apart by their message: lines move.
    identity = f"{problem.code}\0{path}\0{problem.message}"
    return {
        "description": problem.message,
        "check_name": problem.code,
        "fingerprint": sha256(identity.encode("utf-8", "replace")).hexdigest(),
        "severity": "critical" if problem.level == "error" else "info",
        "location": {"path": path, "lines": {"begin": max(problem.line, 1), "end": max(problem.line, 1)}},
    }
