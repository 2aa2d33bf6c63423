"""The widest audience of policies in templates, whose account need not be known."""

from __future__ import annotations

import pytest

from kmsguard.iam.document import read_policy
from kmsguard.iam.exposure import Exposure, audience
from kmsguard.iam.operations import CLASSES
from kmsguard.iam.texts import Deployment
from kmsguard.model.finding import Open
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ACCOUNT, REGION, Target, Text, Unknown, Value

OWN = "111122223333"
FOREIGN = "444455556666"
ACCOUNT_ID = Value(Unknown("not given", "AWS::AccountId", ACCOUNT))
REGION_NAME = Value(Unknown("not given", "AWS::Region", REGION))
PARTNER = Value(Unknown("parameter Partner has no value", "Partner", not_null=True))
USE, ADMINISTER = CLASSES["use"], CLASSES["administer"]


def value(data):
    """Plain data as a value."""
    if isinstance(data, Value):
        return data
    if isinstance(data, dict):
        return Value({name: value(member) for name, member in data.items()})
    return Value(tuple(value(item) for item in data)) if isinstance(data, list) else Value(data)


def text(*pieces):
    """A text of literals and values."""
    return Value(Text(tuple(value(piece) for piece in pieces)))


def reference(address, attribute="Arn"):
    """An attribute of a resource that is known after deployment."""
    return Value(Unknown("known after deployment", f"{address}.{attribute}", Target(address, attribute), not_null=True))


def allow(principal, action="kms:*", condition=None, effect="Allow", resource="*"):
    """A statement."""
    out = {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource}
    return {**out, "Condition": condition} if condition else out


def exposed(*statements, account=None, region=None, key=None, **more):
    """The questions about a policy of some statements."""
    deployment = Deployment(account, region, **more)
    document = value({"Version": "2012-10-17", "Statement": list(statements)})
    return Exposure(read_policy(document, deployment), deployment, key)


def bounds(found):
    """The bounds of an audience."""
    return found.at_least if found.decided else f"{found.at_least}..{found.at_most}"


ROOT = allow({"AWS": text("arn:aws:iam::", ACCOUNT_ID, ":root")})


def test_own_account_need_not_be_known():
    """The account of the deployment is the own one, whatever its id."""
    assert bounds(exposed(ROOT).audience(USE)) == "account"
    assert exposed(ROOT).lockout() is Truth.NO


def test_literal_account_without_account():
    """A literal account is the own one or foreign: `--account` decides."""
    found = exposed(allow({"AWS": FOREIGN})).audience(USE)

    assert bounds(found) == "account..external"
    assert found.open == (Open("--account", "pass --account"),)
    assert bounds(exposed(allow({"AWS": FOREIGN}), account=OWN).audience(USE)) == "external"
    assert bounds(exposed(allow({"AWS": FOREIGN}), account=FOREIGN).audience(USE)) == "account"


def test_everybody_is_public_whatever_the_account():
    """What does not hang on the account is decided without it."""
    found = exposed(ROOT, allow("*", "kms:Decrypt")).audience(USE)

    assert bounds(found) == "public"
    assert found.statement.index == 1


def test_condition_on_the_own_account():
    """kms:CallerAccount of the own account closes a statement for everybody."""
    caller = {"StringEquals": {"kms:CallerAccount": ACCOUNT_ID, "kms:ViaService": text("s3.", REGION_NAME, ".amazonaws.com")}}

    assert bounds(exposed(allow("*", "kms:Decrypt", caller)).audience(USE)) == "account"


def test_role_of_the_unit_is_a_named_caller():
    """A reference to a role of the unit is one caller of the own account."""
    assert bounds(exposed(allow({"AWS": reference("Role")})).audience(USE)) == "account-principals"


