"""What the expressions of a module refer to, as it is written: `var.x`, `aws_kms_key.k[0].arn`, `each.key`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kmsguard.model.source import Source, Span
from kmsguard.syntax.hcl import nodes
from kmsguard.terraform.load import Elsewhere, Located, ModuleSource
from kmsguard.terraform.schema import label
from kmsguard.terraform.types import key_name

PARTS: dict[type, tuple[str, ...]] = {
    nodes.Interpolation: ("expression",),
    nodes.TemplateIf: ("condition", "then", "otherwise"),
    nodes.TemplateFor: ("collection", "parts"),
    nodes.Template: ("parts",),
    nodes.GetAttr: ("of",),
    nodes.Index: ("of", "key"),
    nodes.Splat: ("of", "each"),
    nodes.Call: ("arguments",),
    nodes.Unary: ("operand",),
    nodes.Binary: ("left", "right"),
    nodes.Conditional: ("condition", "then", "otherwise"),
    nodes.Parentheses: ("inner",),
    nodes.TupleExpr: ("items",),
    nodes.ObjectItem: ("key", "value"),
    nodes.ObjectExpr: ("items",),
    nodes.For: ("collection", "key", "value", "condition"),
    Elsewhere: ("inner",),
}
"""The fields of each form of expression that hold others."""
INDEX = "[]"

_NO_VALUES = frozenset(
    (
        *("depends_on", "provider", "providers", "source", "version", "ignore_changes", "replace_triggered_by"),
        *("create_before_destroy", "prevent_destroy", "destroy", "type"),
    )
)
"""Arguments of the language that name something else than values."""
_WORDS = frozenset(("when", "on_failure"))
_WITH_SELF = ("connection", "provisioner", "postcondition")


class Reference(msgspec.Struct, frozen=True, eq=False):
    """A traversal. `known`: which of `each`, `count` and `self` there are where it stands; `check`: that which it stands in."""

    names: tuple[str, ...]  # with INDEX for an index or splat
    node: nodes.Node
    source: Source
    known: frozenset[str] = frozenset()
    check: str = ""

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.source.span(self.node.start, self.node.end)

    @property
    def steps(self) -> tuple[str, ...]:
        """The names without indexes."""
        return tuple(name for name in self.names if name != INDEX)


def references(module: ModuleSource) -> list[Reference]:
    """What all expressions of a module refer to, in the order of its declarations; found once."""
    if module.references is None:
        module.references = list(_of_module(module))
    return module.references


def _of_module(module: ModuleSource) -> Iterator[Reference]:
    for local in module.locals.values():
        yield from _of_expression(local.attribute.expression, local.file.source)
    for located in (*module.variables.values(), *module.outputs.values(), *module.providers.values(), *module.history):
        yield from _of_block(located)
    for located in module.calls.values():
        yield from _of_block(located)
    for located in module.resources.values():
        yield from _of_block(located, check=located.check)
    for located in module.checks:
        for block in located.block.body.blocks:
            if block.type == "assert":
                yield from _of_body(block, located.file.source, frozenset(), frozenset(), label(located.block, 0))


def of_block(block: nodes.Block, located: Located) -> Iterator[Reference]:
    """What the expressions of a nested block refer to. `located`: the block around it."""
    return _of_body(block, getattr(block, "source", located.file.source), frozenset(), frozenset(), "", top=True)


def _of_block(located: Located, check: str = "") -> Iterator[Reference]:
    block = located.block
    repeated = {"for_each": "each", "count": "count"}
    known = frozenset(name for argument, name in repeated.items() if argument in block.body.attributes)
    skipped = _NO_VALUES if block.type != "moved" else frozenset(("from", "to"))
    if block.type in ("import", "removed"):
        skipped = frozenset(("from", "to", "provider"))
    elif block.type == "variable":
        skipped = frozenset(("type", "default", "description"))  # a default has no references: that is told of it
    for name, attribute in block.body.attributes.items():
        if name not in skipped:
            inside = frozenset[str]() if name in repeated else known
            yield from _of_expression(attribute.expression, located.file.source, inside, check=check)
    for nested in block.body.blocks:
        yield from _of_body(nested, getattr(nested, "source", located.file.source), known, frozenset(), check, top=True)


def _of_body(
    block: nodes.Block, source: Source, known: frozenset[str], bound: frozenset[str], check: str, *, top: bool = False
) -> Iterator[Reference]:
    """A nested block; `top`: it stands directly in a block of the module, so that it may be the language's own."""
    if (top or "self" in known) and block.type in _WITH_SELF:
        known = known | {"self"}
    skipped = _NO_VALUES if block.type == "lifecycle" and top else _WORDS if block.type == "provisioner" else frozenset()
    inner = bound
    if block.type == "dynamic" and block.labels:
        skipped = frozenset(("iterator",))
        iterator = block.body.attributes.get("iterator")
        named = key_name(iterator.expression) if iterator is not None else None
        inner = bound | {named or label(block, 0)}
    for name, attribute in block.body.attributes.items():
        if name not in skipped:
            at = bound if name == "for_each" else inner
            yield from _of_expression(attribute.expression, getattr(attribute, "source", source), known, at, check)
    is_lifecycle = top and block.type == "lifecycle"
    for nested in block.body.blocks:
        yield from _of_body(nested, getattr(nested, "source", source), known, inner, check, top=is_lifecycle)


