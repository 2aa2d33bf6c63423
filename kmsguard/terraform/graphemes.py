"""Characters as a reader sees them: Unicode's extended grapheme clusters, in which Terraform counts.

See https://www.unicode.org/reports/tr29/#Grapheme_Cluster_Boundaries.
"""

from __future__ import annotations

import unicodedata

_JOINER = 0x200D
_PREPEND = frozenset((*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0xD4E, 0x110BD, 0x110CD))
_EXTEND_MORE = frozenset((0x200C, 0xFF9E, 0xFF9F, 0x9BE, 0x9D7, 0xB3E, 0xB57, 0xBBE, 0xBD7, 0xCC2, 0xCD5, 0xCD6, 0xD3E, 0xD57))
_SPACING_MORE = frozenset((0xE33, 0xEB3))
_NO_SPACING = frozenset((0x102B, 0x102C, 0x1038, 0x1062, 0x1063, 0x1064, 0x1067, 0x1083, 0x1087, 0x108F))


def graphemes(text: str) -> list[str]:
    """The clusters of a text, in their order."""
    if text.isascii():
        if "\r\n" not in text:
            return list(text)
        lines = text.split("\r\n")
        return [c for number, line in enumerate(lines) for c in (["\r\n", *line] if number else line)]
    out: list[str] = []
    start = 0
    before = ""
    flags = 0
    pictograph = joined = False
    for at, character in enumerate(text):
        kind = _kind(character)
        if at and not _together(before, kind, flags, joined):
            out.append(text[start:at])
            start = at
            flags = 0
        joined = pictograph and kind == "joiner"
        pictograph = kind == "picture" or (pictograph and kind == "extend")
        flags = flags + 1 if kind == "flag" else 0
        before = kind
    if text:
        out.append(text[start:])
    return out


def _together(before: str, kind: str, flags: int, joined: bool) -> bool:
    """Whether no border lies between two characters."""
    if before in ("control", "return") or kind in ("control", "return"):
        return before == "return" and kind == "newline"
    if "newline" in (before, kind):
        return before == "return" and kind == "newline"
    if kind in ("extend", "joiner", "spacing") or before == "prepend":
        return True
    if before == "L":
        return kind in ("L", "V", "LV", "LVT")
    if before in ("LV", "V"):
        return kind in ("V", "T")
    if before in ("LVT", "T"):
        return kind == "T"
    if joined and kind == "picture":
        return True
    return before == kind == "flag" and flags % 2 == 1


def _kind(character: str) -> str:
    code = ord(character)
    if character == "\r":
        return "return"
    if character == "\n":
        return "newline"
    if code == _JOINER:
        return "joiner"
    if 0x1F1E6 <= code <= 0x1F1FF:
        return "flag"
    if 0x1F3FB <= code <= 0x1F3FF or code in _EXTEND_MORE or 0xE0020 <= code <= 0xE007F:
        return "extend"
    if code in _PREPEND:
        return "prepend"
    hangul = _hangul(code)
    if hangul:
        return hangul
    category = unicodedata.category(character)
    if category in ("Mn", "Me"):
        return "extend"
    if (category == "Mc" and code not in _NO_SPACING) or code in _SPACING_MORE:
        return "spacing"
    if category in ("Cc", "Cf", "Zl", "Zp", "Cs"):
        return "control"
    if category == "So" and (0x1F000 <= code <= 0x1FAFF or 0x2190 <= code <= 0x2BFF or code in (0xA9, 0xAE, 0x3030, 0x303D)):
        return "picture"
    return "picture" if code in (0x203C, 0x2049, 0x2194, 0x2195) else ""


def _hangul(code: int) -> str:
    if 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C:
        return "L"
    if 0x1160 <= code <= 0x11A7 or 0xD7B0 <= code <= 0xD7C6:
        return "V"
    if 0x11A8 <= code <= 0x11FF or 0xD7CB <= code <= 0xD7FB:
        return "T"
    if 0xAC00 <= code <= 0xD7A3:
        return "LV" if (code - 0xAC00) % 28 == 0 else "LVT"
    return ""
