r"""YAML and JSON into a tree whose every node knows its place.

The events are libyaml's (PyYAML's pure parser where that is not built in), the nodes are ours. JSON is read by a reader of its
own, because YAML 1.1 refuses what JSON allows: tabs as indentation and surrogate pairs (`\ud83d\ude00`).

See https://yaml.org/spec/1.1/ and https://www.rfc-editor.org/rfc/rfc8259.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec

from kmsguard.model.declaration import Comment, Problem
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Text, Value

CORE = "tag:yaml.org,2002:"
MAX_DEPTH = 200  # the deepest template that was seen has 40; what evaluates a tree recurses into it
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels; this part was not read"
MAX_TOLD = 20  # of the parts that are nested deeper
MAX_EXPANSION = 200_000  # nodes that aliases may stand for in all; a template has at most 1 MB


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
    def span(self) -> Span:
        """Where it is written out."""
        return self.source.span(self.start, self.end)

    @property
    def place(self) -> Span:
        """Where it stands in the collection that holds it: its alias, or itself."""
        return self.source.span(*self.alias) if self.alias is not None else self.span


Style: TypeAlias = Literal["", "'", '"', "|", ">"]
_BLOCK = frozenset({"|", ">"})


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
    alias: Span | None = None  # by which a merge key (`<<: *name`) brought it here; it stands where its anchor is

    @property
    def span(self) -> Span:
        """From the key to the end of the value (or of the alias that stands for it)."""
        return self.key.source.span(self.key.start, max(_written(self.value)[1], self.key.end))


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
        return _parse_yaml(source)
    reader = _JsonReader(source)
    json_file = reader.read()
    if reader.stopped is not None and _YAML_ONLY.match(source.text, reader.stopped) is not None:
        yaml_file = _parse_yaml(source)
        if not any(problem.level == "error" for problem in yaml_file.problems):
            return yaml_file
    return json_file


# what YAML allows where JSON does not: a tag, comment, anchor, alias, single quote, or a bracket after a last comma
_YAML_ONLY = re.compile(r"[!#&*'\]}]")
_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*+"|[{}\[\]]')
_NESTING = {"{": 1, "[": 1, "}": -1, "]": -1}
_JSON_START = re.compile(r'\s*[{\[]\s*["\]}{\[]')


# --- YAML ---------------------------------------------------------------------------------------------------------------------


def _parse_yaml(source: Source, *, pure: bool = False) -> YamlFile:
    return _Composer(source).compose(pure=pure)


class _Open:
    """A collection that is being read."""

    __slots__ = ("anchor", "flow", "key", "node", "seen", "weight")

    def __init__(self, node: Mapping | Sequence, anchor: str | None, flow: bool, weight: int) -> None:
        self.node = node
        self.anchor = anchor
        self.flow = flow
        self.weight = weight  # nodes composed before this one
        self.key: YamlNode | None = None
        self.seen: dict[str, int] = {}


class _Composer:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.opaque: list[tuple[int, int]] = []
        self.anchors: dict[str, tuple[YamlNode, int]] = {}
        self.open: list[_Open] = []
        self.root: YamlNode | None = None
        self.count = 0
        self.full = False
        self.deep = 0  # parts that are nested too deep

    def compose(self, *, pure: bool) -> YamlFile:
        import yaml

        end = len(self.source.text)
        parser: Any = None
        try:
            parser = yaml.Loader(self.source.text) if pure or not yaml.__with_libyaml__ else _c_parser()(self.source.text)
            stopped = self._events(parser)
            if stopped is not None:
                end = stopped
        except yaml.YAMLError as error:
            end = self._syntax_problem(error)
        finally:
            if parser is not None:
                parser.dispose()
        while self.open:
            self.open[-1].node.broken = True
            self._close(None)
        return YamlFile(self.source, self.root, self.problems, self.opaque, end)

    def _events(self, parser: Any) -> int | None:
        """Reads all events; returns the offset where it gave up, if it did."""
        from yaml import events

        document_seen = False
        next_event = parser.get_event
        while True:
            event = next_event()
            kind = type(event)
            if kind is events.ScalarEvent:
                self._scalar(event)
            elif kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
                if len(self.open) >= MAX_DEPTH:
                    at: int = event.start_mark.index
                    if not self._passed_over(at, next_event):
                        return at
                    continue
                self._start(event, mapping=kind is events.MappingStartEvent)
            elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
                self._close(event)
            elif kind is events.AliasEvent:
                self._alias(event)
            elif kind is events.DocumentStartEvent:
                if document_seen:
                    at = event.start_mark.index
                    self._problem(at, "a second document starts here; only the first one of the file was read")
                    return at
                document_seen = True
            elif kind is events.StreamEndEvent:
                return None

    def _passed_over(self, at: int, next_event: Any) -> bool:
        """Reads on behind a map or list that is nested too deep; False where no template is nested like that."""
        from yaml import events

        depth = 1
        while 0 < depth <= MAX_DEPTH:
            kind = type(next_event())
            if kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
                depth += 1
            elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
                depth -= 1
        self.deep += 1
        if depth:
            self._problem(at, f"nested deeper than {MAX_DEPTH} levels; what follows was not read")
            return False
        if self.deep <= MAX_TOLD:
            self._problem(at, TOO_DEEP)
        for opened in self.open:
            opened.node.broken = True
        self._add(Scalar(source=self.source, start=at, end=at, text="", content=at))
        return True

    def _scalar(self, event: Any) -> None:
        start: int = event.start_mark.index
        end: int = event.end_mark.index
        style: Style = event.style or ""
        text: str = event.value
        content = start
        if event.tag is not None or event.anchor is not None:
            match = _PROPERTIES.match(self.source.text, start, end)
            content = match.end() if match is not None else start
        if style in _BLOCK:
            end = start + len(self.source.text[start:end].rstrip())
            header = self.source.text.find("\n", content, end)
            self.opaque.append((header if header >= 0 else end, end))
        elif style and "#" in text:
            self.opaque.append((content, end))
        node = Scalar(source=self.source, start=start, end=end, tag=event.tag or "", text=text, style=style, content=content)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1)
        self._add(node)

    def _start(self, event: Any, *, mapping: bool) -> None:
        start, end, tag = event.start_mark.index, event.end_mark.index, event.tag or ""
        node: Mapping | Sequence
        if mapping:
            node = Mapping(source=self.source, start=start, end=end, tag=tag, entries=[])
        else:
            node = Sequence(source=self.source, start=start, end=end, tag=tag, items=[])
        if event.anchor is not None:
            self.anchors.pop(event.anchor, None)
        self.open.append(_Open(node, event.anchor, bool(event.flow_style), self.count))

    def _close(self, event: Any) -> None:
        opened = self.open.pop()
        node = opened.node
        if event is not None and opened.flow:
            node.end = event.end_mark.index
        else:
            node.end = _end_of(node)
        if opened.anchor is not None:
            self.anchors[opened.anchor] = (node, self.count - opened.weight + 1)
        self._add(node)

    def _alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        known = self.anchors.get(event.anchor)
        if known is None:
            inside = any(opened.anchor == event.anchor for opened in self.open)
            self._problem(
                start,
                f"the alias *{event.anchor} stands inside its own anchor"
                if inside
                else f"the alias *{event.anchor} has no anchor &{event.anchor} before it",
            )
            self._add(Scalar(source=self.source, start=start, end=end, text="", content=start))
            return
        node, weight = known
        if self.count + weight > MAX_EXPANSION:
            if not self.full:
                self._problem(
                    start, f"aliases stand for more than {MAX_EXPANSION} nodes; this one and other large ones were not read"
                )
            self.full = True
            for opened in self.open:
                opened.node.broken = True
            self._add(Scalar(source=self.source, start=start, end=end, text="", content=start))
            return
        self.count += weight
        if not isinstance(node, Scalar) and node.broken:
            for opened in self.open:
                opened.node.broken = True
        self._add(msgspec.structs.replace(node, alias=(start, end)))

    def _add(self, node: YamlNode) -> None:
        self.count += 1
        if not self.open:
            self.root = node
            return
        opened = self.open[-1]
        holder = opened.node
        if isinstance(holder, Sequence):
            holder.items.append(node)
        elif opened.key is None:
            opened.key = node
        else:
            key, opened.key = opened.key, None
            if not isinstance(key, Scalar):
                self._problem(key.start, "a key must be a text")
            elif key.text == "<<" and not key.style and not key.tag:
                self._merge(holder, opened, key, node)
            else:
                self._entry(holder, opened, key, node)

    def _entry(self, holder: Mapping, opened: _Open, key: Scalar, node: YamlNode) -> None:
        seen = opened.seen.get(key.text)
        if seen is not None and seen >= 0:
            line, _ = self.source.place(seen)
            self._problem(
                key.start, f'the key "{key.text}" stands twice, first in line {line}; this entry counts', "duplicate-key"
            )
        elif seen is not None:  # a merged entry gives way
            holder.entries = [entry for entry in holder.entries if entry.key.text != key.text]
        opened.seen[key.text] = key.start
        holder.entries.append(Entry(key, node))

    def _merge(self, holder: Mapping, opened: _Open, key: Scalar, node: YamlNode) -> None:
        """See https://yaml.org/type/merge.html: what is written wins over what is merged, an earlier map over a later one."""
        holder.end = max(holder.end, _written(node)[1])
        for merged in node.items if isinstance(node, Sequence) else [node]:
            if not isinstance(merged, Mapping) and self.full:
                continue  # it stands for too much, which is told
            if not isinstance(merged, Mapping):
                self._problem(key.start, "`<<` merges a map or a list of maps")
                continue
            for entry in merged.entries:
                if entry.key.text not in opened.seen:
                    opened.seen[entry.key.text] = -1
                    by = merged.place if merged.alias is not None else entry.alias
                    holder.entries.append(Entry(entry.key, entry.value, by))

    def _problem(self, offset: int, message: str, code: str = "yaml-syntax") -> None:
        line, column = self.source.place(min(offset, len(self.source.text)))
        level: Literal["error", "warning"] = "warning" if code == "duplicate-key" else "error"
        self.problems.append(Problem(level, code, self.source.path, line, column, message))

    def _syntax_problem(self, error: Any) -> int:
        """Tells an error of the parser; returns its offset."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        text = self.source.text
        if mark is None:  # the reader's: a character that YAML does not allow
            match = _UNPRINTABLE.search(text)
            offset = match.start() if match is not None else 0
            what = f"the character U+{ord(text[offset]):04X} is not allowed" if match is not None else "not readable as YAML"
            self._problem(offset, what)
            return offset
        offset = min(int(mark.index), len(text))
        problem = getattr(error, "problem", None) or str(error)
        context = getattr(error, "context", None)
        message = _hint(problem, text, offset) or (f"{context}, {problem}" if context else problem)
        context_mark = getattr(error, "context_mark", None)
        if context_mark is not None and context_mark.line != mark.line:
            message += f" (of what starts in line {self.source.place(min(context_mark.index, len(text)))[0]})"
        self._problem(offset, message)
        return offset


def _end_of(node: Mapping | Sequence) -> int:
    """Where a collection ends that no bracket closes: with its last child."""
    if isinstance(node, Mapping):
        # merged entries stand elsewhere
        ends = [max(_written(e.value)[1], e.key.end) for e in node.entries if e.key.start >= node.start]
    else:
        ends = [_written(item)[1] for item in node.items]
    return max([node.end, *ends])


def _written(node: YamlNode) -> tuple[int, int]:
    return node.alias if node.alias is not None else (node.start, node.end)


def _c_parser() -> Any:
    from yaml import _yaml

    return _yaml.CParser


# tag and anchor, in either order, and the space and comments up to the content
_PROPERTIES = re.compile(r"(?:[!&](?:<[^>\s]*>|[^\s,\[\]{}]*)(?:\s|(?<=\s)#[^\n]*)*)*")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _hint(problem: str, text: str, offset: int) -> str | None:
    """What a person should do about an error of the parser, where it is one that people make."""
    character = text[offset : offset + 1]
    if "cannot start any token" in problem:
        if character == "\t":
            return "a tab cannot indent; use spaces"
        return f"a text cannot start with {character}; put it in quotes"
    if "mapping values are not allowed" in problem:
        return "a `:` cannot stand here; put a text that holds `: ` in quotes, or check the indentation"
    if "could not find expected ':'" in problem:
        return "a key without `:`, or a line that is not indented as the text before it"
    if "did not find expected key" in problem:
        return "the indentation fits nothing above, or a quote, bracket or comma is missing"
    if "did not find expected '-' indicator" in problem:
        return "a list item is missing its `-`, or the indentation fits nothing above"
    if "did not find expected ',' or" in problem:
        return f"a comma or a closing bracket is missing ({problem.removeprefix('did not find ')})"
    if "found unexpected end of stream" in problem:
        return "the file ends inside a quoted text"
    if "undefined tag handle" in problem:
        return "a tag like `!a!b` needs a %TAG directive; intrinsic functions are written `!Ref`"
    return None


# --- JSON ---------------------------------------------------------------------------------------------------------------------

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"([^"\\\x00-\x1f]*)(?:"|((?:[^"\\\x00-\x1f]|\\.)*)")', re.DOTALL)
_LITERAL = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?(?![0-9A-Za-z_.])|(?:true|false|null)(?![0-9A-Za-z_])")
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\"\\/bfnrt]))|\\")
_JSON_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class _JsonError(Exception):
    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset


class _JsonReader:
    """JSON as in RFC 8259, with nodes of YAML."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.problems: list[Problem] = []
        self.open: list[Mapping | Sequence] = []
        self.deep = 0  # parts that are nested too deep
        self.stopped: int | None = None  # the offset of a syntax error

    def read(self) -> YamlFile:
        root: list[YamlNode] = []
        end = len(self.text)
        try:
            self._end(self._value(_skip(self.text, 0), root.append, 0))
        except _JsonError as error:
            end = self.stopped = error.offset
            self._problem("error", "json-syntax", error.offset, str(error))
            for node in reversed(self.open):  # what was being read ends with what could be read of it
                node.end = _end_of(node)
                node.broken = True
        return YamlFile(self.source, root[0] if root else None, self.problems, [(0, len(self.text))], end)

    def _end(self, at: int) -> None:
        at = _skip(self.text, at)
        if at < len(self.text):
            raise _JsonError(at, "the file goes on after the end of its JSON value")

    def _value(self, at: int, add: Any, depth: int) -> int:
        """Reads one value and hands its node to `add` at once, so that it is kept when something inside it is wrong."""
        text = self.text
        character = text[at : at + 1]
        if character == '"':
            node = self._string(at)
            add(node)
            return node.end
        if character in ("{", "["):
            if depth >= MAX_DEPTH:
                return self._passed_over(at, add)
            return self._object(at, add, depth) if character == "{" else self._array(at, add, depth)
        match = _LITERAL.match(text, at)
        if match is None:
            raise _JsonError(at, _json_hint(text, at))
        # what JSON takes for a number with an exponent, YAML 1.1 takes for text
        tag = CORE + "float" if match.group(1) or match.group(2) else ""
        add(Scalar(source=self.source, start=at, end=match.end(), tag=tag, text=match.group(), content=at))
        return match.end()

    def _passed_over(self, at: int, add: Any) -> int:
        """Reads on behind a map or list that is nested too deep."""
        depth = 0
        for match in _BRACKET.finditer(self.text, at):
            depth += _NESTING.get(match.group(), 0)
            if depth == 0:
                self.deep += 1
                if self.deep <= MAX_TOLD:
                    self._problem("error", "json-syntax", at, TOO_DEEP)
                for node in self.open:
                    node.broken = True
                add(Scalar(source=self.source, start=at, end=match.end(), text="", content=at))
                return match.end()
        raise _JsonError(at, f"nested deeper than {MAX_DEPTH} levels; what follows was not read")

    def _object(self, at: int, add: Any, depth: int) -> int:
        text = self.text
        node = Mapping(source=self.source, start=at, end=at + 1, entries=[])
        add(node)
        self.open.append(node)
        seen: dict[str, int] = {}
        at = _skip(text, at + 1)
        while text[at : at + 1] != "}":
            if node.entries:
                if text[at : at + 1] != ",":
                    raise _JsonError(at, "a comma or `}` is missing")
                at = _skip(text, at + 1)
            if text[at : at + 1] != '"':
                raise _JsonError(at, "a key in double quotes must stand here")
            key = self._string(at)
            if key.text in seen:
                line, _ = self.source.place(seen[key.text])
                message = f'the key "{key.text}" stands twice, first in line {line}; this entry counts'
                self._problem("warning", "duplicate-key", at, message)
            seen[key.text] = at
            at = _skip(text, key.end)
            if text[at : at + 1] != ":":
                raise _JsonError(at, "a `:` is missing after the key")
            at = self._value(_skip(text, at + 1), lambda value, key=key: node.entries.append(Entry(key, value)), depth + 1)
            at = _skip(text, at)
        node.end = at + 1
        self.open.pop()
        return node.end

    def _array(self, at: int, add: Any, depth: int) -> int:
        text = self.text
        node = Sequence(source=self.source, start=at, end=at + 1, items=[])
        add(node)
        self.open.append(node)
        at = _skip(text, at + 1)
        while text[at : at + 1] != "]":
            if node.items:
                if text[at : at + 1] != ",":
                    raise _JsonError(at, "a comma or `]` is missing")
                at = _skip(text, at + 1)
            at = self._value(at, node.items.append, depth + 1)
            at = _skip(text, at)
        node.end = at + 1
        self.open.pop()
        return node.end

    def _string(self, at: int) -> Scalar:
        match = _STRING.match(self.text, at)
        if match is None:
            raise _JsonError(at, "a text in double quotes that does not end in its line")
        text, rest = match.groups()
        if rest is not None:
            text += "".join(piece for piece, _, _ in _json_pieces(rest, match.start(2)))
        return Scalar(source=self.source, start=at, end=match.end(), text=text, style='"', content=at)

    def _problem(self, level: Literal["error", "warning"], code: str, offset: int, message: str) -> None:
        line, column = self.source.place(min(offset, len(self.text)))
        self.problems.append(Problem(level, code, self.source.path, line, column, message))


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at


