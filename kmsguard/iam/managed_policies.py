"""What AWS managed policies say of KMS, of replication in S3, and of what makes somebody use a key of a store.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html; `docs/managed_policies.py` writes the table.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from kmsguard.iam.document import PolicyDocument, read_policy
from kmsguard.model.value import Value

_TABLE = Path(__file__).with_suffix(".json")


class _Table(msgspec.Struct, frozen=True):
    source: str
    newest: str
    policies: dict[str, list[dict[str, Any]]]


@cache
def _table() -> _Table:
    return msgspec.json.decode(_TABLE.read_bytes(), type=_Table)


def managed_policy(arn: str) -> PolicyDocument | None:
    """The statements of an AWS managed policy on these, none where it allows nothing of it; None: not known.

    `arn` is its whole ARN, of any partition (`arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole`).
    """
    statements = _table().policies.get(arn.partition(":policy/")[2])
    return None if statements is None else _document(statements)


def managed_policy_of_name(name: str) -> PolicyDocument | None:
    """The same by the name alone: the names of AWS are unique, whatever their path."""
    policies = _table().policies
    found = [path for path in policies if path.rpartition("/")[2] == name]
    return _document(policies[found[0]]) if len(found) == 1 else None


def _document(statements: list[dict[str, Any]]) -> PolicyDocument:
    return read_policy(_value({"Version": "2012-10-17", "Statement": statements}))


def _value(data: Any) -> Value:
    if isinstance(data, dict):
        return Value({name: _value(item) for name, item in data.items()})
    return Value(tuple(_value(item) for item in data)) if isinstance(data, list) else Value(data)
