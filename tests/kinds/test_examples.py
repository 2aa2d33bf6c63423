"""The examples of all kind files: one expectation, met by both spellings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmsguard.kinds.build import build
from kmsguard.kinds.examples import Example, read_examples
from kmsguard.kinds.load import kind_files, load
from kmsguard.kinds.table import Plain
from kmsguard.model.declaration import Unit, UnitSource
from kmsguard.model.guard import World
from kmsguard.model.resource import External, Graph, Resource
from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value

LANGUAGES = {"terraform": "main.tf", "cloudformation": "template.yaml"}


def cases() -> Iterator[object]:
    """Each example in each language that it is written in."""
    for example in read_examples(kind_files()):
        for language in LANGUAGES:
            if getattr(example, language) is not None:
                yield pytest.param(example, language, id=f"{example.kind}: {example.title} [{language}]")


def read(language: str, directory: str) -> Unit:
    """The unit of an example, read as it would be from a folder."""
    if language == "terraform":
        if Path(directory, "plan.json").exists():
            from kmsguard.terraform.plan import read as read_plan

            return read_plan(UnitSource(f"{directory}/plan.json", "terraform-plan", boundary=directory))
        from kmsguard.terraform import read as read_terraform

        return read_terraform(UnitSource(directory, "terraform", boundary=directory))
    from kmsguard.cloudformation import read as read_template

    return read_template(UnitSource(f"{directory}/template.yaml", "cloudformation", boundary=directory))


def plain(value: Value) -> Plain:
    """A value as an example writes it; a hole of a text is `${…}`."""
    data = value.data
    if isinstance(data, Text):
        return "".join(piece.data if isinstance(piece.data, str) else "${…}" for piece in data.pieces)
    if isinstance(data, (Unknown, Choice)):
        return "${…}"
    if isinstance(data, tuple):
        return [plain(item) for item in data]
    if isinstance(data, dict):
        return {name: plain(item) for name, item in data.items()}
    return "absent" if data is ABSENT else data  # type: ignore[return-value]


def as_text(data: Plain) -> Plain:
    """Scalars as text: an example's are."""
    if isinstance(data, list):
        return [as_text(item) for item in data]
    if isinstance(data, dict):
        return {name: as_text(item) for name, item in data.items()}
    if isinstance(data, bool):
        return "true" if data else "false"
    return "" if data is None else str(data)


def ends(graph: Graph, resource: Resource, name: str) -> list[str]:
    """Where edges lead, as an example writes it."""
    out = []
    for edge in graph.out(resource, name):
        if isinstance(edge.target, External):
            text = edge.target.value.text
            out.append("unknown" if text is None else f"external:{text}")
        else:
            out.append(edge.target.kind)
    return out


def subject(graph: Graph, example: Example, language: str) -> Resource:
    """The resource that an example is about."""
    found = graph.by_kind.get(example.kind, [])
    assert found, f"no {example.kind}; there are {[(r.kind, r.address) for r in graph.resources]}"
    address = example.subject.get(language)
    if address is not None:
        return next(resource for resource in found if resource.address == address)
    if example.number is not None:
        assert len(found) == example.number
    return found[0]


@pytest.mark.parametrize(("example", "language"), list(cases()))
def test_example(example: Example, language: str, tmp_path, monkeypatch) -> None:
    """What the example says of its resource holds in each language that it is written in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "unit").mkdir()
    text = getattr(example, language)
    name = "plan.json" if text.startswith("{") and language == "terraform" else LANGUAGES[language]
    (tmp_path / "unit" / name).write_text(text, encoding="utf-8")

    unit = read(language, "unit")
    # no variable of an example has a value; the schema of the provider takes all that it writes
    expected_problems = ("unset-variable", "module-not-found", "duplicate")
    said = [problem for problem in unit.problems if language == "terraform" or problem.level == "error"]
    assert [problem.message for problem in said if problem.code not in expected_problems] == []
    graph = build([unit], load())
    assert graph.problems == ()
    resource = subject(graph, example, language)
    world = World()
    for name, expected in example.expect.items():
        assert as_text(plain(resource.attribute(name, world))) == as_text(expected), name
    for name in example.absent:
        assert resource.attribute(name, world).data is ABSENT, name
    for name in example.unknown:
        assert isinstance(resource.attribute(name, world).data, Unknown), name
    for name, expected_ends in example.edges.items():
        assert tuple(ends(graph, resource, name)) == expected_ends, name


def test_every_kind_is_shown() -> None:
    """Every kind has an example, in both languages unless it says why not, and a page of AWS to check it against."""
    shown = read_examples(kind_files())
    for kind in load().kinds.values():
        mine = [example for example in shown if example.kind == kind.name]
        assert mine, kind.name
        assert kind.links, kind.name
        for language in LANGUAGES:
            if kind.only == "":
                assert any(getattr(example, language) for example in mine), (kind.name, language)


def test_links_are_pages() -> None:
    """Links are https addresses of AWS's or Terraform's documentation."""
    allowed = re.compile(r"https://(docs\.aws\.amazon\.com|registry\.terraform\.io|developer\.hashicorp\.com)/")
    for kind in load().kinds.values():
        for link in kind.links:
            assert allowed.match(link), (kind.name, link)
