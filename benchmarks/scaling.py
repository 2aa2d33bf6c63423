"""What a scan costs when its input grows: twice the input at most 2.3 times the time and memory.

    python benchmarks/scaling.py [--sizes 1250,2500,5000,10000] [--case NAME] [--limit 2.3]

Writes projects of so many resources (keys, queues, roles with policies that refer to one another) in each shape, and runs
`kmsguard scan` and `kmsguard evaluate` on them as processes: processor seconds above those of an empty project, peak memory,
and their ratio from each size to the next. Exit status 1 where a ratio is above the limit. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

GROUP = """
resource "aws_kms_key" "{n}" {{
  description         = "key {n}"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.{n}.json
}}

data "aws_iam_policy_document" "{n}" {{
  statement {{
    actions   = ["kms:*"]
    resources = ["*"]
    principals {{
      type        = "AWS"
      identifiers = ["arn:aws:iam::111122223333:root"]
    }}
  }}
  statement {{
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {{
      type        = "AWS"
      identifiers = [aws_iam_role.{n}.arn]
    }}
  }}
}}

resource "aws_sqs_queue" "{n}" {{
  name              = "queue-{n}"
  kms_master_key_id = aws_kms_key.{n}.arn
}}

resource "aws_iam_role" "{n}" {{
  name               = "role-{n}"
  assume_role_policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole", Principal = {{ Service = "lambda.amazonaws.com" }} }}]
  }})
}}

