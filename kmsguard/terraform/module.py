"""An instance of a module: its variables, locals, resources, calls and outputs, each evaluated once, when it is asked for."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Protocol

from msgspec.structs import replace

from kmsguard.model.declaration import Call, Declaration
from kmsguard.model.guard import Formula
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Target, Unknown, Value
from kmsguard.syntax.hcl.nodes import Attribute, Block, Expression, HclFile, ObjectExpr
from kmsguard.terraform.addresses import local_address, within
from kmsguard.terraform.body import argument
from kmsguard.terraform.conversion import as_bool, convert
from kmsguard.terraform.ephemeral import refers_to_ephemeral
from kmsguard.terraform.evaluate import conclude, evaluate
from kmsguard.terraform.expand import Expansion, Instance, both, expansion
from kmsguard.terraform.functions import holds_sensitive
from kmsguard.terraform.history import via
from kmsguard.terraform.load import Elsewhere, Located, ModuleSource
from kmsguard.terraform.opening import open_value
from kmsguard.terraform.partial import Handle, Invalid, export, find_invalid, invalid
from kmsguard.terraform.paths import checkout_path
from kmsguard.terraform.provider import Configuration, chosen, configuration_key, expected_aliases
from kmsguard.terraform.resource import Resource
from kmsguard.terraform.schema import SHAPES
from kmsguard.terraform.scope import Run, Scope
from kmsguard.terraform.types import STRING, Type, key_name, parse_type, wrong_type
from kmsguard.terraform.validation import check, check_assertions, check_conditions, given_at


class Inputs(Protocol):
    """Where the values of a module's variables come from."""

    def value(self, module: Module, name: str, declared: Located, to: Type | None) -> Value | None:
        """The value of a variable before conversion, with its way; None where nothing gives it one."""
        ...

    def open_value(self, module: Module, name: str, declared: Located, to: Type | None) -> Value:
        """A variable that has no value."""
        ...


class Modules(Protocol):
    """How called modules are found."""

    def load(self, module: Module, name: str, call: Located) -> tuple[ModuleSource, bool] | None:
        """What a call calls, and whether it was downloaded; None where it is not there (a problem says so)."""
        ...


