"""Functions that encode and decode. What was encoded stays beside the text (`encodes`), with its places."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from decimal import Decimal
from urllib.parse import quote_plus, unquote_plus

from msgspec.structs import replace

from kmsguard.model.source import Span
from kmsguard.model.value import Absent, Branch, Choice, Text, Unknown, Value
from kmsguard.terraform.arithmetic import narrow
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.functions import Function, Invocation
from kmsguard.terraform.functions.adapt import FunctionError, pure, settled, to_dynamic
from kmsguard.terraform.history import derived, from_parts
from kmsguard.terraform.partial import Handle, Invalid, ListItems, invalid
from kmsguard.terraform.texts import normalized, number_text, pieces_of, text_value
from kmsguard.terraform.types import STRING

# --- JSON -----------------------------------------------------------------------------------------------------------------

_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f",
    "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029",
}  # fmt: skip
_ESCAPED = re.compile('["\\\\\x00-\x1f<>&\u2028\u2029]')

MOST_CHARACTERS = 4_000_000  # of a text that is encoded: each quote in it doubles where it is encoded again


def json_string(text: str) -> str:
    """A text as Go writes it in JSON."""
    return f'"{json_characters(text)}"'


def json_characters(text: str) -> str:
    """The characters of a text as Go writes them inside a JSON string."""
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}", text)


def json_pieces(value: Value) -> list[str | Value]:
    """A value as JSON: literal runs, and holes for what is not known."""
    data = value.data
    if data is None or isinstance(data, Absent):
        return ["null"]
    if isinstance(data, bool):
        return ["true" if data else "false"]
    if isinstance(data, str):
        return [json_string(data)]
    if isinstance(data, (int, float, Decimal)):
        return [number_text(data)]
    if isinstance(data, Text):
        return ['"', *(_in_json_string(piece) for piece in pieces_of(value)), '"']
    if isinstance(data, tuple):
        return _separated("[", "]", [json_pieces(item) for item in data])
    if isinstance(data, dict):
        rows = [[f"{json_string(name)}:", *json_pieces(data[name])] for name in sorted(data)]
        return _separated("{", "}", rows)
    if isinstance(data, Handle) and data.of is not None:
        members = data.of.members()
        return json_pieces(value.with_data(members)) if members is not None else [value]
    if isinstance(data, Choice):
        branches = tuple(Branch(b.guard, json_text(b.value)) for b in data.branches)
        return [value.with_data(Choice(branches))]
    return [value]


def _in_json_string(piece: Value) -> str | Value:
    if isinstance(piece.data, str):
        return json_characters(piece.data)
    if isinstance(piece.data, Choice):
        branches = tuple(Branch(b.guard, _escaped(b.value)) for b in piece.data.branches)
        return piece.with_data(Choice(branches))
    return piece


def _escaped(value: Value) -> Value:
    return text_value(inner if isinstance(inner, Value) else Value(inner) for inner in map(_in_json_string, pieces_of(value)))


def _separated(start: str, end: str, rows: list[list[str | Value]]) -> list[str | Value]:
    out: list[str | Value] = [start]
    for number, row in enumerate(rows):
        if number:
            out.append(",")
        out.extend(row)
    out.append(end)
    return out


def json_text(value: Value) -> Value:
    """A value as JSON text, which knows what it encodes."""
    return encoded(json_pieces(value), value, "json")


def encoded(parts: list[str | Value], value: Value, encoding: str) -> Value:
    """A text that was made from a value."""
    pieces: list[Value] = []
    run: list[str] = []
    for part in parts:
        if isinstance(part, str):
            run.append(part)
            continue
        if run:
            pieces.append(Value("".join(run)))
            run = []
        pieces.append(part)
    if run:
        pieces.append(Value("".join(run)))
    made = text_value(pieces)
    sensitive = any(part.sensitive for part in _inside(value))
    if sum(len(piece.data) for piece in pieces if isinstance(piece.data, str)) > MOST_CHARACTERS:
        return Value(Unknown("a text that is too long", not_null=True), refs=made.refs, sensitive=sensitive)
    return Value(Text(tuple(pieces), value, encoding), None, None, None, made.refs, sensitive)


def _inside(value: Value) -> list[Value]:
    data = value.data
    out = [value]
    if isinstance(data, tuple):
        for item in data:
            out.extend(_inside(item))
    elif isinstance(data, dict):
        for item in data.values():
            out.extend(_inside(item))
    elif isinstance(data, Text):
        for item in data.pieces:
            out.extend(_inside(item))
    elif isinstance(data, Choice):
        for branch in data.branches:
            out.extend(_inside(branch.value))
    return out


def _json_encode(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    if isinstance(arguments[0].data, Unknown) and not isinstance(arguments[0].data, Handle):
        return derived(arguments, not_null=True)
    return json_text(arguments[0])


def _json_decode(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    text = convert(arguments[0], STRING)
    if isinstance(text.data, Unknown):
        return text if isinstance(text.data, Invalid) else derived(arguments)
    if text.data is None:
        return invalid("an argument must not be null")
    if isinstance(text.data, Text) and text.data.encodes is not None and text.data.encoding == "json":
        return _as_decoded(text.data.encodes)
    from kmsguard.syntax.json import parse_json

    value, problems = parse_json(text)
    if value is None or problems:
        return invalid("this is no JSON") if text.text is not None else derived(arguments)
    return replace(_marked(_as_decoded(value), text), trail=text.trail)


def _marked(value: Value, text: Value) -> Value:
    if not text.sensitive and not text.refs:
        return value
    return replace(value, sensitive=value.sensitive or text.sensitive, refs=(*value.refs, *text.refs))


def _as_decoded(value: Value) -> Value:
    """A value after a way through text: what was a list, set or map is a tuple or an object, numbers have their one form."""
    data = value.data
    if isinstance(data, tuple):
        return value.with_data(tuple(_as_decoded(item) for item in data))
    if isinstance(data, dict):
        return value.with_data({name: _as_decoded(item) for name, item in data.items()})
    if isinstance(data, (int, float, Decimal)) and not isinstance(data, bool):
        try:
            return value.with_data(narrow(data))
        except ArithmeticError:
            return value.with_data(Unknown("a number that is too large"))
    return value


# --- YAML -----------------------------------------------------------------------------------------------------------------


def _yaml_encode(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    if isinstance(arguments[0].data, Unknown) and not isinstance(arguments[0].data, Handle):
        return derived(arguments, not_null=True)
    value = arguments[0]
    end = "\n" if isinstance(value.data, (tuple, dict, str, Text)) else "\n...\n"
    return encoded([*_yaml(value, "", top=True), end], value, "yaml")


def _yaml(value: Value, indent: str, *, top: bool = False) -> list[str | Value]:
    data = value.data
    if isinstance(data, (str, Text)):
        text = value.text
        if text is not None:
            return [*_yaml_block(text, indent or "  ")] if _is_block(text) else [_yaml_string(text)]
        return ['"', *(_yaml_characters(p.data) if isinstance(p.data, str) else p for p in pieces_of(value)), '"']
    if isinstance(data, tuple) and data:
        out: list[str | Value] = []
        for number, item in enumerate(data):
            out.extend([f"\n{indent}- " if number or not top else "- ", *_yaml(item, f"{indent}  ", top=_nests(item))])
        return out
    if isinstance(data, dict) and data:
        out = []
        for number, name in enumerate(sorted(data)):
            item = data[name]
            key = f"{_yaml_string(name)}:"
            if _BREAK.search(name):
                block = _yaml_block(name, f"{indent}  ")[0] if _is_block(name) else _yaml_string(name)
                key = f"? {block}\n{indent}:"
            out.append(f"\n{indent}{key}" if number or not top else key)
            # a list stands below its key without being moved in
            inner = _yaml(item, indent if isinstance(item.data, tuple) else f"{indent}  ")
            out.extend(inner if _nests(item) else [" ", *inner])
        return out
    return json_pieces(value)


_YAML_ESCAPED = re.compile("[^ !#-\\[\\]-~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_YAML_ESCAPES = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r",
    "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip


def _yaml_characters(text: str) -> str:
    """The characters of a text as they stand between double quotes in YAML."""

    def escaped(match: re.Match[str]) -> str:
        code = ord(match[0])
        numbered = f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
        return _YAML_ESCAPES.get(match[0]) or numbered

    return _YAML_ESCAPED.sub(escaped, text)


def _yaml_string(text: str) -> str:
    return f'"{_yaml_characters(text)}"'


def _nests(value: Value) -> bool:
    return isinstance(value.data, (tuple, dict)) and bool(value.data)


_BREAK = re.compile("[\\n\\r\\x85\\u2028\\u2029]")
_NO_BLOCK = re.compile(r" \n| \Z")


def _is_block(text: str) -> bool:
    """Whether a text stands as a block of lines: not where blanks end one, or something in it has to be escaped."""
    return "\n" in text and not _NO_BLOCK.search(text) and not _YAML_ESCAPED.search(re.sub('[\n"\\\\\u2028\u2029]', "", text))


def _yaml_block(text: str, indent: str) -> list[str]:
    deep = "2" if text[:1] in ("\n", " ") else ""
    keep = "+" if text.endswith("\n\n") or text == "\n" else ""
    mark = f"|{deep}{keep if text.endswith(chr(10)) else '-'}"
    lines = re.sub("([\u2028\u2029])", rf"\1{indent}", text.removesuffix("\n")).split("\n")
    return [f"{mark}\n" + "\n".join(f"{indent}{line}" if line else "" for line in lines)]


def _yaml_decode(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    text = convert(arguments[0], STRING)
    if text.data is None or text.text == "":
        return invalid("this is no YAML")
    if isinstance(text.data, Text) and text.data.encodes is not None and text.data.encoding in ("json", "yaml"):
        return _as_decoded(text.data.encodes)
    return settled(lambda known: _decoded_yaml(known, invocation.span), (text,))


def _decoded_yaml(text: Value, span: Span) -> Value:
    from kmsguard.terraform.functions.yaml import decode

    return decode(text, span)


# --- base64 ---------------------------------------------------------------------------------------------------------------


def _base64_encode(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    return _base64(arguments, "utf-8")


def _base64(arguments: tuple[Value, ...], codec: str) -> Value:
    value = convert(arguments[0], STRING)
    if isinstance(value.data, Invalid):
        return value
    if value.data is None:
        return invalid("an argument must not be null")
    text = value.text
    if text is not None:
        data = codecs.BOM_UTF16_BE + text.encode("utf-16-be") if codec == "utf-16" else text.encode(codec)
        return encoded([base64.b64encode(data).decode()], value, "base64")
    if isinstance(value.data, Unknown):
        return derived(arguments, not_null=True)
    return encoded([derived((value,), not_null=True)], value, "base64")


def _base64_decode(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    value = convert(arguments[0], STRING)
    if value.data is None:
        return invalid("an argument must not be null")
    if isinstance(value.data, Text) and value.data.encodes is not None and value.data.encoding == "base64":
        return value.data.encodes
    return settled(_decoded, (value,), not_null=True)


def _decoded(value: Value) -> Value:
    try:
        text = base64.b64decode((value.text or "").replace("\n", "").replace("\r", ""), validate=True).decode()
    except (binascii.Error, ValueError):
        return invalid("this is no base64 of a text")
    return from_parts(normalized(text), (value,), value.span)


def _base64_gunzip(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    value = convert(arguments[0], STRING)
    if isinstance(value.data, Text) and value.data.encodes is not None and value.data.encoding == "gzip":
        return value.data.encodes
    return _GUNZIP(_, arguments)


def _unzipped(text: str) -> str:
    import zlib

    try:
        unzip = zlib.decompressobj(wbits=31)
        content = unzip.decompress(base64.b64decode(text, validate=True), LARGEST)
        if not unzip.eof:
            raise FunctionError("this is no base64 of gzip, or more than is unpacked")
        return content.decode()
    except (binascii.Error, ValueError, zlib.error):
        raise FunctionError("this is no base64 of gzip of a text") from None


LARGEST = 4_000_000  # bytes that are unpacked
_GUNZIP = pure(_unzipped, STRING)


def _base64_gzip(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    value = convert(arguments[0], STRING)
    if isinstance(value.data, Unknown):
        return value if isinstance(value.data, Invalid) else derived(arguments, not_null=True)
    hole = Value(Unknown("function base64gzip", "base64gzip()", not_null=True))
    return encoded([hole], value, "gzip")


def _codec(name: str) -> str:
    from kmsguard.terraform.functions.charsets import CODECS

    codec = CODECS.get(name.lower())
    if codec is None:
        raise FunctionError(f"{name!r} is not the name of an encoding that IANA lists and Terraform knows")
    return codec


def _text_encode_base64(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    name = convert(arguments[1], STRING)
    if isinstance(name.data, Invalid) or name.text is None:
        return name if isinstance(name.data, Invalid) else derived(arguments, not_null=True)
    from kmsguard.terraform.functions.charsets import UNKNOWN_HERE

    if name.text.lower() in UNKNOWN_HERE:
        return derived(arguments, not_null=True)
    try:
        return _base64(arguments[:1], _codec(name.text))
    except FunctionError as error:
        return invalid(str(error))
    except UnicodeError:
        return invalid("the text has characters that the encoding does not")


def _text_decode_base64(text: str, encoding: str) -> str:
    try:
        data = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        codec = _codec(encoding)
        if codec == "utf-16" and not data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
            codec = "utf-16-be"
        return data.decode(codec)
    except (binascii.Error, ValueError):
        raise FunctionError("this is no base64 of a text in that encoding") from None


# --- others ---------------------------------------------------------------------------------------------------------------


def _csv_decode(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    return settled(lambda text: _csv(text, text.span or invocation.span), (convert(arguments[0], STRING),))


def _csv(text: Value, span: Span) -> Value:
    rows = _csv_rows(text.text or "")
    if isinstance(rows, str):
        return invalid(rows)
    if not rows:
        return invalid("the CSV has no header")
    names, *lines = rows
    if any(len(row) != len(names) for row in lines) or len(set(names)) != len(names):
        return invalid("the rows of the CSV differ in length, or two columns have one name")
    items = [from_parts(to_dynamic(dict(zip(names, row, strict=True)), span), (text,), span) for row in lines]
    return Value(ListItems(items), sensitive=text.sensitive)


_FIELD = re.compile(r'"((?:[^"]|"")*)"(?=[,\n]|$)|([^,"\n]*)(?=[,\n]|$)')


def _csv_rows(text: str) -> list[list[str]] | str:
    """The fields of each row, or what is wrong: as RFC 4180 has it, without empty lines."""
    text = text.replace("\r\n", "\n")
    rows: list[list[str]] = []
    row: list[str] = []
    at = 0
    while at < len(text):
        if not row and text[at] == "\n":
            at += 1
            continue
        field = _FIELD.match(text, at)
        if field is None:
            return "a quote of the CSV stands where none may, or is not closed"
        row.append(field[1].replace('""', '"') if field[1] is not None else field[2])
        at = field.end()
        if text[at : at + 1] == ",":
            at += 1
            if at == len(text) or text[at] == "\n":
                row.append("")
            else:
                continue
        rows.append(row)
        row = []
        at += 1
    return rows


def _url_decode(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise FunctionError("this is no URL encoding")
    try:
        return unquote_plus(text, errors="strict")
    except ValueError:
        raise FunctionError("this is no URL encoding of a text") from None


FUNCTIONS: dict[str, Function] = {
    "base64decode": _base64_decode,
    "base64encode": _base64_encode,
    "base64gunzip": _base64_gunzip,
    "base64gzip": _base64_gzip,
    "csvdecode": _csv_decode,
    "jsondecode": _json_decode,
    "jsonencode": _json_encode,
    "textdecodebase64": pure(_text_decode_base64, STRING, STRING),
    "textencodebase64": _text_encode_base64,
    "urldecode": pure(_url_decode, STRING),
    "urlencode": pure(quote_plus, STRING),
    "yamldecode": _yaml_decode,
    "yamlencode": _yaml_encode,
}