resource "aws_iam_role_policy" "{n}" {{
  name   = "use"
  role   = aws_iam_role.{n}.id
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [
      {{ Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.{n}.arn }},
      {{ Effect = "Allow", Action = "sqs:ReceiveMessage", Resource = [aws_sqs_queue.{n}.arn] }},
    ]
  }})
}}
"""
SIZE_OF_GROUP = 5
PROVIDER = 'provider "aws" {\n  region = "eu-west-1"\n}\n'


def plain(folder: Path, size: int) -> None:
    """All written out, a hundred groups in a file."""
    groups = [GROUP.format(n=f"g{number}") for number in range(size // SIZE_OF_GROUP)]
    for at in range(0, len(groups), 100):
        (folder / f"groups{at // 100}.tf").write_text("".join(groups[at : at + 100]))


def _each(text: str) -> str:
    """A group as one of many: its names and references by key."""
    text = text.replace("queue-each", "queue-${each.key}").replace("role-each", "role-${each.key}")
    for kind in ("data.aws_iam_policy_document", "aws_kms_key", "aws_sqs_queue", "aws_iam_role"):
        text = text.replace(f"{kind}.each.", f"{kind}.each[each.key].")
    out = []
    for line in text.split("\n"):
        out.append(line)
        if line.startswith(("resource", "data")):
            out.append("  for_each = local.each")
    return "\n".join(out)


def for_each(folder: Path, size: int) -> None:
    """Blocks with `for_each` of at most 500 elements each."""
    left, part = size // SIZE_OF_GROUP, 0
    while left > 0:
        count = min(left, 500)
        text = _each(GROUP.format(n="each")).replace("local.each", f"local.each{part}").replace('"each"', f'"each{part}"')
        text = text.replace(".each[each.key]", f".each{part}[each.key]")
        keys = f'locals {{\n  each{part} = toset([for n in range({count}) : "{part}-${{n}}"])\n}}\n'
        (folder / f"each{part}.tf").write_text(keys + text)
        left, part = left - count, part + 1


def nested(folder: Path, size: int) -> None:
    """Modules with `for_each` that call modules with `for_each`."""
    inner = max(1, min(20, size // SIZE_OF_GROUP // 10))
    outer = size // SIZE_OF_GROUP // inner
    (folder / "main.tf").write_text(
        f'module "teams" {{\n  source   = "./team"\n  for_each = toset([for n in range({outer}) : "t${{n}}"])\n'
        f"  name     = each.key\n  size     = {inner}\n}}\n"
    )
    (folder / "team").mkdir()
    (folder / "team/main.tf").write_text(
        'variable "name" {}\nvariable "size" {}\n'
        'module "apps" {\n  source   = "../app"\n  for_each = toset([for n in range(var.size) : "${var.name}-${n}"])\n'
        "  name     = each.key\n}\n"
    )
    (folder / "app").mkdir()
    text = GROUP.format(n="this").replace("queue-this", "queue-${var.name}").replace("role-this", "role-${var.name}")
    (folder / "app/main.tf").write_text('variable "name" {}\n' + text)


def one_key(folder: Path, size: int) -> None:
    """Everything refers to one key, whose policy names every role."""
    roles = size // SIZE_OF_GROUP
    names = ", ".join(f"aws_iam_role.g{n}.arn" for n in range(min(roles, 200)))
    text = GROUP.replace("aws_kms_key.{n}.arn", "aws_kms_key.shared.arn")
    (folder / "key.tf").write_text(
        'resource "aws_kms_key" "shared" {\n  enable_key_rotation = true\n'
        '  policy = jsonencode({ Version = "2012-10-17", Statement = [\n'
        '    { Effect = "Allow", Action = "kms:*", Resource = "*", Principal = { AWS = "arn:aws:iam::111122223333:root" } },\n'
        f'    {{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = {{ AWS = [{names}] }} }}] }})\n}}\n'
    )
    for at in range(0, roles, 100):
        (folder / f"groups{at // 100}.tf").write_text("".join(text.format(n=f"g{n}") for n in range(at, min(roles, at + 100))))


def plan(folder: Path, size: int) -> None:
    """A plan as JSON, without its code: all written out."""
    built = Plan()
    for number in range(size // 4):
        built.group(f"g{number}")
    built.write(folder)


def plan_of_modules(folder: Path, size: int) -> None:
    """A plan of a module that is called once for each of many keys, and of resources with `for_each` that refer to it."""
    built = Plan()
    for number in range(size // 5):
        built.group("this", module=f'module.team["t{number}"]', title=f"t{number}", configured=number == 0)
    for number in range(size // 5):
        built.each(f"t{number}", configured=number == 0)
    built.write(folder)


class Plan:
    """What `terraform show -json` writes of keys, queues and roles."""

    def __init__(self) -> None:
        self.changes: list[dict[str, Any]] = []
        self.root: list[dict[str, Any]] = []
        self.module: list[dict[str, Any]] = []

    def group(self, name: str, module: str = "", title: str = "", *, configured: bool = True) -> None:
        """A key, a queue that it encrypts, a role and its policy."""
        title = title or name
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn = {"references": [f"aws_kms_key.{name}.arn", f"aws_kms_key.{name}"]}
        role = {"references": [f"aws_iam_role.{name}.id", f"aws_iam_role.{name}"]}
        made = {"arn": True, "id": True}
        key = {"description": f"key {title}", "enable_key_rotation": True}
        queue, role_name = {"name": f"queue-{title}"}, {"name": f"role-{title}"}
        said = {"references": ["var.name"]} if module else None
        blocks: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
            ("aws_kms_key", key, {**made, "policy": True}, {
                "description": said or constant(key["description"]), "enable_key_rotation": constant(True)}),
            ("aws_sqs_queue", queue, {**made, "kms_master_key_id": True}, {
                "name": said or constant(queue["name"]), "kms_master_key_id": arn}),
            ("aws_iam_role", {**role_name, "assume_role_policy": trust}, made, {
                "name": said or constant(role_name["name"]), "assume_role_policy": {}}),
            ("aws_iam_role_policy", {"name": "use"}, {"policy": True, "role": True}, {
                "name": constant("use"), "role": role, "policy": arn}),
        ]  # fmt: skip
        for kind, after, unknown, written in blocks:
            self.add((module, kind, name, None), after, unknown, written, configured=configured)

    def each(self, key: str, *, configured: bool) -> None:
        """A queue of a `for_each`, encrypted with the key of the module of the same key."""
        written = {"name": {"references": ["each.key"]}, "kms_master_key_id": {"references": ["module.team", "each.key"]}}
        after, unknown = {"name": f"queue-of-{key}"}, {"arn": True, "id": True, "kms_master_key_id": True}
        self.add(("", "aws_sqs_queue", "each", key), after, unknown, written, configured=configured)

    def add(
        self,
        where: tuple[str, str, str, str | None],
        after: dict[str, Any],
        unknown: dict[str, Any],
        written: dict[str, Any],
        *,
        configured: bool,
    ) -> None:
        """A resource: its change, and its block where no other instance of it has brought that."""
        module, kind, name, key = where
        inner = f"{kind}.{name}"
        base = {"mode": "managed", "type": kind, "name": name, "provider_name": "registry.terraform.io/hashicorp/aws"}
        change = {"actions": ["create"], "before": None, "after": after, "after_unknown": unknown, "after_sensitive": {}}
        address = ".".join(filter(None, [module, inner])) + ("" if key is None else f'["{key}"]')
        place: dict[str, Any] = {"module_address": module} if module else {}
        index: dict[str, Any] = {} if key is None else {"index": key}
        self.changes.append({"address": address, **place, **base, **index, "change": change})
        if configured:
            block = {"address": inner, **base, "provider_config_key": "aws", "expressions": written, "schema_version": 0}
            (self.module if module else self.root).append(block)

    def write(self, folder: Path) -> None:
        """The file."""
        below: dict[str, list[dict[str, Any]]] = {}
        for each in self.changes:
            resource = {**{name: part for name, part in each.items() if name != "change"}, "values": each["change"]["after"]}
            below.setdefault(resource.pop("module_address", ""), []).append(resource)
        root: dict[str, Any] = {"resources": below.pop("", [])}
        root["child_modules"] = [{"address": address, "resources": resources} for address, resources in below.items()]
        configuration: dict[str, Any] = {"resources": self.root}
        if self.module:
            outputs = {"key": {"expression": {"references": ["aws_kms_key.this.arn", "aws_kms_key.this"]}}}
            called = {"resources": self.module, "outputs": outputs, "variables": {"name": {}}}
            configuration["module_calls"] = {
                "team": {"source": "./team", "module": called, "expressions": {"name": {"references": ["each.key"]}}}
            }
        tree = {
            "format_version": "1.2",
            "terraform_version": "1.11.4",
            "complete": True,
            "planned_values": {"root_module": root},
            "resource_changes": self.changes,
            "configuration": {
                "provider_config": {"aws": {"name": "aws", "expressions": {"region": constant("eu-west-1")}}},
                "root_module": configuration,
            },
        }
        (folder / "plan.json").write_text(json.dumps(tree))


def constant(value: object) -> dict[str, object]:
    """An expression of a plan's configuration that is a literal."""
    return {"constant_value": value}


