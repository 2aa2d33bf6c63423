"""From rule files to the table of rules, and what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from kmsguard.model.declaration import Problem
from kmsguard.model.finding import UsageError
from kmsguard.model.rule import RuleTable

_MADE_BY = [
    str(Path(__file__).parent / "reading.py"),
    str(Path(__file__).parent.parent / "conditions" / "parsing.py"),
    str(Path(__file__).parent.parent / "model" / "condition.py"),
    str(Path(__file__).parent.parent / "model" / "rule.py"),
]
"""What a compiled table hangs on besides its files: whoever works on these sees the change at once."""

MANY = 20  # more problems than that are not told in one message


def built_in() -> str:
    """The folder of the rules that come with the program: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_rules"
    return str(installed if installed.is_dir() else package.parent / "rules")


def rule_files(directory: str) -> list[str]:
    """The rule files of a pack, sorted: all YAML below it but for its `kinds` folder.

    Raises:
        UsageError: there is no such folder, or it cannot be read.
    """
    try:
        return sorted(_yaml_below(directory, skip="kinds"))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{directory}: there is no such folder of rules") from None
    except OSError as error:
        raise UsageError(f"{directory}: the rules cannot be read: {error.strerror}") from None


def kind_directories(directories: Sequence[str]) -> tuple[str, ...]:
    """The folders of kinds that rule packs bring: `kinds` in the pack or beside it. The built-in pack brings none."""
    packs = [Path(one) for one in directories if one != built_in()]
    places = [folder / "kinds" for pack in packs for folder in (pack, pack.resolve().parent)]
    return tuple(dict.fromkeys(str(place) for place in places if place.is_dir()))


def _yaml_below(directory: str, skip: str) -> Iterator[str]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != skip and not entry.name.startswith("."):
                    yield from _yaml_below(entry.path, "")
            elif entry.name.endswith((".yaml", ".yml")):
                yield entry.path


class _Compiled(msgspec.Struct, frozen=True):
    """The table of one pack."""

    table: RuleTable


def load(directories: Sequence[str] = ()) -> RuleTable:
    """The built-in rules and those of some packs, sorted by code.

    Raises:
        UsageError: a pack cannot be read, or something is wrong with a rule; with all problems and their places.
    """
    from kmsguard.kinds.compiled import load_compiled

    tables = []
    for number, directory in enumerate((built_in(), *directories)):
        kinds = kind_directories(directories)
        files = rule_files(directory)
        known = [*files, *_MADE_BY, *(file for folder in kinds if number for file in sorted(_yaml_below(folder, "")))]
        compiled = load_compiled("rules", known, _Compiled, lambda f=files, k=kinds: _compile(f, k))  # type: ignore[misc]
        tables.append(compiled.table)
    return _joined(tables)


def _compile(files: Sequence[str], kinds: tuple[str, ...]) -> _Compiled:
    from kmsguard.kinds.load import load as load_kinds
    from kmsguard.rules.reading import read_rules

    rules, problems = read_rules(files, load_kinds(kinds))
    if problems:
        raise bad_rules(problems)
    return _Compiled(RuleTable(tuple(rules)))


def _joined(tables: Sequence[RuleTable]) -> RuleTable:
    rules = sorted((rule for table in tables for rule in table.rules), key=lambda rule: rule.info.code)
    seen: dict[str, str] = {}
    problems = []
    for rule in rules:
        for name in (rule.info.code, rule.info.name):
            if name in seen:
                problems.append(Problem("error", "duplicate-rule", rule.file, 1, 1, f"{name} is also defined in {seen[name]}"))
            seen[name] = rule.file
    if problems:
        raise bad_rules(problems)
    return RuleTable(tuple(rules))


def bad_rules(problems: Sequence[Problem]) -> UsageError:
    """What a user is told of mistakes in rule files."""
    lines = [f"{p.file}:{p.line}:{p.column}: {p.message}" for p in problems[:MANY]]
    more = len(problems) - MANY
    return UsageError("\n".join(["mistakes in rules:", *lines, *([f"and {more} more"] if more > 0 else [])]), tuple(problems))
