"""Texts with holes against patterns, three-valued."""

from __future__ import annotations

import pytest

from kmsguard.iam.texts import Deployment, Hole, Sym, equal, like, match, show, sym
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth
from kmsguard.model.value import ACCOUNT, PARTITION, REGION, Target, Text, Unknown, Value

NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES
OWN = Value(Unknown("not given", target=ACCOUNT))
HERE = Value(Unknown("not given", target=REGION))
NAME = Value(Unknown("variable var.name has no value", "var.name"))


def arn(address):
    """The ARN of a resource."""
    return Value(Unknown("known after apply", f"{address}.arn", Target(address, "arn")))


def text(*pieces, deployment=None):
    """A text of literals and values."""
    value = Value(Text(tuple(piece if isinstance(piece, Value) else Value(piece) for piece in pieces)))
    return sym(value, deployment or Deployment())


MATCHES = [
    ("arn:aws:iam::*:root", text("arn:aws:iam::", OWN, ":root"), YES),
    ("arn:aws:iam::????????????:root", text("arn:aws:iam::", OWN, ":root"), YES),
    ("arn:aws:iam::?:root", text("arn:aws:iam::", OWN, ":root"), NO),
    ("arn:aws:iam::111122223333:root", text("arn:aws:iam::", OWN, ":root"), UNKNOWN),
    ("arn:aws:iam::x:root", text("arn:aws:iam::", OWN, ":root"), NO),
    ("app-*", text("app-", NAME), YES),
    ("app-x*", text("app-", NAME), UNKNOWN),
    ("web-*", text("app-", NAME), NO),
    ("*", text(NAME), YES),
    ("?*", text(NAME), UNKNOWN),
    ("arn:aws:s3:::*", text(arn("aws_s3_bucket.b"), "/*"), UNKNOWN),
    ("logs.*.amazonaws.com", text("logs.", HERE, ".amazonaws.com"), YES),
    ("logs.eu:west.amazonaws.com", text("logs.", HERE, ".amazonaws.com"), NO),
]


@pytest.mark.parametrize(("pattern", "found", "expected"), MATCHES)
def test_match(pattern, found, expected):
    """A pattern fits for certain, certainly not, or it depends on what the hole is."""
    assert match(like((pattern,)), found) is expected


EQUALITIES = [
    (text("arn:aws:iam::", OWN, ":root"), text("arn:aws:iam::", OWN, ":root"), YES),
    (text(NAME), text(NAME), UNKNOWN),  # the same text, and yet nothing is known of it
    (text(arn("aws_iam_role.a")), text(arn("aws_iam_role.a")), YES),
    (text(arn("aws_iam_role.a")), text(arn("aws_iam_role.b")), NO),
    (text(arn("aws_s3_bucket.a"), "/x"), text(arn("aws_s3_bucket.b"), "/x"), NO),
    (text(arn("aws_iam_role.a")), text(arn("data.aws_iam_role.b")), UNKNOWN),
    (text(arn("module.x.data.aws_iam_role.b")), text(arn("aws_iam_role.a")), UNKNOWN),
    (text(arn("aws_iam_role.a")), text("*"), NO),
    (text(OWN), text("111122223333"), UNKNOWN),
    (text(OWN), text("*"), NO),
]


@pytest.mark.parametrize(("one", "other", "expected"), EQUALITIES)
def test_equal(one, other, expected):
    """Equal targets are equal, ARNs of different resources are not, all else depends."""
    assert equal(one, other) is expected
    assert equal(other, one) is expected


def test_allowed_values_decide_together():
    """Where all values that a hole can have give the same answer, that is the answer."""
    one = sym(Value(Unknown("parameter", "Env", allowed=("prod", "preprod"))))

    assert match(like(("*prod",)), one) is YES
    assert match(like(("prod",)), one) is UNKNOWN
    assert match(like(("dev*",)), one) is NO


def test_deployment_fills_what_it_knows():
    """Account, Region and partition are text where they are given; without Region the partition is aws."""
    partition = Value(Unknown("not given", target=PARTITION))
    pieces = ("arn:", partition, ":kms:", HERE, ":", OWN, ":key/x")

    assert text(*pieces, deployment=Deployment("111122223333", "cn-north-1")) == (
        "arn:aws-cn:kms:cn-north-1:111122223333:key/x",
    )
    assert show(text(*pieces)) == "arn:aws:kms:${--region}:${--account}:key/x"


def test_texts_of_a_deployment_say_what_a_target_is():
    """What is known of an attribute takes its place."""
    target = Target("aws_sns_topic.t", "arn")
    known = Value(Text((Value("arn:aws:sns:eu-west-1:"), OWN, Value(":t"))))
    found = sym(Value(Unknown("known after apply", target=target)), Deployment(texts={target: known}))

    assert match(like(("arn:aws:sns:*:t",)), found) is YES
    assert match(like(("arn:aws:s3:*",)), found) is NO


def test_arns_with_names_that_aws_makes_up_for_two_resources_are_not_the_same() -> None:
    """No two queues of an account and Region have one name; an index of one table is never another table."""

    def arn(address: str, *rest: str) -> Sym:
        return ("arn:aws:sqs:", Hole(Open("r", "x"), REGION), ":1:", Hole(Open(address, "x"), Target(address, "name")), *rest)

    assert equal(arn("A"), arn("B")) is Truth.NO
    assert match(like(arn("A", "/index/*")), arn("B")) is Truth.NO
    assert match(like(arn("A", "*")), arn("B")) is Truth.UNKNOWN
    assert equal(arn("A"), arn("A")) is Truth.YES
    assert equal(arn("data.aws_sqs_queue.a"), arn("B")) is Truth.UNKNOWN


def test_names_of_two_resources_outside_of_arns_may_be_the_same() -> None:
    """A queue and a topic can have one name."""
    one, other = (Hole(Open(address, "x"), Target(address, "name")) for address in ("A", "B"))
    assert equal((one,), (other,)) is Truth.UNKNOWN


def key_id(address):
    """The id of a key."""
    return Value(Unknown("known after deployment", address, Target(address, "key_id")))


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("arn:aws:kms:*:*:key/", "Other", Truth.NO),
        ("*/", "Other", Truth.NO),
        ("arn:aws:kms:*:*:key/", "Key", Truth.YES),
        ("*", "Other", Truth.UNKNOWN),  # what stands before the id is not known to end in a `/`
        ("arn:aws:kms:*:*:key/", "data.aws_kms_key.k", Truth.UNKNOWN),  # any key may be read
    ],
)
def test_no_two_keys_have_the_same_id(pattern, address, expected) -> None:
    """Whatever stands before the last `/`, a pattern that ends in another key's id does not fit a key's ARN."""
    arn_of_key = text("arn:aws:kms:eu-west-1:111122223333:key/", key_id("Key"))
    assert match(like(text(pattern, key_id(address))), arn_of_key) is expected
