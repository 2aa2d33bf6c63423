"""Versions of TLS, policies that refuse plain HTTP, and database parameters that demand TLS."""

from __future__ import annotations

import pytest

from kmsguard.model.guard import NOWHERE_ASSUMED
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import Answer, JudgeSettings, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Text, Unknown, Value
from kmsguard.rules.checks import transit

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
HEAD = Span("main.tf", 1, 1, 1, 20)
ARN = "arn:aws:s3:::example-data"
OPEN = Value(Unknown("var.x has no value", "var.x"))
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}


def value(data) -> Value:
    """Plain data as a Value; every scalar stands in line 5."""
    if isinstance(data, Value):
        return data
    if isinstance(data, dict):
        return Value({name: value(item) for name, item in data.items()})
    if isinstance(data, list):
        return Value(tuple(map(value, data)))
    return Value(data, Span("main.tf", 5, 1, 5, 9))


def ask(check, kind: str, **attributes) -> Answer:
    """What a check says of one resource."""
    made = {name: value(data) for name, data in attributes.items()}
    resource = Resource("r", kind, "aws_r", "unit", (), made, {}, (), HEAD, HEAD, mend={"min_tls": 'policy = "new"'})
    return check(Question(Graph((), (resource,), ()), resource, NOWHERE_ASSUMED, JudgeSettings()))


@pytest.mark.parametrize(
    ("versions", "truth"),
    [
        ("TLSv1.2", YES),
        ("TLSv1.3", YES),
        ("TLSv1.1", NO),
        ("SSLv3", NO),
        (["TLSv1.2", "TLSv1.3"], YES),
        (["none", "TLSv1.2"], YES),
        (["TLSv1.2", "TLSv1"], NO),
        ("Policy-Of-Tomorrow", UNKNOWN),
        (["Policy-Of-Tomorrow", "TLSv1.0"], NO),
        (OPEN, UNKNOWN),
        (["TLSv1.2", OPEN], UNKNOWN),
    ],
)
def test_versions(versions, truth) -> None:
    """The oldest version decides; a name that nobody knows is neither old nor new."""
    assert ask(transit.current_version, "elb.listener", min_tls=versions).truth is truth


def test_versions_that_nobody_names() -> None:
    """Where a kind says nothing of versions there is nothing to say."""
    assert ask(transit.current_version, "elb.listener").truth is YES


def test_place_and_remedy_of_an_old_version() -> None:
    """The place is where the version is named, and the remedy is the kind's."""
    answer = ask(transit.current_version, "elb.listener", min_tls="TLSv1.0")

    assert answer.evidence[0].span == Span("main.tf", 5, 1, 5, 9)
    assert answer.remediation == 'Write `policy = "new"`.'


def deny(condition=PLAIN, **more) -> dict:
    """The statement of AWS's documentation, or a variant of it."""
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [ARN, f"{ARN}/*"], "Condition": condition} | more


