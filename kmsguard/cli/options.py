"""Options that several commands share, and the settings that they and the configuration make."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kmsguard.scan.settings import Settings


def add_paths(parser: argparse.ArgumentParser) -> None:
    """Adds PATH, once or more."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a folder, which is searched for Terraform root modules and CloudFormation templates; a file, which stands for "
        "the units that read it; or - for a template on standard input",
    )


def add_deployment(parser: argparse.ArgumentParser) -> None:
    """What is read, and what it is deployed with."""
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    group = parser.add_argument_group("what is deployed")
    group.add_argument(
        "--var", action="append", metavar="NAME=VALUE", type=_pair, help="a variable of Terraform (repeatable)", **given
    )
    group.add_argument(
        "--var-file", action="append", metavar="FILE", help="a file of Terraform variables (repeatable)", **given
    )
    group.add_argument(
        "--parameter",
        action="append",
        metavar="NAME=VALUE",
        type=_pair,
        help="a CloudFormation parameter (repeatable)",
        **given,
    )
    group.add_argument(
        "--parameters",
        action="append",
        metavar="FILE",
        help="a file of CloudFormation parameters, as the AWS CLI, CodePipeline or SAM take it (repeatable)",
        **given,
    )
    group.add_argument(
        "--all-values",
        action="store_true",
        help="take variables and parameters with a default as open too: judge every value that they may have",
        **given,
    )
    group.add_argument("--account", metavar="ID", type=account, help="the account deployed to", **given)
    group.add_argument("--region", metavar="NAME", type=region, help="the Region deployed to", **given)
    group.add_argument(
        "--trusted-account", action="append", metavar="ID", type=account, help="an account of yours (repeatable)", **given
    )
    group.add_argument(
        "--organization",
        action="append",
        metavar="ID",
        type=organization,
        help="an organization of yours (repeatable)",
        **given,
    )
    group = parser.add_argument_group("what is read")
    group.add_argument(
        "--config", metavar="FILE", help="the configuration file (default: .kmsguard.yaml of the nearest folder)"
    )
    group.add_argument(
        "--exclude", action="append", metavar="GLOB", help="what is not scanned, as in .gitignore (repeatable)", **given
    )
    group.add_argument(
        "--no-follow-modules", dest="follow_modules", action="store_false", help="leave module calls unread", **given
    )
    group.add_argument("--strict-input", action="store_true", help="what is only a warning of an input is an error", **given)
    group.add_argument(
        "--rules", action="append", metavar="DIR", help="a folder with more rules, and kinds in it (repeatable)", **given
    )
    group.add_argument(
        "--jobs", type=_positive, metavar="N", help="processes that read units (default: as many as are worth it)", **given
    )


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The configuration with what the command line says.

    Raises:
        UsageError: for mistakes in the configuration and files that are not there.
    """
    from kmsguard.model.finding import UsageError
    from kmsguard.scan import config
    from kmsguard.scan.run import configured
    from kmsguard.scan.settings import PathPattern, Trust

    values = vars(arguments)
    given: dict[str, Any] = {name: values[name] for name in _AS_THEY_ARE if name in values}
    given |= {field: tuple(values[name]) for name, field in _LISTS.items() if name in values}
    if "exclude" in values:
        given["exclude"] = tuple(PathPattern(pattern, ".") for pattern in values["exclude"])
    if "trusted_account" in values or "organization" in values:
        given["trust"] = Trust(tuple(values.get("trusted_account", ())), tuple(values.get("organization", ())))
    prefix = "TF_VAR_"
    given["environment"] = tuple(
        (name.removeprefix(prefix), value) for name, value in sorted(os.environ.items()) if name.startswith(prefix)
    )
    for file in (*given.get("variable_files", ()), *given.get("parameter_files", ())):
        if not os.path.isfile(file):
            raise UsageError(f"{file}: there is no such file")
    before = config.load(arguments.config) if arguments.config else configured(arguments.paths)
    return config.join(before, given)


_AS_THEY_ARE = (
    *("all_values", "account", "region", "follow_modules", "strict_input", "jobs", "profile", "min_severity", "fail_on"),
    *("unknown", "baseline", "whole_units", "skip_unread", "today", "statistics"),
)
_LISTS = {
    "var": "variables",
    "var_file": "variable_files",
    "parameter": "parameters",
    "parameters": "parameter_files",
    "rules": "rule_dirs",
    "select": "select",
    "ignore": "ignore",
}
"""Options that may be given several times, and the settings that they are."""


def names(text: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def day(text: str) -> str:
    """A day, YYYY-MM-DD."""
    from kmsguard.scan.config import is_date

    if not is_date(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no day, YYYY-MM-DD")
    return text


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError("NAME=VALUE is expected")
    return name.strip(), value


def _shaped(pattern: str, what: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return text

    return convert


account = _shaped(r"[0-9]{12}", "an account, twelve digits")
organization = _shaped(r"o-[a-z0-9]{10,32}", "an organization, o-…")
region = _shaped(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+", "a Region, such as eu-west-1")


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)
