"""Texts that may be known only symbolically: taken apart, compared, looked up by, and made from templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from kmsguard.conditions.comparison import can_be
from kmsguard.kinds.mapping import lift
from kmsguard.kinds.table import Plain
from kmsguard.model.source import Span
from kmsguard.model.value import PARTITION, Choice, Target, Text, Unknown, Value

Symbol: TypeAlias = "tuple[str | Target, ...]"
"""A text that may be known only symbolically, as something that can be looked up: literal runs, and what stands for others."""

Parts: TypeAlias = "list[str | Target | None]"
"""A text in the same way, of which a part may be wholly unknown."""


class Arn(NamedTuple):
    """An ARN in its parts."""

    service: Symbol | None
    region: Symbol | None
    account: Symbol | None
    tail: Symbol | None


def may_be_equal(one: Value, other: Value) -> bool:
    """Whether two texts that are not wholly known can be the same."""
    if one.text is not None and other.text is not None:
        return one.text == other.text
    if one.target is not None and one.target == other.target:
        return True
    for open_text, fixed in ((one, other), (other, one)):
        if isinstance(open_text.data, Unknown) and open_text.data.allowed:
            return any(may_be_equal(Value(str(scalar)), fixed) for scalar in open_text.data.allowed)
    if one.text is None and other.text is None:
        (start, end), (other_start, other_end) = _ends_of(one), _ends_of(other)
        return (start.startswith(other_start) or other_start.startswith(start)) and (
            end.endswith(other_end) or other_end.endswith(end)
        )
    known, unknown = (one, other) if one.text is not None else (other, one)
    return can_be(pieces_of(unknown), known.text or "")


def _ends_of(value: Value) -> tuple[str, str]:
    """What is known of the beginning and of the end of a text."""
    pieces = pieces_of(value)
    if not pieces:
        return "", ""
    first, last = pieces[0].data, pieces[-1].data
    start = first if isinstance(first, str) else first.prefix if isinstance(first, Unknown) else ""
    return start, last if isinstance(last, str) else ""


def partition_of(region: Value) -> Value:
    """The partition in which a Region lies; open where the Region is."""
    text = region.text
    if text is None:
        return Value(Unknown("the partition is not known", "--region", PARTITION, not_null=True, allowed=_PARTITIONS))
    return Value("aws-us-gov" if text.startswith("us-gov-") else "aws-cn" if text.startswith("cn-") else "aws")


_PARTITIONS = ("aws", "aws-us-gov", "aws-cn")


_PART = re.compile(r"\{(/?[a-z0-9_.]+)\}")
"""A part in braces; `{/name}` is a slash and the part without one of its own at the beginning."""


_TEMPLATES: dict[str, tuple[tuple[str, str], ...]] = {}


def without_slash(value: Value) -> Value:
    """A text without a slash at its beginning; of one that is not known it is taken that it has none."""

    def bare(leaf: Value) -> Value:
        data = leaf.data
        if isinstance(data, str):
            return leaf.with_data(data.removeprefix("/"))
        if type(data) is Text and isinstance(data.pieces[0].data, str):
            first = data.pieces[0]
            return leaf.with_data(Text((first.with_data(str(first.data).removeprefix("/")), *data.pieces[1:])))
        return leaf

    return lift(value, bare)


def template_parts(text: str) -> tuple[tuple[str, str], ...]:
    """The literal runs of a template, each with the part after it."""
    known = _TEMPLATES.get(text)
    if known is None:
        split = _PART.split(text)
        known = tuple(zip(split[::2], [*split[1::2], ""], strict=True))
        _TEMPLATES[text] = known
    return known


def has_parts(data: Plain) -> bool:
    """Whether there are parts in braces in the texts of some data."""
    if isinstance(data, str):
        return _PART.search(data) is not None
    if isinstance(data, list):
        return any(has_parts(item) for item in data)
    return isinstance(data, dict) and any(has_parts(item) for item in data.values())


def append(pieces: list[Value], value: Value) -> None:
    """Adds a text to pieces; neighbouring literal runs become one."""
    data = value.data
    if type(data) is Text:
        for piece in data.pieces:
            append(pieces, piece)
        return
    if isinstance(data, str) and pieces and isinstance(pieces[-1].data, str):
        pieces[-1] = Value(pieces[-1].data + data)
    else:
        pieces.append(Value(data) if isinstance(data, str) else value)


def text_of(pieces: list[Value]) -> Value:
    """The text of some pieces: a plain one where all of it is known."""
    if len(pieces) == 1:
        return pieces[0]
    return Value(Text(tuple(pieces))) if pieces else Value("")


def standing_at(value: Value, span: Span | None) -> Value:
    """A value that stands at a place, where there is one."""
    return value if span is None else msgspec.structs.replace(value, span=span)


def pieces_of(value: Value) -> list[Value]:
    """The pieces of a text, neighbouring literal runs joined."""
    data = value.data
    if type(data) is Text:
        known = data.known
        if known is not None:
            return [Value(known)] if data.pieces else []
        pieces: list[Value] = []
        for piece in data.pieces:
            append(pieces, piece)
        return pieces
    return [value] if isinstance(data, (str, Unknown, Choice)) else []


def parts_of(value: Value) -> Parts:
    """A text as literal runs and what stands for others; None is what is wholly unknown. Nothing for what is no text."""
    data = value.data
    if isinstance(data, str):
        return [data]
    if type(data) is not Text:
        return [data.target] if isinstance(data, Unknown) else [None] if type(data) is Choice else []
    parts: Parts = []
    run: list[str] = []  # literal pieces in a row
    for piece in data.pieces:
        for part in [piece.data] if isinstance(piece.data, str) else parts_of(piece):
            if isinstance(part, str):
                run.append(part)
                continue
            if run:
                parts.append("".join(run))
                run.clear()
            parts.append(part)
    if run:
        parts.append("".join(run))
    return parts


def symbol_of(parts: Parts) -> Symbol | None:
    """Parts as something that can be looked up; None where something in them is wholly unknown, or there are none."""
    known = [part for part in parts if part is not None]
    return tuple(known) if known and len(known) == len(parts) else None


def split_arn(parts: Parts) -> Arn | None:
    """An ARN in its parts; None where it is none, or its first five colons are not all written."""
    fields: list[Parts] = [[]]
    for part in parts:
        if part is None or len(fields) == 6 or not isinstance(part, str):
            fields[-1].append(part)
            continue
        first, *more = part.split(":", 6 - len(fields))
        if first:
            fields[-1].append(first)
        fields.extend([run] if run else [] for run in more)
    if len(fields) != 6:
        return None
    _, _, service, region, account, tail = fields
    return Arn(_field(service), _field(region), _field(account), _field(tail))


def _field(parts: Parts) -> Symbol | None:
    return symbol_of(parts) if parts else ()


_SEPARATORS = ":/,"
"""What takes ARNs and lists apart: no id, account or Region holds one."""


def split_text(pieces: list[Value], delimiter: str, is_plain: Callable[[Value], bool]) -> tuple[list[Value], bool]:
    """The parts of a text as far as they are certain, and whether they are all.

    Args:
        pieces: of the text.
        delimiter: at which it is split.
        is_plain: whether a piece that is not known certainly holds no separator. In the first five parts of an ARN none does.
    """
    parts: list[list[Value]] = [[]]
    is_arn = bool(pieces) and isinstance(pieces[0].data, str) and pieces[0].data.startswith("arn:")
    colons = 0
    for number, piece in enumerate(pieces):
        if not isinstance(piece.data, str):
            around = [beside.data for beside in (*pieces[number - 1 : number], *pieces[number + 1 : number + 2])]
            certain = ((is_arn and colons < 5) or is_plain(piece)) and _is_between(delimiter, around)
            if not certain:
                return [text_of(part) for part in parts[:-1]], False
            parts[-1].append(piece)
            continue
        colons += piece.data.count(":")
        for count, run in enumerate(piece.data.split(delimiter)):
            if count:
                parts.append([])
            if run:
                append(parts[-1], piece.with_data(run))
    return [text_of(part) for part in parts], True


def _is_between(delimiter: str, around: Sequence[object]) -> bool:
    """Whether a delimiter can only stand outside of a piece without separators: not in it, nor half in it."""
    words = re.split(f"[{_SEPARATORS}]", delimiter)
    if len(words) == 1:
        return False
    half_in = tuple(delimiter[cut:] for cut in range(1, len(words[0]) + 1))
    half_out = tuple(delimiter[: len(delimiter) - cut] for cut in range(1, len(words[-1]) + 1))
    texts = [text for text in around if isinstance(text, str)]
    return not any(text.startswith(half_in) or text.endswith(half_out) for text in texts)


def occurrences(text: str, mark: str) -> Iterator[int]:
    """Where a mark stands in a text."""
    at = text.find(mark)
    while at >= 0:
        yield at
        at = text.find(mark, at + 1)
