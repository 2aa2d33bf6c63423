"""Random policy documents out of few values, so that patterns overlap."""

from __future__ import annotations

import json
from random import Random

OWN, TRUSTED, FOREIGN = "111122223333", "222233334444", "444455556666"
ORGANIZATION, OTHER_ORGANIZATION = "o-abcdefghij", "o-zzzzzzzzzz"

ARNS = [
    form.format(account)
    for account in (OWN, OWN, TRUSTED, FOREIGN)
    for form in (
        "arn:aws:iam::{}:root",
        "{}",
        "arn:aws:iam::{}:role/App",
        "arn:aws:iam::{}:role/team/App",
        "arn:aws:iam::{}:user/alice",
        "arn:aws:sts::{}:assumed-role/App/s1",
        "arn:aws:sts::{}:federated-user/fed",
    )
]
ODD = [
    *["arn:aws:iam::${AWS::AccountId}:root", {"Ref": "X"}, None, "AIDAEXAMPLEEXAMPLE", f"arn:aws-cn:iam::{OWN}:root"],
    *["arn:aws:iam::*:root", f"arn:aws:iam::{OWN}:role/*", "${aws:PrincipalArn}", "**", f"arn:aws:iam::{OWN}:group/g"],
]
SERVICES = ["logs.us-east-1.amazonaws.com", "sns.amazonaws.com", "*", "${var.x}", "s3.amazonaws.com"]
BROAD: list[object] = [
    *["*", {"AWS": "*"}, {"AWS": OWN}, {"AWS": [FOREIGN, TRUSTED], "Service": "sns.amazonaws.com"}],
    *[{"AWS": [FOREIGN, "*"]}, {"AWS": f"arn:aws:iam::{OWN}:root"}],
]
OTHER: list[object] = [
    *[{}, None, {"Ref": "Y"}, {"Federated": "*"}, {"CanonicalUser": "*"}, ["*"], "${P}", "x", 7, False],
    *[{"AWS": []}, {"Federated": "cognito-identity.amazonaws.com"}, {"aws": "*"}, {"Service": [*SERVICES[:2]]}],
]
ACTIONS: list[object] = [
    *["kms:*", "*", "kms:Decrypt", "KMS:de?rypt", ["kms:Encrypt*", "kms:Sign"], "kms:CreateGrant", "kms:Put*", "${x}", []],
    *[["kms:ScheduleKeyDeletion", "kms:Sign"], "kms:ReEncrypt*", "kms:Enable*", ["s3:*"], "kms:*Grant*", ["kms:Verify", None]],
    *["kms:GenerateDataKeyPair*", "k*:*n", "kms", "kms:${*}", ["kms:ReplicateKey", "kms:ImportKeyMaterial", "kms:Gen*"]],
]
RESOURCES: list[object] = [
    *["arn:aws:kms:*:*:key/*", f"arn:aws:kms:us-east-1:{OWN}:key/x", "alias/x", f"arn:aws:kms:*:{OWN}:alias/x", []],
    *[["alias/x", "*"], "arn:aws:kms:us-*:*:*", "arn:aws:s3:::b", "arn:aws:kms:eu-*:*:key/*", {"Ref": "K"}, "arn:*:k?s:*:1*:*"],
    *[f"arn:aws:kms:us-east-1:{FOREIGN}:key/*", "arn:aws:kms:*:*:key/${*}", "**", "key/*"],
]

