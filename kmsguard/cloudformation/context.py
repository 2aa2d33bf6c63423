"""What all templates of a unit share: the files that were read, the problems, and how much may be made of it."""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal

from kmsguard.model.declaration import Comment, Problem, UnitSettings
from kmsguard.model.source import Source, Span
from kmsguard.syntax.files import Files
from kmsguard.syntax.yaml import YamlFile, parse_file

MAX_STACKS = 200  # nested stacks that are read for one unit
MAX_LOOPS = 2000  # runs of Fn::ForEach; a template can have 500 resources

_OF_WHOLE_FILES = frozenset({"template-invalid", "unresolved-reference"})


class Context:
    """The state of reading one unit."""

    def __init__(self, unit: str, settings: UnitSettings, files: Files) -> None:
        self.unit = unit
        self.settings = settings
        self.files = files
        self.problems: list[Problem] = []
        self.parsed: dict[str, YamlFile] = {}
        self.sources: dict[str, Source] = {}
        self.stacks = 0
        self.loops = 0

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
        self.problems.append(Problem(level, code, span.file, span.start_line, span.start_column, message))

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
