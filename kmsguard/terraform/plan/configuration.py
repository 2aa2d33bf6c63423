"""The root module that a plan was made from, where it lies beside the plan: found by what it declares, and evaluated with the
plan's values."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from kmsguard.model.declaration import Call, Declaration, Unit, UnitSource
from kmsguard.model.guard import atoms
from kmsguard.model.truth import Truth
from kmsguard.model.value import Value
from kmsguard.syntax.files import Files
from kmsguard.terraform.evaluate import evaluate
from kmsguard.terraform.load import Located, ModuleSource, load
from kmsguard.terraform.module import Module
from kmsguard.terraform.opening import open_value
from kmsguard.terraform.plan.document import Json, Members, members, objects, text
from kmsguard.terraform.plan.merge import same
from kmsguard.terraform.plan.references import split_module
from kmsguard.terraform.plan.values import plain
from kmsguard.terraform.scope import Run
from kmsguard.terraform.types import Type

SUFFIXES = (".tf", ".tofu", ".tf.json", ".tofu.json")
MOST_FOLDERS = 300
"""In so many folders below a plan its root module is looked for."""
_PASSED_OVER = ("node_modules", "site-packages", "venv", "__pycache__")


class PlannedInputs:
    """The values of a plan's variables."""

    def __init__(self, run: Run, source: ModuleSource, variables: Members) -> None:
        self.run = run
        self.source = source
        self.variables = variables
        # what a plan does not tell is open, unless the settings name it: the plan's values say what comes of it
        run.knows_workspace = run.settings.workspace != "default"

    def value(self, module: Module, name: str, declared: Located, to: Type | None) -> Value | None:  # noqa: ARG002
        """The value that the plan was made with; None where that is the default, which stands in the code."""
        given = self.variables.get(name)
        if not isinstance(given, dict) or "value" not in given:
            return None
        value = given["value"]
        default = declared.block.body.attributes.get("default")
        if default is not None and _equal(evaluate(default.expression, module.scope(declared.file)), value):
            return None
        return plain(value).via("variable", f"var.{name}", None)

    def open_value(self, module: Module, name: str, declared: Located, to: Type | None) -> Value:  # noqa: ARG002
        """What the plan does not tell: a variable that is ephemeral, or newer than the plan."""
        subject = f"var.{name}"
        opened = open_value(self.run.unit, subject, to, f"the plan does not tell {subject}", subject)
        return replace(opened, span=declared.head)


def _equal(default: Value, value: Json) -> bool:
    data = default.data
    if isinstance(data, dict):
        return isinstance(value, dict) and data.keys() == value.keys() and all(_equal(data[k], value[k]) for k in data)
    if isinstance(data, tuple):
        return isinstance(value, list) and len(data) == len(value) and all(map(_equal, data, value))
    return value is None if data is None else not isinstance(value, (dict, list)) and same(default, value)


class Configured(msgspec.Struct, frozen=True, eq=False):
    """The evaluated root module of a plan."""

    unit: Unit
    root: Module
    by_address: dict[str, Declaration]
    without_keys: dict[str, Declaration]  # of instances that only the plan tells apart

    def declaration(self, address: str) -> Declaration | None:
        """What the code declares at an address."""
        return self.by_address.get(address) or self.without_keys.get(_without_keys(address))

    def call(self, module: str) -> Call | None:
        """The call that brings a module that is not there, or is in one that is not there."""
        at: Module | None = self.root
        for address, name, key in _calls_to(module):
            located = at.source.calls.get(name) if at is not None else None
            if at is None or located is None:
                return None
            child = at.children(name)[1].get(key)
            if child is None:
                return Call(address, located.head, located.comments, downloaded=True)
            at = child
        return None


def _calls_to(module: str) -> list[tuple[str, str, int | str | None]]:
    out = []
    while module:
        parent, name, key = split_module(module)
        if not name:
            return []
        out.append((module, name, key))
        module = parent
    return out[::-1]


_KEYS = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|\d+)\]')


def _without_keys(address: str) -> str:
    return _KEYS.sub("", address)


