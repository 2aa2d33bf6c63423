"""What Terraform refuses of a module's blocks before it evaluates anything: each is a problem at its place.

`schema` holds what stands directly in a block of a module; here is what nested blocks of the language hold, and what has to fit
together. See https://developer.hashicorp.com/terraform/language/meta-arguments and the pages of each block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kmsguard.model.source import Source, Span
from kmsguard.syntax.hcl.nodes import (
    Block,
    Call,
    Expression,
    GetAttr,
    Index,
    Literal,
    Node,
    Parentheses,
    SplatItem,
    StringPart,
    Template,
    TupleExpr,
    Variable,
)
from kmsguard.terraform.load import Elsewhere, Located, ModuleSource
from kmsguard.terraform.schema import Shape, label
from kmsguard.terraform.scope import Run

Say = Callable[[str, Node, str], None]
"""Says what is wrong: the problem's code, its place, the message."""


def check_structure(run: Run, module: ModuleSource) -> None:
    """Says of a module what Terraform refuses of it, whatever its values are."""
    for located in _blocks(module):
        say = _at(run, located)
        for part in located.block.body.blocks:
            _nested(part, located.block.type, _inside(run, located, part))
        if located.block.type in ("resource", "data", "ephemeral", "module"):
            _repetition(located.block, say)
            _listed("depends_on", located.block, module, say)
            for part in located.block.body.blocks:
                if part.type == "lifecycle":
                    _listed("replace_triggered_by", part, module, _inside(run, located, part))
    for name, variable in module.variables.items():
        _variable(run, name, variable)
    for located in module.checks:
        if located.block.body.complete and not any(part.type == "assert" for part in located.block.body.blocks):
            _at(run, located)("missing-block", located.block, "a `check` block asserts something; give it an `assert` block")
    for located in module.calls.values():
        _version_of_local(located.block, _at(run, located))
    _once(run, module)
    _history(run, module)


def _blocks(module: ModuleSource) -> Iterator[Located]:
    yield from module.resources.values()
    yield from module.calls.values()
    yield from module.variables.values()
    yield from module.outputs.values()
    yield from module.checks


def _at(run: Run, located: Located, source: Source | None = None) -> Say:
    own = source or located.file.source

    def say(code: str, node: Node, message: str) -> None:
        place: Source = getattr(node, "source", own)
        end = node.head_end if isinstance(node, Block) else node.end
        run.report("warning", code, place.span(node.start, end), message)

    return say


def _inside(run: Run, located: Located, part: Block) -> Say:
    return _at(run, located, getattr(part, "source", None))


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
    if own in _REFERRING and condition is not None and not any(_references(condition.expression)):
        message = f"the condition of a `{block.type}` block refers to something; this one says the same in any case"
        say("invalid-expression", condition.expression, message)
    ignored = block.body.attributes.get("ignore_changes") if own == "lifecycle" else None
    if ignored is not None and not isinstance(_plain(ignored.expression), (TupleExpr, Variable)):
        say("invalid-expression", ignored.expression, "`ignore_changes` is a list of attributes, or the word `all`")
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
    if iterator is not None and not isinstance(_plain(iterator.expression), Variable):
        say("invalid-expression", iterator.expression, "`iterator` is a name without quotes")


# --- meta-arguments -------------------------------------------------------------------------------------------------------


def _repetition(block: Block, say: Say) -> None:
    attributes = block.body.attributes
    if "count" in attributes and "for_each" in attributes:
        message = "a block has `count` or `for_each`, not both; what there is of it is read from `count`"
        say("conflicting-arguments", attributes["for_each"], message)
    for kind in ("lifecycle",) if block.type != "module" else ():
        for again in [part for part in block.body.blocks if part.type == kind][1:]:
            say("duplicate", again, f"this block has a `{kind}` block already; put both into one")


def _listed(name: str, block: Block, module: ModuleSource, say: Say) -> None:
    """What an argument lists by address."""
    found = block.body.attributes.get(name)
    whole = _plain(found.expression) if found is not None else None
    if not isinstance(whole, TupleExpr):
        return
    for item in whole.items:
        path = address(item)
        if path is None:
            if not _is_text(item):
                say("invalid-expression", item, f"`{name}` lists addresses of what is declared")
            continue
        missing = undeclared(path, module)
        if missing is not None:
            say("undeclared-reference", item, f"{missing} is not declared; declare it, or remove this")


def _is_text(node: Expression) -> bool:
    """An address between quotes, as older versions wrote it and `.tf.json` does."""
    return isinstance(node, Template) and len(node.parts) == 1 and isinstance(node.parts[0], StringPart)


def address(node: Expression) -> list[str] | None:
    """The names of a traversal, those of indexes included; None for anything else."""
    node = _plain(node)
    if isinstance(node, Variable):
        return [node.name]
    if isinstance(node, GetAttr):
        before = address(node.of)
        return None if before is None else [*before, node.name]
    if isinstance(node, Index):
        before = address(node.of)
        return None if before is None else [*before, "[]"]
    return None


