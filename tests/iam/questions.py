"""Single questions for `can`, put together from plain data."""

from __future__ import annotations

from kmsguard.iam.decide import Decision, Key, Layer, Principal, can
from kmsguard.iam.document import read_policy
from kmsguard.iam.texts import Deployment
from kmsguard.model.value import ACCOUNT, Target, Text, Unknown, Value

OWN = "111122223333"
OTHER = "444455556666"
HERE = Deployment(account=OWN, region="us-east-1")
SOMEWHERE = Deployment()


def value(data):
    """Plain Python data as a Value; what is one already stays."""
    if isinstance(data, Value):
        return data
    if isinstance(data, dict):
        return Value({name: value(member) for name, member in data.items()})
    if isinstance(data, (list, tuple)):
        return Value(tuple(value(item) for item in data))
    return Value(data)


def reference(address, attribute="arn"):
    """An attribute of a resource that is known after apply."""
    return Value(Unknown("known after apply", f"{address}.{attribute}", Target(address, attribute), not_null=True))


def text(*pieces):
    """A text of literals and values."""
    return Value(Text(tuple(value(piece) for piece in pieces)))


ACCOUNT_ID = Value(Unknown("not given", "data.aws_caller_identity.current.account_id", ACCOUNT))
KEY = reference("aws_kms_key.k")
ROLE = reference("aws_iam_role.app")


def policy(*statements, deployment=HERE, version="2012-10-17"):
    """A policy of some statements."""
    return read_policy(value({"Version": version, "Statement": list(statements)}), deployment)


def allow(principal=None, action="kms:*", resource="*", condition=None, effect="Allow", **more):
    """A statement that allows."""
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    if principal is not None:
        statement["Principal"] = principal
    if condition is not None:
        statement["Condition"] = condition
    return statement


def deny(*args, **more):
    """The same that denies."""
    return allow(*args, effect="Deny", **more)


def key(*statements, deployment=HERE, **more):
    """A key with a policy of some statements."""
    return Key(KEY, Layer((policy(*statements, deployment=deployment),)), **more)


def role(*statements, deployment=HERE, **more):
    """A role of the unit with an identity policy of some statements."""
    return Principal("role", ROLE, identity_policies=Layer((policy(*statements, deployment=deployment),)), **more)


ROOT = allow({"AWS": f"arn:aws:iam::{OWN}:root"})


def asked(principal, action, key_, context=None, deployment=HERE, **more) -> Decision:
    """The decision of one question."""
    context = {name: value(data) for name, data in (context or {}).items()}
    return can(principal, action, key_, context, deployment=deployment, **more)
