"""`kmsguard policy check`."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from kmsguard.cli import options
from kmsguard.cli.streams import tell, write
from kmsguard.model.characters import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACTION = re.compile(r"kms:[A-Za-z]+")


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.usage = "kmsguard policy check [options] --account ID FILE..."
    parser.add_argument(
        "what", choices=("check",), metavar="check", help="who may use, grant, administer and sign with the key"
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a key policy document, JSON")
    parser.add_argument("--account", required=True, metavar="ID", type=options.account, help="the account that owns the key")
    parser.add_argument(
        "--trusted-account",
        action="append",
        default=[],
        metavar="ID",
        type=options.account,
        help="another account of yours (repeatable)",
    )
    parser.add_argument(
        "--organization",
        action="append",
        default=[],
        metavar="ID",
        type=options.organization,
        help="an organization of yours; the account is in the first (repeatable)",
    )
    parser.add_argument("--region", metavar="NAME", type=options.region, help="the key's Region")
    parser.add_argument(
        "--action", metavar="kms:NAME", type=_action, help="judge this operation alone, spelled as KMS spells it (kms:Decrypt)"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table", help="what is printed (default: table)")


def run(arguments: argparse.Namespace) -> int:
    """Judges the documents; status 2 where one could not be."""
    from kmsguard.iam.check import check

    tree: dict[str, Any] = check(
        arguments.files,
        account=arguments.account,
        trusted_accounts=tuple(arguments.trusted_account),
        organizations=tuple(arguments.organization),
        region=arguments.region,
        action=arguments.action,
    )
    if arguments.format == "json":
        from kmsguard.output.json import encode

        write(encode(tree))
    else:
        write(_table(tree["policies"]))
        for error in tree["errors"]:
            tell(f"{error['file']}: {error['message']}{_place(error)}")
    return 2 if tree["errors"] else 0


def _table(policies: Sequence[Mapping[str, Any]]) -> str:
    lines: list[str] = []
    for policy in policies:
        lines.append(policy["file"])
        for name, answer in policy.items():
            if name == "lockout":
                lines.append(f"  {'lockout':<12}{_LOCKOUT[answer]}")
            elif name != "file":
                lines.append(f"  {name:<12}{_audience(answer)}{_witness(answer['witness'])}")
    return "".join(f"{visible(line)}\n" for line in lines)


def _place(error: Mapping[str, str]) -> str:
    """Where in the document a bad statement stands, for a reader."""
    if not error["message"].startswith("BadPolicy"):
        return ""
    from pathlib import Path

    from kmsguard.iam.check import place_of_error

    place = place_of_error(Path(error["file"]).read_bytes())
    return f" ({place})" if place else ""


_LOCKOUT = {True: "yes: nobody can change this policy", False: "no", None: "not decided"}


def _audience(answer: Mapping[str, Any]) -> str:
    audience: str = answer["audience"]
    return f"unknown, from {answer['at_least']} to {answer['at_most']}" if audience == "unknown" else audience


def _witness(witness: Mapping[str, Any] | None) -> str:
    if not witness:
        return ""
    context = ", ".join(f"{name} = {value}" for name, value in witness["context"].items())
    return f": {witness['principal']} may {witness['action']}{f' with {context}' if context else ''}"


def _action(text: str) -> str:
    if ACTION.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no operation of KMS, such as kms:Decrypt")
    return text