SIDS = [
    "a",
    f"for{FOREIGN}x",
    "555566667777",
    "1234567890123",
    OTHER_ORGANIZATION,
    "xo-qqqqqqqqqqqq",
    "${Sid}",
    7,
    {"Ref": "S"},
]
BOTH = {"Action": "kms:Decrypt", "NotAction": "kms:Decrypt", "Resource": "alias/x", "NotResource": "*"}
FORMS = [
    *[
        "${aws:username}-${aws:PrincipalTag/owner}",
        "${aws:PrincipalAccount}*",
        "?${aws:PrincipalTag/team}",
        "${aws:username, 'a'}b",
    ],
    *[
        "*${aws:PrincipalTag/owner}*",
        "${aws:PrincipalTag/team, '${*}'}",
        "${aws:SourceIp}",
        "${aws:CurrentTime}",
        "${aws:PrincipalType}",
    ],
    *["${aws:PrincipalOrgID}", "${kms:ViaService}", "${kms:EncryptionContext:App}", "${aws:PrincipalArn}", "${aws:SourceArn}"],
    *[
        "${kms:EncryptionContextKeys}",
        "${aws:PrincipalOrgPaths, 'o'}",
        "${AWS:USERNAME}",
        "${aws:username, 'x}",
        "${?}*",
        "a${$}{b}",
    ],
    *[
        "${aws:MultiFactorAuthPresent}",
        "${aws:PrincipalIsAWSService}",
        "${aws:PrincipalServiceName}",
        "${aws:userid}",
        "${aws:}",
    ],
]
GROUPS = [
    *[
        ["aws:PrincipalTag/owner", "aws:username"],
        ["aws:SourceArn", "aws:SourceAccount"],
        ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"],
    ],
    *[["aws:SourceOrgID", "aws:SourceOrgPaths"], ["kms:EncryptionContext:App", "kms:EncryptionContextKeys"]],
    *[
        ["kms:CallerAccount", "kms:ViaService"],
        ["aws:PrincipalArn", "aws:username"],
        ["aws:PrincipalTag/team", "aws:PrincipalTag/owner"],
    ],
    *[["kms:GranteePrincipal", "aws:PrincipalArn"], ["kms:EncryptionContext:aws:logs:arn", "aws:SourceArn"]],
]

