"""JUnit XML, as Jenkins and other CI systems read it (the schema of Jenkins' xUnit plug-in).

A finding is a test case that failed, a rule without findings one that passed, so that a report is never empty. What is
unknown or suppressed is skipped, and what could not be read is an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from kmsguard.model.characters import visible
from kmsguard.model.declaration import Problem
from kmsguard.model.finding import Report
from kmsguard.output.groups import Group, Options, advice, grouped, place, shown


def render(report: Report, options: Options) -> str:
    """The report as XML: one suite for each unit, one for the rules without findings, one for what could not be read."""
    suites: dict[str, list[str]] = {}
    found: set[str] = set()
    for group in grouped(shown(report, options)):
        found.add(group.first.code)
        suites.setdefault(group.first.resource.unit, []).append(_case(group))
    if options.show_passed:
        names = {rule.code: f"{rule.code} {rule.name}" for rule in report.rules}
        for entry in report.passed:
            found.add(entry.code)
            suites.setdefault(entry.unit, []).append(_open(names.get(entry.code, entry.code), entry.address) + "/>")
    clean = [_open(f"{rule.code} {rule.name}", rule.category) + "/>" for rule in report.rules if rule.code not in found]
    named = [(f"unit {name}", cases) for name, cases in suites.items()]
    named += [("rules without findings", clean)] if clean else []
    named += [("input", [_problem(problem) for problem in report.errors])] if report.errors else []
    lines = [line for name, cases in named for line in _suite(name, cases)]
    head = f'<testsuites name="kmsguard" {_counts([case for _, cases in named for case in cases], skipped=False)}>'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *lines, "</testsuites>"]) + "\n"


def _suite(name: str, cases: list[str]) -> Iterable[str]:
    yield f"  <testsuite name={_attribute(name)} {_counts(cases)}>"
    yield from (f"    {case}" for case in cases)
    yield "  </testsuite>"


def _counts(cases: list[str], *, skipped: bool = True) -> str:
    numbers = {"tests": len(cases)}
    numbers |= {name: sum(f"<{tag} " in case for case in cases) for name, tag in (("failures", "failure"), ("errors", "error"))}
    if skipped:
        numbers["skipped"] = sum("<skipped " in case for case in cases)
    return " ".join(f'{name}="{number}"' for name, number in numbers.items())


def _case(group: Group) -> str:
    finding = group.first
    tag = "skipped" if finding.verdict == "unknown" or finding.suppression is not None else "failure"
    lines = [f"{place(finding.location)}: {finding.message}"]
    lines += [f"also {subject}" for subject in group.others]
    lines += [f"see {place(related.location)}: {related.message}" for related in group.related]
    lines += [f"decided by {opened.reference}: {opened.message}" for opened in group.decided_by]
    if finding.suppression is not None:
        lines.append(f"suppressed: {finding.suppression.reason}")
    elif finding.remediation:
        text, code = advice(finding.remediation)
        lines += [f"fix: {text}", *code]
    if finding.help_url:
        lines.append(finding.help_url)
    head = _open(f"{finding.code} {finding.name}", ", ".join(group.subjects))
    kind = group.severity if finding.verdict == "fail" else "unknown"
    attributes = f"type={_attribute(kind)} message={_attribute(finding.message)}"
    return f"{head}><{tag} {attributes}>{_text(lines)}</{tag}></testcase>"


def _problem(problem: Problem) -> str:
    where = f"{problem.file}:{problem.line}:{problem.column}" if problem.file else "input"
    tag = "error" if problem.level == "error" else "skipped"
    attributes = f"type={_attribute(problem.code)} message={_attribute(problem.message)}"
    return f"{_open(f'{problem.code} {where}', problem.file or 'input')}><{tag} {attributes}/></testcase>"


def _open(name: str, group: str) -> str:
    return f"<testcase name={_attribute(name)} classname={_attribute(group)}"


def _attribute(text: str) -> str:
    return quoteattr(visible(text))


def _text(lines: list[str]) -> str:
    return escape("\n".join(map(visible, lines)))
