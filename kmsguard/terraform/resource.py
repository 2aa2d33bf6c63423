"""Instances of resources and data sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kmsguard.model.declaration import NOT_READ, Declaration, Provider
from kmsguard.model.guard import Formula
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Branch, Choice, Target, Unknown, Value
from kmsguard.syntax.hcl.nodes import Body, Expression, TupleExpr
from kmsguard.terraform.body import META, argument, block_body, inside, nested_blocks
from kmsguard.terraform.choices import choose
from kmsguard.terraform.expand import Instance, both
from kmsguard.terraform.load import Located
from kmsguard.terraform.operations import AFTER_APPLY
from kmsguard.terraform.partial import Handle, branches, export
from kmsguard.terraform.places import address, literal_text, plain
from kmsguard.terraform.provider import Configuration, provider_of
from kmsguard.terraform.validation import check_conditions

if TYPE_CHECKING:
    from kmsguard.terraform.module import Module


_KEYWORDS = ("when", "on_failure")  # arguments of provisioners whose values are words of the language
_INDEX = re.compile(r"\.(\d+)(?=\.|$)")


class Resource:
    """An instance of a resource or data source. Its attributes are evaluated when they are asked for."""

    def __init__(self, module: Module, located: Located, mode: str, names: tuple[str, str], instance: Instance) -> None:
        self.module = module
        self.located = located
        self.mode = mode
        self.type, self.name = names
        self.instance = instance
        self.local = f"{'' if mode == 'managed' else mode + '.'}{self.type}.{self.name}{instance.suffix}"
        self.address = module.within(self.local)
        self.scope = module.scope(located.file, instance.names, self.local)
        self._attributes: dict[str, Value] = {}
        self._running: set[str] = set()
        self._body: dict[str, Value] | None = None

    @property
    def handle(self) -> Value:
        """The instance as a value."""
        reason = AFTER_APPLY if self.mode == "managed" else "data source"
        return Value(Handle(reason, self.address, Target(self.address, ""), True, "", (), self))

    def attribute(self, name: str) -> Value:
        """What an expression gets for `resource.name`: what is written, or a symbolic value."""
        found = self._attributes.get(name)
        if found is None:
            self._attributes[name] = self.symbolic(name)  # what asks for itself gets this
            self._running.add(name)
            found = self._attribute(name)
            self._running.discard(name)
            self._attributes[name] = found
        elif name in self._running:
            message = f"{self.address} refers to itself; what it gives is unknown"
            self.module.run.report("warning", "cycle", self.located.head, message)
        return found

    def _attribute(self, name: str) -> Value:
        computed = self._computed(name)
        if computed is not None:
            return computed
        if name in META:
            return self.symbolic(name)
        blocks = self.located.block_types.get(name)
        if blocks is not None:
            value = nested_blocks(blocks, self.scope)
            return self.symbolic(name) if value is None else self._viewed(value, name)
        written = argument(self.located.block, name, self.scope)
        if written is None:
            return self.symbolic(name)
        if isinstance(written.data, Choice):
            return choose(
                (guard, self.symbolic(name) if option.data is ABSENT else self._referred(option, name))
                for guard, option in branches(written)
            )
        return self._referred(written, name)

    def _referred(self, value: Value, name: str) -> Value:
        return replace(value, refs=(*value.refs, Target(self.address, name)), place=None)

    def _computed(self, name: str) -> Value | None:
        from kmsguard.terraform import data

        compute = data.COMPUTED.get(self.type) if self.mode == "data" else data.COMPUTED_MANAGED.get(self.type)
        return None if compute is None else compute(self, name)

    def symbolic(self, name: str) -> Value:
        """An attribute that is known after apply only."""
        target = Target(self.address, name)
        reason = AFTER_APPLY if self.mode == "managed" else "data source"
        certain = name in ("arn", "id")
        prefix = "arn:" if name == "arn" and self.type.startswith("aws_") else ""
        written = _INDEX.sub(r"[\1]", name)
        return Value(Unknown(reason, f"{self.address}.{written}", target, certain, prefix))

    def _viewed(self, value: Value, name: str) -> Value:
        """Nested blocks, whose attributes that are not written are symbolic too."""
        if not isinstance(value.data, tuple):
            return value
        return value.with_data(tuple(self._view(item, name, number) for number, item in enumerate(value.data)))

    def _view(self, item: Value, name: str, number: int) -> Value:
        data = item.data
        if isinstance(data, Choice):  # one that is there under a condition
            return item.with_data(Choice(tuple(Branch(b.guard, self._view(b.value, name, number)) for b in data.branches)))
        if not isinstance(data, dict):
            return item
        view = BlockView(self, f"{name}.{number}", data)
        reference = f"{self.address}.{name}[{number}]"
        return item.with_data(Handle(AFTER_APPLY, reference, Target(self.address, view.path), True, "", (), view))

    def members(self) -> dict[str, Value] | None:
        """The provider knows attributes that are written nowhere."""
        return None

    def written(self) -> dict[str, Value]:
        """All that is written in the block."""
        if self._body is None:
            self._body = block_body(self.located.block, self.scope, META)
        return self._body

    @property
    def configuration(self) -> Configuration:
        """The provider's configuration."""
        return provider_of(self)

    def declaration(self) -> Declaration:
        """What the instance is, to the outside."""
        located = self.located
        exists: Formula = both(self.module.exists, self.instance.exists)
        reason = None
        if exists is Truth.UNKNOWN:
            reason = self.instance.reason or self.module.exists_reason
        body = {name: export(value) for name, value in self.written().items()}
        if exists is Truth.YES:
            self._check()
        return Declaration(
            address=self.address,
            type=self.type,
            mode="managed" if self.mode == "managed" else "data",
            body=Value(body, located.span, located.span),
            span=located.span,
            head=located.head,
            exists=exists,
            exists_reason=reason,
            provider=self._provider(body),
            comments=located.comments,
            metadata=self.module.metadata(located.block),
            calls=self.module.calls,
            hidden=None if _complete(located.block.body) else NOT_READ,
            resource_attributes=self._meta(),
        )

    def _check(self) -> None:
        """Whether the conditions in its `lifecycle` are met."""
        for block in self.located.block_types.get("lifecycle", ()):
            if block.body.blocks:
                scope = inside(self.scope, block).binding({"self": self.handle})
                check_conditions(block.body.blocks, scope, self.address)

    def _meta(self) -> dict[str, Value]:
        """How Terraform gets to the instance, what it runs there, and whether it may destroy it."""
        out: dict[str, Value] = {}
        scope = self.scope.binding({"self": self.handle})
        for name in ("connection", "provisioner"):
            blocks = self.located.block_types.get(name)
            value = nested_blocks(blocks, scope, _KEYWORDS) if blocks else None
            if value is not None:
                out[name] = export(value)
        for block in self.located.block_types.get("lifecycle", ()):
            kept = argument(block, "prevent_destroy", inside(scope, block))
            if kept is not None:
                out["prevent_destroy"] = export(kept)
            ignored = block.body.attributes.get("ignore_changes")
            if ignored is not None:
                names = tuple(Value(name) for name in _listed(ignored.expression))
                out["ignore_changes"] = Value(names, inside(scope, block).span(ignored.expression))
        return out

    def _provider(self, body: dict[str, Value]) -> Provider:
        configuration = self.configuration
        region = configuration.region
        if self.type.startswith("aws_") and "region" in body and self.type != "aws_region":
            region = body["region"]  # since version 6 of the provider every resource can name its Region
        return Provider(
            configuration.name,
            None if region is None else export(region),
            None if configuration.account is None else export(configuration.account),
        )


