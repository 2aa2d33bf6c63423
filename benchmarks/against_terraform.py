"""Compares what kmsguard evaluates with what Terraform plans, on public root modules.

    python benchmarks/against_terraform.py --corpus FOLDER --work FOLDER [ROOT...]

FOLDER of `--corpus` holds checkouts named `owner+name`; a ROOT is a folder in it (`owner+name/examples/complete`). Each
checkout is copied and made to run without AWS and without other providers than `hashicorp/aws` (see `prepare`); both programs
read that copy. `--mirror` is a filesystem mirror with that provider. Exit status 1 where anything differs.
"""

from __future__ import annotations

import argparse
import collections
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kmsguard.model.source import Source
from kmsguard.syntax.hcl.nodes import Attribute, Block, Body
from kmsguard.syntax.hcl.parser import parse

ACCOUNT = "111122223333"
REGION = "eu-west-1"
ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
OFFLINE = {
    "aws_iam_policy_document", "aws_partition", "aws_region", "aws_caller_identity", "aws_arn", "aws_service_principal",
    "aws_service", "aws_elb_service_account", "aws_elb_hosted_zone_id", "aws_cloudtrail_service_account", "aws_default_tags",
    "aws_redshift_service_account", "aws_billing_service_account", "aws_cloudfront_log_delivery_canonical_user_id",
    "aws_s3_bucket_object_lambda", "terraform_remote_state",
}  # fmt: skip
"""Data sources that the provider reads without asking AWS (the identity from the server below); others are put off to apply."""

# --- the copy -------------------------------------------------------------------------------------------------------------

Edit = tuple[int, int, str]


def edited(text: str, edits: list[Edit]) -> str:
    """A text with its pieces replaced."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def prepare(checkout: Path, modules: set[str]) -> None:
    """Makes a copied checkout run offline.

    - `source` of a registry or git module becomes the relative path of a checkout, where there is one;
    - required versions and other providers go; resources of other providers become `terraform_data` (unknown until apply);
    - the Availability Zones become a local value, data sources that ask AWS wait for a `terraform_data`;
    - backends go, provider blocks get what the provider needs to start without credentials.
    """
    for path in sorted(checkout.rglob("*.tf")):
        if ".terraform" in path.parts:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        text = edited(text, list(_edits(path, text, checkout.parent, modules)))
        path.write_text(_other_providers(text), encoding="utf-8")
    for folder in sorted({path.parent for path in checkout.rglob("*.tf") if ".terraform" not in path.parts}):
        (folder / "zz_offline.tf").write_text(_OFFLINE_FILE, encoding="utf-8")


_OFFLINE_FILE = f"""resource "terraform_data" "zz_later" {{}}

locals {{
  zz_availability_zones = {{
    names       = {json.dumps(ZONES)}
    zone_ids    = ["euw1-az1", "euw1-az2", "euw1-az3"]
    id          = "{REGION}"
    group_names = ["{REGION}"]
  }}
}}
"""
_PROVIDER = f"""
  region                      = "{REGION}"
  access_key                  = "mock"
  secret_key                  = "mock"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  endpoints {{
    sts = "http://127.0.0.1:PORT"
  }}
