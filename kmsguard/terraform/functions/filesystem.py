"""Functions of files: of those inside the checkout, as nothing else is read."""

from __future__ import annotations

import base64
import os
import posixpath
import re
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from kmsguard.model.source import Source, Span
from kmsguard.model.value import Step, Text, Unknown, Value
from kmsguard.terraform.access import members_of
from kmsguard.terraform.conversion import convert, set_of
from kmsguard.terraform.functions import Function, Invocation
from kmsguard.terraform.functions.adapt import pure, settled
from kmsguard.terraform.functions.crypto import hexadecimal, in_base64
from kmsguard.terraform.history import derived, from_parts, via
from kmsguard.terraform.partial import Invalid, invalid
from kmsguard.terraform.paths import CHECKOUT, checkout_path, relative_to_root
from kmsguard.terraform.scope import Run, Scope
from kmsguard.terraform.texts import normalized, text_value
from kmsguard.terraform.types import STRING

LARGEST = 4_000_000  # bytes of a file that is hashed or listed


def located(invocation: Invocation, path: str) -> str:
    """The path of a file that a function names: relative to the root module."""
    return posixpath.normpath(posixpath.join(invocation.scope.run.unit, path))


def _inside(run: Run, path: str) -> Path | None:
    """The file or folder itself; None where it is outside of the checkout."""
    real = Path(path).resolve()
    boundary = Path(run.boundary).resolve()
    return real if real == boundary or boundary in real.parents else None


