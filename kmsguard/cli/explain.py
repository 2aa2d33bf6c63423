"""`kmsguard explain`."""

from __future__ import annotations

import argparse

from kmsguard.cli.streams import write


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("rule", metavar="CODE|NAME", help="the code or the name of a rule, such as KG401")
    parser.add_argument("--format", choices=("text", "markdown"), default="text", help="what is printed (default: text)")
    parser.add_argument("--rules", action="append", default=[], metavar="DIR", help="a folder with more rules (repeatable)")


def run(arguments: argparse.Namespace) -> int:
    """Prints the page of a rule."""
    from kmsguard.model.finding import UsageError
    from kmsguard.rules.explain import explain
    from kmsguard.rules.load import load

    table = load(tuple(arguments.rules))
    wanted: str = arguments.rule
    rule = table.get(wanted) or table.get(wanted.upper()) or table.get(wanted.lower())
    if rule is None:
        from difflib import get_close_matches

        known = [name for rule in table.rules for name in (rule.info.code, rule.info.name)]
        close = get_close_matches(wanted, known, 3)
        hint = f"; did you mean {', '.join(close)}?" if close else "; `kmsguard rules` lists them"
        raise UsageError(f"there is no rule {wanted}{hint}")
    write(explain(rule, arguments.format))
    return 0