def _of_expression(
    node: nodes.Node,
    source: Source,
    known: frozenset[str] = frozenset(),
    bound: frozenset[str] = frozenset(),
    check: str = "",
) -> Iterator[Reference]:
    if type(node) is nodes.Literal or (type(node) is nodes.Template and len(node.parts) == 1 and _is_plain(node.parts[0])):
        return
    pending: list[tuple[object, frozenset[str], Source]] = [(node, bound, source)]
    while pending:
        at, names, place = pending.pop()
        kind = type(at)
        if kind is nodes.GetAttr or kind is nodes.Index or kind is nodes.Splat:
            whole, keys = traversal(at)  # type: ignore[arg-type]
            pending.extend((key, names, place) for key in keys)
            if whole is not None and len(whole) > 1 and whole[0] not in names:
                assert isinstance(at, nodes.Node)
                yield Reference(tuple(whole), at, place, known, check)
        elif isinstance(at, (nodes.For, nodes.TemplateFor)):
            pending.extend(_of_loop(at, names, place))
        elif isinstance(at, (tuple, list)):
            pending.extend((item, names, place) for item in reversed(at))
        elif isinstance(at, Elsewhere):
            pending.append((at.inner, names, at.source))
        elif isinstance(at, nodes.ObjectItem) and isinstance(at.key, nodes.Variable):
            pending.append((at.value, names, place))
        else:
            pending.extend((getattr(at, name), names, place) for name in reversed(PARTS.get(kind, ())))


def _is_plain(part: nodes.TemplatePart) -> bool:
    return type(part) is nodes.StringPart


def _of_loop(
    node: nodes.For | nodes.TemplateFor, names: frozenset[str], place: Source
) -> Iterator[tuple[object, frozenset[str], Source]]:
    yield node.collection, names, place
    if isinstance(node, nodes.For):
        inside = names | {name for name in (node.key_name, node.value_name) if name}
        yield from ((part, inside, place) for part in (node.key, node.value, node.condition) if part is not None)
    else:
        yield node.parts, names | {name for name in (node.key, node.value) if name}, place


def traversal(node: nodes.Expression) -> tuple[list[str] | None, list[nodes.Node]]:
    """The names of a traversal from its root on, None where it begins with something else; and what it holds otherwise."""
    names: list[str] = []
    inside: list[nodes.Node] = []
    at: nodes.Node = node
    while True:
        if isinstance(at, nodes.GetAttr):
            names.append(at.name)
            at = at.of
        elif isinstance(at, nodes.Index):
            names.append(INDEX)
            inside.append(at.key)
            at = at.of
        elif isinstance(at, nodes.Splat):
            rest, more = _rest(at.each)
            inside.extend(more)
            names.extend((*reversed(rest), INDEX))
            at = at.of
        elif isinstance(at, nodes.Variable):
            names.append(at.name)
            return names[::-1], inside
        else:
            return None, [*inside, at]


def _rest(each: nodes.Node) -> tuple[list[str], list[nodes.Node]]:
    """The names behind a splat."""
    names: list[str] = []
    inside: list[nodes.Node] = []
    at = each
    while isinstance(at, (nodes.GetAttr, nodes.Index, nodes.Splat)):
        if isinstance(at, nodes.Splat):
            return [], [*inside, at.each]
        if isinstance(at, nodes.GetAttr):
            names.append(at.name)
        else:
            names.append(INDEX)
            inside.append(at.key)
        at = at.of
    return names[::-1], inside
