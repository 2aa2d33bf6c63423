"""What `can` makes of each fact of the decision: callers, paths, ceilings, grants, and the keys that conditions read."""

from __future__ import annotations

import msgspec
import pytest
from questions import HERE, KEY, OTHER, OWN, ROLE, ROOT, allow, asked, deny, key, policy, reference, role, value

from kmsguard.iam.decide import EMPTY, Grant, Key, Layer, Organization, Principal, can, default_key_policy
from kmsguard.iam.operations import ACROSS_ACCOUNTS, CLASSES
from kmsguard.iam.texts import Deployment
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Value

NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES
DECRYPT = "kms:Decrypt"
MAY = allow(action=DECRYPT)
EVERYTHING = Layer((policy(allow(action="*")),))
NO_KMS = Layer((policy(allow(action="s3:*")),))
DENIES = Layer((policy(allow(action="*"), deny(action=DECRYPT)),))
SERVICE = Principal("service", Value("sns.amazonaws.com"), identity_policies=EMPTY)


def layer(*statements):
    """One policy as a layer."""
    return Layer((policy(*statements),))


def without(name, statement):
    """A statement without one of its elements."""
    return {other: element for other, element in statement.items() if other != name}


def caller(kind, *statements, account=OWN, name="app", **more):
    """A caller whose ARN is spelled, with an identity policy of some statements."""
    ends = {
        "root": f"iam::{account}:root",
        "user": f"iam::{account}:user/{name}",
        "role": f"iam::{account}:role/{name}",
        "federated": f"sts::{account}:federated-user/{name}",
    }
    arn = Value(f"arn:aws:{ends[kind]}")
    return Principal(kind, arn, Value(account), identity_policies=layer(*statements) if statements else EMPTY, **more)


def arn(kind, account=OWN, name="app"):
    """The ARN of such a caller."""
    return caller(kind, account=account, name=name).arn.text


def truth(principal, key_, context=None, action=DECRYPT, **more):
    """What is decided."""
    return asked(principal, action, key_, context, **more).truth


SAME_ACCOUNT = {
    # the key policy reaches the caller itself
    "a user by its ARN": (caller("user"), [allow({"AWS": arn("user")})], YES),
    "a user of another name": (caller("user"), [allow({"AWS": arn("user", name="other")})], NO),
    "a user with a path, named without it": (caller("user", name="team/app"), [allow({"AWS": arn("user")})], NO),
    "a role by its ARN": (caller("role"), [allow({"AWS": arn("role")})], YES),
    "a federated user by its ARN": (caller("federated"), [allow({"AWS": arn("federated")})], YES),
    "everybody": (caller("role"), [allow("*")], YES),
    "everybody in a list": (caller("user"), [allow({"AWS": [arn("role", OTHER), "*"]})], YES),
    "the service of everybody reaches nobody": (caller("role"), [allow({"Service": "*"})], NO),
    "the canonical user of everybody reaches nobody": (caller("role"), [allow({"CanonicalUser": "*"})], NO),
    # through the account
    "the account and an identity policy": (caller("role", MAY), [ROOT], YES),
    "the account by its id": (caller("role", MAY), [allow({"AWS": OWN})], YES),
    "the account without an identity policy": (caller("role"), [ROOT], NO),
    "the account for another operation": (caller("role", MAY), [allow({"AWS": OWN}, "kms:Encrypt")], NO),
    "the root user needs no identity policy": (caller("root"), [ROOT], YES),
    "the root user is not reached by a role's entry": (caller("root"), [allow({"AWS": arn("role")})], NO),
    "a federated user needs an identity policy": (caller("federated"), [ROOT], NO),
    "a wildcard in an account's ARN reaches nobody": (caller("role", MAY), [allow({"AWS": "arn:aws:iam::*:root"})], NO),
    "another partition reaches nobody": (caller("role", MAY), [allow({"AWS": f"arn:aws-cn:iam::{OWN}:root"})], NO),
    "a unique id reaches nobody": (caller("role", MAY), [allow({"AWS": "AROAEXAMPLEEXAMPLE"})], NO),
    # a Deny of any layer
    "a Deny of the key policy": (caller("role", MAY), [ROOT, deny("*", DECRYPT)], NO),
    "a Deny of the key policy for the account": (caller("role", MAY), [ROOT, deny({"AWS": OWN}, DECRYPT)], NO),
    "a Deny of the key policy for somebody else": (caller("role", MAY), [ROOT, deny({"AWS": arn("role", name="b")})], YES),
    "a Deny of the identity policy": (caller("role", MAY, deny(action="kms:*")), [allow({"AWS": arn("role")})], NO),
    "a Deny of the root user by its own account": (caller("root"), [ROOT, deny({"AWS": OWN}, DECRYPT)], NO),
    # operations
    "NotAction that leaves it": (caller("role"), [without("Action", allow("*", NotAction="kms:Encrypt"))], YES),
    "NotAction that names it": (caller("role"), [without("Action", allow("*", NotAction="kms:D*"))], NO),
    "an action in other letters": (caller("role"), [allow("*", "KMS:dEcRyPt")], YES),
    "an alias as the resource of a key policy": (caller("role"), [allow("*", resource="arn:aws:kms:*:*:alias/app")], NO),
    "no principal": (caller("role", MAY), [allow(None)], NO),
    "no statement": (caller("role", MAY), [], NO),
}


