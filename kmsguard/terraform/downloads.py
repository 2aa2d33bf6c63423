"""What `terraform init` left behind: the folders of downloaded modules, and whether they are those that the code names.

Terraform refuses a module whose entry has another source than the code, or a version that the code does not allow ("Module
source has changed"): the next `init` downloads another one, so that what lies there says nothing of what is deployed. For a
module by relative path the entry does not matter, as `init` leads to the folder that the code names.
See https://developer.hashicorp.com/terraform/language/modules/sources and
https://developer.hashicorp.com/terraform/language/expressions/version-constraints.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec

MANIFEST = ".terraform/modules/modules.json"
Version: TypeAlias = "tuple[int, ...]"


class Download(msgspec.Struct, frozen=True):
    """An entry of the manifest."""

    folder: str
    source: str = ""
    version: str = ""


def downloads(text: str) -> dict[str, Download]:
    """The entries of a manifest by the names of the calls that lead to them, joined by dots."""
    try:
        modules = json.loads(text)["Modules"]
        return {
            str(module["Key"]): Download(
                str(module["Dir"]).replace("\\", "/"), str(module.get("Source") or ""), str(module.get("Version") or "")
            )
            for module in modules
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def changed(source: str, wanted: str | None, found: Download) -> str | None:
    """What the code names that was not downloaded; None where it was, or it cannot be said. `wanted`: its `version`."""
    one, other = canonical(source), canonical(found.source)
    if found.source and one != other and not any(_SHORT.search(text) for text in (one, other)):
        return f"the code names {source}, and what was downloaded is {found.source}"
    if wanted and found.source:
        if not found.version:
            return f"the code asks for version {wanted}, and what was downloaded has none"
        if allows(wanted, found.version) is False:
            return f"the code asks for version {wanted}, and {found.version} was downloaded"
    return None


# --- sources --------------------------------------------------------------------------------------------------------------

_REGISTRIES = ("registry.terraform.io/", "registry.opentofu.org/")
_SHORT = re.compile(r"^[^:/]+\.(?:amazonaws|googleapis)\.com/|^www\.googleapis\.com/")
"""Buckets have several spellings, not all of which are told apart here."""
_HOSTED = re.compile(r"(github\.com|bitbucket\.org|gitlab\.com)/([^/?]+)/([^/?]+?)(?:\.git)?(/[^?]*)?(\?.*)?")
_SCP = re.compile(r"([\w.-]+@[\w.-]+):(?!//)([^?]*)(\?.*)?")


def canonical(source: str) -> str:
    """A source as `init` notes it."""
    if source.startswith("git::"):
        rest = canonical(source.removeprefix("git::"))
        return rest if rest.startswith("git::") else f"git::{rest}"
    for host in _REGISTRIES:
        source = source.removeprefix(host)
    hosted = _HOSTED.fullmatch(source)
    if hosted is not None:
        source = f"git::https://{hosted[1]}/{hosted[2]}/{hosted[3]}.git{hosted[4] or ''}{hosted[5] or ''}"
    scp = _SCP.fullmatch(source)
    if scp is not None:
        source = f"git::ssh://{scp[1]}/{scp[2]}{scp[3] or ''}"
    return _folder(source)


def _folder(source: str) -> str:
    """The folder below a source (behind `//`) in its shortest form."""
    whole, mark, query = source.partition("?")
    scheme, colon, rest = whole.rpartition("://")
    package, slashes, below = rest.partition("//")
    if slashes:
        rest = f"{package}//{posixpath.normpath(below)}"
    return f"{scheme}{colon}{rest}{mark}{query}"


# --- versions -------------------------------------------------------------------------------------------------------------

_CONSTRAINT = re.compile(r"\s*(=|!=|>=|<=|>|<|~>|)\s*v?(\d+(?:\.\d+){0,2})(-[\w.-]+)?(?:\+[\w.-]+)?\s*")


def allows(constraints: str, version: str) -> bool | None:
    """Whether a version meets constraints such as `~> 2.1, != 2.3.0`; None where one of the two cannot be read."""
    at = _CONSTRAINT.fullmatch(version)
    parts = [_CONSTRAINT.fullmatch(part) for part in constraints.split(",")]
    if at is None or at[1] or None in parts:
        return None
    return all(_meets(part, at) for part in parts if part is not None)


def _meets(constraint: re.Match[str], version: re.Match[str]) -> bool:
    operator, wanted, found = constraint[1], _numbers(constraint[2]), _numbers(version[2])
    if version[3] or constraint[3]:  # an early version is taken where it is the one that is named
        same = (wanted, constraint[3]) == (found, version[3])
        return not same if operator == "!=" else same and operator in ("=", "", ">=", "<=", "~>")
    if operator == "~>":
        written = constraint[2].count(".")
        return found >= wanted and found[:written] == wanted[:written]
    return _COMPARED[operator](found, wanted)


def _numbers(text: str) -> Version:
    numbers = [int(part) for part in text.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


_COMPARED: dict[str, Callable[[Version, Version], bool]] = {
    "": lambda found, wanted: found == wanted,
    "=": lambda found, wanted: found == wanted,
    "!=": lambda found, wanted: found != wanted,
    ">=": lambda found, wanted: found >= wanted,
    "<=": lambda found, wanted: found <= wanted,
    ">": lambda found, wanted: found > wanted,
    "<": lambda found, wanted: found < wanted,
}