"""


def _edits(path: Path, text: str, work: Path, modules: set[str]) -> Iterator[Edit]:
    for block in parse(Source(str(path), text)).body.blocks:
        labels = [label.text.strip('"') for label in block.labels]
        inside = block.body.attributes
        if block.type == "module" and "source" in inside:
            yield from _local_source(path, text, inside, work, modules)
        elif block.type == "terraform":
            aliases = re.search(r"configuration_aliases\s*=\s*\[[^\]]*\]", text[block.start : block.end])
            kept = (
                f'  required_providers {{\n    aws = {{\n      source = "hashicorp/aws"\n      {aliases[0]}\n    }}\n  }}\n'
                if aliases
                else ""
            )
            yield block.start, block.end, f"terraform {{\n{kept}}}"
        elif block.type == "provider" and labels:
            kept = "".join(
                f"  {text[inside[name].start : inside[name].end]}\n" for name in ("alias", "region") if name in inside
            )
            kept += "".join(text[b.start : b.end] + "\n" for b in block.body.blocks if b.type == "default_tags")
            lines = "\n".join(line for line in _PROVIDER.splitlines() if "region " not in line or "region" not in inside)
            provider = f'provider "aws" {{\n{kept}{lines}\n}}' if labels[0] == "aws" else ""
            yield block.start, block.end, provider
        elif block.type == "data" and labels[:1] == ["aws_availability_zones"]:
            yield block.start, block.end, ""
        elif block.type == "data" and labels and labels[0].startswith("aws_") and labels[0] not in OFFLINE:
            yield from _put_off(block, text)
        elif block.type == "check":
            yield block.start, block.end, ""


def _put_off(block: Block, text: str) -> Iterator[Edit]:
    depends = block.body.attributes.get("depends_on")
    if depends is None:
        inside = text[block.head_end : block.end - 1].strip()
        yield block.head_end, block.end, f"\n  {inside}\n  depends_on = [terraform_data.zz_later]\n}}"


def _local_source(path: Path, text: str, inside: dict[str, Attribute], work: Path, modules: set[str]) -> Iterator[Edit]:
    node = inside["source"].expression
    source = text[node.start : node.end].strip('"')
    if source.startswith("."):
        return
    source = re.sub(r"\?.*$", "", source).removeprefix("git::").removeprefix("https://").removeprefix("registry.terraform.io/")
    whole, _, below = source.partition("//")
    parts = whole.removesuffix(".git").split("/")
    names = [f"{parts[0]}+terraform-{parts[2]}-{parts[1]}"] if len(parts) == 3 else []
    if parts[0] == "github.com" and len(parts) >= 3:
        names = [f"{parts[1]}+{parts[2]}"]
    for name in names:
        if name in modules:
            yield node.start, node.end, json.dumps(os.path.relpath(work / name / below, path.parent))
            if "version" in inside:
                yield inside["version"].start, inside["version"].end, ""


_FOREIGN = r"(?:random|null|tls|time|archive|local|external|http|template|cloudinit|dns)_[a-z0-9_]+"


def _other_providers(text: str) -> str:
    """Resources of providers that are not there as `terraform_data`; all that they give is its id."""
    out, at = [], 0
    foreign = re.compile(rf'^(resource|data)\s+"({_FOREIGN}|external|http)"\s+"([\w-]+)"\s*\{{', re.MULTILINE)
    blocks = {block.start: block for block in parse(Source("x.tf", text)).body.blocks}
    for found in foreign.finditer(text):
        block = blocks.get(found.start())
        if block is None:
            continue
        inside = block.body.attributes
        kept = "".join(f"  {text[inside[n].start : inside[n].end]}\n" for n in ("count", "for_each", "provider") if n in inside)
        out.append(text[at : block.start] + f'resource "terraform_data" "{found[2]}_{found[3]}" {{\n{kept}}}')
        at = block.end
    text = "".join(out) + text[at:]
    index = r"(?:\[[^\]\[]*(?:\[[^\]]*\])?[^\]\[]*\]|\.\*)?"
    attribute = r"(?:\.\w+(?:\.\w+|\[(?:\"[^\"]*\"|\d+)\])*)?"
    reference = rf"(?<![\w.\"])(?:data\.)?\b({_FOREIGN}|external|http)\.([a-zA-Z][\w-]*)({index}){attribute}"
    lines = []
    for line in text.split("\n"):
        bare = line.lstrip().startswith(("#", "//", "source", 'resource "', 'data "'))
        lines.append(line if bare else re.sub(reference, _reference, line))
    text = "\n".join(lines)
    text = re.sub(r"(data\.aws_region\.\w+(?:\[[^\]]*\])?)\.region\b", r"\1.name", text)
    return re.sub(r"\bdata\.aws_availability_zones\.\w+(\[[^\]]*\])?", "local.zz_availability_zones", text)


def _reference(found: re.Match[str]) -> str:
    ends_there = found[0].count(".") <= (2 if found[0].startswith("data.") else 1)
    return f"terraform_data.{found[1]}_{found[2]}{found[3]}" + ("" if ends_there and not found[3] else ".id")


_NULLED = ("Unsupported attribute", "Invalid String Enum Value", "Reference to undeclared resource")


def repair(root: Path, diagnostics: list[dict[str, Any]]) -> int:
    """Takes out arguments and blocks that this version of the provider does not have; says how many."""
    edits: dict[Path, list[Edit]] = collections.defaultdict(list)
    for diagnostic in diagnostics:
        place = diagnostic.get("range")
        if place is None or diagnostic["severity"] != "error":
            continue
        path = (root / place["filename"]).resolve()
        text = path.read_text(encoding="utf-8")
        offset = len(text.encode()[: place["start"]["byte"]].decode())
        if diagnostic["summary"] in ("Unsupported argument", "Unsupported block type", "Value for unconfigurable attribute"):
            found = _at(parse(Source(str(path), text)).body, offset)
            if found is not None:
                edits[path].append((found.start, found.end, ""))
        elif diagnostic["summary"] in ("Invalid resource type", "Invalid data source"):
            blocks = parse(Source(str(path), text)).body.blocks
            edits[path] += [(block.start, block.end, "") for block in blocks if block.start <= offset < block.end]
        elif diagnostic["summary"] in (
            "Unsupported attribute",
            "Invalid String Enum Value",
            "Reference to undeclared resource",
        ):
            found = _at(parse(Source(str(path), text)).body, offset)
            if isinstance(found, Attribute):
                edits[path].append((found.expression.start, found.expression.end, "null"))
    for path, made in edits.items():
        path.write_text(edited(path.read_text(encoding="utf-8"), sorted(set(made))), encoding="utf-8")
    return sum(len(made) for made in edits.values())


def _at(body: Body, offset: int) -> Attribute | Block | None:
    for attribute in body.attributes.values():
        if attribute.start <= offset < attribute.end:
            return attribute
    for block in body.blocks:
        if block.start == offset:
            return block
        if block.start < offset < block.end:
            return _at(block.body, offset)
    return None


# --- the real program -----------------------------------------------------------------------------------------------------


class Identity(http.server.BaseHTTPRequestHandler):
    """Says who the caller is, as AWS does; nothing else."""

    def do_POST(self) -> None:
        """Answers GetCallerIdentity."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>arn:aws:iam::{ACCOUNT}:user/deployer</Arn><UserId>AIDAEXAMPLE</UserId><Account>{ACCOUNT}</Account>"
            "</GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