@pytest.mark.parametrize(("principal", "statements", "expected"), SAME_ACCOUNT.values(), ids=SAME_ACCOUNT)
def test_same_account(principal, statements, expected):
    """In the key's account the key policy reaches the caller itself, or leaves it to its account's identity policies."""
    assert truth(principal, key(*statements, region=Value("us-east-1"))) is expected


ANOTHER_ACCOUNT = {
    "the account and an identity policy": (caller("role", MAY, account=OTHER), [allow({"AWS": OTHER})], YES),
    "the role and an identity policy": (caller("role", MAY, account=OTHER), [allow({"AWS": arn("role", OTHER)})], YES),
    "the role alone": (caller("role", account=OTHER), [allow({"AWS": arn("role", OTHER)})], NO),
    "everybody and an identity policy": (caller("user", MAY, account=OTHER), [allow("*")], YES),
    "everybody alone": (caller("user", account=OTHER), [allow("*")], NO),
    "the identity policy alone": (caller("role", MAY, account=OTHER), [ROOT], NO),
    "the root user of the account": (caller("root", account=OTHER), [allow({"AWS": OTHER})], YES),
    "a Deny of its own identity policy": (
        caller("role", MAY, deny(action="*"), account=OTHER),
        [allow({"AWS": OTHER})],
        NO,
    ),
    "an identity policy for another key": (
        caller("role", allow(action=DECRYPT, resource=f"arn:aws:kms:us-east-1:{OTHER}:key/*"), account=OTHER),
        [allow({"AWS": OTHER})],
        NO,
    ),
    "an identity policy for keys of the owner": (
        caller("role", allow(action=DECRYPT, resource=f"arn:aws:kms:us-east-1:{OWN}:key/*"), account=OTHER),
        [allow({"AWS": OTHER})],
        YES,
    ),
    "a boundary that does not allow": (
        caller("role", MAY, account=OTHER, boundary=NO_KMS),
        [allow({"AWS": arn("role", OTHER)})],
        NO,
    ),
    "a session policy that does not allow": (
        caller("role", MAY, account=OTHER, session_policies=NO_KMS),
        [allow({"AWS": OTHER})],
        NO,
    ),
}


@pytest.mark.parametrize(("principal", "statements", "expected"), ANOTHER_ACCOUNT.values(), ids=ANOTHER_ACCOUNT)
def test_another_account(principal, statements, expected):
    """Across accounts both sides have to allow."""
    assert truth(principal, key(*statements, region=Value("us-east-1"), account=Value(OWN))) is expected


