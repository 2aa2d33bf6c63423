"""References to attributes that a resource or data source does not have.

See https://developer.hashicorp.com/terraform/language/expressions/references#resources.
"""

from __future__ import annotations

from collections.abc import Iterator

from kmsguard.model.source import Span
from kmsguard.syntax.hcl.nodes import TupleExpr
from kmsguard.terraform.addresses import local_address
from kmsguard.terraform.aws_schema import Schema
from kmsguard.terraform.load import ModuleSource
from kmsguard.terraform.places import address, plain
from kmsguard.terraform.schema import instead
from kmsguard.terraform.traversals import INDEX, references

_MODES = {"data": "data", "ephemeral": "ephemeral", "resource": "managed"}
_OF_ANY = frozenset(("id", "timeouts"))  # not all versions list them


def unknown_attributes(module: ModuleSource, schemas: dict[tuple[str, str, str], Schema]) -> Iterator[tuple[Span, str]]:
    """The references of a module to attributes that are in no schema, each with what is wrong. `schemas`: of its resources."""
    if not schemas:
        return
    yield from _ignored(module, schemas)
    for reference in references(module):
        names = reference.names
        mode = _MODES.get(names[0], "managed")
        own = names[1:] if names[0] in _MODES else names
        if len(own) < 3:
            continue
        schema = schemas.get((mode, own[0], own[1]))
        if schema is None:
            continue
        wrong = _wrong(schema, own[2:])
        if wrong is not None:
            name, known = wrong
            of = local_address(mode, own[0], own[1])
            yield reference.span, f"{of} has no attribute `{name}`{instead(name, known, otherwise='')}; it is unknown"


def _ignored(module: ModuleSource, schemas: dict[tuple[str, str, str], Schema]) -> Iterator[tuple[Span, str]]:
    """What `ignore_changes` lists and the resource does not have."""
    for key, schema in schemas.items():
        located = module.resources[key]
        for block in located.block.body.blocks:
            found = block.body.attributes.get("ignore_changes") if block.type == "lifecycle" else None
            listed = plain(found.expression) if found is not None else None
            for item in listed.items if isinstance(listed, TupleExpr) else ():
                path = address(item)
                wrong = _wrong(schema, tuple(path)) if path is not None else None
                if wrong is not None:
                    source = getattr(found, "source", getattr(block, "source", located.file.source))
                    message = f"{key[1]} has no attribute `{wrong[0]}`{instead(*wrong, otherwise='; remove it')}"
                    yield source.span(item.start, item.end), message


def _wrong(schema: Schema, names: tuple[str, ...]) -> tuple[str, frozenset[str]] | None:
    """The name that a resource does not have, and those that it has; None where all are known.

    Of what AWS decides in nested blocks the table knows the names of one version only: nothing is said of it.
    """
    first = next((name for number, name in enumerate(names) if name != INDEX or number), INDEX)
    if first == INDEX or first.isdigit() or first in _OF_ANY or first in schema:
        return None
    return first, frozenset(schema)
