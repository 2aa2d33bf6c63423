"""Who uses a key because of the template, and what is decided and told of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmsguard.cli import main

KEY = """
resource "aws_kms_key" "k" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" },
      %s
    ]
  })
}
provider "aws" {
  region = "eu-west-1"
}
"""
ROLE = """
resource "aws_iam_role" "r" {
  name               = "r"
  assume_role_policy = "{}"
  %s
}
resource "aws_iam_role_policy" "r" {
  role   = aws_iam_role.r.id
  policy = jsonencode({ Statement = [%s] })
}
resource "aws_lambda_function" "f" {
  function_name = "f"
  role          = aws_iam_role.r.arn
}
resource "aws_sqs_queue" "q" {
  name              = "q"
  kms_master_key_id = aws_kms_key.k.arn
}
resource "aws_lambda_event_source_mapping" "m" {
  event_source_arn = aws_sqs_queue.q.arn
  function_name    = aws_lambda_function.f.arn
}
"""
DECRYPT = '{ Effect = "Allow", Action = "kms:Decrypt", Resource = aws_kms_key.k.arn }'


def _scan(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> list[tuple[str, str, str]]:
    """Code, verdict and address of what is reported."""
    (tmp_path / "main.tf").write_text(text, encoding="utf-8")
    told = ("--select", "KG9", "--unknown", "report", "--format", "json")
    main(["scan", str(tmp_path), "--account", "111122223333", *told])
    report = json.loads(capsys.readouterr().out)
    assert not report["errors"]
    return [(f["code"], f["verdict"], f["resource"]["address"]) for f in report["findings"]]


def _log_group(statement: str) -> str:
    return (
        KEY % statement
        + 'resource "aws_cloudwatch_log_group" "g" {\n  name       = "/a"\n  kms_key_id = aws_kms_key.k.arn\n}\n'
    )


def test_a_boundary_limits_what_policies_allow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A permission boundary without KMS keeps the role from decrypting, whatever its own policies allow."""
    boundary = """
resource "aws_iam_policy" "b" {
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = "*" }] })
}
"""
    text = KEY % "" + ROLE % ("permissions_boundary = aws_iam_policy.b.arn", DECRYPT) + boundary
    assert _scan(tmp_path, capsys, text) == [("KG903", "fail", "aws_lambda_event_source_mapping.m")]


def test_a_grant_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A grant lets a role use the key without any statement."""
    grant = """
resource "aws_kms_grant" "g" {
  key_id            = aws_kms_key.k.key_id
  grantee_principal = aws_iam_role.r.arn
  operations        = ["Decrypt"]
}
"""
    silent = ROLE % ("", '{ Effect = "Allow", Action = "sqs:*", Resource = "*" }')
    assert _scan(tmp_path, capsys, KEY % "" + silent) == [("KG903", "fail", "aws_lambda_event_source_mapping.m")]
    assert _scan(tmp_path, capsys, KEY % "" + silent + grant) == []


def test_names_of_services_with_and_without_region(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CloudWatch Logs calls as `logs.REGION.amazonaws.com`; whether `logs.amazonaws.com` admits it is not documented."""
    statement = '{{ Effect = "Allow", Principal = {{ Service = "{}" }}, Action = "kms:*", Resource = "*" }},'
    assert _scan(tmp_path, capsys, _log_group(statement.format("logs.eu-west-1.amazonaws.com"))) == []
    found = _scan(tmp_path, capsys, _log_group(statement.format("logs.amazonaws.com")))
    assert found == [("KG901", "unknown", "aws_cloudwatch_log_group.g")]
    found = _scan(tmp_path, capsys, _log_group(statement.format("logs.us-east-1.amazonaws.com")))
    assert found == [("KG901", "fail", "aws_cloudwatch_log_group.g")]


def test_one_finding_for_one_key_and_principal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A topic that is notified when an alarm begins and when it ends is one defect."""
    text = (
        KEY % ""
        + """
resource "aws_sns_topic" "t" {
  kms_master_key_id = aws_kms_key.k.arn
}
resource "aws_cloudwatch_metric_alarm" "a" {
  alarm_name          = "a"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  alarm_actions       = [aws_sns_topic.t.arn]
  ok_actions          = [aws_sns_topic.t.arn]
}
"""
    )
    assert _scan(tmp_path, capsys, text) == [("KG901", "fail", "aws_cloudwatch_metric_alarm.a")]


def test_either_of_two_callers_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """AWS Config delivers as its role, and where that may not as the service: only where neither may it fails."""
    config = """
