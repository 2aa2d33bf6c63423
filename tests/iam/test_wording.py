"""What is known of a document without a search, against the search."""

import json
from itertools import product

import pytest

from kmsguard.iam.audience import Question
from kmsguard.iam.document import PolicyDocument, read_policy
from kmsguard.iam.operations import CLASSES
from kmsguard.iam.plain import is_closed, plain_lockout
from kmsguard.iam.texts import Deployment
from kmsguard.iam.widest import AUDIENCES
from kmsguard.iam.wording import wording
from kmsguard.model.value import Value

OWN = Deployment(account="111122223333", region="eu-west-1")
PRINCIPALS = (
    {"AWS": "arn:aws:iam::111122223333:root"},
    {"AWS": ["444455556666", "arn:aws:iam::444455556666:role/deploy"]},
    {"AWS": "arn:aws:iam::111122223333:role/deploy"},
    {"Service": "logs.amazonaws.com"},
    "*",
)
ACTIONS = ("kms:*", "kms:Decrypt")
OTHERS = (
    {"Effect": "Deny", "Principal": "*", "Action": "kms:PutKeyPolicy", "Resource": "*"},
    {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"},
    {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "kms:*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/admin"}},
    },
)


def _read(*statements: object) -> PolicyDocument:
    return read_policy(Value(json.dumps({"Version": "2012-10-17", "Statement": list(statements)})), OWN)


@pytest.mark.parametrize(("principal", "action"), list(product(PRINCIPALS, ACTIONS)))
def test_lockout_without_a_search_is_what_the_search_finds(principal: object, action: str) -> None:
    """Whether anybody of the account can put a policy is the same with and without a search."""
    allow = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    conditional = {**allow, "Condition": {"StringEquals": {"aws:PrincipalAccount": "444455556666"}}}
    elsewhere = {**allow, "Resource": "arn:aws:kms:eu-west-1:444455556666:key/1"}
    for statements in ((allow,), (conditional,), (elsewhere,), *((allow, other) for other in OTHERS)):
        document = _read(*statements)
        plainly = plain_lockout(document, OWN)
        assert plainly is None or plainly is Question(document, OWN).lockout()


def test_plain_cases_need_no_search() -> None:
    """The policy that KMS makes, and one for another account alone, are decided as they are read."""
    root, foreign = ({"Effect": "Allow", "Principal": one, "Action": "kms:*", "Resource": "*"} for one in PRINCIPALS[:2])
    assert plain_lockout(_read(root), OWN) is False
    assert plain_lockout(_read(root, OTHERS[1]), OWN) is False
    assert plain_lockout(_read(foreign), OWN) is True
    assert plain_lockout(_read(root, OTHERS[0]), OWN) is None


OUR_LOGS = "arn:aws:logs:eu-west-1:111122223333:log-group:/app/*"
THEIR_LOGS = "arn:aws:logs:eu-west-1:444455556666:log-group:/app/*"
BINDING = (
    {"StringEquals": {"aws:SourceAccount": "111122223333"}},
    {"ArnLike": {"aws:SourceArn": OUR_LOGS}},
    {"StringLike": {"kms:EncryptionContext:aws:logs:arn": [OUR_LOGS, "arn:aws:s3:us-east-1:111122223333:*"]}},
)
LOOSE = (
    {"StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}},
    {"StringNotEquals": {"aws:SourceAccount": "111122223333"}},
    {"ForAllValues:StringEquals": {"aws:SourceAccount": "111122223333"}},
    {"StringEquals": {"aws:SourceAccount": ["111122223333", "444455556666"]}},
    {"StringLike": {"aws:SourceAccount": "1111*"}},
    {"StringLike": {"aws:SourceArn": "arn:aws:*:111122223333:*"}},
    {"ArnLike": {"aws:SourceAccount": "111122223333"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::ours"}},
    {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": THEIR_LOGS}},
    {"ArnLike": {"kms:EncryptionContext:logs": OUR_LOGS}},
    {"StringEquals": {"kms:CallerAccount": "111122223333"}},
)


@pytest.mark.parametrize(("condition", "closed"), [*((one, True) for one in BINDING), *((one, False) for one in LOOSE)])
def test_a_service_that_calls_for_the_own_account_lets_in_nobody_else(condition: object, closed: bool) -> None:
    """A condition that ties a service to the own account closes a statement, and the search finds nobody beyond it either."""
    allow = {"Effect": "Allow", "Principal": {"Service": "logs.eu-west-1.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}
    document = _read({**allow, "Condition": condition})
    assert is_closed(document.statements[0], OWN) is closed
    if closed:
        audience = Question(document, OWN).audience(CLASSES["use"])
        assert AUDIENCES.index(audience.at_most) < AUDIENCES.index("external")


def test_wording_is_of_what_is_said_alone() -> None:
    """Names and places of statements are no part of it; every principal, action, condition and the account are."""
    allow = {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    told = wording(_read({**allow, "Sid": "One"}), OWN)
    assert told is not None
    assert told == wording(_read({**allow, "Sid": "Other"}), OWN)
    others = (
        {**allow, "Principal": {"AWS": "444455556666"}},
        {**allow, "Action": "kms:Encrypt"},
        {**allow, "Effect": "Deny"},
        {**allow, "Condition": {"StringEquals": {"aws:PrincipalAccount": "444455556666"}}},
        {**allow, "Condition": {"StringLike": {"aws:PrincipalAccount": "444455556666"}}},
    )
    tellings = [told, *(wording(_read(one), OWN) for one in others), wording(_read(allow), Deployment(account="444455556666"))]
    assert len(set(tellings)) == len(tellings)
