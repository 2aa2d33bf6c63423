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