def test_operations_across_accounts():
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html."""
    stranger, shared = caller("role", allow(action="kms:*"), account=OTHER), key(allow({"AWS": OTHER}), account=Value(OWN))
    everybody = key(allow("*"), account=Value(OWN))
    further = {"DescribeKey", "GetPublicKey", "GetKeyRotationStatus", "ListGrants", "RetireGrant", "RevokeGrant"}

    assert {*CLASSES["use"], *CLASSES["grant"], *CLASSES["sign"], *further} == ACROSS_ACCOUNTS
    for operation in ACROSS_ACCOUNTS:
        assert truth(stranger, shared, action=f"kms:{operation}") is YES, operation
    for operation in (*CLASSES["administer"], "GetKeyPolicy", "ListResourceTags", "GetParametersForImport"):
        assert truth(stranger, shared, action=f"kms:{operation}") is NO, operation
        assert truth(SERVICE, everybody, action=f"kms:{operation}") is NO, operation


SERVICES = {
    "the service": ([allow({"Service": "sns.amazonaws.com"})], YES),
    "another service": ([allow({"Service": "sqs.amazonaws.com"})], NO),
    "everybody": ([allow("*")], YES),
    "the account": ([ROOT], NO),
    "a Deny of the key policy": ([allow("*"), deny({"Service": "sns.amazonaws.com"}, DECRYPT)], NO),
    "a Deny for everybody but services": (
        [allow("*"), deny("*", condition={"Bool": {"aws:PrincipalIsAWSService": "false"}})],
        YES,
    ),
    "a Deny for other organizations, without an exemption for services": (
        [allow("*"), deny("*", condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}})],
        NO,
    ),
    "the caller account is nobody's": (
        [allow({"Service": "sns.amazonaws.com"}, condition={"StringEquals": {"kms:CallerAccount": OWN}})],
        NO,
    ),
    "ViaService is not of a service's own call": (
        [allow({"Service": "sns.amazonaws.com"}, condition={"StringLike": {"kms:ViaService": "*"}})],
        NO,
    ),
    "the source account may be absent": (
        [allow({"Service": "sns.amazonaws.com"}, condition={"StringEquals": {"aws:SourceAccount": OWN}})],
        UNKNOWN,
    ),
    "the name of the service": (
        [allow("*", condition={"StringEquals": {"aws:PrincipalServiceName": "sns.amazonaws.com"}})],
        YES,
    ),
    "NotPrincipal that lists another service": (
        [allow("*"), allow(None) | {"NotPrincipal": {"Service": "x.amazonaws.com"}}],
        YES,
    ),
}


@pytest.mark.parametrize(("statements", "expected"), SERVICES.values(), ids=SERVICES)
def test_service(statements, expected):
    """A service is let in by an entry for it or by `*`; identity policies play no part."""
    assert truth(SERVICE, key(*statements)) is expected


def test_source_account_of_a_service():
    """What a service says of its customer decides, and what it does not say is a fact too."""
    guarded = key(allow({"Service": "sns.amazonaws.com"}, condition={"StringEquals": {"aws:SourceAccount": OWN}}))

    assert truth(SERVICE, guarded, {"aws:SourceAccount": OWN}) is YES
    assert truth(SERVICE, guarded, {"aws:SourceAccount": OTHER}) is NO
    assert truth(SERVICE, guarded, {"aws:SourceAccount": Value(ABSENT)}) is NO


LINKED = caller(
    "role", MAY, name="aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling", service_linked=True
)
SCPS = {
    "every level allows": (caller("role", MAY), Organization((EVERYTHING, EVERYTHING)), YES),
    "the first level does not allow": (caller("role", MAY), Organization((NO_KMS, EVERYTHING)), NO),
    "the last level does not allow": (caller("role", MAY), Organization((EVERYTHING, EVERYTHING, NO_KMS)), NO),
    "one level denies": (caller("role", MAY), Organization((EVERYTHING, DENIES)), NO),
    "a user": (caller("user", MAY), Organization((NO_KMS,)), NO),
    "the root user": (caller("root"), Organization((NO_KMS,)), NO),
    "the management account": (caller("role", MAY), Organization((NO_KMS,), caller_in_management_account=True), YES),
    "a service": (SERVICE, Organization((DENIES,)), YES),
    "a service-linked role": (LINKED, Organization((DENIES,)), YES),
    "a level that is not held": (caller("role", MAY), Organization((Layer(missing=(Open("x", "y"),)),)), UNKNOWN),
}
BOTH = [allow({"AWS": OWN}), allow({"Service": "sns.amazonaws.com"})]


@pytest.mark.parametrize(("principal", "organization", "expected"), SCPS.values(), ids=SCPS)
def test_service_control_policies(principal, organization, expected):
    """They bind the principals of member accounts at every level, and nobody else."""
    assert truth(principal, key(*BOTH), organization=organization) is expected


def test_service_control_policy_binds_who_is_named_by_the_key_policy():
    """A ceiling is not lifted by an Allow of the key policy or a grant."""
    named, granted = key(allow({"AWS": arn("role")})), key(grants=(Grant(caller("role").arn, value(["Decrypt"])),))

    assert truth(caller("role"), named, organization=Organization((NO_KMS,))) is NO
    assert truth(caller("role"), granted, organization=Organization((NO_KMS,))) is NO


RCP_FULL = allow("*", "*")
RCP_DENY = Layer((policy(RCP_FULL, deny("*", DECRYPT)),))
RCP_ORG = Layer(
    (
        policy(
            RCP_FULL,
            deny(
                "*",
                condition={
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abcdefghij"},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            ),
        ),
    )
)
IN_ORGANIZATION = {"aws:PrincipalOrgID": "o-abcdefghij"}
RCPS = {
    "it denies": (caller("role", MAY), {}, {}, RCP_DENY, NO),
    "it denies a service": (SERVICE, {}, {}, RCP_DENY, NO),
    "it denies callers of other organizations": (
        caller("role", MAY, account=OTHER),
        {"aws:PrincipalOrgID": "o-zzzzzzzzzz"},
        {},
        RCP_ORG,
        NO,
    ),
    "it exempts the organization": (caller("role", MAY), IN_ORGANIZATION, {}, RCP_ORG, YES),
    "it exempts services": (SERVICE, {}, {}, RCP_ORG, YES),
    "the management account's key": (caller("role", MAY), {}, {"key_in_management_account": True}, RCP_DENY, YES),
    "a service-linked role": (LINKED, {}, {}, RCP_DENY, YES),
    "it does not allow": (caller("role", MAY), {}, {}, Layer((policy(allow("*", "s3:*")),)), NO),
}


@pytest.mark.parametrize(("principal", "context", "more", "rcp", "expected"), RCPS.values(), ids=RCPS)
def test_resource_control_policies(principal, context, more, rcp, expected):
    """They bind all callers on customer managed keys of member accounts."""
    shared = key(*BOTH, allow({"AWS": OTHER}), account=Value(OWN))

    assert truth(principal, shared, context, organization=Organization(rcps=(rcp,), **more)) is expected


def test_what_resource_control_policies_do_not_bind():
    """AWS managed keys and RetireGrant.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
    """
    everything = Organization(rcps=(Layer((policy(RCP_FULL, deny("*")),)),))
    managed = Key(KEY, Layer((default_key_policy(deployment=HERE),)), customer_managed=False)
    principal = caller("role", allow(action="kms:*"))

    assert truth(principal, managed, organization=everything) is YES
    assert truth(principal, key(ROOT), action="kms:RetireGrant", organization=everything) is YES
    assert truth(principal, key(ROOT), action="kms:RevokeGrant", organization=everything) is NO


SESSION = f"arn:aws:sts::{OWN}:assumed-role/app/one"
ONE = {"session": Value("one")}
LIMITS = {
    # how the caller is allowed: its kind, the key policy, grants; what an implicit deny of the boundary and of the session does
    "account entry and identity policy": (caller("role", MAY, **ONE), [ROOT], (), NO, NO),
    "account entry and identity policy of a user": (caller("user", MAY), [ROOT], (), NO, None),
    "key policy names the role's ARN": (caller("role", **ONE), [allow({"AWS": arn("role")})], (), NO, NO),
    "key policy names the session's ARN": (caller("role", **ONE), [allow({"AWS": SESSION})], (), YES, YES),
    "key policy names the federated user's ARN": (caller("federated"), [allow({"AWS": arn("federated")})], (), YES, YES),
    "key policy names the user's ARN": (caller("user"), [allow({"AWS": arn("user")})], (), YES, None),
    "everybody": (caller("role", **ONE), [allow("*")], (), UNKNOWN, UNKNOWN),
    "a grant": (caller("role", **ONE), [], (Grant(caller("role").arn, value(["Decrypt"])),), UNKNOWN, UNKNOWN),
}


@pytest.mark.parametrize(("principal", "statements", "grants", "boundary", "session"), LIMITS.values(), ids=LIMITS)
def test_implicit_deny_of_boundary_and_session_policy(principal, statements, grants, boundary, session):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html."""
    guarded = key(*statements, grants=grants)

    assert truth(principal, guarded) is YES
    assert truth(msgspec.structs.replace(principal, boundary=NO_KMS), guarded) is boundary
    assert truth(msgspec.structs.replace(principal, boundary=EVERYTHING), guarded) is YES
    assert truth(msgspec.structs.replace(principal, boundary=DENIES), guarded) is NO, "a Deny always binds"
    if session is not None:
        assert truth(msgspec.structs.replace(principal, session_policies=NO_KMS), guarded) is session
        assert truth(msgspec.structs.replace(principal, session_policies=EVERYTHING), guarded) is YES
        assert truth(msgspec.structs.replace(principal, session_policies=DENIES), guarded) is NO, "a Deny always binds"


