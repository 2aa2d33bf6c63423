"""Single decisions over the values of templates: `can`."""

from __future__ import annotations

from questions import (
    ACCOUNT_ID,
    HERE,
    KEY,
    OTHER,
    OWN,
    ROLE,
    ROOT,
    SOMEWHERE,
    allow,
    asked,
    deny,
    key,
    policy,
    reference,
    role,
    text,
    value,
)

from kmsguard.iam.decide import (
    EMPTY,
    Grant,
    Key,
    Layer,
    Organization,
    Principal,
    aws_managed_key_policy,
    default_key_policy,
)
from kmsguard.iam.document import read_policy
from kmsguard.iam.texts import Deployment
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Target, Unknown, Value


def test_identity_policy_counts_where_the_key_policy_delegates():
    """ROOT hands the decision to identity policies: with one it is YES, without NO."""
    yes = asked(role(allow(action="kms:Decrypt", resource=KEY)), "kms:Decrypt", key(ROOT))

    assert yes.truth is Truth.YES
    assert [(e.part, e.layer) for e in yes.evidence] == [("delegates", "key policy"), ("allows", "identity policy")]
    no = asked(role(allow(action="kms:Encrypt", resource=KEY)), "kms:Decrypt", key(ROOT))
    assert no.truth is Truth.NO
    assert no.evidence[0].layer == "identity policies"


def test_identity_policy_alone_is_not_enough():
    """Without an Allow in the key policy, identity policies count for nothing."""
    decision = asked(
        role(allow(action="kms:Decrypt", resource=KEY)), "kms:Decrypt", key(allow({"AWS": f"arn:aws:iam::{OWN}:user/x"}))
    )

    assert decision.truth is Truth.NO
    assert decision.evidence[0].layer == "key policy"


def test_role_named_by_the_key_policy_needs_no_identity_policy():
    """A reference to the role of the unit is that role."""
    decision = asked(role(), "kms:Decrypt", key(allow({"AWS": ROLE}, "kms:Decrypt")))

    assert decision.truth is Truth.YES
    assert asked(role(), "kms:Decrypt", key(allow({"AWS": reference("aws_iam_role.other")}))).truth is Truth.NO


def test_reference_to_a_data_source_may_be_any_role():
    """A role that was looked up can be the one that the unit makes."""
    decision = asked(role(), "kms:Decrypt", key(allow({"AWS": reference("data.aws_iam_role.other")})))

    assert decision.truth is Truth.UNKNOWN
    assert Open("data.aws_iam_role.other.arn", "known after apply") in decision.open


def test_literal_role_against_a_role_with_a_known_name():
    """What is known of the role's ARN decides against literal ARNs."""
    named = role(name=Value("app"))

    assert asked(named, "kms:Decrypt", key(allow({"AWS": f"arn:aws:iam::{OWN}:role/app"}))).truth is Truth.YES
    assert asked(named, "kms:Decrypt", key(allow({"AWS": f"arn:aws:iam::{OWN}:role/other"}))).truth is Truth.NO
    like = allow("*", condition={"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/a*"}})
    assert asked(named, "kms:Decrypt", key(like)).truth is Truth.YES


def test_own_account_is_itself_also_where_it_is_not_known():
    """`data.aws_caller_identity` and the caller's account are one constant."""
    root = allow({"AWS": text("arn:aws:iam::", ACCOUNT_ID, ":root")})
    principal = role(allow(action="kms:Decrypt"), deployment=SOMEWHERE)

    decision = asked(principal, "kms:Decrypt", key(root, deployment=SOMEWHERE), deployment=SOMEWHERE)

    assert decision.truth is Truth.YES


def test_literal_account_is_open_without_account():
    """A literal id may be the own account: `--account` decides."""
    decision = asked(
        role(allow(action="kms:Decrypt"), deployment=SOMEWHERE),
        "kms:Decrypt",
        key(ROOT, deployment=SOMEWHERE),
        deployment=SOMEWHERE,
    )

    assert decision.truth is Truth.UNKNOWN
    assert decision.open == (Open("--account", "pass --account"),)


def test_default_policy_is_root():
    """A key without policy leaves all to identity policies."""
    plain = Key(KEY, Layer((default_key_policy(deployment=HERE),)))

    assert asked(role(allow(action="kms:*", resource=KEY)), "kms:Decrypt", plain).truth is Truth.YES
    assert asked(role(), "kms:Decrypt", plain).truth is Truth.NO
    assert asked(Principal("service", Value("logs.us-east-1.amazonaws.com")), "kms:Encrypt", plain).truth is Truth.NO


