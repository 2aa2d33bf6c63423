"""What small templates come to, from text to verdict: conditions, empty parameters, texts, other templates.

verdicts/<case>.yaml holds templates, each after a line `# FILE`. The lines `#! CODE verdict ADDRESS PLACE reason` before them
say all that is found of the codes that the first such line names.
"""

import re
from pathlib import Path

import pytest

from kmsguard.scan.run import scan
from kmsguard.scan.settings import Settings

CASES = Path(__file__).parent / "verdicts"


@pytest.mark.parametrize("case", sorted(path.stem for path in CASES.glob("*.yaml")))
def test_what_a_template_comes_to(case, tmp_path, monkeypatch):
    """Of the codes that a case names, just the findings that it expects, where it expects them."""
    text = (CASES / f"{case}.yaml").read_text("utf-8")
    head = re.findall(r"(?m)^#! (.*)$", text)
    codes = head[0].split()
    names = re.split(r"(?m)^# (\S+\.(?:yaml|json))\n", text)
    for name, content in zip(names[1::2], names[2::2], strict=True):
        (tmp_path / name).write_text(content, "utf-8")
    monkeypatch.chdir(tmp_path)

    report = scan(["."], Settings(account="111122223333", region="eu-west-1", unknown="report"))

    found = {
        f"{one.code} {one.verdict} {one.resource.address} {one.location.file}:{one.location.start_line}"
        + "".join(f" {said.message}" for said in one.decided_by)
        for one in report.findings
        if one.code in codes
    }
    assert found == set(head[1:])
    assert not [problem for problem in report.errors if problem.level == "error"]


def test_the_end_of_the_names_of_services_needs_no_region(tmp_path, monkeypatch):
    """`AWS::URLSuffix` is `amazonaws.com` as `AWS::Partition` is `aws`, where nobody says that it is China's."""
    account = "{AWS: !Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root'}"
    service = "{Service: !Sub 'logs.${AWS::Region}.${AWS::URLSuffix}'}"
    uses = "'kms:Decrypt*', 'kms:Encrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'"
    statements = [
        f"{{Effect: Allow, Principal: {account}, Action: 'kms:*', Resource: '*'}}",
        f"{{Effect: Allow, Principal: {service}, Action: [{uses}], Resource: '*'}}",
    ]
    for statement, verdicts in ((1, ["fail"]), (2, [])):
        policy = f"{{Version: '2012-10-17', Statement: [{', '.join(statements[:statement])}]}}"
        (tmp_path / "t.yaml").write_text(
            f"Resources:\n  K: {{Type: AWS::KMS::Key, Properties: {{KeyPolicy: {policy}}}}}\n"
            "  L: {Type: AWS::Logs::LogGroup, Properties: {KmsKeyId: !GetAtt K.Arn}}\n"
        )
        monkeypatch.chdir(tmp_path)
        report = scan(["t.yaml"], Settings(unknown="report", select=("KG901",)))
        assert [finding.verdict for finding in report.findings] == verdicts
