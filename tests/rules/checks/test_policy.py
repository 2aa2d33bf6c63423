"""Whom statements of key policies, grants and identity policies let in, and what is said where the account is not known."""

import pytest

from kmsguard.model.declaration import Declaration, Unit
from kmsguard.model.guard import NOWHERE_ASSUMED
from kmsguard.model.resource import Edge, External, Graph, Resource
from kmsguard.model.rule import Answer, JudgeSettings, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ACCOUNT, Target, Text, Unknown, Value
from kmsguard.rules.checks import grants, identities, lockout, policy

OWN = "111122223333"
OTHER = "444455556666"
BLOCK = Span("main.tf", 1, 1, 9, 2)
SYMBOL = Value(Unknown("the account is not given", "--account", target=ACCOUNT, not_null=True))
ROOT = {"Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "kms:*", "Resource": "*"}
SYMBOLIC_ROOT = {**ROOT, "Principal": {"AWS": SYMBOL}}


def value(data, line: int = 3) -> Value:
    """Maps and lists of values; every scalar stands in one line."""
    span = Span("main.tf", line, 1, line, 9)
    if isinstance(data, Value):
        return data
    if isinstance(data, dict):
        return Value({name: value(item, line) for name, item in data.items()}, span, span)
    if isinstance(data, (list, tuple)):
        return Value(tuple(value(item, line) for item in data), span, span)
    return Value(data, span, span)


def resource(address: str, kind: str, account: Value | None = None, **attributes) -> Resource:
    """A resource of the unit `infra`."""
    declaration = Declaration(address, address.split(".", maxsplit=1)[0], "managed", value({}), BLOCK, BLOCK)
    return Resource(
        address=address,
        kind=kind,
        type=declaration.type,
        unit="infra",
        traits=(),
        attributes={name: value(item) for name, item in attributes.items()},
        derived={},
        declarations=(declaration,),
        span=BLOCK,
        head=BLOCK,
        account=account,
    )


def ask(check, one: Resource, *others: Resource, edges: tuple[Edge, ...] = (), **settings) -> Answer:
    """What a check says of a resource."""
    resources = (one, *others)
    unit = Unit("infra", "terraform", tuple(r.declarations[0] for r in resources))
    return check(Question(Graph((unit,), resources, edges), one, NOWHERE_ASSUMED, JudgeSettings(**settings)))


def key(*statements, account: Value | None = None) -> Resource:
    """A key with a policy of these statements, each in a line of its own from line 11 on."""
    listed = Value(tuple(value(item, 11 + number) for number, item in enumerate(statements)))
    document = Value({"Version": value("2012-10-17"), "Statement": listed}, BLOCK, BLOCK)
    return resource("aws_kms_key.a", "kms.key", account, policy=document)


def allow(principal, action="kms:Decrypt", condition=None, **more) -> dict:
    """An Allow statement."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}
    return {**statement, "Condition": condition} if condition is not None else statement


GROUPS = {
    "public": policy.is_not_public,
    "administration": policy.is_not_administered_from_outside,
    "account": policy.is_not_foreign,
    "service": policy.ties_services,
}


def groups(one: Resource, *others: Resource, **settings) -> list[tuple[str, str, Truth]]:
    """(group, attribute, truth) of all that the statements of a key let in."""
    told = []
    for name, check in GROUPS.items():
        answer = ask(check, one, *others, **settings)
        assert (answer.truth is Truth.YES) == (not answer.findings)
        told += [(name, found.attribute, found.truth) for found in answer.findings]
    return told


def test_everybody_whatever_the_account_is():
    """`*` is everybody in each account that the own one can be; the entry is the place, and a request shows it."""
    one = key(SYMBOLIC_ROOT, allow({"AWS": ["*"]}))
    assert groups(one) == [("public", "policy.Statement[1]", Truth.NO)]
    (found,) = ask(policy.is_not_public, one).findings
    assert found.evidence[0].span == Span("main.tf", 12, 1, 12, 9)
    assert "kms:Decrypt by arn:aws:" in found.evidence[0].message
    assert found.values == {"who": "*", "statement": "2"}


def test_a_literal_account_is_own_or_foreign():
    """Without --account it is not known which: `--account` decides it. With it, it is decided."""
    one = key(SYMBOLIC_ROOT, allow({"AWS": f"arn:aws:iam::{OTHER}:role/reader"}))
    assert groups(one) == [("account", "policy.Statement[1]", Truth.UNKNOWN)]
    (found,) = ask(policy.is_not_foreign, one).findings
    assert found.open[0].reference == "--account"
    assert groups(one, account=OWN) == [("account", "policy.Statement[1]", Truth.NO)]
    assert groups(one, account=OTHER) == []
    assert groups(one, account=OWN, trusted_accounts=(OTHER,)) == []


def test_the_root_statement_never_alarms():
    """Neither as an account id nor as a symbol, with the account given or not."""
    for account in (None, OWN):
        settings = {} if account is None else {"account": account}
        for check in (*GROUPS.values(), policy.gives_all_to_the_account_only, policy.limits_grants, policy.has_an_effect):
            assert ask(check, key(SYMBOLIC_ROOT), **settings).truth is Truth.YES
    assert groups(key(ROOT), account=OWN) == []


def test_accounts_that_the_unit_deploys_to_are_trusted():
    """Whoever deploys to an account has it in hand."""
    one = key(ROOT, allow({"AWS": OTHER}))
    other = resource("aws_s3_bucket.b", "s3.bucket", account=Value(OTHER))
    assert groups(one, other, account=OWN) == []
    assert groups(one, account=OWN) == [("account", "policy.Statement[1]", Truth.NO)]


def test_everything_for_another_account_is_a_finding_of_its_own():
    """`kms:*` and the like for a foreign account are told by one rule only."""
    one = key(ROOT, allow({"AWS": OTHER}, "kms:*"), allow({"AWS": OTHER}, ["kms:Decrypt", "kms:CreateGrant"]))
    assert groups(one, account=OWN) == [
        ("administration", "policy.Statement[1]", Truth.NO),
        ("account", "policy.Statement[2]", Truth.NO),
    ]


def test_callers_and_services_of_one_statement():
    """They are two things that it lets in."""
    one = key(ROOT, allow({"AWS": f"arn:aws:iam::{OTHER}:root", "Service": "sns.amazonaws.com"}))
    assert [entry[0] for entry in groups(one, account=OWN)] == ["account", "service"]


def test_what_begins_like_an_arn_is_never_everybody():
    """An account that is not known is foreign at most; a value of which nothing is known may be `*`."""
    account = Value(Unknown("variable var.partner has no value", "var.partner"))
    arn = Value(Text((Value("arn:aws:iam::"), account, Value(":root"))), BLOCK, BLOCK)
    assert groups(key(ROOT, allow({"AWS": arn})), account=OWN) == [("account", "policy.Statement[1]", Truth.UNKNOWN)]
    assert groups(key(ROOT, allow({"AWS": account})), account=OWN) == [("public", "policy.Statement[1]", Truth.UNKNOWN)]


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"StringEquals": {"kms:CallerAccount": OWN}}, []),
        ({"StringEquals": {"kms:CallerAccount": [OWN, OTHER]}}, [("account", Truth.NO)]),
        ({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, [("public", Truth.NO)]),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}, []),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-exampleorgid/*"}}, []),
        ({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-exampleorgid/*"}}, [("public", Truth.NO)]),
        ({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, [("public", Truth.NO)]),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}}, [("public", Truth.NO)]),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/app-*"}}, []),
        ({"StringEquals": {"aws:SourceAccount": OWN}}, []),
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, [("service", Truth.NO)]),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1234567890abcdef0"}}, [("account", Truth.UNKNOWN)]),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, [("account", Truth.UNKNOWN)]),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, [("public", Truth.NO)]),
    ],
)
def test_conditions_on_everybody(condition, told):
    """A condition closes where it proves who calls. Whose a network is, nobody can see."""
    one = key(ROOT, allow("*", condition=condition))
    found = groups(one, account=OWN, organizations=("o-exampleorgid",))
    assert [(name, truth) for name, _, truth in found] == told


def test_a_network_of_the_unit():
    """A VPC endpoint that the unit makes is the own one."""
    endpoint = Value(Unknown("known after apply", "aws_vpc_endpoint.kms.id", Target("aws_vpc_endpoint.kms", "id")))
    one = key(ROOT, allow("*", condition={"StringEquals": {"aws:SourceVpce": endpoint}}))
    assert groups(one, resource("aws_vpc_endpoint.kms", "template.resource"), account=OWN) == []


def test_the_organization_of_the_deployment():
    """An organization that the unit looks up is the own one, with its id given or not; one of elsewhere is one."""
    looked_up = Value(Unknown("data source", "data.org.a.id", Target("data.org.a", "id")), BLOCK, BLOCK)
    organization = resource("data.org.a", "template.resource")
    paths = Value(Text((Value(looked_up.data), Value("/*"))), BLOCK, BLOCK)
    for condition, elsewhere in (
        ({"StringEquals": {"aws:PrincipalOrgID": looked_up}}, "account"),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": paths}}, "public"),
    ):
        one = key(ROOT, allow("*", condition=condition))
        assert groups(one, organization, account=OWN) == []
        assert groups(one, organization, account=OWN, organizations=("o-exampleorgid",)) == []
        assert [told[0] for told in groups(one, account=OWN)] == [elsewhere]


def test_an_account_that_is_not_known():
    """With an exact operator it is one account, never everybody; a policy variable is whoever calls."""
    given = Value(Unknown("variable", "var.reader"), BLOCK, BLOCK)
    for test, expected in (
        ({"StringEquals": {"kms:CallerAccount": given}}, "account"),
        ({"StringEqualsIfExists": {"kms:CallerAccount": given}}, "public"),
        ({"StringLike": {"kms:CallerAccount": given}}, "public"),
        ({"StringEquals": {"kms:CallerAccount": "${aws:PrincipalAccount}"}}, "public"),
    ):
        assert [told[0] for told in groups(key(ROOT, allow("*", condition=test)), account=OWN)] == [expected]
    (found,) = ask(
        policy.is_not_foreign, key(ROOT, allow("*", condition={"StringEquals": {"kms:CallerAccount": given}}))
    ).findings
    assert found.values["who"] == "account ${var.reader}"


def test_a_literal_organization_is_own_or_foreign():
    """Without --organization it is not known which; with it, another one is foreign, and is named."""
    one = key(ROOT, allow("*", condition={"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}))
    (found,) = ask(policy.is_not_foreign, one, account=OWN).findings
    assert (found.truth, [open_.reference for open_ in found.open][:1]) == (Truth.UNKNOWN, ["--organization"])
    assert groups(one, account=OWN, organizations=("o-exampleorgid",)) == []
    (found,) = ask(policy.is_not_foreign, one, account=OWN, organizations=("o-otherorgid0",)).findings
    assert (found.truth, found.values["who"]) == (Truth.NO, "organization o-exampleorgid")


def test_buckets_of_the_unit():
    """Nobody else has a bucket of that name; one that the unit does not hold says nothing of its owner."""
    service = {"Service": "s3.amazonaws.com"}
    named = Value("arn:aws:s3:::uploads", BLOCK, BLOCK, refs=(Target("aws_s3_bucket.b", "arn"),))
    bucket = resource("aws_s3_bucket.b", "s3.bucket")
    assert groups(key(ROOT, allow(service, condition={"ArnEquals": {"aws:SourceArn": named}})), bucket, account=OWN) == []
    literal = key(ROOT, allow(service, condition={"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::uploads"}}))
    assert groups(literal, bucket, account=OWN) == [("service", "policy.Statement[1]", Truth.NO)]


def test_what_else_denies():
    """What a Deny takes back is not let in; what is not known may be a Deny."""
    everybody = allow({"AWS": "*"})
    fence = {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    closed = {**fence, "Condition": {"StringNotEquals": {"aws:PrincipalAccount": OWN}}}
    assert groups(key(ROOT, everybody, closed), account=OWN) == []
    more = Value(Unknown("variable var.more has no value", "var.more"), BLOCK, BLOCK)
    told = groups(key(ROOT, everybody, more), account=OWN)
    assert told == [("public", "policy.Statement[1]", Truth.UNKNOWN), ("public", "policy.Statement[2]", Truth.UNKNOWN)]


def test_the_policy_of_a_key_elsewhere():
    """A policy that is a resource of its own is told with its key, or where the key is not known."""
    document = key(ROOT, allow("*")).attributes["policy"]
    alone = resource("aws_kms_key_policy.a", "kms.key_policy", policy=document, bypass_lockout_check=True)
    assert groups(alone, account=OWN) == [("public", "policy.Statement[1]", Truth.NO)]
    assert ask(lockout.keeps_the_lockout_check, alone).truth is Truth.NO
    one = key(ROOT)
    known = (Edge("key", alone, one, value("aws_kms_key.a")),)
    outside = (Edge("key", alone, External("kms.key", value(f"arn:aws:kms:us-east-1:{OWN}:key/x")), value("x")),)
    assert ask(policy.is_not_public, alone, one, edges=known, account=OWN).truth is Truth.YES
    assert ask(policy.is_not_public, alone, one, edges=outside, account=OWN).truth is Truth.NO


@pytest.mark.parametrize(
    ("statements", "truth"),
    [
        ([ROOT], Truth.YES),
        ([SYMBOLIC_ROOT], Truth.YES),
        ([allow({"AWS": f"arn:aws:iam::{OWN}:role/admin"}, "kms:Put*")], Truth.YES),
        ([allow({"AWS": f"arn:aws:iam::{OWN}:role/app"})], Truth.NO),
        ([allow({"AWS": OTHER}, "kms:*")], Truth.NO),
        ([allow({"Service": "sns.amazonaws.com"}, "kms:*")], Truth.NO),
        ([ROOT, {"Effect": "Deny", "Principal": "*", "Action": "kms:PutKeyPolicy", "Resource": "*"}], Truth.NO),
        ([{"Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "kms:*"}], Truth.NO),
        ([allow({"AWS": Value(Unknown("no value", "var.admin"), BLOCK)}, "kms:*")], Truth.UNKNOWN),
    ],
)
def test_lockout(statements, truth):
    """Somebody of the account may put another policy, nobody may, or it hangs on what is not known."""
    assert ask(lockout.can_be_changed, key(*statements), account=OWN).truth is truth


@pytest.mark.parametrize(
    ("principal", "wrong"),
    [
        ("*", None),
        (OWN, None),
        (f"arn:aws:iam::{OWN}:root", None),
        (f"arn:aws-cn:iam::{OWN}:role/path/of/app", None),
        (f"arn:aws:sts::{OWN}:assumed-role/app/session", None),
        (f"arn:aws:sts::{OWN}:federated-user/alice", None),
        ("arn:aws:iam::*:root", "wildcard"),
        (f"arn:aws:sts::{OWN}:assumed-role/app/*", "wildcard"),
        ("AIDACKCEVSQ6C2EXAMPLE", "deleted"),
        (f"arn:aws:iam::{OWN}:group/admins", "group"),
        ("arn:aws:iam::11112222333:root", "neither"),
        ("arn:aws:iam::${AWS::AccountId}:root", "placeholder"),
        (Value(Unknown("no value", "var.reader"), BLOCK), None),
    ],
)
def test_principals(principal, wrong):
    """What KMS refuses as a principal."""
    answer = ask(policy.names_principals_that_exist, key(allow({"AWS": [principal]})), account=OWN)
    assert [wrong in found.values["what"] for found in answer.findings] == ([] if wrong is None else [True])


@pytest.mark.parametrize(
    ("resource_", "truth"),
    [
        ("*", Truth.YES),
        (["*"], Truth.YES),
        (f"arn:aws:kms:*:{OWN}:key/*", Truth.YES),
        (f"arn:aws:kms:*:{OTHER}:key/*", Truth.NO),
        (f"arn:aws:kms:us-east-1:{OWN}:alias/x", Truth.NO),
        ("arn:aws:s3:::bucket/*", Truth.NO),
    ],
)
def test_the_resource_of_a_statement(resource_, truth):
    """`*` is the key; what cannot be the key makes a statement without effect."""
    statement = {**allow({"AWS": OWN}), "Resource": resource_}
    assert ask(policy.has_an_effect, key(ROOT, statement), account=OWN).truth is truth


def role(name: str) -> str:
    """An own role."""
    return f"arn:aws:iam::{OWN}:role/{name}"


@pytest.mark.parametrize(
    ("statements", "truth"),
    [
        ([allow({"AWS": role("app")}, "kms:CreateGrant")], Truth.NO),
        ([allow({"AWS": role("app")}, "kms:*Grant*")], Truth.NO),
        ([allow({"AWS": role("app")}, "kms:CreateGrant", {"Bool": {"kms:GrantIsForAWSResource": True}})], Truth.YES),
        ([allow({"AWS": role("app")}, "kms:CreateGrant", {"Bool": {"kms:GrantIsForAWSResource": "false"}})], Truth.NO),
        ([allow({"AWS": role("app")}, "kms:CreateGrant", {"StringLike": {"kms:ViaService": "ec2.*"}})], Truth.YES),
        ([allow({"AWS": role("admin")}, ["kms:CreateGrant", "kms:PutKeyPolicy"])], Truth.YES),
        ([allow({"AWS": role("aws-service-role/autoscaling.amazonaws.com/X")}, "kms:CreateGrant")], Truth.YES),
        ([allow({"AWS": f"arn:aws:iam::{OTHER}:role/app"}, "kms:CreateGrant")], Truth.YES),
        (
            [
                allow({"AWS": role("app")}, "kms:CreateGrant"),
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "kms:CreateGrant",
                    "Resource": "*",
                    "Condition": {"BoolIfExists": {"kms:GrantIsForAWSResource": "false"}},
                },
            ],
            Truth.YES,
        ),
    ],
)
def test_who_makes_grants(statements, truth):
    """A user of the key, without a condition; not an administrator, a service-linked role or another account."""
    answer = ask(policy.limits_grants, key(ROOT, *statements), account=OWN, trusted_accounts=(OTHER,))
    assert answer.truth is truth


def test_everything_for_a_role():
    """Every operation in one hand, however it is written; not the account, and not a part of it."""
    for action in ("kms:*", "*", ["KMS:*"]):
        answer = ask(policy.gives_all_to_the_account_only, key(ROOT, allow({"AWS": role("app")}, action)), account=OWN)
        assert [found.values["who"] for found in answer.findings] == [role("app")]
    for action in (["kms:Put*", "kms:Describe*"], ["kms:Decrypt", "kms:Encrypt"]):
        one = key(ROOT, allow({"AWS": role("app")}, action))
        assert ask(policy.gives_all_to_the_account_only, one, account=OWN).truth is Truth.YES


def test_a_role_of_the_unit_has_a_name_that_is_made_up():
    """It is of the own account, whatever it is called; a message shows what it stands for."""
    arn = Value(Unknown("known after apply", "aws_iam_role.app.arn", Target("aws_iam_role.app", "arn"), not_null=True), BLOCK)
    one = key(SYMBOLIC_ROOT, allow({"AWS": arn}, "kms:*"))
    app = resource("aws_iam_role.app", "iam.role", account=SYMBOL)
    assert groups(one, app) == []
    (found,) = ask(policy.gives_all_to_the_account_only, one, app).findings
    assert found.values["who"] == "aws_iam_role.app.arn"


def grant(grantee, operations=("Decrypt",), **more) -> Resource:
    """A grant."""
    return resource("aws_kms_grant.a", "kms.grant", grantee=grantee, operations=list(operations), **more)


@pytest.mark.parametrize(
    ("one", "truth"),
    [
        (grant(role("app")), Truth.YES),
        (grant("s3.amazonaws.com"), Truth.YES),
        (grant(f"arn:aws:iam::{OTHER}:role/app"), Truth.NO),
        (grant("*"), Truth.NO),
        (grant(Value(Unknown("no value", "var.role"), BLOCK)), Truth.UNKNOWN),
        (grant(role("app"), ("Decrypt", "CreateGrant")), Truth.NO),
        (grant(role("app"), ("Decrypt", "CreateGrant"), context_equals={"a": "b"}), Truth.YES),
        (grant(role("aws-service-role/autoscaling.amazonaws.com/X"), ("Decrypt", "CreateGrant")), Truth.YES),
    ],
)
def test_grants(one, truth):
    """For whom a grant is, and whether it can be handed on."""
    assert ask(grants.is_narrow, one, account=OWN).truth is truth


def test_a_grant_without_the_account():
    """A literal account is own or foreign."""
    answer = ask(grants.is_narrow, grant(role("app")))
    assert answer.truth is Truth.UNKNOWN
    assert answer.findings[0].open[0].reference == "--account"


@pytest.mark.parametrize(
    ("keys", "truth"),
    [
        ("*", Truth.NO),
        ("arn:aws:kms:*:*:key/*", Truth.NO),
        ("arn:aws:kms:*", Truth.NO),
        (f"arn:*:kms:*:{OWN}:*", Truth.NO),
        (f"arn:aws:kms:us-east-1:{OWN}:key/*", Truth.YES),
        (f"arn:aws:kms:*:{OTHER}:key/*", Truth.YES),
        (f"arn:aws:kms:*:{OWN}:alias/*", Truth.YES),
        ("arn:aws:s3:::bucket", Truth.YES),
        (Value(Unknown("no value", "var.keys"), BLOCK), Truth.UNKNOWN),
        (Value(Unknown("after apply", "aws_kms_key.a.arn", Target("aws_kms_key.a", "arn")), BLOCK), Truth.YES),
    ],
)
def test_every_key(keys, truth):
    """Which resources of an identity's policy are every key of the account."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": keys}]}
    one = resource("aws_iam_policy.a", "iam.policy", policy=document)
    assert ask(identities.decrypt_with_named_keys, one, account=OWN).truth is truth
    inline = resource("aws_iam_role.a", "iam.role", embedded_policies=[document])
    assert ask(identities.decrypt_with_named_keys, inline, account=OWN).truth is truth


def test_what_is_denied_again():
    """Whoever may do everything but decrypt may still destroy every key."""
    statements = [
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Action": ["kms:Decrypt", "kms:ReEncrypt*"], "Resource": "*"},
    ]
    one = resource("aws_iam_policy.a", "iam.policy", policy={"Version": "2012-10-17", "Statement": statements})
    assert ask(identities.decrypt_with_named_keys, one, account=OWN).truth is Truth.YES
    assert ask(identities.destroy_named_keys, one, account=OWN).truth is Truth.NO


@pytest.mark.parametrize(
    ("statements", "truth"),
    [
        ([{"Action": "*"}], Truth.NO),
        ([{"Action": "kms:Re*"}], Truth.NO),
        ([{"Action": "kms:Encrypt"}], Truth.YES),
        ([{"NotAction": "iam:*"}], Truth.NO),
        ([{"Action": "kms:Decrypt", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}], Truth.NO),
        ([{"Action": "kms:Decrypt", "Condition": {"StringEquals": {"kms:EncryptionContext:app": "x"}}}], Truth.YES),
        ([{"Action": "kms:Decrypt", "Condition": {"StringEquals": {"aws:ResourceTag/app": "x"}}}], Truth.YES),
        ([{"Action": "*"}, {"Effect": "Deny", "Action": "kms:*"}], Truth.YES),
        ([{"Action": "*"}, {"Effect": "Deny", "Action": "kms:Put*"}], Truth.NO),
    ],
)
def test_statements_of_identities(statements, truth):
    """Conditions that say which keys, and what denies."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **one} for one in statements]}
    one = resource("aws_iam_policy.a", "iam.policy", policy=document)
    assert ask(identities.decrypt_with_named_keys, one, account=OWN).truth is truth


def test_a_boundary_allows_nothing():
    """A managed policy that is a permission boundary and nothing else is not judged."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    one = resource("aws_iam_policy.a", "iam.policy", policy=document)
    user = resource("aws_iam_role.a", "iam.role")
    boundary = Edge("boundary", user, one, value("x"))
    assert ask(identities.decrypt_with_named_keys, one, user, edges=(boundary,), account=OWN).truth is Truth.YES
    attached = (boundary, Edge("managed", user, one, value("x")))
    assert ask(identities.decrypt_with_named_keys, one, user, edges=attached, account=OWN).truth is Truth.NO


def test_aliases_in_identity_policies():
    """An alias matches operations on aliases only."""

    def named(action, resource_):
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource_}]}
        return ask(identities.name_keys_not_aliases, resource("aws_iam_policy.a", "iam.policy", policy=document), account=OWN)

    alias = f"arn:aws:kms:us-east-1:{OWN}:alias/x"
    assert named(["kms:Decrypt", "kms:DescribeKey"], [alias]).truth is Truth.NO
    assert named("kms:*", alias).truth is Truth.YES
    assert named("kms:UpdateAlias", alias).truth is Truth.YES
    assert named("kms:Decrypt", f"arn:aws:kms:us-east-1:{OWN}:key/x").truth is Truth.YES


