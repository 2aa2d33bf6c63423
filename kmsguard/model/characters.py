"""Characters that must not reach a terminal or a document as they are: an input could forge lines of the output with them."""

from __future__ import annotations

import re

# Controls, marks that reorder or hide text, halves of surrogate pairs, and what XML cannot hold.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]")
_REPLACEMENT = "\ufffd"


def visible(text: str) -> str:
    """A text on one line, in which every character shows and stays one character, so that columns stay right.

    Line breaks become blanks, other control characters their pictures (␛), marks that reorder or hide text �.
    """
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_picture, text)


def visible_line(text: str) -> str:
    """The same for a line of source: its tabs stay."""
    return "\t".join(map(visible, text.split("\t"))) if "\t" in text else visible(text)


def _picture(match: re.Match[str]) -> str:
    character = match.group()
    if character == "\n":
        return " "
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else _REPLACEMENT


def encodable(text: str) -> str:
    """A text without halves of surrogate pairs, which UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