TEXTS: dict[str, list[object]] = {
    "aws:PrincipalAccount": [OWN, TRUSTED, FOREIGN, "4*", "*", "????????????", "${aws:ResourceAccount}", 444455556666],
    "kms:CallerAccount": [OWN, FOREIGN, "${aws:PrincipalAccount}", "1111????3333"],
    "aws:PrincipalArn": [
        *["arn:aws:iam::*:role/App", f"arn:aws:iam::{OWN}:role/App", f"arn:aws:iam::{FOREIGN}:user/*", "*"],
        *["arn:aws:iam::${aws:PrincipalAccount}:role/*", "*/${aws:username}", "arn:*:iam::?????????666:*"],
        *[f"arn:aws:iam::{OWN}:role/team/*", f"arn:aws:sts::{OWN}:*", "*:root", f"arn:aws:iam::{OWN}:user/alice", "*/App"],
    ],
    "aws:PrincipalOrgID": [ORGANIZATION, OTHER_ORGANIZATION, "o-*", "*", "O-ABCDEFGHIJ"],
    "aws:PrincipalOrgPaths": [
        *[ORGANIZATION + "/*", "*/ou-abcd-12345678/*", "${aws:PrincipalOrgID}/r-*", f"{OTHER_ORGANIZATION}/r-abcd/"],
    ],
    "aws:PrincipalType": ["User", "AssumedRole", "Account", "*", "FederatedUser", "user"],
    "aws:PrincipalServiceName": ["sns.amazonaws.com", "s*", "logs.*.amazonaws.com", "SNS.amazonaws.com"],
    "aws:username": ["alice", "a*", "${aws:PrincipalTag/owner}", "${*}", "Alice", "al?ce"],
    "aws:PrincipalTag/owner": [
        *["x", "${aws:username}", "a*", "${aws:PrincipalTag/team, 'none'}", "${aws:PrincipalAccount}", "${aws:username, 'x'}"],
    ],
    "aws:PrincipalTag/team": ["x", "b*", "${aws:PrincipalTag/owner}", "${aws:PrincipalTag/Owner}-?", "${*}", "${saml:sub}"],
    "aws:SourceIdentity": ["x", "a*", "${aws:PrincipalTag/owner}"],
    "kms:ViaService": ["s3.us-east-1.amazonaws.com", "s3.*.amazonaws.com", "*", "s3.amazonaws.com*"],
    "aws:SourceVpc": ["vpc-1", "vpc-*", "${aws:PrincipalTag/team}"],
    "aws:SourceVpce": ["vpce-1", "*"],
    "aws:UserAgent": ["x", "*y*", "?*"],
    "aws:Referer": ["x", "*"],
    "aws:ResourceAccount": [OWN, "${aws:PrincipalAccount}", FOREIGN, "1*", "${aws:SourceAccount}"],
    "aws:SourceAccount": [OWN, TRUSTED, FOREIGN, "4*", "${aws:ResourceAccount}", "*", "${aws:SourceAccount}"],
    "aws:SourceArn": [
        *["arn:aws:s3:::b", f"arn:aws:logs:*:{OWN}:*", "arn:aws:sns:*:4*:*", "arn:aws:*:*:${aws:SourceAccount}:*"],
        *[f"*{FOREIGN}*", "arn:aws:s3", f"arn:aws:sns:us-east-1:{FOREIGN}:t", "arn:aws:s3:::*", "*", "arn:aws:*:*:*:*"],
    ],
    "aws:SourceOrgID": [ORGANIZATION, "*", OTHER_ORGANIZATION],
    "aws:SourceOrgPaths": [ORGANIZATION + "/*", "*", "${aws:SourceOrgID}/r-abcd/*"],
    "kms:EncryptionContext:aws:logs:arn": [
        f"arn:aws:logs:us-east-1:{OWN}:*",
        "*",
        "arn:aws:logs:*:${aws:SourceAccount}:*",
        "x",
    ],
    "kms:EncryptionContext:App": ["x", "*", "${aws:username}", "${kms:EncryptionContext:app}", "X"],
    "kms:EncryptionContextKeys": ["App", "app", "x*", "aws:logs:arn", "*"],
    "kms:GrantOperations": ["Decrypt", "*crypt", "Encrypt", "Sign"],
    "kms:GranteePrincipal": ["x", "a*", "${aws:PrincipalArn}"],
    "kms:RetiringPrincipal": ["x", "*"],
    "kms:GrantConstraintType": ["EncryptionContextSubset", "Enc*"],
    "kms:EncryptionAlgorithm": ["SYMMETRIC_DEFAULT", "*"],
    "kms:SigningAlgorithm": ["x", "RSA*"],
    "kms:DataKeyPairSpec": ["x", "ECC*"],
    "kms:KeyAgreementAlgorithm": ["ECDH"],
    "kms:MacAlgorithm": ["HMAC_SHA_256"],
    "kms:RequestAlias": ["alias/x", "alias/${aws:PrincipalTag/team}", "*"],
    "kms:ReplicaRegion": ["eu-west-1", "eu-*"],
    "kms:ExpirationModel": ["x"],
    "kms:KeySpec": ["x"],
    "kms:MessageType": ["RAW", "*"],
    "kms:PrimaryRegion": ["eu-west-1", "eu-*"],
    "kms:MultiRegion": ["true"],
    "aws:CalledVia": ["athena.amazonaws.com"],
    "aws:PrincipalServiceNamesList": ["sns.amazonaws.com"],
    "kms:ResourceAliases": ["alias/x"],
    "aws:PrincipalTag/": ["x"],
}
BOOLEANS = [
    *["aws:PrincipalIsAWSService", "aws:MultiFactorAuthPresent", "aws:ViaAWSService", "aws:SecureTransport"],
    *["kms:GrantIsForAWSResource", "kms:ReEncryptOnSameKey", "kms:BypassPolicyLockoutSafetyCheck"],
]
NUMBERS = ["aws:MultiFactorAuthAge", "kms:ScheduleKeyDeletionPendingWindowInDays", "kms:RotationPeriodInDays"]
NUMERALS = ["7", 7, "7.5", "30", "1e3", "-1", "+90", "129600", "0", 3600, "2560"]
TIMES = ["aws:CurrentTime", "aws:EpochTime"]
INSTANTS = [
    *["2020-01-01T00:00:00Z", "2030-01-31", "2030", "1969", "2101-01-01", "0", "-5", "4102444800", "2030-02-30", "1.5"],
    *["2027-05-04T03:02:01Z", "2027-05-04T03:02Z", "2027-05", 1700000000, "1900000000.5", "2030-01-31T10:00:00+01:00"],
]
RANGES = [
    *["203.0.113.0/24", "203.0.113.128/25", "0.0.0.0/1", "10.0.0.0/8", "8.0.0.0/7", "2001:db8::/32", "1.2.3.4", "1.2.3.0/x"],
    *["0.0.0.0/0", "::/0", "203.0.113.77/24", "2001:db8:1::/48", "2001::/16", "192.168.0.0/16", "fd00::/8", "2001:db8::1"],
    *["128.0.0.0/1", "fe80::1%eth0", "203.0.113.0/255.255.255.0"],
]
STRING_BASES = [
    *["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
]
ARN_BASES = ["ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals"]
ORDERS = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
ODD_BASES = ["BinaryEquals", "Bool", "Foo", "NumericEquals", "IpAddress", "StringContains", "DateEquals", "", "BoolNot"]
KEYS = sorted(TEXTS)


def options(random: Random) -> dict[str, object]:
    """What a document is judged with."""
    return {
        "account": OWN,
        "region": random.choice(["us-east-1", "us-east-1", None, "eu-west-1"]),
        "trusted": random.choice([(TRUSTED,), (), (TRUSTED, OWN)]),
        "organizations": random.choice([(ORGANIZATION,), (), ("o-qqqqqqqqqq", ORGANIZATION)]),
    }


def case(random: Random) -> tuple[dict[str, object], dict[str, object]]:
    """A document and what it is judged with; sometimes in another partition."""
    made, given = document(random), options(random)
    if random.random() < 0.05:
        given["region"], partition = random.choice([("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
        if random.random() < 0.8:
            made = json.loads(json.dumps(made).replace('"arn:aws:', f'"arn:{partition}:'))
    return made, given


def document(random: Random) -> dict[str, object]:
    """A document, few of whose keys are different."""
    keys = random.sample(KEYS, random.randint(1, 4))
    if random.random() < 0.3:
        keys += random.choice(GROUPS)
    made = [_statement(random, keys) for _ in range(random.choice([1, 1, 2, 2, 2, 3, 3, 3, 4, 5, 5, random.randint(6, 12)]))]
    out: dict[str, object] = {"Statement": made[0] if len(made) == 1 and random.random() < 0.3 else made}
    version = random.choice(["2012-10-17"] * 8 + ["2008-10-17", None])
    return {"Version": version, **out} if version else out


def _statement(random: Random, keys: list[str]) -> dict[str, object]:
    out: dict[str, object] = {"Effect": random.choice(["Allow", "Allow", "Deny"])}
    resource = "*" if random.random() < 0.75 else random.choice(RESOURCES)
    out["NotResource" if random.random() < 0.06 else "Resource"] = resource
    action = random.choice(ACTIONS[:2] * 4 + ACTIONS)
    out["NotAction" if random.random() < 0.12 else "Action"] = action
    out["NotPrincipal" if random.random() < 0.14 else "Principal"] = _principal(random)
    condition: dict[str, dict[str, object]] = {}
    for _ in range(random.choice([0, 1, 1, 1, 2, 2, 3])):
        operator, key, held = _test(random, keys)
        condition.setdefault(operator, {})[key] = held
    if random.random() < 0.05:
        out["Condition"] = random.choice([{}, None])
    if random.random() < 0.08:
        out["Sid"] = random.choice(SIDS)
    if random.random() < 0.05:
        _both_or_neither(random, out)
    return {**out, "Condition": condition} if condition else out


def _both_or_neither(random: Random, out: dict[str, object]) -> None:
    """Gives a statement an element and its opposite, or takes both from it."""
    element = random.choice(["Action", "Resource", "Principal"])
    if random.random() < 0.3:
        out.pop(element, None)
        out.pop(f"Not{element}", None)
    else:
        for name in (element, f"Not{element}"):
            out.setdefault(name, BOTH.get(name) or _principal(random))


def _principal(random: Random) -> object:
    kind = random.random()
    if kind < 0.5:
        return random.choice(BROAD)
    if kind < 0.7:
        return {"AWS": random.choice(ARNS)}
    if kind < 0.82:
        return {"AWS": random.sample([*ARNS, *ODD], random.randint(2, 3))}
    if kind < 0.9:
        return {"Service": random.choice(SERVICES)}
    return random.choice([*OTHER, *({"AWS": one} for one in ODD)])


def _test(random: Random, keys: list[str]) -> tuple[str, str, object]:
    prefix = random.choice([""] * 7 + ["ForAllValues:", "ForAnyValue:"])
    suffix = random.choice(["", "", "", "IfExists"])
    kind = random.random()
    if kind < 0.6:
        key = random.choice(keys)
        bases = STRING_BASES + (ARN_BASES * 2 if "arn" in key.lower() else ARN_BASES[:1] if random.random() < 0.2 else [])
        base, held = random.choice(bases), _values(random, _texts(random, key))
        if key in ("aws:PrincipalOrgPaths", "aws:SourceOrgPaths", "kms:EncryptionContextKeys", "kms:GrantOperations"):
            prefix = prefix or random.choice(["", "ForAllValues:", "ForAnyValue:"])
    elif kind < 0.72:
        key, base = random.choice(BOOLEANS), random.choice(["Bool"] * 5 + ["StringEquals", "StringNotLike"])
        held = random.choice(["true", "false", True, False, "x", "TRUE", ["true", "false"]])
    elif kind < 0.82:
        key, base = random.choice(["aws:SourceIp"] * 3 + ["aws:VpcSourceIp"]), random.choice(["IpAddress", "NotIpAddress"])
        held = _values(random, RANGES)
    elif kind < 0.87:
        key, base = random.choice(NUMBERS), "Numeric" + random.choice(ORDERS)
        held = _values(random, NUMERALS)
    elif kind < 0.91:
        key, base = random.choice(TIMES), "Date" + random.choice(ORDERS)
        held = _values(random, INSTANTS)
    elif kind < 0.93:
        key, base, held = random.choice([*keys, *BOOLEANS, *TIMES]), random.choice(ODD_BASES), _values(random, ["x", "7", "*"])
    else:
        key, base = random.choice([*keys, *keys, *BOOLEANS, *NUMBERS, "aws:SourceIp", "aws:VpcSourceIp"]), "Null"
        prefix, suffix = (prefix, suffix) if random.random() < 0.1 else ("", "")
        held = random.choice(["true", "false", True, ["true", "false"], "TRUE", "x", []])
    operator = prefix + base + suffix
    if random.random() < 0.1:
        operator, key = random.choice([str.lower, str.upper])(operator), random.choice([str.lower, str.upper])(key)
    return operator, key, held


def _texts(random: Random, key: str) -> list[object]:
    """Values for a key: those of its own, in another case, with policy variables, or patterns over two letters."""
    kind = random.random()
    if kind < 0.7:
        return TEXTS[key]
    if kind < 0.78:
        return [one.swapcase() if isinstance(one, str) and "$" not in one else one for one in TEXTS[key]]
    if kind < 0.9:
        return [*FORMS]
    return ["".join(random.choices("aab**?", k=random.randint(1, 5))) for _ in range(4)]


def _values(random: Random, pool: list[object]) -> object:
    kind = random.random()
    if kind < 0.55:
        return random.choice(pool)
    if kind < 0.9:
        return random.sample(pool, random.randint(0, min(3, len(pool))))
    if kind < 0.95:
        return [random.choice(pool), random.choice([{"Ref": "Z"}, None, "${Account}", ["x"]])]
    return random.choice(["${Account}", {"Ref": "Z"}, None])