def undeclared(path: list[str], module: ModuleSource) -> str | None:
    """The address that a traversal begins with, where the module does not declare it."""
    mode = path[0] if path[0] in ("data", "ephemeral") else "managed"
    names = [name for name in path if name != "[]"]
    if path[0] == "module":
        return f"module.{names[1]}" if len(names) > 1 and names[1] not in module.calls else None
    if path[0] in ("var", "local", "path", "terraform", "each", "count", "self", "provider", "resource", "action"):
        return None
    own = names[1:] if mode != "managed" else names
    if len(own) < 2 or (mode, own[0], own[1]) in module.resources:
        return None
    return ".".join(names[: 3 if mode != "managed" else 2])


def _plain(node: Expression) -> Expression:
    return _plain(node.inner) if isinstance(node, (Parentheses, Elsewhere)) else node


def _references(node: Node) -> Iterator[Node]:
    """What an expression refers to."""
    left: list[object] = [node]
    while left:
        at = left.pop()
        if isinstance(at, (GetAttr, Index)) and isinstance(at.of, Variable):
            yield at
        elif isinstance(at, (tuple, list)):
            left.extend(at)
        elif isinstance(at, Node) and not isinstance(at, SplatItem):
            left.extend(getattr(at, field) for field in at.__struct_fields__)


# --- variables and calls --------------------------------------------------------------------------------------------------

_RESERVED = frozenset(("source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"))


def _variable(run: Run, name: str, located: Located) -> None:
    say = _at(run, located)
    block = located.block
    attributes = block.body.attributes
    if name in _RESERVED:
        say("invalid-block", block, f"`{name}` means something in a `module` block; give the variable another name")
    default, nullable = attributes.get("default"), attributes.get("nullable")
    if default is not None and nullable is not None and _is(default.expression, None) and _is(nullable.expression, False):
        say("invalid-value", default, "the default is null, and the variable is not `nullable`: remove one of them")
    said = attributes.get("description")
    if said is not None and (any(_references(said.expression)) or isinstance(_plain(said.expression), Call)):
        say("not-constant", said.expression, "a description is a literal text")
    for flag in ("sensitive", "nullable", "ephemeral"):
        found = attributes.get(flag)
        if found is not None and not _may_be_bool(found.expression):
            say("invalid-value", found, f"`{flag}` is true or false")
    for part in block.body.blocks:
        condition = part.body.attributes.get("condition") if part.type == "validation" else None
        if condition is not None and not any(
            isinstance(at, GetAttr) and at.name == name and isinstance(at.of, Variable) and at.of.name == "var"
            for at in _references(condition.expression)
        ):
            message = f"the condition of a validation refers to its variable, var.{name}"
            _inside(run, located, part)("invalid-expression", condition.expression, message)


def _is(node: Expression, what: object) -> bool:
    node = _plain(node)
    return isinstance(node, Literal) and node.value is what


def _may_be_bool(node: Expression) -> bool:
    node = _plain(node)
    if isinstance(node, Literal):
        return isinstance(node.value, bool)
    if isinstance(node, Template) and _is_text(node):
        part = node.parts[0]
        return isinstance(part, StringPart) and part.text in ("true", "false", "1", "0")
    return not isinstance(node, TupleExpr)


def _version_of_local(block: Block, say: Say) -> None:
    source, version = block.body.attributes.get("source"), block.body.attributes.get("version")
    if source is None or version is None:
        return
    node = _plain(source.expression)
    part = node.parts[0] if isinstance(node, Template) and _is_text(node) else None
    if isinstance(part, StringPart) and part.text.startswith(("./", "../")):
        say("unknown-argument", version, "a module in a folder has no versions; remove `version`")


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


def _history(run: Run, module: ModuleSource) -> None:
    """`moved`, `removed` and `import`: what they name is there no more, or is there."""
    for located in module.history:
        say = _at(run, located)
        block = located.block
        targets = {name: block.body.attributes.get(name) for name in ("from", "to")}
        paths = {name: address(at.expression) for name, at in targets.items() if at is not None}
        before, after = paths.get("from"), paths.get("to")
        if block.type == "moved" and before is not None and after is not None and before == after and "[]" not in before:
            say("invalid-block", block, "this moves something to where it is; remove it")
        elif block.type in ("moved", "removed") and before is not None and _is_declared_single(before, module):
            name = ".".join(before)
            message = f"{name} is declared still, so that it cannot be {block.type}; remove its block, or this one"
            say("invalid-block", block, message)
        elif block.type == "import":
            if after is not None and after[0] != "module" and "[]" not in after[:2]:
                missing = undeclared(after, module)
                if missing is not None:
                    say("undeclared-reference", block, f"{missing}, which this imports, is not declared; declare it")
            if block.body.complete and not {"id", "identity"} & block.body.attributes.keys():
                say("missing-argument", block, "this `import` block lacks its argument `id`")


def _is_declared_single(path: Iterable[str], module: ModuleSource) -> bool:
    names = list(path)
    located = None
    if len(names) == 2:
        located = module.calls.get(names[1]) if names[0] == "module" else module.resources.get(("managed", names[0], names[1]))
    return located is not None and not {"count", "for_each"} & located.block.body.attributes.keys()
