"""Key policies as they are found in the wild, each with what the specification says of it, decided by hand.

AWS's own examples (https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html, and those of the services), and
every shape of principal, action, resource and condition that people write, right and wrong.
"""

from __future__ import annotations

import json

import pytest

from kmsguard.iam.check import check_text
from kmsguard.iam.texts import Deployment

OWN = "111122223333"
DEPLOYMENT = Deployment(OWN, "us-east-1", ("222233334444",), ("o-abcdefghij",))
N, AP, A, T = "nobody", "account-principals", "account", "trusted"
G, E, S, P = "organization", "external", "service", "public"
ROOT = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OWN}:root"}, "Action": "kms:*", "Resource": "*"}


def st(pr, act="kms:*", cond=None, eff="Allow", **k):
    """A statement."""
    s = {"Effect": eff, "Action": act, "Resource": "*"}
    if pr is not None:
        s["Principal"] = pr
    if cond:
        s["Condition"] = cond
    s.update(k)
    return s


CASES: list[tuple[str, dict, tuple]] = []


def svc(name):
    """A service as principal."""
    return {"Service": name}


def aws(name):
    """An AWS principal."""
    return {"AWS": name}


def c(name, stmts, use, grant, adm, sign, lock, version="2012-10-17", doc=None):
    """A case."""
    made = doc or {**({"Version": version} if version else {}), "Statement": stmts}
    CASES.append((name, made, (use, grant, adm, sign, lock)))


