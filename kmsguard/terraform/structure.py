"""What Terraform refuses of a module's blocks before it evaluates anything: each is a problem at its place.

`schema` holds what stands directly in a block of a module; here is what nested blocks of the language hold, and what has to fit
together. See https://developer.hashicorp.com/terraform/language/meta-arguments and the pages of each block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kmsguard.model.source import Span
from kmsguard.syntax.hcl.nodes import (
    Block,
    Call,
    Expression,
    GetAttr,
    Index,
    Literal,
    ObjectExpr,
    StringPart,
    Template,
    TupleExpr,
    Variable,
)
from kmsguard.terraform.lifecycle import check_lifecycle, check_provisioners
from kmsguard.terraform.load import Located, ModuleSource
from kmsguard.terraform.places import (
    Say,
    address,
    is_literal,
    is_text,
    literal_text,
    plain,
    references_in,
    refers,
    says,
    says_inside,
    undeclared,
)
from kmsguard.terraform.refactoring import check_refactoring
from kmsguard.terraform.schema import Shape, label
from kmsguard.terraform.scope import Run
from kmsguard.terraform.settings import check_settings


def check_structure(run: Run, module: ModuleSource) -> None:
    """Says of a module what Terraform refuses of it, whatever its values are."""
    for located in _blocks(module):
        say = says(run, located)
        for part in located.block.body.blocks:
            _nested(part, located.block.type, says_inside(run, located, part))
        if located.block.type in ("resource", "data", "ephemeral", "module", "output"):
            _listed("depends_on", located.block, module, say)
        if located.block.type in ("resource", "data", "ephemeral", "module"):
            _repetition(located.block, say)
            check_lifecycle(run, module, located)
            check_provisioners(run, located)
        if located.block.type in ("resource", "data", "ephemeral"):
            _provider_of(located.block, say)
    for name, variable in module.variables.items():
        _variable(run, name, variable)
    for located in module.outputs.values():
        _output(located.block, says(run, located))
    for located in module.checks:
        _check(located.block, says(run, located))
    for located in module.calls.values():
        _call(run, located.block, says(run, located))
    for located in module.providers.values():
        _provider(run, located.block, says(run, located))
    for file in module.files:
        for attribute in file.body.attributes.values():
            span = file.source.span(attribute.start, attribute.name_end)
            message = f"`{attribute.name}` stands in no block; put it into `locals`, or into the block that it belongs to"
            run.report("warning", "unknown-argument", span, message)
    _once(run, module)
    check_settings(run, module)
    check_refactoring(run, module)


def _blocks(module: ModuleSource) -> Iterator[Located]:
    yield from module.resources.values()
    yield from module.calls.values()
    yield from module.variables.values()
    yield from module.outputs.values()
    yield from module.checks


# --- nested blocks --------------------------------------------------------------------------------------------------------

_CONDITION = Shape((), frozenset(("condition", "error_message")), ("condition", "error_message"), frozenset())
_NESTED = {
    "lifecycle": Shape(
        (),
        # `enabled` and `destroy` are OpenTofu's: https://opentofu.org/docs/language/meta-arguments/lifecycle/
        frozenset(("create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by", "enabled", "destroy")),
        (),
        frozenset(("precondition", "postcondition", "action_trigger")),
    ),
    "validation": _CONDITION,
    "precondition": _CONDITION,
    "postcondition": _CONDITION,
    "assert": _CONDITION,
}
_REFERRING = ("validation", "assert", "precondition", "postcondition")
_UNREPEATED = ("lifecycle", "connection", "provisioner")


_OWN = {
    **dict.fromkeys(("resource", "data", "ephemeral"), ("lifecycle",)),
    "lifecycle": ("precondition", "postcondition"),
    "variable": ("validation",),
    "output": ("precondition",),
    "check": ("assert",),
}
"""The nested blocks that are the language's, by the block that holds them; others are the provider's, however called."""


def _nested(block: Block, parent: str, say: Say) -> None:
    """A block inside of one of type `parent`: one of the language itself, or a `dynamic` one (at any depth)."""
    own = block.type if block.type in _OWN.get(parent, ()) else ""
    if block.type == "dynamic":
        _dynamic(block, say)
        if parent in ("resource", "data", "ephemeral") and label(block, 0) in _UNREPEATED:
            say("invalid-block", block, f"`{label(block, 0)}` blocks cannot be made by a `dynamic` block; write it out")
    if own and block.body.complete:
        _shaped(block, _NESTED[own], say)
    condition = block.body.attributes.get("condition")
    if own in _REFERRING and condition is not None and not any(references_in(condition.expression)):
        message = f"the condition of a `{block.type}` block refers to something; this one says the same in any case"
        say("invalid-expression", condition.expression, message)
    for part in block.body.blocks:
        _nested(part, own, say)


def _shaped(block: Block, shape: Shape, say: Say) -> None:
    for name, attribute in block.body.attributes.items():
        if shape.arguments is not None and name not in shape.arguments:
            say("unknown-argument", attribute, f"a `{block.type}` block has no argument `{name}`; remove it")
    for part in block.body.blocks:
        if shape.blocks is not None and part.type not in shape.blocks:
            say("unknown-block", part, f"a `{block.type}` block has no block `{part.type}`; remove it")
    for name in shape.required:
        if name not in block.body.attributes:
            say("missing-argument", block, f"this `{block.type}` block lacks its argument `{name}`")


def _dynamic(block: Block, say: Say) -> None:
    if len(block.labels) != 1 or not block.body.complete:
        return
    for name, attribute in block.body.attributes.items():
        if name not in ("for_each", "iterator", "labels"):
            say("unknown-argument", attribute, f"a `dynamic` block has no argument `{name}`; arguments stand in its `content`")
    if "for_each" not in block.body.attributes:
        say("missing-argument", block, "this `dynamic` block lacks its argument `for_each`")
    contents = [part for part in block.body.blocks if part.type == "content"]
    if len(contents) != 1:
        message = "a `dynamic` block has one block `content`, which holds what each block holds"
        say("invalid-block", contents[1] if contents else block, message)
    iterator = block.body.attributes.get("iterator")
    if iterator is not None and not isinstance(plain(iterator.expression), Variable):
        say("invalid-expression", iterator.expression, "`iterator` is a name without quotes")


# --- meta-arguments -------------------------------------------------------------------------------------------------------


def _repetition(block: Block, say: Say) -> None:
    attributes = block.body.attributes
    if "count" in attributes and "for_each" in attributes:
        message = "a block has `count` or `for_each`, not both; what there is of it is read from `count`"
        say("conflicting-arguments", attributes["for_each"], message)
    kinds = (
        () if block.type == "module" else ("lifecycle", "_", "connection") if block.type == "resource" else ("lifecycle", "_")
    )
    for kind in kinds:
        for again in [part for part in block.body.blocks if part.type == kind][1:]:
            say("duplicate", again, f"this block has a `{kind}` block already; put both into one")
    for part in block.body.blocks:
        if part.type in _RESERVED_BLOCKS:
            say(
                "unknown-block",
                part,
                f"`{part.type}` is no block of a `{block.type}` block, and its name is reserved; remove it",
            )


_RESERVED_BLOCKS = ("locals",)


def _listed(name: str, block: Block, module: ModuleSource, say: Say) -> None:
    """What an argument lists by address."""
    found = block.body.attributes.get(name)
    whole = plain(found.expression) if found is not None else None
    if whole is not None and not isinstance(whole, TupleExpr):
        say("invalid-expression", whole, f"`{name}` is a list, as [aws_kms_key.a]")
    if not isinstance(whole, TupleExpr):
        return
    for item in whole.items:
        path = address(item)
        if path is None:
            if not is_text(item):
                say("invalid-expression", item, f"`{name}` lists addresses of what is declared")
            continue
        missing = undeclared(path, module)
        if missing is not None:
            say("undeclared-reference", item, f"{missing} is not declared; declare it, or remove this")
        elif name == "depends_on" and _is_part(path, item):
            say(
                "invalid-expression",
                item,
                f"`{name}` lists whole resources and modules; leave out what stands behind the address",
            )


def _is_part(path: list[str], item: Expression) -> bool:
    """Whether an address leads to an attribute, or to an instance whose key is computed."""
    if path[0] in ("var", "local", "path", "terraform", "each", "count", "self"):
        return False
    whole = 3 if path[0] in ("data", "ephemeral") else 2
    if len([name for name in path if name != "[]"]) > whole + (path[0] == "module"):
        return True
    node = plain(item)
    while isinstance(node, (GetAttr, Index)):
        if isinstance(node, Index) and not isinstance(plain(node.key), Literal) and literal_text(node.key) is None:
            return True
        node = plain(node.of)
    return False


def _provider_of(block: Block, say: Say) -> None:
    """`provider` names a configuration: `aws`, or `aws.alias`; of those that OpenTofu repeats one by its key."""
    found = block.body.attributes.get("provider")
    if found is None or is_text(plain(found.expression)):
        return
    path = address(found.expression)
    if path is None or len([name for name in path if name != "[]"]) > 2 or path[1:2] == ["[]"]:
        say("invalid-expression", found.expression, "`provider` is the name of a provider, or that and an alias: aws.alias")


# --- variables and calls --------------------------------------------------------------------------------------------------

_RESERVED = frozenset(("source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"))


def _variable(run: Run, name: str, located: Located) -> None:
    say = says(run, located)
    block = located.block
    attributes = block.body.attributes
    if name in _RESERVED:
        say("invalid-block", block, f"`{name}` means something in a `module` block; give the variable another name")
    default, nullable = attributes.get("default"), attributes.get("nullable")
    if (
        default is not None
        and nullable is not None
        and is_literal(default.expression, None)
        and is_literal(nullable.expression, False)
    ):
        say("invalid-value", default, "the default is null, and the variable is not `nullable`: remove one of them")
    said = attributes.get("description")
    if said is not None and (any(references_in(said.expression)) or isinstance(plain(said.expression), Call)):
        say("not-constant", said.expression, "a description is a literal text")
    for flag in ("sensitive", "nullable", "ephemeral"):
        found = attributes.get(flag)
        if found is not None and not _may_be_bool(found.expression):
            say("invalid-value", found, f"`{flag}` is true or false")
    for part in block.body.blocks:
        condition = part.body.attributes.get("condition") if part.type == "validation" else None
        if condition is not None and not any(
            isinstance(at, GetAttr) and at.name == name and isinstance(at.of, Variable) and at.of.name == "var"
            for at in references_in(condition.expression)
        ):
            message = f"the condition of a validation refers to its variable, var.{name}"
            says_inside(run, located, part)("invalid-expression", condition.expression, message)


def _may_be_bool(node: Expression) -> bool:
    node = plain(node)
    if isinstance(node, Literal):
        return isinstance(node.value, bool)
    if isinstance(node, Template) and is_text(node):
        part = node.parts[0]
        return isinstance(part, StringPart) and part.text in ("true", "false", "1", "0")
    return not isinstance(node, TupleExpr)


def _output(block: Block, say: Say) -> None:
    """What an output says of itself is literal."""
    for name, what in (("description", "a text"), ("sensitive", "true or false"), ("ephemeral", "true or false")):
        found = block.body.attributes.get(name)
        if found is not None and any(references_in(found.expression)):
            say("not-constant", found.expression, f"`{name}` of an output is {what}, and refers to nothing")


def _check(block: Block, say: Say) -> None:
    if block.body.complete and not any(part.type == "assert" for part in block.body.blocks):
        say("missing-block", block, "a `check` block asserts something; give it an `assert` block")
    data = [part for part in block.body.blocks if part.type == "data"]
    for again in data[1:]:
        say("duplicate", again, "a `check` block has one data source; put the other one into a check of its own")
    for part in data:
        for name in ("count", "for_each"):
            repeated = part.body.attributes.get(name)
            if repeated is not None:
                say(
                    "unknown-argument",
                    repeated,
                    f"a data source in a `check` block takes no `{name}`; move it out of the block",
                )


def _call(run: Run, block: Block, say: Say) -> None:
    source, version = block.body.attributes.get("source"), block.body.attributes.get("version")
    if source is not None and version is not None and (literal_text(source.expression) or "").startswith(("./", "../")):
        say("unknown-argument", version, "a module in a folder has no versions; remove `version`")
    providers = block.body.attributes.get("providers")
    if providers is not None and not isinstance(plain(providers.expression), ObjectExpr):
        say("invalid-expression", providers.expression, "`providers` is a map of provider configurations: { aws = aws.alias }")
    if not run.is_opentofu:
        for part in block.body.blocks:
            if part.type == "lifecycle":
                say("unknown-block", part, "a `module` block has no block `lifecycle`, but to OpenTofu; remove it")


def _provider(run: Run, block: Block, say: Say) -> None:
    attributes = block.body.attributes
    alias = attributes.get("alias")
    if alias is not None and refers(alias.expression) and not isinstance(plain(alias.expression), Variable):
        say("not-constant", alias.expression, "an alias is a literal text")
    elif alias is not None and not _IDENTIFIER.match(literal_text(alias.expression) or "x"):
        say("invalid-value", alias.expression, "an alias is a name of letters, digits, `_` and `-` that begins with a letter")
    for name in ("count", "depends_on", "source") + (() if run.is_opentofu else ("for_each",)):
        if name in attributes:
            say("unknown-argument", attributes[name], f"`{name}` is no argument of a `provider` block, and reserved; remove it")
    for part in block.body.blocks:
        if part.type in ("lifecycle", *_RESERVED_BLOCKS):
            say("unknown-block", part, f"`{part.type}` is no block of a `provider` block, and its name is reserved; remove it")
    name = label(block, 0)
    if name != name.lower():
        say("invalid-block", block, f"names of providers are in small letters: write {name.lower()}")


_IDENTIFIER = re.compile(r"[^\W\d][\w-]*\Z")


# --- what there is once ---------------------------------------------------------------------------------------------------


def _once(run: Run, module: ModuleSource) -> None:
    """Blocks of which a module has one: where it stores its state, what it requires; checks by their names."""
    seen: dict[str, Span] = {}
    for located in module.settings:
        if located.overrides_others:
            continue
        for part in located.block.body.blocks:
            kind = "backend" if part.type == "cloud" else part.type
            if kind in ("backend", "required_providers", "encryption"):
                _again(run, seen, kind, located.file.source.span(part.start, part.head_end), f"a module has one `{kind}` block")
    for located in module.checks:
        name = label(located.block, 0)
        _again(run, seen, f"check.{name}", located.head, f"there is a check {name} already")


def _again(run: Run, seen: dict[str, Span], key: str, span: Span, message: str) -> None:
    first = seen.setdefault(key, span)
    if first is not span:
        run.report("warning", "duplicate", span, f"{message}; the first stands in {first.file}, line {first.start_line}")
