"""The AWS provider's data sources that compute, and ours, give the same texts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kmsguard.model.declaration import UnitSource
from kmsguard.model.value import Value
from kmsguard.terraform import read

FOLDER = Path(__file__).parent / "real_provider"
TERRAFORM = shutil.which("terraform")


def mirror() -> Path | None:
    """Where the provider lies on this machine."""
    roots = [root for root in (Path("/opt"), Path("/usr/share"), Path("/usr/local/share")) if root.is_dir()]
    found = [path.parent for root in roots for path in root.glob("*/registry.terraform.io")]
    return next((path for path in found if (path / "registry.terraform.io/hashicorp/aws").is_dir()), None)


pytestmark = [
    pytest.mark.terraform,
    pytest.mark.skipif(TERRAFORM is None or mirror() is None, reason="needs the real terraform program and the AWS provider"),
]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The outputs as the real program plans them."""
    folder = tmp_path_factory.mktemp("provider") / "root"
    shutil.copytree(FOLDER, folder)
    (folder / "rc").write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n', encoding="utf-8"
    )
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": str(folder / "rc"), "CHECKPOINT_DISABLE": "1"}

    def run(*arguments: str) -> str:
        result = subprocess.run(
            [TERRAFORM or "terraform", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    run("init", "-input=false")
    run("plan", "-input=false", "-lock=false", "-refresh=false", "-out=p")
    changes = json.loads(run("show", "-json", "p"))["output_changes"]
    return {name: change["after"] for name, change in changes.items()}


def plain(value: Value) -> object:
    """A value as the plan shows it."""
    return [plain(item) for item in value.data] if isinstance(value.data, tuple) else value.text


def ordered(policy: object) -> object:
    """A policy with its lists in order: of blocks that are a set to the provider the order is a hash's."""
    if isinstance(policy, dict):
        return {name: ordered(member) for name, member in policy.items()}
    return sorted((ordered(item) for item in policy), key=str) if isinstance(policy, list) else policy


def test_same_outputs(planned: dict[str, object]) -> None:
    """Policy documents, partition, Regions, parts of ARNs and the provider's functions are the provider's own."""
    ours = read(UnitSource(str(FOLDER), "terraform", boundary=str(FOLDER))).outputs
    mine = {name: plain(value) for name, value in ours.items()}
    for name in ("lists", "same_condition"):
        assert ordered(json.loads(str(mine.pop(name)))) == ordered(json.loads(str(planned.pop(name))))
    assert mine == planned


def test_policy_is_encoded() -> None:
    """A document's text knows the policy that it encodes, and each statement the block that it was made from."""
    json_text = read(UnitSource(str(FOLDER), "terraform", boundary=str(FOLDER))).outputs["conditions"].data
    (statement,) = json_text.encodes.members["Statement"].items
    source = (FOLDER / "documents.tf").read_text(encoding="utf-8").splitlines()
    assert source[statement.place.start_line - 1] == "  statement {"
    (test,) = statement.members["Condition"].members["Bool"].members.values()
    assert source[test.place.start_line].strip() == 'test     = "Bool"'
    assert test.text == "true"
