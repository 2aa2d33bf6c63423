"""SAM types that become one resource: SimpleTable, LayerVersion, Application."""

from __future__ import annotations

from kmsguard.cloudformation.serverless.nodes import Data, entries_of, is_call, literal, node
from kmsguard.cloudformation.serverless.roles import s3_location, tag_list
from kmsguard.cloudformation.serverless.translation import Source

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
