"""Documents in which a part of a text is not known: exact all the same, over what it can turn out to be."""

from __future__ import annotations

import pytest
from questions import OWN, allow, deny, policy, text

from kmsguard.iam.audience import Question
from kmsguard.iam.request import decision
from kmsguard.iam.texts import Deployment
from kmsguard.model.truth import Truth
from kmsguard.model.value import Unknown, Value

HERE = Deployment(OWN, "us-east-1")
OPEN = Value(Unknown("variable var.id has no value", "var.id"))
ONE_OF = Value(Unknown("variable var.env has no value", "var.env", allowed=("dev", "prod")))


def on(key, *values, operator="StringLike"):
    """A condition on one key."""
    return {operator: {key: list(values)}}


TRAIL = "kms:EncryptionContext:aws:cloudtrail:arn"
CASES = {
    "an account": ([allow("*", condition=on("kms:CallerAccount", OPEN, operator="StringEquals"))], "nobody", "public"),
    "an account in an ARN": (
        [allow("*", condition=on(TRAIL, text("arn:aws:cloudtrail:*:", OPEN, ":trail/*")))],
        "nobody",
        "public",
    ),
    "what does not fit the rest of it": (
        [allow("*", condition=on("aws:UserAgent", text("x-", OPEN))), deny("*", condition=on("aws:UserAgent", "x-*"))],
        "nobody",
        "nobody",
    ),
    "one of two values": ([allow("*", condition=on("aws:UserAgent", text("x-", ONE_OF)))], "nobody", "public"),
    "neither of two values": (
        [
            allow("*", condition=on("aws:UserAgent", text("x-", ONE_OF))),
            deny("*", condition=on("aws:UserAgent", "x-d*", "*od")),
        ],
        "nobody",
        "nobody",
    ),
    "a Deny that leaves the others": (
        [allow("*"), deny("*", condition=on("aws:UserAgent", text("x-", OPEN)))],
        "public",
        "public",
    ),
    "a Deny that leaves one for certain": (
        [allow("*"), deny("*", condition=on("aws:UserAgent", text("x-", ONE_OF), "x-dev", operator="StringNotLike"))],
        "public",
        "public",
    ),
    "a Deny that perhaps leaves one": (
        [allow("*"), deny("*", condition=on("aws:UserAgent", text("x-", ONE_OF), operator="StringNotLike"))],
        "nobody",
        "public",
    ),
    "a known value beside it": (
        [allow("*", condition=on("aws:UserAgent", text("x-", OPEN), "y", operator="StringEquals"))],
        "public",
        "public",
    ),
}


@pytest.mark.parametrize(("statements", "least", "most"), CASES.values(), ids=CASES)
def test_part_that_is_not_known(statements, least, most):
    """The bounds are those of the texts that it can turn out to be; nothing is given up, and the witness is possible."""
    document = policy(*statements, deployment=HERE)
    found = Question(document, HERE).audience(("Decrypt",))

    assert (found.at_least, found.at_most, found.too_large) == (least, most, False)
    if found.witness is not None:
        assert decision(document, found.witness, HERE) is not Truth.NO
