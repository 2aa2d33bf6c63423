"""One page with all findings, to be read, searched and filtered anywhere: it needs no network, and no script to be read."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from string import Template

from kmsguard.model.characters import encodable, visible, visible_line
from kmsguard.model.declaration import Problem
from kmsguard.model.finding import SEVERITIES, ExcerptLine, Report
from kmsguard.output.groups import (
    Group,
    Options,
    by_severity,
    error_line,
    failures,
    grouped,
    place,
    scope_line,
    shown,
    spans,
    verdict_line,
)

OPEN_AT_FIRST = 20  # findings that are unfolded when the page is opened

SCRIPT = """
(() => {
  document.body.classList.remove("no-script");
  const form = document.querySelector("form");
  if (!form) return;
  const findings = [...document.querySelectorAll("details.finding")];
  const texts = findings.map((finding) => finding.textContent.toLowerCase());
  const count = document.getElementById("count");
  const filter = () => {
    const words = form.elements.search.value.toLowerCase().split(" ").filter(Boolean);
    const off = new Set([...form.querySelectorAll("input[type=checkbox]:not(:checked)")].map((box) => box.value));
    const category = form.elements.category.value;
    let number = 0;
    findings.forEach((finding, index) => {
      const data = finding.dataset;
      const hide = off.has(data.tone) || (category && data.category !== category) ||
        !words.every((word) => texts[index].includes(word));
      finding.hidden = hide;
      number += hide ? 0 : 1;
    });
    count.textContent = number + " of " + findings.length + " shown";
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("fold").addEventListener("click", () => {
    const open = findings.every((finding) => !finding.open);
    findings.forEach((finding) => { finding.open = open; });
  });
  filter();
})();
"""


def render(report: Report, options: Options) -> str:
    """The report as an HTML page, the worst findings first."""
    from importlib.resources import files

    groups = by_severity(grouped(shown(report, options)))
    template = Template(files("kmsguard.output").joinpath("report.html").read_text("utf-8"))
    page = template.substitute(
        title=_text(f"kmsguard: {verdict_line(report)}"),
        heading="kmsguard",
        summary="\n".join(_summary(report)),
        filter="\n".join(_filter(groups)) if groups else "",
        findings="\n".join(_finding(group, index < OPEN_AT_FIRST) for index, group in enumerate(groups)),
        problems="\n".join(_problems(report.errors)),
        passed="\n".join(_passed(report)) if options.show_passed else "",
        script=SCRIPT,
        script_hash=_hash(SCRIPT),
    )
    return encodable(page)


def _hash(script: str) -> str:
    """The page's policy lets this script run and no other one."""
    from base64 import b64encode
    from hashlib import sha256

    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


def _text(text: str) -> str:
    return escape(visible(text))


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"


def _prose(text: str) -> str:
    return "".join(_code(part) if is_code else _text(part) for part, is_code in spans(text))


def _summary(report: Report) -> Iterator[str]:
    wrong = error_line(report)
    if wrong:
        yield f'<p class="wrong">{_text(wrong)}</p>'
    tone = "" if failures(report) or wrong else " good"
    yield f'<p class="outcome{tone}">{_text(verdict_line(report))}</p>'
    yield f'<p class="faint">{_text(scope_line(report))}, version {_text(report.version)}</p>'


def _filter(groups: list[Group]) -> Iterator[str]:
    tones = [_tone(group) for group in groups]
    yield "<form>"
    yield '<input type="search" name="search" placeholder="code, address, file, word" aria-label="Search">'
    for tone in (*reversed(SEVERITIES), "unknown"):
        if tone in tones:
            box = f'<input type="checkbox" value="{tone}" checked>'
            yield f'<label class="pick {tone}">{box}{tone} {tones.count(tone):,}</label>'
    categories = sorted({group.first.category for group in groups})
    entries = "".join(f'<option value="{_text(category)}">{_text(category)}</option>' for category in categories)
    yield f'<select name="category" aria-label="Category"><option value="">all categories</option>{entries}</select>'
    yield '<button type="button" id="fold">fold / unfold</button>'
    yield '<span class="faint" id="count" aria-live="polite"></span>'
    yield "</form>"


def _tone(group: Group) -> str:
    return group.severity if group.first.verdict == "fail" else "unknown"


def _finding(group: Group, unfolded: bool) -> str:
    finding, tone = group.first, _tone(group)
    suppressed = " suppressed" if finding.suppression is not None else ""
    state = "suppressed " if suppressed else ""
    badge = tone if finding.verdict == "fail" else f"unknown ({group.severity})"
    data = f'data-tone="{tone}" data-category="{_text(finding.category)}"'
    where = f'<span class="faint">{_text(place(finding.location))}</span>'
    lines = [
        f'<details class="finding {tone}{suppressed}" {data}{" open" if unfolded else ""}>',
        f'<summary><span class="badge">{state}{badge}</span> <strong>{_text(finding.code)}</strong>',
        f"{_prose(finding.message)} {where}</summary>",
        '<div class="body">',
    ]
    if finding.excerpt:
        lines.append(f"<pre>{''.join(map(_row, finding.excerpt))}</pre>")
    lines.append("<dl>")
    lines += [f"<dt>{name}</dt><dd>{value}</dd>" for name, value in _facts(group)]
    lines.append("</dl></div></details>")
    return "\n".join(lines)


def _facts(group: Group) -> Iterator[tuple[str, str]]:
    finding = group.first
    if finding.suppression is not None:
        until = f" (until {finding.suppression.until})" if finding.suppression.until else ""
        yield "suppressed", _text(finding.suppression.reason + until)
    yield "resource", "<br>".join(map(_code, group.subjects))
    for opened in group.decided_by:
        yield "decides", f"{_code(opened.reference)} {_prose(opened.message)}"
    for related in group.related:
        yield "see", f"{_code(place(related.location))} {_prose(related.message)}"
    if finding.remediation:
        yield "fix", "".join(_blocks(finding.remediation))
    rule = _code(finding.name)
    if finding.help_url.startswith(("https://", "http://")):
        rule = f'<a href="{_text(finding.help_url)}" rel="noreferrer">{rule}</a>'
    yield "rule", f"{rule} <span class='faint'>{_text(finding.category)}, unit {_text(finding.resource.unit)}</span>"


def _blocks(markdown: str) -> Iterator[str]:
    """The paragraphs and blocks of code of a text; what else Markdown has is shown as it is written."""
    for number, block in enumerate(markdown.strip().split("```")):
        if number % 2:
            lines = block.rstrip().split("\n")[1:]  # without the name of the language
            yield f"<pre>{'<br>'.join(escape(visible_line(line)) for line in lines)}</pre>"
            continue
        for paragraph in block.strip().split("\n\n"):
            lines = [_prose(line.strip()) for line in paragraph.split("\n")]
            glue = "<br>" if lines[0].startswith(("- ", "1. ")) else " "
            yield f"<p>{glue.join(lines)}</p>" if any(lines) else ""


def _row(line: ExcerptLine) -> str:
    text = visible_line(line.text)
    if line.start > 0:
        low, high = line.start - 1, max(line.end - 1, line.start)
        text = f"{escape(text[:low])}<mark>{escape(text[low:high])}</mark>{escape(text[high:])}"
    else:
        text = escape(text)
    return f'<span class="row"><span class="number">{line.number}</span>{text}</span>'


def _problems(problems: tuple[Problem, ...]) -> Iterator[str]:
    if problems:
        yield "<h2>Input</h2>"
    for problem in problems:
        where = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
        yield (
            f'<div class="problem {problem.level}"><span class="badge">{problem.level}</span> {_code(problem.code)} '
            f'{_prose(problem.message)} <span class="faint">{_text(where)}</span></div>'
        )


def _passed(report: Report) -> Iterator[str]:
    if not report.passed:
        return
    yield f"<details><summary>{len(report.passed):,} passed</summary><table>"
    for entry in report.passed:
        yield f"<tr><td>{_text(entry.code)}</td><td>{_code(entry.address)}</td><td>{_code(entry.unit)}</td></tr>"
    yield "</table></details>"
