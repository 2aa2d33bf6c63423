"""The command line: one module for each command, imported when the command is given."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status: 0, 1 or 2, or 130 where the user interrupted it.

    `argv` are the arguments without the program's name; None: those of the process.
    """
    from kmsguard.cli.command_line import run

    return run(argv)