def _with_path(use: Callable[[Invocation, str, Value], Value]) -> Function:
    """A function whose first argument is a path."""

    def run(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
        path = convert(arguments[0], STRING)
        if isinstance(path.data, Invalid):
            return path
        if path.data is None:
            return invalid("a path must not be null")
        relative = relative_to_root(invocation.scope.run, path)
        if relative is not None and path.text is None:
            return use(invocation, located(invocation, relative), Value(relative))
        return settled(lambda known: use(invocation, located(invocation, known.text or ""), known), (path,), not_null=True)

    return run


# --- texts ----------------------------------------------------------------------------------------------------------------


def _file(invocation: Invocation, path: str, argument: Value) -> Value:
    source = _source(invocation, path, argument)
    if isinstance(source, Value):
        return source
    value = text_of(source)
    read = replace(from_parts(value.data, (argument,), value.span), trail=Step("template", path, value.span, argument.trail))
    return _called(read, invocation)


def _called(value: Value, invocation: Invocation) -> Value:
    """What a file gave, with the call that read it as a step of its way."""
    return via(value, "call", f"{invocation.name}()", invocation.span)


def text_of(source: Source) -> Value:
    """The text of a file, each line with its place."""
    text = source.text
    span = source.span(0, len(text))
    if not text.isascii() and normalized(text) != text:
        return Value(normalized(text), span)
    pieces = []
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        pieces.append(Value(text[at:end], source.span(at, end)))
        at = end
    if len(pieces) <= 1:
        return Value(text, span)
    return Value(Text(tuple(pieces)), span)


def _source(invocation: Invocation, path: str, argument: Value) -> Source | Value:
    run = invocation.scope.run
    found = run.read(path)
    if isinstance(found, Source):
        return found
    name = argument.text or path
    there = _inside(run, path)
    missing = there is not None and not there.exists()
    reference = f'{invocation.name}("{name}")'
    if missing:
        return Value(Invalid(f"file {name} is not there", reference, code="file-not-found"))
    message = f"{path} cannot be read here ({found.message}); what hangs on it is unknown"
    run.report("warning", found.code, invocation.span, message)
    reason = f"file {name} is outside of the checkout" if there is None else f"file {name} cannot be read"
    return from_parts(Unknown(reason, reference, not_null=True), (argument,))


def _exists(invocation: Invocation, path: str, argument: Value) -> Value:
    real = _inside(invocation.scope.run, path)
    if real is None:
        return from_parts(Unknown(f"file {argument.text} is outside of the checkout"), (argument,))
    if real.is_dir():
        return invalid(f"{argument.text or '.'} is a folder, not a file")
    return from_parts(real.is_file(), (argument,))


# --- bytes ----------------------------------------------------------------------------------------------------------------


_PACKAGES = (".zip", ".jar", ".war", ".tar", ".tgz", ".tar.gz", ".whl", ".wasm")
"""How files end that a build makes: that one is not there yet is no mistake in the code."""


def _of_bytes(compute: Callable[[bytes], str]) -> Function:
    def use(invocation: Invocation, path: str, argument: Value) -> Value:
        real = _inside(invocation.scope.run, path)
        if real is None or not real.is_file() or real.stat().st_size > LARGEST:
            if real is not None and not real.is_file():
                later = path.lower().endswith(_PACKAGES)
                return Value(Invalid(f"file {argument.text} is not there", code="file-not-found", said=later))
            return from_parts(Unknown(f"file {argument.text} is not there", not_null=True), (argument,))
        try:
            content = real.read_bytes()
        except OSError:
            return from_parts(Unknown(f"file {argument.text} cannot be read", not_null=True), (argument,))
        return from_parts(compute(content), (argument,))

    return _with_path(use)


def _hash(algorithm: str) -> Function:
    return _of_bytes(lambda content: hexadecimal(algorithm, content))


def _base64_hash(algorithm: str) -> Function:
    return _of_bytes(lambda content: in_base64(algorithm, content))


def _file_base64(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    value = _BYTES_BASE64(invocation, arguments)
    if not isinstance(value.data, str):
        return value
    path = arguments[0].text
    found = invocation.scope.run.read(located(invocation, path or ""))
    if not isinstance(found, Source):
        return value
    return value.with_data(Text((Value(value.data),), text_of(found), "base64"))


_BYTES_BASE64 = _of_bytes(lambda content: base64.b64encode(content).decode())


# --- folders --------------------------------------------------------------------------------------------------------------


def _file_set(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    folder, pattern = (convert(argument, STRING) for argument in arguments)
    for argument in (folder, pattern):
        if isinstance(argument.data, Invalid) or argument.data is None:
            return argument if argument.data is not None else invalid("a path must not be null")
    if folder.text is None and pattern.text is not None and relative_to_root(invocation.scope.run, folder) is not None:
        return _files(invocation, folder, pattern)
    return settled(lambda a, b: _files(invocation, a, b), (folder, pattern), not_null=True)


def _files(invocation: Invocation, folder: Value, pattern: Value) -> Value:
    run = invocation.scope.run
    root = located(invocation, relative_to_root(run, folder) or "")
    real = _inside(run, root)
    if real is None:
        return from_parts(Unknown(f"folder {folder.text} is outside of the checkout", not_null=True), (folder, pattern))
    # the pattern may lead out of the folder and in again
    wanted = posixpath.normpath(posixpath.join(root, pattern.text or "")).removeprefix(f"{root}/" if root != "." else "")
    try:
        matches = re.compile(_glob(wanted))
    except re.error:
        return invalid("this is no pattern of files")
    if wanted.startswith("../"):
        return from_parts(Unknown(f"files outside of {folder.text}", not_null=True), (folder, pattern))
    found = []
    for at, folders, names in os.walk(real):
        folders.sort()
        relative = Path(at).relative_to(real).as_posix()
        for name in sorted(names):
            path = name if relative == "." else f"{relative}/{name}"
            if matches.fullmatch(path):
                found.append(Value(path))
    return from_parts(set_of(found), (folder, pattern))


def _glob(pattern: str) -> str:
    """A pattern of Go's doublestar package as a regular expression."""
    out = []
    at = 0
    depth = 0
    while at < len(pattern):
        character = pattern[at]
        if pattern.startswith("**/", at):
            out.append("(?:[^/]+/)*")
            at += 3
            continue
        if pattern.startswith("**", at):
            out.append(".*")
            at += 2
            continue
        if character == "[":
            if "]" not in pattern[at:]:
                raise re.error("a set that is not closed")
            end = pattern.index("]", at + 1)
            out.append("[" + pattern[at + 1 : end] + "]")
            at = end + 1
            continue
        if character == "{":
            depth += 1
            out.append("(?:")
        elif character == "}" and depth:
            depth -= 1
            out.append(")")
        elif character == "," and depth:
            out.append("|")
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character)))
        at += 1
    return "".join(out)


def _base_name(path: str) -> str:
    return posixpath.basename(path.rstrip("/")) or ("/" if path else ".")


def _dir_name(path: str) -> str:
    return posixpath.normpath(posixpath.dirname(path) or ".") if path else "."


