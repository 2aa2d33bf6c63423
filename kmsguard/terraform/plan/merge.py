"""A plan's values put into what the code evaluates to: the code says where a value stands and what it is made from, the plan
what it comes to."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec.structs import replace

from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value, flatten
from kmsguard.terraform.plan.document import Json, Members
from kmsguard.terraform.plan.references import is_unknown
from kmsguard.terraform.plan.values import is_kept_as, part, plain, scalar

IsManaged = Callable[[str], bool]
"""Whether an address is that of a resource of the plan, whose attributes stay symbolic."""


def merged_body(body: dict[str, Value], after: Members, unknown: Json, sensitive: Json, managed: IsManaged) -> dict[str, Value]:
    """The arguments and blocks that the code writes, with what the plan says of them."""
    out: dict[str, Value] = {}
    for name, written in body.items():
        node, open_, hidden = after.get(name), part(unknown, name), part(sensitive, name)
        if _is_write_only(name, node) or (name not in after and not is_unknown(open_)):
            out[name] = written  # nothing that a provider keeps
            continue
        found = merged(written, node, open_, hidden, managed)
        if found.data is not None and found.data is not ABSENT:
            out[name] = found
    return out


def merged(written: Value, node: Json, unknown: Json, sensitive: Json, managed: IsManaged) -> Value:
    """A value of the code with what the plan says of it."""
    found = _merged(written, node, unknown, sensitive, managed)
    return replace(found, sensitive=True) if sensitive is True and not found.sensitive else found


def _merged(written: Value, node: Json, unknown: Json, sensitive: Json, managed: IsManaged) -> Value:
    data = written.data
    if unknown is True:
        return written
    if isinstance(data, Choice):
        return _decided(written, node, unknown, sensitive, managed)
    if isinstance(data, dict) and isinstance(node, dict):
        return written.with_data(_members(data, node, unknown, sensitive, managed))
    if isinstance(data, tuple) and isinstance(node, list):
        return written.with_data(_elements(data, node, unknown, sensitive, managed))
    if isinstance(node, (list, dict)):
        return (
            replace(plain(node), place=written.where, trail=written.trail, refs=written.refs)
            if not is_unknown(unknown)
            else written
        )
    if isinstance(data, Unknown):
        target = data.target
        if target is not None and managed(target.address) and node is not None:
            return written
    elif isinstance(data, Text):
        filled = _filled(written, data, node, managed)
        if filled is not None:
            return filled
    elif same(written, node):
        return written
    return Value(scalar(node), None, written.where, written.trail, written.refs, written.sensitive)


def _decided(written: Value, node: Json, unknown: Json, sensitive: Json, managed: IsManaged) -> Value:
    """A choice that the plan has made."""
    branches = [branch for _, branch in flatten(written)]
    fitting = [branch for branch in branches if fits(branch, node)]
    if len(fitting) == 1:
        found = merged(fitting[0], node, unknown, sensitive, managed)
        return found if found.place is not None else replace(found, place=written.place)
    return replace(plain(node), place=written.where, trail=written.trail)


def _is_write_only(name: str, node: Json) -> bool:
    """Whether an argument is one that providers take and do not keep: in a plan it is null."""
    return node is None and name.endswith("_wo")


def _members(data: dict[str, Value], node: Members, unknown: Json, sensitive: Json, managed: IsManaged) -> dict[str, Value]:
    out: dict[str, Value] = {}
    for name, value in data.items():
        open_ = part(unknown, name)
        if _is_write_only(name, node.get(name)):
            out[name] = value
        elif name in node or is_unknown(open_):
            found = merged(value, node.get(name), open_, part(sensitive, name), managed)
            if found.data is not ABSENT and (found.data is not None or value.data is None):
                out[name] = found
        else:
            out[name] = value
    return out


def _elements(
    data: tuple[Value, ...], node: list[Json], unknown: Json, sensitive: Json, managed: IsManaged
) -> tuple[Value, ...]:
    """Elements with elements: in order where they fit so, each with one that fits it where the provider keeps a set."""
    present = [item for item in data if item.data is not ABSENT]
    in_order = len(present) == len(node) and all(fits(item, one) for item, one in zip(present, node, strict=True))
    left = list(present)
    out: list[Value] = []
    for number, one in enumerate(node):
        open_ = part(unknown, number)
        if in_order:
            written: Value | None = present[number]
        else:
            written = next((item for item in left if fits(item, one)), None)
            if written is not None:
                left.remove(written)
        if written is not None:
            out.append(merged(written, one, open_, part(sensitive, number), managed))
        else:
            out.append(
                Value(Unknown("known after apply")) if open_ is True else plain(one, sensitive=part(sensitive, number) is True)
            )
    return tuple(out)


def fits(written: Value, node: Json) -> bool:
    """Whether what is written may have come to a value of the plan: nothing that is known on both sides differs."""
    data = written.data
    if isinstance(data, Choice):
        return any(fits(branch, node) for _, branch in flatten(written))
    if isinstance(data, Unknown):
        return True
    if data is ABSENT or data is None:
        return node in (None, [], {}, "")
    if node is None:
        return not isinstance(data, (str, bool, int)) or data == ""
    if isinstance(data, dict):
        return isinstance(node, dict) and all(fits(value, node[name]) for name, value in data.items() if name in node)
    if isinstance(data, tuple):
        if not isinstance(node, list):
            return False
        return len(data) == len(node) and all(any(fits(item, one) for one in node) for item in data)
    if isinstance(data, Text):
        return isinstance(node, str) and re.fullmatch(_pattern(data)[0], node, re.DOTALL) is not None
    return same(written, node)


def same(written: Value, node: Json) -> bool:
    """Whether a known scalar is that of the plan, which has it in the type of the provider."""
    text = written.text
    if text is not None:
        return text == _spelled(node) or is_kept_as(text, node) or _same_json(text, node)
    data = written.data
    if isinstance(data, bool) or isinstance(node, bool):
        return _spelled(data) == _spelled(node)
    return data == scalar(node) or _spelled(data) == _spelled(node)


def _spelled(node: object) -> str:
    return str(node).lower() if isinstance(node, bool) else str(node)


def _same_json(text: str, node: Json) -> bool:
    """Whether two texts are the same JSON: providers write policies in their own order."""
    if not isinstance(node, str) or text[:1] not in ("{", "[") or node[:1] != text[:1]:
        return False
    from json import loads

    try:
        return bool(loads(text) == loads(node))
    except (ValueError, RecursionError):
        return False


def _pattern(text: Text) -> tuple[str, list[int]]:
    """An expression that matches what a text may come to, with a group for each hole; and which pieces are holes."""
    out: list[str] = []
    holes: list[int] = []
    for number, piece in enumerate(text.pieces):
        if isinstance(piece.data, str):
            out.append(re.escape(piece.data))
        else:
            out.append("(.*?)")
            holes.append(number)
    return "".join(out), holes


def _filled(written: Value, text: Text, node: Json, managed: IsManaged) -> Value | None:
    """A text whose holes the plan has filled; those that are attributes of resources stay. None where the plan says
    something else."""
    known = text.known
    if known is not None:
        return written if same(written, node) else None
    symbolic = [
        isinstance(piece.data, Unknown) and piece.data.target is not None and managed(piece.data.target.address)
        for piece in text.pieces
    ]
    if all(stays for stays, piece in zip(symbolic, text.pieces, strict=True) if not isinstance(piece.data, str)):
        return written
    if not isinstance(node, str):
        return None
    pattern, holes = _pattern(text)
    match = re.fullmatch(pattern, node, re.DOTALL) if len(holes) <= _MOST_HOLES else None
    if match is None:
        return _as_document(written, text, node, managed)
    pieces = list(text.pieces)
    for number, found in zip(holes, match.groups(), strict=True):
        if not symbolic[number]:
            pieces[number] = replace(pieces[number], data=found, span=None)
    encodes = text.encodes
    if encodes is not None and text.encoding == "json":
        parsed = _parsed(node)
        encodes = None if parsed is None else merged(encodes, parsed, None, None, managed)
    return written.with_data(Text(tuple(pieces), encodes, text.encoding))


_MOST_HOLES = 40


def _as_document(written: Value, text: Text, node: str, managed: IsManaged) -> Value | None:
    """A document that the provider has put into its own order."""
    parsed = _parsed(node)
    if text.encodes is None or text.encoding != "json" or parsed is None:
        return None
    return written.with_data(Text((Value(node),), merged(text.encodes, parsed, None, None, managed), "json"))


def _parsed(node: str) -> Json:
    from json import loads

    try:
        return loads(node) if node[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return None