def test_aws_managed_key_serves_its_own_service_only():
    """No service principal is in the policy of an AWS managed key; callers come via its service."""
    managed = Key(KEY, Layer((aws_managed_key_policy("sns", deployment=HERE),)), customer_managed=False)

    assert asked(Principal("service", Value("cloudwatch.amazonaws.com")), "kms:Decrypt", managed).truth is Truth.NO
    assert asked(role(), "kms:Decrypt", managed, {"kms:ViaService": "sns.us-east-1.amazonaws.com"}).truth is Truth.YES
    assert asked(role(), "kms:Decrypt", managed, {"kms:ViaService": "s3.us-east-1.amazonaws.com"}).truth is Truth.NO
    other = Principal("role", Value(f"arn:aws:iam::{OTHER}:role/x"), Value(OTHER), identity_policies=Layer((policy(allow()),)))
    assert asked(other, "kms:Decrypt", managed, {"kms:ViaService": "sns.us-east-1.amazonaws.com"}).truth is Truth.NO


def test_another_account_needs_both_sides():
    """Across accounts the key policy and an identity policy have to allow, and only some operations are done."""
    arn, account = Value(f"arn:aws:iam::{OTHER}:role/x"), Value(OTHER)
    with_policy = Principal("role", arn, account, identity_policies=Layer((policy(allow(action="kms:*")),)))
    without = Principal("role", arn, account, identity_policies=EMPTY)
    shared = key(allow({"AWS": OTHER}, "kms:*"))

    assert asked(with_policy, "kms:Decrypt", shared).truth is Truth.YES
    assert asked(without, "kms:Decrypt", shared).truth is Truth.NO
    assert asked(Principal("role", arn, account), "kms:Decrypt", shared).truth is Truth.UNKNOWN
    assert asked(with_policy, "kms:ScheduleKeyDeletion", shared).truth is Truth.NO
    assert asked(with_policy, "kms:DescribeKey", shared).truth is Truth.YES
    assert asked(with_policy, "kms:Decrypt", key(ROOT)).truth is Truth.NO


def test_deny_wins():
    """A Deny beats every Allow, and is the evidence."""
    decision = asked(role(), "kms:Decrypt", key(allow({"AWS": ROLE}), deny("*", "kms:Decrypt")))

    assert decision.truth is Truth.NO
    assert [(e.part, e.statement.index) for e in decision.evidence] == [("denies", 1)]


