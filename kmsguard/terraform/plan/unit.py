"""A plan to a unit: its resources as they will be, with the places of the code they come from where that is at hand."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msgspec.structs import replace

from kmsguard.model.declaration import Call, Declaration, Problem, Provider, Unit, UnitSettings, UnitSource
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ACCOUNT, REGION, Target, Unknown, Value
from kmsguard.terraform.plan.changes import changed_body
from kmsguard.terraform.plan.configuration import Configured, read_configuration
from kmsguard.terraform.plan.document import Document, Json, Members, members, objects, read_document, text
from kmsguard.terraform.plan.merge import IsManaged, merged, merged_body
from kmsguard.terraform.plan.references import Instance, Key, References, is_unknown, whole_references
from kmsguard.terraform.plan.values import Attributes, Context, plain

GONE = frozenset({("delete",), ("forget",)})
_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):")
_REGION = re.compile(r"arn:[^:]*:[^:]*:([a-z]{2}-[a-z-]+-\d):")
_NOT_IN_PLANS = Value(Unknown("a plan does not say it", "prevent_destroy"))
_IDENTITY = ("allowed_account_ids", "profile", "access_key", "assume_role", "assume_role_with_web_identity")


def read_plan(source: UnitSource) -> Unit:
    """What a plan, or a state in the same format, deploys."""
    document, problems = read_document(source)
    path = posixpath.normpath(source.path)
    if document is None:
        return Unit(path, "terraform-plan", (), files=(path,), problems=tuple(problems))
    instances = list(_instances(document.tree))
    source = replace(source, settings=_deployed(source, instances, document.tree))
    managed = frozenset(instance.address for instance in instances if instance.mode == "managed")
    configured = read_configuration(source, document.tree, managed)
    reader = _Reader(source, document, instances, configured)
    return reader.unit(path, tuple(problems))


# --- what is in it ------------------------------------------------------------------------------------------------------------


def _instances(tree: Members) -> Iterator[Instance]:
    """The resources that there are after the plan, and the data sources that it has read."""
    seen: set[str] = set()
    if tree.get("resource_changes") is not None:
        changes = [*_changes(tree)]
        hidden = {text(block, "address"): block.get("sensitive_values") for block in _planned(tree)}
        for change, at in changes:
            found = _changed(change, at)
            if found is not None and found.address not in seen:
                seen.add(found.address)
                yield replace(found, sensitive=_either(found.sensitive, hidden.get(found.address)))
        seen.update(text(change, "address") for change, _ in changes)
        parts: tuple[tuple[str, ...], ...] = (("prior_state", "values"),)
    else:
        parts = (("planned_values",), ("values",), ("prior_state", "values"))
    for path in parts:
        only_data = path[0] == "prior_state"
        for found in _listed(members(tree, *path, "root_module"), (*path, "root_module"), ""):
            if found.address not in seen and (found.mode == "data" or not only_data):
                seen.add(found.address)
                yield found


def _planned(tree: Members) -> Iterator[Members]:
    """The resources of `planned_values`: what a provider calls sensitive stands there in every version of the format."""
    pending = [members(tree, "planned_values", "root_module")]
    for module in pending:
        yield from objects(module.get("resources"))
        pending.extend(objects(module.get("child_modules")))


def _either(one: Json, other: Json) -> Json:
    """What is sensitive after one of two such trees."""
    if one == other or one is True or not other:
        return one
    if other is True or not one:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _either(one.get(name), other.get(name)) for name in dict.fromkeys((*one, *other))}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_either(*both) for both in zip(one, other, strict=True)]
    return one


def _changes(tree: Members) -> Iterator[tuple[Members, tuple[str | int, ...]]]:
    """What is planned, and what a later plan will do (`deferred_changes`), each with where it stands."""
    for number, change in enumerate(objects(tree.get("resource_changes"))):
        yield change, ("resource_changes", number)
    for number, deferred in enumerate(objects(tree.get("deferred_changes"))):
        yield members(deferred, "resource_change"), ("deferred_changes", number, "resource_change")


def _changed(change: Members, path: tuple[str | int, ...]) -> Instance | None:
    what = members(change, "change")
    actions = what.get("actions")
    names = tuple(action for action in actions if isinstance(action, str)) if isinstance(actions, list) else ()
    if names in GONE or "deposed" in change or text(change, "mode") not in ("managed", "data") or not text(change, "address"):
        return None
    after, unknown, hidden = members(what, "after"), members(what, "after_unknown"), what.get("after_sensitive")
    return _instance(change, after, unknown, hidden, path, (*path, "change", "after"))


def _listed(module: Members, path: tuple[str | int, ...], address: str, depth: int = 0) -> Iterator[Instance]:
    """The resources of `values`, as states and `planned_values` have them."""
    listed = module.get("resources")
    for number, block in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(block, dict) and text(block, "mode") in ("managed", "data") and text(block, "address"):
            at = (*path, "resources", number)
            found = _instance(block, members(block, "values"), {}, block.get("sensitive_values"), at, (*at, "values"))
            yield replace(found, module=address)
    children = module.get("child_modules")
    for number, child in enumerate(children if isinstance(children, list) and depth < 100 else ()):
        if isinstance(child, dict):
            yield from _listed(child, (*path, "child_modules", number), text(child, "address"), depth + 1)


def _instance(
    block: Members,
    after: Members,
    unknown: Members,
    sensitive: Json,
    path: tuple[str | int, ...],
    values: tuple[str | int, ...],
) -> Instance:
    index = block.get("index")
    key: Key = index if isinstance(index, (str, int)) and not isinstance(index, bool) else None
    return Instance(
        address=text(block, "address"),
        module=text(block, "module_address"),
        mode=text(block, "mode"),
        type=text(block, "type"),
        name=text(block, "name"),
        key=key,
        after=after,
        unknown=unknown,
        sensitive=sensitive,
        path=path,
        values=values,
    )


# --- where it is deployed to --------------------------------------------------------------------------------------------------


def _deployed(source: UnitSource, instances: list[Instance], tree: Members) -> UnitSettings:
    """The settings, with the account and Region that the plan's data sources have found."""
    settings = source.settings
    own = {
        text(block, "address")
        for block in objects(members(tree, "configuration", "root_module").get("resources"))
        if text(block, "provider_config_key") == "aws"
    }
    found = {i.type: i.after for i in instances if i.mode == "data" and not i.module and i.address in own}
    account = text(found.get("aws_caller_identity"), "account_id") or _account_of(instances, tree)
    region = text(found.get("aws_region"), "name") or text(found.get("aws_region"), "region")
    return replace(settings, account=settings.account or account or None, region=settings.region or region or None)


