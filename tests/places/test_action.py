"""action.yml: its shell steps, run with the inputs set as the runner sets them, and the checkers of actions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.places

KEY = """\
resource "aws_kms_key" "a" {
  enable_key_rotation = false
  lifecycle {
    prevent_destroy = true
  }
}
"""


def action() -> dict[str, Any]:
    """The action's metadata."""
    document = yaml.safe_load((ROOT / "action.yml").read_text())
    assert isinstance(document, dict)
    return document


class Runner:
    """Runs the composite action's shell steps in a workspace, like the real one: expressions in `env` only, outputs by file."""

    def __init__(self, workspace: Path, inputs: dict[str, str]) -> None:
        self.workspace = workspace
        document = action()
        self.context = {f"inputs.{name}": str(field.get("default", "")) for name, field in document["inputs"].items()}
        self.context |= {f"inputs.{name}": value for name, value in inputs.items()}
        self.context |= {"github.action_path": str(ROOT), "steps.python.outputs.python-path": sys.executable}
        self.steps = [step for step in document["runs"]["steps"] if "run" in step]
        self.printed = ""

    def fill(self, text: str) -> str:
        """A text with its expressions filled in."""
        return re.sub(r"\$\{\{\s*([\w.-]+)\s*\}\}", lambda match: self.context[match.group(1)], text)

    def run(self) -> int:
        """Runs the shell steps in order; the first status that is not 0."""
        status = 0
        for step in self.steps:
            assert "${{" not in step["run"], "an expression in a script is an injection"
            if status != 0 and "always()" not in step.get("if", ""):
                continue
            outputs = self.workspace.parent / "outputs"
            outputs.write_text("")
            temp = self.workspace.parent / "runner"
            temp.mkdir(exist_ok=True)
            env = {**os.environ, "RUNNER_TEMP": str(temp), "GITHUB_OUTPUT": str(outputs)}
            env |= {name: self.fill(value) for name, value in step.get("env", {}).items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.workspace,
                env=env,
                capture_output=True,
                text=True,
                check=False,
            )
            self.printed += done.stdout + done.stderr
            for line in outputs.read_text().splitlines():
                name, _, value = line.partition("=")
                self.context[f"steps.{step.get('id')}.outputs.{name}"] = value
            status = status or done.returncode
        return status


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with one key that does not rotate."""
    folder = tmp_path_factory.mktemp("action") / "work space"
    (folder / "infra").mkdir(parents=True)
    (folder / "infra/main.tf").write_text(KEY)
    return folder


def test_findings_become_annotations_and_sarif_and_fail_the_step(workspace: Path) -> None:
    """The action ends with the scan's status, prints an annotation at the attribute and leaves SARIF with the finding."""
    runner = Runner(workspace, {"paths": "infra"})

    assert runner.run() == 1, runner.printed
    assert "file=infra/main.tf,line=2" in runner.printed, runner.printed
    sarif = json.loads((workspace / "kmsguard.sarif").read_text())
    assert [r["ruleId"] for r in sarif["runs"][0]["results"]] == ["KG401"]
    assert runner.context["steps.scan.outputs.exit-status"] == "1"


def test_the_threshold_and_more_arguments_are_handed_on(workspace: Path) -> None:
    """`fail-on: critical` passes, and `args` reach the scan word by word."""
    runner = Runner(workspace, {"paths": "infra", "fail-on": "critical", "args": "--select\nKG4", "sarif-file": "out.sarif"})

    assert runner.run() == 0, runner.printed
    assert (workspace / "out.sarif").exists()


def test_inputs_are_not_run_by_the_shell(workspace: Path) -> None:
    """A path that holds a command is a path: nothing is executed, and the scan says that it is not there."""
    runner = Runner(workspace, {"paths": "$(touch${IFS}owned) *"})

    assert runner.run() == 2, runner.printed
    assert not (workspace / "owned").exists()


def test_the_checkers_of_actions_have_nothing_to_say() -> None:
    """Zizmor finds nothing in the action and the workflows, and both fit their schemas."""
    commands = [
        [str(BIN / "zizmor"), "--offline", "--no-progress", "action.yml", ".github/workflows"],
        [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-actions", "action.yml"],
        [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", ".github/workflows/ci.yml"],
    ]
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
