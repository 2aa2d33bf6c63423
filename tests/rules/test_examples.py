"""The examples of every rule, in both languages, are its tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmsguard.kinds.load import load as load_kinds
from kmsguard.model.declaration import UnitSource
from kmsguard.rules.examples import examples_of, run_example
from kmsguard.rules.load import built_in, load, rule_files
from kmsguard.rules.reading import read_rules, subjects
from kmsguard.terraform import read

FILES = rule_files(built_in())
RULES = {rule.info.code: rule for rule in load().rules}


@pytest.fixture(scope="session")
def kinds():
    """The kinds that come with the program."""
    return load_kinds()


def test_every_rule_file_is_read_without_a_mistake(kinds):
    """Codes, names, kinds, attributes and examples of all rules are as the reader wants them."""
    _, problems = read_rules(FILES, kinds)
    assert [f"{p.file}:{p.line}:{p.column}: {p.message}" for p in problems] == []


def test_codes_and_names_are_unique(kinds):
    """No two rules share a code or a name."""
    rules, _ = read_rules(FILES, kinds)
    assert len({rule.info.code for rule in rules}) == len(rules) == len({rule.info.name for rule in rules})


@pytest.mark.parametrize("code", RULES)
def test_the_rule_does_what_its_examples_show(code, kinds):
    """Verdicts and lines as marked, nothing else, and no vacuous pass."""
    rule = RULES[code]
    if not (rule.kinds or rule.trait):
        pytest.skip("the scan itself reports it: see tests/scan")
    failures = [
        f"{Path(rule.file).name}:{example.line} {example.group} in {example.language}, {example.title}: {message}"
        for example in examples_of(rule.file)
        for message in run_example(rule, example, kinds)
    ]
    assert failures == []


def test_a_trait_means_the_same_for_every_kind(kinds):
    """Where a rule asks a trait for an attribute, every kind with that trait has it."""
    missing = [
        f"{rule.info.code}: {kind.name} has no {name}"
        for rule in RULES.values()
        if rule.trait
        for kind in kinds.kinds.values()
        if rule.trait in kind.traits
        for condition in (rule.where, rule.require)
        for name in subjects(condition)
        if name.split(".")[0] not in {*kind.attributes, *kind.edges}
    ]
    assert missing == []


REFUSED = frozenset(
    {"missing-argument", "missing-block", "unknown-argument", "unknown-block", "too-many-blocks", "computed-argument"}
)


def test_what_the_examples_show_is_what_terraform_takes(tmp_path, monkeypatch):
    """An example that is copied works: the AWS provider knows its arguments, and lacks none."""
    refused = []
    for file in FILES:
        for number, example in enumerate(examples_of(file)):
            if example.language != "terraform":
                continue
            folder = tmp_path / Path(file).stem / str(number)
            for name, text in example.files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            monkeypatch.chdir(folder)
            problems = read(UnitSource(".", "terraform")).problems
            refused += [f"{Path(file).name}:{example.line}: {p.message}" for p in problems if p.code in REFUSED]
    assert refused == []
