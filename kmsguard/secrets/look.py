"""Finds secrets in a text, in time that grows with the text and hardly with the number of kinds."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

import msgspec

from kmsguard.secrets.detectors import (
    ACCESS_KEY,
    DETECTORS,
    HEADER,
    HOLE,
    NAMED,
    PRIVATE_KEY,
    SECRET_KEY,
    URL,
    Confidence,
    Detector,
)
from kmsguard.secrets.names import Family, family
from kmsguard.secrets.placeholders import is_marked, is_placeholder

WINDOW = 20_000  # characters behind a needle that can belong to a match: a private key of 16,384 bits
NEAR = 400  # between the two halves of an access key
DEPTH = 3  # encodings around a secret
LONGEST_NAME = 100
MAX_DECODED = 1 << 16  # bytes that are looked at of something compressed
SHORTEST = 6  # characters of a text that can have a secret in it: a name, a sign and four characters
LEAST = 20  # characters of the shortest token


class Match(msgspec.Struct, frozen=True, order=True):
    """A secret in a text: the characters from `start` to before `end` (of something encoded: all of that)."""

    start: int
    end: int
    kind: str
    confidence: Confidence = "high"
    encoded: bool = False


def look(text: str) -> list[Match]:
    """The secrets in a text, by their place; none overlaps another one.

    A HOLE in the text stands for what is not known: nothing that has one inside is a secret of the template.
    """
    return _apart(_found(text, DEPTH))


def suspects(texts: Iterable[str]) -> set[str]:
    """Those of some texts that `look` may find something in; it finds nothing in the others.

    All are searched as one text, which takes a part of the time that one after the other takes.
    """
    long = [text for text in texts if len(text) >= SHORTEST]
    whole = _BETWEEN.join(long)
    lower = whole.lower()
    if len(lower) != len(whole):
        return set(long)
    starts = [0, *accumulate(len(text) + len(_BETWEEN) for text in long)]
    found = {text for text in long if len(text) >= _SHORTEST_RUN and _SPREAD.fullmatch(text) is not None}
    found.update(long[bisect_right(starts, run.start()) - 1] for run in _RUN.finditer(whole))
    for searched, marks, is_name in ((whole, _NEEDLES, False), (lower, _STEMS, True)):
        for mark in marks:
            at = searched.find(mark)
            while at >= 0:
                index = bisect_right(starts, at)
                # Behind a name that the text ends with there is no value.
                if not is_name or _REST_OF_NAME.match(whole, at).end() < starts[index] - len(_BETWEEN):  # type: ignore[union-attr]
                    found.add(long[index - 1])
                at = searched.find(mark, starts[index])
    return found


_BETWEEN = "\0"  # no part of a needle, a name or base64
_SHORTEST_RUN = 24
_NEEDLES = tuple(dict.fromkeys(needle for detector in DETECTORS for needle in detector.needles))
_REST_OF_NAME = re.compile(r"[A-Za-z0-9_.-]*")
_SPREAD = re.compile(r"[A-Za-z0-9+/=\s]+")  # base64 in several lines


def may_name_secret(text: str) -> bool:
    """Whether a text has in it what every name of a secret has: quick, and no more than a guess."""
    lower = text.lower()
    return any(stem in lower for stem in _STEMS)


def _found(text: str, depth: int) -> list[Match]:
    if len(text) < SHORTEST:
        return []
    long_words = _long_words(text)
    return [*_structured(text, long_words), *_assigned(text), *_encoded(text, long_words, depth)]


def _long_words(text: str) -> str:
    """The words of a text that are long enough for a token: a small part of it, in which looking for them is quick."""
    return "\n".join(dict.fromkeys(word for word in text.split() if len(word) >= LEAST))


def _apart(matches: list[Match]) -> list[Match]:
    """Of matches that overlap the one that begins first, of those the longest."""
    out: list[Match] = []
    for match in sorted(matches, key=lambda m: (m.start, -m.end, m.encoded, m.kind == NAMED)):
        if not out or match.start >= out[-1].end:
            out.append(match)
        elif match.end - match.start > out[-1].end - out[-1].start and out[-1].kind == NAMED:
            out[-1] = match
    return out


def _structured(text: str, long_words: str) -> Iterator[Match]:
    for detector in DETECTORS if long_words else _IN_SHORT_WORDS:
        for needle in detector.needles:
            if needle not in (text if detector.short else long_words):
                continue
            at = text.find(needle)
            while at >= 0:
                match = _at(detector, text, at)
                if match is not None:
                    yield match
                    if match.kind == ACCESS_KEY:
                        yield from _other_half(text, match)
                at = text.find(needle, max(match.end if match is not None else 0, at + len(needle)))


_IN_SHORT_WORDS = tuple(detector for detector in DETECTORS if detector.short)


def _at(detector: Detector, text: str, at: int) -> Match | None:
    pattern = detector.compiled()
    found = pattern.match(text, max(at - detector.reach, 0), at + WINDOW)
    if found is None:
        return None
    group = "secret" if "secret" in pattern.groupindex else 0
    start, end = found.span(group)
    secret = text[start:end]
    if HOLE in secret or is_marked(secret) or (detector.kind != PRIVATE_KEY and _FILLED.search(secret)):
        return None
    if detector.kind in (URL, HEADER) and is_placeholder(secret):
        return None
    if detector.check is not None and not detector.check(secret):
        return None
    return Match(start, end, detector.kind, detector.confidence)


_FILLED = re.compile(r"(.)\1{9}")  # a token of one character, as documentation has it
_SECRET_KEY = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?=[^\s]*[a-z])(?=[^\s]*[A-Z])(?=[^\s]*[0-9])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_-])"
)


def _other_half(text: str, key: Match) -> Iterator[Match]:
    """Secret access keys near the id of one: forty characters of base64, of both cases and with digits."""
    for found in _SECRET_KEY.finditer(text, max(key.start - NEAR, 0), min(key.end + NEAR, len(text))):
        if not is_marked(found.group()):
            yield Match(found.start(), found.end(), SECRET_KEY)


# What every name of a secret has in it, in lower case.
_STEMS = (
    *("pass", "secret", "token", "apikey", "api_key", "api-key", "credential", "private", "pwd", "_key", "-key", "_pw", "psk"),
    "cookie",
)
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_VALUE = re.compile(
    r"""
    (?P<close>(?:\\?["'\]])*)
    (?:
        \s*(?P<sign>=>|:=|[=:])[ \t]*                                       # name = value, "name": value
      | (?<=["'])\s*,\s*\\?["'](?:value|Value|VALUE)\\?["']\s*:\s*              # {"name": name, "value": value}
      | (?P<flag>\s+(?=[^\s-]))                                             # --name value
      | >(?=[^<>\n]{1,256}</)                                                                   # <name>value</name>
    )
    (?:
        (?P<mark>\\?["'])(?P<quoted>.*?)(?P=mark)
      | (?P<bare>[^\s"'`,;<>|&()\[\]{}\\]{1,256}(?:\{[^{}\s]*\}[^\s"'`,;<>|&()\[\]{}\\]*)*)
    )
    """,
    re.VERBOSE,
)


def _assigned(text: str) -> Iterator[Match]:
    """Secrets that stand behind a name of one: in scripts, files of settings, command lines, embedded documents."""
    lower = text.lower()
    seen = -1
    for at in sorted(_hits(lower)):
        if at < seen:
            continue
        start = at
        while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_.-") and at - start < LONGEST_NAME:
            start -= 1
        name = _NAME.match(text, start)
        if name is None:
            continue
        seen = name.end()
        if name.end() - name.start() > LONGEST_NAME:
            continue
        promise = family(name.group())
        if promise is None or promise == "connection" or _is_inside(text, start):
            continue
        found = _VALUE.match(text, name.end(), name.end() + 4096)
        if found is None or (found["flag"] is not None and not name.group().startswith("--")):
            continue
        group = "quoted" if found["quoted"] is not None else "bare"
        value = found[group]
        if group == "bare" and (_is_code(text, found.end(), value) or (found["sign"] == ":" and _is_word(value))):
            continue
        if is_secret_value(promise, value):
            yield Match(found.start(group), found.end(group), NAMED, "medium")


def _is_inside(text: str, start: int) -> bool:
    """Whether a name is part of an ARN, a path or an address."""
    before = text[start - 1 : start]
    return before in ("/", "@") or (before == ":" and text[max(start - 5, 0) : start].lower() != "$env:")


def _hits(lower: str) -> set[int]:
    hits: set[int] = set()
    for stem in _STEMS:
        at = lower.find(stem)
        while at >= 0:
            hits.add(at)
            at = lower.find(stem, at + len(stem))
    return hits


def _is_word(value: str) -> bool:
    """Whether a value could be a word of a sentence."""
    return value.rstrip(".!?").isalpha() and (value.islower() or value.istitle())


def _is_code(text: str, end: int, value: str) -> bool:
    """Whether a bare value is an expression of a programming language: a call, an index, the name of a variable."""
    if text[end : end + 1] in ("(", "[", "{") or _CODE.fullmatch(value) is not None:
        return True
    return value.isidentifier() and value.islower() and "_" in value


_CODE = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+|[A-Z][A-Za-z]+-[A-Z][A-Za-z]+")  # a.member, Invoke-Command
_MIXED = re.compile(
    r"(?=.*[A-Za-z])(?=.*[0-9])|(?=.*[a-z])(?=.*[A-Z].*[A-Z])|(?=.*[A-Za-z0-9])(?=.*[!@#$%^&*+=?~;|])", re.DOTALL
)


def is_secret_value(promise: Family, value: str) -> bool:
    """Whether what is written behind a name of a secret is one, and not a reference, a placeholder or the name of one.

    Of a connection string it is not said here: it holds a secret where `look` finds one in it.
    """
    if HOLE in value or "${" in value or "{{" in value or is_placeholder(value) or promise == "connection":
        return False
    if promise == "password":
        return len(value) >= 4 and not (value.isdigit() and len(value) < 6) and not _is_prose(value)
    if promise == "secret" and _NAME_OF_SECRET.fullmatch(value) is not None and _UUID.fullmatch(value) is None:
        return False
    return len(value) >= 8 and not any(c.isspace() for c in value) and _MIXED.match(value) is not None and not _is_name(value)


_NAME_LIKE = re.compile(
    r"https?://.*|[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?|[A-Z][a-z]*(?:-[A-Z][a-z]+)+"  # URL, host, header
    r"|[a-z]+(?:[-_.](?:[a-z]+|\d{1,4}))+",  # token-rotation-2024
    re.DOTALL,
)
_NAME_OF_SECRET = re.compile(r"[a-z0-9]+(?:[-_/.!:][a-z0-9]+)+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COMMAND = re.compile(r"\s(?:--?[a-z]|\||&&|>)")
_PROSE = re.compile(r"\b(?:the|of|is|to|for|from|a|an|and|with|this|that|in|on)\b", re.IGNORECASE)


def _is_name(value: str) -> bool:
    """Whether a value is a host, a URL, the name of a header or of a thing: what tokens are sent to and in, and called by."""
    return _NAME_LIKE.fullmatch(value) is not None


def _is_prose(value: str) -> bool:
    """Whether a value is a sentence or a command, and not a passphrase."""
    return len(value.split()) >= 4 and (_COMMAND.search(value) is not None or _PROSE.search(value) is not None)


_RUN = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/]{24,}+={0,2}(?![A-Za-z0-9_-])")


def _encoded(text: str, long_words: str, depth: int) -> Iterator[Match]:
    """Secrets in what is encoded in base64, which hides nothing."""
    if depth == 0:
        return
    lines = text.split()
    if len(lines) > 1 and _RUN.fullmatch(whole := "".join(lines)):
        inner = _first_inside(whole, depth)
        if inner is not None:
            yield Match(text.index(lines[0]), len(text.rstrip()), inner.kind, inner.confidence, encoded=True)
        return
    for run in dict.fromkeys(_RUN.findall(long_words)):
        inner = _first_inside(run, depth)
        if inner is not None:
            at = text.find(run)
            while at >= 0:
                yield Match(at, at + len(run), inner.kind, inner.confidence, encoded=True)
                at = text.find(run, at + len(run))


def _first_inside(run: str, depth: int) -> Match | None:
    inner = decode(run)
    return min(_found(inner, depth - 1), default=None) if inner is not None else None


def decode(run: str) -> str | None:
    """The text that is encoded in base64, compressed or not; None where it is none."""
    from base64 import b64decode

    run = run.rstrip("=")
    if len(run) % 4 == 1:
        return None
    raw = b64decode(run + "=" * (-len(run) % 4))
    if raw[:2] == b"\x1f\x8b":
        import zlib

        try:
            raw = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw, MAX_DECODED)
        except zlib.error:
            return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
