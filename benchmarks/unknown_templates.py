"""How much of public templates stays unknown, and why; and whether every resource of theirs is there.

    python benchmarks/unknown_templates.py FOLDER... [--list]

Each FOLDER is a checkout (`owner+name`). Every template in it is read by itself, with no values given. Counted are the leaves
of all properties. What hangs on a parameter, an import, a store, an attribute that is known after deployment or on where it is
deployed is expected; everything else is listed with its reason. Exit status 1 where that is one percent or more, where a
template is our own fault or takes more than ten seconds, or where an entry of `Resources` is missing without its condition
being false.
"""

from __future__ import annotations

import argparse
import collections
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kmsguard.cloudformation import looks_like_template, read
from kmsguard.cloudformation.context import Context
from kmsguard.cloudformation.template import Template
from kmsguard.model.declaration import UnitSettings, UnitSource
from kmsguard.model.truth import Truth
from kmsguard.model.value import Choice, Text, Unknown, Value
from kmsguard.syntax.files import Files
from kmsguard.syntax.yaml import Mapping, Scalar

SUFFIXES = {".yaml", ".yml", ".json", ".template"}
SLOW = 10.0  # seconds for one template
EXPECTED = re.compile(
    r"parameter |export |import |known after deployment|the (account|Region|name|id) |the notification topics|dynamic reference"
    r"|{{resolve|Parameter Store|Secrets Manager|the value of the (secret|parameter)|secret |SSM"
)


def leaves(value: Value) -> Iterator[Value]:
    """The scalars, empty collections and holes of a value."""
    data = value.data
    if isinstance(data, dict) and data:
        for member in data.values():
            yield from leaves(member)
    elif isinstance(data, tuple) and data:
        for item in data:
            yield from leaves(item)
    elif isinstance(data, Choice):
        for branch in data.branches:
            yield from leaves(branch.value)
    elif isinstance(data, Text):
        holes = [piece for piece in data.pieces if not isinstance(piece.data, str)]
        unexpected = [hole for hole in holes if any(why(leaf) for leaf in leaves(hole))]
        yield (unexpected or holes or [value])[0]
    else:
        yield value


def why(leaf: Value) -> str | None:
    """The reason why a leaf is unknown, where it is none of the expected ones."""
    data = leaf.data
    return data.reason if isinstance(data, Unknown) and not EXPECTED.search(data.reason) else None


def missing(path: str, boundary: str, addresses: set[str]) -> list[str]:
    """The entries of `Resources` that exist and are not there."""
    context = Context(path, UnitSettings(), Files(boundary))
    file = context.read(path)
    root = getattr(file, "root", None)
    section = root.get("Resources") if isinstance(root, Mapping) else None
    if not isinstance(section, Mapping):
        return []
    template = Template(context, file)  # type: ignore[arg-type]
    found = []
    for entry in section.entries:
        name = entry.key.text
        kind = entry.value.get("Type") if isinstance(entry.value, Mapping) else None
        if name in addresses or not isinstance(kind, Scalar) or name.startswith("Fn::"):
            continue
        if template.exists_formula(name) is not Truth.NO:
            found.append(name)
    return found


def main() -> int:
    """Reads all templates; prints the table and the reasons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--list", action="store_true", help="list each place that is unknown for another reason")
    arguments = parser.parse_args()
    total: collections.Counter[str] = collections.Counter()
    reasons: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    places: list[str] = []
    problems: collections.Counter[str] = collections.Counter()
    print("| repository | templates | resources | values | unknown | for another reason | percent | seconds |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    for folder in arguments.folder:
        counts: collections.Counter[str] = collections.Counter()
        start = time.perf_counter()
        for path in sorted(folder.rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file() or ".git" in path.parts or path.stat().st_size > 2_000_000:
                continue
            if not looks_like_template(path.read_text("utf-8", "replace")):
                continue
            begun = time.perf_counter()
            try:
                unit = read(UnitSource(str(path), "cloudformation", boundary=str(folder)))
                gone = missing(str(path), str(folder), {d.address for d in unit.declarations if d.mode == "managed"})
            except Exception as error:  # noqa: BLE001 - that there is none is what is measured
                wrong.append(f"{path}: {type(error).__name__} {error}")
                continue
            if time.perf_counter() - begun > SLOW:
                wrong.append(f"{path}: {time.perf_counter() - begun:.1f} seconds")
            wrong.extend(f"{path}: {name} is missing" for name in gone)
            problems.update(problem.code for problem in unit.problems)
            counts["templates"] += 1
            for declaration in unit.declarations:
                if declaration.mode != "managed":
                    continue
                counts["resources"] += 1
                for leaf in leaves(declaration.body):
                    counts["values"] += 1
                    counts["unknown"] += isinstance(leaf.data, Unknown)
                    reason = why(leaf)
                    if reason is not None:
                        counts["other"] += 1
                        reasons[reason] += 1
                        where = leaf.where
                        places.append(f"{path}:{where.start_line if where else '?'} {declaration.address}: {reason}")
        total.update(counts)
        share = 100 * counts["other"] / max(counts["values"], 1)
        print(
            f"| {folder.name} | {counts['templates']} | {counts['resources']} | {counts['values']} | {counts['unknown']} "
            f"| {counts['other']} | {share:.2f} | {time.perf_counter() - start:.1f} |",
            flush=True,
        )
    share = 100 * total["other"] / max(total["values"], 1)
    print(
        f"| all | {total['templates']} | {total['resources']} | {total['values']} | {total['unknown']} "
        f"| {total['other']} | {share:.2f} | |\n"
    )
    for reason, count in reasons.most_common(60):
        print(f"{count:6} {reason}")
    print("\nproblems:", dict(problems.most_common()))
    print("\n".join(wrong))
    if arguments.list:
        print("\n".join(places))
    return 1 if share >= 1 or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
