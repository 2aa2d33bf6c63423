"""Where ephemeral values may not stand: what is kept in the plan or the state takes none.

Whether a value is ephemeral follows from the code alone, whatever the value is. See
https://developer.hashicorp.com/terraform/language/manage-sensitive-data/ephemeral.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from kmsguard.model.source import Source
from kmsguard.model.value import Value
from kmsguard.syntax.hcl import nodes
from kmsguard.terraform.body import META
from kmsguard.terraform.load import Elsewhere, Located, ModuleSource
from kmsguard.terraform.schema import label
from kmsguard.terraform.scope import Run
from kmsguard.terraform.traversals import INDEX, PARTS, traversal
from kmsguard.terraform.types import key_name

if TYPE_CHECKING:
    from kmsguard.terraform.module import Module

Ephemeral: TypeAlias = "bool | dict[str, Ephemeral]"
"""Whether a value is ephemeral; of an object whose members are written out, each of them."""
Bound: TypeAlias = "dict[str, Ephemeral]"
_HIDE = frozenset(("ephemeralasnull", "can"))
_KNOWN_PROVIDERS = ("aws_", "terraform_")
"""Resources of these take ephemeral values in arguments whose names end in `_wo`, and in no others."""


def report_ephemeral(root: Module, modules: list[ModuleSource]) -> None:
    """Says of every place that keeps its value that an ephemeral one stands there."""
    if any(map(_knows_ephemeral, modules)):
        _Search(root.run).module(root)


def refers_to_ephemeral(module: ModuleSource, node: nodes.Expression) -> bool:
    """Whether anything ephemeral stands in an expression of a module, hidden or not."""
    if not _knows_ephemeral(module):
        return False
    flows = _Flows(module, {})
    flows.hide = frozenset()
    return some(flows.of(node, {}))


def as_null(module: ModuleSource, node: nodes.Expression, value: Value, bound: Iterable[str]) -> Value:
    """A value without what is ephemeral in its expression, as `ephemeralasnull` gives it. `bound`: names that hide others."""
    if not _knows_ephemeral(module):
        return value
    return _nulled(value, _Flows(module, {}).of(node, dict.fromkeys(bound, False)))


def _nulled(value: Value, of: Ephemeral) -> Value:
    if isinstance(of, bool):
        return replace(value, data=None) if of else value
    members = value.data
    if not isinstance(members, dict):
        return value
    return value.with_data({name: _nulled(item, of.get(name, False)) for name, item in members.items()})


def _knows_ephemeral(module: ModuleSource) -> bool:
    return (
        any(mode == "ephemeral" for mode, _, _ in module.resources)
        or any("ephemeral" in one.block.body.attributes for one in (*module.variables.values(), *module.outputs.values()))
        or any("terraform.applying" in file.source.text for file in module.files)
    )


def some(of: Ephemeral) -> bool:
    """Whether anything in a value is ephemeral."""
    return of if isinstance(of, bool) else any(map(some, of.values()))


def _is_ephemeral(located: Located | None) -> bool:
    node = located.attribute("ephemeral") if located is not None else None
    return isinstance(node, nodes.Literal) and node.value is True


class _Flows:
    """What is ephemeral in a module. `children`: the modules that its calls lead to."""

    def __init__(self, module: ModuleSource, children: dict[str, ModuleSource]) -> None:
        self.module = module
        self.children = children
        self.hide = _HIDE
        self._locals: dict[str, Ephemeral] = {}

    def of(self, node: nodes.Node | None, bound: Bound) -> Ephemeral:
        """Whether the value of an expression is ephemeral. `bound`: of the names bound around it."""
        if node is None:
            return False
        if isinstance(node, (nodes.Parentheses, Elsewhere)):
            return self.of(node.inner, bound)
        if isinstance(node, (nodes.Variable, nodes.GetAttr, nodes.Index, nodes.Splat)):
            return self._traversal(node, bound)
        if isinstance(node, nodes.ObjectExpr):
            return self._object(node, bound)
        if isinstance(node, nodes.Conditional):
            if some(self.of(node.condition, bound)):
                return True
            return _either(self.of(node.then, bound), self.of(node.otherwise, bound))
        if isinstance(node, nodes.Call):
            return self._call(node, bound)
        if isinstance(node, nodes.For):
            inside = self._over(node.collection, (node.key_name, node.value_name), bound)
            return any(some(self.of(part, inside)) for part in (node.condition, node.key, node.value))
        if isinstance(node, nodes.TemplateFor):
            inside = self._over(node.collection, (node.key, node.value), bound)
            return any(some(self.of(part, inside)) for part in node.parts)
        return any(some(self.of(part, bound)) for part in _parts(node))

    def _over(self, collection: nodes.Expression, names: tuple[str | None, str], bound: Bound) -> Bound:
        element = some(self.of(collection, bound))
        return {**bound, **{name: element for name in names if name}}

    def _object(self, node: nodes.ObjectExpr, bound: Bound) -> Ephemeral:
        members: dict[str, Ephemeral] = {}
        for item in node.items:
            name = key_name(item.key)
            if name is None and some(self.of(item.key, bound)):
                return True
            members[name or f"*{len(members)}"] = self.of(item.value, bound)
        return members if some(members) else False

    def _call(self, node: nodes.Call, bound: Bound) -> Ephemeral:
        if node.name in self.hide:
            return False
        found = [self.of(argument, bound) for argument in node.arguments]
        if node.name in ("merge", "try", "sensitive", "nonsensitive"):
            whole: Ephemeral = False
            for one in found:
                whole = _either(whole, one)
            return whole
        return any(map(some, found))

    def _traversal(self, node: nodes.Expression, bound: Bound) -> Ephemeral:
        names, inside = traversal(node)
        if names is None:
            if isinstance(node, nodes.GetAttr):
                return _member(self.of(node.of, bound), [node.name])
            return some(self.of(inside[-1], bound))
        root = names[0]
        if root in bound:
            return _member(bound[root], names[1:])
        if len(names) < 2:
            return False
        if root == "ephemeral":
            return True
        if root == "terraform":
            return names[1] == "applying"
        if root == "var":
            return _is_ephemeral(self.module.variables.get(names[1]))
        if root == "local":
            return _member(self._local(names[1]), names[2:])
        if root == "module":
            called = self.children.get(names[1])
            output = next((name for name in names[2:] if name != INDEX), None)
            if called is None:
                return False
            return any(_is_ephemeral(one) for name, one in called.outputs.items() if output in (None, name))
        return False

    def _local(self, name: str) -> Ephemeral:
        known = self._locals.get(name)
        if known is None:
            self._locals[name] = False  # of one that refers to itself
            found = self.module.locals.get(name)
            known = self.of(found.attribute.expression, {}) if found is not None else False
            self._locals[name] = known
        return known


def _parts(node: nodes.Node) -> Iterator[nodes.Node]:
    for name in PARTS.get(type(node), ()):
        part = getattr(node, name)
        if isinstance(part, tuple):
            yield from part
        elif part is not None:
            yield part


def _either(one: Ephemeral, other: Ephemeral) -> Ephemeral:
    """What is ephemeral in a value that has come from one or the other."""
    if one is True or other is True:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _either(one.get(name, False), other.get(name, False)) for name in {**one, **other}}
    return one or other


def _member(of: Ephemeral, names: list[str]) -> Ephemeral:
    for name in names:
        if isinstance(of, bool):
            return of
        of = some(of) if name == INDEX else of.get(name, False)
    return of


# --- where there may be none --------------------------------------------------------------------------------------------------


class _Search:
    def __init__(self, run: Run) -> None:
        self.run = run
        self._seen: set[int] = set()

    def module(self, module: Module) -> None:
        """A module and those that it calls, each once."""
        source = module.source
        if id(source) in self._seen:
            return
        self._seen.add(id(source))
        called = {
            name: child
            for name in source.calls
            if (child := next((one for one in module.children(name)[1].values() if one is not None), None)) is not None
        }
        flows = _Flows(source, {name: child.source for name, child in called.items()})
        self._outputs(flows)
        for (mode, of_type, _), located in source.resources.items():
            bound = self._repetition(flows, located)
            if mode != "ephemeral" and of_type.startswith(_KNOWN_PROVIDERS):
                skip = META | {"lifecycle"}
                self._body(flows, located.block.body, located.file.source, bound, skip)
        for name, located in source.calls.items():
            bound = self._repetition(flows, located)
            for argument, attribute in located.block.body.attributes.items():
                child = called.get(name)
                variable = child.source.variables.get(argument) if child is not None else None
                if variable is not None and not _is_ephemeral(variable):
                    message = (
                        f"the variable {argument} of module.{name} takes no ephemeral value: write `ephemeral = true` in it"
                    )
                    self._check(flows, attribute, located.file.source, bound, message)
        for child in called.values():
            self.module(child)

    def _outputs(self, flows: _Flows) -> None:
        for name, located in flows.module.outputs.items():
            attribute = located.block.body.attributes.get("value")
            if attribute is not None and not _is_ephemeral(located):
                message = (
                    f"output.{name} is not ephemeral, and its value is: {_INSTEAD}, or in a called module `ephemeral = true`"
                )
                self._check(flows, attribute, located.file.source, {}, message)

    def _repetition(self, flows: _Flows, located: Located) -> Bound:
        attributes = located.block.body.attributes
        count, for_each = attributes.get("count"), attributes.get("for_each")
        if count is not None:
            message = "`count` takes no ephemeral value, as it is kept between plan and apply"
            self._check(flows, count, located.file.source, {}, message, "invalid-count")
        return {} if for_each is None else {"each": some(flows.of(for_each.expression, {}))}

    def _body(self, flows: _Flows, body: nodes.Body, source: Source, bound: Bound, skip: frozenset[str] = frozenset()) -> None:
        for name, attribute in body.attributes.items():
            if name not in skip and not name.endswith("_wo"):
                message = (
                    f"`{name}` is kept in the state and takes no ephemeral value: use an argument whose name ends in `_wo` "
                    f"where there is one, or {_INSTEAD}"
                )
                self._check(flows, attribute, source, bound, message)
        for block in body.blocks:
            if block.type not in skip:
                self._block(flows, block, getattr(block, "source", source), bound)

    def _block(self, flows: _Flows, block: nodes.Block, source: Source, bound: Bound) -> None:
        if block.type != "dynamic":
            self._body(flows, block.body, source, bound)
            return
        for_each = block.body.attributes.get("for_each")
        iterator = block.body.attributes.get("iterator")
        if for_each is not None:
            self._check(flows, for_each, source, bound, f"`for_each` of a block takes no ephemeral value: {_INSTEAD}")
        name = (key_name(iterator.expression) if iterator is not None else None) or label(block, 0)
        for content in block.body.blocks:
            if content.type == "content":
                self._body(flows, content.body, source, {**bound, name: False})

    def _check(
        self,
        flows: _Flows,
        attribute: nodes.Attribute,
        source: Source,
        bound: Bound,
        message: str,
        code: str = "invalid-ephemeral",
    ) -> None:
        if some(flows.of(attribute.expression, bound)):
            place: Source = getattr(attribute, "source", source)
            self.run.report("warning", code, place.span(attribute.expression.start, attribute.expression.end), message)


_INSTEAD = "make null of it with ephemeralasnull()"
