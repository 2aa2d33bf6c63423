"""What all templates of a unit share: the files that were read, the problems, and how much may be made of it."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from typing import Literal

from kmsguard.cloudformation.assembly import PATH, Stack, app_place
from kmsguard.model.declaration import Comment, Origin, Problem, UnitSettings
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Value
from kmsguard.syntax.files import Files
from kmsguard.syntax.yaml import YamlFile, parse_file

MAX_STACKS = 200  # nested stacks that are read for one unit
MAX_LOOPS = 2000  # runs of Fn::ForEach and included files; a template can have 500 resources
MAX_COPIED = 100_000  # nodes of the file that they may copy

_OF_WHOLE_FILES = frozenset({"template-invalid", "unresolved-reference"})
_BEFORE_MACROS = frozenset(
    {"template-invalid", "unresolved-reference", "unsupported-function", "invalid-function", "circular-dependency"}
)


class Context:
    """The state of reading one unit."""

    def __init__(self, unit: str, settings: UnitSettings, files: Files) -> None:
        self.unit = unit
        self.settings = settings
        self.files = files
        self.problems: list[Problem] = []
        self.parsed: dict[str, YamlFile] = {}
        self.sources: dict[str, Source] = {}
        self.stack: Stack | None = None  # of CDK's assembly that the template lies in
        self.macros: set[str] = set()  # the files of templates that a macro of the user changes as a whole
        self.stacks = 0
        self.loops = 0
        self.copied = 0

    def read(self, path: str) -> YamlFile | Problem:
        """A file as YAML or JSON, parsed once; what is wrong with its syntax is among the problems."""
        if path in self.parsed:
            return self.parsed[path]
        source = self.files.read(path)
        return source if isinstance(source, Problem) else self.parse(source)

    def parse(self, source: Source) -> YamlFile:
        """A source as YAML or JSON."""
        file = self.parsed[source.path] = parse_file(source)
        self.sources[source.path] = source
        self.problems.extend(file.problems)
        return file

    def problem(self, level: Literal["error", "warning"], code: str, span: Span, message: str) -> None:
        """Notes what is wrong with the input, but not what only seems so because a file could not be read to its end."""
        if code in _OF_WHOLE_FILES and any(p.level == "error" for p in self.parsed[span.file].problems):
            return
        if code in _BEFORE_MACROS and span.file in self.macros:
            return  # what a macro makes of it is another template
        self.problems.append(Problem(level, code, span.file, span.start_line, span.start_column, message))

    def origin(self, template: str, name: str, metadata: Value | None) -> Origin | None:
        """The construct of CDK that made a resource, as its metadata or the assembly's manifest says it."""
        path = metadata.members[PATH].text if metadata is not None and PATH in metadata.members else None
        stack = self.stack
        if path is None and stack is not None and template == self.unit:
            path = (stack.constructs.get(name) or "").removeprefix("/") or None
        if path is None:
            return None
        trace = stack.traces.get(f"/{path}", ()) if stack is not None else ()
        found = app_place(self.files, trace, posixpath.dirname(self.unit)) if trace else None
        if found is not None:
            self.sources.setdefault(found[0].path, found[0])
        return Origin(path, found[1] if found is not None else None)

    def comments(self, file: YamlFile, span: Span) -> tuple[Comment, ...]:
        """The comments of a block: in its lines, and in the lines above it that hold nothing else."""
        found = file.comments
        if not found:
            return ()
        lines = [comment.span.start_line for comment in found]
        start = bisect_left(lines, span.start_line)
        end = bisect_left(lines, span.end_line + 1)
        line = span.start_line
        while start > 0 and lines[start - 1] == line - 1 and _alone(file.source, found[start - 1]):
            start -= 1
            line -= 1
        return found[start:end]


def _alone(source: Source, comment: Comment) -> bool:
    return not source.line(comment.span.start_line)[: comment.span.start_column - 1].strip()
