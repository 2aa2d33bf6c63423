"""What is HCL and what is not: as recorded from Terraform 1.11.4, and as Terraform says where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import hcl2
import pytest

from kmsguard.model.source import Source
from kmsguard.syntax.hcl import nodes as n
from kmsguard.syntax.hcl.parser import parse

CASES: dict[str, list[str]] = json.loads((Path(__file__).parent / "cases" / "hcl_syntax.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", CASES["accepted"])
def test_what_terraform_accepts(text: str) -> None:
    """`terraform fmt` reads these files, and so do we."""
    assert parse(Source("x.tf", text)).problems == ()


@pytest.mark.parametrize("text", CASES["refused"])
def test_what_terraform_refuses(text: str) -> None:
    """`terraform fmt` refuses these files, and so do we."""
    assert parse(Source("x.tf", text)).problems != ()


@pytest.mark.terraform
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_the_recorded_cases_are_still_those_of_terraform(tmp_path: Path) -> None:
    """What is recorded as accepted and refused is what `terraform fmt` says today."""
    expected = {}
    for verdict in ("accepted", "refused"):
        for number, text in enumerate(CASES[verdict]):
            (tmp_path / f"{verdict}{number}.tf").write_bytes(text.encode())
            expected[f"{verdict}{number}.tf"] = verdict == "refused"
    command = ["terraform", "fmt", "-no-color", "-write=false", "-list=false", "."]
    errors = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stderr
    refused = set(re.findall(r"on (\w+\.tf) line", errors))
    assert {name: name in refused for name in expected} == expected


OPINION = """
locals {
  a = { b = [1, 2.5, -3], "c d" = null }
  e = [for k, v in var.f : upper(k) if v != ""]
  g = { for k, v in var.f : k => v... }
  h = a.b[0].c[*].d
  i = x ? y : z
}

resource "aws_kms_key" "k" {
  description = "plain"
  policy      = <<-EOT
    {
      "Version": "2012-10-17"
    }
  EOT

  timeouts {
    create = "10m"
  }
  timeouts {
    delete = "20m"
  }
}

variable "f" {
  type    = map(string)
  default = {}
}
"""


def outline(body: n.Body) -> dict[str, object]:
    """What python-hcl2 makes of a body: maps by attribute, lists by block, labels as keys."""
    out: dict[str, object] = dict.fromkeys(body.attributes)
    for block in body.blocks:
        inner: object = outline(block.body)
        for label in reversed(block.labels):
            inner = {label.text: inner}
        out.setdefault(block.type, []).append(inner)  # type: ignore[attr-defined]
    return out


def skeleton(tree: object, known: object) -> object:
    """python-hcl2's tree without values: attributes are None, as in the outline `known`."""
    if isinstance(tree, dict) and isinstance(known, dict):
        return {
            key.strip('"'): skeleton(value, known.get(key.strip('"')))
            for key, value in tree.items()
            if not key.startswith("__")
        }
    if isinstance(tree, list) and isinstance(known, list):
        return [skeleton(item, other) for item, other in zip(tree, known, strict=True)]
    return None


def test_a_second_opinion() -> None:
    """python-hcl2 finds the same attributes and blocks in a file that it can read."""
    mine = outline(parse(Source("x.tf", OPINION)).body)
    assert skeleton(hcl2.loads(OPINION), mine) == mine
