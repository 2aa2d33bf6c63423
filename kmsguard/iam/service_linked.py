"""Service-linked roles: roles of an account that a service makes and uses, with a policy that nobody can change.

https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
"""

from __future__ import annotations

from kmsguard.iam.managed_policies import managed_policy
from kmsguard.iam.subjects import NOT_HELD, Layer, Principal
from kmsguard.model.value import Value

SERVICE_LINKED = ":role/aws-service-role/"
"""What stands in the ARN of every service-linked role, followed by the service and the role's name."""

_POLICIES = {
    # https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-service-linked-role.html
    "autoscaling.amazonaws.com": "AutoScalingServiceRolePolicy",
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/using-service-linked-roles-AWSServiceRoleForBackup.html
    "backup.amazonaws.com": "AWSBackupServiceLinkedRolePolicyForBackup",
    # https://docs.aws.amazon.com/config/latest/developerguide/using-service-linked-roles.html
    "config.amazonaws.com": "AWSConfigServiceRolePolicy",
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-Firehose.html
    "delivery.logs.amazonaws.com": "AWSServiceRoleForLogDeliveryPolicy",
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-fleet-prerequisites.html
    "ec2fleet.amazonaws.com": "AWSEC2FleetServiceRolePolicy",
    # https://docs.aws.amazon.com/imagebuilder/latest/userguide/image-builder-service-linked-role.html
    "imagebuilder.amazonaws.com": "AWSServiceRoleForImageBuilder",
    # https://docs.aws.amazon.com/inspector/latest/user/slr-permissions-agentless.html
    "agentless.inspector2.amazonaws.com": "AmazonInspector2AgentlessServiceRolePolicy",
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html
    "rds.amazonaws.com": "AmazonRDSServiceRolePolicy",
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html
    "spot.amazonaws.com": "AWSEC2SpotServiceRolePolicy",
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-fleet-prerequisites.html
    "spotfleet.amazonaws.com": "AWSEC2SpotFleetServiceRolePolicy",
}


def service_of(arn: str) -> str | None:
    """The service in the ARN of a service-linked role (`autoscaling.amazonaws.com`); None of any other ARN."""
    service = arn.partition(SERVICE_LINKED)[2].partition("/")[0]
    return service or None


def service_linked_role(arn: Value, account: Value, service: str) -> Principal:
    """The role of a service in an account, with what AWS's own policy allows it."""
    return Principal("role", arn, account, identity_policies=_policies(service), service_linked=True)


def _policies(service: str) -> Layer:
    name = _POLICIES.get(service)
    document = managed_policy(f"arn:aws:iam::aws:policy/aws-service-role/{name}") if name is not None else None
    return NOT_HELD if document is None else Layer(documents=(document,))
