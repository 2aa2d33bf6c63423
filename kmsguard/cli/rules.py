"""`kmsguard rules`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kmsguard.cli import options
from kmsguard.cli.streams import write
from kmsguard.model.finding import PROFILES

if TYPE_CHECKING:
    from kmsguard.model.finding import RuleInfo

FORMATS = ("table", "json", "markdown")
COLUMNS = ("code", "severity", "profile", "category", "name", "title")


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--format", choices=FORMATS, default="table", help="what is printed (default: table)")
    parser.add_argument("--profile", choices=PROFILES, default="strict", help="only the rules of this profile (default: all)")
    parser.add_argument(
        "--select", action="extend", default=[], metavar="RULES", type=options.names, help="only these, as in `kmsguard scan`"
    )
    parser.add_argument("--rules", action="append", default=[], metavar="DIR", help="a folder with more rules (repeatable)")


def run(arguments: argparse.Namespace) -> int:
    """Prints the list."""
    from kmsguard.model.rule import is_selected
    from kmsguard.scan.run import load_rules
    from kmsguard.scan.settings import Settings

    settings = Settings(profile=arguments.profile, select=tuple(arguments.select), rule_dirs=tuple(arguments.rules))
    wanted = settings.for_rules()
    rules = [rule.info for rule in load_rules(settings).rules if is_selected(rule.info, wanted)]
    write(_RENDERERS[arguments.format](rules))
    return 0


def _cells(rule: RuleInfo) -> tuple[str, ...]:
    return tuple(getattr(rule, column) for column in COLUMNS)


def _table(rules: Sequence[RuleInfo]) -> str:
    rows = [tuple(column.upper() for column in COLUMNS), *map(_cells, rules)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def _markdown(rules: Sequence[RuleInfo]) -> str:
    def lines() -> Iterator[str]:
        yield f"| {' | '.join(COLUMNS)} |"
        yield f"|{' --- |' * len(COLUMNS)}"
        for rule in rules:
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in _cells(rule))} |"

    return "\n".join(lines()) + "\n"


def _json(rules: Sequence[RuleInfo]) -> str:
    from kmsguard.output.json import encode

    return encode({"format_version": 1, "rules": rules})


_RENDERERS = {"table": _table, "json": _json, "markdown": _markdown}
