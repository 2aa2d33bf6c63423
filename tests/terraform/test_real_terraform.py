"""The real Terraform and this package evaluate the same expressions to the same values."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from kmsguard.model.declaration import UnitSource
from kmsguard.model.value import Choice, Text, Unknown, Value
from kmsguard.terraform import read

REAL = Path(__file__).parent / "real"
TERRAFORM = shutil.which("terraform")
UNKNOWN = "(unknown)"
NEGATIONS = ("!true", '!"false"')  # lines that begin with an operator and not with a mark

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.skipif(TERRAFORM is None, reason="needs the real terraform program"),
]


def expressions() -> list[tuple[str, bool]]:
    """The expressions of the list, and whether they are errors."""
    lines = (REAL / "expressions.txt").read_text(encoding="utf-8").splitlines()
    # an expression may begin with `!` itself: then it is no error where Terraform has none
    return [(line, line.startswith("!")) for line in lines if line and not line.startswith("#")]


def plain(value: Value) -> object:
    """A value as the plan shows it."""
    data = value.data
    if isinstance(data, Text):
        return UNKNOWN if data.known is None else data.known
    if isinstance(data, (Unknown, Choice)):
        return UNKNOWN
    if isinstance(data, tuple):
        return [plain(item) for item in data]
    if isinstance(data, dict):
        return {name: plain(item) for name, item in data.items()}
    return float(data) if isinstance(data, Decimal) else data


def planned(after: object, unknown: object) -> object:
    """What the plan says of an output: its value, with what is not known in it."""
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, dict):
        known = after if isinstance(after, dict) else {}
        return {name: planned(known.get(name), unknown.get(name)) for name in {**known, **unknown}}
    if isinstance(unknown, list):
        known_list = after if isinstance(after, list) else []
        size = max(len(known_list), len(unknown))
        return [
            planned(known_list[n] if n < len(known_list) else None, unknown[n] if n < len(unknown) else None)
            for n in range(size)
        ]
    if isinstance(after, dict):
        return {name: planned(item, None) for name, item in after.items()}
    return [planned(item, None) for item in after] if isinstance(after, list) else after


class Real:
    """A root module with one output for each expression, planned by the real program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        self.errors: set[int] = set()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the program in the folder."""
        return subprocess.run(
            [TERRAFORM or "terraform", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def plan(self) -> dict[int, object]:
        """What each output would be; those that are errors are taken out and kept in `errors`."""
        self.run("init", "-input=false")
        for _ in range(8):
            result = self.run("plan", "-json", "-input=false", "-lock=false", "-refresh=false", "-out=p")
            wrong: set[int] = set()
            for line in result.stdout.splitlines():
                diagnostic = json.loads(line).get("diagnostic", {})
                match = re.fullmatch(r"e(\d+)\.tf", diagnostic.get("range", {}).get("filename", ""))
                if diagnostic.get("severity") == "error" and match is not None:
                    wrong.add(int(match[1]))
            for number in wrong:
                (self.folder / f"e{number}.tf").unlink()
            self.errors |= wrong
            if not wrong:
                break
        shown = json.loads(self.run("show", "-json", "p").stdout)
        changes = shown["output_changes"]
        out = {int(name[1:]): planned(c.get("after"), c.get("after_unknown")) for name, c in changes.items()}
        null = {int(path.stem[1:]) for path in self.folder.glob("e*.tf")} - set(out)
        return {**out, **dict.fromkeys(null)}


def expression_of(line: str, is_error: bool) -> str:
    """What stands behind the mark."""
    return line[1:] if is_error and not line.startswith(NEGATIONS) else line


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[int, object], set[int], dict[str, Value]]:
    """The expressions, what the real program says of them, and what we say."""
    folder = tmp_path_factory.mktemp("real")
    shutil.copytree(REAL / "data", folder / "data")
    shutil.copy(REAL / "main.tf", folder / "main.tf")
    lines = [expression_of(*pair) for pair in expressions()]
    for number, line in enumerate(lines):
        (folder / f"e{number}.tf").write_text(f'output "e{number}" {{\n  value = {line}\n}}\n', encoding="utf-8")
    ours = read(UnitSource(str(folder), "terraform", boundary=str(folder))).outputs
    real = Real(folder)
    return lines, real.plan(), real.errors, ours


def test_same_values(both: tuple[list[str], dict[int, object], set[int], dict[str, Value]]) -> None:
    """What Terraform 1.11 makes of an expression is what we make of it; what it does not know we may know."""
    lines, real, errors, ours = both
    differences = []
    for number, line in enumerate(lines):
        mine = plain(ours[f"e{number}"])
        if number in errors:
            if mine != UNKNOWN:
                differences.append(f"{line}: an error, ours is {mine!r}")
            continue
        wanted = real[number]
        if not _agrees(mine, wanted, line):
            differences.append(f"{line}: {wanted!r}, ours is {mine!r}")
    assert not differences, "\n".join(differences)


def _agrees(mine: object, wanted: object, line: str) -> bool:
    if wanted == UNKNOWN:
        return "unknown" in line or mine == UNKNOWN
    if mine == UNKNOWN:
        return isinstance(wanted, list) and all(item == UNKNOWN for item in wanted)
    if isinstance(wanted, float) and isinstance(mine, (int, float)):
        return abs(mine - wanted) <= 1e-12 * max(1.0, abs(wanted))
    if isinstance(wanted, dict) and isinstance(mine, dict):
        return mine.keys() == wanted.keys() and all(_agrees(mine[name], wanted[name], line) for name in wanted)
    if isinstance(wanted, list) and isinstance(mine, list):
        return len(mine) == len(wanted) and all(_agrees(a, b, line) for a, b in zip(mine, wanted, strict=True))
    return type(mine) is type(wanted) and mine == wanted


def test_errors_are_marked(both: tuple[list[str], dict[int, object], set[int], dict[str, Value]]) -> None:
    """The expressions that the list marks as errors are errors to Terraform, and no others."""
    _, _, errors, _ = both
    marked = {number for number, (line, is_error) in enumerate(expressions()) if is_error and not line.startswith(NEGATIONS)}
    lines = [line for line, _ in expressions()]
    assert "\n".join(lines[number] for number in sorted(errors ^ marked)) == ""
