"""CDK's cloud assemblies: what `manifest.json` says of the templates beside it.

An assembly (`cdk.out`) holds the templates of an app's stacks, those of nested stacks, assets, and assemblies of stages in
folders of their own. The manifest says of each stack where it is deployed to, with which parameters, and which construct made
which resource. See https://github.com/aws/aws-cdk/blob/main/packages/@aws-cdk/cloud-assembly-schema/README.md.
"""

from __future__ import annotations

import os
import posixpath
import re
from functools import lru_cache
from typing import Any

import msgspec

from kmsguard.model.source import Source, Span
from kmsguard.syntax.files import Files

MANIFEST = "manifest.json"
PATH = "aws:cdk:path"
_STACK, _STAGE = "aws:cloudformation:stack", "cdk:cloud-assembly"
_MARKS = (f'"{_STACK}"', f'"{_STAGE}"')
_ENVIRONMENT = re.compile(r"aws://([^/]+)/([^/]+)$")
_FRAME = re.compile(r"\(?([^()\s][^()]*?):(\d+):(\d+)\)?\s*$")


class Stack(msgspec.Struct, frozen=True):
    """A stack of an assembly. Account and Region are None where the app leaves them open."""

    template: str  # the file's name, relative to the folder of the manifest
    account: str | None = None
    region: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    name: str | None = None  # of the stack as it is deployed
    traces: dict[str, tuple[str, ...]] = {}  # construct path, with a slash before it -> frames of the app, innermost first
    constructs: dict[str, str] = {}  # logical id -> construct path


class Assembly(msgspec.Struct, frozen=True):
    """What a manifest says: the stacks by their template, the folders of stages."""

    stacks: dict[str, Stack]
    stages: tuple[str, ...] = ()


def looks_like_manifest(text: str) -> bool:
    """Whether a text is worth reading as the manifest of an assembly."""
    return any(mark in text for mark in _MARKS) and '"artifacts"' in text


def read_manifest(text: str, additional: dict[str, str] | None = None) -> Assembly | None:
    """The manifest of an assembly; None for any other text. `additional` are metadata files beside it, by name."""
    if not looks_like_manifest(text):
        return None
    try:
        tree = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        return None
    artifacts = tree.get("artifacts") if isinstance(tree, dict) else None
    if not isinstance(artifacts, dict):
        return None
    stacks: dict[str, Stack] = {}
    stages: list[str] = []
    for identifier, artifact in artifacts.items():
        properties = artifact.get("properties") if isinstance(artifact, dict) else None
        if not isinstance(properties, dict):
            continue
        if artifact.get("type") == _STACK and isinstance(properties.get("templateFile"), str):
            stack = _stack(identifier, artifact, properties, additional or {})
            stacks[stack.template] = stack
        elif artifact.get("type") == _STAGE and isinstance(properties.get("directoryName"), str):
            stages.append(properties["directoryName"])
    return Assembly(stacks, tuple(stages))


def _stack(identifier: str, artifact: dict[str, Any], properties: dict[str, Any], additional: dict[str, str]) -> Stack:
    place = _ENVIRONMENT.match(artifact["environment"]) if isinstance(artifact.get("environment"), str) else None
    parts = place.groups() if place is not None else ("", "")
    account, region = (part if part and not part.startswith("unknown-") else None for part in parts)
    given = properties.get("parameters")
    pairs = given.items() if isinstance(given, dict) else ()
    parameters = tuple((name, value) for name, value in pairs if isinstance(value, str))
    metadata = dict(artifact["metadata"]) if isinstance(artifact.get("metadata"), dict) else {}
    extra = artifact.get("additionalMetadataFile")
    if isinstance(extra, str) and extra in additional:
        try:
            more = msgspec.json.decode(additional[extra].encode())
        except msgspec.DecodeError:
            more = {}
        metadata.update(more if isinstance(more, dict) else {})
    traces: dict[str, tuple[str, ...]] = {}
    constructs: dict[str, str] = {}
    for path, entries in metadata.items():
        for entry in entries if isinstance(entries, list) else ():
            if not isinstance(entry, dict) or entry.get("type") != "aws:cdk:logicalId":
                continue
            if isinstance(entry.get("data"), str):
                constructs[entry["data"]] = path
            trace = entry.get("trace")
            if isinstance(trace, list):
                traces[path] = tuple(frame for frame in trace if isinstance(frame, str))
    name = properties.get("stackName", identifier)  # the artifact is called as the stack is, where nothing else is said
    named_as = name if isinstance(name, str) else identifier
    return Stack(posixpath.normpath(properties["templateFile"]), account, region, parameters, named_as, traces, constructs)


def assembly_beside(files: Files, template: str) -> Assembly | None:
    """The assembly that a template lies in."""
    folder = posixpath.dirname(template)
    path = posixpath.join(folder, MANIFEST)
    try:
        stamp = os.stat(path)
    except OSError:
        return None
    return _read(files, path, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=4)
def _parsed(text: str, additional: tuple[tuple[str, str], ...]) -> Assembly | None:
    return read_manifest(text, dict(additional))


def _read(files: Files, path: str, _changed: int, _size: int) -> Assembly | None:
    source = files.read(path)
    if not isinstance(source, Source) or not looks_like_manifest(source.text):
        return None
    names = sorted(set(re.findall(r'"additionalMetadataFile"\s*:\s*"([^"/\\]+)"', source.text)))
    additional = []
    for name in names:
        found = files.read(posixpath.join(posixpath.dirname(path), name))
        if isinstance(found, Source):
            additional.append((name, found.text))
    return _parsed(source.text, tuple(additional))


def app_place(files: Files, trace: tuple[str, ...], folder: str) -> tuple[Source, Span] | None:
    """The place in the app's own code that made a construct: the innermost frame that stands in the checkout."""
    for frame in trace:
        match = _FRAME.search(frame)
        if match is None or "node_modules" in match.group(1) or "node:internal" in match.group(1):
            continue
        name = match.group(1).removeprefix("file://").removeprefix("at ").replace("\\", "/")
        path = os.path.relpath(name).replace(os.sep, "/") if os.path.isabs(name) else posixpath.join(folder, "..", name)
        source = files.read(posixpath.normpath(path))
        if isinstance(source, Source):
            line, column = int(match.group(2)), max(int(match.group(3)), 1)
            if 1 <= line <= source.text.count("\n") + 1:
                return source, Span(source.path, line, column, line, column + 1)
    return None
