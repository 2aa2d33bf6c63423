"""A module's folder as it is written: its blocks by name, override files merged in."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kmsguard.model.declaration import Comment, Problem
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Value
from kmsguard.syntax.hcl.nodes import Attribute, Block, Body, Expression, HclFile, Node
from kmsguard.terraform.schema import is_well_formed, label
from kmsguard.terraform.scope import Run
from kmsguard.terraform.types import key_name

if TYPE_CHECKING:
    from kmsguard.terraform.traversals import Reference


class Elsewhere(Node):
    """An expression that stands in another file than the block that holds it."""

    source: Source
    inner: Expression


class ElsewhereAttribute(Attribute):
    """An argument that an override file gives to a block."""

    source: Source


class ElsewhereBlock(Block):
    """A nested block that an override file gives to a block."""

    source: Source


class Located:
    """A block, and the file that it stands in. What does not hang on the module instance is found once."""

    def __init__(self, block: Block, file: HclFile, overrides: tuple[Located, ...] = ()) -> None:
        self.block = block
        self.file = file
        self.overrides_others = False  # whether it stands in an override file
        self.check = ""  # of a data source: the `check` block that it stands in, where alone it is known
        self.overrides = overrides  # the blocks of override files that were merged into it
        self.constants: dict[str, Value] = {}  # arguments that hold no references, evaluated

    @cached_property
    def span(self) -> Span:
        """The whole block."""
        return self.file.source.span(self.block.start, self.block.end)

    @cached_property
    def head(self) -> Span:
        """Its first line, to its opening brace."""
        return self.file.source.span(self.block.start, self.block.head_end)

    def attribute(self, name: str) -> Expression | None:
        """The expression of an argument."""
        found = self.block.body.attributes.get(name)
        return None if found is None else found.expression

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """The comments in it and in the lines above it, also where it is overridden."""
        own = comments_of(self.file, self.span)
        return own + tuple(comment for override in self.overrides for comment in override.comments)

    @cached_property
    def block_types(self) -> dict[str, list[Block]]:
        """The nested blocks by type, `dynamic` ones by the type that they make."""
        return block_types(self.block)


class LocatedAttribute(msgspec.Struct, frozen=True, eq=False):
    """An argument, and the file that it stands in."""

    attribute: Attribute
    file: HclFile

    @property
    def span(self) -> Span:
        """Name and value."""
        return self.file.source.span(self.attribute.start, self.attribute.end)


class ModuleSource:
    """What the files of a module's folder say."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.files: list[HclFile] = []
        self.variables: dict[str, Located] = {}
        self.outputs: dict[str, Located] = {}
        self.locals: dict[str, LocatedAttribute] = {}
        self.resources: dict[tuple[str, str, str], Located] = {}  # by mode, type and name
        self.calls: dict[str, Located] = {}
        self.providers: dict[str, Located] = {}  # by `aws` or `aws.alias`
        self.settings: list[Located] = []
        self.checks: list[Located] = []
        self.history: list[Located] = []  # `moved`, `removed`, `import`
        self.references: list[Reference] | None = None  # see `traversals`

    @property
    def is_empty(self) -> bool:
        """Whether there are no Terraform files in it."""
        return not self.files


def load(run: Run, path: str) -> ModuleSource:
    """Reads all files of a folder; what is wrong with them becomes problems of the run."""
    module = ModuleSource(path)
    names = _names(path)
    for add, chosen in (
        (_add, [name for name in names if not _is_override(name)]),
        (_override, [name for name in names if _is_override(name)]),
    ):
        for name in chosen:
            file = read_file(run, join(path, name))
            if file is not None:
                module.files.append(file)
                add(run, module, file)
    return module


def join(path: str, name: str) -> str:
    """A file of a folder; nothing is put before the name where the folder is the working directory."""
    return name if path in ("", ".") else f"{path}/{name}"


SUFFIXES = (".tf", ".tf.json", ".tofu", ".tofu.json")


