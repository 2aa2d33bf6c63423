"""Condition keys that a template can decide besides those of a bare document, and which requests have them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html and, for the keys of KMS, `reference`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kmsguard.iam import reference
from kmsguard.iam.keys import CONTEXT, CONTEXT_KEYS, KEYS, ConditionKey, find
from kmsguard.iam.texts import fold

if TYPE_CHECKING:
    from kmsguard.iam.keys import KeyType

RESOURCE_TAG = "aws:resourcetag/"

_OF_AWS = (
    ConditionKey("aws:RequestedRegion", "string"),
    ConditionKey("aws:CalledVia", "string", holds_set=True),
    ConditionKey("aws:CalledViaFirst", "string"),
    ConditionKey("aws:CalledViaLast", "string"),
    ConditionKey("aws:ResourceOrgID", "string"),
    ConditionKey("aws:userid", "string"),
    ConditionKey("aws:TokenIssueTime", "date"),
    ConditionKey("aws:FederatedProvider", "string"),
    ConditionKey("aws:PrincipalServiceNamesList", "string", holds_set=True),
)
FURTHER_KEYS: dict[str, ConditionKey] = {
    fold(key.name): key
    for key in (
        *(
            ConditionKey(name, cast("KeyType", type_), name in reference.SETS)
            for name, type_ in reference.KEYS.items()
            if fold(name) not in KEYS
        ),
        *_OF_AWS,
    )
}
_CARRIED = {fold(name): frozenset(operations) for name, operations in reference.CARRIED.items()}


def find_further(name: str) -> ConditionKey | None:
    """The key of a name, case aside, with the keys that a template can decide; None where there is none."""
    key = find(name) or FURTHER_KEYS.get(fold(name))
    if key is None and fold(name).startswith(RESOURCE_TAG) and len(name) > len(RESOURCE_TAG):
        return ConditionKey(name, "string")
    return key


def carries(key: str, operation: str) -> bool:
    """Whether requests for an operation can have a condition key (in lower case) that says what is asked; others they can."""
    operations = _CARRIED.get(CONTEXT_KEYS if key.startswith(CONTEXT) else key)
    return operations is None or operation in operations
