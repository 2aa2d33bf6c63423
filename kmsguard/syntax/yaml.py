r"""YAML and JSON into a tree whose every node knows its place.

The events are libyaml's (PyYAML's pure parser where that is not built in), the nodes are ours. JSON is read by a reader of its
own, because YAML 1.1 refuses what JSON allows: tabs as indentation and surrogate pairs (`\ud83d\ude00`).

See https://yaml.org/spec/1.1/ and https://www.rfc-editor.org/rfc/rfc8259.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Literal, TypeAlias

import msgspec

from kmsguard.model.declaration import Comment, Problem
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Text, Value

CORE = "tag:yaml.org,2002:"
MAX_DEPTH = 200  # the deepest template that was seen has 40; what evaluates a tree recurses into it
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels; this part was not read"
NO_STACK = "nested deeper than can be read here; what follows was not read"
MAX_TOLD = 20  # of the parts that are nested deeper


class Node(msgspec.Struct, kw_only=True, eq=False, gc=False):
    """A piece of the file, with offsets into the text of its source (code points, end exclusive).

    A node that was reached by an alias (`*name`) stands where its anchor is; `alias` is where the alias stands.
    """

    source: Source
    start: int  # with its tag and anchor
    end: int
    tag: str = ""  # `!Ref`, `tag:yaml.org,2002:str`; empty where none is written
    alias: tuple[int, int] | None = None

    @property
    def written(self) -> tuple[int, int]:
        """The offsets of where it stands in the collection that holds it."""
        return self.alias if self.alias is not None else (self.start, self.end)

    @property
    def span(self) -> Span:
        """Where it is written out."""
        return self.source.span(self.start, self.end)

    @property
    def place(self) -> Span:
        """Where it stands in the collection that holds it: its alias, or itself."""
        return self.source.span(self.start, self.end) if self.alias is None else self.source.span(*self.alias)


Style: TypeAlias = Literal["", "'", '"', "|", ">"]
BLOCK = frozenset({"|", ">"})


class Scalar(Node, kw_only=True, eq=False):
    """A text. What it means (number, truth, null) is for the reader to say: see `scalar_data`."""

    text: str
    style: Style = ""  # empty: plain
    content: int  # the offset of the first character past tag and anchor (the quote, the `|`)


class Sequence(Node, kw_only=True, eq=False):
    """A list."""

    items: list[YamlNode]
    broken: bool = False  # a syntax error stands in it: it may hold more


class Entry(msgspec.Struct, eq=False, gc=False):
    """A key with its value."""

    key: Scalar
    value: YamlNode
    alias: Span | None = None  # by which it came here, where it stands elsewhere: of a merge key (`<<: *name`), an inclusion

    @property
    def span(self) -> Span:
        """From the key to the end of the value (or of the alias that stands for it)."""
        key, value = self.key, self.value
        end = value.end if value.alias is None else value.alias[1]
        return key.source.span(key.start, max(end, key.end))

    @property
    def spans(self) -> tuple[Span, Span]:
        """Its own span and that of its value, for less than both cost one by one."""
        key, value = self.key, self.value
        if value.alias is None and value.end >= key.end and value.source is key.source:
            return key.source.spans(key.start, value.start, value.end)
        return self.span, value.span


class Mapping(Node, kw_only=True, eq=False):
    """A map, its entries in order. Merge keys (`<<`) are resolved; of a key that stands twice the last entry counts."""

    entries: list[Entry]
    broken: bool = False  # a syntax error stands in it: it may hold more

    def entry(self, name: str) -> Entry | None:
        """The entry of a key."""
        for entry in reversed(self.entries):
            if entry.key.text == name:
                return entry
        return None

    def get(self, name: str) -> YamlNode | None:
        """The value of a key."""
        entry = self.entry(name)
        return entry.value if entry is not None else None


YamlNode: TypeAlias = Scalar | Sequence | Mapping


def said_of_twice(source: Source, name: str, first: int, again: int) -> str:
    """What is said of a key that stands twice, at the second place; the places are offsets."""
    (line, column), (here, _) = source.place(first), source.place(again)
    where = f"line {line}" if line != here else f"column {column} of this line"
    return f'the key "{name}" stands twice, first in {where}; this entry counts'


def end_of(node: Mapping | Sequence) -> int:
    """The offset where a collection ends that no bracket closes: with its last child."""
    if type(node) is Sequence:
        return max(node.end, node.items[-1].written[1]) if node.items else node.end
    assert isinstance(node, Mapping)
    for entry in reversed(node.entries):
        if entry.key.start >= node.start:  # a merged entry stands elsewhere
            value = entry.value
            return max(node.end, entry.key.end, value.end if value.alias is None else value.alias[1])
    return node.end


def given_up(nodes: list[Mapping | Sequence]) -> int:
    """Ends collections, each in the one before it, that are open where Python's stack is used up; the offset of the last one.

    That is where a host has a lower limit than Python's own, or little of its stack left.
    """
    for node in reversed(nodes):
        node.end = end_of(node)
        node.broken = True
    return nodes[-1].start if nodes else 0


class YamlFile:
    """A parsed file: the root (None where nothing could be read), what was wrong, and the comments."""

    def __init__(
        self,
        source: Source,
        root: YamlNode | None,
        problems: list[Problem],
        opaque: list[tuple[int, int]],
        end: int,
    ) -> None:
        self.source = source
        self.root = root
        self.problems = problems
        self._opaque = opaque  # where a `#` is text
        self._end = end  # of what was read

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """All comments, in order; of a broken file those before the error."""
        text = self.source.text
        found = []
        opaque = iter(self._opaque)
        start, end = next(opaque, (len(text), len(text)))
        at = text.find("#", 0, self._end)
        while at >= 0:
            while end <= at < len(text):
                start, end = next(opaque, (len(text), len(text)))
            if start <= at:
                at = text.find("#", end, self._end)
                continue
            stop = at + 1
            if at == 0 or text[at - 1] in " \t\n\r":
                stop = _LINE_END.search(text, at).start()  # type: ignore[union-attr]
                found.append(Comment(text[at:stop], self.source.span(at, stop)))
            at = text.find("#", stop, self._end)
        return tuple(found)


_LINE_END = re.compile(r"[\r\n]|\Z")


def parse(source: Source) -> tuple[YamlNode | None, list[Problem]]:
    """The tree of a YAML or JSON file, and what is wrong with it; of a broken file what stands before the error.

    Problems have the code `yaml-syntax` or `json-syntax` (level error), or `duplicate-key` (level warning: the last entry
    counts).
    """
    file = parse_file(source)
    return file.root, file.problems


def comments(source: Source) -> tuple[Comment, ...]:
    """The comments of a YAML file. Whoever parses it too asks `parse_file` for both."""
    return parse_file(source).comments


def parse_file(source: Source) -> YamlFile:
    """The tree of a YAML or JSON file with problems and comments; see `parse`."""
    if _JSON_START.match(source.text) is None:
        from kmsguard.syntax.composer import compose

        return compose(source)
    from kmsguard.syntax.json_nodes import read

    json_file, stopped = read(source)
    if stopped is not None and _YAML_ONLY.match(source.text, stopped) is not None:
        from kmsguard.syntax.composer import compose

        yaml_file = compose(source)
        if not any(problem.level == "error" for problem in yaml_file.problems):
            return yaml_file
    return json_file


# what YAML allows where JSON does not: a tag, comment, anchor, alias, single quote, or a bracket after a last comma
_YAML_ONLY = re.compile(r"[!#&*'\]}]")
_JSON_START = re.compile(r'\s*[{\[]\s*["\]}{\[]')


# --- what a scalar is ---------------------------------------------------------------------------------------------------------

_BOOLEANS = {
    spelling: truth
    for words, truth in ((("yes", "true", "on"), True), (("no", "false", "off"), False))
    for word in words
    for spelling in (word, word.capitalize(), word.upper())
}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)\Z")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)\Z")
_FIRST = frozenset("yYnNtTfFoO~-+.0123456789")  # of plain scalars that may be more than text


def scalar_data(node: Scalar) -> str | int | float | bool | None:
    """What a scalar is in YAML 1.1, as CloudFormation reads it.

    `yes` is true, `0644` octal, `1:30` sexagesimal; dates, times, infinities and whatever is quoted or tagged `!!str` are text.
    The written text stays in the node.

    See https://yaml.org/type/bool.html, int.html and float.html.
    """
    text = node.text
    if node.style or (text and text[0] not in _FIRST):
        return text
    if node.tag.startswith(CORE):
        if node.tag == CORE + "str":
            return text
        if node.tag == CORE + "float":
            return _float(text)
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text in _NULLS:
        return None
    if _INTEGER.match(text):
        return _integer(text)
    return _float(text) if _FLOAT.match(text) else text


def _integer(text: str) -> int | str:
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-").replace("_", "")
    try:
        if ":" in digits:
            number = 0
            for part in digits.split(":"):
                number = number * 60 + int(part)
            return sign * number
        if digits[:2] in ("0b", "0x"):
            return sign * int(digits[2:], 2 if digits[1] == "b" else 16)
        if len(digits) > 1 and digits[0] == "0":
            return sign * int(digits, 8)
        return sign * int(digits)
    except ValueError:  # `0x_`, or more digits than Python converts
        return text


def _float(text: str) -> float | str:
    try:
        return float(text.replace("_", ""))
    except ValueError:
        return text


# --- where a text stands ------------------------------------------------------------------------------------------------------

_FOLD = r"[ \t]*(?:\r\n|[\n\r\x85\u2028\u2029])(?:[ \t]*(?:\r\n|[\n\r\x85\u2028\u2029]))*[ \t]*"
_PLAIN_PARTS = re.compile(f"(?P<fold>{_FOLD})")
_SINGLE_PARTS = re.compile(f"(?P<quote>'')|(?P<fold>{_FOLD})")
_DOUBLE_PARTS = re.compile(
    r"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\(?:x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|(?P<join>\r?\n[ \t]*)|(?P<letter>.))"
    f"|(?P<fold>{_FOLD})"
)
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b", " ": " ",
    '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")


def text_value(node: Scalar, span: Span | None = None, place: Span | None = None) -> Value:
    """A scalar as text, with the place of every character.

    The data is a `str` where the text stands in one line as it is (the span is the literal with its quotes), else a Text with a
    piece for every line of a block or folded scalar and for every escape. `span` is where it stands without tag and anchor, if
    that is known already; `place` becomes the value's.
    """
    source, text, style = node.source, node.text, node.style
    if span is None:
        span = source.span(node.content, node.end)
    if style not in BLOCK:
        quotes = 2 if style else 0
        if node.end - node.content == len(text) + quotes and span.start_line == span.end_line:
            return Value(text, span, place)
    pieces = _block_pieces(node) if style in BLOCK else _flow_pieces(node)
    if "".join(piece for piece, _, _ in pieces) != text:
        return Value(text, span, place)  # rather no place inside than a wrong one
    parts = tuple(Value(piece, _piece_span(source, start, end)) for piece, start, end in pieces if piece)
    return Value(Text(parts), span, place)


def _piece_span(source: Source, start: int, end: int) -> Span | None:
    """A span that stays in its line also where the piece ends with the line's end; None for an empty place."""
    if start == end:
        return None
    line, column = source.place(start)
    return Span(source.path, line, column, line, column + end - start)


