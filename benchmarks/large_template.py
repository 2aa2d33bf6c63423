"""A CloudFormation template of the service's limit: 500 resources, about 1 MB, as teams write them.

    python benchmarks/large_template.py yaml|json [SERVICES|stores] > FILE

Keys and roles with policies, queues, topics, buckets, tables, functions and log groups of a hundred services, with parameters,
conditions, mappings and functions. The same template in both forms. Standard library only.
"""

from __future__ import annotations

import json
import sys
from typing import Any

SERVICES = 50
SHORT = ("Ref", "GetAtt", "Sub", "Join", "If", "Equals", "And", "Or", "Not", "FindInMap", "Condition")


def fn(name: str, argument: Any) -> dict[str, Any]:
    """A call of an intrinsic function."""
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": argument}


def ref(name: str) -> dict[str, Any]:
    """A reference."""
    return fn("Ref", name)


def att(name: str, attribute: str = "Arn") -> dict[str, Any]:
    """An attribute."""
    return fn("GetAtt", [name, attribute])


def sub(text: str) -> dict[str, Any]:
    """A text with variables."""
    return fn("Sub", text)


def allow(sid: str, actions: list[str], resource: Any, **more: Any) -> dict[str, Any]:
    """A statement."""
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource, **more}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def tags(service: str) -> list[dict[str, Any]]:
    """The tags of every resource."""
    return [
        {"Key": "service", "Value": service},
        {"Key": "environment", "Value": ref("Environment")},
        {"Key": "cost-center", "Value": fn("FindInMap", ["Settings", ref("Environment"), "CostCenter"])},
        {"Key": "owner", "Value": sub("team-${Team}-" + service.lower() + "@example.com")},
    ]


