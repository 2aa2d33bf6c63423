"""The AWS managed keys under which AWS puts what names no key, by kind."""

from __future__ import annotations

import msgspec

from kmsguard.model.finding import Open


class Default(msgspec.Struct, frozen=True):
    """The key of a kind of resource that names none: where an attribute has one of some values; empty: always.

    What one of the edges `takes_from` leads to hands on its own key. `unless` says what else an account can have set.
    """

    alias: str
    attribute: str = ""
    values: tuple[object, ...] = (True,)
    takes_from: tuple[str, ...] = ()
    unless: Open | None = None


_EBS = Open("default key for EBS", "the account can have set another one than alias/aws/ebs in the Region")

DEFAULTS: dict[str, Default] = {
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    "s3.bucket": Default("alias/aws/s3", "encryption", ("aws:kms", "aws:kms:dsse")),
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
    "secretsmanager.secret": Default("alias/aws/secretsmanager"),
    "secretsmanager.replica": Default("alias/aws/secretsmanager"),
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
    "ssm.parameter": Default("alias/aws/ssm", "encrypted"),
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
    "dynamodb.table": Default("alias/aws/dynamodb", "kms"),
    "dynamodb.replica": Default("alias/aws/dynamodb", "kms"),
    # https://docs.aws.amazon.com/efs/latest/ug/encryption-at-rest.html
    "efs.file_system": Default("alias/aws/elasticfilesystem", "encrypted"),
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html; one that asks for nothing is under
    # a key that RDS owns
    "rds.instance": Default("alias/aws/rds", "requested", takes_from=("cluster", "snapshot", "cluster_snapshot", "source")),
    "rds.cluster": Default("alias/aws/rds", "requested", takes_from=("snapshot", "source", "global_cluster")),
    # https://docs.aws.amazon.com/documentdb/latest/developerguide/encryption-at-rest.html
    "docdb.cluster": Default("alias/aws/rds", "encrypted", takes_from=("snapshot", "source", "global_cluster")),
    # https://docs.aws.amazon.com/neptune/latest/userguide/encrypt.html
    "neptune.cluster": Default("alias/aws/rds", "encrypted", takes_from=("snapshot", "source", "global_cluster")),
    # https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html
    "ebs.volume": Default("alias/aws/ebs", "encrypted", takes_from=("snapshot", "source_volume"), unless=_EBS),
    # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/encryption-at-rest.html
    "opensearch.domain": Default("alias/aws/es", "encrypted"),
    # https://docs.aws.amazon.com/msk/latest/developerguide/msk-encryption.html
    "msk.cluster": Default("alias/aws/kafka"),
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    "lambda.environment": Default("alias/aws/lambda"),
    # https://docs.aws.amazon.com/codeartifact/latest/ug/domain-create.html
    "codeartifact.domain": Default("alias/aws/codeartifact"),
    # https://docs.aws.amazon.com/codecommit/latest/userguide/encryption.html
    "codecommit.repository": Default("alias/aws/codecommit"),
    # https://docs.aws.amazon.com/codebuild/latest/userguide/security-encryption.html
    "codebuild.project": Default("alias/aws/s3", "uses_key"),
    # https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Security.html
    "dms.replication_instance": Default("alias/aws/dms"),
    # https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/how-kms.html
    "kinesisvideo.stream": Default("alias/aws/kinesisvideo"),
    # https://docs.aws.amazon.com/timestream/latest/developerguide/EncryptionAtRest.html
    "timestream.database": Default("alias/aws/timestream"),
}
