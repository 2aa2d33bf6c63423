"""`kmsguard keys`."""

from __future__ import annotations

import argparse

from kmsguard.cli import options
from kmsguard.cli.asking import add_format, answered, read


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.usage = "kmsguard keys [options] PATH..."
    options.add_paths(parser)
    add_format(parser.add_argument_group("output"))
    options.add_deployment(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the inventory; status 2 where something could not be read."""
    from kmsguard.answers.keys import keys
    from kmsguard.answers.keys_text import render

    graphs = read(arguments)
    return answered(keys(graphs), graphs, arguments, render)
