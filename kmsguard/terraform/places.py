"""Saying what is wrong with a block at the place of a part of it, and what such parts are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kmsguard.model.source import Source
from kmsguard.syntax.hcl.nodes import (
    Block,
    Expression,
    GetAttr,
    Index,
    Literal,
    Missing,
    Node,
    Parentheses,
    SplatItem,
    StringPart,
    Template,
    Variable,
)
from kmsguard.terraform.load import Elsewhere, Located, ModuleSource
from kmsguard.terraform.scope import Run

Say = Callable[[str, Node, str], None]
"""Says what is wrong: the problem's code, its place, the message."""


def says(run: Run, located: Located, source: Source | None = None) -> Say:
    """Says it of a block, whose file is that of `source` where an override file gives a part of it."""
    own = source or located.file.source

    def say(code: str, node: Node, message: str) -> None:
        place: Source = getattr(node, "source", own)
        end = node.head_end if isinstance(node, Block) else node.end
        run.report("warning", code, place.span(node.start, end), message)

    return say


def says_inside(run: Run, located: Located, part: Block) -> Say:
    """Says it of a nested block."""
    return says(run, located, getattr(part, "source", None))


def plain(node: Expression) -> Expression:
    """An expression without parentheses around it, wherever it stands."""
    return plain(node.inner) if isinstance(node, (Parentheses, Elsewhere)) else node


def is_text(node: Expression) -> bool:
    """An address between quotes, as older versions wrote it and `.tf.json` does."""
    return isinstance(node, Template) and len(node.parts) == 1 and isinstance(node.parts[0], StringPart)


def literal_text(node: Expression) -> str | None:
    """The text of a quoted literal; None for anything else."""
    node = plain(node)
    if not isinstance(node, Template):
        return None
    if not node.parts:
        return ""
    part = node.parts[0]
    return part.text if len(node.parts) == 1 and isinstance(part, StringPart) else None


def is_literal(node: Expression, what: object) -> bool:
    """Whether an expression is `null`, `true` or `false`."""
    node = plain(node)
    return isinstance(node, Literal) and node.value is what


def address(node: Expression) -> list[str] | None:
    """The names of a traversal, those of indexes included; None for anything else."""
    node = plain(node)
    if isinstance(node, Variable):
        return [node.name]
    if isinstance(node, GetAttr):
        before = address(node.of)
        return None if before is None else [*before, node.name]
    if isinstance(node, Index):
        before = address(node.of)
        return None if before is None else [*before, "[]"]
    return None


def refers(node: Expression) -> bool:
    """Whether a literal is asked for and an expression refers to something, or computes."""
    node = plain(node)
    return not isinstance(node, (Literal, Missing)) and literal_text(node) is None


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


def references_in(node: Node) -> Iterator[Node]:
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