def read_configuration(source: UnitSource, tree: Members, addresses: frozenset[str]) -> Configured | None:
    """The root module of a plan, evaluated with the plan's values; None where it is not found. `addresses`: of its resources.

    The workspace is the one that makes just these.
    """
    files = Files(source.boundary)
    folder = _find(source, members(tree, "configuration", "root_module"), files)
    if folder is None:
        return None
    variables = members(tree, "variables")
    settings = replace(source.settings, variables=(), variable_files=(), environment=(), all_values=False)
    module = UnitSource(folder, "terraform", settings, source.boundary)
    unit, root = _read(module, files, variables)
    for workspace in _workspaces(unit):
        if root is None or _addresses(unit) == addresses:
            break
        tried = replace(module, settings=replace(settings, workspace=workspace))
        found, its_root = _read(tried, files, variables)
        if _addresses(found) == addresses:
            unit, root = found, its_root
    if root is None:
        return None
    by_address = {declaration.address: declaration for declaration in unit.declarations}
    without: dict[str, Declaration] = {}
    for declaration in unit.declarations:
        without.setdefault(_without_keys(declaration.address), declaration)
    return Configured(unit, root, by_address, without)


_WORKSPACE = "terraform.workspace"
MOST_WORKSPACES = 8
"""So many workspaces that the code names are tried."""


def _workspaces(unit: Unit) -> list[str]:
    """The workspaces on whose name it hangs which resources there are, where the plan's is not known."""
    found: dict[str, None] = {}
    for declaration in unit.declarations:
        for atom in atoms(declaration.exists):
            if atom.subject == _WORKSPACE and isinstance(atom.value, str):
                found[atom.value] = None
    return list(found)[:MOST_WORKSPACES]


def _addresses(unit: Unit) -> frozenset[str]:
    """The resources that there are in any case."""
    return frozenset(one.address for one in unit.declarations if one.mode == "managed" and one.exists is Truth.YES)


def _read(module: UnitSource, files: Files, variables: Members) -> tuple[Unit, Module | None]:
    from kmsguard.terraform.unit import read_root

    return read_root(module, files, lambda run, loaded: PlannedInputs(run, loaded, variables))


# --- where it lies ------------------------------------------------------------------------------------------------------------


def _find(source: UnitSource, configuration: Members, files: Files) -> str | None:
    """The folder that declares just what the plan's configuration does: the plan's own, one above it, or the only one below."""
    wanted = _declared(configuration)
    if not wanted:
        return None
    start = "." if source.text is not None else posixpath.dirname(source.path) or "."
    for folder in _above(start, source.boundary):
        if _is_it(folder, wanted, files, source):
            return folder
    below = [folder for folder in _below(start) if _is_it(folder, wanted, files, source)]
    return below[0] if len(below) == 1 else None


def _declared(configuration: Members) -> frozenset[str]:
    names = {text(block, "address") for block in objects(configuration.get("resources"))}
    names.update(f"module.{name}" for name in members(configuration, "module_calls"))
    return frozenset(name for name in names if name and not name.startswith("ephemeral."))


def _is_it(folder: str, wanted: frozenset[str], files: Files, source: UnitSource) -> bool:
    try:
        names = [name for name in os.listdir(folder) if name.endswith(SUFFIXES)]
    except OSError:
        return False
    if not names:
        return False
    run = Run(folder, source.settings, files, source.boundary)
    loaded = load(run, folder)
    modes = {"managed": "", "data": "data."}
    found = {f"{modes[mode]}{kind}.{name}" for mode, kind, name in loaded.resources if mode in modes}
    return found | {f"module.{name}" for name in loaded.calls} == wanted


def _above(folder: str, boundary: str) -> Iterator[str]:
    root = os.path.realpath(boundary)
    while True:
        yield posixpath.normpath(folder)
        here = os.path.realpath(folder)
        if here == root or os.path.dirname(here) == here or not here.startswith(root.rstrip(os.sep) + os.sep):
            return
        folder = posixpath.join(folder, "..")


def _below(folder: str) -> Iterator[str]:
    pending = [folder]
    seen = 0
    while pending and seen < MOST_FOLDERS:
        at = pending.pop(0)
        try:
            with os.scandir(at) as entries:
                names = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith("."))
        except OSError:
            continue
        for name in names:
            if name not in _PASSED_OVER:
                seen += 1
                path = posixpath.normpath(posixpath.join(at, name))
                pending.append(path)
                yield path