@pytest.mark.parametrize(
    ("statements", "truth"),
    [
        ([deny()], YES),
        ([deny(Principal={"AWS": ["*"]}, Action="*", Resource="*")], YES),
        ([deny(Resource=ARN), deny(Resource=f"{ARN}/*")], YES),
        ([deny({"BoolIfExists": {"AWS:securetransport": False}})], YES),
        ([deny({"Bool": {"aws:SecureTransport": "false", "aws:PrincipalIsAWSService": "false"}})], YES),
        ([deny(Action=["s3:GetObject", "s3:PutObject"])], NO),  # listing is left
        ([deny(Resource=ARN)], NO),
        ([deny(Principal={"AWS": "arn:aws:iam::111122223333:root"})], NO),
        ([deny(Effect="Allow")], NO),
        ([deny({"Bool": {"aws:SecureTransport": "true"}})], NO),
        ([deny({**PLAIN, "StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}})], NO),  # not from within
        ([deny({})], NO),
        ([], NO),
        ([deny(Principal=OPEN)], UNKNOWN),
        ([deny({"Bool": {"aws:SecureTransport": OPEN}})], UNKNOWN),
        ([deny(Action=OPEN)], UNKNOWN),
        ([deny(Effect=OPEN)], UNKNOWN),
        (OPEN, UNKNOWN),
    ],
)
def test_policies_of_buckets(statements, truth) -> None:
    """Reading, writing and listing are denied to everybody without TLS, or they are not."""
    answer = ask(transit.denies_plain_http, "s3.bucket", arn=ARN, policy={"Version": "2012-10-17", "Statement": statements})

    assert answer.truth is truth
    assert (truth is UNKNOWN) == bool(answer.open)


def test_no_policy() -> None:
    """Without a policy nothing denies; the place is the head of the resource."""
    answer = ask(transit.denies_plain_http, "s3.bucket", arn=ARN)

    assert answer.truth is NO
    assert answer.evidence[0].span == HEAD


def test_a_topic_is_published_to() -> None:
    """Of a topic only publishing moves data: https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html."""
    topic = "arn:aws:sns:eu-west-1:111122223333:alarms"
    policy = {"Statement": [deny(Action="SNS:Publish", Resource=topic)]}

    assert ask(transit.denies_plain_http, "sns.topic", arn=topic, policy=policy).truth is YES


@pytest.mark.parametrize(
    ("kind", "family", "parameters", "truth"),
    [
        ("rds.parameter_group", "postgres17", {}, YES),
        ("rds.parameter_group", "postgres14", {}, NO),
        ("rds.parameter_group", "postgres9.6", {}, NO),
        ("rds.parameter_group", "postgres17", {"rds.force_ssl": "0"}, NO),
        ("rds.parameter_group", "postgres14", {"rds.force_ssl": 1}, YES),
        ("rds.parameter_group", "postgres14", {"rds.force_ssl": OPEN}, UNKNOWN),
        ("rds.parameter_group", "postgres14", OPEN, UNKNOWN),
        ("rds.parameter_group", "mysql8.0", {"require_secure_transport": "ON"}, YES),
        ("rds.parameter_group", "mysql8.0", {}, NO),
        ("rds.parameter_group", "mysql8.4", {}, NO),
        ("rds.parameter_group", "mysql9.7", {}, YES),  # on by default
        ("rds.parameter_group", "mysql9.7", {"require_secure_transport": "0"}, NO),
        ("rds.parameter_group", "mariadb10.4", {}, YES),  # which has no such parameter
        ("rds.parameter_group", "mariadb10.11", {}, NO),
        ("rds.parameter_group", "mariadb11.4", {}, NO),
        ("rds.parameter_group", "mariadb11.8", {}, YES),  # on by default
        ("rds.parameter_group", "mysql8.4", {"require_secure_transport": "OFF"}, NO),
        ("rds.parameter_group", "oracle-ee-19", {}, YES),
        ("rds.parameter_group", "aurora-postgresql15", {}, YES),  # the group of the cluster decides
        ("rds.cluster_parameter_group", "aurora-postgresql15", {}, NO),
        ("rds.cluster_parameter_group", "aurora-postgresql17", {}, YES),
        ("neptune.parameter_group", "neptune1.3", {}, YES),
        ("neptune.parameter_group", "neptune1.3", {"neptune_enforce_ssl": "0"}, NO),
        ("redshift.parameter_group", "redshift-1.0", {"require_ssl": "TRUE"}, YES),
        ("redshift.parameter_group", "redshift-1.0", {}, NO),
        ("redshift.parameter_group", "redshift-2.0", {}, YES),  # on by default since 2025
        ("redshift.parameter_group", "redshift-2.0", {"require_ssl": "false"}, NO),
        ("redshift.workgroup", "redshift-serverless", {}, YES),
        ("redshift.workgroup", "redshift-serverless", {"require_ssl": "false"}, NO),
        ("rds.parameter_group", OPEN, {}, UNKNOWN),
    ],
)
def test_parameters(kind: str, family, parameters, truth) -> None:
    """What is set decides, else what the engine does; where that is not known nothing is said."""
    assert ask(transit.parameters_demand_tls, kind, family=family, parameters=parameters).truth is truth


@pytest.mark.parametrize(
    ("kind", "family", "says"),
    [
        ("rds.parameter_group", "postgres14", '`name = "rds.force_ssl"` and `value = "1"`'),
        ("rds.parameter_group", "mariadb11.4", '`name = "require_secure_transport"` and `value = "ON"`'),
        ("redshift.parameter_group", "redshift-1.0", '`name = "require_ssl"` and `value = "true"`'),
    ],
)
def test_what_to_write_for_a_parameter(kind: str, family: str, says: str) -> None:
    """The engine's own parameter is told, with the value that demands TLS."""
    assert says in ask(transit.parameters_demand_tls, kind, family=family, parameters={}).remediation


def test_a_bucket_whose_name_is_open_is_still_itself() -> None:
    """A statement on the ARN of the bucket and its objects, whatever the unknown part of its name is."""
    arn = Value(Text((Value("arn:aws:s3:::data-"), OPEN)))
    objects = Value(Text((Value("arn:aws:s3:::data-"), OPEN, Value("/*"))))
    both = {"Statement": [deny(Resource=[arn, objects])]}

    assert ask(transit.denies_plain_http, "s3.bucket", arn=arn, policy=both).truth is YES
    assert ask(transit.denies_plain_http, "s3.bucket", arn=arn, policy={"Statement": [deny(Resource=[arn])]}).truth is not YES


@pytest.mark.parametrize(("scheme", "truth"), [("internal", YES), ("internet-facing", NO), (OPEN, NO)])
def test_internal(scheme, truth) -> None:
    """Only what is known to be internal is."""
    assert ask(transit.is_known_internal, "elb.listener", scheme=scheme).truth is truth
