"""What is decided the short way: for other contexts at once, or without what tells why."""

from __future__ import annotations

import random

import made_documents
import msgspec
import pytest

from kmsguard.iam.decide import EMPTY, Decided, Key, Layer, Principal, can, can_in_any_context, may
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


OWN = made_documents.OWN
CALLERS = (
    Principal("role", Value(f"arn:aws:iam::{OWN}:role/app"), Value(OWN)),
    Principal("user", Value(f"arn:aws:iam::{OWN}:user/dev/alice"), Value(OWN)),
    Principal("role", Value("arn:aws:iam::222222222222:role/app"), Value("222222222222")),
    Principal("root", Value(f"arn:aws:iam::{OWN}:root"), Value(OWN)),
)


def value(data: object) -> Value:
    """Plain data as a value."""
    if isinstance(data, dict):
        return Value({name: value(item) for name, item in data.items()})
    return Value(tuple(map(value, data)) if isinstance(data, list) else data)


def test_truth_alone_is_that_of_the_decision() -> None:
    """Over random policies of keys and identities, with and without boundary: `may` says what `can` decides."""
    chance = random.Random(7)
    plain = 0
    for _ in range(400):
        made = [made_documents.document(chance) for _ in range(3)]
        for document in made[1:]:
            for statement in document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]:
                statement.pop("Principal", None)
                statement.pop("NotPrincipal", None)
                if chance.random() < 0.7:
                    statement.pop("Condition", None)
        policy, own, boundary = (Layer((read_policy(value(document)),)) for document in made)
        key = Key(Value(f"arn:aws:kms:us-east-1:{OWN}:key/1234"), policy, Value(OWN), Value("us-east-1"))
        caller = msgspec.structs.replace(
            chance.choice(CALLERS), identity_policies=own, boundary=boundary if chance.random() < 0.2 else None
        )
        for action in ("kms:Decrypt", "kms:PutKeyPolicy", "kms:CreateAlias"):
            decision = can(caller, action, key, {}, deployment=NOWHERE)
            assert may(caller, action, key, {}, NOWHERE) is decision.truth, made
            plain += decision.truth is Truth.YES
    assert plain > 40


def test_truth_alone_of_a_service_is_that_of_the_decision() -> None:
    """The same for a service that says for whom it calls."""
    chance = random.Random(11)
    service = Principal("service", Value("sns.amazonaws.com"), Value(OWN), identity_policies=EMPTY)
    context = {"aws:SourceAccount": Value(OWN), "aws:SourceArn": Value(f"arn:aws:sns:us-east-1:{OWN}:topic")}
    found = {Truth.NO: 0, Truth.UNKNOWN: 0, Truth.YES: 0}
    for _ in range(400):
        made = made_documents.document(chance)
        for statement in made["Statement"] if isinstance(made["Statement"], list) else [made["Statement"]]:
            if chance.random() < 0.7:
                statement.pop("NotPrincipal", None)
                statement["Principal"] = {"Service": "sns.amazonaws.com"}
            if chance.random() < 0.3:
                statement["Condition"] = {"StringEquals": {"aws:SourceAccount": chance.choice((OWN, "222222222222"))}}
        policy = Layer((read_policy(value(made)),))
        key = Key(Value(f"arn:aws:kms:us-east-1:{OWN}:key/1234"), policy, Value(OWN), Value("us-east-1"))
        for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:PutKeyPolicy", "kms:CreateAlias"):
            decision = can(service, action, key, context, deployment=NOWHERE)
            assert may(service, action, key, context, NOWHERE) is decision.truth, made
            found[decision.truth] += 1
    assert min(found.values()) > 40
