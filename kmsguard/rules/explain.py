"""What a rule means, why, and how to mend it: `kmsguard explain` and the pages of the reference, from the rule file alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from kmsguard.model.rule import Rule
from kmsguard.rules.examples import MARK, Example, Group, examples_of

_LANGUAGES = {"terraform": ("Terraform", "hcl"), "cloudformation": ("CloudFormation", "yaml")}
_SHOWN: tuple[tuple[Group, str], ...] = (("fail", "Wrong"), ("pass", "Right"))


def explain(rule: Rule, style: Literal["markdown", "text"] = "markdown") -> str:
    """A page about a rule, with its first bad and good example in each language."""
    lines = list(_page(rule))
    return "\n".join(lines if style == "markdown" else _plain(lines)).rstrip() + "\n"


def _page(rule: Rule) -> Iterator[str]:
    info = rule.info
    yield from (f"# {info.code} {info.name}", "", info.title, "")
    yield from (f"Category {info.category}, severity {info.severity}, profile {info.profile}.", "")
    yield from ("## Why", "", info.why, "", "## What to do", "", info.remediation, "")
    examples = examples_of(rule.file)
    for group, heading in _SHOWN:
        yield from (f"## {heading}", "")
        for language, (name, fence) in _LANGUAGES.items():
            first = next((e for e in examples if e.group == group and e.language == language), None)
            if first is not None:
                yield from _example(first, name, fence)
    yield from _listed("Covers", info.covers)
    yield from _listed("Controls", info.controls)
    yield from ("## Links", "", *(f"- {link}" for link in info.links), "")


def _example(example: Example, language: str, fence: str) -> Iterator[str]:
    yield from (f"{example.title} ({language}):", "")
    for name, text in example.files.items():
        if len(example.files) > 1:
            yield from (f"`{name}`", "")
        yield f"```{'json' if name.endswith('.json') else fence}"
        yield from (MARK.sub("", line).rstrip() for line in text.rstrip().splitlines())
        yield from ("```", "")


def _listed(heading: str, entries: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if entries:
        yield from (f"## {heading}", "", *(f"- {name}: {', '.join(ids)}" for name, ids in entries.items()), "")


def _plain(lines: list[str]) -> Iterator[str]:
    """A page without the marks of Markdown: headings in capitals, code indented."""
    in_code = False
    for line in lines:
        if line.startswith("```"):
            in_code = not in_code
        elif in_code:
            yield f"    {line}".rstrip()
        elif line.startswith("## "):
            yield line[3:].upper()
        else:
            yield line.removeprefix("# ")
