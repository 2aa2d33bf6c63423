"""What it takes of a key to do something with what is under it: `does: s3.write` in a kind's `key_use`.

The operations, the encryption context and the service through which KMS is called, as each service's page says. What stands
beside `does` in the kind's file goes before.
"""

from __future__ import annotations

import msgspec


class Doing(msgspec.Struct, frozen=True):
    """What something done with a store takes of its key."""

    title: str
    actions: tuple[str, ...]
    via: str
    context: dict[str, str]


def _doing(via: str, context: dict[str, str], title: str, *actions: str) -> Doing:
    return Doing(title, tuple(f"kms:{action}" for action in actions), via, context)


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
_OBJECT = {"aws:s3:arn": "{holder.object}"}
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
_QUEUE = {"aws:sqs:arn": "{holder.arn}"}
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
_TOPIC = {"aws:sns:topicArn": "{holder.arn}"}
# https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
_STREAM = {"aws:kinesis:arn": "{holder.arn}"}
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
_SECRET = {"SecretARN": "{holder.arn}", "SecretVersionId": "?"}
# https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
_PARAMETER = {"PARAMETER_ARN": "{holder.arn}"}
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
_TABLE = {"aws:dynamodb:tableName": "{holder.name}", "aws:dynamodb:subscriberId": "{holder.account}"}

DOINGS: dict[str, Doing] = {
    "dynamodb.read": _doing("dynamodb", _TABLE, "to read a table", "Decrypt"),
    "dynamodb.write": _doing("dynamodb", _TABLE, "to write to a table", "Decrypt"),
    "kinesis.read": _doing("kinesis", _STREAM, "to read a stream", "Decrypt"),
    "kinesis.write": _doing("kinesis", _STREAM, "to write to a stream", "GenerateDataKey"),
    "s3.deliver": _doing("s3", _OBJECT, "to deliver to a bucket", "GenerateDataKey"),
    "s3.read": _doing("s3", _OBJECT, "to read objects", "Decrypt"),
    # Parts of a multipart upload are decrypted when they are put together.
    "s3.upload": _doing("s3", _OBJECT, "to write objects", "GenerateDataKey", "Decrypt"),
    "s3.write": _doing("s3", _OBJECT, "to write objects", "GenerateDataKey"),
    "secretsmanager.read": _doing("secretsmanager", _SECRET, "to read a secret", "Decrypt"),
    "secretsmanager.write": _doing("secretsmanager", _SECRET, "to write a secret", "GenerateDataKey", "Decrypt"),
    "sns.publish": _doing("sns", _TOPIC, "to notify a topic", "GenerateDataKey", "Decrypt"),
    "sqs.receive": _doing("sqs", _QUEUE, "to receive messages", "Decrypt"),
    "sqs.send": _doing("sqs", _QUEUE, "to send to a queue", "GenerateDataKey", "Decrypt"),
    "ssm.read": _doing("ssm", _PARAMETER, "to read a parameter", "Decrypt"),
}
