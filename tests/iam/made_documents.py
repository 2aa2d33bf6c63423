"""Random policy documents out of few values, so that patterns overlap, and random requests that can exist."""

from __future__ import annotations

import re

from hypothesis import strategies as st
from slow_evaluator import ALWAYS_CARRIED, CARRIED, CLASSES, SERVICE, all_strings, listed, text

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
ODD = ["arn:aws:iam::${AWS::AccountId}:root", {"Ref": "X"}, "AIDAEXAMPLE", f"arn:aws-cn:iam::{OWN}:root"]
SERVICES = ["logs.us-east-1.amazonaws.com", "sns.amazonaws.com", "*", "${var.x}"]
BROAD = ["*", {"AWS": "*"}, {"AWS": OWN}, {"AWS": [FOREIGN, TRUSTED], "Service": "sns.amazonaws.com"}, {"AWS": [FOREIGN, "*"]}]
ACTIONS = [
    "kms:*",
    "*",
    "kms:Decrypt",
    "KMS:de?rypt",
    ["kms:Encrypt*", "kms:Sign"],
    "kms:CreateGrant",
    "kms:Put*",
    ["kms:ScheduleKeyDeletion", "kms:Sign"],
    "${x}",
    [],
]
RESOURCES = ["*", "*", "*", "*", "arn:aws:kms:*:*:key/*", f"arn:aws:kms:us-east-1:{OWN}:key/x", "alias/x"]

TEXTS = {
    "aws:PrincipalAccount": [OWN, TRUSTED, FOREIGN, "4*", "*", "????????????", "${aws:ResourceAccount}"],
    "kms:CallerAccount": [OWN, FOREIGN, "${aws:PrincipalAccount}"],
    "aws:PrincipalArn": [
        "arn:aws:iam::*:role/App",
        f"arn:aws:iam::{OWN}:role/App",
        f"arn:aws:iam::{FOREIGN}:user/*",
        "*",
        "arn:aws:iam::${aws:PrincipalAccount}:role/*",
        "*/${aws:username}",
        "arn:*:iam::?????????666:*",
    ],
    "aws:PrincipalOrgID": [ORGANIZATION, OTHER_ORGANIZATION, "o-*", "*"],
    "aws:PrincipalOrgPaths": [ORGANIZATION + "/*", "*/ou-abcd-12345678/*", "${aws:PrincipalOrgID}/r-*"],
    "aws:PrincipalType": ["User", "AssumedRole", "Account", "*"],
    "aws:PrincipalServiceName": ["sns.amazonaws.com", "s*"],
    "aws:username": ["alice", "a*", "${aws:PrincipalTag/owner}", "${*}"],
    "aws:PrincipalTag/owner": ["x", "${aws:username}", "a*", "${aws:PrincipalTag/team, 'none'}"],
    "aws:PrincipalTag/team": ["x", "b*", "${aws:PrincipalTag/owner}"],
    "kms:ViaService": ["s3.us-east-1.amazonaws.com", "s3.*.amazonaws.com"],
    "aws:SourceVpc": ["vpc-1", "vpc-*"],
    "aws:UserAgent": ["x", "*y*"],
    "aws:ResourceAccount": [OWN, "${aws:PrincipalAccount}", FOREIGN],
    "aws:SourceAccount": [OWN, TRUSTED, FOREIGN, "4*", "${aws:ResourceAccount}"],
    "aws:SourceArn": [
        "arn:aws:s3:::b",
        f"arn:aws:logs:*:{OWN}:*",
        "arn:aws:sns:*:4*:*",
        "arn:aws:*:*:${aws:SourceAccount}:*",
        f"*{FOREIGN}*",
        "arn:aws:s3",
    ],
    "aws:SourceOrgID": [ORGANIZATION, "*"],
    "aws:SourceOrgPaths": [ORGANIZATION + "/*", "*"],
    "kms:EncryptionContext:aws:logs:arn": [f"arn:aws:logs:us-east-1:{OWN}:*", "*"],
    "kms:EncryptionContext:App": ["x", "*", "${aws:username}"],
    "kms:EncryptionContextKeys": ["App", "app", "x*", "aws:logs:arn"],
    "kms:GrantOperations": ["Decrypt", "*crypt", "Encrypt"],
    "kms:RequestAlias": ["alias/x", "alias/${aws:PrincipalTag/team}"],
    "kms:KeySpec": ["x"],
}
BOOLEANS = [
    "aws:PrincipalIsAWSService",
    "aws:MultiFactorAuthPresent",
    "aws:ViaAWSService",
    "aws:SecureTransport",
    "kms:GrantIsForAWSResource",
]
RANGES = ["203.0.113.0/24", "203.0.113.128/25", "0.0.0.0/1", "10.0.0.0/8", "8.0.0.0/7", "2001:db8::/32", "1.2.3.4", "1.2.3.0/x"]


