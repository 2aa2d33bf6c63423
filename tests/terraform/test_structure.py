"""What Terraform refuses of a module's structure is told at its line, and nothing is told of what it takes.

`real/structures*.txt` hold small root modules with what is told of each; `pytest -m terraform` asks the real program.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from kmsguard.model.declaration import UnitSource
from kmsguard.terraform import read

from .test_real_provider import TERRAFORM, mirror


def cases() -> dict[str, tuple[str, dict[str, str]]]:
    """By name: what is told, and the files."""
    out: dict[str, tuple[str, dict[str, str]]] = {}
    paths = sorted((Path(__file__).parent / "real").glob("structures*.txt"))
    for part in "".join("\n" + path.read_text(encoding="utf-8") for path in paths).split("\n=== ")[1:]:
        head, _, body = part.partition("\n")
        name, _, told = head.partition(" | ")
        files = {"main.tf": ""}
        at = "main.tf"
        for line in body.splitlines(keepends=True):
            if line.startswith("--- "):
                at = line[4:].strip()
                files.setdefault(at, "")
            else:
                files[at] = files.get(at, "") + line
        assert name not in out, name
        out[name] = told, files
    return out


CASES = cases()


def write(folder: Path, files: dict[str, str]) -> None:
    """The files of a case."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is a problem with its code and line."""
    told, files = CASES[name]
    monkeypatch.chdir(tmp_path)
    write(tmp_path, files)
    unit = read(UnitSource(".", "terraform", boundary="."))
    found = sorted({f"{problem.code} {problem.file}:{problem.line}" for problem in unit.problems})
    assert (", ".join(found) or "nothing") == told


OFFLINE = """
  access_key                  = "mock"
  secret_key                  = "mock"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
"""


@pytest.mark.terraform
@pytest.mark.skipif(TERRAFORM is None, reason="needs the real terraform program")
@pytest.mark.parametrize("name", CASES)
def test_refused_by_terraform(name: str, tmp_path: Path) -> None:
    """The real program refuses what something is told of, and takes the rest."""
    told, files = CASES[name]
    write(tmp_path, files)
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    if "aws" in "".join(files.values()):
        if mirror() is None:
            pytest.skip("needs the AWS provider")
        rc = tmp_path / "rc"
        rc.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n', encoding="utf-8"
        )
        environment["TF_CLI_CONFIG_FILE"] = str(rc)
        if 'provider "aws"' not in "".join(files.values()):
            (tmp_path / "zz.tf").write_text(f'provider "aws" {{\n  region = "eu-west-1"{OFFLINE}}}\n', encoding="utf-8")
    errors: list[object] = []
    for command in (["init", "-json", "-input=false", "-backend=false"], ["plan", "-json", "-input=false", "-lock=false"]):
        done = subprocess.run(
            [TERRAFORM or "", *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if '"diagnostic"' in line]
        errors += [line for line in lines if line["diagnostic"]["severity"] == "error"]
        if errors:
            break
    assert bool(errors) == (told != "nothing")


def test_what_opentofu_does_not_make(tmp_path: Path) -> None:
    """`enabled` in `lifecycle`: false makes nothing, and the resource is null; what is open makes it under that condition."""
    text = (
        'resource "aws_kms_key" "%s" {\n  description = "x"\n  lifecycle {\n    enabled = %s\n  }\n}\n'
        'output "%s" {\n  value = aws_kms_key.%s == null ? "none" : aws_kms_key.%s.description\n}\n'
    )
    cases = {"off": "var.on", "on": "!var.on", "open": "var.open"}
    code = 'variable "on" {\n  default = false\n}\nvariable "open" {\n  type = bool\n}\n'
    (tmp_path / "main.tofu").write_text(code + "".join(text % (name, on, name, name, name) for name, on in cases.items()))
    unit = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path)))
    assert [d.address for d in unit.declarations if d.mode == "managed"] == ["aws_kms_key.on", "aws_kms_key.open"]
    assert (unit.outputs["off"].text, unit.outputs["on"].text) == ("none", "x")
    assert [problem.code for problem in unit.problems] == ["unset-variable"]


def test_an_identity_is_a_text(tmp_path: Path) -> None:
    """An ARN has no attributes, so `try` goes on; as a list it is one element."""
    (tmp_path / "main.tf").write_text(
        'resource "aws_kms_key" "k" {}\nlocals {\n  key = aws_kms_key.k.arn\n}\n'
        'output "o" {\n  value = [try(local.key.arn, "a text"), can(local.key[0]), length(local.key[*])]\n}\n'
    )
    unit = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path)))
    assert [item.text or item.data for item in unit.outputs["o"].items] == ["a text", False, 1]


def test_a_block_that_is_there_under_a_condition_has_what_the_provider_gives(tmp_path: Path) -> None:
    """What a nested block does not write is known after apply, also where a condition decides whether there is the block."""
    (tmp_path / "main.tf").write_text(
        'variable "on" {\n  type = bool\n}\nresource "azurerm_x" "a" {\n'
        '  dynamic "identity" {\n    for_each = var.on ? [1] : []\n'
        '    content {\n      type = "SystemAssigned"\n    }\n  }\n}\n'
        'output "o" {\n  value = azurerm_x.a.identity[0].principal_id\n}\n',
        encoding="utf-8",
    )
    unit = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path)))
    assert [problem.code for problem in unit.problems] == ["unset-variable"]
