"""The events of PyYAML's parser into nodes; see `kmsguard.syntax.yaml.parse_file`.

A module of its own because it cannot do without PyYAML, which a scan without YAML does not load.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from kmsguard.model.declaration import Problem
from kmsguard.model.source import Source
from kmsguard.syntax.yaml import (
    BLOCK,
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

MAX_EXPANSION = 200_000  # nodes that aliases may stand for in all; a template has at most 1 MB


def compose(source: Source, *, pure: bool = False) -> YamlFile:
    """The tree of a YAML file; of a broken one what stands before the error. `pure`: also where libyaml is built in."""
    return _Composer(source).compose(pure=pure)


class _StoppedError(Exception):
    """What follows is not read."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class _Composer:
    """Recursive descent over the events: what is known of a collection that is being read costs least in local variables.

    When nothing more can be read, the exception passes through every collection that is open: each takes in what is left of its
    child (`partial`), and leaves itself there.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.opaque: list[tuple[int, int]] = []
        self.anchors: dict[str, tuple[YamlNode, int] | None] = {}  # a node and how many it stands for; None: it is being read
        self.open: list[Mapping | Sequence] = []
        self.root: YamlNode | None = None
        self.partial: YamlNode | None = None
        self.count = 0  # nodes that were composed or that aliases stand for; what open collections hold is not yet in it
        self.full = False
        self.deep = 0  # parts that are nested too deep
        self.next_event: Callable[[], Any]

    def compose(self, *, pure: bool) -> YamlFile:
        end = len(self.source.text)
        parser: Any = None
        try:
            parser = yaml.Loader(self.source.text) if pure or not yaml.__with_libyaml__ else _c_parser()(self.source.text)
            self.next_event = parser.get_event
            self._document()
        except yaml.YAMLError as error:
            end = self._syntax_problem(error)
        except _StoppedError as stopped:
            end = stopped.offset
        except RecursionError:
            end = given_up(self.open)
            self._problem(end, NO_STACK)
            self.root = self.open[0] if self.open else None
        finally:
            if parser is not None:
                parser.dispose()
        root = self.root if self.root is not None else self.partial
        return YamlFile(self.source, root, self.problems, self.opaque, end)

    def _document(self) -> None:
        """Reads the one document that a file should have."""
        while True:
            event = self.next_event()
            kind = type(event)
            if kind is DocumentStartEvent:
                if self.root is not None:
                    at: int = event.start_mark.index
                    self._problem(at, "a second document starts here; only the first one of the file was read")
                    raise _StoppedError(at)
                self.root = self._node(self.next_event())
            elif kind is StreamEndEvent:
                return

    def _node(self, event: Any) -> YamlNode:
        """What begins with an event."""
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event)
        if len(self.open) >= MAX_DEPTH:
            return self._passed_over(event.start_mark.index)
        return self._mapping(event) if kind is MappingStartEvent else self._sequence(event)

    def _scalar(self, event: Any) -> Scalar:
        start: int = event.start_mark.index
        end: int = event.end_mark.index
        tag, anchor, style = event.tag, event.anchor, event.style
        text: str = event.value
        content = start
        if tag is not None or anchor is not None:
            match = _PROPERTIES.match(self.source.text, start, end)
            content = match.end() if match is not None else start
        if style:
            if style in BLOCK:
                end = start + len(self.source.text[start:end].rstrip())
                header = self.source.text.find("\n", content, end)
                self.opaque.append((header if header >= 0 else end, end))
            elif "#" in text:
                self.opaque.append((content, end))
        node = Scalar(source=self.source, start=start, end=end, tag=tag or "", text=text, style=style or "", content=content)
        if anchor is not None:
            self.anchors[anchor] = (node, 1)
        return node

    def _sequence(self, start: Any) -> Sequence:
        items: list[YamlNode] = []
        node = Sequence(
            source=self.source, start=start.start_mark.index, end=start.end_mark.index, tag=start.tag or "", items=items
        )
        before = self.count
        if start.anchor is not None:
            self.anchors[start.anchor] = None
        self.open.append(node)
        next_event = self.next_event
        try:
            while True:
                event = next_event()
                kind = type(event)
                if kind is ScalarEvent:
                    items.append(self._scalar(event))
                elif kind is SequenceEndEvent:
                    break
                else:
                    items.append(self._node(event))
        except (yaml.YAMLError, _StoppedError):
            if self.partial is not None:
                items.append(self.partial)
            self._left(node)
            raise
        self.open.pop()
        node.end = event.end_mark.index if start.flow_style else end_of(node)
        self.count += len(items)
        if start.anchor is not None:
            self.anchors[start.anchor] = (node, self.count - before + 1)
        return node

    def _mapping(self, start: Any) -> Mapping:
        entries: list[Entry] = []
        node = Mapping(
            source=self.source, start=start.start_mark.index, end=start.end_mark.index, tag=start.tag or "", entries=entries
        )
        before = self.count
        if start.anchor is not None:
            self.anchors[start.anchor] = None
        self.open.append(node)
        next_event = self.next_event
        seen: dict[str, int] = {}  # of each key where it stands, -1 where it was merged
        pairs = 0
        key: YamlNode | None = None
        try:
            while True:
                event = next_event()
                kind = type(event)
                if kind is MappingEndEvent:
                    break
                key = self._scalar(event) if kind is ScalarEvent else self._node(event)
                event = next_event()
                value = self._scalar(event) if type(event) is ScalarEvent else self._node(event)
                pairs += 1
                if type(key) is Scalar and (text := key.text) not in seen and text != "<<":
                    seen[text] = key.start
                    entries.append(Entry(key, value))
                else:
                    self._unusual(node, seen, key, value)
                key = None
        except (yaml.YAMLError, _StoppedError):
            if key is not None and self.partial is not None:
                self._unusual(node, seen, key, self.partial)
            self._left(node)
            raise
        self.open.pop()
        node.end = event.end_mark.index if start.flow_style else end_of(node)
        self.count += 2 * pairs
        if start.anchor is not None:
            self.anchors[start.anchor] = (node, self.count - before + 1)
        return node

    def _left(self, node: Mapping | Sequence) -> None:
        """A collection ends with what could be read of it."""
        self.open.pop()
        node.end = end_of(node)
        node.broken = True
        self.partial = node

    def _passed_over(self, at: int) -> Scalar:
        """Reads on behind a map or list that is nested too deep; a text without characters stands for it.

        Raises:
            _StoppedError: where no template is nested like that.
        """
        depth = 1
        while 0 < depth <= MAX_DEPTH:
            kind = type(self.next_event())
            if kind is MappingStartEvent or kind is SequenceStartEvent:
                depth += 1
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                depth -= 1
        self.deep += 1
        if depth:
            self._problem(at, f"nested deeper than {MAX_DEPTH} levels; what follows was not read")
            raise _StoppedError(at)
        if self.deep <= MAX_TOLD:
            self._problem(at, TOO_DEEP)
        self._broken()
        return self._nothing(at, at)

    def _broken(self) -> None:
        """All collections that are open may hold more than was read."""
        for node in self.open:
            node.broken = True

    def _nothing(self, start: int, end: int) -> Scalar:
        """What stands for a node that was not read."""
        return Scalar(source=self.source, start=start, end=end, text="", content=start)

    def _alias(self, event: Any) -> YamlNode:
        start, end, name = event.start_mark.index, event.end_mark.index, event.anchor
        known = self.anchors.get(name)
        if known is None:
            inside = name in self.anchors
            self._problem(
                start,
                f"the alias *{name} stands inside its own anchor"
                if inside
                else f"the alias *{name} has no anchor &{name} before it",
            )
            return self._nothing(start, end)
        node, weight = known
        if self.count + weight > MAX_EXPANSION:
            if not self.full:
                self._problem(
                    start, f"aliases stand for more than {MAX_EXPANSION} nodes; this one and other large ones were not read"
                )
            self.full = True
            self._broken()
            return self._nothing(start, end)
        self.count += weight
        if not isinstance(node, Scalar) and node.broken:
            self._broken()
        return msgspec.structs.replace(node, alias=(start, end))

    def _unusual(self, holder: Mapping, seen: dict[str, int], key: YamlNode, value: YamlNode) -> None:
        """Adds an entry whose key may be none, may stand twice or may merge other maps."""
        if not isinstance(key, Scalar):
            self._problem(key.start, "a key must be a text")
            return
        if key.text == "<<" and not key.style and not key.tag:
            self._merge(holder, seen, key, value)
            return
        first = seen.get(key.text)
        if first is not None and first >= 0:
            self._problem(key.start, said_of_twice(self.source, key.text, first, key.start), "duplicate-key")
        elif first is not None:  # a merged entry gives way
            holder.entries[:] = [entry for entry in holder.entries if entry.key.text != key.text]
        seen[key.text] = key.start
        holder.entries.append(Entry(key, value))

    def _merge(self, holder: Mapping, seen: dict[str, int], key: Scalar, value: YamlNode) -> None:
        """See https://yaml.org/type/merge.html: what is written wins over what is merged, an earlier map over a later one."""
        holder.end = max(holder.end, value.written[1])
        for merged in value.items if isinstance(value, Sequence) else [value]:
            if not isinstance(merged, Mapping) and self.full:
                continue  # it stands for too much, which is told
            if not isinstance(merged, Mapping):
                self._problem(key.start, "`<<` merges a map or a list of maps")
                continue
            for entry in merged.entries:
                if entry.key.text not in seen:
                    seen[entry.key.text] = -1
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