class Module:
    """One instance of a module."""

    def __init__(self, run: Run, source: ModuleSource, inputs: Inputs, modules: Modules) -> None:
        self.run = run
        self.source = source
        self.inputs = inputs
        self.modules = modules
        self.address = ""
        self.parent: Module | None = None
        self.key = ""  # the names of the calls that lead here, joined by dots
        self.exists: Formula = Truth.YES
        self.exists_reason: str | None = None
        self.calls: tuple[Call, ...] = ()
        self.configurations: dict[str, Configuration] = {}
        self._values: dict[str, Value] = {}
        self._met: dict[str, dict[str, None]] = {}  # by variable or local: see Facts.met
        self._running: set[str] = set()
        self._resources: dict[tuple[str, str, str], tuple[Expansion, dict[int | str | None, Resource]]] = {}
        self._collected: dict[tuple[str, str, str] | str, Value] = {}  # resources and calls, as expressions see them
        self._children: dict[str, tuple[Expansion, dict[int | str | None, Module | None]]] = {}

    @property
    def root(self) -> Module:
        """The root module."""
        return self if self.parent is None else self.parent.root

    def within(self, name: str) -> str:
        """The full address of something in this module."""
        return within(self.address, name)

    def scope(self, file: HclFile, names: dict[str, Value] | None = None, label: str = "") -> Scope:
        """The scope of an expression of this module."""
        return Scope(self, file.source, names, label)

    def metadata(self, block: Block) -> Value | None:
        """What a comment object (`//`) of the JSON syntax says."""
        return getattr(block, "metadata", None)

    # --- references -------------------------------------------------------------------------------------------------------

    def reference(self, root: str, name: str, span: Span) -> Value:
        """`root.name`: `var.x`, `local.y`, `aws_kms_key.z`, `module.m`, `path.module`."""
        match root:
            case "var":
                return (
                    self._once(f"var.{name}", span) if name in self.source.variables else self._undeclared(f"var.{name}", span)
                )
            case "local":
                return (
                    self._once(f"local.{name}", span) if name in self.source.locals else self._undeclared(f"local.{name}", span)
                )
            case "module":
                return self._module(name, span)
            case "path":
                return self._path(name, span)
            case "terraform" | "tofu":
                return self._terraform(name, span)
            case "each" | "count" | "self":
                reason = f"{root}.{name} is not known here"  # that is told where it is written: `undeclared`
                return Value(Invalid(reason, f"{root}.{name}", said=True))
            case "data" | "ephemeral":
                return invalid(f"{root}.{name} is not known here", f"{root}.{name}")
        if root.startswith("ephemeral."):
            return self._resource("ephemeral", root.removeprefix("ephemeral."), name, span)
        return self._resource("managed", root, name, span)

    def data(self, of_type: str, name: str, span: Span) -> Value:
        """`data.TYPE.NAME`."""
        return self._resource("data", of_type, name, span)

    def _once(self, name: str, span: Span) -> Value:
        found = self._values.get(name)
        if found is not None:
            if name in self._met:
                self.run.facts.met.update(self._met[name])
            return found
        if name in self._running:
            self.run.report("warning", "cycle", span, f"{self.within(name)} refers to itself; what it gives is unknown")
            return Value(Unknown(f"{self.within(name)} refers to itself", self.within(name)), span)
        self._running.add(name)
        facts = self.run.facts
        before, facts.met = facts.met, {}
        try:
            kind, _, rest = name.partition(".")
            found = self._variable(rest, span) if kind == "var" else self._local(rest, span)
        finally:
            self._running.discard(name)
            if facts.met:
                self._met[name] = facts.met
                before.update(facts.met)
            facts.met = before
        found = self._values[name] = self.run.bounded(found, self.within(name), span)
        return found

    def _undeclared(self, name: str, span: Span) -> Value:
        """What is declared nowhere; that is told where it is written: `undeclared`."""
        return Value(Unknown(f"{self.within(name)} is not declared", self.within(name)), span)

    def _local(self, name: str, span: Span) -> Value:
        found = self.source.locals.get(name)
        if found is None:
            return self._undeclared(f"local.{name}", span)
        value = conclude(found.attribute.expression, self.scope(found.file))
        return via(value, "local", self.within(f"local.{name}"), found.span)

    def _path(self, name: str, span: Span) -> Value:
        root = self.run.unit
        match name:
            case "module":
                return Value(posixpath.relpath(self.source.path or ".", root or "."), span)
            case "root":
                return Value(".", span)
        if name == "cwd":
            return checkout_path(self.run, span)
        return invalid(f"there is no path.{name}", f"path.{name}")

    def _terraform(self, name: str, span: Span) -> Value:
        if name == "applying":
            return Value(Unknown("whether Terraform applies is not known before", "terraform.applying", not_null=True), span)
        if name in ("workspace", "env"):
            return self._workspace(span)
        return invalid(f"there is no terraform.{name}", f"terraform.{name}")

    def _workspace(self, span: Span) -> Value:
        if self.run.knows_workspace:
            return Value(self.run.settings.workspace, span)
        name, reason = "terraform.workspace", "a plan does not tell its workspace"
        return replace(open_value(self.run.unit, name, STRING, reason, name), span=span)

    # --- variables --------------------------------------------------------------------------------------------------------

    def variable_type(self, declared: Located) -> Type | None:
        """The type constraint of a variable; None where there is none, or it cannot be read."""
        node = declared.attribute("type")
        if node is None:
            return None
        scope = self.scope(declared.file)
        if isinstance(node, Elsewhere):
            scope, node = scope.of(node.source), node.inner
        wrong = wrong_type(node)
        if wrong is not None:
            self.run.report("warning", "invalid-type", scope.span(wrong[0]), f"{wrong[1]}: Terraform refuses it")
        return parse_type(node, lambda default: evaluate(default, scope))

    def _flag(self, declared: Located, name: str, default: bool) -> bool:
        node = declared.attribute(name)
        if node is None:
            return default
        known = as_bool(evaluate(node, self.scope(declared.file)))
        return default if known is None else known

    def _variable(self, name: str, span: Span) -> Value:
        declared = self.source.variables.get(name)
        if declared is None:
            return self._undeclared(f"var.{name}", span)
        to = self.variable_type(declared)
        value = self.inputs.value(self, name, declared, to)
        if value is None or (value.data is None and not self._flag(declared, "nullable", default=True)):
            default = self.default(name, declared)
            value = self.inputs.open_value(self, name, declared, to) if default is None else default
        if to is not None:
            value = self._typed(name, value, to, declared)
        if self._flag(declared, "sensitive", default=False) or self._flag(declared, "ephemeral", default=False):
            value = replace(value, sensitive=True)
        return value

    def _typed(self, name: str, value: Value, to: Type, declared: Located) -> Value:
        """The value as the type of its variable; what cannot be converted is a problem where it was given."""
        converted = convert(value, to)
        wrong = find_invalid(converted)
        if wrong is None or find_invalid(value) is not None:
            return converted
        assert isinstance(wrong.data, Invalid)
        address = self.within(f"var.{name}")
        message = f"this value does not fit the type of {address}: {wrong.data.reason}; it is unknown"
        self.run.report("warning", "invalid-value", given_at(value) or declared.head, message)
        return value.with_data(Unknown(f"the value of {address} does not fit its type", address))

    def default(self, name: str, declared: Located) -> Value | None:
        """The default of a variable; None where it has none."""
        attribute = declared.block.body.attributes.get("default")
        if attribute is None:
            return None
        value = declared.constants.get("default")
        if value is None:
            scope = self.scope(declared.file)
            value = declared.constants["default"] = evaluate(attribute.expression, scope).at(scope.span(attribute))
        return via(value, "variable default", self.within(f"var.{name}"), value.place)

    # --- resources --------------------------------------------------------------------------------------------------------

    def _resource(self, mode: str, of_type: str, name: str, span: Span) -> Value:
        local = local_address(mode, of_type, name)
        key = (mode, of_type, name)
        if key not in self.source.resources:
            return self._undeclared(local, span)
        if mode == "ephemeral":
            return Value(
                Unknown("an ephemeral resource", local, Target(self.within(local), ""), not_null=True), span, sensitive=True
            )
        if local in self._running:
            self.run.report("warning", "cycle", span, f"{self.within(local)} refers to itself; what it gives is unknown")
            return Value(Unknown(f"{self.within(local)} refers to itself", self.within(local)), span)
        found, instances = self.resource(key)
        value = self._collected.get(key)
        if value is None:
            value = self._collected[key] = found.collect(lambda instance: instances[instance.key].handle)
        return value

    def resource(self, key: tuple[str, str, str]) -> tuple[Expansion, dict[int | str | None, Resource]]:
        """The instances of a resource or data source of this module."""
        found = self._resources.get(key)
        if found is not None:
            return found
        mode, of_type, name = key
        local = local_address(mode, of_type, name)
        located = self.source.resources[key]
        self._running.add(local)
        try:
            expanded = expansion(located.block, self.scope(located.file, {}, local))
        finally:
            self._running.discard(local)
        self.run.room -= len(expanded.instances)
        instances: dict[int | str | None, Resource] = {
            instance.key: Resource(self, located, mode, (of_type, name), instance) for instance in expanded.instances
        }
        self._resources[key] = expanded, instances
        return expanded, instances

    # --- providers --------------------------------------------------------------------------------------------------------

    def configure(self, passed: Expression | None, parent: Module | None, scope: Scope | None = None) -> None:
        """Finds the provider configurations that this module uses: its own, those passed to it, those inherited.

        `scope`: that of the call, in which `passed` stands.
        """
        if parent is not None:
            self.configurations.update({key: c for key, c in parent.configurations.items() if "." not in key})
        if parent is not None and scope is not None and isinstance(passed, ObjectExpr):
            for item in passed.items:
                inner = configuration_key(item.key)[0] or key_name(item.key)
                outer = chosen(item.value, parent, scope)
                if inner is not None and outer is not None:
                    self.configurations[inner] = outer
        for key, located in self.source.providers.items():
            # an empty block was how older modules named what is passed to them
            if key not in self.configurations or located.block.body.attributes.keys() - {"alias", "version"}:
                self.configurations[key] = Configuration(self, key, located)

    def configuration(self, key: str, span: Span | None = None) -> Configuration:
        """The provider configuration of a name in this module. `span`: where the name is written."""
        found = self.configurations.get(key)
        if found is None:
            expected = self.parent is None and key in expected_aliases(self.source.settings)
            if "." in key and span is not None and not expected:
                message = f"there is no provider configuration {self.within(key)}; where it leads to is unknown"
                self.run.report("warning", "undeclared-provider", span, message)
            found = Configuration(self.root if "." not in key else self, key, None)
            self.configurations[key] = found
        return found

    # --- modules ----------------------------------------------------------------------------------------------------------

    def _module(self, name: str, span: Span) -> Value:
        if name not in self.source.calls:
            return self._undeclared(f"module.{name}", span)
        local = f"module.{name}"
        if local in self._running:
            self.run.report("warning", "cycle", span, f"{self.within(local)} refers to itself; what it gives is unknown")
            return Value(Unknown(f"{self.within(local)} refers to itself", self.within(local)), span)
        found, children = self.children(name)
        value = self._collected.get(name)
        if value is None:
            value = found.collect(lambda instance: self._child_value(name, instance, children[instance.key]))
            self._collected[name] = value
        return value

    def _child_value(self, name: str, instance: Instance, child: Module | None) -> Value:
        address = self.within(f"module.{name}{instance.suffix}")
        if child is None:
            return Value(Unknown("module not found", address, Target(address, ""), not_null=True))
        return Value(Handle("module", address, Target(address, ""), True, "", (), child))

    def children(self, name: str) -> tuple[Expansion, dict[int | str | None, Module | None]]:
        """The instances of a called module; None for one that is not there."""
        found = self._children.get(name)
        if found is not None:
            return found
        call = self.source.calls[name]
        scope = self.scope(call.file, {}, f"module.{name}")
        self._running.add(f"module.{name}")
        try:
            expanded = expansion(call.block, scope)
        finally:
            self._running.discard(f"module.{name}")
        self.run.room -= len(expanded.instances)
        loaded = self.modules.load(self, name, call) if self.run.room > 0 else None
        if self.run.room <= 0:  # modules that call each other more than once may be any number
            message = "there are more instances than can be read of one unit; what this module and later ones hold is unknown"
            self.run.report("warning", "too-many-instances", call.head, message)
        if loaded is not None:
            self._undeclared_inputs(name, call, loaded[0])
            self._own_providers(name, call, loaded[0])
            self._unknown_providers(name, call, loaded[0])
        children: dict[int | str | None, Module | None] = {}
        for instance in expanded.instances:
            children[instance.key] = None if loaded is None else self._child(name, call, instance, *loaded)
        self._children[name] = expanded, children
        return expanded, children

    def _undeclared_inputs(self, name: str, call: Located, source: ModuleSource) -> None:
        """Says of arguments of a call that the module declares no variable for them; Terraform refuses such a call."""
        if source.is_empty or not all(file.body.complete for file in source.files):
            return  # a mistake may hide the variable
        module = self.within(f"module.{name}")
        for given, attribute in call.block.body.attributes.items():
            if given not in source.variables and given not in _OF_CALLS:
                span = call.file.source.span(attribute.start, attribute.name_end)
                message = f"{module} has no variable `{given}`; declare it in {source.path}, or remove this"
                self.run.report("warning", "unknown-argument", span, message)

    def _own_providers(self, name: str, call: Located, source: ModuleSource) -> None:
        """Says of a call that is repeated that its module configures providers itself, which Terraform refuses."""
        repeated = next((word for word in ("count", "for_each", "depends_on") if call.attribute(word) is not None), None)
        own = any(located.block.body.attributes.keys() - {"alias", "version"} for located in source.providers.values())
        if repeated is not None and own:
            message = f"{self.within(f'module.{name}')} has providers of its own, so its call has no `{repeated}`; pass them"
            self.run.report("warning", "invalid-block", call.head, message)

    def _unknown_providers(self, name: str, call: Located, source: ModuleSource) -> None:
        """Says of configurations that are passed to a module under an alias that it does not have."""
        passed = call.attribute("providers")
        node = passed.inner if isinstance(passed, Elsewhere) else passed
        if not isinstance(node, ObjectExpr):
            return
        expected = {*expected_aliases(source.settings), *source.providers}
        for item in node.items:
            inner = configuration_key(item.key)[0]
            if inner is not None and "." in inner and inner not in expected:
                module = self.within(f"module.{name}")
                message = f"{module} has no provider configuration {inner}: list it there in `configuration_aliases`"
                self.run.report("warning", "undeclared-provider", self.scope(call.file).span(item), message)

    def _child(self, name: str, call: Located, instance: Instance, source: ModuleSource, downloaded: bool) -> Module:
        child = Module(self.run, source, CallInputs(self, call, instance, name), self.modules)
        child.parent = self
        child.key = f"{self.key}.{name}" if self.key else name
        child.address = self.within(f"module.{name}{instance.suffix}")
        child.exists = both(self.exists, instance.exists)
        if child.exists is Truth.UNKNOWN:
            child.exists_reason = instance.reason or self.exists_reason
        child.calls = (*self.calls, Call(child.address, call.head, call.comments, downloaded))
        passed = call.attribute("providers")
        if isinstance(passed, Elsewhere):
            passed = passed.inner
        child.configure(passed, self, self.scope(call.file, instance.names))
        return child

    # --- outputs ----------------------------------------------------------------------------------------------------------

    def attribute(self, name: str) -> Value:
        """What an expression gets for `module.m.name`."""
        located = self.source.outputs.get(name)
        if located is None:
            return invalid(f"{self.address} has no output {name}", f"{self.address}.{name}")
        value = self.output(name, located)
        return via(value, "output", f"{self.address}.{name}", located.span)

    def output(self, name: str, located: Located) -> Value:
        """The value of an output."""
        key = f"output.{name}"
        found = self._values.get(key)
        if found is not None:
            return found
        if key in self._running:
            self.run.report("warning", "cycle", located.head, f"{self.within(key)} refers to itself; it is unknown")
            return Value(Unknown(f"{self.within(key)} refers to itself", self.within(key)))
        self._running.add(key)
        try:
            attribute = located.block.body.attributes.get("value")
            if attribute is None:
                value = Value(None, located.span)
            else:
                scope = self.scope(located.file)
                value = conclude(attribute.expression, scope)
                value = value.at(scope.span(attribute))
        finally:
            self._running.discard(key)
        if self._flag(located, "sensitive", default=False):
            value = replace(value, sensitive=True)
        value = self._values[key] = self.run.bounded(value, self.within(key), located.head)
        return value

    def members(self) -> dict[str, Value] | None:
        """All outputs."""
        return {name: self.attribute(name) for name in self.source.outputs}

    # --- declarations -----------------------------------------------------------------------------------------------------

    def declarations(self) -> Iterator[Declaration]:
        """All that this module and those that it calls declare, in the order of the files."""
        for name, located in self.source.variables.items():
            yield self._variable_declaration(name, located)
        for configuration in list(self.configurations.values()):
            if configuration.module is self:
                made = configuration.instances().values() if configuration.is_repeated else (configuration,)
                yield from (declared for one in made if (declared := one.declaration()) is not None)
        for key in self.source.resources:
            if key[0] == "ephemeral":
                continue
            _, instances = self.resource(key)
            for resource in instances.values():
                if both(self.exists, resource.instance.exists) is not Truth.NO:
                    yield resource.declaration()
        for name, located in self.source.outputs.items():
            yield self._output_declaration(name, located)
        for located in self.source.checks:
            check_assertions(located.block, self.scope(located.file))
        for name in self.source.calls:
            _, children = self.children(name)
            for child in children.values():
                if child is not None and child.exists is not Truth.NO:
                    yield from child.declarations()

    def _variable_declaration(self, name: str, located: Located) -> Declaration:
        scope = self.scope(located.file)
        body: dict[str, Value] = {}
        for key, attribute in located.block.body.attributes.items():
            if key not in (SHAPES["variable"].arguments or ()):
                continue
            found = located.constants.get(key)
            if found is None:
                found = self._variable_argument(located, key, attribute, scope)
            if found.data is not None:
                body[key] = export(found)
        value = self.reference("var", name, located.head)
        check(self, name, located, value)
        body["value"] = export(value)
        return self._declare(f"var.{name}", "variable", body, located)

    def _variable_argument(self, located: Located, key: str, attribute: Attribute, scope: Scope) -> Value:
        """An argument of a variable's block: it cannot refer to anything."""
        if key == "type":
            found = Value(scope.text(attribute.expression), scope.span(attribute.expression), scope.span(attribute))
        else:
            found = argument(located.block, key, scope) or Value(None)
        located.constants[key] = found
        return found

    def _output_declaration(self, name: str, located: Located) -> Declaration:
        scope = self.scope(located.file)
        body: dict[str, Value] = {}
        for key in located.block.body.attributes:
            if key == "depends_on":
                continue
            found = self.output(name, located) if key == "value" else argument(located.block, key, scope)
            if found is not None:
                body[key] = export(found)
        if self.parent is None:
            self._check_root_output(name, located)
        if located.block.body.blocks and self.exists is Truth.YES:
            check_conditions(located.block.body.blocks, scope, self.within(f"output.{name}"))
        return self._declare(f"output.{name}", "output", body, located)

    def _check_root_output(self, name: str, located: Located) -> None:
        """What a root module gives is shown, and kept in its state."""
        if self._flag(located, "ephemeral", default=False):
            message = f"output.{name} is one of the root module, which has no ephemeral ones; remove `ephemeral`"
            self.run.report("warning", "invalid-value", located.head, message)
        elif not self._flag(located, "sensitive", default=False) and holds_sensitive(self.output(name, located)):
            node = located.attribute("value")
            if node is not None and refers_to_ephemeral(self.source, node):
                return  # what is ephemeral is told by `ephemeral`
            message = f"output.{name} holds a sensitive value: write `sensitive = true` in it, or leave that value out"
            self.run.report("warning", "sensitive-output", located.head, message)

    def _declare(self, name: str, mode: str, body: dict[str, Value], located: Located) -> Declaration:
        return Declaration(
            address=self.within(name),
            type=mode,
            mode="variable" if mode == "variable" else "output",
            body=Value(body, located.span, located.span),
            span=located.span,
            head=located.head,
            exists=self.exists,
            exists_reason=self.exists_reason,
            comments=located.comments,
            metadata=self.metadata(located.block),
            calls=self.calls,
        )


_OF_CALLS = frozenset(("source", "version", "count", "for_each", "providers", "depends_on"))
"""Arguments of a call that are none of the module's: https://developer.hashicorp.com/terraform/language/block/module"""


class CallInputs:
    """The values that a call gives to a module's variables."""

    def __init__(self, caller: Module, call: Located, instance: Instance, name: str) -> None:
        self.caller = caller
        self.call = call
        self.scope = caller.scope(call.file, instance.names, f"module.{name}{instance.suffix}")

    def value(self, module: Module, name: str, declared: Located, to: Type | None) -> Value | None:  # noqa: ARG002
        """What the call says, evaluated where the call stands."""
        attribute = self.call.block.body.attributes.get(name)
        if attribute is None:
            return None
        value = conclude(attribute.expression, self.scope)
        return via(value, "module input", module.within(f"var.{name}"), self.scope.span(attribute))

    def open_value(self, module: Module, name: str, declared: Located, to: Type | None) -> Value:  # noqa: ARG002
        """What the call leaves out and has no default: an error to Terraform."""
        address = module.within(f"var.{name}")
        module.run.report("warning", "missing-argument", self.call.head, f"the call gives no value to {address}")
        return Value(Unknown(f"variable {address} has no value", address), self.call.head)
