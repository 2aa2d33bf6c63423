"""From arguments to a command, and from what goes wrong to an exit status."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from kmsguard import __version__
from kmsguard.cli.streams import tell

COMMANDS: dict[str, str] = {
    "scan": "find problems",
    "explain": "what a rule means, why, and how to mend what it finds",
    "rules": "list the rules",
    "evaluate": "what the code evaluates to, as JSON",
    "keys": "inventory of keys: kind, rotation, who administers, who uses, what they protect, monthly cost",
    "who-can": "who can do an operation with which key, with the statements that say so",
    "policy": "judge a bare key policy document",
    "test-rules": "run the examples of a rule pack as its tests",
    "checkov-dir": "the folder to hand to checkov's --external-checks-dir",
    "cfn-lint-dir": "the folder to hand to cfn-lint's --append-rules",
}
"""The commands. The module of a command has its name; it has `add(parser)` and `run(arguments) -> int`."""

INTERRUPTED = 130
DEBUG = "KMSGUARD_DEBUG"

EPILOG = """\
exit status:
  0  everything was read, and nothing was found at or above --fail-on
  1  everything was read, and something was found
  2  bad usage, configuration or rule, or an input that could not be read (all others are reported in full)

`kmsguard COMMAND --help` tells what a command takes.
"""


def run(argv: Sequence[str] | None = None) -> int:
    """Runs a command; see `kmsguard.cli.main`."""
    _speak_utf8()
    try:
        status = _run(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        tell("interrupted")
        return INTERRUPTED
    if not gc.isenabled():
        gc.freeze()  # the interpreter looks for cycles once more when it ends: a tenth of the time of a large template
    return status


def _run(argv: list[str]) -> int:
    first = argv[0] if argv and argv[0] in COMMANDS else ""
    parser = build(only=first if first or COMMANDS.keys().isdisjoint(argv) else None)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # argparse has said why
        return stop.code if isinstance(stop.code, int) else 2
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return 2
    return _guarded(arguments)


def _guarded(arguments: argparse.Namespace) -> int:
    from kmsguard.model.finding import UsageError

    try:
        status: int = _module(arguments.command).run(arguments)
    except UsageError as error:
        for line in str(error).splitlines():
            tell(line)
        return 2
    except Exception as error:
        # Python would end with status 1, which says "findings", and print a message that may hold a secret of the input.
        if os.environ.get(DEBUG):
            raise
        from kmsguard.model.fault import fault

        tell(f"this is our fault, please report it: {fault(error)}")
        tell(f"with {DEBUG}=1 the whole trace is shown; it may hold values of the input")
        return 2
    return status


def build(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command line: of one command where it is known, with `""` of all by their names alone."""
    parser = argparse.ArgumentParser(
        prog="kmsguard",
        description="Tells, before you deploy, what is wrong with the encryption of your AWS infrastructure code.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"kmsguard {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for name, summary in COMMANDS.items() if not only else ((only, COMMANDS[only]),):
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if only != "":
            _module(name).add(command)
    return parser


def _module(command: str) -> _Command:
    return import_module(f"kmsguard.cli.{command.replace('-', '_')}")  # type: ignore[return-value]


class _Command:
    """What the module of a command has."""

    @staticmethod
    def add(parser: argparse.ArgumentParser) -> None:
        """Adds the command's arguments."""

    @staticmethod
    def run(arguments: argparse.Namespace) -> int:
        """Runs it and returns the exit status."""
        raise NotImplementedError


def _speak_utf8() -> None:
    """UTF-8 whatever the locale says: reports are read by programs, and Windows still has its code pages."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
