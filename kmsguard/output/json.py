"""The JSON report. Its keys and their order are a promise to programs."""

from __future__ import annotations

from typing import Any

import msgspec

from kmsguard.model.finding import Finding, Report
from kmsguard.output.groups import Options, shown

FORMAT_VERSION = 1


def render(report: Report, options: Options) -> str:
    """The report as JSON, indented by two spaces, in UTF-8 without escapes that are not needed."""
    tree: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "tool": {"name": "kmsguard", "version": report.version},
        "profile": report.profile,
        "findings": [_finding(finding) for finding in shown(report, options)],
    }
    if options.show_passed:
        tree["passed"] = report.passed
    tree["errors"] = report.errors
    tree["summary"] = report.summary
    if report.statistics:
        tree["statistics"] = report.statistics
    return encode(tree)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "category": finding.category,
        "severity": finding.severity,
        "verdict": finding.verdict,
        "message": finding.message,
        "resource": finding.resource,
        "location": finding.location,
        "related": finding.related,
        "decided_by": finding.decided_by,
        "remediation": finding.remediation,
        "help_url": finding.help_url,
        "fingerprint": finding.fingerprint,
        "suppression": finding.suppression,
    }


def encode(tree: Any) -> str:
    """A tree of built-in types and structs as indented JSON with a newline at its end."""
    try:
        raw = msgspec.json.encode(tree)
    except UnicodeEncodeError:  # half a surrogate pair, which an escape of the input can make
        raw = msgspec.json.encode(_encodable(msgspec.to_builtins(tree)))
    return msgspec.json.format(raw, indent=2).decode() + "\n"


def _encodable(tree: Any) -> Any:
    if isinstance(tree, str):
        return tree.encode("utf-8", "replace").decode()
    if isinstance(tree, dict):
        return {_encodable(key): _encodable(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_encodable(item) for item in tree]
    return tree
