"""Audiences of documents in which little decides: gaps between patterns, exemptions, absent keys, odd shapes."""

from __future__ import annotations

import json
import time
from random import Random

import pytest

from kmsguard.iam.check import check_text
from kmsguard.iam.texts import Deployment

OWN, TRUSTED, FOREIGN = "111122223333", "222233334444", "444455556666"
HERE = Deployment(OWN, "us-east-1", (TRUSTED,), ("o-abcdefghij",))


def allow(principal="*", condition=None, action="kms:*", effect="Allow", **more):
    """A statement on every resource."""
    out = {"Effect": effect, "Action": action, "Resource": "*", **more}
    if principal is not None:
        out["Principal"] = principal
    return {**out, "Condition": condition} if condition else out


def deny(principal="*", condition=None, **more):
    """The same that denies."""
    return allow(principal, condition, effect="Deny", **more)


def arn(name, account=OWN):
    """The ARN of a caller."""
    return f"arn:aws:iam::{account}:{name}"


def audience(*statements, action="kms:Decrypt", deployment=HERE, version="2012-10-17"):
    """The audience of one operation, or its bounds."""
    answers = check_text(json.dumps({"Version": version, "Statement": list(statements)}), deployment, action)
    assert isinstance(answers, dict)
    answer = answers[action]
    return answer["audience"] if "at_least" not in answer else f"{answer['at_least']}..{answer['at_most']}"


def like(key, *patterns, operator="StringLike"):
    """A condition on one key."""
    return {operator: {key: list(patterns)}}


