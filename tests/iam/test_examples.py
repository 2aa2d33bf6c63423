"""The worked examples of the specification of `kmsguard policy check`."""

from __future__ import annotations

import json

import pytest

from kmsguard.iam.check import check_text
from kmsguard.iam.texts import Deployment

OWN = "111122223333"
TRUSTED = "222233334444"
FOREIGN = "444455556666"
ORGANIZATION = "o-abcdefghij"
HERE = Deployment(OWN, "us-east-1", (TRUSTED,), (ORGANIZATION,))
CLASSES = ("use", "grant", "administer", "sign")


def statement(principal, action="kms:*", condition=None, effect="Allow", **more):
    """A statement on every resource."""
    out = {"Effect": effect, "Action": action, "Resource": "*", **more}
    if principal is not None:
        out["Principal"] = principal
    if condition is not None:
        out["Condition"] = condition
    return out


def role(name):
    """The ARN of a role of the own account."""
    return f"arn:aws:iam::{OWN}:role/{name}"


def judged(*statements, action=None, version="2012-10-17"):
    """The answers for a document."""
    return check_text(json.dumps({"Version": version, "Statement": list(statements)}), HERE, action)


def short(answer):
    """An answer as text: the audience, or its bounds."""
    if answer["audience"] != "unknown":
        return answer["audience"]
    return f"{answer['at_least']}..{answer['at_most']}"


ROOT = statement({"AWS": f"arn:aws:iam::{OWN}:root"})
LOGS = {"Service": "logs.us-east-1.amazonaws.com"}
CIDR = {"aws:SourceIp": "203.0.113.0/24"}
VIA_S3 = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
LOGS_ARN = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{OWN}:*"}
NOBODY = dict.fromkeys(CLASSES, "nobody")
ACCOUNT = dict.fromkeys(CLASSES, "account")

