"""Paths as the report shows them, the checkout they lie in, and globs over them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from kmsguard.scan.settings import PathPattern


def shown(path: str) -> str:
    """A path relative to the working directory, with forward slashes; absolute where there is no such way (another drive)."""
    try:
        path = os.path.relpath(path)
    except ValueError:
        path = os.path.abspath(path)
    return path.replace(os.sep, "/")


def relative(path: str, base: str) -> str:
    """A path relative to a folder, with forward slashes."""
    try:
        path = os.path.relpath(path, base)
    except ValueError:
        path = os.path.abspath(path)
    return path.replace(os.sep, "/")


def inside(path: str, folder: str) -> bool:
    """Whether an absolute path is a folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def checkout(folder: str) -> str | None:
    """The root of the checkout that an absolute folder lies in: the nearest parent with `.git`."""
    while True:
        if os.path.exists(os.path.join(folder, ".git")):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


@cache
def glob(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression: `*` and `?` stay inside a folder, `**` crosses folders."""
    pattern = pattern.removeprefix("./").rstrip("/") or "."
    out: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            out.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            out.append(".*")
            at += 2
        elif pattern[at] == "*":
            out.append("[^/]*")
            at += 1
        elif pattern[at] == "?":
            out.append("[^/]")
            at += 1
        else:
            out.append(re.escape(pattern[at]))
            at += 1
    return re.compile("".join(out), re.DOTALL)


def matches(path: str, patterns: Iterable[PathPattern]) -> bool:
    """Whether one of some patterns, read as in `.gitignore`, stands for a path or for a folder that it lies in."""
    return any(_spec(p.pattern).match_file(_below(path, p.base)) for p in patterns)


def _below(path: str, base: str) -> str:
    within = relative(path, base)
    # a file elsewhere has no path below the base; patterns without a slash may still name a part of its own
    return os.path.abspath(path).replace(os.sep, "/").lstrip("/") if within.startswith("../") else within


@cache
def _spec(pattern: str) -> Any:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines([pattern[1:] if pattern.startswith("./") else pattern])


def exact(path: str, pattern: PathPattern) -> bool:
    """Whether a glob stands for just this path."""
    return glob(pattern.pattern).fullmatch(relative(path, pattern.base)) is not None


@cache
def address_glob(pattern: str) -> re.Pattern[str]:
    """A glob over addresses: `*` stands for any text, everything else for itself."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


_INDEX = r'\[(?:"(?:[^"\\]|\\.)*"|[^\]]*)\]'


def address_matches(pattern: str, address: str) -> bool:
    """Whether a glob stands for an address; an address without indices stands for all of its instances."""
    expression = address_glob(pattern)
    return expression.fullmatch(address) is not None or expression.fullmatch(re.sub(_INDEX, "", address)) is not None
