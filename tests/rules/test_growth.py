"""What judging asks grows with what is linked, not with all pairs. Counts, not time: they are the same on every machine."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

import kmsguard
from kmsguard.iam.decide import _Deciding

GENERATOR = Path(__file__).parents[2] / "benchmarks" / "large_template.py"


def _counted(folder: Path, services: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many access decisions a template of so many services takes."""
    made = runpy.run_path(str(GENERATOR))["template"](services)
    folder.mkdir()
    (folder / "template.json").write_text(json.dumps(made), encoding="utf-8")
    count = 0
    begin = _Deciding.__init__

    def counting(self: Any, *of: Any) -> None:
        nonlocal count
        count += 1
        begin(self, *of)

    with monkeypatch.context() as patched:
        patched.setattr(_Deciding, "__init__", counting)
        kmsguard.scan([str(folder)])
    return count


def test_the_access_decisions_grow_with_the_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each service has a key, two roles and what they use; functions have a variable that may name any queue of the unit."""
    few = _counted(tmp_path / "few", 2, monkeypatch)
    many = _counted(tmp_path / "many", 8, monkeypatch)
    assert 0 < many <= 4 * few
