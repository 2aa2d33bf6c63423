"""The operations of KMS: their classes, what their requests carry, and which of them cross accounts.

https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html and, for accounts,
https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
"""

from __future__ import annotations

from kmsguard.iam.keys import CONTEXT, CONTEXT_KEYS, KEYS
from kmsguard.iam.texts import fold

SYMMETRIC = (
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
)

CLASSES: dict[str, tuple[str, ...]] = {
    "use": (*SYMMETRIC, "DeriveSharedSecret", "Encapsulate", "Decapsulate"),
    "grant": ("CreateGrant",),
    "administer": (
        "PutKeyPolicy",
        "ScheduleKeyDeletion",
        "CancelKeyDeletion",
        "DisableKey",
        "EnableKey",
        "DisableKeyRotation",
        "EnableKeyRotation",
        "RotateKeyOnDemand",
        "DeleteImportedKeyMaterial",
        "ImportKeyMaterial",
        "ReplicateKey",
        "UpdatePrimaryRegion",
        "CreateAlias",
        "UpdateAlias",
        "DeleteAlias",
        "TagResource",
        "UntagResource",
        "UpdateKeyDescription",
    ),
    "sign": ("Sign", "Verify", "GenerateMac", "VerifyMac"),
}

FOR_EVERYBODY = frozenset((*CLASSES["use"], *CLASSES["grant"], *CLASSES["sign"]))
"""Operations that are done for callers of every account, and for services."""

ACROSS_ACCOUNTS = FOR_EVERYBODY | {
    "DescribeKey",
    "GetPublicKey",
    "GetKeyRotationStatus",
    "ListGrants",
    "RetireGrant",
    "RevokeGrant",
}
"""The same with the operations that need no class."""

WITH_CONTEXT = (*SYMMETRIC, "CreateGrant")
WITH_ALIAS = ("CreateAlias", "UpdateAlias", "DeleteAlias")
"""Operations that need a permission with an alias too."""

_CARRIED: dict[str, tuple[str, ...]] = {
    CONTEXT_KEYS: WITH_CONTEXT,
    "kms:GrantIsForAWSResource": ("CreateGrant",),
    "kms:GrantOperations": ("CreateGrant",),
    "kms:GranteePrincipal": ("CreateGrant",),
    "kms:RetiringPrincipal": ("CreateGrant",),
    "kms:GrantConstraintType": ("CreateGrant",),
    "kms:EncryptionAlgorithm": SYMMETRIC,
    "kms:SigningAlgorithm": ("Sign", "Verify"),
    "kms:MessageType": ("Sign", "Verify"),
    "kms:MacAlgorithm": ("GenerateMac", "VerifyMac"),
    "kms:KeyAgreementAlgorithm": ("DeriveSharedSecret",),
    "kms:DataKeyPairSpec": ("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"),
    "kms:ReEncryptOnSameKey": ("ReEncryptFrom", "ReEncryptTo"),
    "kms:RequestAlias": (*CLASSES["use"], *CLASSES["sign"]),
    "kms:BypassPolicyLockoutSafetyCheck": ("PutKeyPolicy",),
    "kms:ScheduleKeyDeletionPendingWindowInDays": ("ScheduleKeyDeletion",),
    "kms:RotationPeriodInDays": ("EnableKeyRotation",),
    "kms:ReplicaRegion": ("ReplicateKey",),
    "kms:PrimaryRegion": ("UpdatePrimaryRegion",),
    "kms:ExpirationModel": ("ImportKeyMaterial",),
}
CARRIED: dict[str, frozenset[str]] = {fold(name): frozenset(operations) for name, operations in _CARRIED.items()}

OPTIONAL = frozenset(
    fold(name)
    for name in (
        "kms:RetiringPrincipal",
        "kms:GrantConstraintType",
        "kms:RequestAlias",
        "kms:BypassPolicyLockoutSafetyCheck",
        "kms:RotationPeriodInDays",
    )
)
"""Keys that a request of an operation that carries them may leave out."""

assert all(name in KEYS for name in CARRIED)


def carries(key: str, operation: str) -> bool:
    """Whether requests for an operation can have a condition key (in lower case) that says what is asked; others they can."""
    if key.startswith(CONTEXT):
        return operation in WITH_CONTEXT
    operations = CARRIED.get(key)
    return operations is None or operation in operations