def _names(path: str) -> list[str]:
    """The files of a module. OpenTofu reads `x.tofu` instead of an `x.tf` beside it.

    See https://opentofu.org/docs/language/files/.
    """
    try:
        entries = sorted(os.listdir(path or "."))
    except OSError:
        return []
    names = [name for name in entries if name.endswith(SUFFIXES) and not name.startswith(".")]
    present = {name for name in names if not (Path(path) / name).is_dir()}
    return [name for name in names if name in present and name.replace(".tf", ".tofu") not in present - {name}]


def _is_override(name: str) -> bool:
    stem = name.removesuffix(".json").removesuffix(".tf").removesuffix(".tofu")
    return stem == "override" or stem.endswith("_override")


def read_file(run: Run, path: str) -> HclFile | None:
    """A file in either syntax."""
    if path.endswith(".json"):
        from kmsguard.terraform.json_syntax import read_json

        return read_json(run, path)
    file = run.files.hcl(path)
    if isinstance(file, Problem):
        run.add(file)
        return None
    run.sources.setdefault(file.source.path, file.source)
    for problem in file.problems:
        run.add(problem)
    return file


def block_types(block: Block) -> dict[str, list[Block]]:
    """The nested blocks by type, `dynamic` ones by the type that they make."""
    out: dict[str, list[Block]] = {}
    for nested in block.body.blocks:
        out.setdefault(_block_type(nested), []).append(nested)
    return out


def _add(run: Run, module: ModuleSource, file: HclFile) -> None:
    for block in file.body.blocks:
        if not is_well_formed(run, file, block):
            continue
        located = Located(block, file)
        if block.type == "locals":
            for name, attribute in block.body.attributes.items():
                span = file.source.span(attribute.start, attribute.name_end)
                if _is_new(run, module.locals.get(name), span, f"local.{name}"):
                    module.locals[name] = LocatedAttribute(attribute, file)
        elif block.type == "terraform":
            module.settings.append(located)
        elif block.type == "check":
            module.checks.append(located)
            _add_data(run, module, file, block)
        elif block.type in ("moved", "removed", "import"):
            module.history.append(located)
        else:
            table, key, name = _slot(module, block)
            if table is not None and _is_new(run, table.get(key), located.head, name):
                table[key] = located


def _add_data(run: Run, module: ModuleSource, file: HclFile, check: Block) -> None:
    """The data source that a `check` block reads: https://developer.hashicorp.com/terraform/language/block/check."""
    for block in check.body.blocks:
        if block.type == "data" and is_well_formed(run, file, block):
            located = Located(block, file)
            located.check = label(check, 0)
            table, key, name = _slot(module, block)
            if table is not None and _is_new(run, table.get(key), located.head, name):
                table[key] = located


def _slot(module: ModuleSource, block: Block) -> tuple[dict[object, Located] | None, object, str]:
    """Where a block belongs: the table, its key there, and its address."""
    first, second = label(block, 0), label(block, 1)
    tables: dict[str, tuple[object, object, str]] = {
        "variable": (module.variables, first, f"var.{first}"),
        "output": (module.outputs, first, f"output.{first}"),
        "module": (module.calls, first, f"module.{first}"),
        "provider": (module.providers, _provider_key(block), f"provider.{_provider_key(block)}"),
        "resource": (module.resources, ("managed", first, second), f"{first}.{second}"),
        "data": (module.resources, ("data", first, second), f"data.{first}.{second}"),
        "ephemeral": (module.resources, ("ephemeral", first, second), f"ephemeral.{first}.{second}"),
    }
    table, key, name = tables.get(block.type, (None, None, ""))
    return table, key, name  # type: ignore[return-value]


def _provider_key(block: Block) -> str:
    alias = block.body.attributes.get("alias")
    name = key_name(alias.expression) if alias is not None else None
    return f"{label(block, 0)}.{name}" if name else label(block, 0)


def _is_new(run: Run, before: Located | LocatedAttribute | None, span: Span, name: str) -> bool:
    """Whether a name is declared for the first time; says so where it is not."""
    if before is None:
        return True
    first = before.span
    where = f"line {first.start_line}" if first.file == span.file else f"{first.file}, line {first.start_line}"
    run.report(
        "warning", "duplicate", span, f"{name} is declared twice, first in {where}; only that one is read, rename or remove one"
    )
    return False


# --- override files -------------------------------------------------------------------------------------------------------


