"""SAM types that become one resource, or one with a role: SimpleTable, LayerVersion, Application, CapacityProvider."""

from __future__ import annotations

from kmsguard.cloudformation.serverless.nodes import Data, entries_of, get_att, is_call, literal, node
from kmsguard.cloudformation.serverless.roles import managed_arn, s3_location, tag_list, trust
from kmsguard.cloudformation.serverless.translation import Source
from kmsguard.syntax.yaml import Mapping, YamlNode

_KEY_TYPES = {"String": "S", "Number": "N", "Binary": "B"}


def translate_table(source: Source) -> None:
    """`AWS::Serverless::SimpleTable` to `AWS::DynamoDB::Table`."""
    written = source.get("PrimaryKey")
    given = {one.key.text: one.value for one in entries_of(written)}
    at = written or source.key
    name: Data = given.get("Name", "id")
    kind = given.get("Type")
    letter: Data = _KEY_TYPES.get(literal(kind) or "", kind) if kind is not None else "S"
    throughput = source.entry("ProvisionedThroughput")
    properties: dict[str, Data] = {
        "AttributeDefinitions": node(at, [{"AttributeName": name, "AttributeType": letter}]),
        "KeySchema": node(at, [{"AttributeName": name, "KeyType": "HASH"}]),
        "BillingMode": None if throughput is not None else "PAY_PER_REQUEST",
        "Tags": tag_list(source.key, source.get("Tags")),
    }
    for kept in ("PointInTimeRecoverySpecification", "ProvisionedThroughput", "SSESpecification", "TableName"):
        properties[kept] = source.entry(kept)
    source.become("AWS::DynamoDB::Table", properties)


def translate_layer(source: Source) -> None:
    """`AWS::Serverless::LayerVersion` to `AWS::Lambda::LayerVersion`, which keeps its logical id here."""
    content = source.entry("ContentUri")
    properties: dict[str, Data] = {
        "LayerName": source.entry("LayerName") or source.name,
        "Content": s3_location(content.value) if content is not None else None,
    }
    for kept in ("Description", "CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo"):
        properties[kept] = source.entry(kept)
    retention = source.text("RetentionPolicy")
    held = source.block.get("DeletionPolicy")
    policy: Data = retention.capitalize() if retention is not None else held if held is not None else "Retain"
    source.become("AWS::Lambda::LayerVersion", properties, DeletionPolicy=policy)


def translate_application(source: Source) -> None:
    """`AWS::Serverless::Application` to `AWS::CloudFormation::Stack`."""
    location = source.entry("Location")
    tags: list[Data] = [{"Key": "lambda:createdBy", "Value": "SAM"}]
    url: Data = None
    if location is not None and not is_call(location.value) and entries_of(location.value):
        names = {"ApplicationId": "serverlessrepo:applicationId", "SemanticVersion": "serverlessrepo:semanticVersion"}
        tags.extend(
            {"Key": names[one.key.text], "Value": one.value} for one in entries_of(location.value) if one.key.text in names
        )
    elif location is not None:
        url = location
    own = tag_list(source.key, source.get("Tags"))
    properties: dict[str, Data] = {
        "TemplateURL": url,
        "Tags": node(source.key, [*tags, *(own.items if own is not None and hasattr(own, "items") else ())]),
    }
    for kept in ("Parameters", "NotificationARNs", "TimeoutInMinutes"):
        properties[kept] = source.entry(kept)
    source.become("AWS::CloudFormation::Stack", properties)


def translate_capacity_provider(source: Source) -> None:
    """`AWS::Serverless::CapacityProvider` to `AWS::Lambda::CapacityProvider`, with a role for its operator where none is given.

    See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-capacityprovider.html.
    """
    created: list[Data] = [{"Key": "lambda:createdBy", "Value": "SAM"}]
    role: Data = source.entry("OperatorRole")
    if role is None:
        name = f"{source.name}OperatorRole"
        operator: dict[str, Data] = {
            "AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
            "ManagedPolicyArns": [managed_arn("AWSLambdaManagedEC2ResourceOperator")],
            "Tags": created,
        }
        source.imply(name, "AWS::IAM::Role", operator)
        role = get_att(name, "Arn")
    own: list[Data] = [{"Key": one.key, "Value": one.value} for one in entries_of(source.get("Tags"))]
    logging = source.entry("LoggingConfig")
    handed_on = source.get("ManagedResourceTags")
    properties: dict[str, Data] = {
        "PermissionsConfig": {"CapacityProviderOperatorRoleArn": role},
        "InstanceRequirements": _renamed(source.get("InstanceRequirements")),
        "CapacityProviderScalingConfig": _scaling(source.get("ScalingConfig")),
        "TelemetryConfig": {"LoggingConfig": logging} if logging is not None else None,
        "Tags": [*own, *created],
    }
    if isinstance(handed_on, Mapping) and handed_on.get("Tags") is not None:
        properties["PropagateTags"] = {"Mode": "Explicit", "ExplicitTags": tag_list(handed_on, handed_on.get("Tags"))}
    for kept in ("CapacityProviderName", "VpcConfig", "KmsKeyArn"):
        properties[kept] = source.entry(kept)
    source.become("AWS::Lambda::CapacityProvider", properties)


def _renamed(requirements: YamlNode | None) -> Data:
    names = {"AllowedTypes": "AllowedInstanceTypes", "ExcludedTypes": "ExcludedInstanceTypes"}
    return {names.get(one.key.text, one.key.text): one for one in entries_of(requirements)} if requirements else None


def _scaling(config: YamlNode | None) -> Data:
    if not isinstance(config, Mapping):
        return None
    wanted = config.entry("AverageCPUUtilization")
    if wanted is None:
        return {"MaxVCpuCount": config.entry("MaxVCpuCount"), "ScalingMode": "Auto"}
    policy: Data = {"PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization", "TargetValue": wanted}
    return {"MaxVCpuCount": config.entry("MaxVCpuCount"), "ScalingMode": "Manual", "ScalingPolicies": [policy]}