def test_separation_of_duties():
    """One role that puts policies and decrypts."""
    admin = allow({"AWS": role("ops")}, "kms:PutKeyPolicy")
    assert ask(policy.separates_duties, key(ROOT, admin, allow({"AWS": role("ops")})), account=OWN).truth is Truth.NO
    assert ask(policy.separates_duties, key(ROOT, admin, allow({"AWS": role("app")})), account=OWN).truth is Truth.YES


def test_allow_by_exception():
    """NotPrincipal with Allow always; NotAction where it is for single callers."""
    listed = {"Effect": "Allow", "NotPrincipal": {"AWS": role("app")}, "Action": "kms:Decrypt", "Resource": "*"}
    assert ask(policy.says_whom_and_what_it_allows, key(ROOT, listed), account=OWN).truth is Truth.NO
    for principal, truth in ((role("app"), Truth.NO), (OWN, Truth.YES)):
        one = {"Effect": "Allow", "Principal": {"AWS": principal}, "NotAction": "kms:Sign", "Resource": "*"}
        assert ask(policy.says_whom_and_what_it_allows, key(ROOT, one), account=OWN).truth is truth


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        (allow({"AWS": OWN}, ["kms:ReEncrypt*", "kms:reencryptfrom", "KMS:DescribeKey", "*", "k*:Sign"]), []),
        (allow({"AWS": OWN}, ["kms:ReEncrypt", "kms:GenerateDataKe"]), ["kms:ReEncrypt", "kms:GenerateDataKe"]),
        (allow({"AWS": OWN}, ["kms:SomethingOfTomorrow"]), []),
        (allow({"AWS": OWN}, ["s3:GetObject", "Decrypt"]), ["s3:GetObject", "Decrypt"]),
        (allow({"AWS": OWN}, condition={"StringEquals": {"kms:ViaService": "s3.*.amazonaws.com"}}), ["kms:ViaService"]),
        (allow({"AWS": OWN}, condition={"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}), []),
        (allow({"AWS": OWN}, condition={"StringEquals": {"aws:PrincipalTag/a": "*"}}), []),
        (allow({"AWS": OWN}, "kms:Sign", {"StringEquals": {"kms:EncryptionContext:a": "b"}}), ["kms:EncryptionContext:a"]),
        (allow({"AWS": OWN}, "kms:Sign", {"StringEqualsIfExists": {"kms:EncryptionContext:a": "b"}}), []),
        (allow({"AWS": OWN}, ["kms:Sign", "kms:Decrypt"], {"StringEquals": {"kms:EncryptionContext:a": "b"}}), []),
        (allow({"AWS": OWN}, condition={"StringMatches": {"aws:username": "a"}}), ["StringMatches"]),
    ],
)
def test_what_never_matches(statement, lost):
    """Halves of names, other services, patterns compared to the letter, keys that no request has; nothing that may be new."""
    found = ask(policy.says_what_it_means, key(ROOT, statement), account=OWN).findings
    assert [name in one.values["what"] for one, name in zip(found, lost, strict=True)] == [True] * len(lost)


def test_a_deny_in_the_way_of_a_service():
    """A service shows no organization; one that is exempt, or only denied in part, keeps its way."""
    service = allow({"Service": "cloudtrail.amazonaws.com"}, "kms:GenerateDataKey*")
    fence = {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    organization = {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}
    for condition, truth in (
        (organization, Truth.NO),
        ({**organization, "Bool": {"aws:PrincipalIsAWSService": "false"}}, Truth.YES),
        ({"StringNotEqualsIfExists": {"aws:SourceAccount": OWN}}, Truth.YES),
        ({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, Truth.NO),
    ):
        one = key(ROOT, service, {**fence, "Condition": condition})
        answer = ask(policy.leaves_services_their_way, one, account=OWN, organizations=("o-exampleorgid",))
        assert answer.truth is truth
        assert all(found.attribute == "policy.Statement[2]" for found in answer.findings)


def test_the_policy_of_a_secret():
    """Who reads the value counts; a secret without a policy is fine."""

    def secret(*statements):
        return resource("aws_secretsmanager_secret.a", "secretsmanager.secret", policy=key(*statements).attributes["policy"])

    read = allow({"AWS": "*"}, "secretsmanager:*")
    closed = allow("*", "secretsmanager:GetSecretValue", {"StringEquals": {"aws:PrincipalAccount": OWN}})
    assert ask(policy.secret_is_not_public, secret(read), account=OWN).truth is Truth.NO
    assert ask(policy.secret_is_not_public, secret(closed), account=OWN).truth is Truth.YES
    assert ask(policy.secret_is_not_public, secret(allow("*", "secretsmanager:Describe*")), account=OWN).truth is Truth.YES
    bare = resource("aws_secretsmanager_secret.a", "secretsmanager.secret")
    assert ask(policy.secret_is_not_public, bare, account=OWN).truth is Truth.YES