class NotPlannedError(Exception):
    """Terraform could not plan it, with what it said."""


def _said(diagnostics: list[dict[str, Any]]) -> list[str]:
    """The first errors in words."""
    errors = [each for each in diagnostics if each["severity"] == "error"]
    return [f"{e.get('range', {}).get('filename')}: {e['summary']} {e['detail'][:200]}" for e in errors][:4]


class Terraform:
    """The program with its environment."""

    def __init__(self, program: str, mirror: Path, work: Path) -> None:
        self.program = program
        (work / "rc").write_text(
            f'disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
        )
        self.environment = {
            **os.environ,
            "TF_CLI_CONFIG_FILE": str(work / "rc"),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
        }

    def run(self, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in a root module."""
        return subprocess.run(
            [self.program, *arguments], cwd=root, env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )

    def plan(self, root: Path, arguments: list[str]) -> dict[str, Any]:
        """The plan as JSON. Raises NotPlannedError."""
        done = self.run(root, "init", "-input=false", "-backend=false", "-no-color")
        if done.returncode:
            raise NotPlannedError("init: " + " ".join(done.stderr.split())[:300])
        flags = ("-input=false", "-lock=false", "-refresh=false", "-out=p")
        for _ in range(12):
            done = self.run(root, "plan", "-json", *flags, *arguments)
            lines = [json.loads(line) for line in done.stdout.splitlines() if '"diagnostic"' in line]
            diagnostics = [line["diagnostic"] for line in lines]
            if done.returncode == 0:
                break
            if not repair(root, diagnostics):
                raise NotPlannedError(f"plan: {_said(diagnostics)}")
        return json.loads(self.run(root, "show", "-json", "p").stdout)

    def schemas(self, root: Path, cache: Path) -> dict[str, Any]:
        """The provider's resource and data source schemas."""
        if not cache.is_file():
            cache.write_text(self.run(root, "providers", "schema", "-json").stdout)
        found = json.loads(cache.read_text())["provider_schemas"]["registry.terraform.io/hashicorp/aws"]
        return {"managed": found["resource_schemas"], "data": found["data_source_schemas"]}


# --- the comparison -------------------------------------------------------------------------------------------------------

_NOT_IN_CODE = re.compile(r"aws_caller_identity[^ ]*\.(arn|user_id)|function (plan)?timestamp")
"""What the plan knows and no code says: who runs it, and when."""
_MASKED = re.compile(r"^.{0,2}\u2026? ?\(\d+ characters\)$")
Counts = collections.Counter[str]
Note = Callable[[str, str, object, object], None]


def planned(plan: dict[str, Any]) -> dict[str, tuple[str, str, Any, Any]]:
    """By address: mode, type, what the plan knows, what is unknown."""
    out: dict[str, tuple[str, str, Any, Any]] = {}

    def walk(module: dict[str, Any]) -> None:
        for resource in module.get("resources", ()):
            out[resource["address"]] = resource["mode"], resource["type"], resource["values"], {}
        for child in module.get("child_modules", ()):
            walk(child)

    walk(plan.get("prior_state", {}).get("values", {}).get("root_module", {}))
    for change in plan.get("resource_changes", ()):
        if change["change"]["actions"] != ["delete"]:
            after = change["change"]
            out[change["address"]] = change["mode"], change["type"], after["after"] or {}, after.get("after_unknown", {})
    return out


class Comparison:
    """One resource's values against the plan's."""

    def __init__(self, resource: dict[str, Any], counts: Counts, note: Note) -> None:
        self.unknown = resource["unknown"]
        self.sensitive = set(resource["sensitive"])
        self.counts = counts
        self.note = note

    def block(self, ours: Any, after: Any, open_: Any, schema: dict[str, Any], at: str) -> None:
        """The arguments and nested blocks of a body."""
        for name, value in ours.items():
            here = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            opened = open_ is True or (open_.get(name, False) if isinstance(open_, dict) else False)
            found = after.get(name) if isinstance(after, dict) else None
            if name in schema.get("attributes", {}):
                self.value(value, found, opened, schema["attributes"][name].get("type"), here)
            elif name in schema.get("block_types", {}):
                self.blocks(value, found, opened, schema["block_types"][name], here)
        for name, of in schema.get("block_types", {}).items():
            if name not in ours and isinstance(after, dict) and after.get(name) and not of.get("computed"):
                self.note("missing", f"{at}/{name}", None, after[name])

    def blocks(self, ours: Any, after: Any, open_: Any, schema: dict[str, Any], at: str) -> None:
        """Nested blocks of one type."""
        if at in self.unknown:
            self.open(at, open_ is True or after is None, after)
            return
        mine = ours if isinstance(ours, list) else [ours]
        theirs = after if isinstance(after, list) else [after] if after is not None else []
        if open_ is True:
            if any(pointer.startswith(f"{at}/") for pointer in self.unknown):
                self.counts["in part known here"] += 1
            else:
                self.note("known here", at, ours, None)
            return
        openings = open_ if isinstance(open_, list) else [open_] * len(theirs)
        openings = [*openings, *[False] * (len(theirs) - len(openings))]
        if len(mine) != len(theirs):
            self.note("different", at, ours, after)
            return
        pairs = list(range(len(mine)))
        if schema["nesting_mode"] == "set":
            pairs = self._matched(mine, theirs, openings, schema["block"], at)
        for number, other in enumerate(pairs):
            here = f"{at}/{number}"
            if here in self.unknown:
                self.open(here, False, theirs[other])
            elif isinstance(mine[number], dict):
                self.block(mine[number], theirs[other], openings[other], schema["block"], here)

    def _matched(self, mine: list[Any], theirs: list[Any], openings: list[Any], schema: dict[str, Any], at: str) -> list[int]:
        free = list(range(len(theirs)))
        out = []
        for number, item in enumerate(mine):

            def badness(other: int, number: int = number, item: Any = item) -> int:
                bad: Counts = collections.Counter()
                trial = Comparison(
                    {"unknown": self.unknown, "sensitive": self.sensitive}, bad, lambda kind, *_: bad.update([kind])
                )
                if isinstance(item, dict):
                    trial.block(item, theirs[other], openings[other], schema, f"{at}/{number}")
                return bad["different"] * 100 + bad["missing"] * 100 + bad["unknown here"] + bad["known here"]

            best = min(free, key=badness)
            free.remove(best)
            out.append(best)
        return out

    def open(self, at: str, unknown: bool, after: object) -> None:
        """What is unknown here."""
        if unknown:
            self.counts["unknown in both"] += 1
        elif _NOT_IN_CODE.search(json.dumps(self.unknown[at])):
            self.counts["not in the code"] += 1
        else:
            self.counts["compared"] += 1
            self.note("unknown here", at, self.unknown[at], after)

    def value(self, ours: Any, after: Any, open_: Any, of: Any, at: str) -> None:
        """An argument's value of a type."""
        if at in self.unknown:
            self.open(at, open_ not in (False, None, {}, []), after)
            return
        if open_ is True:
            if isinstance(ours, (dict, list)) and any(pointer.startswith(f"{at}/") for pointer in self.unknown):
                self.counts["in part known here"] += 1  # the plan has no more than that something in it is unknown
            elif ours not in (None, [], {}):  # nothing in it: to a provider the same as not written
                self.note("known here", at, ours, None)
            return
        if at in self.sensitive or (isinstance(ours, str) and _MASKED.match(ours)):
            self.counts["masked"] += 1
            return
        kind = of[0] if isinstance(of, list) else of
        if isinstance(ours, dict) and isinstance(after, dict):
            if kind == "map" and set(ours) != set(after):
                self.note("different", at, ours, after)
                return
            for name, item in ours.items():
                inner = of[1].get(name) if kind == "object" else of[1] if isinstance(of, list) else None
                opened = open_.get(name, False) if isinstance(open_, dict) else False
                self.value(item, after.get(name), opened, inner, f"{at}/{name.replace('~', '~0').replace('/', '~1')}")
            return
        if isinstance(ours, list) and isinstance(after, list):
            self.items(ours, after, open_, of, at)
            return
        if ours is None and after is not None:
            self.counts["default of the provider"] += 1  # null is the same as not written
            return
        self.counts["compared"] += 1
        if same(_as_kept(at.rpartition("/")[2], ours), after):
            self.counts["equal"] += 1
        else:
            self.note("different", at, ours, after)

    def items(self, ours: list[Any], after: list[Any], open_: Any, of: Any, at: str) -> None:
        """A list or set."""
        inner = of[1] if isinstance(of, list) and of[0] in ("list", "set") else None
        holes = [n for n in range(len(ours)) if any(p == f"{at}/{n}" or p.startswith(f"{at}/{n}/") for p in self.unknown)]
        if not holes and len(ours) != len(after):
            if isinstance(of, list) and of[0] == "set" and len({json.dumps(text_of(x)) for x in ours}) == len(after):
                ours = list({json.dumps(text_of(x)): x for x in ours}.values())
            else:
                self.note("different", at, ours, after)
                return
        if isinstance(of, list) and of[0] == "set" and all(isinstance(item, dict) for item in [*ours, *after]):
            for number, other in enumerate(self._matched(ours, after, [False] * len(after), _as_schema(inner), at)):
                self.value(ours[number], after[other], False, inner, f"{at}/{number}")
            return
        if isinstance(of, list) and of[0] == "set":
            left = [json.dumps(text_of(item), sort_keys=True) for item in after]
            for number, item in enumerate(ours):
                if number in holes:
                    self.open(f"{at}/{number}", bool(open_), after) if f"{at}/{number}" in self.unknown else None
                    continue
                self.counts["compared"] += 1
                text = json.dumps(text_of(item), sort_keys=True)
                if text in left:
                    left.remove(text)
                    self.counts["equal"] += 1
                else:
                    self.note("different", f"{at}/{number}", item, after)
            return
        for number, item in enumerate(ours):
            opened = open_[number] if isinstance(open_, list) and number < len(open_) else False
            self.value(item, after[number] if number < len(after) else None, opened, inner, f"{at}/{number}")


_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
"""What the provider makes of a protocol's number."""


def _as_kept(name: str, value: Any) -> Any:
    """A value as the provider keeps it in a plan."""
    if name.endswith("protocol"):
        return _PROTOCOLS.get(str(value), value)
    return value.lower() if name.endswith("maintenance_window") and isinstance(value, str) else value


def _as_schema(of: Any) -> dict[str, Any]:
    """An object type as the schema of a block."""
    members = of[1] if isinstance(of, list) and of[0] == "object" else {}
    return {"attributes": {name: {"type": member} for name, member in members.items()}}


def text_of(value: Any) -> Any:
    """A value as text, as a schema that wants text converts it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return {name: text_of(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [text_of(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def same(ours: Any, after: Any) -> bool:
    """Whether two values are one: JSON texts as JSON, numbers and booleans as text."""
    if text_of(ours) == text_of(after) or (after is None and ours in ([], {}, "")):
        return True
    if isinstance(ours, str) and isinstance(after, str):
        try:
            return bool(text_of(json.loads(ours)) == text_of(json.loads(after)))
        except ValueError:
            return False
    return False


def compare(plan: dict[str, Any], unit: dict[str, Any], schemas: dict[str, Any]) -> tuple[Counts, list[str]]:
    """Counts, and each difference in words."""
    counts: Counts = collections.Counter()
    lines: list[str] = []
    theirs = planned(plan)
    ours = {resource["address"]: resource for resource in unit["resources"]}
    for address in sorted(set(theirs) ^ set(ours)):
        side = "only planned" if address in theirs else "only here"
        counts[side] += 1
        lines.append(f"{side}: {address}")
    for address, resource in ours.items():
        if address not in theirs:
            continue
        mode, kind, after, open_ = theirs[address]
        counts["addresses"] += 1
        schema = schemas.get(mode, {}).get(kind)
        if schema is None:
            continue

        def note(what: str, at: str, mine: object, found: object, address: str = address) -> None:
            counts[what] += 1
            if what in ("different", "missing"):
                counts["compared"] += what == "missing"
            lines.append(f"{what}: {address} {at}: {json.dumps(mine)[:300]} | {json.dumps(found)[:300]}")

        Comparison(resource, counts, note).block(resource["values"], after, open_, schema["block"], "")
    return counts, lines


def main() -> int:
    """Prepares, plans, evaluates, compares; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="*", default=[])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument(
        "--modules", type=Path, nargs="*", default=[], help="more folders with checkouts of modules that are called"
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--mirror", type=Path, required=True)
    parser.add_argument("--terraform", default=shutil.which("terraform") or "terraform")
    parser.add_argument("--kmsguard", default=shutil.which("kmsguard", path=str(Path(sys.executable).parent)) or "kmsguard")
    parser.add_argument("--replan", action="store_true", help="plan again what has a plan")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    (args.work / ".git").mkdir(exist_ok=True)  # the checkout that holds them all
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Identity)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    terraform = Terraform(args.terraform, args.mirror, args.work)
    checkouts = [checkout for folder in [args.corpus, *args.modules] for checkout in sorted(folder.glob("*+terraform-*"))]
    for checkout in checkouts:
        if not (args.work / checkout.name).is_dir():
            ignored = shutil.ignore_patterns(".git", ".terraform", "node_modules", "*.zip")
            shutil.copytree(checkout, args.work / checkout.name, ignore=ignored, symlinks=True)
            prepare(args.work / checkout.name, {each.name for each in checkouts})
    columns = (
        "addresses", "compared", "equal", "unknown here", "different", "missing", "known here", "unknown in both",
        "not in the code",
    )  # fmt: skip
    print(f"| root module | {' | '.join(columns)} | other addresses | seconds here | seconds there |")
    print("| --- |" + " --: |" * (len(columns) + 3))
    wrong: list[str] = []
    totals: Counts = collections.Counter()
    for name in args.root or ROOTS:
        root = args.work / name
        try:
            plan, there = planned_once(terraform, root, server.server_port, args.replan)
        except (NotPlannedError, subprocess.TimeoutExpired, ValueError) as error:
            print(f"| {name} | not planned: {str(error)[:600]} |", flush=True)
            continue
        start = time.perf_counter()
        command = [
            args.kmsguard,
            "evaluate",
            ".",
            "--account",
            ACCOUNT,
            "--region",
            REGION,
            *(f"-{word}" for word in PLANNED_WITH.get(name, [])),
        ]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=300)
        here = time.perf_counter() - start
        unit = next(unit for unit in json.loads(done.stdout)["units"] if unit["path"] == ".")
        counts, lines = compare(plan, unit, terraform.schemas(root, args.work / "schemas.json"))
        totals.update(counts)
        others = counts["only here"] + counts["only planned"]
        print(f"| {name} | {' | '.join(str(counts[c]) for c in columns)} | {others} | {here:.2f} | {there:.1f} |", flush=True)
        wrong += [f"{name}: {line}" for line in lines]
    print(f"| all | {' | '.join(str(totals[c]) for c in columns)} | {totals['only here'] + totals['only planned']} | | |\n")
    print("\n".join(wrong))
    return 1 if totals["different"] + totals["missing"] + totals["only here"] + totals["only planned"] else 0