CASES = {
    # narrow gaps
    "a Deny that leaves one account": (
        [allow(), deny(condition=like("aws:PrincipalAccount", FOREIGN, operator="StringNotEqualsIfExists"))],
        "external",
    ),
    "patterns that leave no gap": (
        [
            allow(condition=like("aws:PrincipalAccount", "*")),
            *(deny(condition=like("aws:PrincipalAccount", f"{d}*")) for d in range(10)),
        ],
        "nobody",
    ),
    "patterns that leave accounts with one digit": (
        [
            allow(condition={"Bool": {"aws:PrincipalIsAWSService": "false"}}),
            *(deny(condition=like("aws:PrincipalAccount", f"*{d}*")) for d in range(9)),
        ],
        "public",
    ),
    "a Deny on the only role name that is allowed": (
        [
            allow(condition=like("aws:PrincipalArn", "arn:aws:iam::*:role/a?")),
            deny(condition=like("aws:PrincipalArn", "*:role/a*")),
        ],
        "nobody",
    ),
    "a Deny that is one character too narrow": (
        [
            allow(condition=like("aws:PrincipalArn", "arn:aws:iam::*:role/a??")),
            deny(condition=like("aws:PrincipalArn", "*:role/a?")),
        ],
        "public",
    ),
    "a name that has to end in two ways": (
        [allow(condition={"StringLike": {"aws:PrincipalArn": "*x"}, "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:*y"}})],
        "nobody",
    ),
    "overlapping patterns of one key": (
        [
            allow(
                condition={
                    "StringLike": {"aws:UserAgent": "*ab*ba*"},
                    "StringNotLike": {"aws:UserAgent": ["*abba*", "ab*", "*ba"]},
                }
            )
        ],
        "public",
    ),
    "letters of either case": (
        [
            allow(condition={"StringEqualsIgnoreCase": {"aws:Referer": "ab"}}),
            deny(condition={"StringEquals": {"aws:Referer": ["ab", "aB", "Ab", "AB"]}}),
        ],
        "nobody",
    ),
    "all but one spelling": (
        [
            allow(condition={"StringEqualsIgnoreCase": {"aws:Referer": "ab"}}),
            deny(condition={"StringEquals": {"aws:Referer": ["ab", "aB", "Ab"]}}),
        ],
        "public",
    ),
    # who is named
    "a user by name": ([allow({"AWS": OWN}, like("aws:username", "alice", operator="StringEquals"))], "account-principals"),
    "a user by a pattern": ([allow({"AWS": OWN}, like("aws:username", "ali*"))], "account"),
    "everybody but the named": (
        [allow({"AWS": OWN}), deny({"AWS": [arn("role/a"), arn("user/b"), arn("root")]})],
        "nobody",  # the root entry reaches all of the account
    ),
    "a session by its ARN": ([allow({"AWS": f"arn:aws:sts::{OWN}:assumed-role/App/one"})], "account-principals"),
    "a role by a pattern names nobody": ([allow({"AWS": OWN}, like("aws:PrincipalArn", arn("role/App-*")))], "account"),
    "a caller named by a Deny": (
        [allow({"AWS": OWN}, like("aws:PrincipalArn", arn("role/App"), arn("role/B*"))), deny({"AWS": arn("role/App")})],
        "account",
    ),
    "another partition reaches nobody": ([allow({"AWS": f"arn:aws-cn:iam::{OWN}:root"})], "nobody"),
    "a wildcard in an ARN reaches nobody": ([allow({"AWS": ["arn:aws:iam::*:root", arn("role/*"), "AIDAEXAMPLE"]})], "nobody"),
    # mentioned accounts and organizations
    "twelve digits in a Sid": ([allow({"AWS": "444455556666"}, Sid="x444455556666y")], "external"),
    "a foreign account that only a Sid mentions": (
        [
            allow(Sid="team 555566667777"),
            deny(condition=like("aws:PrincipalAccount", "555566667777", operator="StringNotEquals")),
        ],
        "external",
    ),
    "thirteen digits are no account": (
        [
            allow(condition=like("aws:PrincipalAccount", "5555666677*"), Sid="5555666677778"),
            deny({"Service": "x.amazonaws.com"}),
        ],
        "public",
    ),
    "an organization that is mentioned": (
        [allow(condition=like("aws:PrincipalOrgID", "o-zzzzzzzzzz", operator="StringEquals"))],
        "external",
    ),
    "a user of a foreign account within the organization": (
        [allow({"AWS": arn("user/bob", FOREIGN)}, like("aws:PrincipalOrgID", "o-abcdefghij", operator="StringEquals"))],
        "organization",
    ),
    "an organization by its beginning": ([allow(condition=like("aws:PrincipalOrgID", "o-a*"))], "public"),
    # NotPrincipal
    "Allow for all but one role": (
        [allow(None, NotPrincipal={"AWS": arn("role/a")})],
        "public",
    ),
    "Allow for all but an account and its role": (
        [allow(None, NotPrincipal={"AWS": [FOREIGN, arn("role/a", FOREIGN)]}), deny({"Service": "x.amazonaws.com"})],
        "public",
    ),
    "Deny for all but a role with its account": (
        [allow({"AWS": arn("role/a")}), deny(None, NotPrincipal={"AWS": [arn("role/a"), arn("root")]})],
        "account-principals",
    ),
    "Deny for all but a role without its account": (
        [allow({"AWS": arn("role/a")}), deny(None, NotPrincipal={"AWS": arn("role/a")})],
        "nobody..account-principals",
    ),
    "Deny for all but a service": (
        [allow(), deny(None, NotPrincipal={"Service": "sns.amazonaws.com"})],
        "service",
    ),
    "Deny for all but everybody": ([allow(), deny(None, NotPrincipal="*")], "public"),
    # sets
    "ForAllValues holds without the key": (
        [allow(condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "x"}})],
        "public",
    ),
    "ForAnyValue needs the key": ([allow(condition={"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "x*"}})], "nobody"),
    "ForAnyValue with IfExists is not decided without the key": (
        [allow(condition={"ForAnyValue:StringLikeIfExists": {"aws:PrincipalOrgPaths": "x"}})],
        "nobody..public",
    ),
    "a set without prefix": ([allow(condition=like("kms:EncryptionContextKeys", "x"))], "nobody..public"),
    "all keys of the context are of one sort": (
        [
            allow(
                condition={
                    "ForAllValues:StringLike": {"kms:EncryptionContextKeys": "team-*"},
                    "Null": {"kms:EncryptionContextKeys": "false"},
                }
            ),
            deny(condition={"ForAnyValue:StringNotLike": {"kms:EncryptionContextKeys": "*-x"}}),
        ],
        "public",
    ),
    "a key of the context that is not among the keys": (
        [
            allow(condition={"Null": {"kms:EncryptionContext:App": "false"}}),
            deny(
                condition={
                    "ForAnyValue:StringEquals": {
                        "kms:EncryptionContextKeys": ["app", "App", "aPp", "apP", "APp", "ApP", "aPP", "APP"]
                    }
                }
            ),
        ],
        "nobody",
    ),
    "a name of the context in another case": (
        [
            allow(condition={"Null": {"kms:EncryptionContext:App": "false"}}),
            deny(condition={"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["app", "App"]}}),
        ],
        "public",
    ),
    # absent keys
    "negated operators hold without the key": (
        [allow(condition=like("aws:SourceAccount", OWN, operator="StringNotEquals"))],
        "public",
    ),
    "IfExists holds without the key": (
        [allow(condition=like("aws:PrincipalOrgID", "x", operator="StringEqualsIfExists"))],
        "public",
    ),
    "a key that is there always": ([allow(condition={"Null": {"aws:UserAgent": "true"}})], "nobody"),
    "a key that the operation does not carry": ([allow(condition=like("kms:SigningAlgorithm", "*"))], "nobody"),
    # ways
    "two ways at once": (
        [allow(condition={"Null": {"aws:SourceVpc": "false", "kms:ViaService": "false"}})],
        "nobody",
    ),
    "a VPC by its name": ([allow(condition=like("aws:SourceVpc", "vpc-1", operator="StringEquals"))], "external"),
    "a VPC by a pattern": ([allow(condition=like("aws:SourceVpc", "vpc-*"))], "public"),
    "an address of a VPC names no network": ([allow(condition={"IpAddress": {"aws:VpcSourceIp": "203.0.113.0/24"}})], "public"),
    "a wide range names no network": ([allow(condition={"IpAddress": {"aws:SourceIp": "8.0.0.0/7"}})], "public"),
    "a named range within a wide one": (
        [
            allow(
                condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "NotIpAddress": {"aws:SourceIp": "203.0.113.0/25"}}
            )
        ],
        "external",
    ),
    "calls via a service never come from a named network": (
        [allow(condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "Bool": {"aws:ViaAWSService": "true"}})],
        "nobody",
    ),
    # services
    "an ARN with the own account": (
        [allow({"Service": "sns.amazonaws.com"}, like("aws:SourceArn", f"arn:aws:sns:*:{OWN}:*", operator="ArnLike"))],
        "account-principals",
    ),
    "an ARN pattern that an account of nobody fits": (
        [allow({"Service": "sns.amazonaws.com"}, like("aws:SourceArn", "arn:aws:sns:*:1*:*", operator="ArnLike"))],
        "service",
    ),
    "a pattern that runs across the account": (
        [allow({"Service": "sns.amazonaws.com"}, like("aws:SourceArn", f"arn:aws:s3:::*{OWN}*"))],
        "service",
    ),
    "two views of one customer": (
        [
            allow(
                {"Service": "sns.amazonaws.com"},
                {"StringLike": {"aws:SourceAccount": "1*"}, "ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*2:*"}},
            )
        ],
        "service",
    ),
    "two views that exclude each other": (
        [
            allow(
                {"Service": "sns.amazonaws.com"},
                {"StringLike": {"aws:SourceAccount": "1*"}, "ArnLike": {"aws:SourceArn": "arn:aws:sns:*:2*:*"}},
            )
        ],
        "nobody",
    ),
    "the account of a service is nobody's": (
        [allow({"Service": "sns.amazonaws.com"}, like("kms:CallerAccount", OWN, FOREIGN, operator="StringEquals"))],
        "nobody",
    ),
    # numbers and times
    "no whole number between": (
        [
            allow(
                {"AWS": OWN},
                {"NumericGreaterThan": {"aws:MultiFactorAuthAge": "7"}, "NumericLessThan": {"aws:MultiFactorAuthAge": "8"}},
            ),
        ],
        "nobody",
    ),
    "the end of time": ([allow(condition={"DateGreaterThan": {"aws:CurrentTime": "2100-01-01T00:00:00Z"}})], "nobody"),
    "one second": (
        [
            allow(
                condition={
                    "DateGreaterThan": {"aws:CurrentTime": "2030-01-31"},
                    "DateLessThan": {"aws:EpochTime": "1896048002"},
                }
            )
        ],
        "public",
    ),
    "a number that is none": ([allow({"AWS": OWN}, {"NumericLessThan": {"aws:MultiFactorAuthAge": "1e3"}})], "nobody..account"),
    # policy variables
    "the caller's own account in its ARN": (
        [
            allow(condition={"ArnNotLike": {"aws:PrincipalArn": "arn:aws:*::${aws:PrincipalAccount}:*"}}),
            deny({"Service": "x.amazonaws.com"}),
        ],
        "service",
    ),
    "a tag that is the user's name and is not": (
        [
            allow(condition={"StringEquals": {"aws:PrincipalTag/owner": "${aws:username}"}}),
            deny(condition={"StringLike": {"aws:PrincipalTag/owner": "*${aws:username}*"}}),
        ],
        "nobody",
    ),
    "a tag that is the user's name in another case": (
        [
            allow(
                condition={
                    "StringEquals": {"aws:username": "alice", "aws:PrincipalTag/x": "ALICE"},
                    "StringEqualsIgnoreCase": {"aws:PrincipalTag/x": "${aws:username}"},
                }
            )
        ],
        "public",
    ),
    "a tag that is the ARN of one user in another case": (
        [
            allow(
                condition={
                    "StringEquals": {"aws:PrincipalTag/x": f"ARN:aws:iam::{OWN}:user/bob"},
                    "StringEqualsIgnoreCase": {"aws:PrincipalTag/x": "${aws:PrincipalArn}"},
                }
            )
        ],
        "account",
    ),
    "a fixed text against a tag in another case": (
        [
            allow(
                condition={
                    "StringEquals": {"aws:PrincipalTag/x": "user"},
                    "StringEqualsIgnoreCase": {"aws:PrincipalType": "${aws:PrincipalTag/x}"},
                }
            )
        ],
        "public",
    ),
    "a tag that is no account": (
        [
            allow(
                condition={
                    "StringEqualsIgnoreCase": {"aws:PrincipalTag/x": "${aws:PrincipalAccount}"},
                    "StringEqualsIgnoreCaseIfExists": {"aws:PrincipalTag/x": "x"},
                }
            )
        ],
        "nobody",
    ),
    "a tag that is no name of a user": (
        [
            allow(
                condition={
                    "StringEquals": {"aws:PrincipalTag/x": "${aws:username}"},
                    "StringEqualsIfExists": {"aws:PrincipalTag/x": "a*"},
                }
            )
        ],
        "nobody",
    ),
    "a tag that is another one, but not in the same case": (
        [
            allow(
                condition={
                    "StringEqualsIgnoreCase": {"aws:PrincipalTag/a": "${aws:PrincipalTag/b}"},
                    "StringNotEquals": {"aws:PrincipalTag/a": "${aws:PrincipalTag/b}"},
                }
            )
        ],
        "public",
    ),
    "a tag that is another one, but not in any case": (
        [
            allow(
                condition={
                    "StringEquals": {"aws:PrincipalTag/a": "${aws:PrincipalTag/b}"},
                    "StringNotEqualsIgnoreCase": {"aws:PrincipalTag/a": "${aws:PrincipalTag/b}"},
                }
            )
        ],
        "nobody",
    ),
    "two tags that are one, but not in the same case": (
        [
            allow(
                condition={
                    "StringEqualsIgnoreCase": {"aws:PrincipalTag/a": "${aws:PrincipalTag/b}"},
                    "StringNotEquals": {"aws:PrincipalTag/b": "${aws:PrincipalTag/a}"},
                    "Null": {"aws:PrincipalTag/a": "false"},
                }
            )
        ],
        "public",
    ),
    "a default that no user needs": (
        [
            allow(
                {"AWS": OWN},
                {
                    "StringLike": {"aws:PrincipalTag/x": "${aws:username, 'x'}"},
                    "StringNotEquals": {"aws:PrincipalTag/x": "${aws:username}"},
                    "Null": {"aws:username": "false"},
                },
            )
        ],
        "nobody",
    ),
    "an ARN that is the key itself is in one part": (
        [
            allow({"AWS": OWN}, {"ForAnyValue:StringLike": {"kms:EncryptionContext:App": "*"}}),
            deny(condition={"ArnLike": {"kms:EncryptionContext:App": "${kms:EncryptionContext:app}"}}),
        ],
        "nobody..account",
    ),
    "a default where the key is absent": (
        [
            allow(condition={"StringEquals": {"aws:PrincipalTag/owner": "${aws:PrincipalTag/team, 'none'}"}}),
            deny(condition={"Null": {"aws:PrincipalTag/team": "false"}}),
            deny(condition=like("aws:PrincipalTag/owner", "none", operator="StringNotEquals")),
        ],
        "public",
    ),
    "two keys that are longer than each other": (
        [
            allow(
                condition={
                    "StringEquals": {
                        "aws:PrincipalTag/a": "x${aws:PrincipalTag/b}",
                        "aws:PrincipalTag/b": "x${aws:PrincipalTag/a}",
                    }
                }
            )
        ],
        "nobody",
    ),
    "what is no ARN matches nothing where its variable is absent": (
        [allow(condition={"ArnNotEquals": {"aws:PrincipalArn": ["*/${aws:username}", "${aws:MultiFactorAuthPresent}"]}})],
        "public",
    ),
    "what is no ARN is not decided where its variable is there": (
        [
            allow(
                condition={
                    "ArnNotEquals": {"aws:PrincipalArn": "${aws:PrincipalTag/team}"},
                    "Null": {"aws:PrincipalTag/team": "false"},
                }
            ),
            deny(condition={"Bool": {"aws:PrincipalIsAWSService": "true"}}),
        ],
        "nobody..public",
    ),
    "an escaped wildcard": (
        [allow(condition=like("aws:Referer", "a${*}")), deny(condition=like("aws:Referer", "ab", operator="StringEquals"))],
        "public",
    ),
    # shapes
    "an empty list of actions": ([allow(action=[])], "nobody"),
    "an empty list of values": ([allow(condition={"StringNotEquals": {"aws:UserAgent": []}})], "public"),
    "no principal": ([allow(None)], "nobody"),
    "an unknown key": ([allow(condition=like("aws:CalledVia", "x"))], "nobody..public"),
    "an unknown operator": ([allow(condition={"StringSomething": {"aws:UserAgent": "x"}})], "nobody..public"),
    "an operator of another type": ([allow(condition={"StringEquals": {"aws:SourceIp": "1.2.3.4"}})], "nobody..public"),
    "a value that is left open beside one that matches": (
        [allow(condition={"StringEquals": {"aws:ResourceAccount": [OWN, {"Ref": "X"}]}})],
        "public",
    ),
}


@pytest.mark.parametrize(("statements", "expected"), CASES.values(), ids=CASES)
def test_audience(statements, expected):
    """Each document has the audience that its comment says."""
    assert audience(*statements) == expected


def test_variables_are_text_in_older_policies():
    """Only Version 2012-10-17 has policy variables."""
    statement = allow(condition={"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}})

    assert audience(statement) == "account"
    assert audience(statement, version="2008-10-17") == "nobody"


def test_partition_of_the_region():
    """In another partition other ARNs are callers."""
    statement = allow({"AWS": f"arn:aws-us-gov:iam::{OWN}:root"})

    assert audience(statement) == "nobody"
    assert audience(statement, deployment=Deployment(OWN, "us-gov-west-1")) == "account"


def test_region_of_a_resource():
    """Without Region, a Region in a resource decides nothing."""
    statement = allow(Resource=f"arn:aws:kms:eu-west-1:{OWN}:key/*")

    assert audience(statement) == "nobody"
    assert audience(statement, deployment=Deployment(OWN)) == "nobody..public"
    assert audience(statement, deployment=Deployment(OWN, "eu-west-1")) == "public"


def test_own_account_among_the_trusted_changes_nothing():
    """The own account in the list of trusted ones is the own account."""
    assert audience(allow({"AWS": OWN}), deployment=Deployment(OWN, trusted=(OWN,))) == "account"


def many(count):
    """Different statements that each let one role in, and a Deny for each."""
    for number in range(count):
        yield allow({"AWS": arn(f"role/r{number}")})
        yield deny({"AWS": arn(f"role/r{number}")})


LARGE = {
    "many roles": ([allow({"AWS": [arn(f"role/r{n}") for n in range(300)]})], "account-principals"),
    "many statements": (list(many(200)), "nobody"),
    "many accounts": ([allow({"AWS": [f"{n:012d}" for n in range(700000000000, 700000000300)]})], "external"),
    "overlapping stars": (
        [allow({"AWS": "*"}, like("aws:UserAgent", "*a*b*c*"))]
        + [deny(condition=like("aws:UserAgent", f"*{a}*{b}*", operator="StringNotLike")) for a in "abcde" for b in "vwxyz"],
        "public",
    ),
    "stars and question marks": (
        [
            allow(condition=like("aws:UserAgent", "*a" + "?" * 18)),
            deny(condition=like("aws:UserAgent", "*b" + "?" * 18, "*c" + "?" * 17)),
            deny(condition=like("aws:UserAgent", "*d" + "?" * 16, operator="StringNotLike")),
        ],
        "public",
    ),
    "a grid without a gap": (
        [
            allow(
                condition={
                    "StringLike": {
                        "aws:PrincipalTag/a": [f"{n}*" for n in range(6)],
                        "aws:PrincipalTag/b": [f"{n}*" for n in range(5)],
                    }
                }
            )
        ]
        + [
            deny(condition={"StringLike": {"aws:PrincipalTag/a": f"{a}*", "aws:PrincipalTag/b": f"{b}*"}})
            for a in range(6)
            for b in range(5)
        ],
        "nobody",
    ),
    "many addresses": (
        [allow(condition={"IpAddress": {"aws:SourceIp": [f"{n}.0.0.0/9" for n in range(11, 200)]}})],
        "external",
    ),
}


@pytest.mark.parametrize(("statements", "expected"), LARGE.values(), ids=LARGE)
def test_large_documents_are_quick(statements, expected):
    """What is large is judged exactly, in well under the time that anybody would notice."""
    start = time.process_time()

    assert audience(*statements) == expected
    assert time.process_time() - start < 2


def test_too_large_is_sound():
    """Beyond the budget the bounds still hold, the answer says why it is open, and it comes in time."""
    random = Random(1)
    tags = [f"aws:PrincipalTag/{number}" for number in range(60)]
    denied = []
    for _ in range(265):
        condition: dict[str, dict[str, str]] = {}
        for tag in random.sample(tags, 3):
            condition.setdefault(random.choice(["StringEquals", "StringNotEquals"]), {})[tag] = "1"
        denied.append(deny(condition=condition))
    start = time.process_time()
    answer = check_text(json.dumps({"Version": "2012-10-17", "Statement": [allow(), *denied]}), HERE, "kms:Decrypt")

    assert time.process_time() - start < 8
    assert answer == {
        "kms:Decrypt": {
            "audience": "unknown",
            "at_least": "nobody",
            "at_most": "public",
            "reason": "too large",
            "witness": None,
        }
    }


def test_lockout_is_seen_past_callers_that_are_not_decided():
    """That no user's tag both is and is not the user's name takes too long to find out; a role certainly puts a policy."""
    statements = [
        allow(condition={"StringNotEquals": {"aws:PrincipalTag/owner": "${aws:username}"}}, action="kms:PutKeyPolicy"),
        deny(condition={"StringNotLike": {"aws:PrincipalTag/owner": "${aws:username, 'x'}"}}),
        deny({"AWS": arn("root")}, condition={"StringEquals": {"aws:PrincipalType": "Account"}}),
    ]
    answers = check_text(json.dumps({"Version": "2012-10-17", "Statement": statements}), HERE)
    assert isinstance(answers, dict)
    assert answers["administer"]["audience"] == "account"
    assert answers["lockout"] is False
