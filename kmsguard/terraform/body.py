"""What stands in a block: arguments and nested blocks, as a map."""

from __future__ import annotations

from collections.abc import Container

from kmsguard.model.guard import Formula, negate
from kmsguard.model.source import Source, Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Branch, Choice, Unknown, Value
from kmsguard.syntax.hcl.nodes import Block, Node
from kmsguard.terraform.choices import absent_for_null
from kmsguard.terraform.evaluate import conclude
from kmsguard.terraform.expand import repeated
from kmsguard.terraform.history import via
from kmsguard.terraform.load import block_types
from kmsguard.terraform.partial import Invalid
from kmsguard.terraform.schema import label
from kmsguard.terraform.scope import Scope
from kmsguard.terraform.types import key_name

META = frozenset({"count", "for_each", "provider", "providers", "depends_on", "lifecycle", "provisioner", "connection"})
"""What a resource's block says to Terraform and not to the provider."""


def argument(block: Block, name: str, scope: Scope) -> Value | None:
    """An argument of a block; None where it is not written, or null."""
    attribute = block.body.attributes.get(name)
    if attribute is None:
        return None
    value = absent_for_null(conclude(attribute.expression, scope))
    return None if value is None else value.at(scope.span(attribute))


def block_body(block: Block, scope: Scope, skip: Container[str] = ()) -> dict[str, Value]:
    """All arguments and nested blocks of a block, in the order in which they stand."""
    types = block_types(block)
    order: list[tuple[int, str, bool]] = [(a.start, name, False) for name, a in block.body.attributes.items()]
    order.extend((blocks[0].start, kind, True) for kind, blocks in types.items())
    out: dict[str, Value] = {}
    for _, name, is_block in sorted(order):
        if name in skip:
            continue
        if is_block and name == "_":  # the escaping block: arguments that are called like meta-arguments
            for nested in types[name]:
                out.update(block_body(nested, scope))
        elif is_block:
            value = nested_blocks(types[name], scope)
            if value is not None:
                out[name] = value
        else:
            found = argument(block, name, scope)
            if found is not None:
                out[name] = found
    return out


def nested_blocks(blocks: list[Block], scope: Scope, skip: Container[str] = ()) -> Value | None:
    """The blocks of one type as a list of maps, without some of their arguments; None where there are none."""
    items: list[Value] = []
    unknown: Value | None = None
    for block in blocks:
        if block.type != "dynamic":
            items.append(_item(block, scope.span(block), inside(scope, block), skip))
            continue
        found = _dynamic(block, scope)
        if isinstance(found, Value):
            unknown = unknown or found
            items.append(found)
        else:
            items.extend(found)
    if not items:
        return None
    place = scope.span(blocks[0])
    if unknown is not None and len(items) == 1:
        return unknown.at(place)
    return Value(tuple(items), place if len(blocks) == 1 else None, place)


def inside(scope: Scope, node: Node) -> Scope:
    """The scope inside of a block, which may stand in an override file."""
    source: Source | None = getattr(node, "source", None)
    return scope if source is None else scope.of(source)


def _item(block: Block, span: Span, scope: Scope, skip: Container[str] = ()) -> Value:
    return Value(block_body(block, scope, skip), span, span)


def _dynamic(block: Block, outer: Scope) -> list[Value] | Value:
    scope = inside(outer, block)
    span = outer.span(block)
    attributes = block.body.attributes
    content = next((nested for nested in block.body.blocks if nested.type == "content"), None)
    for_each = attributes.get("for_each")
    if content is None or for_each is None:
        return []
    iterator = attributes.get("iterator")
    name = (key_name(iterator.expression) if iterator is not None else None) or label(block, 0)
    found = repeated(for_each.expression, scope)
    if isinstance(found, Invalid):
        return Value(Unknown(found.reason, found.reference), span, span)
    items = []
    way = ("dynamic block", label(block, 0), scope.span(for_each))
    for number, (guard, key, value) in enumerate(found):
        each = Value({"key": via(key, *way), "value": via(value, *way)})
        shown = scope.binding({name: each}, f"[{key.text if key.text is not None else number if len(found) > 1 else '*'}]")
        items.append(_guarded(guard, _item(content, span, shown)))
    return items


def _guarded(guard: Formula, item: Value) -> Value:
    """A block that is there under a guard."""
    if guard is Truth.YES:
        return item
    return Value(Choice((Branch(guard, item), Branch(negate(guard), Value(ABSENT)))), item.span, item.place)
