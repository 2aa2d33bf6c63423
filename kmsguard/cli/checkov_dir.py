"""`kmsguard checkov-dir`."""

from __future__ import annotations

from kmsguard.cli.plugin_folders import add, printer

__all__ = ("add", "run")

run = printer("checkov", "checkov")
