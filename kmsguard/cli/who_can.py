"""`kmsguard who-can`."""

from __future__ import annotations

import argparse

from kmsguard.cli import options
from kmsguard.cli.asking import add_format, answered, read


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.usage = "kmsguard who-can [options] ACTION PATH..."
    parser.add_argument(
        "action", metavar="ACTION", help="an operation with a key, such as kms:Decrypt, or a pattern, such as kms:ReEncrypt*"
    )
    options.add_paths(parser)
    group = parser.add_argument_group("what is answered")
    add_format(group)
    group.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="only this key; * stands for any text (repeatable)",
    )
    group.add_argument(
        "--principal",
        action="append",
        default=[],
        metavar="NAME",
        help="only this principal: an address, ARN, account or service; * stands for any text (repeatable)",
    )
    group.add_argument("--show-denied", action="store_true", help="list those that cannot too, with what denies them")
    options.add_deployment(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints who can; status 2 where something could not be read."""
    from kmsguard.answers.who_can import operations_of, who_can
    from kmsguard.answers.who_can_text import render

    operations_of(arguments.action)
    graphs = read(arguments)
    tree = who_can(
        arguments.action,
        graphs,
        keys=arguments.key,
        principals=arguments.principal,
        show_denied=arguments.show_denied,
    )
    return answered(tree, graphs, arguments, render)
