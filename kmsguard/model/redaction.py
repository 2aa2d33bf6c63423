"""The only place that turns a secret into something that may be shown."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

SHOWN = 2
SHORT = 8
WHOLE = 6  # a shorter secret is masked only where it stands by itself: its characters are those of many a word

_WORD = "[0-9A-Za-z_]"
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_ENVELOPE = "-----"  # begins the lines around a key, which give nothing away


def mask(secret: str) -> str:
    """A secret as it may be shown: its first two characters and its length, below eight characters its length alone."""
    length = f"{len(secret)} characters"
    return f"({length})" if len(secret) < SHORT else f"{secret[:SHOWN]}… ({length})"


class Redactor:
    """Masks known secrets wherever they stand in a text.

    They are found as they are, and as JSON, HCL, YAML, a URL or hexadecimal digits have them. Where one lies inside something
    that is encoded in base64, the whole of that is masked.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: dict[str, str] = {}
        cores: dict[str, None] = {}
        for secret in sorted({s for s in secrets if s.strip()}, key=lambda s: (-len(s), s)):
            for part in _parts(secret):
                for form in _spellings(part):
                    forms.setdefault(form, mask(part))
            cores.update(dict.fromkeys(_cores(secret)))
        self._forms = forms
        self._pattern = _alternatives(forms, _bounded)
        self._cores = _alternatives(cores, re.escape)

    def __call__(self, text: str) -> str:
        """The text without any of the secrets."""
        if self._pattern is None:
            return text
        text = self._pattern.sub(lambda match: self._forms[match.group()], text)
        return self._without_encoded(text) if self._cores is not None and self._cores.search(text) else text

    def _without_encoded(self, text: str) -> str:
        assert self._cores is not None
        out: list[str] = []
        at = 0
        while (match := self._cores.search(text, at)) is not None:
            low, high = match.span()
            while low > at and text[low - 1] in _BASE64:
                low -= 1
            while high < len(text) and text[high] in _BASE64:
                high += 1
            out += [text[at:low], mask(text[low:high])]
            at = high
        return "".join([*out, text[at:]])


def _alternatives(forms: Iterable[str], spell: Callable[[str], str]) -> re.Pattern[str] | None:
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile("|".join(map(spell, longest_first))) if longest_first else None


def _bounded(form: str) -> str:
    escaped = re.escape(form)
    return f"(?<!{_WORD}){escaped}(?!{_WORD})" if len(form) < WHOLE else escaped


def _parts(secret: str) -> Iterator[str]:
    """A secret, and the lines of one that has several."""
    yield secret
    stripped = secret.strip()
    if stripped != secret:
        yield stripped
    lines = [line.strip() for line in stripped.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= SHORT and not line.startswith(_ENVELOPE))


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    yield escaped
    yield escaped.replace("\\", "\\\\").replace('"', '\\"')  # JSON inside of JSON
    for special in (
        "[<>&]",
        "[\x7f-\U0010ffff]",
        "[<>&\x7f-\U0010ffff]",
    ):  # Terraform's jsonencode; encoders that keep to ASCII
        yield re.sub(special, _unicode_escape, escaped)
    yield escaped.replace("${", "$${").replace("%{", "%%{")
    yield secret.replace("'", "''")
    raw = secret.encode("utf-8", "replace")
    yield quote(raw, safe="")
    yield quote_plus(raw)
    if len(raw) >= WHOLE:
        yield raw.hex()
        yield raw.hex().upper()
    if len(raw) < SHORT:
        yield base64.b64encode(raw).decode()


def _unicode_escape(match: re.Match[str]) -> str:
    raw = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{raw[at]:02x}{raw[at + 1]:02x}" for at in range(0, len(raw), 2))


def _cores(secret: str) -> Iterator[str]:
    """What base64 has of a secret whatever stands before and after it: one text for each of three alignments."""
    raw = secret.strip().encode("utf-8", "replace")
    if len(raw) < SHORT:
        return
    for first in range(3):
        whole = (len(raw) - first) // 3 * 3
        core = base64.b64encode(raw[first : first + whole]).decode()
        yield core
        yield core.replace("+", "-").replace("/", "_")
