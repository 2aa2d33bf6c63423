"""Key policies that nobody writes: that of a key without one, and those of the keys that AWS manages."""

from __future__ import annotations

from kmsguard.iam.document import PolicyDocument, read_policy
from kmsguard.iam.subjects import OWN_ACCOUNT, OWN_REGION
from kmsguard.iam.texts import NOWHERE, Deployment
from kmsguard.model.value import Text, Value

ALIAS_OF_AWS = "alias/aws/"
"""How the alias of every AWS managed key begins: nobody else can make one that does."""


def default_key_policy(account: Value = OWN_ACCOUNT, deployment: Deployment = NOWHERE) -> PolicyDocument:
    """The policy of a key for which none is written: the account's identity policies decide.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    statement = _map(
        Effect=Value("Allow"),
        Principal=_map(AWS=_account_root(account, deployment)),
        Action=Value("kms:*"),
        Resource=Value("*"),
    )
    return read_policy(_map(Version=Value("2012-10-17"), Statement=Value((statement,))), deployment)


def aws_managed_key_policy(
    service: str, account: Value = OWN_ACCOUNT, region: Value = OWN_REGION, deployment: Deployment = NOWHERE
) -> PolicyDocument:
    """The policy of an AWS managed key (`alias/aws/…`): its account's principals use it, via its service only.

    `service` is the name before the Region in `kms:ViaService` (`sns`; of `alias/aws/ebs` it is `ec2`). No service principal
    and no other account is in it, and it cannot be changed.
    https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html
    """
    via = _text(Value(f"{service}."), region, Value(".amazonaws.com"))
    use = _map(
        Effect=Value("Allow"),
        Principal=_map(AWS=Value("*")),
        Action=Value(
            tuple(
                Value(f"kms:{name}")
                for name in ("Encrypt", "Decrypt", "ReEncrypt*", "GenerateDataKey*", "CreateGrant", "DescribeKey")
            )
        ),
        Resource=Value("*"),
        Condition=_map(StringEquals=Value({"kms:ViaService": via, "kms:CallerAccount": account})),
    )
    read = _map(
        Effect=Value("Allow"),
        Principal=_map(AWS=_account_root(account, deployment)),
        Action=Value(tuple(Value(f"kms:{name}") for name in ("Describe*", "Get*", "List*", "RevokeGrant"))),
        Resource=Value("*"),
    )
    return read_policy(_map(Version=Value("2012-10-17"), Statement=Value((use, read))), deployment)


def via_service_of_alias(alias: str) -> str | None:
    """The service in `kms:ViaService` of the AWS managed key of an alias (`alias/aws/ebs` → `ec2`); None for other aliases."""
    if not alias.startswith(ALIAS_OF_AWS):
        return None
    name = alias[len(ALIAS_OF_AWS) :]
    return _VIA.get(name, name)


# https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
_VIA = {"ebs": "ec2"}  # all others have one name


def _map(**members: Value) -> Value:
    return Value(members)


def _text(*pieces: Value) -> Value:
    return Value(Text(pieces))


def _account_root(account: Value, deployment: Deployment) -> Value:
    return _text(Value(f"arn:{deployment.partition}:iam::"), account, Value(":root"))