resource "aws_s3_bucket" "b" {}
resource "aws_iam_role" "c" {
  name               = "c"
  assume_role_policy = "{}"
}
resource "aws_config_configuration_recorder" "all" { role_arn = aws_iam_role.c.arn }
resource "aws_config_delivery_channel" "all" {
  s3_bucket_name = aws_s3_bucket.b.id
  s3_kms_key_arn = aws_kms_key.k.arn
}
"""
    admit = '{ Effect = "Allow", Principal = { %s }, Action = "kms:*", Resource = "*" },'
    failing = [("KG901", "fail", "aws_config_delivery_channel.all")]
    assert _scan(tmp_path, capsys, KEY % "" + config) == failing
    assert _scan(tmp_path, capsys, KEY % (admit % 'Service = "config.amazonaws.com"') + config) == []
    assert _scan(tmp_path, capsys, KEY % (admit % "AWS = aws_iam_role.c.arn") + config) == []


def test_access_logs_where_the_key_admits_the_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """AWS documents SSE-S3 alone for server access logs; where a key admits the service all the same nothing is certain."""
    buckets = """
resource "aws_s3_bucket" "logs" {}
resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.k.arn
    }
  }
}
resource "aws_s3_bucket" "data" {}
resource "aws_s3_bucket_logging" "data" {
  bucket        = aws_s3_bucket.data.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "data/"
}
"""
    admit = '{ Effect = "Allow", Principal = { Service = "logging.s3.amazonaws.com" }, Action = "kms:*", Resource = "*" },'
    assert _scan(tmp_path, capsys, KEY % "" + buckets) == [("KG906", "fail", "aws_s3_bucket.data")]
    assert _scan(tmp_path, capsys, KEY % admit + buckets) == [("KG906", "unknown", "aws_s3_bucket.data")]


def test_a_policy_of_the_organization_that_may_bind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A service control policy binds the accounts to which it is attached; below which unit an account is, is not known."""
    scp = """
resource "aws_organizations_policy" "p" {
  name    = "p"
  content = jsonencode({ Statement = [{ Effect = "Deny", Action = "kms:Decrypt", Resource = "*" }] })
}
resource "aws_organizations_policy_attachment" "p" {
  policy_id = aws_organizations_policy.p.id
  target_id = "%s"
}
"""
    text = KEY % "" + ROLE % ("", DECRYPT)
    mapping = "aws_lambda_event_source_mapping.m"
    assert _scan(tmp_path, capsys, text + scp % "111122223333") == [("KG904", "fail", mapping)]
    assert _scan(tmp_path, capsys, text + scp % "444455556666") == []
    assert _scan(tmp_path, capsys, text + scp % "ou-abcd-11111111") == [("KG904", "unknown", mapping)]


def test_resource_policies_for_other_accounts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A queue is of no use to another account without its key, which may admit a role of it alone."""
    queue = """
resource "aws_sqs_queue" "q" {
  name              = "q"
  kms_master_key_id = aws_kms_key.k.arn
  policy = jsonencode({
    Statement = [{ Effect = "Allow", Principal = { AWS = "444455556666" }, Action = "sqs:SendMessage", Resource = "*" }]
  })
}
"""
    admit = '{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::444455556666:role/x" }, Action = "kms:*", Resource = "*" },'
    assert _scan(tmp_path, capsys, KEY % "" + queue) == [("KG903", "fail", "aws_sqs_queue.q")]
    assert _scan(tmp_path, capsys, KEY % admit + queue) == []


def test_what_is_no_topic_is_not_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An alarm that starts a scaling policy or an automation makes nobody use a key."""
    text = """
resource "aws_autoscaling_policy" "p" {
  name                   = "p"
  autoscaling_group_name = "web"
}
resource "aws_cloudwatch_metric_alarm" "a" {
  alarm_name          = "a"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  alarm_actions       = [aws_autoscaling_policy.p.arn, "arn:aws:automate:eu-west-1:ec2:reboot"]
}
"""
    assert _scan(tmp_path, capsys, text) == []


def test_a_role_that_is_looked_up_is_of_the_own_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key policy that names other roles alone lets none of the account in, whatever its policies say."""
    only_admins = (
        'resource "aws_kms_key" "k" {\n  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", '
        'Principal = { AWS = "arn:aws:iam::111122223333:role/admin" }, Action = "kms:*", Resource = "*" }] })\n}\n'
    )
    uses = """
provider "aws" {
  region = "eu-west-1"
}
data "aws_iam_role" "worker" {
  name = "worker"
}
resource "aws_lambda_function" "f" {
  function_name = "f"
  role          = data.aws_iam_role.worker.arn
}
resource "aws_sqs_queue" "q" {
  kms_master_key_id = aws_kms_key.k.arn
}
resource "aws_lambda_event_source_mapping" "m" {
  event_source_arn = aws_sqs_queue.q.arn
  function_name    = aws_lambda_function.f.arn
}
"""
    assert _scan(tmp_path, capsys, only_admins + uses) == [("KG903", "fail", "aws_lambda_event_source_mapping.m")]
    assert _scan(tmp_path, capsys, KEY % "" + uses.partition("}\n")[2]) == [
        ("KG903", "unknown", "aws_lambda_event_source_mapping.m")
    ]
