"""Terraform's JSON syntax to the tree of the native one: `.tf.json`.

See https://developer.hashicorp.com/terraform/language/syntax/json. What a nested object is, a block or a map, only the
provider's schema says; of other providers than AWS's some arguments that are maps are known by name, every other object is a
block.
"""

from __future__ import annotations

from decimal import Decimal

from kmsguard.model.declaration import Problem
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Text, Value
from kmsguard.syntax.hcl.nodes import (
    Attribute,
    Block,
    Body,
    Expression,
    HclFile,
    Label,
    Literal,
    Missing,
    ObjectExpr,
    ObjectItem,
    StringPart,
    Template,
    TupleExpr,
)
from kmsguard.syntax.hcl.parser import parse_expression, parse_template
from kmsguard.syntax.json import parse_json_source
from kmsguard.terraform.aws_schema import Entry, Schema, block_schema, resource_schema
from kmsguard.terraform.functions.filesystem import FixedSource
from kmsguard.terraform.load import Elsewhere
from kmsguard.terraform.scope import Run

_LABELS = {
    "resource": 2, "data": 2, "ephemeral": 2, "variable": 1, "output": 1, "module": 1, "provider": 1, "check": 1,
    "locals": 0, "terraform": 0, "moved": 0, "import": 0, "removed": 0,
}  # fmt: skip
_BLOCKS: dict[str, frozenset[str]] = {
    "variable": frozenset({"validation"}),
    "output": frozenset({"precondition", "postcondition"}),
    "terraform": frozenset({"backend", "cloud", "required_providers", "provider_meta"}),
}
_NO_BLOCKS = frozenset({"locals", "module", "required_providers"})
_NAMED = frozenset({"dynamic", "provisioner", "backend", "provider_meta"})  # nested blocks with a label
_NEVER_BLOCKS = frozenset(
    {
        "for_each",
        "default",
        "value",
        "providers",
        "input",
        "keepers",
        "labels",
        "parameters",
        "tags",
        "triggers",
        "triggers_replace",
        "variables",
        "vars",
    }
)
_TYPES = frozenset({"type", "depends_on"})
_MODES = {"resource": "managed", "data": "data"}
COMMENT = "//"


class JsonBlock(Block):
    """A block of the JSON syntax, with what its comment object says."""

    metadata: Value | None


def read_json(run: Run, path: str) -> HclFile | None:
    """A file in JSON syntax; None where nothing of it could be read (a problem says why)."""
    source = run.read(path)
    if isinstance(source, Problem):
        run.add(source)
        return None
    value, problems = parse_json_source(source)
    for problem in problems:
        run.add(problem)
    if value is None:
        return None
    reader = _Reader(run, source)
    blocks: list[Block] = []
    for member in _objects(value):
        if not isinstance(member.data, dict):
            reader.misplaced(member, "a file of code is an object, or an array of objects")
        for kind, content in member.members.items():
            if kind != COMMENT:
                blocks.extend(reader.labelled(kind, content, _LABELS.get(kind, 0), [], content))
    return HclFile(source, Body(0, len(source.text), {}, tuple(blocks)), (), ())


def _objects(value: Value) -> tuple[Value, ...]:
    """An object, or each object of an array of them."""
    return value.items if isinstance(value.data, tuple) else (value,)


def _inner(schema: Schema | None, name: str) -> Schema | None:
    """What the nested blocks of a type may hold, where that is known."""
    entry = schema.get(name) if schema is not None else None
    return None if entry is None or entry.inner < 0 else block_schema(entry.inner)


