"""SARIF 2.1.0, as GitHub code scanning and editors read it.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html,
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from kmsguard.model.declaration import Problem
from kmsguard.model.finding import Finding, Related, Report, RuleInfo, Severity, Suppression
from kmsguard.model.source import Span
from kmsguard.output.groups import Group, Options, Root, advice, by_severity, counted, first_paragraph, grouped, shown
from kmsguard.output.json import encode

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://github.com/kmsguard/kmsguard"
SOURCE_ROOT = "%SRCROOT%"

# What code scanning takes; one more, and it refuses the whole file.
MAX_RESULTS = 25_000
MAX_RELATED = 100
MAX_STEPS = 1_000
MAX_TAGS = 10
MAX_NAME = 255
MAX_DESCRIPTION = 1024

LEVELS: dict[Severity, str] = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
# Code scanning makes critical of more than 9.0, high of 7.0, medium of 4.0, low of anything above zero.
SCORES: dict[Severity, str] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "1.0"}


def render(report: Report, options: Options) -> str:
    """The report as SARIF, indented by two spaces."""
    root = Root(report)
    groups = grouped(shown(report, options))
    left_out = max(len(groups) - MAX_RESULTS, 0)
    if left_out:
        kept = {id(group) for group in by_severity(groups)[:MAX_RESULTS]}
        groups = [group for group in groups if id(group) in kept]
    rules = _rules(report, groups)
    indexes = {rule["id"]: index for index, rule in enumerate(rules)}
    codes = sorted({problem.code for problem in report.errors})
    notifications = [_notification(problem, codes.index(problem.code), root) for problem in report.errors]
    if left_out:
        text = f"{counted(left_out, 'result')} left out, the least severe ones: code scanning takes {MAX_RESULTS:,} at most"
        notifications.append({"level": "warning", "message": {"text": text}})
    run = {
        "tool": {
            "driver": {
                "name": "kmsguard",
                "version": report.version,
                "informationUri": HOME,
                "rules": rules,
                "notifications": [{"id": code} for code in codes],
            }
        },
        "invocations": [
            {
                "executionSuccessful": all(problem.level != "error" for problem in report.errors),
                "toolExecutionNotifications": notifications,
            }
        ],
        # No address of it: that is the machine's, and code hosts put the checkout's root in its place.
        "originalUriBaseIds": {SOURCE_ROOT: {"description": {"text": "The root of the checkout."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(group, indexes, root) for group in groups],
        "properties": {"profile": report.profile},
    }
    return encode({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rules(report: Report, groups: list[Group]) -> list[dict[str, Any]]:
    rules = {rule.code: _rule(rule) for rule in report.rules}
    for group in groups:
        if group.first.code not in rules:
            rules[group.first.code] = _bare_rule(group.first)
    return [rules[code] for code in sorted(rules)]


def _rule(rule: RuleInfo) -> dict[str, Any]:
    links = "\n".join(f"- <{link}>" for link in rule.links)
    parts = [rule.why.strip(), f"## How to fix it\n\n{rule.remediation.strip()}", f"## Links\n\n{links}" if links else ""]
    plain = [rule.why.strip(), f"How to fix it: {rule.remediation.strip()}", "\n".join(rule.links)]
    descriptor: dict[str, Any] = {
        "id": rule.code,
        "name": rule.name[:MAX_NAME],
        "shortDescription": {"text": _shortened(rule.title)},
        "fullDescription": {"text": _shortened(first_paragraph(rule.why) or rule.title)},
        "help": {"text": "\n\n".join(filter(None, plain)), "markdown": "\n\n".join(filter(None, parts))},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }
    if rule.help_url:
        descriptor["helpUri"] = rule.help_url
    controls = [f"{framework}/{control}" for framework, ids in rule.controls.items() for control in ids]
    descriptor["properties"] = {
        "security-severity": SCORES[rule.severity],
        "precision": "high",
        "tags": ["security", rule.category, rule.profile, *controls][:MAX_TAGS],
    }
    return descriptor


def _bare_rule(finding: Finding) -> dict[str, Any]:
    """A rule of which the report brings nothing but its findings."""
    return _rule(
        RuleInfo(
            code=finding.code,
            name=finding.name,
            category=finding.category,
            profile="recommended",
            severity=finding.severity,
            title=finding.name.replace("-", " "),
            why=finding.name.replace("-", " "),
            remediation=finding.remediation,
            help_url=finding.help_url,
        )
    )


def _result(group: Group, indexes: dict[str, int], root: Root) -> dict[str, Any]:
    finding = group.first
    failed = finding.verdict == "fail"
    related = group.related[:MAX_RELATED]
    location = _location(finding.location, root)
    location["logicalLocations"] = [{"fullyQualifiedName": subject, "kind": "resource"} for subject in group.subjects]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": indexes[finding.code],
        "kind": "fail" if failed else "open",
        "level": LEVELS[group.severity] if failed else "none",  # the standard: none, unless it is a failure
        "message": {"text": _message(group, related)},
        "locations": [location],
    }
    if related:
        result["relatedLocations"] = [
            {"id": number, **_location(place.location, root), "message": {"text": place.message}}
            for number, place in enumerate(related, 1)
        ]
    if finding.flow:
        result["codeFlows"] = [_flow(finding, root)]
    if finding.fingerprint:
        # GitHub compares this name alone; without it, it takes a hash of the line, and all of a one-line template is one.
        result["partialFingerprints"] = {"primaryLocationLineHash": finding.fingerprint, "kmsguard/v1": finding.fingerprint}
    if finding.suppression is not None:
        result["suppressions"] = [_suppression(finding.suppression, root)]
    result["properties"] = {
        "severity": group.severity,
        "category": finding.category,
        "addresses": group.subjects,
        "kind": finding.resource.kind,
        "type": finding.resource.type,
        "unit": finding.resource.unit,
    }
    if group.decided_by:
        result["properties"]["decidedBy"] = group.decided_by
    return result


def _message(group: Group, related: tuple[Related, ...]) -> str:
    finding = group.first
    lines = [finding.message if finding.verdict == "fail" else f"Undecided: {finding.message}"]
    if group.others:
        lines.append(f"Also {', '.join(group.others)}.")
    lines.extend(f"Decided by {opened.reference}: {opened.message}" for opened in group.decided_by)
    for number, place in enumerate(related, 1):
        link = place.message.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
        lines.append(f"See [{link}]({number}).")
    text, code = advice(finding.remediation)
    if code:  # of this finding alone; what all findings of a rule have in common is the rule's help
        lines += [text, *code]
    return "\n".join(lines)


def _flow(finding: Finding, root: Root) -> dict[str, Any]:
    steps = [*finding.flow[: MAX_STEPS - 1], Related(finding.message, finding.location)]
    locations = [{"location": {**_location(step.location, root), "message": {"text": step.message}}} for step in steps]
    return {"threadFlows": [{"locations": locations}]}


def _suppression(suppression: Suppression, root: Root) -> dict[str, Any]:
    until = f" (until {suppression.until})" if suppression.until else ""
    entry: dict[str, Any] = {
        "kind": "inSource" if suppression.kind == "inSource" else "external",
        "status": "accepted",
        "justification": f"{suppression.reason or 'in the baseline'}{until}",
    }
    if suppression.location is not None:
        entry["location"] = _location(suppression.location, root)
    return entry


def _notification(problem: Problem, index: int, root: Root) -> dict[str, Any]:
    notification: dict[str, Any] = {
        "descriptor": {"id": problem.code, "index": index},
        "level": problem.level,
        "message": {"text": problem.message},
    }
    if problem.file:
        line, column = max(problem.line, 1), max(problem.column, 1)
        notification["locations"] = [_location(Span(problem.file, line, column, line, column), root)]
    return notification


def _location(span: Span, root: Root) -> dict[str, Any]:
    start_line, start_column = max(span.start_line, 1), max(span.start_column, 1)
    region = {
        "startLine": start_line,
        "startColumn": start_column,
        "endLine": max(span.end_line, start_line),
        "endColumn": max(span.end_column, 1 if span.end_line > start_line else start_column),
    }
    return {
        "physicalLocation": {"artifactLocation": {"uri": _uri(root(span.file)), "uriBaseId": SOURCE_ROOT}, "region": region}
    }


def _uri(path: str) -> str:
    return quote(path.encode("utf-8", "replace"), safe="/~")


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_DESCRIPTION else text[: MAX_DESCRIPTION - 1] + "…"