def key(service: str) -> dict[str, Any]:
    """A key with the policy that its service needs."""
    root = {"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}
    use = ["kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey", "kms:ReEncrypt*", "kms:Encrypt"]
    return {
        "Type": "AWS::KMS::Key",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "Description": sub(f"{service} in ${{Environment}} of ${{AWS::StackName}}"),
            "EnableKeyRotation": fn("If", ["IsProduction", True, fn("If", ["RotateAlways", True, False])]),
            "PendingWindowInDays": fn("FindInMap", ["Settings", ref("Environment"), "Window"]),
            "KeyPolicy": document(
                allow("Administer", ["kms:*"], "*", Principal=root),
                allow("Use", use, "*", Principal=root),  # by the roles: that the key named them would be a circle
                allow(
                    "Logs",
                    ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
                    "*",
                    Principal={"Service": sub("logs.${AWS::Region}.amazonaws.com")},
                    Condition={
                        "ArnLike": {
                            "kms:EncryptionContext:aws:logs:arn": sub(
                                f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:/app/{service}/*"
                            )
                        }
                    },
                ),
                allow(
                    "Topics",
                    ["kms:Decrypt", "kms:GenerateDataKey"],
                    "*",
                    Principal={"Service": "sns.amazonaws.com"},
                    Condition={"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}},
                ),
                fn(
                    "If",
                    [
                        "HasPartner",
                        allow("Partner", ["kms:Decrypt", "kms:DescribeKey"], "*", Principal={"AWS": ref("PartnerAccount")}),
                        ref("AWS::NoValue"),
                    ],
                ),
            ),
            "Tags": tags(service),
        },
    }


def role(service: str, principal: str) -> dict[str, Any]:
    """A role with an inline policy."""
    bucket, table = f"{service}Bucket", f"{service}Table"
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": document(
                {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
            ),
            "PermissionsBoundary": fn("If", ["HasBoundary", ref("Boundary"), ref("AWS::NoValue")]),
            "Policies": [
                {
                    "PolicyName": f"{service.lower()}-data",
                    "PolicyDocument": document(
                        allow("Objects", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], sub(f"${{{bucket}.Arn}}/*")),
                        allow("List", ["s3:ListBucket", "s3:GetBucketLocation"], att(bucket)),
                        allow(
                            "Rows",
                            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
                            [att(table), fn("Join", ["/", [att(table), "index", "*"]])],
                        ),
                        allow("Key", ["kms:Decrypt", "kms:GenerateDataKey"], att(f"{service}Key")),
                        allow(
                            "Messages", ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"], att(f"{service}Queue")
                        ),
                        allow("Tell", ["sns:Publish"], ref(f"{service}Topic")),
                        allow(
                            "Secrets",
                            ["secretsmanager:GetSecretValue"],
                            sub(
                                "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
                                f"{service.lower()}/${{Environment}}/*"
                            ),
                        ),
                    ),
                }
            ],
            "Tags": tags(service),
        },
    }


def resources(service: str) -> dict[str, Any]:
    """The ten resources of a service."""
    arn = att(f"{service}Key")
    return {
        f"{service}Key": key(service),
        f"{service}Role": role(service, "lambda.amazonaws.com"),
        f"{service}WorkerRole": role(service, "ecs-tasks.amazonaws.com"),
        f"{service}Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketName": sub(f"{service.lower()}-${{Environment}}-${{AWS::AccountId}}"),
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn},
                        }
                    ]
                },
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "VersioningConfiguration": {"Status": fn("If", ["IsProduction", "Enabled", "Suspended"])},
                "LifecycleConfiguration": {
                    "Rules": [
                        {"Id": f"expire-{n}", "Status": "Enabled", "Prefix": f"{n}/", "ExpirationInDays": 30 * (n + 1)}
                        for n in range(6)
                    ]
                },
                "Tags": tags(service),
            },
        },
        f"{service}BucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": ref(f"{service}Bucket"),
                "PolicyDocument": document(
                    {
                        "Sid": "OnlyTls",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [att(f"{service}Bucket"), sub(f"${{{service}Bucket.Arn}}/*")],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                    {
                        "Sid": "OnlyThisKey",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:PutObject",
                        "Resource": sub(f"${{{service}Bucket.Arn}}/*"),
                        "Condition": {"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption-aws-kms-key-id": arn}},
                    },
                ),
            },
        },
        f"{service}Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "KmsMasterKeyId": ref(f"{service}Key"),
                "VisibilityTimeout": 120,
                "MessageRetentionPeriod": fn("If", ["IsProduction", 1209600, 345600]),
                "Tags": tags(service),
            },
        },
        f"{service}Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "KmsMasterKeyId": ref(f"{service}Key"),
                "DisplayName": sub(f"{service} of ${{Team}}"),
                "Subscription": [{"Protocol": "sqs", "Endpoint": att(f"{service}Queue")}],
                "Tags": tags(service),
            },
        },
        f"{service}Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": f"a{n}", "AttributeType": "S"} for n in range(6)],
                "KeySchema": [{"AttributeName": "a0", "KeyType": "HASH"}, {"AttributeName": "a1", "KeyType": "RANGE"}],
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": f"by-a{n}",
                        "KeySchema": [{"AttributeName": f"a{n}", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"},
                    }
                    for n in range(2, 6)
                ],
                "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": arn},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": fn("If", ["IsProduction", True, False])},
                "Tags": tags(service),
            },
        },
        f"{service}Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": f"/app/{service}/main",
                "KmsKeyId": arn,
                "RetentionInDays": fn("FindInMap", ["Settings", ref("Environment"), "Days"]),
                "Tags": tags(service),
            },
        },
        f"{service}Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "main.handle",
                "Role": att(f"{service}Role"),
                "KmsKeyArn": arn,
                "MemorySize": 512,
                "Timeout": 60,
                "Code": {"S3Bucket": sub("artifacts-${AWS::AccountId}"), "S3Key": sub(f"{service.lower()}/${{Version}}.zip")},
                "TracingConfig": {"Mode": "Active"},
                "Environment": {
                    "Variables": {
                        "BUCKET": ref(f"{service}Bucket"),
                        "QUEUE_URL": ref(f"{service}Queue"),
                        "TABLE": ref(f"{service}Table"),
                        "TOPIC_ARN": ref(f"{service}Topic"),
                        "LEVEL": fn("If", ["IsProduction", "warning", "debug"]),
                        "SECRET": f"{{{{resolve:secretsmanager:{service.lower()}/api:SecretString:token}}}}",
                        **{f"OPTION_{n}": sub(f"${{Environment}}-{service.lower()}-{n}-${{AWS::Region}}") for n in range(14)},
                    }
                },
                "Tags": tags(service),
            },
        },
    }


def template(services: int = SERVICES) -> dict[str, Any]:
    """The whole template of so many services, each with ten resources."""
    environments = ("development", "staging", "production")
    made: dict[str, Any] = {}
    for number in range(services):
        made.update(resources(f"Service{number:02d}"))
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Fifty services with keys, roles and stores of their own",
        "Parameters": {
            "Environment": {"Type": "String", "AllowedValues": list(environments)},
            "Team": {"Type": "String", "Default": "orders"},
            "Version": {"Type": "String", "Default": "1.0.0"},
            "Boundary": {"Type": "String", "Default": ""},
            "PartnerAccount": {"Type": "String", "Default": ""},
            "AlwaysRotate": {"Type": "String", "AllowedValues": ["true", "false"], "Default": "true"},
        },
        "Mappings": {
            "Settings": {
                name: {"CostCenter": f"cc-{n}", "Window": 30 if n else 7, "Days": 365 if n else 14}
                for n, name in enumerate(environments)
            }
        },
        "Conditions": {
            "IsProduction": fn("Equals", [ref("Environment"), "production"]),
            "HasBoundary": fn("Not", [fn("Equals", [ref("Boundary"), ""])]),
            "HasPartner": fn("Not", [fn("Equals", [ref("PartnerAccount"), ""])]),
            "RotateAlways": fn("Or", [fn("Condition", "IsProduction"), fn("Equals", [ref("AlwaysRotate"), "true"])]),
        },
        "Resources": made,
        "Outputs": {
            f"Service{number:02d}BucketName": {"Value": ref(f"Service{number:02d}Bucket")} for number in range(services)
        },
    }


def stores(count: int = 500) -> dict[str, Any]:
    """A template of stores under keys and nothing that uses them: of five resources one is a key."""
    root = {"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}
    made: dict[str, Any] = {}
    for number in range(0, count, 5):
        name, arn = f"Store{number:03d}", att(f"Store{number:03d}Key")
        default = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}}
        described: dict[str, tuple[str, dict[str, Any]]] = {
            "Key": (
                "KMS::Key",
                {"EnableKeyRotation": True, "KeyPolicy": document(allow("All", ["kms:*"], "*", Principal=root))},
            ),
            "Bucket": ("S3::Bucket", {"BucketEncryption": {"ServerSideEncryptionConfiguration": [default]}}),
            "Queue": ("SQS::Queue", {"KmsMasterKeyId": ref(f"{name}Key")}),
            "Topic": ("SNS::Topic", {"KmsMasterKeyId": ref(f"{name}Key")}),
            "Volume": ("EC2::Volume", {"AvailabilityZone": "eu-west-1a", "Size": 10, "Encrypted": True, "KmsKeyId": arn}),
        }
        for kind, (type_, properties) in described.items():
            labels = [{"Key": f"label-{n}", "Value": f"{name}-{kind}-{n}-" + "x" * 12} for n in range(25)]
            made[name + kind] = {"Type": f"AWS::{type_}", "Properties": {**properties, "Tags": labels}}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": made}


def yaml(node: Any, indent: int = 0) -> str:
    """A node in block style, short forms of functions where one is alone in its line."""
    pad = "  " * indent
    if isinstance(node, dict):
        short = _short(node)
        if short is not None:
            return f" {short}\n"
        return "\n" + "".join(f"{pad}{name}:{yaml(value, indent + 1)}" for name, value in node.items())
    if isinstance(node, list):
        return "\n" + "".join(f"{pad}-{_item(value, indent)}" for value in node)
    return f" {json.dumps(node)}\n"


def _item(value: Any, indent: int) -> str:
    text = yaml(value, indent + 1)
    return " " + text[1:].lstrip() if isinstance(value, (dict, list)) and text.startswith("\n") else text


def _short(node: dict[str, Any]) -> str | None:
    if len(node) != 1:
        return None
    name, argument = next(iter(node.items()))
    called = name.removeprefix("Fn::")
    if called not in SHORT:
        return None
    if called == "GetAtt":
        return f"!GetAtt {'.'.join(argument)}"
    if isinstance(argument, str):
        return f"!{called} {argument if called in ('Ref', 'Condition') else json.dumps(argument)}"
    return None


if __name__ == "__main__":
    if sys.argv[1:2] not in (["yaml"], ["json"]):
        sys.exit(__doc__)
    made = stores() if sys.argv[2:] == ["stores"] else template(*map(int, sys.argv[2:]))
    print(json.dumps(made, indent=2) if sys.argv[1] == "json" else yaml(made).lstrip("\n"))
