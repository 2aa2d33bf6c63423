"""JSON that stands in a file or inside a value, to values with places.

Text in a template may have holes. What a hole inside a JSON string stands for is part of that string; what one outside of a
string stands for is JSON itself: one value, or a fragment such as `, {…}`. See https://www.rfc-editor.org/rfc/rfc8259.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import NoReturn, TypeAlias

from msgspec.structs import replace

from kmsguard.model.declaration import Problem
from kmsguard.model.guard import Formula, conjunction
from kmsguard.model.source import Source, Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import MAX_BRANCHES, Branch, Choice, Data, Step, Text, Unknown, Value, flatten, possible
from kmsguard.syntax.pieces import PiecedText, joined, leaves

CODE = "json-syntax"
MAX_DEPTH = 100
"""How deep objects and arrays may be nested. Each level costs two frames of Python's stack."""

_SPACE = re.compile(r"[ \t\r\n]*+")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_WORD = re.compile(r"[A-Za-z_]++")
_BARE = re.compile(r"[^ \t\r\n,:\]}]*+")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_HINTS = {
    "'": "JSON has no single quotes; use double quotes",
    "/": "JSON has no comments; remove it",
    "#": "JSON has no comments; remove it",
    ",": "a value is missing before this comma",
    "}": "a value is missing before this `}`",
    "]": "a value is missing before this `]`",
    ":": "a key is missing before this `:`",
}

_Where: TypeAlias = Callable[[int, int], Span | None]


class _JsonError(Exception):
    """A mistake in the JSON at an offset."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


class _FragmentError(Exception):
    """The branches of the hole at an offset are not JSON by themselves; only the whole text is, with one of them put in."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def parse_json_source(source: Source) -> tuple[Value | None, list[Problem]]:
    """The JSON of a file; None with a problem (code `json-syntax`) where it is none. Spans and places as `parse_json`.

    Objects that stand under one name several times become a list of them, as HCL reads JSON; of other values the first counts,
    and a problem tells where the others stand.
    """
    reader = _Reader(source.text, source.span)
    reader.repeated = {}
    try:
        value = reader.document()
    except _JsonError as error:
        line, column = source.place(min(error.offset, len(source.text)))
        return None, [Problem("error", CODE, source.path, line, column, error.message)]
    problems = []
    for offset, name in reader.repeated.items():
        line, column = source.place(offset)
        message = f"`{name}` stands here again; only the first one counts, remove one of the two"
        problems.append(Problem("warning", "duplicate", source.path, line, column, message))
    return value, problems


def parse_json(value: Value) -> tuple[Value | None, list[Problem]]:
    """The JSON whose text a value is; None with problems (code `json-syntax`, at their place in the source) where it is none.

    Every node has as `span` where it stands in the source, and as `place` the member (key and value) or element that holds it;
    of members with the same name the last counts. A string with holes is a Text. What an encoder made is taken from `encodes`.
    An object with a member whose name is not known is Unknown. A value that is not text is returned as it is.
    """
    data = value.data
    if isinstance(data, Text) and data.encodes is not None and data.encoding == "json":
        return data.encodes if value.trail is None else _led(data.encodes, value.trail), []
    if isinstance(data, Choice):
        return _each_branch(value)
    if not isinstance(data, (str, Text)):
        return value, []
    problems: dict[Problem, None] = {}
    document = _parse(PiecedText(value, list(leaves((value,)))), problems, MAX_BRANCHES)
    if document is not None:
        document = replace(document, place=value.place or document.place, refs=joined(document.refs, value.refs))
    return document, list(problems)


def _each_branch(value: Value) -> tuple[Value | None, list[Problem]]:
    problems: dict[Problem, None] = {}
    branches: list[Branch] = []
    for guard, option in flatten(value):
        document, found = parse_json(option)
        problems.update(dict.fromkeys(found))
        branches.append(Branch(guard, _no_json(option) if document is None else document))
    if all(isinstance(branch.value.data, Unknown) for branch in branches) and problems:
        return None, list(problems)
    return value.with_data(Choice(tuple(branches))), list(problems)


def _led(value: Value, trail: Step) -> Value:
    """What an encoder was given, and all that it holds, come the way of the text that was made of it."""
    data = value.data
    if isinstance(data, dict):
        data = {name: _led(item, trail) for name, item in data.items()}
    elif isinstance(data, tuple):
        data = tuple(_led(item, trail) for item in data)
    return replace(value, data=data, trail=trail if value.trail is None else trail.behind(value.trail))


def _no_json(value: Value) -> Value:
    return value.with_data(Unknown("the text is not valid JSON"))


