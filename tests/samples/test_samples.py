"""The sample projects: what is broken is found, at its place; what is mended is clean; one report for each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import kmsguard
from kmsguard.output import render

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PROJECTS = ("s3-replication", "partner-images", "order-service")
LANGUAGES = ("terraform", "cloudformation")

# What was broken on purpose, written down when it was broken: code, address, file, and the text of the line that is at fault.
BROKEN = {
    "s3-replication/terraform": [
        ("KG106", "var.webhook_token", "variables.tf", "  default     = "),
        ("KG107", "var.webhook_token", "variables.tf", 'variable "webhook_token" {'),
        (
            "KG401",
            'module.replica["contracts"].aws_kms_key.this',
            "modules/vault/main.tf",
            "  enable_key_rotation     = var.rotation",
        ),
        (
            "KG401",
            'module.replica["invoices"].aws_kms_key.this',
            "modules/vault/main.tf",
            "  enable_key_rotation     = var.rotation",
        ),
        (
            "KG501",
            'module.replica["contracts"].aws_kms_key.this',
            "modules/vault/main.tf",
            "      principals {",
        ),
        (
            "KG501",
            'module.replica["invoices"].aws_kms_key.this',
            "modules/vault/main.tf",
            "      principals {",
        ),
        (
            "KG601",
            "aws_s3_bucket_replication_configuration.invoices",
            "main.tf",
            '      bucket = module.replica["invoices"].bucket_arn',
        ),
        ("KG605", "aws_s3_bucket_replication_configuration.contracts", "main.tf", "  role   = aws_iam_role.replication.arn"),
    ],
    "s3-replication/cloudformation": [
        ("KG106", "WebhookToken", "source.yaml", "    Default: "),
        ("KG107", "WebhookToken", "source.yaml", "  WebhookToken:"),
        ("KG401", "InvoicesKey", "replica.yaml", "      EnableKeyRotation: false"),
        ("KG501", "InvoicesKey", "replica.yaml", '            Principal: "*"'),
        ("KG601", "InvoicesBucket", "source.yaml", '              Bucket: !Sub "arn:${AWS::Partition}:s3:::example-invoices'),
        ("KG605", "ContractsBucket", "source.yaml", "        Role: !GetAtt ReplicationRole.Arn"),
    ],
    "partner-images/terraform": [
        ("KG702", "aws_db_snapshot.catalog", "catalog.tf", "  shared_accounts        = values(var.partner_accounts)"),
        ("KG703", 'aws_ami_launch_permission.partner["northwind"]', "main.tf", "  account_id = each.value"),
        ("KG703", 'aws_snapshot_create_volume_permission.partner["northwind"]', "main.tf", "  account_id  = each.value"),
    ],
    "order-service/terraform": [
        ("KG306", "aws_db_parameter_group.orders", "database.tf", "  parameter {"),
        ("KG901", "aws_cloudwatch_event_target.placed", "queue.tf", "  arn  = aws_sqs_queue.orders.arn"),
        ("KG902", "aws_cloudwatch_metric_alarm.failed", "alarms.tf", "  alarm_actions       = [aws_sns_topic.alarms.arn]"),
        ("KG902", "aws_cloudwatch_metric_alarm.storage", "alarms.tf", "  alarm_actions       = [aws_sns_topic.alarms.arn]"),
        ("KG905", "aws_cloudwatch_log_group.worker", "worker.tf", "  kms_key_id        = "),
        ("KG905", "aws_lambda_event_source_mapping.worker", "worker.tf", "  event_source_arn = aws_sqs_queue.orders.arn"),
    ],
    "order-service/cloudformation": [
        ("KG306", "ParameterGroup", "template.yaml", '        rds.force_ssl: "0"'),
        ("KG901", "OrderPlaced", "template.yaml", "          Arn: !GetAtt Queue.Arn"),
        ("KG902", "FailedAlarm", "template.yaml", "      AlarmActions: [!Ref Alarms]"),
        ("KG902", "StorageAlarm", "template.yaml", "      AlarmActions: [!Ref Alarms]"),
        ("KG905", "WorkerLogs", "template.yaml", "      KmsKeyId: !GetAtt LogsKey.Arn"),
        ("KG905", "WorkerSource", "template.yaml", "      EventSourceArn: !GetAtt Queue.Arn"),
    ],
    "partner-images/cloudformation": [
        ("KG703", "ApplianceDistribution", "template.yaml", "              UserIds: !Ref PartnerAccounts"),
        ("KG703", "ReferencePolicy", "template.yaml", "              - TargetAccounts: !Ref PartnerAccounts"),
    ],
}


@pytest.fixture
def report(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> kmsguard.Report:
    """The report on one sample, from the samples' own folder."""
    monkeypatch.chdir(SAMPLES)
    return kmsguard.scan([request.param])


@pytest.mark.parametrize(
    ("report", "project"), [(f"{project}/broken", project) for project in BROKEN], indirect=["report"], ids=list(BROKEN)
)
def test_what_is_broken_is_found_where_it_is(report: kmsguard.Report, project: str) -> None:
    """Each defect is a fail at its line, and there is no other finding."""
    found = []
    for finding in report.findings:
        line = (SAMPLES / finding.location.file).read_text().splitlines()[finding.location.start_line - 1]
        file = finding.location.file.removeprefix(f"{project}/broken/")
        expected = next((e for e in BROKEN[project] if e[:3] == (finding.code, finding.resource.address, file)), None)
        shown = expected[3] if expected is not None and line.startswith(expected[3]) else line
        found.append((finding.code, finding.resource.address, file, shown))

    assert sorted(found) == sorted(BROKEN[project])
    assert {finding.verdict for finding in report.findings} == {"fail"}


@pytest.mark.parametrize(
    "report", [f"{project}/{language}/mended" for project in PROJECTS for language in LANGUAGES], indirect=True
)
def test_what_is_mended_is_clean(report: kmsguard.Report) -> None:
    """Nothing fails, and everything was read."""
    assert report.findings == ()
    assert [problem for problem in report.errors if problem.level == "error"] == []


@pytest.mark.parametrize("report", [f"{project}/broken" for project in BROKEN], indirect=True)
def test_the_report_is_the_expected_one(report: kmsguard.Report, request: pytest.FixtureRequest) -> None:
    """The whole JSON report, byte for byte but for the duration."""
    name = request.node.callspec.params["report"].removesuffix("/broken").replace("/", "-")
    tree = json.loads(render(report, "json"))
    tree["summary"]["duration_seconds"] = 0
    tree["tool"]["version"] = "0"
    text = json.dumps(tree, indent=2, ensure_ascii=False) + "\n"
    path = SAMPLES / "expected" / f"{name}.json"
    if request.config.getoption("--update"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text
