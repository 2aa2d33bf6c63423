"""Functions of texts that have holes: what is known of the text stays known."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec.structs import replace

from kmsguard.model.value import Choice, Text, Unknown, Value
from kmsguard.terraform.choices import compose, distribute
from kmsguard.terraform.graphemes import graphemes
from kmsguard.terraform.operations import ends
from kmsguard.terraform.texts import pieces_of

_DIGITS_AND_NAMES = re.compile(r"[a-z0-9-]*")
_NAMES = re.compile(r"[A-Za-z0-9:/._*@+=,-]*")
_PERHAPS = Unknown("a part of it may be replaced", not_null=True)
_PLACEHOLDER = re.compile(r"_[A-Z0-9_]+_")


def is_open_text(value: Value) -> bool:
    """Whether it is a text with holes, or one hole."""
    return isinstance(value.data, Unknown) or (isinstance(value.data, Text) and value.data.known is None)


def cannot_hold(hole: Unknown, part: str) -> bool:
    """Whether what a hole stands for certainly does not hold a text: an account's number has digits only."""
    target = hole.target
    if target is None or not part:
        return False
    if not target.address:
        return _DIGITS_AND_NAMES.fullmatch(part) is None
    if target.attribute in ("arn", "id"):
        return _NAMES.fullmatch(part) is None or _PLACEHOLDER.fullmatch(part) is not None
    return False


def loosened(hole: Value, prefix: str = "") -> Value:
    """What a function makes of a hole: another text, not known either."""
    data = hole.data
    assert isinstance(data, Unknown)
    return hole.with_data(Unknown(data.reason, data.reference, None, not_null=True, prefix=prefix))


def mapped(value: Value, change: Callable[[str], str], keep: Callable[[Unknown], bool]) -> Value:
    """A text each character of which is changed by itself. `keep`: whether a hole is not changed by it."""

    def piece_of(piece: Value) -> Value:
        data = piece.data
        if isinstance(data, str):
            changed = change(data)
            return piece if changed == data else Value(changed, piece.span if len(changed) == len(data) else None)
        if isinstance(data, Choice):
            return distribute(lambda option: mapped(option, change, keep), piece)
        assert isinstance(data, Unknown)
        return piece if keep(data) else loosened(piece, change(data.prefix))

    return joined([piece_of(piece) for piece in pieces_of(value)], value)


def joined(pieces: list[Value], value: Value) -> Value:
    """Pieces as a text that has come the way of another one."""
    made = compose(pieces, [True] * len(pieces), value.span)
    return replace(made, trail=value.trail, sensitive=made.sensitive or value.sensitive)


def is_name(hole: Unknown) -> bool:
    """Whether a hole is an account, Region or partition: lower case, without spaces."""
    return hole.target is not None and not hole.target.address


def is_identity(hole: Unknown) -> bool:
    """Whether a hole is an identity of something: no spaces around it."""
    return hole.target is not None and (not hole.target.address or hole.target.attribute in ("arn", "id"))


def trimmed(value: Value, strip: Callable[[str], str], left: Callable[[str], str], right: Callable[[str], str]) -> Value:
    """A text without what is trimmed off its ends. A hole at an end is another text then, if it may have what is trimmed."""
    pieces = list(pieces_of(value))
    for at, one_side in ((0, left), (-1, right)):
        while pieces:
            data = pieces[at].data
            if not isinstance(data, str):
                if isinstance(data, Unknown) and not is_identity(data):
                    pieces[at] = loosened(pieces[at], strip(data.prefix) if at == 0 and len(pieces) > 1 else "")
                break
            changed = one_side(data)
            if changed:
                pieces[at] = pieces[at] if changed == data else Value(changed)
                break
            pieces.pop(at)
    data = value.data
    if (
        isinstance(data, Text)
        and len(pieces) == len(data.pieces)
        and all(a is b for a, b in zip(pieces, data.pieces, strict=True))
    ):
        return value
    return joined(pieces, value)


def cut(value: Value, start: int, count: int) -> str | None:
    """A part of a text that lies before its first hole or, counted from the end, behind its last one; None elsewhere."""
    head, tail = ends(value)
    if start >= 0:
        known = graphemes(head)
        if not (head == "/" and _is_path(value)):
            known = known[:-1]  # what follows may belong to the last one
        return "".join(known[start : start + count]) if count >= 0 and start + count <= len(known) else None
    known = graphemes(tail)[1:]
    if -start > len(known):
        return None
    return "".join(known[len(known) + start :][: count if count > 0 else None])


def _is_path(value: Value) -> bool:
    """Whether a text begins with a folder of the machine that runs Terraform, whose first name begins with a letter."""
    first = pieces_of(value)[0].data
    return isinstance(first, Unknown) and first.reference in MACHINE


MACHINE = ("path.cwd", "pathexpand()")
"""What folders of the machine that runs Terraform refer to."""


def replaced(value: Value, search: str, by: Value) -> Value:
    """A text in which a literal is replaced, by what may itself be not known.

    What touches a hole and may be a part of the literal together with it, is not known.
    """
    pieces: list[Value] = []
    source = list(pieces_of(value))
    for number, piece in enumerate(source):
        data = piece.data
        if isinstance(data, Choice):
            pieces.append(distribute(lambda option: replaced(option, search, by), piece))
            continue
        if isinstance(data, Unknown):
            pieces.append(piece if cannot_hold(data, search) else loosened(piece))
            continue
        assert isinstance(data, str)
        pieces.extend(_literal(piece, data, search, by, _open(source, number - 1, search), _open(source, number + 1, search)))
    return joined(pieces, value)


def _open(pieces: list[Value], at: int, search: str) -> bool:
    """Whether a neighbour is a hole that may hold a part of the literal."""
    if not 0 <= at < len(pieces) or isinstance(pieces[at].data, str):
        return False
    data = pieces[at].data
    return not (isinstance(data, Unknown) and cannot_hold(data, search))


def _literal(piece: Value, text: str, search: str, by: Value, open_before: bool, open_behind: bool) -> list[Value]:
    parts = text.split(search)
    out: list[Value] = []
    plain = len(parts) == 1
    for number, part in enumerate(parts):
        if number:
            out.append(by.at(None))
        low, high = 0, len(part)
        if open_before and number == 0:
            low = max((n for n in range(1, min(len(search), len(part) + 1)) if search.endswith(part[:n])), default=0)
        if open_behind and number == len(parts) - 1:
            size = max((n for n in range(1, min(len(search), len(part) + 1)) if search.startswith(part[-n:])), default=0)
            high = max(low, len(part) - size)
        if low:
            out.append(Value(_PERHAPS))
        if high > low:
            out.append(piece if plain and high - low == len(text) else Value(part[low:high]))
        if high < len(part):
            out.append(Value(_PERHAPS))
    return out
