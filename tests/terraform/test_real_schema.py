"""Terraform with its AWS provider refuses what we tell, and takes what we say nothing of.

The configurations are made from the provider's own schema: the least that each resource takes, and that with one thing wrong.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kmsguard.model.declaration import UnitSource
from kmsguard.terraform import read
from kmsguard.terraform.aws_schema import Schema, block_schema, resource_schema

from .test_real_provider import TERRAFORM, mirror

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.skipif(TERRAFORM is None or mirror() is None, reason="needs the real terraform program and the AWS provider"),
]

SAMPLE = 1 if os.environ.get("KMSGUARD_LONG") else 9
OF_SCHEMA = (
    "Missing required argument",
    "Unsupported argument",
    "Unsupported block type",
    "Incorrect attribute value type",
    "Value for unconfigurable attribute",
    "Invalid Configuration for Read-Only Attribute",
    "Invalid resource type",
    "Invalid data source",
)
BLOCKS = re.compile(r"(Insufficient|Too many) \S+ blocks")
OURS = (
    "missing-argument",
    "unknown-argument",
    "unknown-block",
    "missing-block",
    "too-many-blocks",
    "invalid-value",
    "computed-argument",
    "unknown-resource-type",
)
VALUES = {"string": '"x"', "number": "1", "bool": "true", "dynamic": '"x"'}


class Real:
    """The real program in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "rc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n', encoding="utf-8"
        )
        (folder / "main.tf").write_text('terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n')
        self.run("init", "-input=false")

    def run(self, *arguments: str) -> str:
        """What a command writes to standard output."""
        environment = {**os.environ, "TF_CLI_CONFIG_FILE": str(self.folder / "rc"), "CHECKPOINT_DISABLE": "1"}
        command = [TERRAFORM or "terraform", *arguments]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False).stdout

    def schema(self) -> dict[str, Any]:
        """The provider's schema."""
        return next(iter(json.loads(self.run("providers", "schema", "-json"))["provider_schemas"].values()))

    def refused(self, configurations: dict[str, str], *, of_schema: bool = True) -> dict[str, list[str]]:
        """By name: what is said against a configuration, all of it or what the schema has against it."""
        for name, text in configurations.items():
            (self.folder / f"{name}.tf").write_text(text, encoding="utf-8")
        found: dict[str, list[str]] = {}
        for one in json.loads(self.run("validate", "-json"))["diagnostics"]:
            # the provider's rules about several arguments ("one of a,b must be specified") are no part of its schema
            ours = one["summary"] in OF_SCHEMA and " must be specified" not in one["detail"]
            if one["severity"] == "error" and (not of_schema or ours or BLOCKS.match(one["summary"])):
                found.setdefault(one["range"]["filename"].removesuffix(".tf"), []).append(one["summary"] + ": " + one["detail"])
        return found

    def told(self) -> dict[str, list[str]]:
        """By name: what we tell of the same folder."""
        found: dict[str, list[str]] = {}
        for one in read(UnitSource(str(self.folder), "terraform", boundary=str(self.folder))).problems:
            if one.code in OURS:
                found.setdefault(Path(one.file).stem, []).append(one.message)
        return found


# --- configurations from the schema -------------------------------------------------------------------------------------------


def value(of: Any) -> str:
    """A value of a type."""
    if isinstance(of, str):
        return VALUES[of]
    kind, inner = of
    if kind == "object":
        return "{ " + ", ".join(f"{name} = {value(one)}" for name, one in inner.items()) + " }"
    return f"{{ a = {value(inner)} }}" if kind == "map" else f"[{value(inner)}]"


def least(block: dict[str, Any], indent: str = "  ") -> list[tuple[str, str]]:
    """The names of what a block has to hold, each with its text."""
    out = []
    for name, one in block.get("attributes", {}).items():
        if one.get("required"):
            out.append((name, f"{indent}{name} = {value(one['type'])}"))
    for name, one in block.get("block_types", {}).items():
        inner = "\n".join(text for _, text in least(one["block"], indent + "  "))
        out.extend((name, f"{indent}{name} {{\n{inner}\n{indent}}}") for _ in range(one.get("min_items", 0)))
    return out


def written(kind: str, of_type: str, lines: list[str]) -> str:
    """A resource or data source."""
    return "\n".join([f'{kind} "{of_type}" "x" {{', *lines, "}", ""])