def _account_of(instances: list[Instance], tree: Members) -> str:
    """The account that all ARNs of what the default provider has made already lie in; empty where they say nothing."""
    references = References(members(tree, "configuration"), instances)
    found: dict[str, None] = {}
    for instance in instances:
        if instance.mode == "managed" and text(references.block(instance), "provider_config_key") in ("", "aws"):
            match = _ACCOUNT.match(text(instance.after, "arn"))
            if match is not None:
                found[match[1]] = None
    return next(iter(found)) if len(found) == 1 else ""


class _Reader:
    def __init__(
        self, source: UnitSource, document: Document, instances: list[Instance], configured: Configured | None
    ) -> None:
        self.settings = source.settings
        self.document = document
        self.instances = instances
        self.configured = configured
        self.configuration = members(document.tree, "configuration")
        self.references = References(self.configuration, instances, document.tree.get("relevant_attributes"))
        self._providers: dict[str, Provider] = {}

    @property
    def managed(self) -> IsManaged:
        known = self.references.by_address
        return lambda address: address in known and known[address].mode == "managed"

    def unit(self, path: str, problems: tuple[Problem, ...]) -> Unit:
        """All of it."""
        configured = self.configured
        outputs = self._outputs()
        declarations = [*self._variables(), *self._provider_blocks()]
        declarations.extend(self._declaration(instance) for instance in self.instances)
        declarations.extend(self._output_blocks(outputs))
        changes = tuple(self._planned_changes())
        default = self._provider("aws")
        if configured is None:
            return Unit(
                path=path,
                dialect="terraform-plan",
                declarations=tuple(declarations),
                changes=changes,
                outputs=outputs,
                files=(path,),
                problems=problems,
                account=_text(default.account) or self.settings.account,
                region=_text(default.region) or self.settings.region,
            )
        unit = configured.unit
        return Unit(
            path=unit.path,
            dialect="terraform-plan",
            declarations=tuple(declarations),
            changes=changes,
            texts=unit.texts,
            outputs=outputs,
            state=unit.state,
            files=tuple(sorted({path, *unit.files})),
            sources=unit.sources,
            comments=unit.comments,
            problems=problems,
            account=unit.account or _text(default.account),
            region=unit.region or _text(default.region),
        )

    # --- resources --------------------------------------------------------------------------------------------------------

    def _declaration(self, instance: Instance) -> Declaration:
        configured = self.configured
        if configured is not None:
            declared = configured.declaration(instance.address)
            if declared is not None and declared.type == instance.type:
                return self._of_code(instance, declared)
            call = configured.call(instance.module)
            if call is not None:
                return self._of_call(instance, call)
        span, head = self._places(instance)
        return self._of_plan(instance, span, head, ())

    def _of_code(self, instance: Instance, declared: Declaration) -> Declaration:
        """A resource whose code is at hand."""
        body = declared.body.members
        sensitive = instance.sensitive
        if instance.mode == "data":
            after, unknown = instance.after, instance.unknown
            body = {
                name: merged(value, after.get(name), unknown.get(name), None, self.managed) if name in after else value
                for name, value in body.items()
            }
        else:
            body = merged_body(body, instance.after, instance.unknown, sensitive, self.managed)
        provider = declared.provider
        if provider.region is None or provider.account is None:
            planned = self._provider_of(instance)
            provider = Provider(provider.name, provider.region or planned.region, provider.account or planned.account)
        return replace(
            declared,
            address=instance.address,
            body=declared.body.with_data(body),
            exists=Truth.YES,
            exists_reason=None,
            provider=provider,
        )

    def _of_call(self, instance: Instance, call: Call) -> Declaration:
        """A resource of a module that is not in the checkout: it stands at the call."""
        declaration = self._of_plan(instance, call.span, call.span, (call,))
        return replace(declaration, body=_moved(declaration.body, call.span))

    def _of_plan(self, instance: Instance, span: Span, head: Span, calls: tuple[Call, ...]) -> Declaration:
        """A resource of which only the plan is at hand."""
        view = self.references.view(instance.module)
        reader = Attributes(Context(self.document, self.references, view, instance.key, instance))
        block = self.references.block(instance)
        # a state has no configuration, and neither have resources that only a state still knows
        written = members(block, "expressions") if block else None
        after, unknown = instance.after, instance.unknown
        if written is not None and not unknown and instance.path[0] == "planned_values":
            unknown = {name: True for name in written if name not in after}
        at = self.document.at(*instance.values)
        body = reader.block(after, unknown, instance.sensitive, written, at)
        if written is None:
            body = {name: value for name, value in body.items() if not value.sensitive}
        return Declaration(
            address=instance.address,
            type=instance.type,
            mode="managed" if instance.mode == "managed" else "data",
            body=Value(body, span, span),
            span=span,
            head=head,
            provider=self._provider_of(instance),
            calls=calls or self._calls(instance.module),
            resource_attributes={"prevent_destroy": _NOT_IN_PLANS},
        )

    def _planned_changes(self) -> Iterator[Declaration]:
        """What the plan does to resources that exist already."""
        for change, path in _changes(self.document.tree):
            body = changed_body(change)
            if body is None:
                continue
            address = text(change, "address")
            declared = self.configured.declaration(address) if self.configured is not None else None
            entry = self.document.at(*path)
            whole = self.document.span(entry) or Span(self.document.source.path, 1, 1, 1, 1)
            head = self.document.place(self.document.child(entry, "address")) or whole
            span, head = (declared.span, declared.head) if declared is not None else (whole, head)
            yield Declaration(
                address=address,
                type="change",
                mode="change",
                body=Value(body, span, span),
                span=span,
                head=head,
                comments=declared.comments if declared is not None else (),
                metadata=declared.metadata if declared is not None else None,
                calls=declared.calls if declared is not None else self._calls(text(change, "module_address")),
            )

    def _places(self, instance: Instance) -> tuple[Span, Span]:
        """Where a resource stands in the plan: all of it, and its address."""
        entry = self.document.at(*instance.path)
        span = self.document.span(entry) or Span(self.document.source.path, 1, 1, 1, 1)
        return span, self.document.place(self.document.child(entry, "address")) or span

    def _calls(self, module: str) -> tuple[Call, ...]:
        """The calls that lead to a module: where the plan's configuration has them."""
        out: list[Call] = []
        view = self.references.view(module)
        while view is not None and view.parent is not None:
            span = self.document.place(self.document.at(*view.path[:-1]))
            if span is not None:
                out.append(Call(view.address, span))
            view = view.parent
        return tuple(out[::-1])

    # --- providers --------------------------------------------------------------------------------------------------------

    def _provider_of(self, instance: Instance) -> Provider:
        key = text(self.references.block(instance), "provider_config_key") or instance.type.partition("_")[0]
        provider = self._provider(key)
        region = instance.after.get("region")
        if isinstance(region, str) and region and instance.mode == "managed" and instance.type.startswith("aws_"):
            return replace(provider, region=Value(region))  # version 6 of the provider says of each where it is
        made = _REGION.match(text(instance.after, "arn"))
        if provider.region is None and made is not None and instance.mode == "managed":
            return replace(provider, region=Value(made[1]))
        return provider

    def _provider(self, key: str) -> Provider:
        found = self._providers.get(key)
        if found is None:
            found = self._providers[key] = self._made(key)
        return found

    def _made(self, key: str) -> Provider:
        configurations = members(self.configuration, "provider_config")
        block = members(configurations, key) or members(configurations, key.rpartition(":")[2])
        name = key.rpartition(":")[2]
        expressions = members(block, "expressions")
        root = not text(block, "module_address")
        region = self._constant(expressions.get("region")) if root else None
        default = name == "aws"
        target = REGION if default else Target(f"provider.{name}", "region")
        given = self.settings.region if default else None
        if isinstance(region, str) or given:
            known: Value | None = Value(region if isinstance(region, str) else given, refs=(target,))
        else:
            known = (
                Value(Unknown("the Region is not known", f"provider.{name}", target, not_null=True))
                if "region" in expressions
                else None
            )
        return Provider(name, known, self._account(name, expressions, default=default))

    def _account(self, name: str, expressions: Members, *, default: bool) -> Value | None:
        target = Target(f"provider.{name}", "account")
        roles = expressions.get("assume_role")
        role = self._constant(objects(roles)[-1].get("role_arn")) if objects(roles) else None
        match = _ACCOUNT.match(role) if isinstance(role, str) else None
        only = self._constant(expressions.get("allowed_account_ids"))
        account = match[1] if match is not None else str(only[0]) if isinstance(only, list) and len(only) == 1 else None
        own = members(self.configuration, "provider_config", "aws", "expressions")
        same = all(expressions.get(part) == own.get(part) for part in _IDENTITY)
        if account is not None:
            return Value(account, refs=(ACCOUNT if same or default else target,))
        if not default and not same:
            return Value(Unknown("the provider's account is not known", f"provider.{name}", target, not_null=True))
        return Value(self.settings.account, refs=(ACCOUNT,)) if self.settings.account else None

    def _constant(self, node: Json) -> Json:
        """What an expression of the root module comes to, where it is a constant or a variable; None where it is not known."""
        if not isinstance(node, dict):
            return None
        if "constant_value" in node:
            return node["constant_value"]
        names = whole_references(node)
        name = names[0].removeprefix("var.") if len(names) == 1 and names[0].startswith("var.") else ""
        return members(self.document.tree, "variables", name).get("value") if name and "." not in name else None

    def _provider_blocks(self) -> Iterator[Declaration]:
        if self.configured is not None:
            yield from (d for d in self.configured.unit.declarations if d.mode == "provider")
            return
        document = self.document
        for key, block in members(self.configuration, "provider_config").items():
            path = ("configuration", "provider_config", key)
            entry = document.at(*path)
            span = document.place(entry)
            if span is None or not isinstance(block, dict) or text(block, "name") == "":
                continue
            expressions = members(block, "expressions")
            body = {}
            for name, said in expressions.items():
                if isinstance(said, dict) and "constant_value" in said:
                    at = document.at(*path, "expressions", name)
                    inner = document.child(at, "constant_value")
                    body[name] = replace(plain(said["constant_value"]), span=document.span(inner), place=document.place(at))
            name = key.rpartition(":")[2]
            yield Declaration(
                f"provider.{name}", f"provider.{text(block, 'name')}", "provider", Value(body, span, span), span, span
            )

    # --- variables and outputs --------------------------------------------------------------------------------------------

    def _variables(self) -> Iterator[Declaration]:
        if self.configured is not None:
            yield from (d for d in self.configured.unit.declarations if d.mode == "variable")
            return
        document = self.document
        given = members(document.tree, "variables")
        declared = members(self.configuration, "root_module", "variables")
        for name, block in declared.items():
            entry = document.at("configuration", "root_module", "variables", name)
            span = document.place(entry)
            if span is None or not isinstance(block, dict):
                continue
            sensitive = block.get("sensitive") is True
            body = {}
            for key, said in block.items():
                at = document.child(entry, key)
                body[key] = replace(
                    plain(said, sensitive=sensitive and key == "default"), span=document.span(at), place=document.place(at)
                )
            value = members(given, name).get("value")
            if "default" in block and block["default"] == value:
                body["value"] = body["default"].via("variable default", f"var.{name}", body["default"].place)
            elif value is not None:
                body["value"] = plain(value, sensitive=sensitive).via("variable", f"var.{name}", None)
            yield Declaration(f"var.{name}", "variable", "variable", Value(body, span, span), span, span)

    def _outputs(self) -> dict[str, Value]:
        """The outputs of the root module."""
        changes = members(self.document.tree, "output_changes")
        out: dict[str, Value] = {}
        reader = Attributes(Context(self.document, self.references, self.references.view(""), None))
        written = members(self.configuration, "root_module", "outputs")
        planned = members(self.document.tree, "planned_values", "outputs") or members(self.document.tree, "values", "outputs")
        for name in dict.fromkeys((*written, *changes, *planned)):
            change = members(changes, name)
            block = members(written, name)
            if change.get("actions") == ["delete"]:
                continue
            after = change["after"] if "after" in change else members(planned, name).get("value")
            unknown = change.get("after_unknown")
            shown = block.get("sensitive") is not True and members(planned, name).get("sensitive") is not True
            hidden = change.get("after_sensitive") if shown else True
            declared = self.configured.unit.outputs.get(name) if self.configured is not None else None
            if declared is not None:
                out[name] = merged(declared, after, unknown, hidden, self.managed)
            elif after is not None or is_unknown(unknown):
                at = self.document.at("output_changes", name, "after")
                out[name] = reader.value("value", (after, unknown, hidden), block.get("expression"), at)
        return out

    def _output_blocks(self, outputs: dict[str, Value]) -> Iterator[Declaration]:
        if self.configured is not None:
            for declared in self.configured.unit.declarations:
                if declared.mode == "output":
                    name = declared.address.removeprefix("output.")
                    body = dict(declared.body.members)
                    if name in outputs and "value" in body:
                        body["value"] = outputs[name]
                    yield replace(declared, body=declared.body.with_data(body))
            return
        for name, value in outputs.items():
            entry = self.document.at("configuration", "root_module", "outputs", name)
            span = self.document.place(entry) or value.place
            if span is None:
                continue
            body = {"value": value}
            if value.sensitive:
                body["sensitive"] = Value(True)
            yield Declaration(f"output.{name}", "output", "output", Value(body, span, span), span, span)


def _text(value: Value | None) -> str | None:
    return value.text if value is not None else None


def _moved(value: Value, span: Span) -> Value:
    """A value with all that it holds at one place of the code; the literals in it stand in none of its files."""
    data = value.data
    if isinstance(data, tuple):
        data = tuple(_moved(item, span) for item in data)
    elif isinstance(data, dict):
        data = {name: _moved(item, span) for name, item in data.items()}
    return replace(value, data=data, span=None if value.span is None else span, place=span)
