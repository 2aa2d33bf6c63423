"""Writes what AWS managed policies say of what kmsguard asks for: `kmsguard/iam/managed_policies.json`.

    pip install moto && python docs/managed_policies.py

The policies come with moto, which records them from AWS. Of each only the statements are kept that concern KMS, replication in
S3, or what the kinds ask of who uses a store (`asks`), and of these only the actions that do; a policy without any is kept by
its name, which says that it allows none of it.
"""

from __future__ import annotations

import json
import sys
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from kmsguard.kinds.load import load

TARGET = Path(__file__).resolve().parent.parent / "kmsguard/iam/managed_policies.json"


def listed(value: Any) -> list[Any]:
    """One or a list, as a list."""
    return value if isinstance(value, list) else [value]


REPLICATION = ("s3:getobjectversionforreplication", "s3:replicateobject")


@cache
def asked() -> tuple[str, ...]:
    """The actions besides those of KMS that decide whether somebody uses a key."""
    kinds = load().kinds.values()
    return tuple(
        dict.fromkeys((*REPLICATION, *(action.lower() for kind in kinds for use in kind.key_use for action in use.asks)))
    )


def concerns(action: str) -> bool:
    """Whether a pattern of actions takes any of KMS, or another that is asked for."""
    pattern = action.lower()
    return fnmatchcase("kms", pattern.partition(":")[0]) or any(fnmatchcase(name, pattern) for name in asked())


def statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements that concern KMS or what else is asked for, other actions left out."""
    kept = []
    for statement in listed(document["Statement"]):
        part = {
            name: statement[name] for name in ("Sid", "Effect", "Resource", "NotResource", "Condition") if name in statement
        }
        if "NotAction" in statement:
            kept.append({**part, "NotAction": listed(statement["NotAction"])})
            continue
        actions = [action for action in listed(statement["Action"]) if concerns(action)]
        resources = listed(statement.get("Resource", "*"))
        services = {"kms", *(action.partition(":")[0] for action in asked())}
        about = [r for r in resources if r == "*" or any(fnmatchcase(s, [*r.split(":"), "", "", ""][2]) for s in services)]
        if actions and about:
            kept.append({**part, "Action": actions, **({"Resource": about} if "Resource" in statement else {})})
    return kept


def main() -> int:
    """Writes the file."""
    import moto
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    policies = json.loads(aws_managed_policies_data)
    table = {
        policy["Path"].removeprefix("/") + name: statements(policy["Document"]) for name, policy in sorted(policies.items())
    }
    newest = max(policy["UpdateDate"] for policy in policies.values())[:10]
    head = {"source": f"moto {moto.__version__}", "newest": newest, "policies": table}
    TARGET.write_text(json.dumps(head, indent=None, separators=(",", ":"), sort_keys=False) + "\n", encoding="utf-8")
    print(f"{len(table)} policies, {sum(map(bool, table.values()))} say something, newest {newest}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
