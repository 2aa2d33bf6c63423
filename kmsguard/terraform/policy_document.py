"""`data "aws_iam_policy_document"`: the JSON that it makes of its blocks, each statement with its place.

See https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document. What is a list there is
sorted backwards in the provider's JSON, as here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec.structs import replace

from kmsguard.model.source import Span
from kmsguard.model.value import ABSENT, Absent, Choice, Step, Text, Unknown, Value
from kmsguard.terraform.choices import choose, combinations, distribute
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.functions.encoding import encoded, json_pieces, json_string
from kmsguard.terraform.history import derived
from kmsguard.terraform.partial import find_invalid, invalid
from kmsguard.terraform.resource import Resource
from kmsguard.terraform.texts import pieces_of
from kmsguard.terraform.types import STRING

VERSION = "2012-10-17"
NOTHING_WRITTEN = Value(())


def policy_json(resource: Resource, *, minified: bool) -> Value:
    """The text of `json` or `minified_json`, which knows the document that it encodes."""
    located = resource.located
    return document_text(resource.written(), resource.address, located.span, located.head, minified=minified)


def document_text(body: dict[str, Value], address: str, span: Span, head: Span, *, minified: bool) -> Value:
    """The text that a data source with these arguments makes. `span` and `head` are those of its block."""
    lists = (body.get("source_policy_documents", NOTHING_WRITTEN), body.get("override_policy_documents", NOTHING_WRITTEN))
    document = distribute(
        lambda version, policy_id, statements, source, override: _with_others(
            version, policy_id, statements, (_documents(source), _documents(override)), span
        ),
        body.get("version", Value(VERSION)),
        body.get("policy_id", Value("")),
        body.get("statement", NOTHING_WRITTEN),
        *lists,
    )
    step = Step("policy document", address, head)

    def text(policy: Value) -> Value:
        if isinstance(policy.data, Unknown):
            return replace(policy, trail=step)
        made = encoded(_pieces(policy, minified), policy, "json")
        return replace(made, span=span, trail=step)

    return distribute(text, document)


# --- the document ---------------------------------------------------------------------------------------------------------


class _Merged:
    """A document that others are merged into."""

    def __init__(self) -> None:
        self.version = Value("")
        self.policy_id: Value | None = None
        self.statements: list[Value] = []

    def add(self, statements: Iterable[Value]) -> None:
        """Statements take the place of those with the same Sid."""
        known: dict[str, int] = {}
        for number, old in enumerate(self.statements):
            known.setdefault(_sid(old), number)
        for statement in statements:
            sid = _sid(statement)
            at = known.get(sid) if sid else None
            if at is None:
                known.setdefault(sid, len(self.statements))
                self.statements.append(statement)
            else:
                self.statements[at] = statement


def _sid(statement: Value) -> str:
    sid = statement.members.get("Sid")
    return (sid.text or "") if sid is not None else ""


def _with_others(
    version: Value, policy_id: Value, statements: Value, others: tuple[list[Value], list[Value]], span: Span
) -> Value:
    """The document for each way in which the other ones that are merged with it can turn out."""
    source, override = others
    options = combinations((*source, *override))
    if options is None:
        return derived((*source, *override), span)
    at = len(source)
    return choose(
        (guard, _document(version, policy_id, statements, (found[:at], found[at:]), span)) for guard, found in options
    )


_Others: TypeAlias = "tuple[tuple[Value, ...], tuple[Value, ...]]"


def _document(version: Value, policy_id: Value, statements: Value, others: _Others, span: Span) -> Value:
    source, override = others
    for part in (version, policy_id, statements, *source, *override):
        error = find_invalid(part)
        if error is not None:
            return error
    merged = _Merged()
    for document in (*source, *override):
        parsed = _parsed(document)
        error = find_invalid(parsed) or _refused(parsed)
        if error is not None:
            return error
    for document in source:
        _merge(merged, document)
    if not merged.version.text or (version.text or "") > merged.version.text:
        merged.version = version if version.data not in ("", None) else Value(VERSION)
    if policy_id.data not in ("", None):
        merged.policy_id = policy_id
    merged.add(_statements(statements))
    for document in override:
        _merge(merged, document, overriding=True)
    out = {"Version": merged.version}
    if merged.policy_id is not None:
        out["Id"] = merged.policy_id
    if merged.statements:
        out["Statement"] = Value(tuple(merged.statements), span, span)
    return Value(out, span)


def _documents(value: Value) -> list[Value]:
    """The documents of `source_policy_documents` and `override_policy_documents`."""
    if isinstance(value.data, tuple):
        return [item for item in value.data if item.data is not None]
    return [value] if value.data is not None else []


def _merge(merged: _Merged, text: Value, *, overriding: bool = False) -> None:
    document = _parsed(text)
    if not isinstance(document.data, dict):
        unknown = derived((text,)).at(text.where)
        if overriding:  # it may take the place of any statement that has a Sid
            merged.statements = [unknown if _sid(statement) else statement for statement in merged.statements]
        merged.add([unknown])
        return
    version = document.members.get("Version")
    if version is not None and (version.text or "") > (merged.version.text or ""):
        merged.version = version
    policy_id = document.members.get("Id")
    if policy_id is not None and policy_id.data != "":
        merged.policy_id = policy_id
    statements = document.members.get("Statement")
    if statements is None:
        return
    if isinstance(statements.data, tuple):
        merged.add(_normal(_via(item, text)) for item in statements.data)
    else:
        merged.add([_via(statements, text)])


def _refused(document: Value) -> Value | None:
    """Why the provider does not take a document that is merged: it wants an object, and a list of statements in it."""
    if isinstance(document.data, Unknown):
        return None
    if not isinstance(document.data, dict):
        return invalid("a policy document that is merged is a JSON object")
    statements = document.data.get("Statement")
    if statements is None or statements.data is None or isinstance(statements.data, (tuple, Unknown, Choice)):
        return None
    return invalid("the statements of a policy document that is merged are a list: write `Statement = [...]`")


def _via(part: Value, whole: Value) -> Value:
    """A part of what came a way, where it came no other."""
    return part if whole.trail is None or part.trail is not None else replace(part, trail=whole.trail)


def _parsed(text: Value) -> Value:
    data = text.data
    if isinstance(data, Text) and data.encodes is not None and data.encoding == "json":
        return data.encodes
    if isinstance(data, Unknown):
        return text
    if text.text == "":
        return Value({})
    from kmsguard.syntax.json import parse_json

    value, problems = parse_json(text)
    if value is None or any(problem.level == "error" for problem in problems):
        return derived((text,)) if text.text is None else invalid("a policy document that is merged is no JSON")
    return value


def _normal(statement: Value) -> Value:
    """A statement of a document that is merged: the provider sorts its principals as it does its own."""
    body = statement.data
    if not isinstance(body, dict):
        return statement
    changed = dict(body)
    for name in ("Principal", "NotPrincipal"):
        who = body.get(name)
        if who is not None and isinstance(who.data, dict):
            by_kind = {
                kind: one.with_data(tuple(_sorted(list(one.items), distinct=False))) if isinstance(one.data, tuple) else one
                for kind, one in who.data.items()
            }
            changed[name] = who.with_data(by_kind)
    return statement.with_data(changed)


# --- statements -----------------------------------------------------------------------------------------------------------

_LISTS = {"actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource"}
_ORDER = ("actions", "not_actions", "resources", "not_resources", "principals", "not_principals", "condition")


def _statements(blocks: Value) -> list[Value]:
    if isinstance(blocks.data, Unknown):
        return [blocks]
    return [distribute(_statement, block).at(block.place) for block in blocks.items]


def _statement(block: Value) -> Value:
    body = block.data
    if not isinstance(body, dict):
        return block
    out: dict[str, Value] = {}
    sid = body.get("sid")
    if sid is not None and sid.data != "":
        out["Sid"] = sid
    out["Effect"] = body.get("effect") or Value("Allow", block.span)
    for name in _ORDER:
        value = body.get(name)
        if value is None:
            continue
        if name in _LISTS:
            made = distribute(_texts, value)
            if isinstance(made.data, tuple) and not made.data:
                continue
            out[_LISTS[name]] = made.at(value.place)
        elif name == "condition":
            out["Condition"] = _conditions(value)
        else:
            out["Principal" if name == "principals" else "NotPrincipal"] = _principals(value)
    return Value(out, block.span, block.place, block.trail, block.refs, block.sensitive)


def _texts(value: Value) -> Value:
    """A list of texts: one alone stands without a list, several are sorted backwards."""
    items = value.data
    if not isinstance(items, tuple):
        return value
    made = [_replaced(item) for item in items if not isinstance(item.data, Absent)]
    if len(made) == 1:
        return replace(made[0], place=value.place, trail=made[0].trail or value.trail)
    return value.with_data(tuple(_via(item, value) for item in _sorted(made)))


def _sorted(items: list[Value], *, distinct: bool = True) -> list[Value]:
    if any(item.text is None for item in items):
        return items
    if not distinct:
        return sorted(items, key=lambda item: item.text or "", reverse=True)
    unique = {item.text or "": item for item in reversed(items)}
    return [unique[text] for text in sorted(unique, reverse=True)]


def _in_set_order(blocks: tuple[Value, ...], content: Callable[[dict[str, Value]], str | None]) -> list[Value]:
    """The blocks as the provider's SDK keeps them: a set in the order of their checksums' digits; as written where one is open.

    See `HashResource` in https://github.com/hashicorp/terraform-plugin-sdk/blob/main/helper/schema/serialize.go.
    """
    found: dict[str, Value] = {}
    for block in blocks:
        text = content(block.members)
        if text is None:
            return list(blocks)
        found.setdefault(_checksum(text), block)
    return [found[checksum] for checksum in sorted(found)]


def _checksum(text: str) -> str:
    return str(zlib.crc32(text.encode()))


def _condition_content(body: dict[str, Value]) -> str | None:
    test, variable, values = body.get("test"), body.get("variable"), body.get("values")
    if test is None or variable is None or values is None or test.text is None or variable.text is None:
        return None
    texts = [convert(item, STRING).text for item in values.items]
    if None in texts or not texts:
        return None
    return f"test:{test.text};values:({''.join(f'{text};' for text in texts)});variable:{variable.text};"


def _principals_content(body: dict[str, Value]) -> str | None:
    kind, identifiers = body.get("type"), body.get("identifiers")
    if kind is None or identifiers is None or kind.text is None:
        return None
    texts = {convert(item, STRING).text for item in identifiers.items}
    if None in texts or not texts:
        return None
    ordered = sorted((f"{text};" for text in texts), key=_checksum)
    return f"identifiers:{{{''.join(ordered)}}};type:{kind.text};"


def _replaced(value: Value) -> Value:
    """The elements are texts, and `&{aws:username}` in them stands for `${aws:username}`."""
    item = convert(value, STRING)
    data = item.data
    if isinstance(data, str):
        return item.with_data(data.replace("&{", "${")) if "&{" in data else item
    if isinstance(data, Text) and any(isinstance(piece.data, str) and "&{" in piece.data for piece in data.pieces):
        pieces = tuple(_replaced(piece) if isinstance(piece.data, str) else piece for piece in pieces_of(item))
        return item.with_data(Text(pieces, data.encodes, data.encoding))
    return item


def _principals(blocks: Value) -> Value:
    items = blocks.data
    if not isinstance(items, tuple):
        return blocks
    if any(not isinstance(block.data, dict) for block in items):
        return _open_blocks(blocks, _principals)
    members = [block.members for block in items]
    if len(items) == 1 and _is_everybody(members[0]):
        identifiers = members[0]["identifiers"]
        return Value("*", identifiers.span, blocks.place, identifiers.items[0].trail or identifiers.trail)
    out: dict[str, Value] = {}
    for block in _in_set_order(items, _principals_content):
        kind, named = block.members.get("type"), block.members.get("identifiers")
        if kind is None or named is None:
            continue
        if kind.text is None:
            return derived((kind,)).at(blocks.place)
        made = distribute(_texts, named).at(named.place)
        old = out.get(kind.text)
        out[kind.text] = made if old is None else _joined(old, made)
        out[kind.text] = out[kind.text].at(block.place if old is None else blocks.place)
    return Value(out, blocks.span, blocks.place)


def _is_everybody(body: dict[str, Value]) -> bool:
    kind, identifiers = body.get("type"), body.get("identifiers")
    if kind is None or identifiers is None or kind.text != "*":
        return False
    return len(identifiers.items) == 1 and identifiers.items[0].text == "*"


def _joined(old: Value, new: Value) -> Value:
    parts = [*(old.items if isinstance(old.data, tuple) else (old,)), *(new.items if isinstance(new.data, tuple) else (new,))]
    return old.with_data(tuple(parts))


def _open_blocks(blocks: Value, make: Callable[[Value], Value]) -> Value:
    """Blocks of which some hang on conditions: a Choice of what they make, or an Unknown where one is unknown."""
    options = combinations(blocks.items) if not any(isinstance(block.data, Unknown) for block in blocks.items) else None
    if options is None:
        return derived((blocks,)).at(blocks.place)
    made = []
    for guard, option in options:
        kept = [item for item in option if not isinstance(item.data, Absent)]
        if any(not isinstance(block.data, dict) for block in kept):
            made.append((guard, derived(kept)))
        else:
            made.append((guard, make(blocks.with_data(tuple(kept))) if kept else Value(ABSENT)))
    return choose(made).at(blocks.place)


def _conditions(blocks: Value) -> Value:
    items = blocks.data
    if not isinstance(items, tuple):
        return blocks
    if any(not isinstance(block.data, dict) for block in items):
        return _open_blocks(blocks, _conditions)
    out: dict[str, dict[str, list[Value]]] = {}
    places: dict[str, Span | None] = {}
    for block in _in_set_order(items, _condition_content):
        body = block.members
        test, variable, values = body.get("test"), body.get("variable"), body.get("values")
        if test is None or variable is None or values is None:
            continue
        if test.text is None or variable.text is None:
            return derived((test, variable)).at(blocks.place)
        found = out.setdefault(test.text, {}).setdefault(variable.text, [])
        places.setdefault(f"{test.text} {variable.text}", block.place)
        if isinstance(values.data, tuple):
            found.extend(_replaced(item) for item in values.data)
        else:
            found.append(values)
    tests = {
        test: Value({name: _values(values, places[f"{test} {name}"]) for name, values in by_name.items()}, blocks.span)
        for test, by_name in sorted(out.items())
    }
    return Value(tests, blocks.span, blocks.place)


def _values(values: list[Value], place: Span | None) -> Value:
    if len(values) == 1:
        return values[0].at(place)
    return Value(tuple(values), place, place)


# --- its text -------------------------------------------------------------------------------------------------------------


_DOCUMENT = ("Version", "Id", "Statement")
_STATEMENT = (
    "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition",
)  # fmt: skip


def _pieces(value: Value, minified: bool, indent: str = "") -> list[str | Value]:
    """A document as the provider writes it: statements in their order of elements, everything else sorted."""
    data = value.data
    if not isinstance(data, (tuple, dict)) or not data:
        return json_pieces(value)
    inner = "" if minified else f"{indent}  "
    line = "" if minified else f"\n{inner}"
    rows: list[list[str | Value]] = []
    if isinstance(data, tuple):
        rows = [_pieces(item, minified, inner) for item in data]
    else:
        order = _DOCUMENT if "Version" in data and not indent else _STATEMENT if "Effect" in data else ()
        names = sorted(data, key=lambda name: (order.index(name) if name in order else len(order), name))
        colon = ":" if minified else ": "
        rows = [[f"{json_string(name)}{colon}", *_pieces(data[name], minified, inner)] for name in names]
    out: list[str | Value] = ["[" if isinstance(data, tuple) else "{"]
    for number, row in enumerate(rows):
        out.extend([f",{line}" if number else line, *row])
    out.append(("" if minified else f"\n{indent}") + ("]" if isinstance(data, tuple) else "}"))
    return out
