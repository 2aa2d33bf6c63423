"""Whole root modules come to what Terraform plans for them.

`real_roots/NAME` is a root module, `real_roots/NAME.plan.json` what Terraform 1.11.4 with version 5.100.0 of the AWS provider
plans for it, and `real_roots/schemas.json` the provider's schemas of the types in them. `pytest -m terraform` compares with
the real program where it is installed, and with `--update` records it anew.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "real_roots"
ROOTS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
HERE = Path(__file__).parents[2]
PROVIDER = """provider "aws" {
  access_key                  = "mock"
  secret_key                  = "mock"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}
"""


def against_terraform() -> ModuleType:
    """The benchmark that compares public root modules."""
    name = "against_terraform"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / "benchmarks/against_terraform.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def mirror() -> Path | None:
    """Where the provider lies on this machine."""
    roots = [root for root in (Path("/opt"), Path("/usr/share"), Path("/usr/local/share")) if root.is_dir()]
    found = [path.parent for root in roots for path in root.glob("*/registry.terraform.io")]
    return next((path for path in found if (path / "registry.terraform.io/hashicorp/aws").is_dir()), None)


def evaluated(root: Path) -> dict[str, Any]:
    """The unit as `kmsguard evaluate` shows it."""
    from kmsguard.scan.evaluate import evaluate
    from kmsguard.scan.settings import Settings

    before = Path.cwd()
    os.chdir(root)
    try:
        tree, _ = evaluate(["."], Settings())
    finally:
        os.chdir(before)
    assert not tree["errors"]
    return dict(tree["units"][0])


@pytest.mark.parametrize("name", ROOTS)
def test_the_plan_is_met(name: str) -> None:
    """The same addresses; all that the configuration writes and the plan knows is known and the same, and no more is known."""
    recorded = json.loads((FOLDER / f"{name}.plan.json").read_text(encoding="utf-8"))
    schemas = json.loads((FOLDER / "schemas.json").read_text(encoding="utf-8"))
    counts, lines = against_terraform().compare(recorded, evaluated(FOLDER / name), schemas)
    assert lines == []
    assert counts["equal"] > 3


# --- the real program -----------------------------------------------------------------------------------------------------


def planned(name: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plan and the provider's schemas."""
    tool = against_terraform()
    where = mirror()
    assert where is not None
    root = folder / name
    shutil.copytree(FOLDER / name, root)
    text = "".join(path.read_text(encoding="utf-8") for path in root.glob("*.tf"))
    override = PROVIDER + (PROVIDER.replace("{\n", '{\n  alias = "us"\n', 1) if 'alias  = "us"' in text else "")
    (root / "zz_override.tf").write_text(override, encoding="utf-8")
    terraform = tool.Terraform(shutil.which("terraform"), where, folder)
    return terraform.plan(root, []), terraform.schemas(root, folder / "schemas.json")


def reduced(plan: dict[str, Any]) -> dict[str, Any]:
    """What a comparison needs of a plan."""
    changes = [
        {"address": change["address"], "mode": change["mode"], "type": change["type"], "change": {
            "actions": change["change"]["actions"], "after": change["change"]["after"],
            "after_unknown": change["change"].get("after_unknown", {}),
        }}
        for change in plan["resource_changes"]
    ]  # fmt: skip
    prior = plan.get("prior_state", {}).get("values", {})
    return {"terraform_version": plan["terraform_version"], "resource_changes": changes, "prior_state": {"values": prior}}


def without_texts(schema: dict[str, Any]) -> dict[str, Any]:
    """A block's schema: types and nesting."""
    return {
        "attributes": {name: {"type": of["type"]} for name, of in schema.get("attributes", {}).items() if "type" in of},
        "block_types": {
            name: {"nesting_mode": of["nesting_mode"], "block": without_texts(of["block"])}
            for name, of in schema.get("block_types", {}).items()
        },
    }


@pytest.mark.terraform
@pytest.mark.skipif(shutil.which("terraform") is None or mirror() is None, reason="needs terraform and the AWS provider")
@pytest.mark.parametrize("name", ROOTS)
def test_the_real_program_plans_that(
    name: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    """What is recorded is what the real program plans."""
    plan, schemas = planned(name, tmp_path_factory.mktemp("roots"))
    found = reduced(plan)
    expected = FOLDER / f"{name}.plan.json"
    if request.config.getoption("--update"):
        expected.write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
        kept = FOLDER / "schemas.json"
        known = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {"managed": {}, "data": {}}
        for change in (*plan["resource_changes"], *found["prior_state"]["values"].get("root_module", {}).get("resources", ())):
            of = schemas[change["mode"]].get(change["type"])
            if of is not None:
                known[change["mode"]][change["type"]] = {"block": without_texts(of["block"])}
        kept.write_text(json.dumps(known, sort_keys=True) + "\n", encoding="utf-8")
    recorded = json.loads(expected.read_text(encoding="utf-8"))
    assert found["resource_changes"] == recorded["resource_changes"]
