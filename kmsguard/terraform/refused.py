"""What Terraform refuses of resources and data sources of the AWS provider, and of its own block: names that it does not
know, arguments and blocks that are missing or too many, values of the wrong type.

What every known version of the provider refuses is told, as warnings: a newer version may know more. Of resources of other
providers, and of other versions, nothing is said. See https://developer.hashicorp.com/terraform/language/syntax/configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from kmsguard.model.source import Source, Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Absent, Choice, Text, Unknown, Value
from kmsguard.syntax.hcl.nodes import Attribute, Block, Body, Literal, Node
from kmsguard.terraform import requirements
from kmsguard.terraform.attributes import unknown_attributes
from kmsguard.terraform.aws_schema import (
    TERRAFORM,
    Entry,
    Schema,
    block_schema,
    newest,
    resource_schema,
    resource_types,
)
from kmsguard.terraform.body import META, block_body
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.evaluate import conclude
from kmsguard.terraform.expand import both
from kmsguard.terraform.load import Located, ModuleSource
from kmsguard.terraform.partial import Handle, Invalid, branches
from kmsguard.terraform.schema import instead, label
from kmsguard.terraform.scope import Run, Scope
from kmsguard.terraform.types import Type

if TYPE_CHECKING:
    from kmsguard.terraform.module import Module
    from kmsguard.terraform.provider import Configuration
    from kmsguard.terraform.resource import Resource

_OLDEST = (4, 0, 0)
_META = META | {"alias", "version"}
_OF_TERRAFORM = frozenset({"lifecycle", "provisioner", "connection", "timeouts", "_"})
_OF_TERRAFORM_ITSELF = ("hashicorp/terraform", "terraform.io/builtin/terraform")
_SCALARS = {"string": "a text", "number": "a number", "bool": "true or false"}
_PLURALS = {"string": "texts", "number": "numbers", "bool": "true or false"}
_TEXTS = (str, Text, bool, int, float, Decimal)  # what becomes a text where one is asked for


class _Wrong(msgspec.Struct, frozen=True):
    """What is wrong with a block as it is written. `within`: the `dynamic` blocks around it, which may be never made."""

    code: str
    span: Span
    message: str
    within: tuple[Span, ...] = ()


def report_refused(root: Module, modules: dict[str, ModuleSource]) -> None:
    """Says of each resource, data source and ephemeral resource what the schema of its provider refuses of it, and of the
    provider's own blocks.

    `modules`: all that were read, by folder; the version of the AWS provider has to suit all of them.
    """
    search = _Search(root.run, requirements.allows(root.run, modules.values(), _OLDEST, newest()))
    for source in modules.values():
        search.source(source)
    search.module(root)


class _Search:
    def __init__(self, run: Run, knows_aws: bool) -> None:
        self.run = run
        self.knows_aws = knows_aws  # whether its versions are among those that are known
        self._checked: dict[Located, tuple[Schema, list[_Wrong]]] = {}  # with what is wrong in blocks that may be never made

    def source(self, source: ModuleSource) -> None:
        """A module as it is written, whether there is an instance of it or not."""
        named = requirements.sources(source)
        schemas: dict[tuple[str, str, str], Schema] = {}
        for key, located in source.resources.items():
            mode, of_type, _ = key
            made_with = requirements.made_with(located, of_type, named)
            if made_with == requirements.AWS and of_type.startswith("aws_"):
                if not self.knows_aws:
                    continue
                schema = resource_schema(mode, of_type)
            elif of_type.startswith("terraform_") and made_with in _OF_TERRAFORM_ITSELF:
                schema = TERRAFORM.get((mode, of_type))
            else:
                continue
            if schema is not None:
                schemas[key] = schema
                self._written(located, f"`{of_type}`", schema)
            elif mode != "ephemeral" or of_type in resource_types("managed"):  # newer versions have more ephemeral ones
                self._tell(_no_such_type(mode, of_type, located))
        for key_of, located in source.providers.items():
            provider = key_of.split(".")[0]
            schema = resource_schema("provider", provider)
            if schema is not None and self.knows_aws and named.get(provider, requirements.AWS) == requirements.AWS:
                self._written(located, f"provider `{provider}`", schema)
        for span, message in unknown_attributes(source, schemas):
            self._tell(_Wrong("unknown-attribute", span, message))

    def _written(self, located: Located, name: str, schema: Schema) -> None:
        found = list(_read(located, name, schema))
        for wrong in found:
            if not wrong.within:
                self._tell(wrong)
        self._checked[located] = schema, [wrong for wrong in found if wrong.within]

    def module(self, module: Module) -> None:
        """The values in an instance of a module, and in those that it calls."""
        for key, located in module.source.resources.items():
            checked = self._checked.get(located)
            if checked is None or key[0] == "ephemeral":
                continue
            for instance in module.resource(key)[1].values():
                if both(module.exists, instance.instance.exists) is not Truth.NO:
                    self._instance(instance, *checked)
        for configuration in list(module.configurations.values()):
            if configuration.module is module and not configuration.is_repeated:
                self._configuration(configuration)
        for name in module.source.calls:
            for child in module.children(name)[1].values():
                if child is not None and child.exists is not Truth.NO:
                    self.module(child)

    def _instance(self, instance: Resource, schema: Schema, pending: list[_Wrong]) -> None:
        if pending:
            made = _spans(Value(instance.written()))
            for wrong in pending:
                if made.issuperset(wrong.within):
                    self._tell(wrong)
        values = _Values(instance.scope, instance.located, f"`{instance.type}`", instance.written(), schema)
        for wrong in values.wrong():
            self._tell(wrong)

    def _configuration(self, configuration: Configuration) -> None:
        located = configuration.located
        if located is None or located not in self._checked:
            return
        scope = configuration.scope(located)
        name = f"provider `{label(located.block, 0)}`"
        for wrong in _Values(scope, located, name, block_body(located.block, scope, _META), self._checked[located][0]).wrong():
            self._tell(wrong)

    def _tell(self, wrong: _Wrong) -> None:
        self.run.report("warning", wrong.code, wrong.span, wrong.message)


def _no_such_type(mode: str, of_type: str, located: Located) -> _Wrong:
    what = {"data": "data source", "ephemeral": "ephemeral resource"}.get(mode, "resource")
    if of_type.startswith("aws_"):
        known = ".".join(map(str, newest()))
        message = f"the AWS provider has no {what} `{of_type}`, up to version {known}"
        message += instead(of_type, frozenset(resource_types(mode)), otherwise="")
    else:
        message = f"Terraform's own provider has no {what} `{of_type}`"
        message += instead(of_type, frozenset(known for kind, known in TERRAFORM if kind == mode), otherwise="")
    return _Wrong("unknown-resource-type", located.head, message)


def _spans(value: Value) -> frozenset[Span]:
    """The places of all nested blocks that were made."""
    found: dict[Span, None] = {}
    rest = [value]
    while rest:
        at = rest.pop()
        data = at.data
        if isinstance(data, Choice):
            rest.extend(branch.value for branch in data.branches)
        elif isinstance(data, tuple):
            rest.extend(data)
        elif isinstance(data, dict):
            if at.span is not None:
                found[at.span] = None
            rest.extend(data.values())
    return frozenset(found)


# --- as it is written --------------------------------------------------------------------------------------------------------


class _Body(msgspec.Struct, frozen=True, eq=False):
    """A body, and what is said of it."""

    name: str  # `bucket`, or `rule` of `bucket`
    body: Body
    schema: Schema
    source: Source
    head: Span
    within: tuple[Span, ...] = ()
    is_top: bool = False
    is_block: bool = True  # and no object, of which all members may be left out

    def wrong(self, code: str, span: Span, message: str) -> _Wrong:
        return _Wrong(code, span, message, self.within)


def _read(located: Located, name: str, schema: Schema) -> Iterator[_Wrong]:
    """What is wrong with a block as it is written, whatever its values are."""
    return _body(_Body(name, located.block.body, schema, located.file.source, located.head, is_top=True))


def _body(at: _Body) -> Iterator[_Wrong]:
    for attribute in at.body.attributes.values():
        if not (at.is_top and attribute.name in _META):
            yield from _argument(at, attribute)
    present: dict[str, list[Block]] = {}
    for block in at.body.blocks:
        of = _type_of(block)
        if of and not (at.is_top and of in _OF_TERRAFORM and of not in at.schema):  # a `dynamic` one may lack its label
            present.setdefault(of, []).append(block)
            yield from _block(at, block, of)
    if not at.body.complete:
        return
    written = {*at.body.attributes, *present}
    if at.is_top:
        written.update(name for block in at.body.blocks if block.type == "_" for name in block.body.attributes)
    for name, blocks in present.items():
        yield from _too_many_blocks(at, name, blocks)
    for name in at.schema.needed:
        if name not in written:
            entry = at.schema[name]
            if entry.kind == "block":
                yield at.wrong("missing-block", at.head, _too_few(name, entry, at.name))
            elif at.is_block:
                yield at.wrong("missing-argument", at.head, f"{at.name} lacks its argument `{name}`")


def _argument(at: _Body, attribute: Attribute) -> Iterator[_Wrong]:
    name, entry = attribute.name, at.schema.get(attribute.name)
    if entry is not None and entry.kind != "block":
        return
    source: Source = getattr(attribute, "source", at.source)
    span = source.span(attribute.start, attribute.name_end)
    if entry is None:
        yield at.wrong("unknown-argument", span, f"{at.name} has no argument `{name}`{_instead(name, at.schema)}")
    else:
        message = f"`{name}` of {at.name} is a block: write `{name} {{` without an equals sign"
        yield at.wrong("unknown-argument", span, message)


def _block(at: _Body, block: Block, of: str) -> Iterator[_Wrong]:
    source: Source = getattr(block, "source", at.source)
    head = source.span(block.start, block.head_end)
    entry = at.schema.get(of)
    if entry is None:
        yield at.wrong("unknown-block", head, f"{at.name} has no block `{of}`{_instead(of, at.schema)}")
    elif entry.kind == "argument":
        yield at.wrong("unknown-block", head, f"`{of}` of {at.name} is an argument: write `{of} =`")
    elif entry.kind == "computed":
        yield at.wrong("unknown-block", head, f"`{of}` of {at.name} is decided by the provider; remove it")
    elif entry.kind != "any":
        body = _content(block)
        within = (*at.within, source.span(block.start, block.end)) if block.type == "dynamic" else at.within
        if body is not None:
            name, is_block = f"`{of}` of {at.name}", entry.kind == "block"
            yield from _body(_Body(name, body, block_schema(entry.inner), source, head, within, is_block=is_block))


def _too_many_blocks(at: _Body, of: str, blocks: list[Block]) -> Iterator[_Wrong]:
    entry = at.schema.get(of)
    if entry is None or entry.kind != "block":
        return
    fixed = [block for block in blocks if block.type != "dynamic"]
    if entry.most and len(fixed) > entry.most:
        extra = fixed[entry.most]
        source: Source = getattr(extra, "source", at.source)
        yield at.wrong("too-many-blocks", source.span(extra.start, extra.head_end), _too_many(of, entry, at.name))
    if len(fixed) == len(blocks) < entry.least:
        yield at.wrong("missing-block", at.head, _too_few(of, entry, at.name))


def _too_many(of: str, entry: Entry, name: str) -> str:
    return f"{name} takes {'one block' if entry.most == 1 else f'{entry.most} blocks'} `{of}` at most"


def _too_few(of: str, entry: Entry, name: str) -> str:
    return f"{name} lacks its block `{of}`" if entry.least == 1 else f"{name} takes at least {entry.least} blocks `{of}`"


def _instead(name: str, schema: Schema) -> str:
    settable = frozenset(one for one, entry in schema.items() if entry.kind != "computed")
    return instead(name, settable)


def _is_null(attribute: Attribute) -> bool:
    node: Node = getattr(attribute.expression, "inner", attribute.expression)
    return isinstance(node, Literal) and node.value is None


# --- what it evaluates to ----------------------------------------------------------------------------------------------------


class _Values:
    """The values of an instance, or of a provider's block."""

    def __init__(self, scope: Scope, located: Located, name: str, values: dict[str, Value], schema: Schema) -> None:
        self.scope = scope
        self.located = located
        self.name = name
        self.values = values
        self.schema = schema

    def wrong(self) -> Iterator[_Wrong]:
        """What is wrong with them."""
        attributes = self.located.block.body.attributes
        for name in self.schema.needed:
            attribute = attributes.get(name)
            if attribute is not None and name not in self.values and self._is_null(attribute):
                span = self.scope.span(attribute)
                yield _Wrong("missing-argument", span, f"{self.name} lacks its argument `{name}`: it is null")
        for of, blocks in self.located.block_types.items():
            entry = self.schema.get(of)
            if entry is not None and entry.kind == "block" and any(one.type == "dynamic" for one in blocks):
                yield from self._count(of, entry, self.values.get(of), self.scope.span(blocks[0]))
        yield from self._values(self.values, self.schema, self.name, [self.located.block.body])

    def _is_null(self, attribute: Attribute) -> bool:
        """Whether it is null however the module is called: a default of null stands for what a caller has to give."""
        trail = conclude(attribute.expression, self.scope).trail
        if trail is None:
            return _is_null(attribute)
        # one of a called module stands: the call leaves it out
        return all(step.what != "variable default" or step.name.startswith("module.") for step in trail.chain())

    def _count(self, of: str, entry: Entry, value: Value | None, span: Span) -> Iterator[_Wrong]:
        items = () if value is None else value.items
        if value is not None and not (items and all(isinstance(item.data, dict) for item in items)):
            return  # how many there are hangs on something
        if entry.most and len(items) > entry.most:
            yield _Wrong("too-many-blocks", span, f"{_too_many(of, entry, self.name)}; here are {len(items)}")
        elif len(items) < entry.least:
            yield _Wrong("missing-block", self.located.head, f"{_too_few(of, entry, self.name)}; here are {len(items)}")

    def _values(self, values: dict[str, Value], schema: Schema, name: str, bodies: list[Body]) -> Iterator[_Wrong]:
        for one, value in values.items():
            entry = schema.get(one)
            if entry is None:
                continue
            inside = _bodies(bodies, one) if isinstance(value.data, tuple) else []
            if entry.kind == "computed":
                if all(option.data is not None and not isinstance(option.data, Absent) for _, option in branches(value)):
                    yield from _at(
                        value, "computed-argument", f"`{one}` of {name} is decided by the provider; it cannot be set, remove it"
                    )
            elif entry.kind == "argument" and entry.type is not None and not inside:
                reason = _misfit(value, entry.type)
                if reason is not None:
                    yield from _at(value, "invalid-value", f"`{one}` of {name} is {_shown(entry.type)}, and {reason}")
            elif entry.kind in ("block", "objects"):
                inner = block_schema(entry.inner)
                reason = _no_objects(value, inner) if entry.kind == "objects" and not inside else None
                if reason is not None:
                    yield from _at(value, "invalid-value", f"`{one}` of {name} is a list of objects, and {reason}")
                    continue
                for item in value.items:
                    yield from self._values(item.members, inner, f"`{one}` of {name}", inside)


