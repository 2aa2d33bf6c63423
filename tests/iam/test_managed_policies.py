"""What is known of AWS managed policies."""

from __future__ import annotations

import pytest

from kmsguard.iam.managed_policies import managed_policy


@pytest.mark.parametrize(
    "name",
    [
        "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AmazonECSTaskExecutionRolePolicy",
    ],
)
def test_roles_of_services_use_no_key(name: str) -> None:
    """The usual execution roles' policies say nothing of KMS: secrets under a key of one's own need more."""
    document = managed_policy(f"arn:aws:iam::aws:policy/{name}")

    assert document is not None
    assert document.statements == ()


@pytest.mark.parametrize("name", ["AdministratorAccess", "PowerUserAccess", "AWSKeyManagementServicePowerUser"])
def test_others_do(name: str) -> None:
    """Administrators and power users have statements on KMS, by `*`, by NotAction, or by name."""
    document = managed_policy(f"arn:aws-us-gov:iam::aws:policy/{name}")

    assert document is not None
    assert document.statements


@pytest.mark.parametrize("name", ["AmazonS3FullAccess", "ReadOnlyAccess"])
def test_of_s3_what_replicates_is_known(name: str) -> None:
    """`s3:*` and `s3:Get*` take what a replication role has to be allowed in S3."""
    document = managed_policy(f"arn:aws:iam::aws:policy/{name}")

    assert document is not None
    actions = [entry.text for one in document.statements if one.action is not None for entry in one.action.entries]
    assert any(str(action).find("s3:") >= 0 for action in actions)


def test_a_name_that_aws_does_not_have_is_not_known() -> None:
    """Neither allowed nor denied: None, so that what hangs on it stays unknown."""
    assert managed_policy("arn:aws:iam::aws:policy/NoSuchPolicy") is None


def test_what_decides_the_use_of_a_key_is_known() -> None:
    """The policy of managed instances says nothing of KMS, and lets them take sessions and read parameters."""
    document = managed_policy("arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")

    assert document is not None
    actions = [entry.known for one in document.statements if one.action is not None for entry in one.action.entries]
    assert actions == ["ssm:GetParameter", "ssm:GetParameters", "ssmmessages:OpenDataChannel"]
