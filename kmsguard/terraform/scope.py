"""Where an expression is evaluated: its module instance, its file, the names bound around it; and the run as a whole."""

from __future__ import annotations

from typing import Literal, Protocol

from kmsguard.model.declaration import Problem, UnitSettings
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Value
from kmsguard.syntax.files import Files
from kmsguard.syntax.hcl.nodes import Node
from kmsguard.terraform.operations import Facts
from kmsguard.terraform.partial import invalid

DEEPEST = 600
"""How deep evaluation may nest. Each level takes up to six of Python's frames."""


class Run:
    """What the evaluation of one unit shares: settings, files, problems, how deep it is."""

    def __init__(self, unit: str, settings: UnitSettings, files: Files, boundary: str) -> None:
        self.unit = unit
        self.settings = settings
        self.files = files
        self.boundary = boundary
        self.facts = Facts(unit)
        self.depth = 0
        self.trying = 0  # how many `try` and `can` are around what is evaluated
        self.problems: dict[Problem, None] = {}
        self.sources: dict[str, Source] = {}

    def report(self, level: Literal["error", "warning"], code: str, span: Span, message: str) -> None:
        """Notes a problem at a place; the same one counts once."""
        self.problems[Problem(level, code, span.file, span.start_line, span.start_column, message)] = None

    def add(self, problem: Problem) -> None:
        """Notes a problem that somebody else found."""
        self.problems[problem] = None

    def read(self, path: str) -> Source | Problem:
        """The text of a file inside the checkout; it takes part in the unit."""
        found = self.files.read(path)
        if isinstance(found, Source):
            self.sources.setdefault(found.path, found)
        return found


class Surroundings(Protocol):
    """The module instance as expressions see it."""

    address: str
    run: Run

    def reference(self, root: str, name: str, span: Span) -> Value:
        """`root.name` outside of all bound names: `var.x`, `local.y`, `aws_kms_key.z`, `module.m`, `path.module`."""
        ...

    def data(self, of_type: str, name: str, span: Span) -> Value:
        """`data.TYPE.NAME`."""
        ...


class Scope:
    """The names that an expression can use."""

    __slots__ = ("element", "label", "module", "names", "run", "source")

    def __init__(
        self,
        module: Surroundings,
        source: Source,
        names: dict[str, Value] | None = None,
        label: str = "",
        element: Value | None = None,
    ) -> None:
        self.module = module
        self.run = module.run
        self.source = source
        self.names: dict[str, Value] = names if names is not None else {}
        self.label = label
        self.element = element

    def binding(self, names: dict[str, Value], label: str = "") -> Scope:
        """A scope with more names; `label` tells instances of the same expression apart."""
        return Scope(self.module, self.source, {**self.names, **names}, self.label + label, self.element)

    def over(self, element: Value, label: str) -> Scope:
        """The scope inside a splat."""
        return Scope(self.module, self.source, self.names, self.label + label, element)

    def of(self, source: Source) -> Scope:
        """The scope of an expression in another file."""
        return Scope(self.module, source, self.names, self.label, self.element)

    def span(self, node: Node) -> Span:
        """Where a node stands."""
        source: Source = getattr(node, "source", self.source)  # what an override file gives knows its own
        return source.span(node.start, node.end)

    def text(self, node: Node) -> str:
        """A node as it is written, on one line."""
        source: Source = getattr(node, "source", self.source)
        return " ".join(source.text[node.start : node.end].split())

    def name_of(self, node: Node) -> str:
        """How an expression is called as an open fact: its text, told apart by module instance and bound names."""
        text = self.text(node)
        within = self.module.address
        if self.label:
            return f"{text} ({within}{'.' if within and not self.label.startswith('[') else ''}{self.label})"
        return f"{text} ({within})" if within else text

    def too_deep(self, node: Node) -> Value:
        """What is nested deeper than can be followed."""
        span = self.span(node)
        self.run.report("warning", "too-deep", span, "this is nested too deep to be evaluated; its value is unknown")
        return invalid("nested too deep to be evaluated")
