"""What Terraform's own blocks hold: which there are, their labels, arguments and nested blocks.

Of the arguments of resources only their provider knows; those of meta-arguments are known here.
See https://developer.hashicorp.com/terraform/language/syntax/configuration and the pages of each block.
"""

from __future__ import annotations

import re

import msgspec

from kmsguard.model.source import Span
from kmsguard.syntax.hcl.nodes import Block, HclFile
from kmsguard.terraform.scope import Run


class Shape(msgspec.Struct, frozen=True):
    """What a block of a type may look like."""

    labels: tuple[str, ...] = ()  # what its labels are
    arguments: frozenset[str] | None = None  # None: any
    required: tuple[str, ...] = ()
    blocks: frozenset[str] | None = None  # None: any


def _shape(labels: str, arguments: str | None, required: str = "", blocks: str | None = "") -> Shape:
    return Shape(
        tuple(labels.split()),
        None if arguments is None else frozenset(arguments.split()) | frozenset(required.split()),
        tuple(required.split()),
        None if blocks is None else frozenset(blocks.split()),
    )


SHAPES = {
    "resource": _shape("type name", None, blocks=None),
    "data": _shape("type name", None, blocks=None),
    "ephemeral": _shape("type name", None, blocks=None),
    "action": _shape("type name", None, blocks=None),
    "variable": _shape("name", "type default description sensitive nullable ephemeral deprecated const", blocks="validation"),
    "output": _shape("name", "description sensitive depends_on ephemeral deprecated type", "value", "precondition"),
    "module": _shape("name", None, "source", "lifecycle"),  # OpenTofu's
    "provider": _shape("name", None, blocks=None),
    "locals": _shape("", None),
    "terraform": _shape(
        "",
        "required_version experiments language",
        blocks="backend cloud required_providers provider_meta encryption state_store",
    ),
    "moved": _shape("", "", "from to"),
    "removed": _shape("", "", "from", "lifecycle provisioner connection"),
    "import": _shape("", "id identity provider for_each", "to"),
    "check": _shape("name", "", blocks="data assert"),
}
_NAME = re.compile(r"[^\W\d][\w-]*\Z")


def label(block: Block, at: int) -> str:
    """A label without its quotes; empty where there is none."""
    return block.labels[at].text.strip('"') if at < len(block.labels) else ""


def is_well_formed(run: Run, file: HclFile, block: Block, *, overrides: bool = False) -> bool:
    """Whether a block of a module can be read, whatever it holds; says what is wrong with it.

    `overrides`: it stands in an override file, so what it leaves out is written elsewhere.
    """
    head = file.source.span(block.start, block.head_end)
    shape = SHAPES.get(block.type)
    if shape is None:
        _unknown_block(run, block, head)
        return False
    if len(block.labels) != len(shape.labels) or any(not _NAME.match(label(block, at)) for at in range(len(shape.labels))):
        if block.body.complete:  # else its mistake is told already
            run.report("error", "invalid-block", head, _labels_message(block, shape))
        return False
    for name, attribute in block.body.attributes.items():
        if shape.arguments is not None and name not in shape.arguments:
            span = file.source.span(attribute.start, attribute.name_end)
            run.report(
                "warning",
                "unknown-argument",
                span,
                f"a `{block.type}` block has no argument `{name}`{instead(name, shape.arguments)}",
            )
    for nested in block.body.blocks:
        if shape.blocks is not None and nested.type not in shape.blocks:
            span = file.source.span(nested.start, nested.head_end)
            known = shape.blocks | (shape.arguments or frozenset())
            run.report(
                "warning",
                "unknown-block",
                span,
                f"a `{block.type}` block has no block `{nested.type}`{instead(nested.type, known)}",
            )
    if block.body.complete and not overrides:
        for name in shape.required:
            if name not in block.body.attributes:
                run.report("warning", "missing-argument", head, f"this `{block.type}` block lacks its argument `{name}`")
    return True


def _unknown_block(run: Run, block: Block, head: Span) -> None:
    found = _close(block.type, frozenset(SHAPES))
    if found:
        message = f"there are no blocks of type `{block.type}`; what it holds is not read: did you mean `{found}`?"
        run.report("error", "unknown-block", head, message)
    else:
        run.report("warning", "unknown-block", head, f"there are no blocks of type `{block.type}`; what it holds is not read")


def _labels_message(block: Block, shape: Shape) -> str:
    if len(block.labels) != len(shape.labels):
        head = " ".join((block.type, *(f'"{name}"' for name in shape.labels)))
        return f"this block is not read: it begins with `{head} {{`, with {len(shape.labels) or 'no'} labels"
    return "this block is not read: its labels are names of letters, digits, `_` and `-` that begin with a letter"


def instead(name: str, known: frozenset[str], otherwise: str = "; remove it") -> str:
    """What to do about a name that is not known: the known one that is like it, if there is one."""
    found = _close(name, known)
    return f"; did you mean `{found}`?" if found else otherwise


def _close(name: str, known: frozenset[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, sorted(known), 1, 0.75)
    return found[0] if found else ""