def test_principal_that_is_not_known():
    """An unknown principal can be everybody; one that begins like an ARN is one account's."""
    assert bounds(exposed(allow({"AWS": PARTNER})).audience(USE)) == "nobody..public"
    partner = exposed(ROOT, allow({"AWS": text("arn:aws:iam::", PARTNER, ":root")})).audience(USE)
    assert bounds(partner) == "account..external"


def test_source_account_of_a_service():
    """aws:SourceAccount is proof for whom a service calls."""
    logs = {"Service": text("logs.", REGION_NAME, ".amazonaws.com")}

    assert bounds(exposed(allow(logs)).audience(USE)) == "service"
    own = {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}
    assert bounds(exposed(allow(logs, condition=own)).audience(USE)) == "account-principals"


def test_arn_of_a_resource_as_source():
    """Whether a resource's ARN has an account in it has to be known: a bucket's proves nothing."""
    service = {"Service": "sns.amazonaws.com"}
    condition = {"ArnEquals": {"aws:SourceArn": reference("Topic")}}

    assert bounds(exposed(allow(service, condition=condition)).audience(USE)) == "account-principals..service"
    arn = text("arn:aws:sns:", REGION_NAME, ":", ACCOUNT_ID, ":", reference("Topic", "TopicName"))
    texts = {Target("Topic", "Arn"): arn}
    assert bounds(exposed(allow(service, condition=condition), texts=texts).audience(USE)) == "account-principals"


def test_unknown_statements():
    """What is not known of a policy is possible, and named."""
    unknown = Value(Unknown("variable var.more has no value", "var.more"))
    found = exposed(ROOT, unknown).audience(USE)

    assert bounds(found) == "nobody..public"  # it may deny as well
    assert Open("var.more", "variable var.more has no value") in found.open


def test_statements_one_by_one():
    """Each statement has an audience of its own."""
    found = exposed(ROOT, allow("*", "kms:Decrypt"), allow("*", "kms:Sign"), account=OWN).statements(USE)

    assert [(statement.index, bounds(one)) for statement, one in found] == [(0, "account"), (1, "public")]


def test_resource_that_is_the_key_itself():
    """A separate key policy can name its key; another key is none of it."""
    key = reference("Key")

    assert bounds(exposed(allow("*", resource=key), key=key, account=OWN).audience(USE)) == "public"
    assert bounds(exposed(allow("*", resource=reference("Other")), key=key, account=OWN).audience(USE)) == "nobody"
    assert bounds(exposed(allow("*", resource=key), account=OWN).audience(USE)) == "nobody..public"


def test_region_of_the_unit():
    """The unit's Region is equal to itself, also where it is not given."""
    here = text("arn:aws:kms:", REGION_NAME, ":", ACCOUNT_ID, ":key/*")

    assert bounds(exposed(allow("*", resource=here)).audience(USE)) == "public"


def test_lockout_that_hangs_on_the_account():
    """Whether somebody can put another policy is not decided where the only account may be foreign."""
    assert exposed(allow({"AWS": FOREIGN})).lockout() is Truth.UNKNOWN
    assert exposed(allow({"AWS": FOREIGN}), account=OWN).lockout() is Truth.YES


def test_no_policy():
    """Of a document that is no policy nothing is said."""
    deployment = Deployment(OWN)
    found = audience(read_policy(value({"Id": "x"}), deployment), USE, deployment)

    assert bounds(found) == "nobody..public"
    assert found.open[0].message == "the document is no policy (BadPolicy: no Statement)"


@pytest.mark.parametrize("statements", [[ROOT], [ROOT, allow({"AWS": FOREIGN}, "kms:Decrypt")]])
def test_evidence_has_its_place(statements):
    """The statement that lets the audience in is the one of the policy, with its place."""
    place = Span("key.yaml", 7, 1, 9, 2)
    placed = [value(statement) for statement in statements]
    placed[-1] = Value(placed[-1].data, place)
    found = exposed(*placed, account=OWN).audience(USE)

    assert found.statement.span == place
