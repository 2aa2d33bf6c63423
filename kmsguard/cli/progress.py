"""How far a scan is, on standard error, where it takes long enough to wonder."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

AFTER = 1.0  # seconds


class Progress:
    """Shows a bar once the scan has taken a second; before that nothing is imported and nothing is shown."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._start = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, what: str, done: int, of: int) -> None:
        """`done` of `of` are through a stage."""
        if not self._shown or (self._bar is None and time.monotonic() - self._start < AFTER):
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._bar.start()
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=of)
        self._bar.update(self._tasks[what], completed=done)
