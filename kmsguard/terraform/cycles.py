"""Circles of references: resources that need each other, also through locals, modules and `depends_on`. Terraform refuses them.

Evaluation itself does not see them: an attribute that is known after apply asks for nothing else. See
https://developer.hashicorp.com/terraform/internals/graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kmsguard.model.source import Span
from kmsguard.syntax.hcl import nodes
from kmsguard.terraform.addresses import local_address
from kmsguard.terraform.load import Located, ModuleSource
from kmsguard.terraform.traversals import PARTS

if TYPE_CHECKING:
    from kmsguard.terraform.module import Module

Graph = dict[str, dict[str, None]]
"""By name in a module: the names that it refers to. `module.m` is how often there is a module, `module.m:x` its variable x."""

_NO_REFERENCES = ("ignore_changes", "provider", "providers", "source", "version")
"""Arguments that name something else than values."""
_SHOWN = 6


def report_cycles(root: Module) -> None:
    """Says of every circle that nothing was said of yet that Terraform refuses it."""
    _Search(root).outputs_of(root)


class _Search:
    def __init__(self, root: Module) -> None:
        self.run = root.run
        self._known: dict[int, dict[str, tuple[str, ...]]] = {}  # of each module: the variables that an output hangs on

    def outputs_of(self, module: Module) -> dict[str, tuple[str, ...]]:
        """The variables that each output of a module hangs on. Every module is searched once, however often it is called."""
        known = self._known.get(id(module.source))
        if known is not None:
            return known
        self._known[id(module.source)] = {}  # a module that calls itself is told elsewhere
        children = {name: self._child(module, name) for name in module.source.calls}
        graph = _graph(module.source, children)
        for circle in _circles(graph):
            self._report(module, graph, circle)
        found = {name: _variables(graph, f"output.{name}") for name in module.source.outputs}
        self._known[id(module.source)] = found
        return found

    def _child(self, module: Module, name: str) -> dict[str, tuple[str, ...]] | None:
        _, instances = module.children(name)
        child = next((one for one in instances.values() if one is not None), None)
        return None if child is None else self.outputs_of(child)

    def _report(self, module: Module, graph: Graph, circle: list[str]) -> None:
        places = {name: place for name in circle if (place := _place(module.source, name)) is not None}
        names = tuple(f"{module.within(_shown(name))} " for name in circle)
        if not places or any(self._is_told(place, names) for place, _ in places.values()):
            return
        first = min(places, key=lambda name: (places[name][0].file, places[name][0].start_line))
        way = [module.within(_shown(name)) for name in _way(graph, first, circle)]
        way = [name for number, name in enumerate(way) if not number or name != way[number - 1]]
        shown = " → ".join(way if len(way) <= _SHOWN else [*way[: _SHOWN - 1], "…", way[-1]])
        message = f"{way[0]} refers to itself ({shown}): Terraform refuses this circle, take one of the references out"
        self.run.report("warning", "cycle", places[first][1], message)

    def _is_told(self, span: Span, names: tuple[str, ...]) -> bool:
        """Whether evaluation came to the circle already."""
        return any(
            problem.message.startswith(names)
            or (problem.file == span.file and span.start_line <= problem.line <= span.end_line)
            for problem in self.run.problems
            if problem.code == "cycle"
        )


def _graph(source: ModuleSource, children: dict[str, dict[str, tuple[str, ...]] | None]) -> Graph:
    graph: Graph = {f"var.{name}": {} for name in source.variables}
    graph.update({f"local.{name}": {} for name in source.locals})
    graph.update({f"output.{name}": {} for name in source.outputs})
    graph.update({local_address(*key): {} for key in source.resources})
    for name, outputs in children.items():
        _call(graph, source.calls[name], name, outputs)
    known = set(graph)
    for name, found in source.locals.items():
        graph[f"local.{name}"].update(_within([found.attribute.expression], known))
    for key, located in source.resources.items():
        address = local_address(*key)
        graph[address].update(_within(_expressions(located.block), known))
        if address in graph[address] and address not in dict(_within(_expressions(located.block, waiting=False), known)):
            del graph[address][address]  # `depends_on` a resource in itself says nothing
    for name, located in source.outputs.items():
        graph[f"output.{name}"].update(_within(_expressions(located.block), known))
    for name, located in source.calls.items():
        for argument, attribute in located.block.body.attributes.items():
            if argument not in _NO_REFERENCES:
                at = f"module.{name}" if argument in ("count", "for_each") else f"module.{name}:{argument}"
                graph[at].update(_within([attribute.expression], known))
    return graph


def _call(graph: Graph, located: Located, name: str, outputs: dict[str, tuple[str, ...]] | None) -> None:
    """The nodes of a call: how many there are, its inputs, its outputs, and all of it."""
    count, every = f"module.{name}", f"module.{name}.*"
    inputs = [f"module.{name}:{argument}" for argument in located.block.body.attributes if argument not in _NO_REFERENCES]
    graph[count] = {}
    graph.update({one: {count: None} for one in inputs})
    graph[f"{every}:"] = dict.fromkeys((count, *inputs))  # what `depends_on = [module.m]` waits for
    graph[every] = {count: None}
    for output, hangs_on in (outputs or {}).items():
        needed = (f"module.{name}:{variable}" for variable in hangs_on)
        graph[f"{count}.{output}"] = dict.fromkeys((count, *(one for one in needed if one in graph)))
        graph[every][f"{count}.{output}"] = None


def _expressions(block: nodes.Block, *, waiting: bool = True) -> Iterator[nodes.Node]:
    """The expressions of a block. `waiting`: those of `depends_on` too."""
    for name, attribute in block.body.attributes.items():
        if name == "depends_on":
            if waiting:
                yield _Waited(attribute.start, attribute.end, attribute.expression)
        elif name not in _NO_REFERENCES:
            yield attribute.expression
    for nested in block.body.blocks:
        yield from _expressions(nested)


class _Waited(nodes.Node):
    """What stands in `depends_on`."""

    inner: nodes.Expression


def _within(expressions: Iterable[nodes.Node], known: set[str]) -> Iterator[tuple[str, None]]:
    """The names of the module that expressions refer to."""
    for expression in expressions:
        waited = isinstance(expression, _Waited)
        for steps in _references(expression.inner if isinstance(expression, _Waited) else expression):
            name = _name(steps, known)
            if name is not None:
                yield (f"{steps[0]}.{steps[1]}.*:" if waited and steps[0] == "module" else name), None


def _name(steps: list[str], known: set[str]) -> str | None:
    if steps[0] == "resource":
        steps = steps[1:]
    if steps[0] == "module" and len(steps) > 1:
        whole = f"module.{steps[1]}"
        output = f"{whole}.{steps[2]}" if len(steps) > 2 else f"{whole}.*"
        # an output that is not there, or a module: nothing is known of it
        return output if output in known else whole if whole in known else None
    name = ".".join(steps[: 3 if steps[0] in ("data", "ephemeral") else 2])
    return name if name in known else None


def _references(node: nodes.Node) -> Iterator[list[str]]:
    """The traversals in an expression, as their names without indices."""
    pending: list[object] = [node]
    while pending:
        at = pending.pop()
        kind = type(at)
        if kind is nodes.GetAttr:
            steps: list[str] = []
            while isinstance(at, (nodes.GetAttr, nodes.Index)):
                if isinstance(at, nodes.GetAttr):
                    steps.append(at.name)
                else:
                    pending.append(at.key)
                at = at.of
            if isinstance(at, nodes.Variable):
                steps.append(at.name)
                yield steps[::-1]
            else:
                pending.append(at)
        elif kind is tuple:
            pending.extend(at)  # type: ignore[arg-type]
        elif isinstance(at, nodes.Template) and len(at.parts) == 1 and isinstance(at.parts[0], nodes.StringPart):
            continue
        else:
            pending.extend(getattr(at, name) for name in PARTS.get(kind, ()))


# --- circles ----------------------------------------------------------------------------------------------------------------


def _circles(graph: Graph) -> list[list[str]]:
    """The strongly connected components that hold a circle (Tarjan's algorithm, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    out: list[list[str]] = []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        waiting.add(root)
        while work:
            name, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    found = [stack.pop()]
                    while found[-1] != name:
                        found.append(stack.pop())
                    found.reverse()
                    waiting.difference_update(found)
                    if len(found) > 1 or name in graph[name]:
                        out.append(found)
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                waiting.add(following)
                work.append((following, iter(graph[following])))
            elif following in waiting:
                low[name] = min(low[name], index[following])
    return out


def _way(graph: Graph, first: str, circle: list[str]) -> list[str]:
    """A shortest way from a name of a circle back to itself."""
    inside = set(circle)
    ways = [[first]]
    seen: set[str] = set()
    for way in ways:
        for following in graph[way[-1]]:
            if following == first:
                return [*way, first]
            if following in inside and following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return [first, first]


def _variables(graph: Graph, start: str) -> tuple[str, ...]:
    """The variables that something hangs on."""
    seen = {start: None}
    for name in (pending := [start]):
        for following in graph[name]:
            if following not in seen:
                seen[following] = None
                pending.append(following)
    return tuple(name.removeprefix("var.") for name in seen if name.startswith("var."))


def _place(source: ModuleSource, name: str) -> tuple[Span, Span] | None:
    """Where something stands: all of it, and what a problem of it points at."""
    kind, _, rest = name.partition(".")
    if kind == "local":
        found = source.locals[rest]
        return found.span, found.span
    if kind == "var":
        return None
    located: Located | None
    if kind == "output":
        located = source.outputs.get(rest)
    elif kind == "module":
        located = source.calls.get(rest.partition(":")[0].partition(".")[0])
    else:
        parts = name.split(".")
        key = (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("managed", parts[0], parts[1])
        located = source.resources.get(key)
    return None if located is None else (located.span, located.head)


def _shown(name: str) -> str:
    module, is_input, variable = name.partition(":")
    if name.startswith("module."):
        module = module.removesuffix(".*")
        return f"{module}.var.{variable}" if is_input and variable else module
    return name