def types(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A part of the resources and data sources with their blocks, those that matter most among them."""
    for kind, table in (("resource", "resource_schemas"), ("data", "data_source_schemas")):
        for number, (of_type, one) in enumerate(sorted(schema[table].items())):
            if number % SAMPLE == 0 or of_type.startswith(("aws_kms_", "aws_s3_bucket", "aws_db_", "aws_sqs_", "aws_iam_")):
                yield kind, of_type, one["block"]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Real:
    """The real program with its provider."""
    return Real(tmp_path_factory.mktemp("schema") / "root")


def fresh(real: Real, folder: Path) -> Real:
    """Another folder of the same program."""
    other = object.__new__(Real)
    other.folder = folder
    shutil.copytree(real.folder, folder, ignore=shutil.ignore_patterns("*__*.tf"), symlinks=True)
    return other


def test_table_takes_what_the_provider_takes(real: Real) -> None:
    """Every argument and block that the provider's schema allows is in the table, and nothing is required that it does not."""
    wrong: list[str] = []

    def compare(block: dict[str, Any], known: Schema, path: str) -> None:
        for name, one in block.get("attributes", {}).items():
            entry = known.get(name)
            settable = one.get("required") or one.get("optional")
            if entry is None or (settable and entry.kind in ("computed", "block")):
                wrong.append(f"{path}.{name}")
            elif entry.required and not one.get("required"):
                wrong.append(f"{path}.{name} is not required")
            elif one.get("sensitive") and not entry.sensitive and entry.kind == "argument":
                wrong.append(f"{path}.{name} is sensitive")
        for name, one in block.get("block_types", {}).items():
            entry = known.get(name)
            if entry is None or entry.kind not in ("block", "objects", "any"):
                wrong.append(f"{path}.{name}")
            elif entry.kind == "block":
                most = 1 if one["nesting_mode"] == "single" else one.get("max_items", 0)
                if entry.least > one.get("min_items", 0) or (entry.most and not 0 < most <= entry.most):
                    wrong.append(f"{path}.{name}: {entry.least} to {entry.most}")
                compare(one["block"], block_schema(entry.inner), f"{path}.{name}")

    schema = real.schema()
    for mode, table in (("managed", "resource_schemas"), ("data", "data_source_schemas")):
        for of_type, one in schema[table].items():
            known = resource_schema(mode, of_type)
            if known is None:
                wrong.append(of_type)
            else:
                compare(one["block"], known, of_type)
    assert wrong == []


def test_least_is_taken_and_less_is_not(real: Real, tmp_path: Path) -> None:
    """What has all that is required is clean for both; without one of them, or with a name too many, it is so for neither."""
    whole: dict[str, str] = {}
    broken: dict[str, str] = {}
    may_lack: set[str] = set()
    for kind, of_type, block in types(real.schema()):
        lines = least(block)
        whole[f"{kind}__{of_type}"] = written(kind, of_type, [text for _, text in lines])
        broken[f"{kind}__{of_type}__extra"] = written(kind, of_type, [*(text for _, text in lines), "  zz_none = 1"])
        known = resource_schema("data" if kind == "data" else "managed", of_type) or {}
        for name in sorted({name for name, _ in lines}):
            case = f"{kind}__{of_type}__{name}"
            broken[case] = written(kind, of_type, [text for one, text in lines if one != name])
            if not (known[name].required or known[name].least):
                may_lack.add(case)  # another version does not require it
    assert real.refused(whole) == {}
    assert real.told() == {}
    other = fresh(real, tmp_path / "root")
    refused = other.refused({name: text.replace('"x" {', f'"{name}" {{', 1) for name, text in broken.items()})
    told = other.told()
    assert sorted(refused.keys() - told.keys() - may_lack) == []
    assert sorted(told.keys() - refused.keys()) == []
    assert len(refused) > 0.99 * len(broken)
    assert len(may_lack) < 0.05 * len(broken)


def test_the_same_of_what_is_written_by_hand(real: Real, tmp_path: Path) -> None:
    """Of each resource in `refused/`, Terraform refuses what we tell, and takes what we do not."""
    resource = re.compile(r'^(?:resource|data) "(\w+)" "(\w+)"')
    whole = "".join(path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "refused").glob("*.tf")))
    found = {}
    for block in re.split(r"(?m)^(?=resource|data|locals|variable)", whole)[1:]:
        head = resource.match(block)
        name = head[2] if head else block.split()[0] + block.split()[1].strip('"{')
        found[name] = block
    other = fresh(real, tmp_path / "root")
    refused = other.refused(found, of_schema=False)
    told = {name for name, block in found.items() if "# here " in block}
    told.remove("conditions")  # what hangs on a variable is refused when it has a value
    assert told - refused.keys() == set()
    assert refused.keys() - told == set()
