"""Texts that stand in the code and that nothing deploys: locals, the branch of a condition that is not taken, what has no
instances, calls of modules that are not there, backends. A secret among them is in the repository all the same.

Nothing is evaluated: literals are taken as they stand, with the names that they are written under.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from kmsguard.model.declaration import Call, Declaration
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Unknown, Value
from kmsguard.syntax.hcl import nodes
from kmsguard.terraform.addresses import local_address, within
from kmsguard.terraform.load import Located, LocatedAttribute, ModuleSource
from kmsguard.terraform.schema import label
from kmsguard.terraform.texts import text_value
from kmsguard.terraform.types import key_name

_PASSED_ON = frozenset({
    "base64encode", "base64gzip", "coalesce", "coalescelist", "compact", "concat", "distinct", "flatten", "jsonencode", "list",
    "map", "merge", "nonsensitive", "one", "sensitive", "tolist", "tomap", "toset", "tostring", "trimspace", "try",
    "yamlencode",
})  # fmt: skip
"""Functions whose result holds their arguments: what they are given is written under the name of the result."""
_HOLE = Unknown("not evaluated")
_DEEPEST = 100


def texts(source: ModuleSource, address: str, calls: tuple[Call, ...], deployed: Container[Span]) -> Iterator[Declaration]:
    """The blocks and locals of a module that hold such texts. `deployed`: the places of the blocks that have instances."""
    for name, found in source.locals.items():
        span = found.span
        value = _attribute(found.attribute, found.file.source)
        if value is not None:
            yield _declaration(within(address, f"local.{name}"), "local", {name: value}, span, span, calls, found)
    named = [
        *((f"module.{name}", "module", located) for name, located in source.calls.items()),
        *((local_address(*key), key[1], located) for key, located in source.resources.items()),
        *(("terraform", "terraform", located) for located in source.settings),
    ]
    for name, of_type, located in named:
        whole = located.span not in deployed
        body = _body(located, whole=whole)
        if body:
            yield _declaration(within(address, name), of_type, body, located.span, located.head, calls, located)


def _declaration(
    address: str,
    of_type: str,
    body: dict[str, Value],
    span: Span,
    head: Span,
    calls: tuple[Call, ...],
    where: Located | LocatedAttribute,
) -> Declaration:
    from kmsguard.terraform.load import comments_of

    comments = where.comments if isinstance(where, Located) else comments_of(where.file, span)
    return Declaration(address, of_type, "text", Value(body, span, span), span, head, comments=comments, calls=calls)


def _body(located: Located, *, whole: bool) -> dict[str, Value]:
    if whole:
        return _block(located.block.body, located.file.source, 0)
    out: dict[str, Value] = {}
    for holder in _bodies(located.block.body, located.file.source):
        for attribute, source in holder:
            branches = tuple(_branches(attribute.expression, source))
            if branches:
                out.setdefault(attribute.name, Value(()))
                out[attribute.name] = Value((*out[attribute.name].items, *branches))
    return out


def _bodies(body: nodes.Body, source: Source) -> Iterator[list[tuple[nodes.Attribute, Source]]]:
    yield [(attribute, source) for attribute in body.attributes.values()]
    for block in body.blocks:
        yield from _bodies(block.body, getattr(block, "source", source))


def _block(body: nodes.Body, source: Source, depth: int) -> dict[str, Value]:
    """All texts of a block, under the names of its arguments and nested blocks."""
    out: dict[str, Value] = {}
    for name, attribute in body.attributes.items():
        value = _attribute(attribute, source)
        if value is not None:
            out[name] = value
    for block in body.blocks if depth < _DEEPEST else ():
        inner = _block(block.body, getattr(block, "source", source), depth + 1)
        name = label(block, 0) if block.type == "dynamic" else block.type
        if inner:
            out[name] = Value((*(out[name].items if name in out else ()), Value(inner)))
    return out


def _attribute(attribute: nodes.Attribute, source: Source) -> Value | None:
    value = _texts(attribute.expression, source, 0)
    where: Source = getattr(attribute, "source", source)
    return None if value is None else value.at(where.span(attribute.start, attribute.end))


def _texts(node: nodes.Node, source: Source, depth: int) -> Value | None:
    """The texts in an expression, in maps and lists of the shape in which they are written; None where there are none."""
    if depth > _DEEPEST:
        return None
    if isinstance(node, nodes.Template):
        return _template(node, source)
    if isinstance(node, nodes.ObjectExpr):
        members: dict[str, Value] = {}
        for item in node.items:
            value = _texts(item.value, source, depth + 1)
            if value is not None:
                members[key_name(item.key) or ""] = value.at(source.span(item.start, item.end))
        return Value(members) if members else None
    inner = getattr(node, "inner", None)
    if inner is not None:  # parentheses, and what stands in another file
        return _texts(inner, getattr(node, "source", source), depth + 1)
    found = [value for one in _parts(node) if (value := _texts(one, source, depth + 1)) is not None]
    return Value(tuple(found)) if found else None


def _parts(node: nodes.Node) -> Iterable[nodes.Expression]:
    """The expressions that a value may be taken from as they are."""
    if isinstance(node, nodes.TupleExpr):
        return node.items
    if isinstance(node, nodes.Conditional):
        return node.then, node.otherwise
    if isinstance(node, nodes.Call) and node.name in _PASSED_ON:
        return node.arguments
    if isinstance(node, nodes.For):
        return (node.value,)
    if isinstance(node, (nodes.Index, nodes.GetAttr)):
        return (node.of,)
    return ()


def _branches(node: nodes.Node, source: Source) -> Iterator[Value]:
    """The texts in the branches of conditions in an expression."""
    if isinstance(node, nodes.Conditional):
        value = _texts(node, source, 0)
        if value is not None:
            yield value
    elif isinstance(node, nodes.ObjectExpr):
        for item in node.items:
            found = tuple(_branches(item.value, source))
            if found:
                yield Value({key_name(item.key) or "": Value(found)})
    elif getattr(node, "inner", None) is not None:
        yield from _branches(node.inner, getattr(node, "source", source))  # type: ignore[attr-defined]
    else:
        for one in _parts(node):
            yield from _branches(one, source)


def _template(node: nodes.Template, source: Source) -> Value | None:
    span = source.span(node.start, node.end)
    if not any(isinstance(part, nodes.StringPart) for part in node.parts):
        return None
    if len(node.parts) == 1 and isinstance(node.parts[0], nodes.StringPart):
        only = node.parts[0]
        return Value(only.text, source.span(only.start, only.end) if node.heredoc else span)
    return text_value(_pieces(node.parts, source), span)


def _pieces(parts: Iterable[nodes.TemplatePart], source: Source) -> Iterator[Value]:
    for part in parts:
        where = source.span(part.start, part.end)
        if isinstance(part, nodes.StringPart):
            yield Value(part.text, where)
        elif isinstance(part, nodes.TemplateIf):
            yield from _pieces((*part.then, *part.otherwise), source)
        elif isinstance(part, nodes.TemplateFor):
            yield from _pieces(part.parts, source)
        else:
            yield Value(_HOLE, where)