def test_boundary_that_is_not_held():
    """What a boundary says that the template does not hold is not known."""
    unknown = Layer(missing=(Open("arn:aws:iam::111122223333:policy/x", "what this policy says is not known here"),))

    assert truth(caller("role", MAY, boundary=unknown), key(ROOT)) is UNKNOWN
    assert truth(caller("role", boundary=unknown), key(ROOT)) is NO, "nothing allows it anyhow"


def test_boundary_and_not_principal():
    """A boundary with a Deny by NotPrincipal denies, whatever is listed; an Allow by NotPrincipal is as it is."""
    denied = deny(None, "kms:*") | {"NotPrincipal": {"AWS": [arn("role"), OWN]}}
    bounded = caller("role", MAY, boundary=EVERYTHING)

    assert truth(caller("role", MAY), key(ROOT, denied)) is YES
    assert truth(bounded, key(ROOT, denied)) is NO
    assert truth(caller("user", MAY, boundary=EVERYTHING), key(ROOT, denied)) is NO
    others = allow(None) | {"NotPrincipal": {"AWS": [arn("role", OTHER), OTHER]}}
    assert truth(bounded, key(others)) is YES
    assert truth(caller("role", boundary=NO_KMS), key(others)) is UNKNOWN, "whether the boundary binds is not said"
    assert truth(bounded, key(allow(None) | {"NotPrincipal": {"AWS": [arn("role"), OWN]}})) is NO


