"""`kmsguard test-rules`."""

from __future__ import annotations

import argparse

from kmsguard.cli.streams import write


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("directories", nargs="+", metavar="DIR", help="a folder of rules, one YAML file each")


def run(arguments: argparse.Namespace) -> int:
    """Runs the examples; status 1 where one shows what its rule does not do."""
    from kmsguard.rules.examples import run_examples
    from kmsguard.rules.load import rule_files

    failures = run_examples(tuple(arguments.directories))
    files = sum(len(rule_files(directory)) for directory in arguments.directories)
    lines = [str(failure) for failure in failures]
    lines.append(f"{files} rules, {len(failures)} examples failed" if failures else f"{files} rules, all examples pass")
    write("\n".join(lines) + "\n")
    return 1 if failures else 0