def _absolute_path(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    run = invocation.scope.run

    def absolute(path: Value) -> Value:
        text = path.text or ""
        if text.startswith("/"):
            return from_parts(posixpath.normpath(text), (path,))
        return checkout_path(run, path.span, text)

    path = convert(arguments[0], STRING)
    relative = relative_to_root(run, path)
    if relative is not None and path.text is None:
        return checkout_path(run, path.span, relative)
    return settled(absolute, (path,), not_null=True)


def _part_of_path(part: Callable[[str], str]) -> Function:
    """Basename and dirname, of a path in the checkout too."""
    known = pure(part, STRING)

    def run(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
        data = arguments[0].data if arguments else None
        if isinstance(data, Text) and data.known is None and len(data.pieces) == 2:
            root, rest = data.pieces
            if root.data == CHECKOUT and isinstance(rest.data, str) and rest.data.count("/") >= 1:
                if part is _base_name:
                    return from_parts(_base_name(rest.data), (rest,))
                head = posixpath.dirname(rest.data)
                return text_value([root, Value(head, rest.span)] if head != "/" else [root])
        return known(invocation, arguments)

    return run


def _path_expand(path: str) -> Value:
    if path.startswith("~"):
        return Value(Unknown("the home folder is not part of the code", "pathexpand()", not_null=True, prefix="/"))
    return Value(path)


# --- templates ------------------------------------------------------------------------------------------------------------


class Nothing:
    """The surroundings of a template file: it sees its variables only."""

    def __init__(self, run: Run, address: str) -> None:
        self.run = run
        self.address = address

    def reference(self, root: str, name: str, span: Span) -> Value:  # noqa: ARG002 - as modules have it
        """Nothing outside is seen."""
        return invalid(f"{root}.{name} is not a variable of the template", f"{root}.{name}")

    def data(self, of_type: str, name: str, span: Span) -> Value:
        """Nothing outside is seen."""
        return self.reference(f"data.{of_type}", name, span)


class FixedSource(Source):
    """A text that does not stand in a file as it is: everything in it is placed at one place."""

    def __init__(self, source: Source, fixed: Span) -> None:
        super().__init__(source.path, source.text)
        self.fixed = fixed

    def span(self, start: int, end: int) -> Span:  # noqa: ARG002 - as sources have it
        """The one place."""
        return self.fixed

    def spans(self, start: int, inner: int, end: int) -> tuple[Span, Span]:  # noqa: ARG002 - as sources have it
        """The one place."""
        return self.fixed, self.fixed


def _template_file(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    path = convert(arguments[0], STRING)
    if isinstance(path.data, Invalid) or path.data is None:
        return path if path.data is not None else invalid("a path must not be null")

    def use(known: Value) -> Value:
        name = located(invocation, relative_to_root(invocation.scope.run, known) or "")
        source = _source(invocation, name, known)
        if isinstance(source, Value):
            return source
        made = _called(rendered(invocation, source, arguments[1], name), invocation)
        if isinstance(made.data, Invalid) and made.span is not None and made.span.file == source.path:
            return invalid(f"{made.span.file}:{made.span.start_line}: {made.data.reason}", made.data.reference)
        return made

    if path.text is None and relative_to_root(invocation.scope.run, path) is not None:
        return use(path)
    return settled(use, (path,), not_null=True)


def rendered(invocation: Invocation, source: Source, variables: Value, path: str | None, *, fixed: Span | None = None) -> Value:
    """A template with its variables put in."""
    if isinstance(invocation.scope.module, Nothing) and not invocation.scope.run.is_opentofu:
        return invalid("a template calls neither templatefile nor templatestring: only OpenTofu takes that")
    members = members_of(variables)
    if members is None:
        return derived((variables,), not_null=True) if isinstance(variables.data, Unknown) else invalid("a map is required")
    for name in members:
        if not name[:1].isalpha() and not name.startswith("_"):
            return invalid(f"{name!r} is no name of a variable")
    return render(invocation.scope, source, members, path, fixed=fixed, as_it_is=path is not None)


def render(
    scope: Scope,
    source: Source,
    members: dict[str, Value],
    path: str | None,
    *,
    fixed: Span | None = None,
    as_it_is: bool = False,
) -> Value:
    """A template with its variables put in. `as_it_is`: what is one interpolation only, is the value of that."""
    from kmsguard.syntax.hcl.nodes import Interpolation
    from kmsguard.syntax.hcl.parser import parse_template
    from kmsguard.terraform.evaluate import evaluate, template_text

    if path is not None:
        members = {name: via(member, "template variable", name, member.where) for name, member in members.items()}
    template, problems = parse_template(source)
    for problem in problems:
        scope.run.add(problem)
    text = source if fixed is None else FixedSource(source, fixed)
    inner = Scope(Nothing(scope.run, scope.module.address), text, dict(members), scope.label)
    span = text.span(0, len(source.text))
    only = template.parts[0] if len(template.parts) == 1 else None
    if as_it_is and isinstance(only, Interpolation):
        value = evaluate(only.expression, inner)
        value = invalid("the result of a template must not be null") if value.data is None else value
    else:
        value = template_text(template.parts, inner, span, whole=False)
    if path is None:
        return value
    return replace(value, trail=Step("template", path, span, value.trail)) if value.trail is None else value


FUNCTIONS: dict[str, Function] = {
    "abspath": _absolute_path,
    "basename": _part_of_path(_base_name),
    "dirname": _part_of_path(_dir_name),
    "file": _with_path(_file),
    "filebase64": _file_base64,
    "filebase64sha256": _base64_hash("sha256"),
    "filebase64sha512": _base64_hash("sha512"),
    "fileexists": _with_path(_exists),
    "filemd5": _hash("md5"),
    "fileset": _file_set,
    "filesha1": _hash("sha1"),
    "filesha256": _hash("sha256"),
    "filesha512": _hash("sha512"),
    "pathexpand": pure(_path_expand, STRING),
    "templatefile": _template_file,
}