def grant(operations=("Decrypt",), grantee=None, **more):
    """A grant for the role."""
    return Grant(grantee or caller("role").arn, value(list(operations)), **more)


def context(**entries):
    """A request with a whole encryption context."""
    keys = {"kms:EncryptionContextKeys": list(entries) if entries else Value(ABSENT)}
    return {**{f"kms:EncryptionContext:{name}": text for name, text in entries.items()}, **keys}


GRANTEES = {
    "a role": (caller("role"), arn("role"), YES),
    "another role": (caller("role"), arn("role", name="b"), NO),
    "a user": (caller("user"), arn("user"), YES),
    "a federated user": (caller("federated"), arn("federated"), YES),
    "a session": (caller("role", **ONE), SESSION, YES),
    "another session": (caller("role", session=Value("two")), SESSION, NO),
    "the root user": (caller("root"), arn("root"), YES),
    "the account is no grantee for its roles": (caller("role"), arn("root"), NO),
    "a service": (SERVICE, "sns.amazonaws.com", YES),
    "another service": (SERVICE, "sqs.amazonaws.com", NO),
    "a role of another account": (caller("role", account=OTHER), arn("role", OTHER), YES),
    "no wildcards": (caller("role"), f"arn:aws:iam::{OWN}:role/*", NO),
}


@pytest.mark.parametrize(("principal", "grantee", "expected"), GRANTEES.values(), ids=GRANTEES)
def test_grantee(principal, grantee, expected):
    """A grantee is named exactly, and needs no identity policy, in its own account and in others."""
    assert truth(principal, key(account=Value(OWN), grants=(grant(grantee=Value(grantee)),))) is expected


def test_grants():
    """Operations as listed; constraints bind the operations that carry an encryption context; a Deny beats a grant."""
    app = caller("role")

    def decided(one, request=None, action=DECRYPT, *statements):
        return truth(app, key(*statements, grants=(one,)), request, action)

    assert decided(grant()) is YES
    assert decided(grant(), action="kms:Encrypt") is NO
    assert decided(grant(("Encrypt", "GenerateDataKey")), action="kms:GenerateDataKey") is YES
    assert decided(grant(), {}, DECRYPT, deny("*", DECRYPT)) is NO
    subset, equals = grant(subset=value({"app": "shop"})), grant(equals=value({"app": "shop"}))
    assert decided(subset, context(app="shop", team="a")) is YES
    assert decided(equals, context(app="shop", team="a")) is NO
    assert decided(equals, context(app="shop")) is YES
    assert decided(subset, context(app="web")) is NO
    assert decided(subset, context()) is NO
    assert decided(subset) is UNKNOWN
    described = grant(("DescribeKey",), subset=value({"app": "shop"}))
    assert decided(described, action="kms:DescribeKey") is YES, "DescribeKey carries no encryption context"


