r"""JSON into the nodes of YAML; see `kmsguard.syntax.yaml.parse_file`.

It is read by a reader of its own, because YAML 1.1 refuses what JSON allows: tabs as indentation and surrogate pairs
(`\ud83d\ude00`). See https://www.rfc-editor.org/rfc/rfc8259.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from kmsguard.model.declaration import Problem
from kmsguard.model.source import Source
from kmsguard.syntax.yaml import (
    CORE,
    MAX_DEPTH,
    MAX_TOLD,
    NO_STACK,
    TOO_DEEP,
    Entry,
    Mapping,
    Scalar,
    Sequence,
    YamlFile,
    YamlNode,
    end_of,
    given_up,
    said_of_twice,
)

_SPACE = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_KEY = re.compile(r'"([^"\\\x00-\x1f]*)"[ \t\r\n]*:[ \t\r\n]*')  # what most keys are
_STRING = re.compile(r'"([^"\\\x00-\x1f]*)(?:"|((?:[^"\\\x00-\x1f]|\\.)*)")', re.DOTALL)
_LITERAL = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?(?![0-9A-Za-z_.])|(?:true|false|null)(?![0-9A-Za-z_])")
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\"\\/bfnrt]))|\\")
_JSON_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*+"|[{}\[\]]')
_NESTING = {"{": 1, "[": 1, "}": -1, "]": -1}


class _JsonError(Exception):
    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset


def read(source: Source) -> tuple[YamlFile, int | None]:
    """The tree of a JSON file, of a broken one what stands before the error; and the offset of the error, if any."""
    return _Reader(source).read()


class _Reader:
    """Recursive descent. An error passes through every collection that is open: each takes in what is left of its child
    (`partial`), and leaves itself there."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.problems: list[Problem] = []
        self.open: list[Mapping | Sequence] = []
        self.partial: YamlNode | None = None
        self.deep = 0  # parts that are nested too deep

    def read(self) -> tuple[YamlFile, int | None]:
        root: YamlNode | None = None
        end, stopped = len(self.text), None
        try:
            root = self._value(_skip(self.text, 0))
            self._end(root.end)
        except _JsonError as error:
            end = stopped = error.offset
            self._problem("error", "json-syntax", error.offset, str(error))
        except RecursionError:
            end = given_up(self.open)
            self._problem("error", "json-syntax", end, NO_STACK)
            root = self.open[0] if self.open else None
        root = root if root is not None else self.partial
        return YamlFile(self.source, root, self.problems, [(0, len(self.text))], end), stopped

    def _end(self, at: int) -> None:
        at = _skip(self.text, at)
        if at < len(self.text):
            raise _JsonError(at, "the file goes on after the end of its JSON value")

    def _value(self, at: int) -> YamlNode:
        text = self.text
        character = text[at : at + 1]
        if character == '"':
            return self._string(at)
        if character == "{":
            return self._object(at) if len(self.open) < MAX_DEPTH else self._passed_over(at)
        if character == "[":
            return self._array(at) if len(self.open) < MAX_DEPTH else self._passed_over(at)
        match = _LITERAL.match(text, at)
        if match is None:
            raise _JsonError(at, _hint(text, at))
        # what JSON takes for a number with an exponent, YAML 1.1 takes for text
        tag = CORE + "float" if match.group(1) or match.group(2) else ""
        return Scalar(source=self.source, start=at, end=match.end(), tag=tag, text=match.group(), content=at)

    def _passed_over(self, at: int) -> Scalar:
        """Reads on behind a map or list that is nested too deep; a text without characters stands for it."""
        depth = 0
        for match in _BRACKET.finditer(self.text, at):
            depth += _NESTING.get(match.group(), 0)
            if depth == 0:
                self.deep += 1
                if self.deep <= MAX_TOLD:
                    self._problem("error", "json-syntax", at, TOO_DEEP)
                for node in self.open:
                    node.broken = True
                return Scalar(source=self.source, start=at, end=match.end(), text="", content=at)
        raise _JsonError(at, f"nested deeper than {MAX_DEPTH} levels; what follows was not read")

    def _object(self, at: int) -> Mapping:
        text = self.text
        entries: list[Entry] = []
        node = Mapping(source=self.source, start=at, end=at + 1, entries=entries)
        self.open.append(node)
        seen: dict[str, int] = {}
        key: Scalar | None = None
        try:
            at = _skip(text, at + 1)
            if text[at : at + 1] != "}":
                while True:
                    match = _KEY.match(text, at)
                    key = (
                        Scalar(source=self.source, start=at, end=match.end(1) + 1, text=match[1], style='"', content=at)
                        if match is not None
                        else self._key(at)
                    )
                    if key.text in seen:
                        self._twice(key, seen[key.text])
                    seen[key.text] = at
                    value = self._value(match.end() if match is not None else _skip(text, self._colon(key) + 1))
                    entries.append(Entry(key, value))
                    key = None
                    match = _COMMA.match(text, value.end)
                    if match is None:
                        break
                    at = match.end()
                at = self._bracket("}", value.end)
        except _JsonError:
            if key is not None and self.partial is not None:
                entries.append(Entry(key, self.partial))
            self._left(node)
            raise
        node.end = at + 1
        self.open.pop()
        return node

    def _key(self, at: int) -> Scalar:
        """A key that has escapes, or is none."""
        if self.text[at : at + 1] != '"':
            raise _JsonError(at, "a key in double quotes must stand here")
        return self._string(at)

    def _colon(self, key: Scalar) -> int:
        at = _skip(self.text, key.end)
        if self.text[at : at + 1] != ":":
            raise _JsonError(at, "a `:` is missing after the key")
        return at

    def _twice(self, key: Scalar, first: int) -> None:
        self._problem("warning", "duplicate-key", key.start, said_of_twice(self.source, key.text, first, key.start))

    def _array(self, at: int) -> Sequence:
        text = self.text
        items: list[YamlNode] = []
        node = Sequence(source=self.source, start=at, end=at + 1, items=items)
        self.open.append(node)
        try:
            at = _skip(text, at + 1)
            if text[at : at + 1] != "]":
                while True:
                    item = self._value(at)
                    items.append(item)
                    match = _COMMA.match(text, item.end)
                    if match is None:
                        break
                    at = match.end()
                at = self._bracket("]", item.end)
        except _JsonError:
            if self.partial is not None:
                items.append(self.partial)
            self._left(node)
            raise
        node.end = at + 1
        self.open.pop()
        return node

    def _bracket(self, bracket: str, at: int) -> int:
        """The offset of the bracket behind the last child."""
        at = _skip(self.text, at)
        if self.text[at : at + 1] != bracket:
            raise _JsonError(at, f"a comma or `{bracket}` is missing")
        return at

    def _left(self, node: Mapping | Sequence) -> None:
        """A collection ends with what could be read of it."""
        self.open.pop()
        node.end = end_of(node)
        node.broken = True
        self.partial = node

    def _string(self, at: int) -> Scalar:
        match = _STRING.match(self.text, at)
        if match is None:
            raise _JsonError(at, "a text in double quotes that does not end in its line")
        text, rest = match.groups()
        if rest is not None:
            text += "".join(piece for piece, _, _ in _pieces(rest, match.start(2)))
        return Scalar(source=self.source, start=at, end=match.end(), text=text, style='"', content=at)

    def _problem(self, level: Literal["error", "warning"], code: str, offset: int, message: str) -> None:
        line, column = self.source.place(min(offset, len(self.text)))
        self.problems.append(Problem(level, code, self.source.path, line, column, message))


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at