def test_deny_outside_the_endpoint_stops_calls_via_services():
    """A call via a service has no endpoint, so StringNotEquals matches; an exemption by aws:ViaAWSService lets it through."""
    endpoint = {"StringNotEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}}
    via = {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}
    principal = role(allow(action="kms:Decrypt", resource=KEY))

    assert asked(principal, "kms:Decrypt", key(ROOT, deny("*", condition=endpoint)), via).truth is Truth.NO
    exempt = {**endpoint, "BoolIfExists": {"aws:ViaAWSService": "false"}}
    assert asked(principal, "kms:Decrypt", key(ROOT, deny("*", condition=exempt)), via).truth is Truth.YES
    unclear = asked(principal, "kms:Decrypt", key(ROOT, deny("*", condition=endpoint)))
    assert unclear.truth is Truth.UNKNOWN
    assert [o.reference for o in unclear.open] == ["aws:SourceVpce"]


def test_not_principal_with_the_role_alone_is_not_decided():
    """NotPrincipal that lists the role and not its account is UNKNOWN for the role; with a boundary it denies."""
    principal = role(allow(action="kms:Decrypt"))
    listed = deny(action="kms:*", NotPrincipal={"AWS": ROLE})
    both = deny(action="kms:*", NotPrincipal={"AWS": [ROLE, f"arn:aws:iam::{OWN}:root"]})

    assert asked(principal, "kms:Decrypt", key(ROOT, listed)).truth is Truth.UNKNOWN
    assert asked(principal, "kms:Decrypt", key(ROOT, both)).truth is Truth.YES
    bounded = role(allow(action="kms:Decrypt"), boundary=Layer((policy(allow(action="*")),)))
    assert asked(bounded, "kms:Decrypt", key(ROOT, both)).truth is Truth.NO


def test_context_of_a_service():
    """The encryption context that the service sends decides; a missed condition is shown with its place."""
    logs = Principal("service", Value("logs.us-east-1.amazonaws.com"))
    condition = {
        "ArnEquals": {"kms:EncryptionContext:aws:logs:arn": text("arn:aws:logs:us-east-1:", ACCOUNT_ID, ":log-group:app")}
    }
    guarded = key(allow({"Service": "logs.us-east-1.amazonaws.com"}, ["kms:Encrypt*", "kms:Decrypt*"], condition=condition))

    def sent(name):
        return {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{OWN}:log-group:{name}"}

    assert asked(logs, "kms:Decrypt", guarded, sent("app")).truth is Truth.YES
    no = asked(logs, "kms:Decrypt", guarded, sent("web"))
    assert no.truth is Truth.NO
    assert "kms:EncryptionContext:aws:logs:arn" in no.missed[0].message
    open_ = asked(logs, "kms:Decrypt", guarded)
    assert open_.truth is Truth.UNKNOWN
    assert [o.reference for o in open_.open] == ["kms:EncryptionContext:aws:logs:arn"]


def test_service_of_another_region_is_another_service():
    """Names of services are compared exactly, also where the Region is not given."""
    unit_region = text("logs.", Value(Unknown("not given", None, Target("", "region"))), ".amazonaws.com")
    logs = Principal("service", unit_region)
    there = key(
        allow({"Service": unit_region}),
        deployment=SOMEWHERE,
    )

    assert asked(logs, "kms:Decrypt", there, deployment=SOMEWHERE).truth is Truth.YES
    literal = key(allow({"Service": "logs.eu-west-1.amazonaws.com"}), deployment=SOMEWHERE)
    assert asked(logs, "kms:Decrypt", literal, deployment=SOMEWHERE).truth is Truth.UNKNOWN
    assert asked(logs, "kms:Decrypt", literal, deployment=HERE).truth is Truth.NO


def test_grant_is_enough_for_its_operations():
    """A grant needs no identity policy; its constraint has to be met; a Deny beats it."""
    grant = Grant(ROLE, value(["Decrypt"]), subset=value({"app": "shop"}))
    granted = key(allow({"AWS": f"arn:aws:iam::{OWN}:user/admin"}), grants=(grant,))

    met = asked(role(), "kms:Decrypt", granted, {"kms:EncryptionContext:app": "shop"})
    assert met.truth is Truth.YES
    assert [e.part for e in met.evidence] == ["grants"]
    assert asked(role(), "kms:Decrypt", granted, {"kms:EncryptionContext:app": "x"}).truth is Truth.NO
    assert asked(role(), "kms:Decrypt", granted).truth is Truth.UNKNOWN
    assert asked(role(), "kms:Encrypt", granted).truth is Truth.NO


def test_boundary_limits_delegated_access():
    """A boundary without KMS takes away what identity policies give, and what the key policy gives to the role's ARN."""
    boundary = Layer((policy(allow(action="s3:*")),))
    decision = asked(role(allow(action="kms:Decrypt"), boundary=boundary), "kms:Decrypt", key(ROOT))

    assert decision.truth is Truth.NO
    assert decision.evidence[0].layer == "permission boundary"
    assert asked(role(boundary=boundary), "kms:Decrypt", key(allow({"AWS": ROLE}))).truth is Truth.NO
    assert asked(role(boundary=boundary), "kms:Decrypt", key(allow("*"))).truth is Truth.UNKNOWN


def test_service_control_policies_are_ceilings():
    """Every level has to allow, and none may deny; the management account is not bound."""
    everything, none = Layer((policy(allow(action="*")),)), Layer((policy(allow(action="s3:*")),))
    principal = role(allow(action="kms:Decrypt"))

    assert asked(principal, "kms:Decrypt", key(ROOT), organization=Organization((everything, everything))).truth is Truth.YES
    decision = asked(principal, "kms:Decrypt", key(ROOT), organization=Organization((everything, none)))
    assert decision.truth is Truth.NO
    assert decision.evidence[0].layer == "service control policy"
    free = Organization((none,), caller_in_management_account=True)
    assert asked(principal, "kms:Decrypt", key(ROOT), organization=free).truth is Truth.YES


def test_resource_of_identity_policies():
    """The key's ARN is matched whole: its own reference, its Region, never an alias."""
    here = {"region": Value("us-east-1")}

    def decided(resource):
        return asked(role(allow(action="kms:Decrypt", resource=resource)), "kms:Decrypt", key(ROOT, **here)).truth

    assert decided(KEY) is Truth.YES
    assert decided(f"arn:aws:kms:us-east-1:{OWN}:key/*") is Truth.YES
    assert decided(f"arn:aws:kms:eu-west-1:{OWN}:key/*") is Truth.NO
    assert decided(f"arn:aws:kms:us-east-1:{OWN}:alias/app") is Truth.NO
    assert decided(reference("aws_kms_key.other")) is Truth.NO
    assert decided(f"arn:aws:kms:us-east-1:{OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab") is Truth.UNKNOWN


def test_resource_aliases_are_decided_where_the_template_holds_them():
    """kms:ResourceAliases holds the aliases of the key."""
    condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}}
    principal = role(allow(action="kms:Decrypt", condition=condition))

    assert asked(principal, "kms:Decrypt", key(ROOT, aliases=(Value("alias/app"),))).truth is Truth.YES
    assert asked(principal, "kms:Decrypt", key(ROOT, aliases=())).truth is Truth.NO
    assert asked(principal, "kms:Decrypt", key(ROOT)).truth is Truth.UNKNOWN