OF_RESOURCE = {
    "every key": ("*", YES),
    "keys of the Region": (f"arn:aws:kms:us-east-1:{OWN}:key/*", YES),
    "everything of KMS": ("arn:aws:kms:*:*:*", YES),
    "another Region": (f"arn:aws:kms:eu-west-1:{OWN}:key/*", NO),
    "another account": (f"arn:aws:kms:us-east-1:{OTHER}:key/*", NO),
    "an alias": (f"arn:aws:kms:us-east-1:{OWN}:alias/app", NO),
    "every alias": ("arn:aws:kms:*:*:alias/*", NO),
    "another service": ("arn:aws:s3:::*", NO),
    "another key of the template": (reference("aws_kms_key.other"), NO),
    "the key": (KEY, YES),
    "a key by its id": (f"arn:aws:kms:us-east-1:{OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab", UNKNOWN),
    "nothing": ([], NO),
}


@pytest.mark.parametrize(("resource", "expected"), OF_RESOURCE.values(), ids=OF_RESOURCE)
def test_resource_of_identity_policies(resource, expected):
    """They are matched against the whole ARN of the key; the ARN of an alias matches no operation with the key."""
    principal = caller("role", allow(action=DECRYPT, resource=resource))

    assert truth(principal, key(ROOT, region=Value("us-east-1"))) is expected


ALIASES = (f"arn:aws:kms:us-east-1:{OWN}:alias/*", "arn:aws:kms:*:*:alias/*", "*:alias/*")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
@pytest.mark.parametrize("many", [True, False, None])
def test_shape_of_key_ids(many, region):
    """Ids of multi-Region keys begin with `mrk-`, no other does, and no id holds an alias."""
    known = {"region": Value(region), "multi_region": Value(many) if many is not None else None}

    def decided(resource):
        return truth(caller("role", allow(action=DECRYPT, resource=resource)), key(ROOT, **known))

    assert decided("arn:aws:kms:*:*:key/mrk-*") is {True: YES, False: NO, None: UNKNOWN}[many]
    assert (
        decided(f"arn:aws:kms:*:{OWN}:key/????????-????-????-????-????????????") is {True: NO, False: YES, None: UNKNOWN}[many]
    )
    assert [decided(alias) for alias in ALIASES] == [NO, NO, NO]
    assert decided("arn:aws:kms:*:*:key/*") is YES


def test_not_resource_of_identity_policies():
    """NotResource is the negation: all keys but those of a Region."""
    statement = {"Effect": "Allow", "Action": "kms:*", "NotResource": f"arn:aws:kms:eu-west-1:{OWN}:key/*"}

    assert truth(caller("role", statement), key(ROOT, region=Value("us-east-1"))) is YES
    assert truth(caller("role", statement), key(ROOT, region=Value("eu-west-1"))) is NO


A_KEY = {
    "region": Value("us-east-1"),
    "spec": Value("SYMMETRIC_DEFAULT"),
    "usage": Value("ENCRYPT_DECRYPT"),
    "origin": Value("AWS_KMS"),
    "multi_region": Value(True),
    "multi_region_type": Value("PRIMARY"),
    "aliases": (Value("alias/app"), Value("alias/web")),
    "tags": {"Team": Value("a")},
}
KEYS = [
    ("StringEquals", "kms:KeySpec", "SYMMETRIC_DEFAULT", YES),
    ("StringEquals", "kms:KeySpec", "RSA_2048", NO),
    ("StringEquals", "kms:KeyUsage", "ENCRYPT_DECRYPT", YES),
    ("StringEquals", "kms:KeyUsage", "SIGN_VERIFY", NO),
    ("StringEquals", "kms:KeyOrigin", "EXTERNAL", NO),
    ("Bool", "kms:MultiRegion", "true", YES),
    ("Bool", "kms:MultiRegion", "false", NO),
    ("StringEquals", "kms:MultiRegionKeyType", "REPLICA", NO),
    ("StringEquals", "kms:MultiRegionKeyType", "PRIMARY", YES),
    ("ForAnyValue:StringLike", "kms:ResourceAliases", "alias/a*", YES),
    ("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/other", NO),
    ("ForAllValues:StringEquals", "kms:ResourceAliases", "alias/app", NO),
    ("StringEquals", "aws:ResourceTag/Team", "a", YES),
    ("StringEquals", "aws:ResourceTag/team", "a", YES),
    ("StringEquals", "aws:ResourceTag/Team", "b", NO),
    ("StringEquals", "aws:ResourceTag/Owner", "b", NO),
    ("Null", "aws:ResourceTag/Owner", "true", YES),
    ("StringEquals", "aws:RequestedRegion", ["us-east-1", "eu-west-1"], YES),
    ("StringNotEquals", "aws:RequestedRegion", "us-east-1", NO),
    ("StringEquals", "aws:ResourceAccount", OWN, YES),
    ("StringEquals", "kms:CallerAccount", OWN, YES),
    ("StringEquals", "kms:RequestAlias", "alias/app", UNKNOWN),
    ("StringEquals", "aws:PrincipalTag/team", "${aws:ResourceTag/Team}", YES),
    ("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com", UNKNOWN),
    ("StringEquals", "aws:PrincipalType", "AssumedRole", YES),
    ("StringEquals", "aws:PrincipalType", "User", NO),
    ("Null", "aws:username", "true", YES),
    ("Bool", "aws:SecureTransport", "true", YES),
    ("Bool", "aws:PrincipalIsAWSService", "false", YES),
    ("Null", "aws:SourceArn", "true", YES),
    ("Null", "kms:SigningAlgorithm", "true", YES),
    ("StringEquals", "aws:Something", "x", UNKNOWN),
]


