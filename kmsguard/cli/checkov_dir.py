"""`kmsguard checkov-dir`."""

from __future__ import annotations

import argparse

from kmsguard.cli.plugin_folders import print_folder


def add(parser: argparse.ArgumentParser) -> None:
    """It takes no arguments."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    """Prints the folder that holds the plug-in."""
    del arguments
    return print_folder("checkov", "checkov")