def _at(value: Value, code: str, message: str) -> Iterator[_Wrong]:
    if value.where is not None:
        yield _Wrong(code, value.where, message)


def _bodies(bodies: list[Body], of: str) -> list[Body]:
    """What is written in blocks of a type inside of others."""
    found = [block for body in bodies for block in body.blocks if of == _type_of(block)]
    return [content for block in found if (content := _content(block)) is not None]


def _type_of(block: Block) -> str:
    """The type of a block, or of those that a `dynamic` one makes."""
    return label(block, 0) if block.type == "dynamic" else block.type


def _content(block: Block) -> Body | None:
    """What a block holds, or each of those that a `dynamic` one makes."""
    if block.type != "dynamic":
        return block.body
    return next((nested.body for nested in block.body.blocks if nested.type == "content"), None)


def _no_objects(value: Value, schema: Schema) -> str | None:
    """Why a value is no list of such objects; None where it may be one."""
    if value.data is None or isinstance(value.data, (Unknown, Choice, Absent)):
        return None
    if not isinstance(value.data, tuple):
        return f"this is {_what(value)}"
    lacking = (name for item in value.items if isinstance(item.data, dict) for name in schema.needed if name not in item.data)
    return next((f"one lacks `{name}`, which may be null" for name in lacking), None)


