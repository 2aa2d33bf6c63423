"""Finding the modules that are called: by relative path, or among those that `terraform init` downloaded."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from kmsguard.model.declaration import Call as ModelCall
from kmsguard.model.source import Source
from kmsguard.terraform.downloads import MANIFEST, Download, changed, downloads
from kmsguard.terraform.evaluate import evaluate
from kmsguard.terraform.load import Located, ModuleSource, join, load
from kmsguard.terraform.module import Module
from kmsguard.terraform.partial import find_unknown
from kmsguard.terraform.paths import lies_inside
from kmsguard.terraform.scope import Run
from kmsguard.terraform.structure import check_structure
from kmsguard.terraform.undeclared import report_undeclared


class LocalModules:
    """The modules of a unit; each folder is read once."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.loaded: dict[str, ModuleSource] = {}
        self.called: dict[str, tuple[str, tuple[ModelCall, ...]]] = {}  # where each module of the checkout is called first
        self._downloaded: dict[str, Download] | None = None

    def folder(self, path: str) -> ModuleSource:
        """What a folder holds."""
        found = self.loaded.get(path)
        if found is None:
            found = self.loaded[path] = load(self.run, path)
            check_structure(self.run, found)
            report_undeclared(self.run, found)
        return found

    def load(self, module: Module, name: str, call: Located) -> tuple[ModuleSource, bool] | None:
        """What a call calls, and whether it was downloaded; None where it is not there."""
        if not self.run.settings.follow_modules:
            return None
        source = self._source(module, name, call)
        if source is None:
            return None
        local = source.startswith(("./", "../")) or source in (".", "..")
        if local:
            path = posixpath.normpath(posixpath.join(module.source.path, source))
        elif source.startswith("/"):
            self._missing(call, f"module {name} is named by an absolute path; write it relative to this folder")
            return None
        else:
            found = self._by_manifest(f"{module.key}.{name}" if module.key else name)
            if found is None:
                self._missing(call, f"module {name} ({source}) is not in the checkout; run terraform init to have it read")
                return None
            other = changed(source, self._version(module, call), found)
            if other is not None:
                message = f"module {name} is not what terraform init left here: {other}; run it again; what it gives is unknown"
                self.run.report("warning", "module-changed", call.head, message)
                return None
            path = posixpath.normpath(posixpath.join(self.run.unit, found.folder))
        if not lies_inside(self.run, path):
            self._missing(call, f"module {name} lies outside of the checkout")
            return None
        if self._calls_itself(module, path):
            self.run.report("warning", "module-cycle", call.head, f"module {name} calls itself; what it holds is unknown")
            return None
        found_source = self.folder(path)
        for located in found_source.history:
            if located.block.type == "import":
                message = "only the root module imports; move this block there, with the module in its address"
                self.run.report("warning", "invalid-block", located.head, message)
        if found_source.is_empty:
            self._missing(call, f"module {name} is not there: {path} holds no Terraform files")
            return None
        if local:
            address = f"{module.address}.module.{name}" if module.address else f"module.{name}"
            way = (*module.calls, ModelCall(address, call.head, call.comments))
            self.called.setdefault(path, (address, way))
        return found_source, not local

    def _source(self, module: Module, name: str, call: Located) -> str | None:
        """The source of a call. OpenTofu evaluates it; Terraform takes a literal one only.

        See https://opentofu.org/docs/language/modules/sources/#support-for-variable-and-local-evaluation.
        """
        node = call.attribute("source")
        if node is None:
            self._missing(call, f"module {name} has no source")
            return None
        value = evaluate(node, module.scope(call.file))
        unknown = find_unknown(value)
        if value.text is None:
            why = f": {unknown.reason}" if unknown is not None else ", it is no text"
            self._missing(call, f"the source of module {name} cannot be read{why}")
        return value.text

    def _missing(self, call: Located, message: str) -> None:
        self.run.report("warning", "module-not-found", call.head, f"{message}; what it gives is unknown")

    def _calls_itself(self, module: Module, path: str) -> bool:
        at: Module | None = module
        real = os.path.realpath(path)  # links may give one folder any number of names
        while at is not None:
            if at.source.path == path or os.path.realpath(at.source.path) == real:
                return True
            at = at.parent
        return False

    def _version(self, module: Module, call: Located) -> str | None:
        node = call.attribute("version")
        return None if node is None else evaluate(node, module.scope(call.file)).text

    def _by_manifest(self, key: str) -> Download | None:
        """The entry of a downloaded module, as `terraform init` notes it."""
        if self._downloaded is None:
            self._downloaded = {}
            manifest = join(self.run.unit, MANIFEST)
            if Path(manifest).is_file():
                found = self.run.files.read(manifest)
                if isinstance(found, Source):
                    self._downloaded = downloads(found.text)
        return self._downloaded.get(key)