@st.composite
def values(draw, pool):
    """A policy value or some, seldom one that is left open."""
    kind = draw(st.integers(0, 19))
    if kind < 12:
        return draw(st.sampled_from(pool))
    if kind < 18:
        return draw(st.lists(st.sampled_from(pool), max_size=3, unique=True))
    return [draw(st.sampled_from(pool)), {"Ref": "Z"}] if kind == 18 else "${Account}"


@st.composite
def conditions(draw, keys):
    """Operator, key and values of one test."""
    prefix = draw(st.sampled_from([""] * 6 + ["ForAllValues:", "ForAnyValue:"]))
    suffix = draw(st.sampled_from(["", "", "", "IfExists"]))
    kind = draw(st.integers(0, 19))
    if kind < 13:
        key = draw(st.sampled_from(keys))
        operators = ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase"]
        if "arn" in key.lower():
            operators += ["ArnLike", "ArnNotEquals"] * 2
        return prefix + draw(st.sampled_from(operators)) + suffix, key, draw(values(TEXTS[key]))
    if kind < 16:
        return "Bool" + suffix, draw(st.sampled_from(BOOLEANS)), draw(st.sampled_from(["true", "false", True, "x"]))
    if kind < 18:
        key = draw(st.sampled_from(["aws:SourceIp", "aws:VpcSourceIp"]))
        return draw(st.sampled_from(["IpAddress", "NotIpAddress"])) + suffix, key, draw(values(RANGES))
    if kind == 18:
        key = draw(st.sampled_from(["aws:MultiFactorAuthAge", "kms:ScheduleKeyDeletionPendingWindowInDays"]))
        operator = draw(st.sampled_from(["NumericLessThan", "NumericGreaterThanEquals", "NumericEquals"]))
        return operator + suffix, key, draw(st.sampled_from(["7", 7, "7.5", "30", "1e3", "-1"]))
    return (
        "Null",
        draw(st.sampled_from([*keys, "aws:SourceIp", "aws:MultiFactorAuthAge"])),
        draw(st.sampled_from(["true", "false"])),
    )


@st.composite
def statements(draw, keys):
    """A statement."""
    effect = draw(st.sampled_from(["Allow", "Allow", "Deny"]))
    narrow = st.one_of(
        st.sampled_from([{"AWS": one} for one in [*ARNS, *ODD]] + [{"Service": one} for one in SERVICES]),
        st.sampled_from(
            [{"AWS": [a, b]} for a, b in zip(ARNS, ARNS[7:], strict=False)] + [{}, None, {"Ref": "Y"}, {"Federated": "*"}]
        ),
    )
    principal = draw(st.one_of(st.sampled_from(BROAD), narrow))
    out = {"Effect": effect, "Resource": draw(st.sampled_from(RESOURCES))}
    out[draw(st.sampled_from(["Action"] * 8 + ["NotAction"]))] = draw(st.sampled_from(ACTIONS[:1] * 4 + ACTIONS))
    out[draw(st.sampled_from(["Principal"] * 6 + ["NotPrincipal"]))] = principal
    condition: dict[str, dict[str, object]] = {}
    for operator, key, held in draw(st.lists(conditions(keys), max_size=3)):
        condition.setdefault(operator, {})[key] = held
    return {**out, "Condition": condition} if condition else out


@st.composite
def documents(draw):
    """A document, few of whose keys are different."""
    keys = draw(st.lists(st.sampled_from(sorted(TEXTS)), min_size=1, max_size=4, unique=True))
    version = draw(st.sampled_from(["2012-10-17"] * 3 + ["2008-10-17"]))
    return {"Version": version, "Statement": draw(st.lists(statements(keys), min_size=1, max_size=5))}


