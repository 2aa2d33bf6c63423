"""What a `terraform` block asks for: versions, providers, where the state is kept.

See https://developer.hashicorp.com/terraform/language/block/terraform.
"""

from __future__ import annotations

import re

from kmsguard.syntax.hcl.nodes import Block, Expression, ObjectExpr, TupleExpr
from kmsguard.terraform.load import ModuleSource
from kmsguard.terraform.places import Say, address, is_literal, literal_text, plain, references_in, refers, says, says_inside
from kmsguard.terraform.requirements import is_constraint
from kmsguard.terraform.schema import instead, label
from kmsguard.terraform.scope import Run
from kmsguard.terraform.types import key_name

_BACKENDS = frozenset(
    ("azurerm", "consul", "cos", "gcs", "http", "inmem", "kubernetes", "local", "oci", "oss", "pg", "remote", "s3")
)
_LOCAL_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z", re.IGNORECASE)
_SOURCE = re.compile(r"(?:(?:[^/\s]+/)?[\w-]+/)?[\w-]+\Z")
_OF_REQUIREMENT = frozenset(("source", "version", "configuration_aliases"))


def check_settings(run: Run, module: ModuleSource) -> None:
    """Says what is wrong with the `terraform` blocks of a module."""
    for located in module.settings:
        say = says(run, located)
        version = located.block.body.attributes.get("required_version")
        if version is not None:
            _version("required_version", version.expression, say)
        for part in located.block.body.blocks:
            inside = says_inside(run, located, part)
            if part.type == "required_providers":
                _requirements(part, inside)
            elif part.type == "backend":
                _backend(part, inside)


def _version(name: str, node: Expression, say: Say) -> None:
    if is_literal(node, None):
        return
    if any(references_in(node)) or isinstance(plain(node), (TupleExpr, ObjectExpr)):
        say("not-constant", node, f'`{name}` is a literal text, as ">= 1.9, < 2.0"')
        return
    text = literal_text(node)
    wrong = next((part for part in text.split(",") if not is_constraint(part)), None) if text is not None else None
    if wrong is not None:
        message = f'`{name}` is a list of versions with an operator before each, as ">= 1.9, < 2.0"; {wrong.strip()!r} is none'
        say("invalid-value", node, message)
    elif name == "required_version" and text is not None and re.search(r"\d-[a-zA-Z]", text):
        say("invalid-value", node, "`required_version` names no pre-release; leave out what stands behind the dash")


def _requirements(block: Block, say: Say) -> None:
    for part in block.body.blocks:
        say("unknown-block", part, f"a required provider is an argument: write `{part.type} = {{`")
    for name, attribute in block.body.attributes.items():
        if not _LOCAL_NAME.match(name):
            say("invalid-value", attribute, f"{name} is no name for a provider: letters, digits and dashes, none at its ends")
        node = plain(attribute.expression)
        if not isinstance(node, ObjectExpr):
            _version("version", node, say)
            continue
        for item in node.items:
            of = key_name(item.key) or ""
            if of not in _OF_REQUIREMENT:
                message = f"a required provider has no argument `{of}`{instead(of, _OF_REQUIREMENT)}"
                say("unknown-argument", item, message)
            elif of == "version":
                _version("version", item.value, say)
            elif of == "source":
                _source(item.value, say)
            else:
                _aliases(name, item.value, say)


def _source(node: Expression, say: Say) -> None:
    text = literal_text(node)
    if text is None:
        if refers(node):
            say("not-constant", node, '`source` is a literal text, as "hashicorp/aws"')
        return
    if not _SOURCE.match(text):
        say("invalid-value", node, '`source` is written as [host/]namespace/name, as "hashicorp/aws"')


def _aliases(name: str, node: Expression, say: Say) -> None:
    whole = plain(node)
    if not isinstance(whole, TupleExpr):
        say("invalid-expression", node, f"`configuration_aliases` is a list, as [{name}.replica]")
        return
    for item in whole.items:
        path = address(item)
        if path is None or len(path) != 2 or path[0] != name:
            say("invalid-expression", item, f"a configuration alias begins with the provider's name, as {name}.replica")


def _backend(block: Block, say: Say) -> None:
    if len(block.labels) != 1:
        say("invalid-block", block, 'this block begins with `backend "type" {`, with one label')
        return
    of = label(block, 0)
    if of not in _BACKENDS:
        say("unknown-block", block, f"there is no backend {of}{instead(of, _BACKENDS, otherwise='')}")