def planned_once(terraform: Terraform, root: Path, port: int, again: bool) -> tuple[dict[str, Any], float]:
    """The plan, kept beside the root module, and the seconds that it took. Raises NotPlannedError."""
    kept = root / ".plan.json"
    if kept.is_file() and not again:
        return json.loads(kept.read_text()), 0.0
    if not root.is_dir():
        raise NotPlannedError("is not there")
    has_provider = False
    for path in root.glob("*.tf"):
        text = path.read_text(encoding="utf-8")
        has_provider |= re.search(r'^provider "aws"', text, re.MULTILINE) is not None
        path.write_text(re.sub(r"127\.0\.0\.1:(PORT|\d+)", f"127.0.0.1:{port}", text), encoding="utf-8")
    if not has_provider:
        (root / "zz_provider.tf").write_text(f'provider "aws" {{{_PROVIDER.replace("PORT", str(port))}}}\n')
    start = time.perf_counter()
    plan = terraform.plan(root, PLANNED_WITH.get(str(root.relative_to(root.parents[2])), []))
    took = time.perf_counter() - start
    kept.write_text(json.dumps(plan))
    return plan, took


PLANNED_WITH: dict[str, list[str]] = {
    "cloudposse+terraform-aws-kms-key/examples/complete": ["-var-file=fixtures.us-east-2.tfvars"],
}
ROOTS = [
    "cloudposse+terraform-aws-kms-key/examples/complete",
    "terraform-aws-modules+terraform-aws-kms/examples/complete",
    "terraform-aws-modules+terraform-aws-sqs/examples/complete",
    "terraform-aws-modules+terraform-aws-sns/examples/complete",
    "terraform-aws-modules+terraform-aws-s3-bucket/examples/account-public-access",
    "terraform-aws-modules+terraform-aws-s3-bucket/examples/object",
    "terraform-aws-modules+terraform-aws-s3-bucket/examples/s3-inventory",
    "terraform-aws-modules+terraform-aws-s3-bucket/examples/s3-replication",
    "terraform-aws-modules+terraform-aws-security-group/examples/complete",
    "terraform-aws-modules+terraform-aws-security-group/examples/dynamic",
    "terraform-aws-modules+terraform-aws-security-group/examples/http",
    "terraform-aws-modules+terraform-aws-security-group/examples/rules-only",
    "terraform-aws-modules+terraform-aws-iam/examples/iam-account",
    "terraform-aws-modules+terraform-aws-iam/examples/iam-group",
    "terraform-aws-modules+terraform-aws-iam/examples/iam-oidc-provider",
    "terraform-aws-modules+terraform-aws-iam/examples/iam-policy",
    "terraform-aws-modules+terraform-aws-iam/examples/iam-read-only-policy",
    "terraform-aws-modules+terraform-aws-iam/examples/iam-user",
    "terraform-aws-modules+terraform-aws-vpc/examples/ipv6-only",
    "terraform-aws-modules+terraform-aws-vpc/examples/manage-default-vpc",
    "terraform-aws-modules+terraform-aws-vpc/examples/network-acls",
    "terraform-aws-modules+terraform-aws-vpc/examples/simple",
    "terraform-aws-modules+terraform-aws-vpc/examples/complete",
    "terraform-aws-modules+terraform-aws-vpc/examples/flow-log",
    "terraform-aws-modules+terraform-aws-rds/examples/complete-mysql",
    "terraform-aws-modules+terraform-aws-rds/examples/complete-postgres",
    "terraform-aws-modules+terraform-aws-rds/examples/enhanced-monitoring",
    "terraform-aws-modules+terraform-aws-rds-aurora/examples/postgresql",
    "terraform-aws-modules+terraform-aws-rds-aurora/examples/serverless",
]

if __name__ == "__main__":
    sys.exit(main())