def _hint(text: str, at: int) -> str:
    character = text[at : at + 1]
    if not character:
        return "the file ends where a value must stand"
    if character in "]},":
        return f"a value is missing before `{character}`"
    if character == "'":
        return "a text must stand in double quotes"
    return "neither a text in double quotes, a number, true, false, null, a list nor a map"


def _pieces(raw: str, offset: int) -> Iterator[tuple[str, int, int]]:
    """The pieces of what stands between the quotes: (text, start, end), each a literal run or one escape.

    Raises:
        _JsonError: for an escape that JSON does not have.
    """
    at = 0
    high: tuple[int, int] | None = None  # the first half of a surrogate pair: (code, start)
    for match in _JSON_ESCAPE.finditer(raw):
        if high is not None and match.start() != at:
            yield "\ufffd", offset + high[1], offset + at
            high = None
        if match.start() > at:
            yield raw[at : match.start()], offset + at, offset + match.start()
        at = match.end()
        code, letter = match.groups()
        if letter is not None:
            if high is not None:
                yield "\ufffd", offset + high[1], offset + match.start()
                high = None
            yield _JSON_ESCAPES[letter], offset + match.start(), offset + at
        elif code is not None:
            number = int(code, 16)
            if high is not None and 0xDC00 <= number < 0xE000:
                whole = 0x10000 + ((high[0] - 0xD800) << 10) + (number - 0xDC00)
                yield chr(whole), offset + high[1], offset + at
                high = None
                continue
            if high is not None:
                yield "\ufffd", offset + high[1], offset + match.start()
                high = None
            if 0xD800 <= number < 0xDC00:
                high = (number, match.start())
            else:
                yield "\ufffd" if 0xDC00 <= number < 0xE000 else chr(number), offset + match.start(), offset + at
        else:
            raise _JsonError(offset + match.start(), "an escape that JSON does not have")
    if high is not None:
        yield "\ufffd", offset + high[1], offset + at
    if at < len(raw):
        yield raw[at:], offset + at, offset + len(raw)
