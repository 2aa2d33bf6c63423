"""`AllowedPattern`: a regular expression of Java that the whole value has to match.

See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html.
"""

from __future__ import annotations

import math
import re
import warnings

_PIECE = re.compile(
    r"""\\.                                       # an escape
    | \[\^?\]?(?:\\.|[^\]\\])*\]                  # a set of characters
    | \((?:\?(?:[:=!>]|<[=!]|P?<\w+>|[a-z]+:?))?  # the start of a group
    | [)|]
    | [*+?][+?]?                                  # a repetition
    | \{\d+(?:,\d*)?\}[+?]?
    | .""",
    re.DOTALL | re.VERBOSE,
)
_COUNTS = re.compile(r"\{(\d+)(,?)(\d*)\}")
_OF_JAVA = re.compile(r"&&|\[[^\]]*\[(?!:)")  # sets of sets, which are read otherwise here
_MOST = math.log(1_000_000)


def matches(pattern: str, text: str) -> bool | None:
    """Whether a text matches; None where that is not known: only Java reads the pattern, or it can take too long."""
    if _OF_JAVA.search(pattern) is not None or effort(pattern, len(text)) + math.log(len(text) + 1) > _MOST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.fullmatch(pattern, text) is not None
    except (re.error, OverflowError, RecursionError):
        return None


def effort(pattern: str, length: int) -> float:
    """The logarithm of an upper bound of the ways in which a pattern can be tried on a text of some length."""
    open_groups: list[tuple[float, int]] = []
    total, branches = 0.0, 1  # of the group that is read
    last = 0.0  # of the piece before, which a repetition repeats
    for piece in _PIECE.findall(pattern):
        if piece[0] == "(":
            open_groups.append((total + last, branches))
            total, branches, last = 0.0, 1, 0.0
        elif piece == ")":
            last = total + last + math.log(branches)
            total, branches = open_groups.pop() if open_groups else (0.0, 1)
        elif piece == "|":
            total, branches, last = total + last, branches + 1, 0.0
        elif piece[0] in "*+?" or (piece[0] == "{" and len(piece) > 1):
            least, most = _times(piece, length)
            last = last * most + math.log(min(most - least, length) + 1)
        else:
            total, last = total + last, 0.0
    return total + last + math.log(branches)


def _times(piece: str, length: int) -> tuple[int, int]:
    """How often a repetition can repeat on a text of some length."""
    counts = _COUNTS.match(piece)
    if counts is None:
        return (0, 1) if piece[0] == "?" else (0, length)
    least = int(counts.group(1)[:9])
    most = least if not counts.group(2) else int(counts.group(3)[:9]) if counts.group(3) else least + length
    return least, max(least, most)