def test_unknown_document_is_open():
    """A policy that is not known may allow and may deny; what decides it is named."""
    unknown = Value(Unknown("variable var.policy has no value", "var.policy"))
    decision = asked(role(allow(action="kms:*")), "kms:Decrypt", Key(KEY, Layer((read_policy(unknown, HERE),))))

    assert decision.truth is Truth.UNKNOWN
    assert decision.open == (Open("var.policy", "variable var.policy has no value"),)


def test_unknown_statement_does_not_hide_a_known_deny():
    """What is known decides beside what is not."""
    unknown = Value(Unknown("variable var.more has no value", "var.more"))
    decision = asked(role(), "kms:Decrypt", key(unknown, deny("*"), allow({"AWS": ROLE})))

    assert decision.truth is Truth.NO


def test_principal_that_begins_like_an_arn_is_no_service():
    """`arn:aws:iam::${var.id}:root` is some AWS caller, never everybody."""
    partner = text("arn:aws:iam::", Value(Unknown("variable var.id has no value", "var.id")), ":root")

    assert (
        asked(Principal("service", Value("sns.amazonaws.com")), "kms:Decrypt", key(allow({"AWS": partner}))).truth is Truth.NO
    )
    assert asked(role(allow()), "kms:Decrypt", key(allow({"AWS": partner}))).truth is Truth.UNKNOWN


def test_session_names():
    """An Allow for a session's ARN is for that session of the role."""
    arn = f"arn:aws:sts::{OWN}:assumed-role/app/one"
    guarded = key(allow({"AWS": arn}))

    assert asked(role(name=Value("team/app"), session=Value("one")), "kms:Decrypt", guarded).truth is Truth.YES
    assert asked(role(name=Value("team/app"), session=Value("two")), "kms:Decrypt", guarded).truth is Truth.NO
    assert asked(role(name=Value("team/app")), "kms:Decrypt", guarded).truth is Truth.UNKNOWN
    assert asked(role(name=Value("other")), "kms:Decrypt", guarded).truth is Truth.NO


def test_absent_is_a_fact():
    """A key that the request certainly has not decides a test."""
    condition = {"StringEquals": {"kms:RequestAlias": "alias/app"}}
    principal = role(allow(action="kms:Decrypt", condition=condition))

    assert asked(principal, "kms:Decrypt", key(ROOT), {"kms:RequestAlias": Value(ABSENT)}).truth is Truth.NO
    assert asked(principal, "kms:Decrypt", key(ROOT)).truth is Truth.UNKNOWN


def test_service_principals_have_two_names_in_china():
    """In China a service's name stands for it with and without the suffix of the partition; elsewhere only as it is."""
    for written in ("logs.cn-north-1.amazonaws.com", "logs.cn-north-1.amazonaws.com.cn"):
        for region, expected in (("cn-north-1", Truth.YES), ("us-east-1", Truth.of(not written.endswith(".cn")))):
            place = Deployment(account=OWN, region=region)
            as_key = key(allow({"Service": written}), deployment=place)
            logs = Principal("service", Value("logs.cn-north-1.amazonaws.com"), Value(OWN), identity_policies=EMPTY)

            assert asked(logs, "kms:Encrypt", as_key, deployment=place).truth is expected