def _listed(node: Expression) -> Iterator[str]:
    """The arguments that `ignore_changes` names; `all` where it is all of them."""
    whole = plain(node)
    for item in whole.items if isinstance(whole, TupleExpr) else (whole,):
        path = address(item)
        name = path[0] if path else literal_text(item)
        if name:
            yield name


class BlockView:
    """A nested block of an instance, as an expression sees it."""

    def __init__(self, resource: Resource, path: str, body: dict[str, Value]) -> None:
        self.resource = resource
        self.path = path
        self.body = body

    def attribute(self, name: str) -> Value:
        """What is written in the block, or a symbolic value."""
        found = self.body.get(name)
        if found is None:
            return self.resource.symbolic(f"{self.path}.{name}")
        if isinstance(found.data, tuple) and found.data and isinstance(found.data[0].data, dict):
            items = []
            for number, item in enumerate(found.data):
                if isinstance(item.data, dict) and item.place is not None and item.place == item.span:
                    view = BlockView(self.resource, f"{self.path}.{name}.{number}", item.data)
                    target = Target(self.resource.address, view.path)
                    items.append(item.with_data(Handle(AFTER_APPLY, None, target, True, "", (), view)))
                else:
                    items.append(item)
            return found.with_data(tuple(items))
        return replace(found, refs=(*found.refs, Target(self.resource.address, f"{self.path}.{name}")))

    def members(self) -> dict[str, Value] | None:
        """The provider knows attributes that are written nowhere."""
        return None


Compute = Callable[[Resource, str], "Value | None"]


def _complete(body: Body) -> bool:
    """Whether all of a block was understood, nested blocks included."""
    return body.complete and all(_complete(block.body) for block in body.blocks)