def _misfit(value: Value, to: Type) -> str | None:
    """Why a value cannot be one of a type, however its conditions turn out; None where it can."""
    reasons = [_wrong(option, to) for _, option in branches(value)]
    return reasons[0] if all(reason is not None for reason in reasons) else None


def _wrong(value: Value, to: Type) -> str | None:
    data = value.data
    if data is None or isinstance(data, Absent):
        return None
    if isinstance(data, Handle) and data.of is not None and to.kind != "map":
        return "this is a whole object: name one of its attributes"
    if isinstance(data, Unknown):
        return None
    if to.kind in ("list", "map"):
        wanted: type = tuple if to.kind == "list" else dict
        if not isinstance(data, wanted):
            return f"this is {_what(value)}"
        items = data if isinstance(data, tuple) else data.values() if isinstance(data, dict) else ()
        assert to.element is not None
        return next((reason for item in items if (reason := _misfit(item, to.element)) is not None), None)
    if to.kind == "string":
        return None if isinstance(data, _TEXTS) else f"this is {_what(value)}"
    return f"this is {_what(value)}" if isinstance(convert(value, to).data, Invalid) else None


def _what(value: Value) -> str:
    data = value.data
    if isinstance(data, tuple):
        return "a list"
    if isinstance(data, dict):
        return "a map"
    if isinstance(data, bool):
        return "true or false"
    return "a text" if isinstance(data, (str, Text)) else "a number"


def _shown(of: Type) -> str:
    """A type in words."""
    if of.element is None:
        return _SCALARS[of.kind]
    return f"a {of.kind} of {_PLURALS.get(of.element.kind, f'{of.element.kind}s')}"