@pytest.mark.parametrize(("operator", "name", "values", "expected"), KEYS)
def test_keys_of_principal_and_resource(operator, name, values, expected):
    """What the template says of key and caller decides the conditions that read it."""
    statement = allow(action=DECRYPT, condition={operator: {name: values}})
    principal = caller("role", statement, tags={"Team": Value("a")})

    assert truth(principal, key(ROOT, **A_KEY)) is expected


def test_keys_of_the_way():
    """A call via a service has its name, and neither VPC nor endpoint."""
    via = {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}

    def decided(operator, name, values, request):
        principal = caller("role", allow(action="kms:*", condition={operator: {name: values}}))
        return truth(principal, key(ROOT, **A_KEY), request)

    assert decided("StringLike", "kms:ViaService", "dynamodb.*.amazonaws.com", via) is YES
    assert decided("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com", via) is NO
    assert decided("Bool", "aws:ViaAWSService", "true", via) is YES
    assert decided("Null", "aws:SourceVpce", "true", via) is YES
    direct = {"kms:ViaService": Value(ABSENT)}
    assert decided("Bool", "aws:ViaAWSService", "true", direct) is NO
    assert decided("Null", "aws:CalledVia", "true", direct) is YES
    assert decided("ForAnyValue:StringEquals", "aws:CalledVia", "dynamodb.amazonaws.com", direct) is NO


def test_grant_for_aws_resources():
    """CreateGrant is for an AWS resource exactly where it comes via a service."""
    condition = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    principal = caller("role", allow(action="kms:*", condition=condition))

    assert truth(principal, key(ROOT), {"kms:ViaService": "ec2.us-east-1.amazonaws.com"}, "kms:CreateGrant") is YES
    assert truth(principal, key(ROOT), {"kms:ViaService": Value(ABSENT)}, "kms:CreateGrant") is NO
    assert truth(principal, key(ROOT), action="kms:CreateGrant") is UNKNOWN
    assert truth(principal, key(ROOT)) is NO, "Decrypt has no such key"


def test_evidence():
    """YES shows the statements that allow, NO what denies or where nothing allows, UNKNOWN what would decide it."""
    yes = asked(caller("role", MAY), DECRYPT, key(ROOT))
    denied = asked(caller("role", MAY), DECRYPT, key(ROOT, deny("*")))
    nothing = asked(caller("role"), DECRYPT, key(ROOT))
    limited_ = asked(caller("role", MAY), DECRYPT, key(ROOT), organization=Organization((NO_KMS,)))
    open_ = asked(Principal("role", caller("role").arn, Value(OWN)), DECRYPT, key(ROOT))

    assert [(one.part, one.truth) for one in yes.evidence] == [("delegates", YES), ("allows", YES)]
    assert [(one.part, one.layer, one.statement.index) for one in denied.evidence] == [("denies", "key policy", 1)]
    assert [(one.part, one.layer) for one in nothing.evidence] == [("limits", "identity policies")]
    assert [(one.part, one.layer) for one in limited_.evidence] == [("limits", "service control policy")]
    assert open_.truth is UNKNOWN
    assert open_.open


def test_version_of_the_policy_decides_over_variables():
    """Only Version 2012-10-17 has policy variables."""
    condition = {"StringEquals": {"aws:PrincipalTag/user": "${aws:username}"}}

    def decided(version):
        tagged = caller("user", tags={"user": Value("app")})
        guarded = Key(KEY, Layer((policy(allow({"AWS": arn("user")}, condition=condition), version=version),)))
        return can(tagged, DECRYPT, guarded, {}, deployment=HERE).truth

    assert decided("2012-10-17") is YES
    assert decided("2008-10-17") is NO