def _parse(whole: PiecedText, problems: dict[Problem, None], most: int, guard: Formula = Truth.YES) -> Value | None:
    """The JSON of the text where a guard holds, in at most so many variants."""
    reader = _Reader(whole.text, whole.where, whole)
    try:
        return reader.document()
    except _FragmentError as error:
        return _variants(whole, error.offset, problems, most, guard)
    except _JsonError as error:
        if reader.choice is not None:
            return _variants(whole, reader.choice, problems, most, guard)
        if reader.unknown is not None:
            return whole.value.with_data(_unknown(reader.unknown))
        problems[_problem(whole, error)] = None
        return None


def _variants(whole: PiecedText, offset: int, problems: dict[Problem, None], most: int, assumed: Formula) -> Value | None:
    """The JSON of the text with each branch of the hole at an offset put in its place."""
    options = [(guard, option) for guard, option in flatten(whole.holes[offset]) if possible(conjunction(assumed, guard))]
    if len(options) > most:
        return whole.value.with_data(Unknown("too many combinations of conditions"))
    index, hole = whole.index(offset), whole.holes[offset]
    branches: list[Branch] = []
    failed = 0
    for guard, option in options:
        inside = [replace(piece, span=piece.span or hole.span) for piece in leaves((option,))]
        pieces = [*whole.pieces[:index], *inside, *whole.pieces[index + 1 :]]
        document = _parse(PiecedText(whole.value, pieces), problems, most // len(options), conjunction(assumed, guard))
        failed += document is None
        branches.append(Branch(guard, _no_json(whole.value) if document is None else document))
    if failed == len(branches):
        return None
    first = branches[0].value
    if isinstance(first.data, Unknown) and all(branch.value.data == first.data for branch in branches):
        return first
    choice = whole.value.with_data(Choice(tuple(branches)))
    return whole.value.with_data(Choice(tuple(Branch(guard, document) for guard, document in flatten(choice))))


def _problem(whole: PiecedText, error: _JsonError) -> Problem:
    last = max(len(whole.text) - 1, 0)
    at = min(error.offset, last)
    span = (whole.where(at, at + 1) if whole.text else None) or whole.value.span or whole.value.place
    if span is None:
        return Problem("error", CODE, "", 1, 1, error.message)
    past = error.offset > last and whole.text != ""
    line, column = (span.end_line, span.end_column) if past else (span.start_line, span.start_column)
    return Problem("error", CODE, span.file, line, column, error.message)


def _unknown(hole: Value) -> Unknown:
    """What a hole makes of that which it is a part of."""
    data = hole.data
    return Unknown(data.reason, data.reference) if isinstance(data, Unknown) else Unknown("a part of it is not known")


class _Reader:
    """A reader of one document."""

    def __init__(self, text: str, where: _Where, parts: PiecedText | None = None) -> None:
        self.text = text
        self.where = where
        self.parts = parts
        self.holes: dict[int, Value] = parts.holes if parts is not None else {}
        self.offsets = list(self.holes)
        self.plain = parts is None or (
            not parts.value.sensitive
            and parts.value.trail is None
            and not any(piece.refs or piece.trail or piece.sensitive for piece in parts.pieces)
        )
        self.repeated: dict[int, str] | None = None  # names that stand twice, where they are looked for
        self.choice: int | None = None  # the first hole outside of a string that has branches
        self.unknown: Value | None = None  # the first one that is not known: whatever follows may be as it should

    def document(self) -> Value:
        """The whole text.

        Raises:
            _JsonError: where it is not JSON.
            _FragmentError: where it can only be once a Choice is decided.
        """
        at = self._space(0)
        if at == len(self.text):
            raise _JsonError(at, "there is no JSON here; the text is empty")
        try:
            value, at = self._value(at, at, 0)
        except RecursionError:  # a host with a lower limit than Python's own, or little of its stack left
            raise _JsonError(at, "nested deeper than can be read here") from None
        at = self._space(at)
        if at < len(self.text):
            if at not in self.holes:
                raise _JsonError(at, "the document has ended before; remove what follows, or put it into an array")
            return self._made(_unknown(self._fragment(at)), 0, len(self.text), 0)
        return value

    def _space(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match is not None else at

    def _made(self, data: Data, start: int, end: int, begin: int) -> Value:
        """A node that stands from `start` to before `end`, in an entry that begins at `begin`."""
        span = self.where(start, end)
        place = span if begin == start else self.where(begin, end)
        if self.plain or self.parts is None:
            return Value(data, span, place)
        if isinstance(data, (dict, tuple)):
            return Value(data, span, place, self.parts.value.trail, (), self.parts.value.sensitive)
        refs, trail, sensitive = self.parts.origin(start, end)
        return Value(data, span, place, trail, refs, sensitive)

    def _value(self, at: int, begin: int, depth: int) -> tuple[Value, int]:
        """The value that begins at `at`, in an entry that begins at `begin`; and where it ends."""
        mark = self.text[at : at + 1]
        if at in self.holes:
            return self._hole(at, begin)
        if mark == '"':
            data, end = self._string(at)
            return self._made(data, at, end, begin), end
        if mark in {"{", "["}:
            if depth >= MAX_DEPTH:
                raise _JsonError(at, f"nested deeper than {MAX_DEPTH} levels")
            return (self._object if mark == "{" else self._array)(at, begin, depth + 1)
        return self._bare(at, begin)

    def _bare(self, at: int, begin: int) -> tuple[Value, int]:
        """A number, `true`, `false` or `null`."""
        text = self.text
        match = _NUMBER.match(text, at) or _WORD.match(text, at)
        end = match.end() if match is not None else at
        if end in self.holes:
            return self._mixed(at, end, begin)
        if match is None:
            hint = _HINTS.get(text[at : at + 1], "a value is expected here; texts stand in double quotes")
            raise _JsonError(
                at, hint if at < len(text) else "the text ends before the JSON does; a bracket or brace is not closed"
            )
        rest = _BARE.match(text, end)
        if rest is not None and rest.end() > end:
            raise _JsonError(at, "this is no number, and no true, false or null; texts stand in double quotes")
        word = match[0]
        if match.re is _WORD:
            if word not in _WORDS:
                raise _JsonError(at, "this is none of true, false and null; texts stand in double quotes")
            return self._made(_WORDS[word], at, end, begin), end
        return self._made(_number(word, at, whole=match[1] is None and match[2] is None), at, end, begin), end

    def _hole(self, at: int, begin: int) -> tuple[Value, int]:
        """A hole in the place of a value."""
        hole, end = self.holes[at], at + 1
        rest = _BARE.match(self.text, end)
        if rest is not None and rest.end() > end and self.text[end] not in '"[{':
            return self._mixed(at, end, begin)
        data = hole.data
        if isinstance(data, Text) and data.encodes is not None:
            value = replace(
                data.encodes, span=data.encodes.span or hole.span, sensitive=data.encodes.sensitive or hole.sensitive
            )
        elif isinstance(data, Choice):
            value = self._branches(at, hole)
        elif isinstance(data, Unknown):
            self.unknown = self.unknown or hole
            value = hole if not (data.prefix or data.allowed) else hole.with_data(replace(data, prefix="", allowed=()))
        else:
            value = hole
        return value.at(self.where(begin, end)), end

    def _branches(self, at: int, hole: Value) -> Value:
        """A hole with branches, each of them JSON."""
        branches: list[Branch] = []
        for guard, option in flatten(hole):
            document, _ = parse_json(option) if isinstance(option.data, (str, Text)) else (option, None)
            if document is None:
                raise _FragmentError(at)
            branches.append(Branch(guard, document))
        if self.choice is None:
            self.choice = at
        return hole.with_data(Choice(tuple(branches)))

    def _mixed(self, at: int, end: int, begin: int) -> tuple[Value, int]:
        """A value that is put together from holes and characters: `1${x}`."""
        rest = _BARE.match(self.text, end)
        end = rest.end() if rest is not None else end
        hole = self._fragment(self.offsets[bisect_left(self.offsets, at)])
        return self._made(_unknown(hole), at, end, begin), end

    def _fragment(self, at: int) -> Value:
        """A hole where there is no place for a value; it may stand for several, or for a comma, or for nothing."""
        hole = self.holes[at]
        if isinstance(hole.data, Choice):
            raise _FragmentError(at)
        self.unknown = self.unknown or hole
        return hole

    def _array(self, at: int, begin: int, depth: int) -> tuple[Value, int]:
        start, comma = at, -1
        items: list[Value] = []
        at = self._space(at + 1)
        while True:
            mark = self.text[at : at + 1]
            if mark == "]":
                if comma >= 0:
                    raise _JsonError(comma, "an element is missing behind this comma; remove it")
                return self._made(tuple(items), start, at + 1, begin), at + 1
            item, end = self._value(at, at, depth)
            items.append(item)
            at = self._space(end)
            mark = self.text[at : at + 1]
            comma = at if mark == "," else -1
            if mark == ",":
                at = self._space(at + 1)
            elif at in self.holes:
                self._fragment(at)  # it may hold the comma, and counts as one more element
            elif mark != "]" and end - 1 not in self.holes:
                self._unclosed(at, start, "`,` or `]` is missing before this")

    def _object(self, at: int, begin: int, depth: int) -> tuple[Value, int]:
        start, comma = at, -1
        members: dict[str, Value] = {}
        unknown: Value | None = None
        at = self._space(at + 1)
        while True:
            mark = self.text[at : at + 1]
            if mark == "}":
                if comma >= 0:
                    raise _JsonError(comma, "a member is missing behind this comma; remove it")
                data: Data = members if unknown is None else _unknown(unknown)
                return self._made(data, start, at + 1, begin), at + 1
            key: str | None = None
            first = end = at
            if at in self.holes:
                unknown = unknown or self._fragment(at)
                at = self._space(at + 1)
            elif mark == '"':
                key, hole, end = self._key(at)
                unknown = unknown or hole
                at = self._space(end)
                if self.text[at : at + 1] != ":" and at not in self.holes:
                    self._unclosed(at, start, "`:` and a value are missing before this")
            else:
                self._unclosed(at, start, _HINTS.get(mark, "the name of a member stands in double quotes"))
            if self.text[at : at + 1] == ":":
                at = self._space(at + 1)
                member, end = self._value(at, first, depth)
                if key is not None and self.repeated is not None and key in members:
                    member = self._repeated(key, members[key], member, first)
                if key is not None:
                    members[key] = member
                at = self._space(end)
            mark = self.text[at : at + 1]
            comma = at if mark == "," else -1
            if mark == ",":
                at = self._space(at + 1)
            elif mark != "}" and unknown is None and at not in self.holes and end - 1 not in self.holes:
                self._unclosed(at, start, "`,` or `}` is missing before this")

    def _repeated(self, name: str, one: Value, other: Value, at: int) -> Value:
        """What an object has under a name that stands twice in it."""
        assert self.repeated is not None
        if isinstance(one.data, (dict, tuple)) and isinstance(other.data, (dict, tuple)):
            items = [v for both in (one, other) for v in (both.items if isinstance(both.data, tuple) else (both,))]
            return one.with_data(tuple(items))
        self.repeated[at] = name
        return one

    def _unclosed(self, at: int, start: int, message: str) -> NoReturn:
        if at >= len(self.text):
            raise _JsonError(start, f"this `{self.text[start]}` is not closed")
        raise _JsonError(at, message)

    def _key(self, at: int) -> tuple[str | None, Value | None, int]:
        """The name of a member, or the hole because of which it is not known; and where it ends."""
        data, end = self._string(at)
        if isinstance(data, str):
            return data, None, end
        low = bisect_left(self.offsets, at)
        for offset in self.offsets[low : bisect_left(self.offsets, end)]:
            hole = self.holes[offset]
            if isinstance(hole.data, Choice):
                raise _FragmentError(offset)
        known = data.known
        if known is not None:
            return known, None, end
        return None, next(piece for piece in data.pieces if not isinstance(piece.data, str)), end

    def _string(self, start: int) -> tuple[str | Text, int]:
        """The string that begins at `start`: its text, and where it ends."""
        text = self.text
        runs: list[tuple[int, int, str]] = []
        at = start + 1
        while True:
            match = _PLAIN.match(text, at)
            end = match.end() if match is not None else at
            if end > at:
                runs.append((at, end, text[at:end]))
                at = end
            mark = text[at : at + 1]
            if mark == '"':
                break
            if mark != "\\":
                if mark in {"", "\n", "\r"}:
                    raise _JsonError(start, "this string is not closed in its line; a new line in it is written \\n")
                raise _JsonError(
                    at, "a control character cannot stand in a string; it is written \\u and four hexadecimal digits"
                )
            decoded, end = self._escape(at)
            runs.append((at, end, decoded))
            at = end
        at += 1
        if bisect_left(self.offsets, start) == bisect_left(self.offsets, at) or self.parts is None:
            return "".join(run for _, _, run in runs), at
        pieces: list[Value] = []
        for low, high, run in runs:
            if high - low == len(run):
                pieces.extend(self.parts.cut(low, high))
            else:
                pieces.append(Value(run, self.where(low, high)))
        return Text(tuple(pieces)), at

    def _escape(self, at: int) -> tuple[str, int]:
        mark = self.text[at + 1 : at + 2]
        if mark in _ESCAPES:
            return _ESCAPES[mark], at + 2
        match = _UNICODE.match(self.text, at)
        if match is None:
            what = (
                "`\\u` is followed by four hexadecimal digits"
                if mark == "u"
                else 'behind `\\` stands one of " \\ / b f n r t u'
            )
            raise _JsonError(at, what)
        code, end = int(match[1], 16), match.end()
        if 0xD800 <= code < 0xDC00 and (low := _UNICODE.match(self.text, end)) and 0xDC00 <= int(low[1], 16) < 0xE000:
            return chr(0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00), low.end()
        return chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd", end


def _number(written: str, at: int, *, whole: bool) -> int | Decimal:
    # Python refuses to read and print whole numbers of more than 4300 digits.
    if whole and len(written) < 4000:
        return int(written)
    try:
        return Decimal(written)
    except InvalidOperation:
        raise _JsonError(at, "this number is too large") from None
