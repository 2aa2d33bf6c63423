"""`kmsguard test-rules`."""

from __future__ import annotations

import argparse

from kmsguard.cli.streams import write


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("directories", nargs="+", metavar="DIR", help="a folder of rules, one YAML file each")


def run(arguments: argparse.Namespace) -> int:
    """Runs the examples; status 1 where one shows what its rule does not do."""
    from kmsguard.model.finding import UsageError
    from kmsguard.output.groups import counted
    from kmsguard.rules.examples import run_examples
    from kmsguard.rules.load import rule_files

    files = 0
    for directory in arguments.directories:
        found = len(rule_files(directory))
        if not found:
            raise UsageError(f"{directory}: there are no rules in this folder")
        files += found
    failures = run_examples(tuple(arguments.directories))
    lines = [str(failure) for failure in failures]
    outcome = f"{counted(len(failures), 'example')} failed" if failures else "all examples pass"
    lines.append(f"{counted(files, 'rule')}, {outcome}")
    write("\n".join(lines) + "\n")
    return 1 if failures else 0
