"""The files of a checkout: read once, and nothing outside of it."""

from __future__ import annotations

import codecs
import os
import posixpath
import stat

from kmsguard.model.declaration import Problem
from kmsguard.model.source import Source
from kmsguard.syntax.hcl.nodes import HclFile

LARGEST = 64 * 1024 * 1024
"""Bytes. No template or policy comes near it; what is larger was not written to be read as one."""


class Files:
    """Reads the files of a checkout. `boundary` is its root: what lies outside, also by way of a link, is not read."""

    def __init__(self, boundary: str) -> None:
        self.boundary = boundary
        self._root = os.path.realpath(boundary)
        self._sources: dict[str, Source | Problem] = {}
        self._trees: dict[str, HclFile] = {}

    def read(self, path: str) -> Source | Problem:
        """The text of a file, UTF-8 with or without byte order mark; the same Source each time.

        `path` is relative to the working directory (or absolute), with forward slashes. Problems are errors with the codes
        `outside-checkout`, `unreadable` (not there, no file, no permission, too large) and `not-utf8`.
        """
        name = posixpath.normpath(path)
        found = self._sources.get(name)
        if found is None:
            found = self._sources[name] = self._read(name)
        return found

    def hcl(self, path: str) -> HclFile | Problem:
        """The tree of a file in HCL's native syntax, parsed once. What is wrong with its syntax is among its problems."""
        source = self.read(path)
        if isinstance(source, Problem):
            return source
        tree = self._trees.get(source.path)
        if tree is None:
            from kmsguard.syntax.hcl.parser import parse

            tree = self._trees[source.path] = parse(source)
        return tree

    def contains(self, path: str) -> bool:
        """Whether a path, with all links on its way followed, lies inside the checkout; it need not be there."""
        real = os.path.realpath(path)
        return real == self._root or real.startswith(self._root.rstrip(os.sep) + os.sep)

    def _read(self, path: str) -> Source | Problem:
        try:
            if not self.contains(path):
                message = "it lies outside of the checkout, or is a link that leads there; copy it into the checkout"
                return Problem("error", "outside-checkout", path, 1, 1, message)
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                return Problem("error", "unreadable", path, 1, 1, "it is no file")
            if status.st_size > LARGEST:
                return Problem("error", "unreadable", path, 1, 1, f"it is larger than {LARGEST // 1024 // 1024} MB")
            with open(path, "rb") as file:
                content = file.read()
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it has no valid name"
            return Problem("error", "unreadable", path, 1, 1, f"it cannot be read: {reason}")
        content = content.removeprefix(codecs.BOM_UTF8)
        try:
            return Source(path, content.decode())
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            column = len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
            return Problem("error", "not-utf8", path, line, column, "it is not UTF-8 from here on; save it as UTF-8")
