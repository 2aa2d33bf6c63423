"""The AWS managed keys that nobody names."""

import pytest

from kmsguard.answers.keys import keys

CASES = {
    "secret": ('resource "aws_secretsmanager_secret" "x" {}', "alias/aws/secretsmanager"),
    "parameter": (
        'resource "aws_ssm_parameter" "x" {\n  name = "x"\n  type = "SecureString"\n  value = "v"\n}',
        "alias/aws/ssm",
    ),
    "plain parameter": ('resource "aws_ssm_parameter" "x" {\n  name = "x"\n  type = "String"\n  value = "v"\n}', None),
    "table": (
        'resource "aws_dynamodb_table" "x" {\n  server_side_encryption {\n    enabled = true\n  }\n}',
        "alias/aws/dynamodb",
    ),
    "table of DynamoDB's own key": ('resource "aws_dynamodb_table" "x" {}', None),
    "file system": ('resource "aws_efs_file_system" "x" {\n  encrypted = true\n}', "alias/aws/elasticfilesystem"),
    "plain file system": ('resource "aws_efs_file_system" "x" {}', None),
    "database": ('resource "aws_db_instance" "x" {\n  storage_encrypted = true\n}', "alias/aws/rds"),
    "plain database": ('resource "aws_db_instance" "x" {}', None),
    "vault": ('resource "aws_backup_vault" "x" {\n  name = "x"\n}', "alias/aws/backup"),
    "cluster of Kafka": ('resource "aws_msk_cluster" "x" {}', "alias/aws/kafka"),
    "repository": ('resource "aws_codecommit_repository" "x" {\n  repository_name = "x"\n}', "alias/aws/codecommit"),
}


@pytest.mark.parametrize(("code", "alias"), CASES.values(), ids=CASES)
def test_default_key(read, code, alias):
    """The key of the service, in the account and Region of what it protects; none where nothing is under KMS."""
    found = [one for one in keys(read(code)).keys if one.managed_by == "aws"]

    assert [one.address for one in found] == ([alias] if alias else [])
    for one in found:
        assert (one.region, one.account, one.cost.monthly) == ("eu-west-1", "111122223333", 0)
        assert [(use.by, use.certain) for use in one.protects] == [("encrypted_with", True)]


def test_one_key_in_each_region(read):
    """The same alias in two Regions is two keys; an ARN and an alias are one."""
    code = """
provider "aws" {
  alias  = "other"
  region = "eu-central-1"
}
resource "aws_sqs_queue" "a" { kms_master_key_id = "alias/aws/sqs" }
resource "aws_sqs_queue" "b" { kms_master_key_id = "arn:aws:kms:eu-west-1:111122223333:alias/aws/sqs" }
resource "aws_sqs_queue" "c" {
  provider          = aws.other
  kms_master_key_id = "alias/aws/sqs"
}
"""
    found = {one.region: [use.address for use in one.protects] for one in keys(read(code)).keys}

    assert found == {"eu-central-1": ["aws_sqs_queue.c"], "eu-west-1": ["aws_sqs_queue.a", "aws_sqs_queue.b"]}


def test_default_that_an_account_can_set(read):
    """A volume without key is under the account's default key for EBS, which need not be that of AWS."""
    code = 'resource "aws_ebs_volume" "a" {\n  availability_zone = "eu-west-1a"\n  encrypted = true\n}'
    (one,) = keys(read(code)).keys

    assert (one.address, [use.certain for use in one.protects]) == ("alias/aws/ebs", [False])
    assert [open_.reference for open_ in one.decided_by] == ["default key for EBS"]


def test_a_condition_decides_between_two_keys(read):
    """Perhaps under the own key, perhaps under that of AWS."""
    code = """
variable "own" { type = bool }
resource "aws_kms_key" "k" {}
resource "aws_secretsmanager_secret" "a" { kms_key_id = var.own ? aws_kms_key.k.arn : null }
"""
    found = {one.address: [use.certain for use in one.protects] for one in keys(read(code)).keys}

    assert found == {"aws_kms_key.k": [False], "alias/aws/secretsmanager": [False]}
