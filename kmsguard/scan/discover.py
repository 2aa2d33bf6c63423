"""From paths to the units that are read: what is a unit, and which units a named file stands for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from kmsguard.model.declaration import Dialect, Problem, UnitSettings, UnitSource
from kmsguard.scan import paths as path_names
from kmsguard.scan.paths import inside, shown
from kmsguard.scan.settings import Settings, UnitEntry

if TYPE_CHECKING:
    from kmsguard.cloudformation.assembly import Assembly
    from kmsguard.syntax.hcl.nodes import Block

TERRAFORM = (".tf", ".tofu", ".tf.json", ".tofu.json")
TEMPLATES = (".yaml", ".yml", ".json", ".template")
VENDORED = frozenset(
    {
        ".aws-sam",
        ".git",
        ".hg",
        ".mypy_cache",
        ".nox",
        ".svn",
        ".terraform",
        ".terragrunt-cache",
        ".tox",
        ".venv",
        "__pycache__",
    }
    | {"bower_components", "node_modules", "site-packages", "venv"}
)
MAX_BYTES = 16_000_000  # what is searched for templates; AWS takes a template of 1 MB, plans are larger
HEAD_BYTES = 1_000_000  # of a larger file, in which a plan says that it is one
MAX_FOLDERS = 2_000  # in which callers are looked for where no checkout ends the search
STDIN = "-"
MANIFEST = "manifest.json"
NESTING = ("AWS::CloudFormation::Stack", "AWS::Serverless::Application")  # also stack sets

_CALL = r"""source["']?\s*[=:]\s*["']\.\.?/"""
_READS = r"\b(?:file|filebase64|fileset|templatefile|filemd5|filesha\d+|filebase64sha\d+)\s*\("


class Found(msgspec.Struct, frozen=True):
    """A unit that is to be read, and what of it is reported."""

    source: UnitSource
    root: str  # of the checkout, as it can be opened: what fingerprints count from
    only: frozenset[str] | None = None  # only what touches one of these files; None: all
    sure: bool = (
        True  # False: a unit of this scan only if it turns out to have read one of `only`; of none: asked what it nests
    )
    named: bool = False  # a path itself: it stays a unit where another one calls it


class Discovery(msgspec.Struct, frozen=True):
    """What the paths stand for."""

    found: tuple[Found, ...]
    problems: tuple[Problem, ...]
    named: tuple[str, ...]  # named files that no unit is sure to read: a mistake where none has in the end
    root: str  # of the checkout that the first path lies in


class Folder(msgspec.Struct, frozen=True):
    """A folder of the checkout, with the names in it that may be scanned. Its path is absolute."""

    path: str
    terraform: tuple[str, ...]
    templates: tuple[str, ...]

    def template_paths(self) -> list[str]:
        """The absolute paths of `templates`."""
        return [os.path.join(self.path, name) for name in self.templates]


class Module(msgspec.Struct, frozen=True):
    """A folder of Terraform files: the folders that it calls as modules, and whether it reads files by functions."""

    calls: tuple[str, ...]
    reads: bool


def discover(paths: Sequence[str], settings: Settings, stdin: str | None = None) -> Discovery:
    """The units that some files and folders stand for; `-` is the template on standard input."""
    search = _Search(settings)
    for path in paths:
        if path == STDIN:
            search.standard_input(stdin or "")
        elif os.path.isdir(path):
            search.folder(os.path.abspath(path))
        elif os.path.exists(path):
            search.file(os.path.abspath(path))
        else:
            search.problem("error", "no-such-file", shown(path), "there is no such file or folder")
    return search.result()


class _Search:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.found: dict[tuple[str, Dialect], Found] = {}
        self.problems: list[Problem] = []
        self.named: list[str] = []
        self.roots: list[str] = []
        self._checkouts: dict[str, _Checkout] = {}

    def problem(self, level: str, code: str, file: str, message: str) -> None:
        self.problems.append(Problem("warning" if level == "warning" else "error", code, file, 1, 1, message))

    def result(self) -> Discovery:
        found: list[Found] = []
        for one in sorted(self.found.values(), key=lambda f: (f.source.path, f.source.dialect)):
            found.extend(_environments(one, self.settings, self.problems))
        return Discovery(tuple(found), tuple(self.problems), tuple(self.named), self.roots[0] if self.roots else ".")

    # what PATH can be

    def standard_input(self, text: str) -> None:
        checkout = self._checkout(os.getcwd())
        text = text.removeprefix("\ufeff")
        dialect = _dialect(text) or "terraform"
        self._add(STDIN, dialect, checkout, text=text)

    def folder(self, folder: str) -> None:
        checkout = self._checkout(folder)
        folders = list(checkout.walk(folder, self.settings, self.problems))
        before = len(self.found)
        modules = [f.path for f in folders if f.terraform]
        called = checkout.called_by(modules)
        elsewhere: str | None = None
        for module in modules:
            caller = None if module == folder else called.get(module)
            if caller is None and folder not in {module, checkout.root}:
                caller = checkout.callers.get(module, (None,))[0]
            if caller is None:
                self._add(module, "terraform", checkout, named=module == folder)
            elif not inside(caller, folder):
                elsewhere = (
                    elsewhere or f"; {shown(module)} is called by {shown(caller)} and judged there: name it to judge it alone"
                )
        dialects = {path: _dialect_of(path) for f in folders for path in f.template_paths()}
        templates = [path for path, dialect in dialects.items() if dialect == "cloudformation"]
        for path, dialect in dialects.items():
            if dialect is not None:
                self._add(path, dialect, checkout)
        if templates and checkout.root != folder:
            for path in checkout.templates_that_may_nest(templates, folder):
                self._add(path, "cloudformation", checkout, only=frozenset(), sure=False)
        if len(self.found) == before and not self._anything_in(folder):
            message = f"there is no Terraform root module and no CloudFormation template here{elsewhere or ''}"
            self.problem("warning", "nothing-to-scan", shown(folder), message)

    def file(self, path: str) -> None:
        if path_names.matches(path, self.settings.exclude):
            return
        if os.path.basename(path) == MANIFEST and _assembly(os.path.dirname(path)) is not None:
            self.folder(os.path.dirname(path))
            return
        name = shown(path)
        checkout = self._checkout(os.path.dirname(path), of_file=True)
        only = frozenset({name})
        if path.endswith(TERRAFORM):
            for root in checkout.roots_over(os.path.dirname(path)):
                self._add(root, "terraform", checkout, only=only)
            return
        dialect = _dialect_of(path) if path.endswith(TEMPLATES) else None
        if dialect == "cloudformation":
            self._add(path, "cloudformation", checkout, only=only)
        elif dialect == "terraform-plan":
            self._add(path, "terraform-plan", checkout)  # its findings stand in the code that it was made from
            return
        else:
            self.named.append(name)
            for root in checkout.roots_that_may_read(path):
                self._add(root, "terraform", checkout, only=only, sure=False)
        for template in checkout.templates_that_mention(path):
            self._add(template, "cloudformation", checkout, only=only, sure=False)

    # Reading folders

    def _anything_in(self, folder: str) -> bool:
        return any(inside(os.path.abspath(path), folder) for path, _ in self.found if path != STDIN)

    def _checkout(self, folder: str, *, of_file: bool = False) -> _Checkout:
        root = path_names.checkout(folder)
        here = os.getcwd()
        # without a checkout, callers of a file are looked for from the working directory
        key = root or (here if of_file and inside(folder, here) else folder)
        checkout = self._checkouts.get(key)
        if checkout is None:
            boundary = root or (here if inside(folder, here) else folder)
            checkout = self._checkouts[key] = _Checkout(key, boundary, root or folder, self.settings)
        if not self.roots:
            self.roots.append(shown(checkout.boundary))
        return checkout

    def _add(
        self,
        path: str,
        dialect: Dialect,
        checkout: _Checkout,
        *,
        only: frozenset[str] | None = None,
        sure: bool = True,
        text: str | None = None,
        named: bool = False,
    ) -> None:
        name = path if path == STDIN else shown(path)
        settings = self.settings.for_cloudformation() if dialect == "cloudformation" else self.settings.for_terraform()
        source = UnitSource(name, dialect, settings, shown(checkout.boundary), text)
        found = Found(source, shown(checkout.fingerprint_root), only, sure, named)
        before = self.found.get((name, dialect))
        if before is not None:
            both = None if only is None or before.only is None else only | before.only
            found = msgspec.structs.replace(found, only=both, sure=sure or before.sure, named=named or before.named)
        self.found[name, dialect] = found


class _Checkout:
    """What lies in a checkout, looked up only as far as it is asked for. All paths are absolute."""

    def __init__(self, root: str, boundary: str, fingerprint_root: str, settings: Settings) -> None:
        self.root = root
        self.boundary = boundary
        self.fingerprint_root = fingerprint_root
        self._settings = settings
        self._modules: dict[str, Module] = {}

    @cached_property
    def folders(self) -> tuple[Folder, ...]:
        """All folders in which callers are looked for."""
        limit = None if path_names.checkout(self.root) == self.root else MAX_FOLDERS
        return tuple(islice(self.walk(self.root, self._settings), limit))

    @cached_property
    def callers(self) -> dict[str, list[str]]:
        """Of every module that another one of the checkout calls: the modules that call it."""
        callers: dict[str, list[str]] = {}
        for folder in self.folders:
            for called in self.module(folder.path, folder.terraform).calls if folder.terraform else ():
                if called != folder.path:
                    callers.setdefault(called, []).append(folder.path)
        return callers

    def called_by(self, modules: Iterable[str]) -> dict[str, str]:
        """Of every folder that one of these modules calls: the first that calls it."""
        called: dict[str, str] = {}
        for module in modules:
            for target in self.module(module).calls:
                if target != module:
                    called.setdefault(target, module)
        return called

    def roots_over(self, module: str) -> list[str]:
        """The root modules through which a module is called; itself where none calls it."""
        roots: list[str] = []
        seen = {module}
        pending = [module]
        while pending:
            at = pending.pop()
            callers = self.callers.get(at, [])
            if not callers:
                roots.append(at)
            new = [caller for caller in callers if caller not in seen]
            seen.update(new)
            pending.extend(new)
        return sorted(roots) or [module]

    def roots_that_may_read(self, path: str) -> list[str]:
        """Root modules that read files by functions, that lie in the file's folder, or are deployed with it."""
        folder = os.path.dirname(path)
        modules = [f.path for f in self.folders if f.terraform]
        readers = {root for m in modules if self.module(m).reads or m == folder for root in self.roots_over(m)}
        readers.update(m for m in modules if m not in self.callers and path.endswith((".tfvars", ".tfvars.json")))
        return sorted(readers)

    def templates_that_mention(self, path: str) -> Iterator[str]:
        """Templates in which a file's name stands, and all that are deployed with parameters of a file."""
        name = os.path.basename(path)
        parameters = any(os.path.basename(p) == name for entry in self._settings.units for p in entry.parameters) or any(
            os.path.abspath(p) == path for p in self._settings.parameter_files
        )
        for candidate in (c for folder in self.folders for c in folder.template_paths() if c != path):
            text = _read(candidate)
            if text is not None and (parameters or name in text) and _dialect(text) == "cloudformation":
                yield candidate

    def templates_that_may_nest(self, templates: Iterable[str], outside: str) -> Iterator[str]:
        """Templates outside of a folder that nest others, and in which the name of one of some templates stands."""
        names = {os.path.basename(path) for path in templates}
        for candidate in (c for folder in self.folders if not inside(folder.path, outside) for c in folder.template_paths()):
            text = _read(candidate)
            nests = text is not None and any(word in text for word in NESTING) and any(name in text for name in names)
            if nests and _dialect(text) == "cloudformation":
                yield candidate

    def module(self, folder: str, names: tuple[str, ...] | None = None) -> Module:
        known = self._modules.get(folder)
        if known is None:
            if names is None:
                names = tuple(sorted(n for n in os.listdir(folder) if n.endswith(TERRAFORM)))
            calls: dict[str, None] = {}
            reads = False
            for name in names:
                text = _read(os.path.join(folder, name)) or ""
                reads = reads or re.search(_READS, text) is not None
                if re.search(_CALL, text):
                    for source in _module_sources(name, text):
                        calls[os.path.normpath(os.path.join(folder, source))] = None
            known = self._modules[folder] = Module(tuple(calls), reads)
        return known

    def walk(self, start: str, settings: Settings, unreadable: list[Problem] | None = None) -> Iterator[Folder]:
        """The folders from one on down in which something may be scanned, each before those in it, in order of their names."""
        ignored = _Ignored(self.root, start)
        pending = [start]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(folder) as entries:
                    listing = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                if unreadable is not None:
                    unreadable.append(_unreadable(folder, error))
                continue
            if any(entry.name == ".gitignore" for entry in listing):
                ignored.enter(folder)
            assembly = _assembly(folder) if any(entry.name == MANIFEST for entry in listing) else None
            if assembly is not None:  # what else lies there are assets, and templates that the stacks nest
                kept = {*assembly.stacks, *assembly.stages}
                listing = [entry for entry in listing if entry.name in kept]
            terraform: list[str] = []
            templates: list[str] = []
            below: list[str] = []
            for entry in listing:
                is_folder = entry.is_dir(follow_symlinks=False)
                kind = below if is_folder else terraform if entry.name.endswith(TERRAFORM) else templates
                if (is_folder and entry.name in VENDORED) or (kind is templates and not entry.name.endswith(TEMPLATES)):
                    continue
                if ignored(entry.path, is_folder) or path_names.matches(entry.path, settings.exclude):
                    continue
                if is_folder or _is_file(entry):
                    kind.append(entry.path if is_folder else entry.name)
            if terraform or templates:
                yield Folder(folder, tuple(terraform), tuple(templates))
            pending.extend(reversed(below))


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry of a folder is a file, or a link to one."""
    try:
        return entry.is_file()
    except OSError:  # links that lead in a circle
        return False


def _assembly(folder: str) -> Assembly | None:
    """CDK's assembly in a folder, where its manifest is one."""
    text = _read(os.path.join(folder, MANIFEST))
    if text is None or '"artifacts"' not in text:
        return None
    from kmsguard.cloudformation.assembly import read_manifest

    return read_manifest(text)


class _Ignored:
    """What `.gitignore` excludes, from the root of the checkout down. The nearest file that says something counts."""

    def __init__(self, root: str, start: str) -> None:
        self._specs: dict[str, Any] = {}  # folder -> its compiled .gitignore
        self._root = root
        folder = start
        parents = []
        while folder != root and inside(folder, root):
            folder = os.path.dirname(folder)
            parents.append(folder)
        for parent in reversed(parents):
            self.enter(parent)
        if start != root and self(start, is_folder=True):
            self._specs.clear()  # what is named is scanned: from here on only what stands inside counts

    def enter(self, folder: str) -> None:
        text = _read(os.path.join(folder, ".gitignore"))
        if text and text.strip():
            from pathspec import GitIgnoreSpec

            self._specs[folder] = GitIgnoreSpec.from_lines(text.splitlines())

    def __call__(self, path: str, is_folder: bool) -> bool:
        if not self._specs:
            return False
        folder = os.path.dirname(path)
        while True:
            spec = self._specs.get(folder)
            if spec is not None:
                name = path_names.relative(path, folder) + ("/" if is_folder else "")
                verdict = spec.check_file(name).include
                if verdict is not None:
                    return bool(verdict)
            if folder == self._root or os.path.dirname(folder) == folder:
                return False
            folder = os.path.dirname(folder)


def _read(path: str) -> str | None:
    """The text of a file, as far as it is one; None where it cannot be read or is too large to be a template."""
    try:
        # what is no file, such as a named pipe, may never end
        if not os.path.isfile(path) or os.path.getsize(path) > MAX_BYTES:
            return None
        with open(path, "rb") as file:
            return file.read().decode("utf-8-sig", "replace")
    except OSError:
        return None


def _unreadable(path: str, error: OSError) -> Problem:
    return Problem("error", "unreadable", shown(path), 1, 1, f"cannot be read: {error.strerror}")


def _dialect(text: str | None) -> Dialect | None:
    """What a YAML or JSON text is."""
    if text is None:
        return None
    from kmsguard.terraform.plan import looks_like_plan

    if looks_like_plan(text):
        return "terraform-plan"
    from kmsguard.cloudformation import looks_like_template

    return "cloudformation" if looks_like_template(text) else None


def _dialect_of(path: str) -> Dialect | None:
    """What a file is; of one that is too large for a template its beginning says whether it is a plan."""
    text = _read(path)
    if text is not None or not path.endswith(".json") or not os.path.isfile(path):
        return _dialect(text)
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return None
    return "terraform-plan" if _dialect(head) == "terraform-plan" else None


def _module_sources(name: str, text: str) -> Iterator[str]:
    """The local sources (`./…`, `../…`) of the module calls in a file, as far as it can be parsed."""
    if name.endswith(".json"):
        yield from _json_sources(text)
        return
    from kmsguard.model.source import Source
    from kmsguard.syntax.hcl.parser import parse

    for block in parse(Source(name, text)).body.blocks:
        source = _literal(block, "source") if block.type == "module" else None
        if source is not None and source.startswith(("./", "../")):
            yield source


def _literal(block: Block, name: str) -> str | None:
    from kmsguard.syntax.hcl.nodes import StringPart, Template

    attribute = block.body.attributes.get(name)
    if attribute is None or not isinstance(attribute.expression, Template):
        return None
    parts = attribute.expression.parts
    return (
        "".join(p.text for p in parts if isinstance(p, StringPart)) if all(isinstance(p, StringPart) for p in parts) else None
    )


def _json_sources(text: str) -> Iterator[str]:
    try:
        tree = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        return  # whoever reads the file says what is wrong with it
    pending = [tree.get("module")] if isinstance(tree, dict) else []
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            source = node.get("source")
            if isinstance(source, str):
                if source.startswith(("./", "../")):
                    yield source
            else:
                pending.extend(node.values())


# --- what a unit is deployed with ---------------------------------------------------------------------------------------------


def _environments(found: Found, settings: Settings, problems: list[Problem]) -> list[Found]:
    """A unit once for each entry of the configuration that names it; as it is where none does."""
    source = found.source
    entries = [e for e in settings.units if source.path != STDIN and path_names.exact(source.path, e.path)]
    if not entries:
        return [found]
    return [
        msgspec.structs.replace(
            found, source=msgspec.structs.replace(source, settings=_deployed(source, entry, settings, problems))
        )
        for entry in entries
    ]


def _deployed(source: UnitSource, entry: UnitEntry, settings: Settings, problems: list[Problem]) -> UnitSettings:
    base = source.settings
    first: tuple[str, str]
    written: tuple[str, ...]
    if source.dialect == "terraform-plan":
        first, written = (source.path, entry.path.base), ()  # a plan knows the values that it was made with
    elif source.dialect == "terraform":
        first, written = (source.path, entry.path.base), entry.var_files
    else:
        first, written = (entry.path.base, os.path.dirname(source.path)), entry.parameters
    files: list[str] = []
    for name in written:
        candidates = [shown(os.path.join(folder, name)) for folder in first]
        existing = next((path for path in candidates if os.path.isfile(path)), None)
        if existing is not None:
            files.append(existing)
        elif entry.place is not None:
            place = entry.place
            message = f"there is no file {name} for {source.path}: neither {' nor '.join(dict.fromkeys(candidates))}"
            problem = Problem("error", "no-such-file", place.file, place.start_line, place.start_column, message)
            if problem not in problems:
                problems.append(problem)
    return msgspec.structs.replace(
        base,
        account=settings.account or entry.account,
        region=settings.region or entry.region,
        workspace=entry.workspace or base.workspace,
        variable_files=(*(files if source.dialect == "terraform" else ()), *base.variable_files),
        parameter_files=(*(files if source.dialect == "cloudformation" else ()), *base.parameter_files),
    )