def _override(run: Run, module: ModuleSource, file: HclFile) -> None:
    """Merges an override file. See https://developer.hashicorp.com/terraform/language/files/override."""
    for block in file.body.blocks:
        if not is_well_formed(run, file, block, overrides=True):
            continue
        located = Located(block, file)
        if block.type == "locals":
            for name, attribute in block.body.attributes.items():
                over = LocatedAttribute(attribute, file)
                _has_base(run, name in module.locals, over.span, f"local.{name}")
                module.locals[name] = over
        elif block.type == "terraform":
            located.overrides_others = True
            module.settings.append(located)
        else:
            table, key, name = _slot(module, block)
            if table is None:
                run.report(
                    "warning", "override-without-base", located.head, f"a `{block.type}` block cannot override another one"
                )
                continue
            under = table.get(key)
            # the configuration of a provider without alias is there even where no block is
            _has_base(run, under is not None or (block.type == "provider" and "." not in str(key)), located.head, name)
            table[key] = located if under is None else _merged(under, located)


def _has_base(run: Run, found: bool, span: Span, name: str) -> None:
    if not found:
        message = f"there is no {name} that this could override; declare it in a file that is no override file"
        run.report("warning", "override-without-base", span, message)


def _merged(under: Located, over: Located) -> Located:
    old, new, source = under.block, over.block, over.file.source
    kept: list[Block] = []
    replaced = {_block_type(block) for block in new.body.blocks}
    merged_by_argument = "lifecycle" if "lifecycle" in replaced else ""
    lifecycle: dict[str, Attribute] = {}
    for block in old.body.blocks:
        if block.type == merged_by_argument:
            lifecycle.update(block.body.attributes)
        elif _block_type(block) not in replaced:
            kept.append(block)
    added = tuple(_elsewhere(block, source, lifecycle if block.type == merged_by_argument else {}) for block in new.body.blocks)
    attributes = {**old.body.attributes, **{name: _moved(one, source) for name, one in new.body.attributes.items()}}
    body = Body(old.body.start, old.body.end, attributes, (*kept, *added), old.body.complete and new.body.complete)
    block = Block(old.start, old.end, old.type, old.labels, body, old.head_end)
    return Located(block, under.file, (*under.overrides, over))


def _moved(attribute: Attribute, source: Source) -> ElsewhereAttribute:
    expression = Elsewhere(attribute.start, attribute.end, source, attribute.expression)
    start, end, name, name_end = attribute.start, attribute.end, attribute.name, attribute.name_end
    return ElsewhereAttribute(start, end, name, name_end, expression, source)  # type: ignore[arg-type]


def _elsewhere(block: Block, source: Source, under: dict[str, Attribute]) -> ElsewhereBlock:
    """A nested block of an override file, with the arguments of the one under it that it leaves."""
    body = block.body
    if under:
        body = Body(body.start, body.end, {**under, **body.attributes}, body.blocks, body.complete)
    return ElsewhereBlock(block.start, block.end, block.type, block.labels, body, block.head_end, source)


def _block_type(block: Block) -> str:
    return label(block, 0) if block.type == "dynamic" else block.type


# --- comments -------------------------------------------------------------------------------------------------------------


def comments_of(file: HclFile, span: Span) -> tuple[Comment, ...]:
    """The comments from the first to the last line of a place, and those in the lines right above it."""
    comments = file.comments
    first = bisect_left(comments, span.start_line, key=lambda comment: comment.span.start_line)
    inside = []
    for comment in comments[first:]:
        if comment.span.start_line > span.end_line:
            break
        inside.append(comment)
    return (*reversed(list(_above(file, first, span.start_line))), *inside)


def _above(file: HclFile, before: int, line: int) -> Iterator[Comment]:
    """The comments that fill the lines above a line, upwards."""
    for comment in reversed(file.comments[:before]):
        end = comment.span.end_line - (comment.span.end_column == 1 and comment.span.end_line > comment.span.start_line)
        if end != line - 1:
            return
        if file.source.line(comment.span.start_line)[: comment.span.start_column - 1].strip():
            return  # it stands behind something else
        yield comment
        line = comment.span.start_line
