"""Which provider a resource is made with, and which versions of it a configuration may use.

See https://developer.hashicorp.com/terraform/language/providers/requirements,
https://developer.hashicorp.com/terraform/language/expressions/version-constraints and
https://developer.hashicorp.com/terraform/language/files/dependency-lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from kmsguard.model.source import Source
from kmsguard.syntax.hcl.nodes import Attribute, Expression, ObjectExpr
from kmsguard.terraform.load import Located, ModuleSource, join
from kmsguard.terraform.provider import configuration_key
from kmsguard.terraform.schema import label
from kmsguard.terraform.scope import Run
from kmsguard.terraform.types import key_name

AWS = "hashicorp/aws"
_HOSTS = ("registry.terraform.io/", "registry.opentofu.org/")
_CONSTRAINT = re.compile(r"\s*(=|!=|>=|<=|>|<|~>|)\s*v?(\d+(?:\.\d+)*)(?:[-+][\w.+-]*)?\s*")
_LOCKED = re.compile(
    r'provider\s+"(?:registry\.terraform\.io|registry\.opentofu\.org)/hashicorp/aws"\s*\{\s*version\s*=\s*"(\d[\d.]*)'
)

Range: TypeAlias = "tuple[tuple[int, ...], tuple[int, ...]]"
"""From the lowest version to the one that is too high."""
_ALL: Range = ((0,), (10**9,))


def sources(module: ModuleSource) -> dict[str, str]:
    """The providers that a module names, by their local names, without the host of the public registries."""
    return {name: _source(name, node) for name, node in _required(module.settings)}


def made_with(located: Located, of_type: str, named: dict[str, str]) -> str:
    """The provider of a resource. `named`: those that its module names."""
    written = located.attribute("provider")
    key = configuration_key(written)[0] if written is not None else None
    name = (key or of_type.split("_", 1)[0]).split(".")[0]
    return named.get(name, f"hashicorp/{name}")


def allows(run: Run, modules: Iterable[ModuleSource], lowest: tuple[int, ...], newest: tuple[int, ...]) -> bool:
    """Whether the AWS provider may be one of the versions from `lowest` to `newest`: what is required, and what is locked."""
    low, high = _ALL
    for text in _constraints(run, modules):
        for part in text.split(","):
            found = _range(part)
            low, high = max(low, found[0]), min(high, found[1])
    return low < high and low <= newest and high > lowest


def is_constraint(text: str) -> bool:
    """Whether a text is one version constraint: `>= 1.9`."""
    return _CONSTRAINT.fullmatch(text) is not None


def _constraints(run: Run, modules: Iterable[ModuleSource]) -> Iterator[str]:
    for module in modules:
        for name, node in _required(module.settings):
            if _source(name, node) == AWS:
                yield _text(node) or _text(_member(node, "version")) or ""
        for located in module.providers.values():  # before there was `required_providers` it stood there
            if label(located.block, 0) == "aws":
                yield _text(located.attribute("version")) or ""
    lock = join(run.unit, ".terraform.lock.hcl")
    if Path(lock).is_file():
        found = run.files.read(lock)
        locked = _LOCKED.search(found.text) if isinstance(found, Source) else None
        if locked is not None:
            yield f"= {locked[1]}"


def _required(settings: list[Located]) -> Iterator[tuple[str, Expression]]:
    for located in settings:
        for block in located.block.body.blocks:
            attributes: Iterable[Attribute] = block.body.attributes.values() if block.type == "required_providers" else ()
            yield from ((one.name, _plain(one.expression)) for one in attributes)


def _plain(node: Expression) -> Expression:
    return getattr(node, "inner", node)


def _source(name: str, node: Expression) -> str:
    text = (_text(_member(node, "source")) or f"hashicorp/{name}").lower()
    for host in _HOSTS:
        text = text.removeprefix(host)
    return text


def _member(node: Expression, name: str) -> Expression | None:
    items = node.items if isinstance(node, ObjectExpr) else ()
    return next((_plain(item.value) for item in items if key_name(item.key) == name), None)


def _text(node: Expression | None) -> str | None:
    return key_name(node) if node is not None and not isinstance(node, ObjectExpr) else None


def _range(constraint: str) -> Range:
    """The versions that a constraint allows; all where it is none that can be read, or leaves out a single one."""
    found = _CONSTRAINT.fullmatch(constraint)
    if found is None or found[1] == "!=":
        return _ALL
    parts = [int(part) for part in found[2].split(".")]
    version = (*parts, 0, 0)[:3]
    match found[1]:
        case ">=" | ">":
            return version, _ALL[1]
        case "<":
            return _ALL[0], version
        case "<=":
            return _ALL[0], (*version, 0)
        case "~>":
            upper = parts[:-1] if len(parts) > 1 else parts
            return version, (*upper[:-1], upper[-1] + 1)
    return version, (*version, 0)
