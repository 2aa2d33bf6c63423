"""Files as text, inside a boundary."""

from __future__ import annotations

from pathlib import Path

from kmsguard.model.declaration import Problem
from kmsguard.model.source import Source


class Files:
    """Reads files, each once; nothing outside of `boundary`."""

    def __init__(self, boundary: str) -> None:
        self.boundary = Path(boundary).resolve()
        self.read_already: dict[str, Source | Problem] = {}

    def read(self, path: str) -> Source | Problem:
        """A file, or why it cannot be read."""
        if path not in self.read_already:
            self.read_already[path] = self._read(path)
        return self.read_already[path]

    def _read(self, path: str) -> Source | Problem:
        if not Path(path).resolve().is_relative_to(self.boundary):
            return Problem("error", "outside-checkout", path, 1, 1, "the file lies outside of the checkout")
        try:
            text = Path(path).read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            return Problem("error", "not-utf8", path, 1, 1, "the file is not UTF-8")
        except OSError as error:
            return Problem("error", "unreadable", path, 1, 1, f"the file cannot be read: {error.strerror}")
        return Source(path, text)
