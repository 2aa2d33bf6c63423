"""`kmsguard evaluate`."""

from __future__ import annotations

import argparse
import sys

from kmsguard.cli import options
from kmsguard.cli.progress import Progress
from kmsguard.cli.streams import STDIN, standard_input, tell, write


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.usage = "kmsguard evaluate [options] PATH..."
    options.add_paths(parser)
    options.add_deployment(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints what the code evaluates to; status 2 where something could not be read."""
    import gc

    from kmsguard.output.json import encode
    from kmsguard.scan.evaluate import evaluate

    gc.disable()  # what is read lives until the end
    settings = options.settings_of(arguments)
    stdin = standard_input() if STDIN in arguments.paths else None
    with Progress(shown=sys.stderr.isatty()) as progress:
        tree, complete = evaluate(arguments.paths, settings, progress=progress, stdin=stdin)
    for problem in tree["errors"]:
        if problem.level == "error" or problem.code == "nothing-to-scan":
            tell(f"{problem.file}:{problem.line}:{problem.column}: {problem.level}: {problem.message}")
    write(encode(tree))
    return 0 if complete else 2
