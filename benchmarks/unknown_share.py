"""How much of public root modules stays unknown, and why.

    python benchmarks/unknown_share.py --corpus FOLDER --work FOLDER [REPOSITORY...]

FOLDER of `--corpus` holds checkouts named `owner+name`, which are copied; each folder of `examples/` (`patterns/`) in a
REPOSITORY is evaluated. Modules of the registry that are among the checkouts are there as `terraform init` would leave them
(`.terraform/modules/modules.json`). Counted are the leaves of all arguments that `kmsguard evaluate` lists. What hangs on a
variable without default, on what is known after apply or on a data source is expected; everything else is listed with its
reason. Exit status 1 where that is one percent or more of a repository.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kmsguard.model.guard import Atom, Formula, atoms
from kmsguard.model.source import Source
from kmsguard.model.value import Choice, Unknown, Value
from kmsguard.scan.evaluate import evaluate
from kmsguard.scan.settings import Settings
from kmsguard.syntax.hcl.parser import parse
from kmsguard.terraform import operations
from kmsguard.terraform.operations import Facts
from kmsguard.terraform.partial import find_unknown

REPOSITORIES = [
    "terraform-aws-modules+terraform-aws-eks", "terraform-aws-modules+terraform-aws-rds",
    "terraform-aws-modules+terraform-aws-s3-bucket", "terraform-aws-modules+terraform-aws-kms",
    "terraform-aws-modules+terraform-aws-sqs", "terraform-aws-modules+terraform-aws-sns",
    "terraform-aws-modules+terraform-aws-lambda", "terraform-aws-modules+terraform-aws-vpc",
    "terraform-aws-modules+terraform-aws-ecs", "terraform-aws-modules+terraform-aws-rds-aurora",
    "terraform-aws-modules+terraform-aws-security-group", "terraform-aws-modules+terraform-aws-iam",
    "cloudposse+terraform-aws-s3-bucket", "cloudposse+terraform-aws-kms-key",
    "aws-ia+terraform-aws-control_tower_account_factory", "aws-ia+terraform-aws-eks-blueprints",
    "nozaq+terraform-aws-secure-baseline", "philips-labs+terraform-aws-github-runner",
]  # fmt: skip
EXPECTED = re.compile(
    r"variable |known after apply|data source|the account is not given|the Region is not given"
    r"|the partition is not known|the provider's account is not known|the state of another root module"
    r"|where the checkout lies|the home folder"
)
"""A Region or account that nobody gives is a variable of the deployment, and so are the folders of the machine that runs
Terraform (`path.cwd`). The partition and a provider's account are what the data sources `aws_partition` and
`aws_caller_identity` say where neither is given; the state is `terraform_remote_state`."""
MADE = {
    "terraform-aws-modules+terraform-aws-lambda": ["package.py"],
    "philips-labs+terraform-aws-github-runner": [
        *(f"lambdas/functions/{name}.zip" for name in (
            "ami-housekeeper/ami-housekeeper", "control-plane/runners", "gh-agent-syncer/runner-binaries-syncer",
            "termination-watcher/termination-watcher", "webhook/webhook",
        )),
        *(f"examples/lambdas-download/{name}.zip" for name in ("runner-binaries-syncer", "runners", "webhook")),
    ],
}  # fmt: skip
"""Files without which Terraform does not plan either: packages that a build makes, and code that a checkout of `.tf` lacks."""
_ATTRIBUTE = re.compile(r"(?:^|\.)(?:data\.)?(?:aws|terraform)_\w+\.[\w-]+(?:\[[^\]]*\])?\.|data\.\w+\.")
"""A condition over what is an attribute of a resource or data source."""


class Causes:
    """What the open conditions of a unit hang on: the reason of the unknown that each one is."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}
        holds = Facts.holds

        def noted(facts: Facts, unknown: Unknown, label: Callable[[], str]) -> Formula:
            atom = holds(facts, unknown, label)
            if isinstance(atom, Atom):
                self.of[atom.subject] = unknown.reason
            return atom

        Facts.holds = noted  # type: ignore[method-assign]
        self._compared("_equality")
        self._compared("_comparison")

    def _compared(self, name: str) -> None:
        made = getattr(operations, name)

        def noted(*arguments: Any) -> Value:
            result: Value = made(*arguments)
            if isinstance(result.data, Choice):
                *_, left, right, _, label = arguments
                unknown = find_unknown(left) or find_unknown(right)
                for atom in {atom.subject: None for branch in result.data.branches for atom in atoms(branch.guard)}:
                    self.of.setdefault(atom, unknown.reason if unknown is not None else "")
                self.of.setdefault(label(), unknown.reason if unknown is not None else "")
            return result

        setattr(operations, name, noted)

    def expected(self, entry: dict[str, Any]) -> bool:
        """Whether a value is unknown for one of the expected reasons, or hangs on a condition that is."""
        if EXPECTED.search(entry["reason"]):
            return True
        names = [name for choice in entry.get("choices", ()) for name in choice["when"]]
        names = names or [part for part in [entry["reason"].removeprefix("condition ")] if part != entry["reason"]]
        return bool(names) and all(self._follows(name) for name in names)

    def _follows(self, name: str, depth: int = 0) -> bool:
        """Whether a condition hangs on what is expected to be unknown, perhaps by way of another condition."""
        if _ATTRIBUTE.search(name):
            return True
        reason = self.of.get(name) or self.of.get(name.rpartition(" == ")[0], "")
        if EXPECTED.search(reason):
            return True
        return reason.startswith("condition ") and depth < 20 and self._follows(reason.removeprefix("condition "), depth + 1)