def test_endpoint_policy():
    """The policy of the endpoint that a call passes may deny, and has to allow."""
    everybody, role_only = allow("*", "kms:*"), allow({"AWS": arn("role")}, "kms:*")

    def decided(*statements, principal=None):
        return truth(principal or caller("role", MAY), key(ROOT), endpoint=layer(*statements))

    assert decided(everybody) is YES
    assert decided(everybody, deny("*", DECRYPT)) is NO
    assert decided(allow("*", "kms:Encrypt")) is NO
    assert decided(role_only) is YES
    assert decided(role_only, principal=caller("role", MAY, name="b")) is NO


def test_calls_that_pass_no_endpoint():
    """A call is direct, through an endpoint, or via a service, and never two of these."""
    closed = layer(deny("*", "kms:*"))
    via = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}

    assert truth(caller("role", MAY), key(ROOT), endpoint=closed) is NO
    assert truth(caller("role", MAY), key(ROOT), via, endpoint=closed) is YES
    assert truth(SERVICE, key(allow("*")), endpoint=closed) is YES


def test_keys_of_a_call_through_an_endpoint():
    """It has no address of the internet, and comes via no service."""
    office = {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    through = {"aws:SourceVpce": "vpce-1"}

    assert truth(caller("role", MAY), key(ROOT, deny("*", condition=office)), through) is NO
    assert truth(caller("role", MAY), key(ROOT, deny("*", condition=office)), endpoint=layer(allow("*"))) is NO
    assert truth(caller("role", MAY), key(ROOT, deny("*", condition=office))) is UNKNOWN
    assert truth(caller("role", MAY), key(ROOT, deny("*", condition={"Bool": {"aws:ViaAWSService": "true"}})), through) is YES
    outside = deny("*", condition={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})
    assert truth(caller("role", MAY), key(ROOT, outside), through) is YES
    assert truth(caller("role", MAY), key(ROOT, outside), {"aws:SourceVpce": "vpce-2"}) is NO


def test_another_partition():
    """ARNs of callers are in the partition of the Region."""
    there = Deployment(OWN, "us-gov-west-1")
    principal = Principal("role", Value(f"arn:aws-us-gov:iam::{OWN}:role/app"), Value(OWN), identity_policies=EMPTY)

    def decided(partition):
        statement = allow({"AWS": f"arn:{partition}:iam::{OWN}:role/app"})
        return can(principal, DECRYPT, Key(KEY, Layer((policy(statement, deployment=there),))), {}, deployment=there).truth

    assert decided("aws-us-gov") is YES
    assert decided("aws") is NO


def test_reference_is_one_role():
    """The role of the unit is reached by its reference and by nothing else that the unit makes."""
    assert truth(role(MAY), key(allow({"AWS": [reference("aws_iam_role.b"), ROLE]}))) is YES
    assert truth(role(MAY), key(allow({"AWS": reference("aws_iam_user.app")}))) is NO


ON_ALIASES = {
    "everything": (["*"], YES),
    "keys and aliases": (["arn:aws:kms:*:*:key/*", "arn:aws:kms:*:*:alias/*"], YES),
    "keys alone": (["arn:aws:kms:*:*:key/*"], NO),
    "aliases alone": (["arn:aws:kms:*:*:alias/*"], NO),
    "keys and one alias": (["arn:aws:kms:*:*:key/*", f"arn:aws:kms:us-east-1:{OWN}:alias/app"], UNKNOWN),
    "keys and an alias of another Region": (["arn:aws:kms:*:*:key/*", f"arn:aws:kms:eu-west-1:{OWN}:alias/app"], NO),
}


@pytest.mark.parametrize("action", ["kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"])
@pytest.mark.parametrize(("resources", "expected"), ON_ALIASES.values(), ids=ON_ALIASES)
def test_operations_with_aliases(action, resources, expected):
    """They need both: the key and the alias."""
    here = {"region": Value("us-east-1")}
    principal = caller("role", allow(action="kms:*Alias", resource=resources))

    assert truth(principal, key(ROOT, **here), action=action) is expected
    assert truth(caller("role"), key(allow({"AWS": arn("role")}), **here), action=action) is NO, "a key policy has no aliases"
    denied = caller("role", allow(action="kms:*"), deny(action="kms:*", resource="arn:aws:kms:*:*:alias/*"))
    assert truth(denied, key(ROOT, **here), action=action) is NO
    assert truth(caller("root"), key(ROOT, **here), action=action) is YES
