"""The page about the command line, made of what the parser knows."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from kmsguard.cli.command_line import COMMANDS, EPILOG, build


def page() -> str:
    """The reference of all commands and options, in Markdown."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield from ("# Command line", "", "```console")
    parsers = _commands(build())
    yield from (f"kmsguard {name:<14} {COMMANDS[name]}" for name in parsers)
    yield from ("```", "", "```text", EPILOG.split("\n\n`", 1)[0].strip(), "```")
    for name, parser in parsers.items():
        yield from ("", f"## kmsguard {name}", "", f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}.")
        yield from _arguments(f"kmsguard {name}", parser)


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of a parser's commands."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return dict(action.choices)
    return {}


def _arguments(command: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    for name, inner in _commands(parser).items():
        yield from ("", f"### {command} {name}")
        yield from _arguments(f"{command} {name}", inner)
    for group in parser._action_groups:  # noqa: SLF001
        actions = [a for a in group._group_actions if not isinstance(a, (argparse._HelpAction, argparse._SubParsersAction))]  # noqa: SLF001
        if actions:
            yield from ("", f"| {(group.title or '').replace('positional ', '')} | |", "| --- | --- |")
            yield from map(_row, actions)


def _row(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else _value(action)
    names = [f"`{option}{f' {value}' if value else ''}`" for option in action.option_strings] or [f"`{value}`"]
    return f"| {', '.join(names)} | {(action.help or '').replace('|', chr(92) + '|')} |".replace("%%", "%")


def _value(action: argparse.Action) -> str:
    if action.metavar is not None:
        return str(action.metavar)
    return "\\|".join(map(str, action.choices)) if action.choices is not None else action.dest.upper()
