"""The commands that print where the plug-ins for other tools are: `kmsguard checkov-dir` and `kmsguard cfn-lint-dir`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec

from kmsguard.cli.streams import write


def add(parser: argparse.ArgumentParser) -> None:
    """They take no arguments."""
    del parser


def printer(plugin: str, tool: str) -> Callable[[argparse.Namespace], int]:
    """The command that prints the folder that holds a plug-in of ours (`cfn_lint`) for a tool."""

    def run(arguments: argparse.Namespace) -> int:
        """Prints the folder.

        Raises:
            UsageError: where the installation has none.
        """
        import os.path

        from kmsguard.model.finding import UsageError

        del arguments
        parent = "kmsguard.plugins"
        spec = find_spec(f"{parent}.{plugin}") if find_spec(parent) is not None else None
        if spec is None or spec.origin is None:
            raise UsageError(f"this installation has no plug-in for {tool}")
        write(os.path.dirname(spec.origin) + "\n")
        return 0

    return run
