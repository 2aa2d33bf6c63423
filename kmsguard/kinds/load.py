"""Kind files: found, and compiled into one table that loads in milliseconds."""

from __future__ import annotations

import os
from collections.abc import Sequence

from kmsguard.kinds.compiled import load_compiled
from kmsguard.kinds.table import KindTable

HERE = os.path.dirname(os.path.abspath(__file__))
_MADE_BY = ("table.py", "compiling.py", "../conditions/parsing.py", "../model/condition.py", "../model/resource.py")
"""What a compiled table hangs on besides its files: whoever works on these sees the change at once."""


def load(extra: tuple[str, ...] = ()) -> KindTable:
    """All kinds: those that kmsguard brings, and those of the folders `extra` (the `kinds/` of a rule pack).

    Raises:
        UsageError: where a kind file is wrong; its problems have file, line and column.
    """
    files = kind_files(extra)
    made_by = [path for name in _MADE_BY if os.path.exists(path := os.path.join(HERE, name))]
    return load_compiled("kinds", [*files, *made_by], KindTable, lambda: _compile(files))


def kind_files(extra: Sequence[str] = ()) -> list[str]:
    """The paths of all kind files, ours first, in the order of their names."""
    files: list[str] = []
    for folder in (os.path.join(HERE, "aws"), *extra):
        for where, folders, names in os.walk(folder):
            folders.sort()
            files.extend(os.path.join(where, name) for name in sorted(names) if name.endswith((".yaml", ".yml")))
    return files


def _compile(files: Sequence[str]) -> KindTable:
    from kmsguard.kinds.compiling import compile_files

    return compile_files(files)
