"""The job: what is scanned with what settings, and what of the judgements is reported.

The package is callable: `kmsguard.scan(paths, settings)` is the public Python API, whether or not a module of the package has
been imported before (which binds the name `kmsguard.scan` to the package).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from kmsguard.model.finding import Report
    from kmsguard.scan.settings import Settings


class _Scan(ModuleType):
    def __call__(self, paths: Sequence[str], settings: Settings | None = None, executor: Executor | None = None) -> Report:
        """Scans files and folders; see `kmsguard.scan.run.scan`."""
        from kmsguard.scan.run import scan

        return scan(paths, settings, executor)


sys.modules[__name__].__class__ = _Scan
