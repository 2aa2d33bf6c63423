"""Operators, keys and values of conditions, one request at a time; each row is checked against the slow evaluator too."""

from __future__ import annotations

import json

import pytest
from slow_evaluator import Policy

from kmsguard.iam.check import read_document
from kmsguard.iam.conditions import instant, network, number
from kmsguard.iam.document import is_left_open
from kmsguard.iam.request import Call, decision
from kmsguard.iam.texts import Deployment
from kmsguard.model.truth import Truth

OWN = "111122223333"
NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES
ALICE = {
    "aws:principalarn": f"arn:aws:iam::{OWN}:user/team/alice",
    "aws:username": "alice",
    "aws:principaltype": "User",
    "aws:principalaccount": OWN,
    "aws:resourceaccount": OWN,
    "aws:principaltag/owner": "al*ce",
    "aws:principaltag/colon": "a:b",
    "aws:sourceip": "203.0.113.7",
    "aws:currenttime": "2030-01-31T10:00:00Z",
    "aws:multifactorauthpresent": "true",
    "aws:multifactorauthage": "7",
    "kms:encryptioncontext:app": "Shop",
    "kms:encryptioncontextkeys": ("App", "team-a"),
    "kms:grantisforawsresource": "false",
}

ROWS = [
    # equality and patterns
    ("StringEquals", "kms:EncryptionContext:App", "Shop", YES),
    ("StringEquals", "kms:EncryptionContext:App", "shop", NO),
    ("StringEquals", "KMS:encryptioncontext:APP", "Shop", YES),
    ("stringequals", "kms:EncryptionContext:App", ["x", "Shop"], YES),
    ("StringEquals", "kms:EncryptionContext:App", "Sh*", NO),
    ("StringEqualsIgnoreCase", "kms:EncryptionContext:App", "sHOP", YES),
    ("StringLike", "kms:EncryptionContext:App", "S?o*", YES),
    ("StringLike", "kms:EncryptionContext:App", "s*", NO),
    ("StringNotEquals", "kms:EncryptionContext:App", ["x", "Shop"], NO),
    ("StringNotEquals", "kms:EncryptionContext:App", ["x", "y"], YES),
    ("StringNotLike", "kms:EncryptionContext:App", [], YES),
    ("StringEquals", "kms:EncryptionContext:App", [], NO),
    ("StringLike", "aws:PrincipalArn", f"arn:aws:iam::{OWN}*alice", YES),
    # ARNs
    ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{OWN}:user/*", YES),
    ("ArnEquals", "aws:PrincipalArn", "arn:*:iam::*:user/team/alice", YES),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam*:user/team/alice", UNKNOWN),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:*:*:user/*", UNKNOWN),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam:*:*:*", YES),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:sts::*:*", YES),
    ("ArnLike", "aws:PrincipalArn", "*", UNKNOWN),
    ("ArnLike", "kms:EncryptionContext:App", "arn:aws:s3:::*", NO),
    ("ArnEquals", "aws:MultiFactorAuthPresent", "arn:aws:s3:::*", UNKNOWN),
    # booleans
    ("Bool", "aws:MultiFactorAuthPresent", "TRUE", YES),
    ("Bool", "aws:MultiFactorAuthPresent", True, YES),
    ("Bool", "aws:MultiFactorAuthPresent", "yes", NO),
    ("StringEquals", "aws:MultiFactorAuthPresent", "True", NO),
    ("BoolIfExists", "aws:ViaAWSService", "true", YES),  # absent from this request
    ("Bool", "kms:EncryptionContext:App", "true", UNKNOWN),
    # addresses
    ("IpAddress", "aws:SourceIp", "203.0.113.0/24", YES),
    ("IpAddress", "aws:SourceIp", "203.0.113.9/24", YES),
    ("IpAddress", "aws:SourceIp", "203.0.113.7", YES),
    ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", NO),
    ("IpAddress", "aws:SourceIp", "::/0", NO),
    ("IpAddress", "aws:SourceIp", "203.0.113.0/255.255.255.0", UNKNOWN),
    ("IpAddress", "aws:SourceIp", ["x", "203.0.113.7"], YES),
    ("StringEquals", "aws:SourceIp", "203.0.113.7", UNKNOWN),
    # numbers
    ("NumericEquals", "aws:MultiFactorAuthAge", "7.0", YES),
    ("NumericLessThan", "aws:MultiFactorAuthAge", 7.5, YES),
    ("NumericGreaterThanEquals", "aws:MultiFactorAuthAge", "+7", YES),
    ("NumericNotEquals", "aws:MultiFactorAuthAge", "7", NO),
    ("NumericEquals", "aws:MultiFactorAuthAge", ".5", UNKNOWN),
    ("NumericEquals", "aws:CurrentTime", "7", UNKNOWN),
    # times
    ("DateLessThan", "aws:CurrentTime", "2030-01-31T10:00:01Z", YES),
    ("DateEquals", "aws:CurrentTime", "2030-01-31T10:00Z", YES),
    ("DateGreaterThan", "aws:CurrentTime", "2030", YES),
    ("DateGreaterThan", "aws:CurrentTime", "0", YES),
    ("DateGreaterThan", "aws:CurrentTime", "2030-02-30", UNKNOWN),
    ("DateGreaterThan", "aws:CurrentTime", "2030-1-3", UNKNOWN),
    # null
    ("Null", "aws:Referer", "true", YES),
    ("Null", "aws:Referer", "FALSE", NO),
    ("Null", "aws:username", [False], YES),
    ("Null", "aws:username", "x", NO),
    ("NullIfExists", "aws:username", "false", UNKNOWN),
    ("ForAnyValue:Null", "aws:username", "false", UNKNOWN),
    # absent keys
    ("StringEquals", "aws:Referer", "x", NO),
    ("StringNotEquals", "aws:Referer", "x", YES),
    ("StringEqualsIfExists", "aws:Referer", {"Ref": "X"}, YES),
    ("ForAllValues:StringNotEquals", "aws:Referer", "x", YES),
    ("ForAnyValue:StringNotEquals", "aws:Referer", "x", NO),
    ("ForAnyValue:StringEqualsIfExists", "aws:Referer", "x", UNKNOWN),
    # sets
    ("ForAllValues:StringLike", "kms:EncryptionContextKeys", ["App", "team-*"], YES),
    ("ForAllValues:StringLike", "kms:EncryptionContextKeys", "team-*", NO),
    ("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", "App", YES),
    ("ForAnyValue:StringNotEquals", "kms:EncryptionContextKeys", "App", YES),
    ("ForAllValues:StringNotEquals", "kms:EncryptionContextKeys", "App", NO),
    ("StringEquals", "kms:EncryptionContextKeys", "App", UNKNOWN),
    ("ForAnyValue:StringEquals", "kms:EncryptionContext:App", "Shop", YES),
    # left open
    ("StringEquals", "kms:EncryptionContext:App", [{"Ref": "X"}, "Shop"], YES),
    ("StringEquals", "kms:EncryptionContext:App", [{"Ref": "X"}, "x"], UNKNOWN),
    ("StringNotEquals", "kms:EncryptionContext:App", [None, "Shop"], NO),
    ("StringEquals", "kms:EncryptionContext:App", "Sh${x}", UNKNOWN),
    # keys and operators that nobody knows
    ("StringEquals", "kms:KeySpec", "x", UNKNOWN),
    ("StringEquals", "kms:EncryptionContext:", "x", UNKNOWN),
    ("StringEqual", "kms:EncryptionContext:App", "Shop", UNKNOWN),
    # policy variables
    ("StringEquals", "aws:username", "${aws:USERNAME}", YES),
    ("StringLike", "aws:PrincipalArn", "*/${aws:username}", YES),
    ("StringLike", "aws:username", "${aws:PrincipalTag/owner}", NO),  # a `*` that is put in is no wildcard
    ("StringEquals", "aws:PrincipalTag/owner", "al${*}ce", YES),
    ("StringLike", "aws:PrincipalTag/owner", "a?${*}ce", YES),
    ("StringEquals", "aws:PrincipalTag/owner", "${aws:PrincipalTag/none, 'al*ce'}", YES),
    ("StringEquals", "aws:PrincipalTag/owner", "${aws:PrincipalTag/none}", NO),
    ("StringNotEquals", "aws:PrincipalTag/owner", "${aws:PrincipalTag/none}", YES),
    ("StringEquals", "aws:PrincipalTag/owner", "${aws:PrincipalTag/none, 'x", NO),
    ("ArnNotLike", "aws:PrincipalArn", "${aws:PrincipalTag/none}", YES),
    ("ArnLike", "aws:PrincipalArn", "${aws:PrincipalTag/owner}", UNKNOWN),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::${aws:PrincipalAccount}:user/*", YES),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam:${aws:PrincipalTag/colon}:x:user/*", NO),
    ("StringEquals", "aws:PrincipalTag/owner", "${aws:SourceIp}", UNKNOWN),
    ("StringEquals", "aws:PrincipalTag/owner", "${aws:PrincipalTag/none}${saml:sub}", UNKNOWN),
    ("StringEquals", "aws:username", "${kms:EncryptionContextKeys, 'alice'}", YES),
    ("Bool", "aws:MultiFactorAuthPresent", "${aws:username}", NO),
]


@pytest.mark.parametrize(("operator", "key", "values", "expected"), ROWS)
def test_operator(operator, key, values, expected):
    """Each row is decided as section 7 says."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "kms:*",
        "Resource": "*",
        "Condition": {operator: {key: values}},
    }
    document = {"Version": "2012-10-17", "Statement": statement}
    call = Call("user", ALICE["aws:principalarn"], OWN, "CreateGrant", ALICE)
    held = {name: list(value) if isinstance(value, tuple) else value for name, value in ALICE.items()}
    asked = {"kind": "user", "arn": call.arn, "account": OWN, "operation": "CreateGrant", "values": held}

    assert decision(read_document(json.dumps(document)), call, Deployment(OWN)) is expected
    assert Policy(document, OWN).decide(asked) == expected


@pytest.mark.parametrize(
    ("text", "left_open"),
    [
        ("${AWS::AccountId}", True),
        ("arn:aws:iam::${var.account}:root", True),
        ("${Account}", True),
        ("${}", True),
        ("${aws:username}", False),
        ("${saml:sub}", False),
        ("${*}${?}${$}", False),
        ("${aws:PrincipalTag/team, 'x y'}", False),
        ("${aws:Principal Tag}", True),
        ("${aws::x}", True),
        ("${1a:x}", True),
        ("${never closed", False),
        ("a ${aws:username} and ${x}", True),
    ],
)
def test_what_is_left_open(text, left_open):
    """A template expression leaves its string open, a policy variable does not."""
    assert is_left_open(text) is left_open


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0),
        ("1970", 0),
        ("1970-02", 31 * 86400),
        ("1969-12-31T23:59:59Z", -1),
        ("-1", -1),
        ("12345", 12345),
        ("2034", 2019686400),  # four characters are a year
        ("12.5", None),
        ("1.25000", 1.25),
        ("0000", None),
        ("2030-01-31T10:00:00+00:00", None),
        ("2030-01-31t10:00:00z", None),
        ("2030-01-31T24:00:00Z", None),
        ("2030-01-31T10:00:00.5Z", None),
        ("2031-02-29", None),
        ("2032-02-29", 1961625600),
    ],
)
def test_instants(text, seconds):
    """Times in exactly the forms that policies may have."""
    assert instant(text) == seconds


@pytest.mark.parametrize(
    ("text", "value"), [("7", 7), ("-1", -1), ("+7.50", 7.5), ("1e3", None), (".5", None), ("7.", None), ("٣", None)]
)
def test_numbers(text, value):
    """Numbers are digits with a sign before and a fraction after them."""
    assert number(text) == value


@pytest.mark.parametrize(
    "text", ["10.0.0.0/255.0.0.0", "fe80::1%eth0", "10.0.0.0/33", "01.2.3.4", "10.0.0.0/", "/8", "", "10.0.0.0/-1"]
)
def test_no_range(text):
    """What is no range of addresses is none."""
    assert network(text) is None