USEACT = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
ADMACT = [
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
    "kms:RotateKeyOnDemand",
]
GRT = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
console = [
    ROOT,
    st(aws(f"arn:aws:iam::{OWN}:role/Admin"), ADMACT),
    st(aws(f"arn:aws:iam::{OWN}:role/App"), USEACT),
    st(aws(f"arn:aws:iam::{OWN}:role/App"), ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], GRT),
]
c("default", [ROOT], A, A, A, A, False)
c("console", console, A, A, A, A, False)
c("console no root", console[1:], AP, AP, AP, N, False)  # kms:Create* gives CreateGrant to Admin
c(
    "console with external",
    [
        *console,
        st(aws("arn:aws:iam::444455556666:root"), USEACT),
        st(aws("arn:aws:iam::444455556666:root"), "kms:CreateGrant", GRT),
    ],
    E,
    E,
    A,
    A,
    False,
)
c(
    "cloudtrail",
    [
        ROOT,
        st(
            svc("cloudtrail.amazonaws.com"),
            "kms:GenerateDataKey*",
            {
                "StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{OWN}:trail/t"},
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{OWN}:trail/*"},
            },
        ),
        st(svc("cloudtrail.amazonaws.com"), "kms:DescribeKey"),
        st(
            aws("*"),
            ["kms:Decrypt", "kms:ReEncryptFrom"],
            {
                "StringEquals": {"kms:CallerAccount": OWN},
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{OWN}:trail/*"},
            },
        ),
    ],
    A,
    A,
    A,
    A,
    False,
)
c(
    "cloudtrail no source",
    [
        ROOT,
        st(
            svc("cloudtrail.amazonaws.com"),
            "kms:GenerateDataKey*",
            {
                "StringLike": {
                    "kms:EncryptionContext:aws:cloudtrail:arn": [
                        f"arn:aws:cloudtrail:*:{OWN}:trail/*",
                        "arn:aws:cloudtrail:*:444455556666:trail/*",
                    ]
                }
            },
        ),
    ],
    E,
    A,
    A,
    A,
    False,
)
c(
    "logs arn",
    [
        ROOT,
        st(
            svc("logs.us-east-1.amazonaws.com"),
            ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{OWN}:log-group:x"}},
        ),
    ],
    A,
    A,
    A,
    A,
    False,
)
c(
    "logs all groups *",
    [
        ROOT,
        st(
            svc("logs.us-east-1.amazonaws.com"),
            ["kms:Encrypt*"],
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:*:*"}},
        ),
    ],
    S,
    A,
    A,
    A,
    False,
)
c("sns cw alarms", [ROOT, st(svc("cloudwatch.amazonaws.com"), ["kms:Decrypt", "kms:GenerateDataKey*"])], S, A, A, A, False)
c(
    "sqs s3 SourceAccount",
    [
        ROOT,
        st(
            svc("s3.amazonaws.com"),
            ["kms:Decrypt", "kms:GenerateDataKey"],
            {"StringEquals": {"aws:SourceAccount": OWN}, "ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}},
        ),
    ],
    A,
    A,
    A,
    A,
    False,
)
c(
    "s3 SourceAccount trusted",
    [ROOT, st(svc("s3.amazonaws.com"), "kms:Decrypt", {"StringEquals": {"aws:SourceAccount": "222233334444"}})],
    T,
    A,
    A,
    A,
    False,
)
c(
    "s3 SourceAccount ext",
    [ROOT, st(svc("s3.amazonaws.com"), "kms:Decrypt", {"StringEquals": {"aws:SourceAccount": ["444455556666", OWN]}})],
    E,
    A,
    A,
    A,
    False,
)
c(
    "events",
    [
        ROOT,
        st(
            svc("events.amazonaws.com"),
            ["kms:GenerateDataKey", "kms:Decrypt"],
            {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:us-east-1:{OWN}:rule/r"}},
        ),
    ],
    A,
    A,
    A,
    A,
    False,
)
c(
    "SourceOrgID ours",
    [ROOT, st(svc("sns.amazonaws.com"), "kms:Decrypt", {"StringEquals": {"aws:SourceOrgID": "o-abcdefghij"}})],
    G,
    A,
    A,
    A,
    False,
)
c(
    "SourceOrgID other",
    [ROOT, st(svc("sns.amazonaws.com"), "kms:Decrypt", {"StringEquals": {"aws:SourceOrgID": "o-zzzzzzzzzz"}})],
    E,
    A,
    A,
    A,
    False,
)
c(
    "SourceOrgPaths",
    [
        ROOT,
        st(
            svc("sns.amazonaws.com"),
            "kms:Decrypt",
            {"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-abcdefghij/r-abcd/ou-*"}},
        ),
    ],
    G,
    A,
    A,
    A,
    False,
)
c("PrincipalOrgID", [st("*", "kms:Decrypt", {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}})], G, N, N, N, True)
c("PrincipalOrgID other", [st("*", "kms:*", {"StringEquals": {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}})], E, E, N, E, True)
c(
    "PrincipalOrgPaths no prefix",
    [st("*", "kms:Decrypt", {"StringLike": {"aws:PrincipalOrgPaths": "o-abcdefghij/*"}})],
    ("u", N, P),
    N,
    N,
    N,
    True,
)
c("PrincipalAccount", [st("*", "kms:*", {"StringEquals": {"aws:PrincipalAccount": OWN}})], A, A, A, A, False)
c(
    "CallerAccount list",
    [st("*", "kms:*", {"StringEquals": {"kms:CallerAccount": [OWN, "222233334444", "444455556666"]}})],
    E,
    E,
    A,
    E,
    False,
)
c("CallerAccount not", [st("*", "kms:Decrypt", {"StringNotEquals": {"kms:CallerAccount": OWN}})], P, N, N, N, True)
c("ViaService", [st("*", USEACT, {"StringEquals": {"kms:ViaService": "rds.us-east-1.amazonaws.com"}})], P, N, N, N, True)
c(
    "aws managed rds",
    [
        ROOT,
        st(
            aws("*"),
            ["kms:Encrypt", "kms:Decrypt", "kms:CreateGrant"],
            {"StringEquals": {"kms:CallerAccount": OWN, "kms:ViaService": "rds.us-east-1.amazonaws.com"}},
        ),
    ],
    A,
    A,
    A,
    A,
    False,
)
c(
    "EncryptionContext",
    [st(aws(f"arn:aws:iam::{OWN}:role/x"), "kms:Decrypt", {"StringEquals": {"kms:EncryptionContext:App": "x"}})],
    AP,
    N,
    N,
    N,
    True,
)
c("EC public", [st("*", "kms:Decrypt", {"StringEquals": {"kms:EncryptionContext:App": "x"}})], P, N, N, N, True)
c("RequestAlias", [st(aws(OWN), "kms:*", {"StringEquals": {"kms:RequestAlias": "alias/x"}})], A, N, N, A, True)
c("RequestAlias like neg", [st(aws(OWN), "kms:*", {"StringNotLike": {"kms:RequestAlias": "alias/x*"}})], A, A, A, A, False)
c(
    "ResourceAliases",
    [ROOT, st("*", "kms:Decrypt", {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/x"}})],
    ("u", A, P),
    A,
    A,
    A,
    False,
)
c(
    "PrincipalArn wild own",
    [st("*", "kms:*", {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/*"}})],
    A,
    A,
    A,
    A,
    False,
)
c(
    "PrincipalArn wild any",
    [st("*", "kms:Decrypt", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Admin"}})],
    P,
    N,
    N,
    N,
    True,
)
c(
    "PrincipalArn exact own",
    [st("*", "kms:*", {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/A"}})],
    AP,
    AP,
    AP,
    AP,
    False,
)
c(
    "PrincipalArn ext",
    [ROOT, st("*", "kms:Decrypt", {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::444455556666:*"}})],
    E,
    A,
    A,
    A,
    False,
)
c("PrincipalArn suffix", [st("*", "kms:Decrypt", {"StringLike": {"aws:PrincipalArn": "*:role/App"}})], P, N, N, N, True)
c("PrincipalTag", [st("*", "kms:Decrypt", {"StringEquals": {"aws:PrincipalTag/team": "x"}})], P, N, N, N, True)
c("PrincipalTag own", [st(aws(OWN), "kms:Decrypt", {"StringEquals": {"aws:PrincipalTag/team": "x"}})], A, N, N, N, True)
c("MFA", [st(aws(OWN), "kms:*", {"Bool": {"aws:MultiFactorAuthPresent": "true"}})], A, A, A, A, False)
c(
    "MFA deny BoolIfExists",
    [ROOT, st("*", "kms:*", {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, "Deny")],
    A,
    A,
    A,
    A,
    False,
)
c("SourceVpce", [st("*", "kms:Decrypt", {"StringEquals": {"aws:SourceVpce": "vpce-1"}})], E, N, N, N, True)
c("SourceVpc pattern", [st("*", "kms:Decrypt", {"StringLike": {"aws:SourceVpc": "vpc-*"}})], P, N, N, N, True)
c("SourceVpc neg deny", [ROOT, st("*", "kms:*", {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}, "Deny")], A, A, A, A, False)
c("SourceIp", [st("*", "kms:Decrypt", {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}})], E, N, N, N, True)
c("SourceIp wide", [st("*", "kms:Decrypt", {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})], P, N, N, N, True)
c(
    "SourceIp priv",
    [st("*", "kms:Decrypt", {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}})],
    N,
    N,
    N,
    N,
    True,
)
c(
    "SourceIp mask",
    [st("*", "kms:Decrypt", {"IpAddress": {"aws:SourceIp": "1.2.3.0/255.255.255.0"}})],
    ("u", N, P),
    N,
    N,
    N,
    True,
)
c("SecureTransport deny", [ROOT, st("*", "kms:*", {"Bool": {"aws:SecureTransport": "false"}}, "Deny")], A, A, A, A, False)
c("SecureTransport deny true", [ROOT, st("*", "kms:*", {"Bool": {"aws:SecureTransport": "true"}}, "Deny")], N, N, N, N, True)
c("CurrentTime", [st("*", "kms:Decrypt", {"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}})], P, N, N, N, True)
c(
    "CurrentTime never",
    [
        st(
            "*",
            "kms:Decrypt",
            {
                "DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"},
                "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:01Z"},
            },
        )
    ],
    N,
    N,
    N,
    N,
    True,
)
c("IsAWSService", [st("*", "kms:*", {"Bool": {"aws:PrincipalIsAWSService": "true"}})], S, S, N, S, True)
c(
    "PrincipalServiceName",
    [st("*", "kms:Decrypt", {"StringEquals": {"aws:PrincipalServiceName": "sns.amazonaws.com"}})],
    S,
    N,
    N,
    N,
    True,
)
c("ViaAWSService", [st(aws(OWN), "kms:*", {"Bool": {"aws:ViaAWSService": "true"}})], A, A, A, A, False)
c(
    "CalledVia",
    [ROOT, st("*", "kms:Decrypt", {"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}})],
    ("u", A, P),
    A,
    A,
    A,
    False,
)
c(
    "FederatedProvider",
    [ROOT, st("*", "kms:Decrypt", {"StringEquals": {"aws:FederatedProvider": "x"}})],
    ("u", A, P),
    A,
    A,
    A,
    False,
)
c(
    "OIDC principal",
    [ROOT, st({"Federated": f"arn:aws:iam::{OWN}:oidc-provider/token.actions.githubusercontent.com"}, "kms:Decrypt")],
    A,
    A,
    A,
    A,
    False,
)
c("SAML only", [st({"Federated": f"arn:aws:iam::{OWN}:saml-provider/x"})], N, N, N, N, True)
c("session", [st(aws(f"arn:aws:sts::{OWN}:assumed-role/App/alice"))], AP, AP, AP, AP, False)
c("session ext", [ROOT, st(aws("arn:aws:sts::444455556666:assumed-role/App/alice"), "kms:Decrypt")], E, A, A, A, False)
c("federated user", [st(aws(f"arn:aws:sts::{OWN}:federated-user/f"))], AP, AP, AP, AP, False)
c("canonical", [st({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"})], N, N, N, N, True)
c("cn root", [st(aws(f"arn:aws-cn:iam::{OWN}:root"))], N, N, N, N, True)
c("gov root", [st(aws(f"arn:aws-us-gov:iam::{OWN}:root"))], N, N, N, N, True)
c(
    "root other",
    [ROOT, st(aws(["arn:aws:iam::444455556666:root", "arn:aws:iam::222233334444:root"]), "kms:*")],
    E,
    E,
    A,
    E,
    False,
)
c("bare ids", [st(aws([OWN, "222233334444"]))], T, T, A, T, False)
c("AWS *", [st(aws("*"))], P, P, A, P, False)
c("AWS [*]", [st(aws(["*"]))], P, P, A, P, False)
c("* Decrypt", [st("*", "kms:Decrypt*")], P, N, N, N, True)
c("action *", [st(aws(OWN), "*")], A, A, A, A, False)
c("NotAction allow", [st(aws(OWN), None, NotAction="kms:Decrypt")], A, A, A, A, False)
CASES[-1][1]["Statement"][0].pop("Action")
c("NotAction kms:*", [st(aws(OWN), None, NotAction="kms:*")], N, N, N, N, True)
CASES[-1][1]["Statement"][0].pop("Action")
c("NotPrincipal allow", [st(None, "kms:Decrypt", NotPrincipal=aws(f"arn:aws:iam::{OWN}:role/x"))], P, N, N, N, True)
c("NotPrincipal allow root", [st(None, "kms:Decrypt", NotPrincipal=aws(f"arn:aws:iam::{OWN}:root"))], P, N, N, N, True)
c(
    "NotPrincipal deny",
    [ROOT, st(None, "kms:*", None, "Deny", NotPrincipal=aws([f"arn:aws:iam::{OWN}:role/x", f"arn:aws:iam::{OWN}:root"]))],
    ("u", AP, A),
    ("u", AP, A),
    ("u", AP, A),
    ("u", AP, A),
    False,
)
c("NotPrincipal deny *", [ROOT, st(None, "kms:*", None, "Deny", NotPrincipal="*")], A, A, A, A, False)
c("deny all", [ROOT, st("*", "kms:*", None, "Deny")], N, N, N, N, True)
c(
    "deny admin but role",
    [
        ROOT,
        st(
            "*",
            ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"],
            {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/KeyAdmin"}},
            "Deny",
        ),
    ],
    A,
    A,
    A,
    A,
    False,
)
c(
    "deny all but role",
    [ROOT, st("*", "kms:*", {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/KeyAdmin"}}, "Deny")],
    AP,
    AP,
    AP,
    AP,
    False,
)
c(
    "deny outside org",
    [ROOT, st(aws("*"), USEACT), st("*", "kms:*", {"StringNotEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}, "Deny")],
    G,
    A,
    A,
    A,
    False,
)
c(
    "2008 variable",
    [st(aws(OWN), "kms:Decrypt", {"StringEquals": {"aws:username": "${aws:username}"}})],
    N,
    N,
    N,
    N,
    True,
    version=None,
)
c("2012 variable", [st(aws(OWN), "kms:Decrypt", {"StringEquals": {"aws:username": "${aws:username}"}})], A, N, N, N, True)
c("version unknown", [ROOT], A, A, A, A, False, version="2020-01-01")
c(
    "tf placeholder principal",
    [st(aws("arn:aws:iam::${var.account}:root"))],
    ("u", N, P),
    ("u", N, P),
    ("u", N, A),
    ("u", N, P),
    None,
)
c("jinja", [st(aws("arn:aws:iam::{{ account }}:root"))], N, N, N, N, True)
c("angle", [st(aws("arn:aws:iam::<ACCOUNT>:root"))], N, N, N, N, True)
c("unknown op", [st("*", "kms:Decrypt", {"StringContains": {"aws:username": "x"}})], ("u", N, P), N, N, N, True)
c("Binary", [st("*", "kms:Decrypt", {"BinaryEquals": {"aws:username": "x"}})], ("u", N, P), N, N, N, True)
c("Null", [st("*", "kms:Decrypt", {"Null": {"aws:SourceVpc": "false"}})], P, N, N, N, True)
c("Null account", [st("*", "kms:*", {"Null": {"kms:CallerAccount": "true"}})], N, N, N, N, True)
c("resource other account", [st(aws(OWN), "kms:*", Resource="arn:aws:kms:us-east-1:444455556666:key/x")], N, N, N, N, True)
c(
    "resource own key",
    [st(aws(OWN), "kms:*", Resource=f"arn:aws:kms:us-east-1:{OWN}:key/abc")],
    ("u", N, A),
    ("u", N, A),
    ("u", N, A),
    ("u", N, A),
    None,
)
c("resource alias", [st(aws(OWN), "kms:*", Resource=f"arn:aws:kms:us-east-1:{OWN}:alias/abc")], N, N, N, N, True)
c("no resource", [{"Effect": "Allow", "Principal": "*", "Action": "kms:*"}], N, N, N, N, True)
c("no principal", [{"Effect": "Allow", "Resource": "*", "Action": "kms:*"}], N, N, N, N, True)
c("lower-case members", [{"Effect": "Allow", "principal": "*", "Action": "kms:*", "Resource": "*"}], N, N, N, N, True)
c("star star", [st("*", ["kms:Dec*ypt**", "KMS:SIGN"])], P, N, N, P, True)
c(
    "grant cond op",
    [
        st(
            "*",
            "kms:CreateGrant",
            {
                "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt"]},
                "StringEquals": {"kms:GranteePrincipal": f"arn:aws:iam::{OWN}:role/x"},
            },
        )
    ],
    N,
    P,
    N,
    N,
    True,
)
c(
    "via+caller trusted",
    [
        ROOT,
        st(
            "*",
            "kms:Decrypt",
            {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:CallerAccount": ["222233334444"]}},
        ),
    ],
    T,
    A,
    A,
    A,
    False,
)
c("case-ins key", [st("*", "kms:Decrypt", {"stringequals": {"KMS:calleraccount": OWN}})], A, N, N, N, True)
c(
    "SourceArn no account",
    [st(svc("s3.amazonaws.com"), "kms:Decrypt", {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b*"}})],
    S,
    N,
    N,
    N,
    True,
)
c(
    "SourceAccount ifexists",
    [st(svc("s3.amazonaws.com"), "kms:Decrypt", {"StringEqualsIfExists": {"aws:SourceAccount": OWN}})],
    S,
    N,
    N,
    N,
    True,
)
c("service *", [st(svc("*"))], N, N, N, N, True)
c("service star via AWS * isservice", [st("*", "kms:Decrypt", {"StringEquals": {"aws:SourceAccount": OWN}})], AP, N, N, N, True)
c("group", [st(aws(f"arn:aws:iam::{OWN}:group/g"))], N, N, N, N, True)
c("user path", [st(aws(f"arn:aws:iam::{OWN}:user/a/b/alice"))], AP, AP, AP, AP, False)
c("AIDA", [st(aws("AIDAJQABLZS4A3QDU576Q")), ROOT], A, A, A, A, False)
c("role/*", [st(aws(f"arn:aws:iam::{OWN}:role/*"))], N, N, N, N, True)
c(
    "numeric del window",
    [st(aws(OWN), "kms:ScheduleKeyDeletion", {"NumericGreaterThanEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": 30}})],
    N,
    N,
    A,
    N,
    True,
)
c(
    "bypass lockout",
    [st(aws(OWN), "kms:PutKeyPolicy", {"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}})],
    N,
    N,
    A,
    N,
    False,
)
c("ReEncryptOnSameKey", [st("*", "kms:ReEncrypt*", {"Bool": {"kms:ReEncryptOnSameKey": True}})], P, N, N, N, True)
c("empty statements", [], N, N, N, N, True)
c("single statement", None, A, A, A, A, False, doc={"Version": "2012-10-17", "Statement": ROOT})
c("Condition null", [{**ROOT, "Condition": None}], A, A, A, A, False)
c("principal list", [st(["*"])], ("u", N, P), ("u", N, P), ("u", N, A), ("u", N, P), None)
c("principal Ref", [st({"Ref": "X"})], ("u", N, P), ("u", N, P), ("u", N, A), ("u", N, P), None)
c(
    "Fn::Sub",
    [st(aws({"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}))],
    ("u", N, P),
    ("u", N, P),
    ("u", N, A),
    ("u", N, P),
    None,
)
c("username own", [st(aws(OWN), "kms:Decrypt", {"StringLike": {"aws:username": "a*"}})], A, N, N, N, True)
c("PrincipalType", [st("*", "kms:*", {"StringEquals": {"aws:PrincipalType": "User"}})], P, P, A, P, False)
c("ssm session", [ROOT, st(svc(["ec2.amazonaws.com", "autoscaling.amazonaws.com"]), USEACT)], S, A, A, A, False)
c(
    "slr autoscaling",
    [
        ROOT,
        st(aws(f"arn:aws:iam::{OWN}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"), USEACT),
        st(
            aws(f"arn:aws:iam::{OWN}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"),
            "kms:CreateGrant",
            GRT,
        ),
    ],
    A,
    A,
    A,
    A,
    False,
)
c(
    "config svc",
    [
        ROOT,
        st(svc("config.amazonaws.com"), ["kms:Decrypt", "kms:GenerateDataKey"], {"StringEquals": {"AWS:SourceAccount": OWN}}),
    ],
    A,
    A,
    A,
    A,
    False,
)
c(
    "deny no mfa age",
    [ROOT, st(aws("*"), "kms:*", {"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "3600"}}, "Deny")],
    A,
    A,
    A,
    A,
    False,
)
c(
    "deny svc exempt",
    [
        st("*"),
        st(
            "*",
            "kms:*",
            {"StringNotEqualsIfExists": {"aws:PrincipalAccount": OWN}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}},
            "Deny",
        ),
    ],
    S,
    S,
    A,
    S,
    False,
)
c("UserAgent", [st("*", "kms:Decrypt", {"StringLike": {"aws:UserAgent": "*boto*"}})], P, N, N, N, True)
c("mention in Sid", [st("*", "kms:Decrypt", Sid="for444455556666")], P, N, N, N, True)


@pytest.mark.parametrize(("document", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_policy(document, expected):
    """The audiences of use, grant, administer and sign (a pair: the bounds of `unknown`), and the lockout."""
    answers = check_text(json.dumps(document), DEPLOYMENT)

    assert isinstance(answers, dict)
    found = [answers[name] for name in ("use", "grant", "administer", "sign")]
    shown = [one["audience"] if one["audience"] != "unknown" else ("u", one["at_least"], one["at_most"]) for one in found]
    assert (*shown, answers["lockout"]) == expected
