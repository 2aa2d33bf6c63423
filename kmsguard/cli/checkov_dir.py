"""`kmsguard checkov-dir`."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec

PLUGIN = "kmsguard.plugins.checkov"


def add(parser: argparse.ArgumentParser) -> None:
    """It takes no arguments."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    """Prints the folder that holds the plug-in."""
    import os.path

    from kmsguard.model.finding import UsageError

    del arguments
    spec = find_spec(PLUGIN) if find_spec("kmsguard.plugins") is not None else None
    if spec is None or spec.origin is None:
        raise UsageError("this installation has no plug-in for checkov")
    sys.stdout.write(os.path.dirname(spec.origin) + "\n")
    return 0
