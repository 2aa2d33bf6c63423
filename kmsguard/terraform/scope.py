"""Where an expression is evaluated: its module instance, its file, the names bound around it; and the run as a whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Literal, Protocol, TypeVar

from kmsguard.model.declaration import Problem, UnitSettings
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Text, Unknown, Value
from kmsguard.syntax.files import Files
from kmsguard.syntax.hcl.nodes import Node
from kmsguard.terraform.operations import Facts
from kmsguard.terraform.partial import may_be_anything

Result = TypeVar("Result")

DEEPEST = 600
"""How deep evaluation may nest. Each level takes up to six of Python's frames."""


MOST_STEPS = 1_000_000
"""So many expressions of a unit are evaluated, those of loops each time; the largest known units take a twentieth of it."""
MOST_RESOURCES = 20_000
"""So many instances of resources and modules a unit may have; those that repetition makes beyond that are not read."""
MOST_REMEMBERED = 64
"""Of so many collections it is kept what was made of them."""
FEW = 10
"""A collection of so many elements is looked at again."""
HEAVIEST = 1_000_000
"""How many values, or pieces of text, one value may hold."""


class Run:
    """What the evaluation of one unit shares: settings, files, problems, how deep it is."""

    def __init__(self, unit: str, settings: UnitSettings, files: Files, boundary: str) -> None:
        self.unit = unit
        self.settings = settings
        self.files = files
        self.boundary = boundary
        self.facts = Facts(unit)
        self.depth = 0
        self.steps = 0
        self.room = MOST_RESOURCES  # for so many more instances of resources and modules
        self.knows_workspace = True
        self.trying = 0  # how many `try` and `can` are around what is evaluated
        self.doubts: list[Value] = []  # what is open and may make an error of what is around it, while `trying`
        self.problems: dict[Problem, None] = {}
        self.sources: dict[str, Source] = {}
        self.exhausted = False
        self.names: dict[int, tuple[Node, frozenset[str]]] = {}  # that expressions use, by the node's identity
        self.closed: dict[tuple[int, int, bool], tuple[Node, Surroundings, Value, tuple[Value, ...]]] = {}  # see `closed`
        self._remembered: dict[tuple[str, int], tuple[Value, object]] = {}
        self._weights: dict[int, tuple[int, object]] = {}

    @cached_property
    def is_opentofu(self) -> bool:
        """Whether the root module is written for OpenTofu: it has files of its own, or providers of its registry."""
        names = os.listdir(self.unit) if os.path.isdir(self.unit) else []
        if any(name.endswith((".tofu", ".tofu.json")) for name in names):
            return True
        lock = os.path.join(self.unit, ".terraform.lock.hcl")
        found = self.files.read(lock) if os.path.isfile(lock) else None
        return isinstance(found, Source) and '"registry.opentofu.org/' in found.text

    def doubt(self, operand: Value, *, inside: bool = True) -> None:
        """Notes, for a `try` or `can` around, an operand that some values would make an error of (`inside`: those of its
        parts too)."""
        if self.trying and may_be_anything(operand, inside):
            self.doubts.append(operand)

    def report(self, level: Literal["error", "warning"], code: str, span: Span, message: str) -> None:
        """Notes a problem at a place; the same one counts once."""
        self.problems[Problem(level, code, span.file, span.start_line, span.start_column, message)] = None

    def add(self, problem: Problem) -> None:
        """Notes a problem that somebody else found."""
        self.problems[problem] = None

    def remember(self, what: str, value: Value, make: Callable[[Value], Result]) -> Result:
        """What is made of a value, made once: the rounds of a loop ask the same of one large collection."""
        if not isinstance(value.data, (tuple, dict)) or len(value.data) <= FEW:
            return make(value)
        key = (what, id(value))
        found = self._remembered.get(key)
        if found is None:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[key] = value, make(value)  # kept, so that its identity stays its own
        return found[1]  # type: ignore[return-value]

    def bounded(self, value: Value, name: str, span: Span) -> Value:
        """The value of a name, or an Unknown where it holds more than can be looked at (each level of names may double it)."""
        if self._weigh(value) <= HEAVIEST:
            return value
        self.report("warning", "too-large", span, f"{name} holds more than can be evaluated; it is unknown")
        return Value(Unknown(f"{name} holds more than can be evaluated", name), span)

    def _weigh(self, value: Value) -> int:
        data = value.data
        items: Iterable[Value]
        if isinstance(data, str):
            return 1 + len(data) // 100
        if isinstance(data, tuple):
            items = data
        elif isinstance(data, dict):
            items = data.values()
        elif isinstance(data, Text):
            items = data.pieces
        else:
            return 1
        known = self._weights.get(id(data))
        if known is None:
            weight = 1 + sum(map(self._weigh, items))
            known = self._weights[id(data)] = weight, data  # kept, so that its identity stays its own
        return known[0]

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

    def too_much(self, node: Node) -> Value:
        """What is nested deeper than can be followed, or stands behind more than can be evaluated."""
        run = self.run
        if run.steps > MOST_STEPS:
            if not run.exhausted:
                message = "this unit takes too long to be evaluated; what comes from here on is unknown"
                run.report("warning", "too-large", self.span(node), message)
                run.exhausted = True
            return Value(Unknown("more than can be evaluated"))
        run.report("warning", "too-deep", self.span(node), "this is nested too deep to be evaluated; its value is unknown")
        return Value(Unknown("nested too deep to be evaluated"))
