"""A decision is kept for other contexts only where no condition had a part in it."""

from __future__ import annotations

import pytest

from kmsguard.iam.decide import EMPTY, Decided, Key, Layer, Principal, can_in_any_context
from kmsguard.iam.document import read_policy
from kmsguard.iam.texts import NOWHERE
from kmsguard.model.truth import Truth
from kmsguard.model.value import Value

ROLE = "arn:aws:iam::111122223333:role/app"


def _key(**more: Value) -> Key:
    members = {"Effect": Value("Allow"), "Principal": Value({"AWS": Value(ROLE)}), "Action": Value("*"), "Resource": Value("*")}
    document = read_policy(Value({"Statement": Value({**members, **more})}))
    arn = "arn:aws:kms:eu-west-1:111122223333:key/1"
    return Key(Value(arn), Layer((document,)), Value("111122223333"), Value("eu-west-1"))


VIA_S3 = Value({"StringEquals": Value({"kms:ViaService": Value("s3.eu-west-1.amazonaws.com")})})


@pytest.mark.parametrize(
    ("key", "kept", "by_sqs"), [(_key(), 1, Truth.YES), (_key(Condition=VIA_S3), 0, Truth.NO)], ids=["free", "condition"]
)
def test_conditions_are_asked_again(key: Key, kept: int, by_sqs: Truth) -> None:
    """A statement with a condition on the way is decided for each way."""
    decided: Decided = {}
    principal = Principal("role", Value(ROLE), Value("111122223333"), identity_policies=EMPTY)
    found = [
        can_in_any_context(
            decided,
            principal,
            "kms:Decrypt",
            key,
            {"kms:ViaService": Value(f"{name}.eu-west-1.amazonaws.com")},
            NOWHERE,
        ).truth
        for name in ("s3", "sqs")
    ]
    assert found == [Truth.YES, by_sqs]
    assert len(decided) == kept
