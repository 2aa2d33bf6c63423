"""The condition keys that a request to KMS can have, and their types.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html and
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam.texts import fold

KeyType: TypeAlias = Literal["string", "arn", "bool", "ip", "numeric", "date"]


class ConditionKey(msgspec.Struct, frozen=True):
    """A condition key. `holds_set`: its value is a set of texts."""

    name: str  # as AWS spells it
    type: KeyType
    holds_set: bool = False


CONTEXT = "kms:encryptioncontext:"
CONTEXT_KEYS = "kms:encryptioncontextkeys"
PRINCIPAL_TAG = "aws:principaltag/"

_TABLE: dict[KeyType, str] = {
    "string": """
        aws:PrincipalAccount kms:CallerAccount aws:PrincipalOrgID aws:PrincipalType aws:PrincipalServiceName aws:username
        aws:SourceIdentity kms:ViaService aws:SourceVpc aws:SourceVpce aws:UserAgent aws:Referer aws:ResourceAccount
        aws:SourceAccount aws:SourceOrgID kms:GranteePrincipal kms:RetiringPrincipal kms:GrantConstraintType
        kms:EncryptionAlgorithm kms:SigningAlgorithm kms:MessageType kms:MacAlgorithm kms:KeyAgreementAlgorithm
        kms:DataKeyPairSpec kms:RequestAlias kms:ReplicaRegion kms:PrimaryRegion kms:ExpirationModel""",
    "arn": "aws:PrincipalArn aws:SourceArn",
    "bool": """
        aws:PrincipalIsAWSService aws:MultiFactorAuthPresent aws:ViaAWSService aws:SecureTransport
        kms:GrantIsForAWSResource kms:ReEncryptOnSameKey kms:BypassPolicyLockoutSafetyCheck""",
    "ip": "aws:SourceIp aws:VpcSourceIp",
    "numeric": "aws:MultiFactorAuthAge kms:ScheduleKeyDeletionPendingWindowInDays kms:RotationPeriodInDays",
    "date": "aws:CurrentTime aws:EpochTime",
}
_SETS = "aws:PrincipalOrgPaths aws:SourceOrgPaths kms:EncryptionContextKeys kms:GrantOperations"

KEYS: dict[str, ConditionKey] = {
    fold(name): ConditionKey(name, type_) for type_, names in _TABLE.items() for name in names.split()
} | {fold(name): ConditionKey(name, "string", holds_set=True) for name in _SETS.split()}


def find(name: str) -> ConditionKey | None:
    """The key of a name, case aside; None where no request to KMS has it, or a bare document does not decide it."""
    name_folded = fold(name)
    key = KEYS.get(name_folded)
    if key is not None:
        return key
    for prefix in (CONTEXT, PRINCIPAL_TAG):
        if name_folded.startswith(prefix) and len(name_folded) > len(prefix):
            return ConditionKey(name, "string")
    return None
