"""Every Terraform argument that a kind file names is there, in the schema of the real provider."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path as FilePath

import pytest

from kmsguard.kinds.load import load
from kmsguard.kinds.table import Fallback, FirstOf, Items, Json, Pairs, Path, Prefix, Present, Together, Translate, Word
from kmsguard.terraform.aws_schema import block_schema, resource_schema

TERRAFORM = shutil.which("terraform")

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.skipif(TERRAFORM is None, reason="needs the real terraform program"),
]


@pytest.fixture(scope="module")
def schema(tmp_path_factory) -> dict[str, dict]:
    """The blocks of all resources and data sources of the AWS provider that can be installed here."""
    folder = tmp_path_factory.mktemp("schema")
    (folder / "main.tf").write_text('terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n')
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1"}
    mirrors = [found.parent for depth in ("*", "*/*") for found in FilePath("/").glob(f"{depth}/registry.terraform.io")]
    if mirrors:  # what is on this machine, not what would have to be fetched
        configuration = folder / "terraform.rc"
        configuration.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirrors[0]}"\n  }}\n}}\n')
        environment["TF_CLI_CONFIG_FILE"] = str(configuration)

    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [str(TERRAFORM), *arguments], cwd=folder, env=environment, capture_output=True, check=False, timeout=60
        )

    if run("init", "-input=false", "-backend=false").returncode != 0:
        pytest.skip("the AWS provider cannot be installed here")
    [provider] = json.loads(run("providers", "schema", "-json").stdout)["provider_schemas"].values()
    blocks = {name: found["block"] for name, found in provider["resource_schemas"].items()}
    return blocks | {f"data.{name}": found["block"] for name, found in provider["data_source_schemas"].items()}


def paths(word: Word, base: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths that a word looks at, from the declaration on."""
    if isinstance(word, Path):
        yield word.steps if word.root else base + word.steps
    elif isinstance(word, (FirstOf, Together)):
        for option in word.words:
            yield from paths(option, base)
    elif isinstance(word, (Translate, Fallback, Present, Prefix, Json, Pairs)):
        yield from paths(word.word, base)
    elif isinstance(word, Items):
        yield from paths(word.word, base)
        if isinstance(word.word, Path):
            [inner] = paths(word.word, base)
            for field in word.fields.values():
                yield from paths(field, inner)


def is_there(block: dict, steps: tuple[str, ...]) -> bool:
    """Whether a path is one of a block; what lies inside an attribute is not looked at."""
    for step in steps:
        if step.startswith("["):
            continue
        if step in block.get("attributes", {}):
            return True
        if step not in block.get("block_types", {}):
            return False
        block = block["block_types"][step]["block"]
    return True


def is_newer(source: str, steps: tuple[str, ...]) -> bool:
    """Whether a path is one of a version of the provider that is newer than the installed one."""
    whole = resource_schema("data" if source.startswith("data.") else "managed", source.removeprefix("data."))
    known = whole
    for step in steps:
        if known is None or step.startswith("["):
            continue
        entry = known.get(step)
        if entry is None:
            return False
        known = block_schema(entry.inner) if entry.inner >= 0 else None
    return whole is not None


def test_arguments(schema) -> None:
    """What a word looks at is an argument or a block of its source type."""
    wrong = []
    for source, uses in load().uses.items():
        if not source.startswith(("aws_", "data.")):
            continue
        for use in uses:
            base = use.each.steps if use.each is not None else ()
            attach = [use.attach] if use.attach is not None else []
            words = [*attach, *use.attributes.values(), *use.adds.values(), *use.replaces.values()]
            for steps in [base, *(path for word in words for path in paths(word, base))]:
                name = ".".join(step for step in steps if not step.startswith("["))
                if (source not in schema or not is_there(schema[source], steps)) and not is_newer(source, steps):
                    wrong.append(f"{source}.{name}")
    assert wrong == []


def test_identities(schema) -> None:
    """What an identity says of a Terraform attribute is said of one that a source type of its kind has."""
    kinds, wrong = load(), []
    for kind in kinds.kinds.values():
        sources = [s for s, uses in kinds.uses.items() if any(u.kind == kind.name for u in uses)]
        known = {name for source in sources if source in schema for name in schema[source]["attributes"]}
        wrong += [
            f"{kind.name}.{name}"
            for name in kind.identity.terraform
            if name not in known and not any(is_newer(one, (name,)) for one in sources)
        ]
    assert wrong == []