EXAMPLES = [
    ("1", [ROOT], ACCOUNT, False),
    (
        "2",
        [
            statement({"AWS": role("KeyAdmin")}, ["kms:Put*", "kms:Describe*"]),
            statement({"AWS": role("App")}, ["kms:Decrypt", "kms:GenerateDataKey*"]),
        ],
        {**NOBODY, "use": "account-principals", "administer": "account-principals"},
        False,
    ),
    (
        "3",
        [ROOT, statement("*", ["kms:Decrypt", "kms:CreateGrant"], {"StringEquals": {"kms:CallerAccount": OWN, **VIA_S3}})],
        ACCOUNT,
        False,
    ),
    (
        "4",
        [ROOT, statement({"AWS": "*"}, "kms:Decrypt", {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}})],
        {**ACCOUNT, "use": "public"},
        False,
    ),
    ("5", [ROOT, statement(LOGS, ["kms:Encrypt*", "kms:Decrypt*"])], {**ACCOUNT, "use": "service"}, False),
    (
        "6",
        [statement(LOGS, ["kms:Encrypt*", "kms:Decrypt*"], {"ArnLike": LOGS_ARN})],
        {**NOBODY, "use": "account-principals"},
        True,
    ),
    (
        "6 for everybody",
        [statement("*", ["kms:Encrypt*", "kms:Decrypt*"], {"ArnLike": LOGS_ARN})],
        {**NOBODY, "use": "public"},
        True,
    ),
    (
        "7",
        [statement({"Service": "sns.amazonaws.com"}, "kms:Decrypt", {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::invoices"}})],
        {**NOBODY, "use": "service"},
        True,
    ),
    (
        "8",
        [statement("*", "kms:*", {"StringEquals": {"aws:SourceAccount": OWN}})],
        {"use": "account-principals", "grant": "account-principals", "administer": "nobody", "sign": "account-principals"},
        True,
    ),
    (
        "9",
        [
            statement("*", "kms:Decrypt", {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abcdefghij/*"}}),
            statement("*", "kms:Sign", {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-abcdefghij/*"}}),
        ],
        {**NOBODY, "use": "organization", "sign": "public"},
        True,
    ),
    (
        "10",
        [
            ROOT,
            statement({"AWS": "*"}),
            statement(
                "*",
                condition={
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
                effect="Deny",
            ),
        ],
        {"use": "service", "grant": "service", "administer": "account", "sign": "service"},
        False,
    ),
    (
        "11",
        [
            statement("*", "kms:Decrypt", {"IpAddress": CIDR}),
            statement("*", "kms:Sign", {"NotIpAddress": CIDR}),
            statement("*", "kms:CreateGrant", {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        ],
        {**NOBODY, "use": "external", "sign": "public"},
        True,
    ),
    (
        "12",
        [ROOT, statement(None, effect="Deny", NotPrincipal={"AWS": role("KeyAdmin")})],
        dict.fromkeys(CLASSES, "nobody..account-principals"),
        None,
    ),
    (
        "13",
        [ROOT, statement(None, effect="Deny", NotPrincipal={"AWS": [role("KeyAdmin"), f"arn:aws:iam::{OWN}:root"]})],
        dict.fromkeys(CLASSES, "account-principals..account"),
        False,
    ),
    (
        "14",
        [statement({"AWS": "arn:aws:iam::${AWS::AccountId}:root"}), statement({"AWS": role("Ops")})],
        {**dict.fromkeys(CLASSES, "account-principals..public"), "administer": "account-principals..account"},
        False,
    ),
    (
        "15",
        [
            ROOT,
            statement({"AWS": FOREIGN}, "kms:CreateGrant", {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
            statement({"AWS": TRUSTED}, ["kms:Decrypt", "kms:ScheduleKeyDeletion"]),
        ],
        {"use": "trusted", "grant": "external", "administer": "account", "sign": "account"},
        False,
    ),
    (
        "16",
        [
            statement("*", "kms:Decrypt", {"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}),
            statement("*", "kms:Sign", {"StringEquals": {"aws:PrincipalTag/owner": "${aws:username}"}}),
            statement("*", "kms:CreateGrant", {"StringEquals": {"aws:PrincipalTag/owner": "${saml:sub}"}}),
        ],
        {"use": "account", "grant": "nobody..public", "administer": "nobody", "sign": "public"},
        True,
    ),
    (
        "17",
        [
            ROOT,
            statement("*", "kms:Decrypt", {"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}),
            statement("*", condition={"Bool": {"aws:SecureTransport": "false"}}, effect="Deny"),
            statement("*", "kms:Sign", {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
        ],
        {"use": "account..public", "grant": "account", "administer": "account", "sign": "public"},
        False,
    ),
    (
        "18",
        [
            statement({"AWS": OWN}, "kms:Decrypt", {"StringEquals": {"aws:username": "alice"}}),
            statement({"AWS": OWN}, "kms:Sign", {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/team-*"}}),
            statement({"AWS": OWN}, "kms:CreateGrant", {"Null": {"aws:MultiFactorAuthAge": "false"}}),
            statement(
                {"AWS": OWN},
                "kms:ScheduleKeyDeletion",
                {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "7"}},
            ),
        ],
        {"use": "account-principals", "grant": "account", "administer": "nobody", "sign": "account"},
        True,
    ),
]


@pytest.mark.parametrize(("statements", "audiences", "lockout"), [e[1:] for e in EXAMPLES], ids=[e[0] for e in EXAMPLES])
def test_example(statements, audiences, lockout):
    """Each worked example gives the audiences and the lockout that it says."""
    answers = judged(*statements)

    assert {name: short(answers[name]) for name in CLASSES} == audiences
    assert answers["lockout"] is lockout


def test_one_operation():
    """`--action` judges one operation: of no class, it is done for the own account only."""
    statements = [ROOT, statement({"AWS": "*"}, "kms:*", {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}})]

    assert {name: short(answer) for name, answer in judged(*statements, action="kms:DescribeKey").items()} == {
        "kms:DescribeKey": "account"
    }
    assert short(judged(*statements, action="kms:Decrypt")["kms:Decrypt"]) == "public"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"Statement": {**ROOT, "Effect": "allow"}}, "BadPolicy: bad statement"),
        ({"Id": "x"}, "BadPolicy: no Statement"),
        ([ROOT], "BadPolicy: no Statement"),
        ("x", "BadPolicy: no Statement"),
        ({"statement": [ROOT]}, "BadPolicy: no Statement"),
        ({"Statement": None}, "BadPolicy: bad statement"),
        ({"Statement": ["x"]}, "BadPolicy: bad statement"),
        ({"Statement": [ROOT, [ROOT]]}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "Effect": {"Ref": "E"}}}, "BadPolicy: bad statement"),
        ({"Statement": {"Principal": "*", "Action": "kms:*", "Resource": "*"}}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "Condition": []}}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "Condition": ""}}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "Condition": False}}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "Condition": {"Bool": "x"}}}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "Condition": {"Bool": None}}}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "Action": 1}}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "NotAction": ["x", True]}}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "Resource": [2.5]}}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "Principal": {"AWS": 111122223333}}}, "BadPolicy: bad statement"),
        ({"Statement": {**ROOT, "NotPrincipal": {"Federated": [False]}}}, "BadPolicy: bad statement"),
    ],
)
def test_bad_policy(document, message):
    """What is no policy is refused as a whole, and the message says which kind of mistake it is."""
    assert check_text(json.dumps(document), HERE) == message


@pytest.mark.parametrize(
    "document",
    [
        {"Statement": []},
        {"Statement": {**ROOT, "Condition": {}}},
        {"Statement": {**ROOT, "Condition": None}},
        {"Statement": {**ROOT, "Principal": 7}},
        {"Statement": {**ROOT, "Action": [["kms:*", 3]]}},
        {"Statement": {**ROOT, "Condition": {"NumericEquals": {"aws:MultiFactorAuthAge": 3}}}},
        {"Statement": {**ROOT, "Principal": {"Robot": 3}}},
    ],
)
def test_odd_policy_is_judged(document):
    """What is odd and not refused is judged."""
    assert isinstance(check_text(json.dumps(document), HERE), dict)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[1,]", b'{"Statement": NaN}', b"\xff\xfe{\x00}\x00", b"nul"])
def test_no_json(raw):
    """What is no JSON in UTF-8 is said to be none."""
    message = check_text(raw, HERE)

    assert isinstance(message, str)
    assert message.startswith("JSONDecodeError: ")


def test_member_that_stands_twice():
    """Of members with the same name the last counts."""
    root = json.dumps(ROOT)

    assert short(check_text(f'{{"Statement": [], "Statement": [{root}]}}', HERE)["use"]) == "account"
    assert short(check_text(f'{{"Statement": [{root}], "Statement": []}}', HERE)["use"]) == "nobody"