def leaves(value: Any, unknown: dict[str, Any], at: str) -> Iterator[str]:
    """The places of all scalars, empty collections and unknowns in a value, as JSON pointers."""
    if at in unknown or not isinstance(value, (dict, list)) or not value:
        yield at
        return
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        step = str(name).replace("~", "~0").replace("/", "~1")
        yield from leaves(item, unknown, f"{at}/{step}")


def called(folder: Path, work: Path, names: set[str], key: str = "", depth: int = 0) -> Iterator[dict[str, str]]:
    """The entries of `modules.json` for what a folder calls, and what that calls."""
    for path in sorted(folder.glob("*.tf")):
        text = path.read_text(encoding="utf-8", errors="replace")
        for block in parse(Source(str(path), text)).body.blocks:
            source = block.body.attributes.get("source") if block.type == "module" else None
            if source is None or depth > 8:
                continue
            name = ".".join(filter(None, [key, block.labels[0].text.strip('"')]))
            written = text[source.expression.start : source.expression.end].strip('"')
            where = folder / written if written.startswith(".") else _checkout(written, work, names)
            if where is not None and where.is_dir():
                registry = "" if written.startswith(".") or "::" in written else "registry.terraform.io/"
                entry = {"Key": name, "Source": registry + written, "Dir": str(where)}
                version = block.body.attributes.get("version")
                wanted = text[version.expression.start : version.expression.end] if version is not None else ""
                number = re.search(r"\d+(?:\.\d+)*", wanted)
                yield {**entry, "Version": ".".join(f"{number[0]}.0.0".split(".")[:3])} if number else entry
                yield from called(where, work, names, name, depth + 1)


def _checkout(source: str, work: Path, names: set[str]) -> Path | None:
    plain = re.sub(r"\?.*$", "", source).removeprefix("git::").removeprefix("https://").removeprefix("registry.terraform.io/")
    whole, _, below = plain.partition("//")
    parts = whole.removesuffix(".git").split("/")
    if parts[0] == "github.com" and len(parts) >= 3:
        name = f"{parts[1]}+{parts[2]}"
    elif len(parts) == 3:
        name = f"{parts[0]}+terraform-{parts[2]}-{parts[1]}"
    else:
        return None
    return work / name / below if name in names else None


def main() -> int:
    """Evaluates all examples; prints the table and the reasons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", nargs="*", default=[])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument(
        "--modules", type=Path, nargs="*", default=[], help="more folders with checkouts of modules that are called"
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--list", action="store_true", help="list each place that is unknown for another reason")
    args = parser.parse_args()
    work = args.work.resolve()
    (work / ".git").mkdir(parents=True, exist_ok=True)
    checkouts = [checkout for folder in [args.corpus, *args.modules] for checkout in sorted(folder.glob("*+terraform-*"))]
    names = {checkout.name for checkout in checkouts}
    for checkout in checkouts:
        if not (work / checkout.name).is_dir():
            shutil.copytree(
                checkout,
                work / checkout.name,
                ignore=shutil.ignore_patterns(".git", ".terraform", "node_modules"),
                symlinks=True,
            )
    for name, files in MADE.items():
        for made in (work / name / file for file in files if (work / name).is_dir()):
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_bytes(made.read_bytes() if made.is_file() else b"a package")
    causes = Causes()
    columns = ("roots", "resources", "values", "unknown", "other")
    total: collections.Counter[str] = collections.Counter()
    reasons: collections.Counter[str] = collections.Counter()
    places: list[str] = []
    problems: collections.Counter[str] = collections.Counter()
    print("| repository | root modules | resources | values | unknown | for another reason | percent | seconds |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    above = False
    for repository in args.repository or REPOSITORIES:
        counts: collections.Counter[str] = collections.Counter()
        start = time.perf_counter()
        folders = sorted(
            {
                path.parent
                for part in ("examples", "patterns")
                for path in (work / repository / part).rglob("*.tf")
                if ".terraform" not in path.parts
            }
        )
        for root in folders:
            if any(parent in folders for parent in root.parents):
                continue
            manifest = root / ".terraform/modules/modules.json"
            manifest.parent.mkdir(parents=True, exist_ok=True)
            entries = [{**entry, "Dir": os.path.relpath(entry["Dir"], root)} for entry in called(root, work, names)]
            manifest.write_text(json.dumps({"Modules": [{"Key": "", "Source": "", "Dir": "."}, *entries]}))
            causes.of.clear()
            os.chdir(root)
            found, _ = evaluate(["."], Settings())
            counts["roots"] += 1
            problems.update(error.code for error in found["errors"])
            for resource in (resource for unit in found["units"] for resource in unit["resources"]):
                counts["resources"] += 1
                unknown = resource["unknown"]
                for at in leaves(resource["values"], unknown, ""):
                    counts["values"] += 1
                    if at in unknown:
                        counts["unknown"] += 1
                        reason = unknown[at]["reason"]
                        if not causes.expected(unknown[at]):
                            counts["other"] += 1
                            reasons[reason] += 1
                            places.append(
                                f"{root.relative_to(work)}: {resource['address']} {at}: {json.dumps(unknown[at])[:300]}"
                            )
        total.update(counts)
        share = 100 * counts["other"] / max(counts["values"], 1)
        above |= share >= 1
        print(
            f"| {repository} | {' | '.join(str(counts[name]) for name in columns)} "
            f"| {share:.2f} | {time.perf_counter() - start:.1f} |", flush=True,
        )  # fmt: skip
    share = 100 * total["other"] / max(total["values"], 1)
    print(f"| all | {' | '.join(str(total[name]) for name in columns)} | {share:.2f} | |\n")
    for reason, count in reasons.most_common(60):
        print(f"{count:6} {reason}")
    print("\nproblems:", dict(problems.most_common()))
    if args.list:
        print("\n".join(places))
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
