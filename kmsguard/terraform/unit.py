"""A root module to a unit."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Callable, Iterator

from kmsguard.model.declaration import Comment, Declaration, Problem, Unit, UnitSource
from kmsguard.model.value import Value
from kmsguard.syntax.files import Files
from kmsguard.terraform.calls import LocalModules
from kmsguard.terraform.cycles import report_cycles
from kmsguard.terraform.ephemeral import report_ephemeral
from kmsguard.terraform.imports import report_imports
from kmsguard.terraform.load import ModuleSource
from kmsguard.terraform.module import Inputs, Module
from kmsguard.terraform.partial import export
from kmsguard.terraform.scope import DEEPEST, Run
from kmsguard.terraform.state import backend_key
from kmsguard.terraform.variables import RootInputs
from kmsguard.terraform.written import texts


def read_unit(source: UnitSource, files: Files | None = None) -> Unit:
    """Evaluates a root module with the local modules that it calls.

    `files`: what has been read already, where several units of a checkout are read.
    """
    return read_root(source, files or Files(source.boundary), RootInputs)[0]


def read_root(source: UnitSource, files: Files, inputs: Callable[[Run, ModuleSource], Inputs]) -> tuple[Unit, Module | None]:
    """A unit with its root module, None where there is none. `inputs`: where the values of its variables come from."""
    path = posixpath.normpath(source.path) if source.path else "."
    run = Run(path, source.settings, files, source.boundary)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEPEST * 20))
    try:
        modules = LocalModules(run)
        loaded = modules.folder(path)
        if loaded.is_empty:
            none_there = Problem("error", "no-terraform", path, 1, 1, "there are no Terraform files in this folder")
            return Unit(path, "terraform", (), problems=tuple(sorted(run.problems)) or (none_there,)), None
        root = Module(run, loaded, inputs(run, loaded), modules)
        return _unit(run, path, root, modules), root
    finally:
        sys.setrecursionlimit(limit)


def _unit(run: Run, path: str, root: Module, modules: LocalModules) -> Unit:
    root.configure(None, None)
    declarations = tuple(root.declarations())
    outputs = {name: export(root.output(name, located)) for name, located in root.source.outputs.items()}
    report_cycles(root)
    report_imports(root)
    report_ephemeral(root, list(modules.loaded.values()))
    _refused(root, modules)
    comments: dict[str, tuple[Comment, ...]] = {}
    for module in modules.loaded.values():
        for file in module.files:
            comments[file.source.path] = file.comments
    return Unit(
        path=path,
        dialect="terraform",
        declarations=declarations,
        texts=tuple(_texts(path, modules, declarations)),
        outputs=outputs,
        state=backend_key(root),
        files=tuple(sorted(run.sources)),
        sources=run.sources,
        comments=comments,
        problems=tuple(sorted(run.problems)),
        account=_text(root, "account") or run.settings.account,
        region=_text(root, "region") or run.settings.region,
    )


def _refused(root: Module, modules: LocalModules) -> None:
    """What a provider's schema refuses; it is not read where there is nothing of the provider."""
    if any(
        key.startswith(("aws", "terraform_"))
        for source in modules.loaded.values()
        for key in (*source.providers, *(of_type for _, of_type, _ in source.resources))
    ):
        from kmsguard.terraform.refused import report_refused

        report_refused(root, modules.loaded)


def _texts(path: str, modules: LocalModules, declarations: tuple[Declaration, ...]) -> Iterator[Declaration]:
    """What stands in the modules of the checkout and is deployed nowhere."""
    deployed = {declaration.span for declaration in declarations}
    called = {path: ("", ()), **modules.called}
    for folder, source in modules.loaded.items():
        if folder in called:
            yield from texts(source, *called[folder], deployed)


def _text(root: Module, name: str) -> str | None:
    configuration = root.configurations.get("aws")
    value: Value | None = getattr(configuration, name) if configuration is not None else None
    return value.text if value is not None else None
