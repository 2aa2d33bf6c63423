"""The JSON of a plan: read as fast as the standard library reads it, and where in it something stands, for those who ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from json import JSONDecodeError, JSONDecoder
from typing import Any, TypeAlias

import msgspec

from kmsguard.model.declaration import Problem, UnitSource
from kmsguard.model.source import Source, Span
from kmsguard.syntax.files import Files

Json: TypeAlias = Any
Members: TypeAlias = "dict[str, Json]"

NEWEST = 1
"""The newest major version of the format that is known. A minor version only adds to it."""
_SPACE = re.compile(r"[ \t\r\n]*+")
_SCALAR = r'(?P<value>"[^"\\]*+(?:\\.[^"\\]*+)*+"|[-\w.+]++|(?=[{\[]))'
_NAME = r'"(?P<name>[^"\\]*+(?:\\.[^"\\]*+)*+)"[ \t\r\n]*+:[ \t\r\n]*+'
_MEMBER = re.compile(rf"[ \t\r\n]*+(?P<entry>{_NAME}){_SCALAR}")
_ELEMENT = re.compile(rf"[ \t\r\n]*+(?P<entry>(?P<name>(?!))?){_SCALAR}")
_COMMA = re.compile(r"[ \t\r\n]*+,?")
_AGAIN = "write it again with `terraform show -json`"


def members(node: Json, *path: str) -> Members:
    """The object at a path; an empty one where there is none."""
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def objects(node: Json) -> list[Members]:
    """The objects in an array; none where it is no array."""
    return [item for item in node if isinstance(item, dict)] if isinstance(node, list) else []


def text(node: Json, name: str) -> str:
    """A member that is text; empty where there is none."""
    found = node.get(name) if isinstance(node, dict) else None
    return found if isinstance(found, str) else ""


def read_document(source: UnitSource) -> tuple[Document | None, list[Problem]]:
    """The tree of a plan or state; None where it cannot be read (a problem says why)."""
    if source.text is not None:
        written: Source | Problem = Source(source.path, source.text.removeprefix("\ufeff"))
    else:
        written = Files(source.boundary).read(source.path)
    if isinstance(written, Problem):
        return None, [written]
    tree = _decoded(written, source.path)
    if isinstance(tree, Problem):
        return None, [tree]
    wrong = _format(tree)
    if wrong is not None:
        return None, [Problem("error", wrong[0], source.path, 1, 1, wrong[1])]
    return Document(written, tree), list(_warnings(tree, source.path))


def _decoded(written: Source, path: str) -> Json | Problem:
    try:
        return msgspec.json.decode(written.text)
    except RecursionError:
        return _too_deep(path)
    except (msgspec.DecodeError, UnicodeEncodeError):
        pass  # the standard library says where the mistake is
    try:
        return JSONDecoder(parse_float=Decimal).decode(written.text)
    except JSONDecodeError as error:
        line, column = written.place(min(error.pos, len(written.text)))
        cut = error.pos >= len(written.text.rstrip()) or error.msg.startswith("Unterminated string")
        message = f"the plan ends here, in the middle; {_AGAIN}" if cut else f"this is not the JSON of a plan; {_AGAIN}"
        return Problem("error", "json-syntax", path, line, column, message)
    except (RecursionError, ValueError):  # ValueError: a number of more digits than Python reads
        return _too_deep(path)


def _too_deep(path: str) -> Problem:
    return Problem("error", "json-syntax", path, 1, 1, "this is nested deeper, or holds longer numbers, than any plan")


def _format(tree: Json) -> tuple[str, str] | None:
    """What is wrong with the format as a whole, as code and message."""
    version = text(tree, "format_version")
    major = version.partition(".")[0]
    if not major.isdigit():
        return "plan-invalid", f"there is no format_version in it; {_AGAIN}"
    if int(major) > NEWEST:
        return "plan-version", f"plans are read up to format version {NEWEST}; this one is newer. Update kmsguard"
    parts = ("resource_changes", "planned_values", "values")
    if all(tree.get(name) is None for name in parts) and "configuration" not in tree and "terraform_version" not in tree:
        return "plan-invalid", f"there is neither a plan nor a state in it; {_AGAIN}"
    return None


def _warnings(tree: Members, path: str) -> Iterator[Problem]:
    if tree.get("errored") is True:
        message = "planning ended with an error, so the plan is not whole; what is missing in it is not judged"
        yield Problem("warning", "plan-incomplete", path, 1, 1, message)
    elif tree.get("complete") is False:
        message = "the plan is not whole (a target, or deferred actions); what is missing in it is not judged"
        yield Problem("warning", "plan-incomplete", path, 1, 1, message)


class Entry:
    """A value in the text: where it stands, with its name where it is a member."""

    __slots__ = ("end", "entry", "start")

    def __init__(self, entry: int, start: int, end: int) -> None:
        self.entry = entry
        self.start = start
        self.end = end


class Document:
    """A plan: its tree, and where in the text what stands. Places are looked up only as far as they are asked for."""

    def __init__(self, source: Source, tree: Members) -> None:
        self.source = source
        self.tree = tree
        self._children: dict[int, dict[str | int, Entry]] = {}
        self._scan = JSONDecoder(parse_float=str).raw_decode

    @property
    def whole(self) -> Entry:
        """All of it."""
        start = self._space(0)
        return Entry(start, start, len(self.source.text.rstrip()))

    def at(self, *path: str | int) -> Entry | None:
        """What stands at a path."""
        found: Entry | None = self.whole
        for step in path:
            found = self.child(found, step)
        return found

    def child(self, of: Entry | None, step: str | int) -> Entry | None:
        """A member or element."""
        if of is None:
            return None
        known = self._children.get(of.start)
        if known is None:
            known = self._children[of.start] = self._listed(of.start)
        return known.get(step)

    def span(self, entry: Entry | None) -> Span | None:
        """Where a value stands."""
        return None if entry is None else self.source.span(entry.start, entry.end)

    def place(self, entry: Entry | None) -> Span | None:
        """Where a value stands with its name."""
        return None if entry is None else self.source.span(entry.entry, entry.end)

    def _space(self, at: int) -> int:
        found = _SPACE.match(self.source.text, at)
        return found.end() if found is not None else at

    def _listed(self, at: int) -> dict[str | int, Entry]:
        """The members or elements of what begins at an offset. The text is known to be JSON."""
        written, scan = self.source.text, self._scan
        out: dict[str | int, Entry] = {}
        pattern = _MEMBER if written[at : at + 1] == "{" else _ELEMENT if written[at : at + 1] == "[" else None
        at += 1
        while pattern is not None and (match := pattern.match(written, at)) is not None:
            name = match["name"]
            key: str | int = len(out) if name is None else name if "\\" not in name else scan(f'"{name}"')[0]
            start = match.start("value")
            end = match.end("value")
            if end == start:  # an object or array, whose end only reading it tells
                _, end = scan(written, start)
            out[key] = Entry(match.start("entry"), start, end)
            at = _COMMA.match(written, end).end()  # type: ignore[union-attr]
        return out