CASES: dict[str, Callable[[Path, int], None]] = {
    "written out": plain, "for_each": for_each, "nested modules": nested, "one key for all": one_key, "plan": plan,
    "plan of modules": plan_of_modules,
}  # fmt: skip


def measured(command: list[str], folder: Path) -> tuple[float, float, dict[str, Any]]:
    """Seconds of processor time, peak memory in MB, and what was printed."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        took = usage.ru_utime + usage.ru_stime
        out.seek(0)
        try:
            return took, usage.ru_maxrss / 1024, json.loads(out.read())
        except ValueError:
            return took, usage.ru_maxrss / 1024, {}


def main() -> int:
    """Runs all cases in all sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1250,2500,5000,10000")
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--limit", type=float, default=2.3)
    parser.add_argument("--kmsguard", default=shutil.which("kmsguard", path=str(Path(sys.executable).parent)) or "kmsguard")
    args = parser.parse_args()
    commands = {"scan": ["scan", "--format", "json", "--fail-on", "never", "."], "evaluate": ["evaluate", "."]}
    above = False
    print("| case | command | resources | seconds | times | MB | times |\n| --- | --- | --: | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as scratch:
        empty = Path(scratch) / "empty"
        empty.mkdir()
        (empty / "main.tf").write_text(PROVIDER)
        for name in args.case or CASES:
            for command, words in commands.items():
                floor, _, _ = measured([args.kmsguard, *words], empty)
                before: tuple[float, float] | None = None
                for size in map(int, args.sizes.split(",")):
                    folder = Path(scratch) / f"{name}-{size}".replace(" ", "-")
                    if not folder.is_dir():
                        folder.mkdir()
                        if not name.startswith("plan"):
                            (folder / "provider.tf").write_text(PROVIDER)
                        CASES[name](folder, size)
                    took, memory, printed = measured([args.kmsguard, *words], folder)
                    made = sum(len(u["resources"]) for u in printed.get("units", ())) or printed.get("summary", {}).get(
                        "resources"
                    )
                    took -= floor
                    ratios = ("", "") if before is None else (f"{took / before[0]:.2f}", f"{memory / before[1]:.2f}")
                    above |= before is not None and max(took / before[0], memory / before[1]) > args.limit
                    print(
                        f"| {name} | {command} | {made} | {took:.2f} | {ratios[0]} | {memory:.0f} | {ratios[1]} |", flush=True
                    )
                    before = took, memory
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
