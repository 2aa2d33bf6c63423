"""What the commands share that ask about the graph: `keys` and `who-can`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from kmsguard.cli import options
from kmsguard.cli.progress import Progress
from kmsguard.cli.streams import STDIN, standard_input, tell, width, write

if TYPE_CHECKING:
    from kmsguard.scan.graphs import Graphs

T = TypeVar("T")


def add_format(group: Any) -> None:
    """Adds `--format`."""
    group.add_argument("--format", choices=("table", "json"), default="table", help="what is printed (default: table)")


def read(arguments: argparse.Namespace) -> Graphs:
    """The graphs of the paths."""
    import gc

    from kmsguard.scan.graphs import read_graphs

    gc.disable()  # what is read lives until the end
    settings = options.settings_of(arguments)
    stdin = standard_input() if STDIN in arguments.paths else None
    with Progress(shown=sys.stderr.isatty()) as progress:
        return read_graphs(arguments.paths, settings, progress=progress, stdin=stdin)


def answered(tree: T, graphs: Graphs, arguments: argparse.Namespace, render: Callable[[T, int], str]) -> int:
    """Prints an answer without secrets, and returns the exit status."""
    from kmsguard.answers.redact import without_secrets

    for problem in graphs.errors:
        if problem.level == "error" or problem.code == "nothing-to-scan":
            tell(f"{problem.file}:{problem.line}:{problem.column}: {problem.level}: {problem.message}")
    shown = without_secrets(tree, graphs.secrets)
    if arguments.format == "json":
        from kmsguard.output.json import encode

        write(encode(shown))
    else:
        write(render(shown, width()))
    return 0 if graphs.whole else 2