def _json_hint(text: str, at: int) -> str:
    character = text[at : at + 1]
    if not character:
        return "the file ends where a value must stand"
    if character in "]},":
        return f"a value is missing before `{character}`"
    if character == "'":
        return "a text must stand in double quotes"
    return "neither a text in double quotes, a number, true, false, null, a list nor a map"


def _json_pieces(raw: str, offset: int) -> Iterator[tuple[str, int, int]]:
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


def text_value(node: Scalar) -> Value:
    """A scalar as text, with the place of every character.

    The data is a `str` where the text stands in one line as it is (the span is the literal with its quotes), else a Text with a
    piece for every line of a block or folded scalar and for every escape.
    """
    source, span = node.source, node.source.span(node.content, node.end)
    quotes = 2 if node.style in ("'", '"') else 0
    if node.style not in _BLOCK and span.start_line == span.end_line and node.end - node.content == len(node.text) + quotes:
        return Value(node.text, span)
    pieces = _block_pieces(node) if node.style in _BLOCK else _flow_pieces(node)
    if "".join(text for text, _, _ in pieces) != node.text:
        return Value(node.text, span)  # rather no place inside than a wrong one
    return Value(Text(tuple(Value(text, _piece_span(source, start, end)) for text, start, end in pieces if text)), span)


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
