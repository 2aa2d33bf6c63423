"""Regular expressions in RE2's syntax, run by Python's engine where that is safe.

See https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

from kmsguard.terraform.functions.adapt import FunctionError

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
}
_POSIX = re.compile(r"\[:(\^?)([a-z]+):\]")
_REFERENCE = re.compile(r"\$(?:\$|(\d+|[A-Za-z_]\w*)|\{(\w+)\})")
LONGEST = 25
"""How long a text may be for a pattern that could take exponential time."""


def compiled(pattern: str, text: str) -> re.Pattern[str]:
    """The pattern, for use on a text.

    Raises:
        FunctionError: where it is no pattern, or could take too long on that text.
    """
    found, slow = _compile(pattern)
    if found is None:
        raise FunctionError("this is no regular expression")
    if slow and len(text) > LONGEST:
        raise FunctionError("this regular expression cannot be followed")
    return found


@lru_cache(maxsize=256)
def _compile(pattern: str) -> tuple[re.Pattern[str] | None, bool]:
    translated = _POSIX.sub(lambda match: _CLASSES.get(match[2], "") if not match[1] else "", pattern)
    translated = translated.replace(r"\z", r"\Z").replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!")
    translated = re.sub(r"\\Q(.*?)(?:\\E|$)", lambda match: re.escape(match[1]), translated)
    translated = re.sub(r"\\p\{?L\}?", r"[^\\W\\d_]", translated)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a set that looks like a nested one is none in RE2 either
            return re.compile(translated, re.ASCII), _nested(translated)
    except (re.error, OverflowError, RecursionError):
        return None, False


def _nested(pattern: str) -> bool:
    """Whether a repeated group holds a repetition without bound."""
    depth_starts: list[int] = []
    escaped = in_set = False
    for at, character in enumerate(pattern):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif in_set:
            in_set = character != "]" or pattern[at - 1] == "["
        elif character == "[":
            in_set = True
        elif character == "(":
            depth_starts.append(at)
        elif character == ")" and depth_starts:
            start = depth_starts.pop()
            inner = re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "x", pattern[start + 1 : at])
            if pattern[at + 1 : at + 2] in ("+", "*", "{") and re.search(r"[+*]|,\}", inner):
                return True
    return False


def expand(template: str, match: re.Match[str]) -> str:
    """The replacement of a match: `$1`, `${name}`, `$$`."""

    def group(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        if name.isdigit():
            return match[int(name)] or "" if int(name) <= match.re.groups else ""
        return match[name] or "" if name in match.re.groupindex else ""

    return _REFERENCE.sub(group, template)
