"""`kmsguard cfn-lint-dir`."""

from __future__ import annotations

from kmsguard.cli.plugin_folders import add, printer

__all__ = ("add", "run")

run = printer("cfn_lint", "cfn-lint")