def _flow_pieces(node: Scalar) -> list[tuple[str, int, int]]:
    """The pieces (text, start, end) of a plain or quoted scalar that has escapes or more than one line."""
    raw = node.source.text
    start, end = (node.content + 1, node.end - 1) if node.style else (node.content, node.end)
    parts = {"": _PLAIN_PARTS, "'": _SINGLE_PARTS, '"': _DOUBLE_PARTS}[node.style]
    pieces: list[tuple[str, int, int]] = []
    at = start
    for match in parts.finditer(raw, start, end):
        if match.start() > at:
            pieces.append((raw[at : match.start()], at, match.start()))
        at = match.end()
        kind = match.lastgroup
        if kind == "fold":
            breaks = len(_BREAK.findall(match.group()))
            pieces.append((" " if breaks == 1 else "\n" * (breaks - 1), at, at))
        elif kind != "join":
            pieces.append((_unescape(match, kind), match.start(), match.end()))
    if end > at:
        pieces.append((raw[at:end], at, end))
    return pieces


def _unescape(match: re.Match[str], kind: str | None) -> str:
    found = match.group(kind or 0)
    if kind == "quote":
        return "'"
    if kind == "pair":
        return chr(0x10000 + ((int(found[2:6], 16) - 0xD800) << 10) + int(found[8:12], 16) - 0xDC00)
    if kind == "letter":
        return _ESCAPES.get(found, found)
    code = int(found, 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd"


def _block_pieces(node: Scalar) -> list[tuple[str, int, int]]:
    """The pieces (text, start, end) of a block scalar: each a line's text, with its line end where that belongs to the text.

    The parser has done folding and chomping; the lines of the source are laid against its text.
    """
    raw, text = node.source.text, node.text
    header = _BREAK.search(raw, node.content, node.end)
    if header is None:
        return [(text, node.end, node.end)]
    lines = _lines(raw, header.end(), node.end)
    indent = _indent(raw, node, lines)
    pieces: list[tuple[str, int, int]] = []
    at = 0
    for start, end in lines:
        first = min(start + indent, end)
        line = raw[first:end]
        if not line.strip(" ") and not text.startswith(line + "\n", at):
            line = ""  # spaces up to the indentation or less
        if not line:
            continue  # its line end is counted with the line before
        found = at
        while text[found : found + 1] == "\n":
            found += 1
        if not text.startswith(line, found):
            found = text.find(line, at)
            if found < 0:
                return []
        if found > at:
            pieces.append((text[at:found], first, first))
        at = found + len(line)
        if text[at : at + 1] == "\n":
            pieces.append((line + "\n", first, end + 1))
            at += 1
        else:
            pieces.append((line, first, end))
            if text[at : at + 1] == " " and node.style == ">":
                pieces.append((" ", end, end))
                at += 1
    if at < len(text):
        pieces.append((text[at:], node.end, node.end))
    return pieces


def _lines(raw: str, start: int, end: int) -> list[tuple[int, int]]:
    """(start, end) of the lines from `start` on, without their ends."""
    lines = []
    for match in _BREAK.finditer(raw, start, end):
        lines.append((start, match.start()))
        start = match.end()
    lines.append((start, end))
    return lines


def _indent(raw: str, node: Scalar, lines: list[tuple[int, int]]) -> int:
    """The indentation of a block scalar: that of its first line that is not blank, less what the text keeps of it."""
    for start, end in lines:
        line = raw[start:end]
        stripped = line.lstrip(" ")
        if stripped:
            spaces = len(line) - len(stripped)
            body = node.text.lstrip("\n")
            return spaces - (len(body) - len(body.lstrip(" ")))
    return 0
