"""Service-linked roles are allowed what AWS's own policy says, and what a key policy says of them."""

from __future__ import annotations

import pytest
from questions import OWN, allow, asked, key

from kmsguard.iam.managed_policies import managed_policy
from kmsguard.iam.service_linked import _POLICIES, service_linked_role, service_of
from kmsguard.model.truth import Truth
from kmsguard.model.value import Value

NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES
FOR_ACCOUNT = [allow({"AWS": f"arn:aws:iam::{OWN}:root"})]
THROUGH_EC2 = {"kms:ViaService": "ec2.eu-west-1.amazonaws.com", "kms:EncryptionContextKeys": "aws:ebs:id"}


def arn(service):
    """The ARN of the role of a service."""
    return f"arn:aws:iam::{OWN}:role/aws-service-role/{service}/AWSServiceRoleForIt"


@pytest.mark.parametrize(
    ("service", "statements", "truth"),
    [
        # https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
        ("autoscaling.amazonaws.com", FOR_ACCOUNT, NO),
        ("autoscaling.amazonaws.com", [allow({"AWS": arn("autoscaling.amazonaws.com")})], YES),
        # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSServiceRoleForImageBuilder.html
        ("imagebuilder.amazonaws.com", FOR_ACCOUNT, YES),
        ("imagebuilder.amazonaws.com", [allow({"AWS": arn("backup.amazonaws.com")})], NO),
        ("some.amazonaws.com", FOR_ACCOUNT, UNKNOWN),
    ],
)
def test_use_of_key(service, statements, truth):
    """Where a key policy leaves it to the account, the policy that AWS gave the role decides; where none is known, nobody."""
    linked = service_linked_role(Value(arn(service)), Value(OWN), service)

    assert asked(linked, "kms:Decrypt", key(*statements), THROUGH_EC2).truth is truth


@pytest.mark.parametrize("service", _POLICIES)
def test_policy_is_known(service):
    """The policy that is named for a service is one of AWS's."""
    assert managed_policy(f"arn:aws:iam::aws:policy/aws-service-role/{_POLICIES[service]}") is not None


def test_service_of():
    """The service stands in the ARN of a service-linked role, and in no other ARN."""
    assert service_of(arn("spot.amazonaws.com")) == "spot.amazonaws.com"
    assert service_of(f"arn:aws:iam::{OWN}:role/spot.amazonaws.com/app") is None