class _Reader:
    def __init__(self, run: Run, source: Source) -> None:
        self.run = run
        self.source = source

    def offsets(self, span: Span | None) -> tuple[int, int]:
        if span is None:
            return 0, 0
        source = self.source
        return source.offset(span.start_line, span.start_column), source.offset(span.end_line, span.end_column)

    def misplaced(self, value: Value, message: str) -> None:
        """Says that there is something else than an object."""
        start, end = self.offsets(value.where)
        self.run.report("error", "invalid-block", self.source.span(start, end), message)

    def labelled(
        self, kind: str, value: Value, labels: int, names: list[str], entry: Value, schema: Schema | None = None
    ) -> list[Block]:
        """The blocks of a kind, whose labels are the names of objects around them. `schema`: what they may hold."""
        out: list[Block] = []
        for content in _objects(value):
            holder = entry if not isinstance(value.data, tuple) else content
            if labels and isinstance(content.data, dict):
                for name, inner in content.data.items():
                    if name != COMMENT:
                        out.extend(self.labelled(kind, inner, labels - 1, [*names, name], inner, schema))
            elif isinstance(content.data, dict):
                out.append(self.block(kind, names, content, holder, schema))
            elif content.data is not None:
                self.misplaced(content, f"what a `{kind}` block holds is an object, with its labels as objects around it")
        return out

    def block(self, kind: str, names: list[str], value: Value, entry: Value, schema: Schema | None) -> Block:
        """One block."""
        if kind in _MODES and names[0].startswith("aws_"):
            schema = resource_schema(_MODES[kind], names[0])
        elif kind == "dynamic":
            schema = _inner(schema, names[0])
        start, end = self.offsets(entry.where)
        body_start, _ = self.offsets(value.span)
        labels = tuple(Label(start, start, name) for name in names)
        body = self.body(kind, value, schema)
        return JsonBlock(start, end, kind, labels, body, body_start + 1, value.members.get(COMMENT))

    def body(self, kind: str, value: Value, schema: Schema | None) -> Body:
        """What stands in a block."""
        start, end = self.offsets(value.span)
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        for name, content in value.members.items():
            if name == COMMENT:
                continue
            known = schema.get(name) if schema is not None and kind != "dynamic" else None
            if known is not None and known.kind == "block" and not content.items and not isinstance(content.data, (dict, str)):
                continue  # null, or none of them
            if self.is_block(kind, name, content, known):
                if name in _NAMED and known is None:
                    blocks.extend(self.labelled(name, content, 1, [], content, schema))
                else:
                    inside = schema if kind == "dynamic" else _inner(schema, name)
                    blocks.extend(self.labelled(name, content, 0, [], content, inside))
            else:
                at, to = self.offsets(content.where)
                attributes[name] = Attribute(at, to, name, at + len(name) + 2, self.argument(kind, name, content))
        return Body(start, end, attributes, tuple(blocks))

    def is_block(self, kind: str, name: str, content: Value, known: Entry | None) -> bool:
        """Whether an object (or array of objects) is a nested block, and no map."""
        if known is not None and known.kind in ("argument", "computed"):
            return False
        if kind in _BLOCKS:
            return name in _BLOCKS[kind]
        if kind in _NO_BLOCKS or (known is None and name in _NEVER_BLOCKS):
            return False
        objects = _objects(content)
        return bool(objects) and all(isinstance(item.data, dict) for item in objects)

    def argument(self, kind: str, name: str, value: Value) -> Expression:
        """The expression of an argument; some are code as text, and no templates."""
        if kind == "variable" and name in _TYPES and value.text is not None:
            return self.code(value, value.text)
        if kind == "variable" and name == "default":
            return self.expression(value, literal=True)
        return self.expression(value)

    def code(self, value: Value, text: str) -> Expression:
        """Code as text: `"list(string)"`."""
        start, end = self.offsets(value.span)
        source = Source(self.source.path, text)
        node, _ = parse_expression(source)
        return Elsewhere(start, end, FixedSource(source, value.span or self.source.span(start, end)), node)  # type: ignore[return-value]

    def expression(self, value: Value, *, literal: bool = False) -> Expression:
        """A JSON value as an expression: texts are templates."""
        start, end = self.offsets(value.span)
        data = value.data
        if isinstance(data, (str, Text)):
            return self.template(value, start, end, literal=literal)
        if isinstance(data, tuple):
            return TupleExpr(start, end, tuple(self.expression(item, literal=literal) for item in data))
        if isinstance(data, dict):
            items = []
            for name, item in data.items():
                at, to = self.offsets(item.where)
                key = self.key(name, at, literal=literal)
                items.append(ObjectItem(at, to, key, self.expression(item, literal=literal)))
            return ObjectExpr(start, end, tuple(items))
        if data is None or isinstance(data, (bool, int, Decimal)):
            return Literal(start, end, data)
        return Missing(start, end)

    def key(self, name: str, start: int, *, literal: bool) -> Expression:
        """The name of a member, which is a template too."""
        end = start + len(name) + 2
        if literal or ("${" not in name and "%{" not in name):
            return Template(start, end, (StringPart(start, end, name),))
        source = Source(self.source.path, name)
        node, _ = parse_template(source)
        return Elsewhere(start, end, FixedSource(source, self.source.span(start, end)), node)  # type: ignore[return-value]

    def template(self, value: Value, start: int, end: int, *, literal: bool) -> Expression:
        """A text; where it has no escapes its parts stand where they stand in the file."""
        text = value.text or ""
        if literal or ("${" not in text and "%{" not in text and "$${" not in text):
            return Template(start, end, (StringPart(start, end, text),) if text else ())
        if "\\" not in self.source.text[start:end]:
            node, problems = parse_expression(self.source, start, end)
        else:
            source = Source(self.source.path, text)
            inner, problems = parse_template(source)
            node = Elsewhere(start, end, FixedSource(source, value.span or self.source.span(start, end)), inner)  # type: ignore[assignment]
        for problem in problems:
            self.run.add(problem)
        return node