OPTIONS = st.fixed_dictionaries(
    {
        "account": st.just(OWN),
        "region": st.sampled_from(["us-east-1", None]),
        "trusted": st.sampled_from([(TRUSTED,), (), (TRUSTED, OWN)]),
        "organizations": st.sampled_from([(ORGANIZATION,), (), ("o-qqqqqqqqqq", ORGANIZATION)]),
    }
)


# Requests


def written(document):
    """The texts that conditions test each key against, in lower case."""
    out: dict[str, list[str]] = {}
    for statement in listed(document["Statement"]):
        for keys in (statement.get("Condition") or {}).values():
            for key, held in keys.items():
                out.setdefault(key.lower(), []).extend(
                    text(v) for v in listed(held) if v is not None and not isinstance(v, (dict, list))
                )
    return out


class Maker:
    """Makes requests that can exist, of values that the document may tell apart."""

    def __init__(self, policy, random):
        self.policy = policy
        self.random = random
        self.written = written(policy.document)

    def request(self):
        """A request."""
        random, policy = self.random, self.policy
        operation = random.choice(CLASSES[random.choice(list(CLASSES))])
        kind = random.choice(["root", "user", "role", "federated", "service", "service"])
        account = random.choice([OWN, OWN, TRUSTED, FOREIGN, "999999999999", "412345678901", "123456789666"])
        name, path = random.choice(["App", "alice", "x", "fed", "a1"]), random.choice(["", "", "team/"])
        arn = {
            "root": f"arn:aws:iam::{account}:root",
            "user": f"arn:aws:iam::{account}:user/{path}{name}",
            "role": f"arn:aws:iam::{account}:role/{path}{name}",
            "federated": f"arn:aws:sts::{account}:federated-user/{name}",
            "service": random.choice(["sns.amazonaws.com", "logs.us-east-1.amazonaws.com", "x.amazonaws.com"]),
        }[kind]
        self.values = {}
        self.kind, self.account, self.operation = kind, account, operation
        out = {"kind": kind, "arn": arn, "account": account, "operation": operation, "values": self.values}
        if kind == "role":
            out["session"] = f"arn:aws:sts::{account}:assumed-role/{name}/{random.choice(['s1', 's2'])}"
        self.who(arn, policy)
        self.how()
        self.what()
        return out

    def who(self, arn, policy):
        """Who calls, and for whom."""
        random, values, service = self.random, self.values, self.kind == "service"
        mentioned = {a for s in policy.statements for t in all_strings(s) for a in re.findall(r"(?<!\d)\d{12}(?!\d)", t)}
        unnamed = [a for a in ("999999999999", "412345678901", "100000000000") if a not in mentioned]
        values["aws:principalaccount"] = values["kms:calleraccount"] = random.choice(unnamed) if service else self.account
        values["aws:principalisawsservice"] = "true" if service else "false"
        organization = random.choice([ORGANIZATION, OTHER_ORGANIZATION, "o-1111111111", None])
        if self.account == OWN and policy.organizations:
            organization = policy.organizations[0]
        path = f"{organization}/r-abcd/" + random.choice(["", "ou-abcd-12345678/"])
        if service:
            values["aws:principalservicename"] = arn
            self.maybe("aws:sourceaccount", self.account)
            self.maybe("aws:sourcearn", self.source_arn("aws:sourcearn"))
            if organization:
                self.maybe("aws:sourceorgid", organization)
                self.maybe("aws:sourceorgpaths", [path])
            return
        values["aws:principalarn"] = arn
        values["aws:principaltype"] = {"root": "Account", "user": "User", "role": "AssumedRole", "federated": "FederatedUser"}[
            self.kind
        ]
        if organization:
            values["aws:principalorgid"], values["aws:principalorgpaths"] = organization, [path]
        if self.kind == "user":
            values["aws:username"] = arn.rpartition("/")[2]
        if self.kind != "root":
            self.maybe("aws:principaltag/owner", self.text("aws:principaltag/owner"))
            self.maybe("aws:principaltag/team", self.text("aws:principaltag/team"))
        present = random.choice(["true", "false"] if self.kind == "role" else ["true", "false", None])
        if present:
            values["aws:multifactorauthpresent"] = present
        if present == "true":
            values["aws:multifactorauthage"] = random.choice(["0", "7", "8", "30", "129600"])

    def how(self):
        """How the call comes."""
        random, values = self.random, self.values
        way = "service" if self.kind == "service" else random.choice(["direct", "endpoint", "via"])
        values["aws:viaawsservice"] = "true" if way == "via" else "false"
        addresses = ["203.0.113.5", "203.0.113.200", "1.2.3.4", "8.8.8.8", "200.1.1.1", "2001:db8::5", "2002::1"]
        if way == "via":
            services = [*self.filled("kms:viaservice"), "x.amazonaws.com"]
            values["kms:viaservice"] = random.choice([s for s in services if re.fullmatch(SERVICE, s)])
        if way == "endpoint":
            values["aws:sourcevpc"], values["aws:sourcevpce"] = self.text("aws:sourcevpc"), "vpce-1"
            values["aws:vpcsourceip"] = random.choice([*addresses, "10.1.2.3"])
        else:
            fitting = [a for a in addresses if way == "direct" or not self.policy.in_named_range(a)]
            values["aws:sourceip"] = random.choice(fitting)
        values["aws:securetransport"], values["aws:resourceaccount"] = "true", OWN
        values["aws:currenttime"] = values["aws:epochtime"] = "2027-05-04T03:02:01Z"
        values["aws:useragent"] = self.text("aws:useragent")

    def what(self):
        """What is asked."""
        random, values = self.random, self.values
        for key, operations in CARRIED.items():
            if self.operation not in operations or key == "kms:encryptioncontextkeys":
                continue
            if key == "kms:grantoperations":
                values[key] = random.sample(["Decrypt", "Encrypt", "Sign"], random.choice([1, 2]))
            elif key == "kms:grantisforawsresource":
                values[key] = random.choice(["true", "false"]) if self.kind == "service" else values["aws:viaawsservice"]
            elif key == "kms:schedulekeydeletionpendingwindowindays":
                values[key] = random.choice(["7", "8", "30"])
            elif key == "kms:rotationperiodindays":
                self.maybe(key, "90")
            elif key in ("kms:reencryptonsamekey", "kms:bypasspolicylockoutsafetycheck"):
                values[key] = random.choice(["true", "false"])
            elif key in ALWAYS_CARRIED:
                values[key] = self.text(key)
            else:
                self.maybe(key, self.text(key))
        if self.operation in CARRIED["kms:encryptioncontextkeys"]:
            self.context()

    def context(self):
        """The encryption context."""
        logs, app = "kms:encryptioncontext:aws:logs:arn", "kms:encryptioncontext:app"
        self.maybe(logs, self.source_arn(logs) if self.kind == "service" else self.text(logs))
        self.maybe(app, self.text(app))
        names = [n for n in ("aws:logs:arn", "App") if f"kms:encryptioncontext:{n.lower()}" in self.values]
        names += self.random.sample(["x", "xx", "zz"], self.random.choice([0, 1]))
        if names:
            self.values["kms:encryptioncontextkeys"] = names

    def maybe(self, key, value):
        """Gives a key or leaves it out."""
        if value and self.random.random() < 0.6:
            self.values[key] = value

    def filled(self, key):
        """The texts that a key is tested against, wildcards filled."""
        return [
            v.replace("*", self.random.choice(["", "x", "a1"])).replace("?", "4")
            for v in self.written.get(key, ())
            if "${" not in v
        ]

    def text(self, key):
        """A text for a key."""
        near = [self.values[k] for k in ("aws:username", "aws:principaltag/owner", "aws:principaltag/team") if k in self.values]
        return self.random.choice([t for t in [*self.filled(key), *near, "x", "y", "b1", "none", "alias/x"] if t])

    def source_arn(self, key):
        """An ARN of the customer."""
        own = ["arn:aws:s3:::b", f"arn:aws:logs:us-east-1:{self.account}:x", f"arn:aws:sns:eu-west-1:{self.account}:t"]
        shape = rf"arn:aws:[a-z0-9-]+:[a-z0-9-]*:({self.account})?:[ -~]+"
        return self.random.choice(
            [*own, *(t for t in self.filled(key) if re.fullmatch(shape, t) and not re.search(r":\d{12}$", t))]
        )
