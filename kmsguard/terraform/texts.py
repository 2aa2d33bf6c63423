"""Texts that may have holes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from kmsguard.model.source import Span
from kmsguard.model.value import Choice, Data, Target, Text, Unknown, Value
from kmsguard.terraform.arithmetic import LONGEST, SHOWN, SHOWN_IN_FULL, shortest

_EXACT_DIGITS = 150  # so many decimal digits 512 bits hold in any case


def normalized(text: str) -> str:
    """A text as Terraform keeps every one: in Unicode's normal form C."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def starts_with_mark(text: str) -> bool:
    """Whether a text begins with a mark that belongs to the character before it."""
    return not text[:1].isascii() and unicodedata.combining(text[0]) > 0


def is_text(value: Value) -> bool:
    """Whether the data is a text, with or without holes."""
    return isinstance(value.data, (str, Text))


def number_text(number: float | Decimal) -> str:
    """A number as Terraform writes it."""
    if isinstance(number, float):
        number = Decimal(repr(number))
    if isinstance(number, Decimal):
        number = shortest(number) if len(number.as_tuple().digits) > _EXACT_DIGITS else SHOWN.plus(number)
        if number == number.to_integral_value(context=SHOWN_IN_FULL):
            return str(int(number))
        return format(SHOWN_IN_FULL.normalize(number), "f")
    # Python refuses to write whole numbers of more than 4,300 digits, decimal ones it does not
    return str(number) if number.bit_length() <= LONGEST else format(Decimal(number), "f")


def scalar_text(data: Data) -> str | None:
    """A string, number or bool as text; None for anything else."""
    if isinstance(data, str):
        return data
    if isinstance(data, Text):
        return data.known
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, (int, float, Decimal)):
        return number_text(data)
    return None


def pieces_of(value: Value) -> tuple[Value, ...]:
    """A text or a hole as pieces of a text."""
    data = value.data
    if isinstance(data, Text):
        if value.sensitive or value.refs:
            return tuple(_marked(piece, value) for piece in data.pieces)
        return data.pieces
    if isinstance(data, (str, Unknown, Choice)):
        return (value,)
    text = scalar_text(data)
    return (value.with_data(text if text is not None else Unknown("not a text")),)


def _marked(piece: Value, whole: Value) -> Value:
    refs = piece.refs + tuple(ref for ref in whole.refs if ref not in piece.refs)
    if refs == piece.refs and piece.sensitive >= whole.sensitive:
        return piece
    return replace(piece, refs=refs, sensitive=piece.sensitive or whole.sensitive)


def text_value(pieces: Iterable[Value], span: Span | None = None) -> Value:
    """A text of pieces: one hole alone is the hole itself, nothing is the empty string."""
    parts: list[Value] = []
    pieces = tuple(pieces)
    for piece in pieces:
        if isinstance(piece.data, Text):
            parts.extend(pieces_of(piece))
        elif piece.data != "":
            parts.append(piece)
    if not parts:
        return Value("", span)
    if len(parts) == 1:
        only = parts[0]
        return only if only.span is not None else replace(only, span=span)
    refs: list[Target] = []
    sensitive = False
    for part in parts:
        sensitive = sensitive or part.sensitive
        refs.extend(ref for ref in part.refs if ref not in refs)
    encoded = _only_json(pieces)
    if encoded is not None:
        return Value(Text(tuple(parts), encoded.encodes, "json"), span, None, None, tuple(refs), sensitive)
    return Value(Text(tuple(parts)), span, None, None, tuple(refs), sensitive)


def _only_json(pieces: tuple[Value, ...]) -> Text | None:
    """The JSON that an encoder made, where a text is nothing else but white space: a template that is `${jsonencode(…)}`."""
    filled = [piece.data for piece in pieces if not isinstance(piece.data, str) or piece.data.strip(" \t\r\n")]
    only = filled[0] if len(filled) == 1 else None
    return only if isinstance(only, Text) and only.encodes is not None and only.encoding == "json" else None
