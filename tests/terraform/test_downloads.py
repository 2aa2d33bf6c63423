"""Modules that were downloaded count as long as they are those that the code names, as Terraform 1.11.4 takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmsguard.model.declaration import UnitSource
from kmsguard.model.value import Unknown
from kmsguard.terraform import read
from kmsguard.terraform.downloads import Download, allows, changed

KMS = "registry.terraform.io/terraform-aws-modules/kms/aws"


@pytest.mark.parametrize(
    ("source", "version", "kept", "kept_version", "same"),
    [
        ("terraform-aws-modules/kms/aws", None, KMS, "2.1.0", True),
        ("terraform-aws-modules/kms/aws", "~> 2.0", KMS, "2.1.0", True),
        ("terraform-aws-modules/kms/aws", "~> 2.0", KMS, "1.9.0", False),
        ("terraform-aws-modules/kms/aws", "~> 2.0", KMS, "", False),
        ("terraform-aws-modules/kms/aws", ">= 1.0, != 2.1.0, < 3", KMS, "2.1.0", False),
        ("terraform-aws-modules/kms/aws", "2.1", KMS, "2.1.0", True),
        ("terraform-aws-modules/kms/aws", "~> 2.1.0", KMS, "2.2.0", False),
        ("terraform-aws-modules/kms/aws", ">= 2", KMS, "3.0.0-beta1", False),
        ("terraform-aws-modules/kms/aws", "3.0.0-beta1", KMS, "3.0.0-beta1", True),
        ("terraform-aws-modules/kms/aws//modules/x", None, f"{KMS}//modules/x", "2.1.0", True),
        ("terraform-aws-modules/kms/aws", None, "registry.terraform.io/terraform-aws-modules/sns/aws", "2.1.0", False),
        ("terraform-aws-modules/kms/aws", None, "registry.opentofu.org/terraform-aws-modules/kms/aws", "2.1.0", True),
        ("git::https://github.com/a/b.git?ref=v2", None, "git::https://github.com/a/b.git?ref=v1", "", False),
        ("github.com/a/b", None, "git::https://github.com/a/b.git", "", True),
        ("github.com/a/b//sub?ref=x", None, "git::https://github.com/a/b.git//sub?ref=x", "", True),
        ("git@github.com:a/b.git", None, "git::ssh://git@github.com/a/b.git", "", True),
        ("git::git@github.com:a/b.git?ref=1", None, "git::ssh://git@github.com/a/b.git?ref=1", "", True),
        ("git::https://github.com/a/b.git//x/../y", None, "git::https://github.com/a/b.git//y", "", True),
        ("bucket.s3.amazonaws.com/m.zip", None, "s3::https://s3.amazonaws.com/bucket/m.zip", "", True),
        ("github.com/a/b", None, "", "", True),
    ],
)
def test_what_is_the_same(source: str, version: str | None, kept: str, kept_version: str, same: bool) -> None:
    """An entry of the manifest stands for the source and version of a call, or for others."""
    assert (changed(source, version, Download("m", kept, kept_version)) is None) is same


def test_what_cannot_be_read_is_not_judged() -> None:
    """A constraint that is none, or a version that is none, is no difference."""
    assert (allows("latest", "1.0.0"), allows(">= 1", "main"), allows("> 1.0", "1.0.1")) == (None, None, True)


def test_another_module_is_not_read(tmp_path: Path) -> None:
    """Where the code names another version than the one that lies there, the module is told and what it gives is unknown."""
    (tmp_path / "main.tf").write_text(
        'module "kms" {\n  source  = "terraform-aws-modules/kms/aws"\n  version = "~> 3.0"\n}\n\n'
        'output "o" {\n  value = module.kms.x\n}\n'
    )
    folder = tmp_path / ".terraform/modules/kms"
    folder.mkdir(parents=True)
    (folder / "main.tf").write_text('output "x" {\n  value = 1\n}\n')
    entry = {"Key": "kms", "Source": KMS, "Version": "2.1.0", "Dir": ".terraform/modules/kms"}
    (folder.parent / "modules.json").write_text(json.dumps({"Modules": [entry]}))
    unit = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path)))
    assert [(p.code, p.line) for p in unit.problems] == [("module-changed", 1)]
    assert isinstance(unit.outputs["o"].data, Unknown)
    entry["Version"] = "3.1.2"
    (folder.parent / "modules.json").write_text(json.dumps({"Modules": [entry]}))
    assert read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path))).outputs["o"].data == 1
