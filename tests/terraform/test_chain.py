"""The chain of a finding over three levels of modules: chain/, a value that goes from a tfvars line to a key's policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmsguard.output import render
from kmsguard.scan.run import scan
from kmsguard.scan.settings import Settings

CHAIN = Path(__file__).parent / "chain"
KEY = "module.a.module.b.module.c.aws_kms_key."
INPUTS = ["local local.s main.tf:5", "module input module.a.var.settings main.tf:9"]
WHO = [
    "var-file var.settings prod.auto.tfvars:2",
    *INPUTS,
    "module input module.a.module.b.var.who a/main.tf:4",
]
ROWS = {
    "encoded": (
        "a/b/main.tf:5 var.who",
        [
            *WHO,
            "local module.a.module.b.local.doc a/b/main.tf:6",
            "module input module.a.module.b.module.c.var.policy a/b/main.tf:16",
        ],
    ),
    "document": (
        "a/b/c/main.tf:15 principals",
        [
            "var-file var.settings prod.auto.tfvars:4",
            *INPUTS,
            "module input module.a.module.b.var.readers a/main.tf:6",
            "module input module.a.module.b.module.c.var.readers a/b/main.tf:17",
            "dynamic block statement a/b/c/main.tf:11",
            "policy document module.a.module.b.module.c.data.aws_iam_policy_document.d a/b/c/main.tf:9",
        ],
    ),
    "heredoc": (
        'a/b/c/main.tf:34 "AWS": "${var.who}"',
        [*WHO, "module input module.a.module.b.module.c.var.who a/b/main.tf:18"],
    ),
    "template": (
        'a/b/c/p.tftpl:4 "AWS": "${who}"',
        [
            *WHO,
            "module input module.a.module.b.module.c.var.who a/b/main.tf:18",
            "template variable who a/b/c/main.tf:44",
            "template a/b/c/p.tftpl a/b/c/p.tftpl:1",
            "call templatefile() a/b/c/main.tf:44",
        ],
    ),
    "file": (
        'a/b/c/p.json:4 "Principal": "*"',
        ["template a/b/c/p.json a/b/c/p.json:1", "call file() a/b/c/main.tf:48"],
    ),
}


def _scan(code: str):
    return scan(["."], Settings(select=(code,), today="2026-06-01"))


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(CHAIN)


@pytest.mark.parametrize("name", ROWS)
def test_a_policy_tells_where_its_principal_comes_from(name):
    """The place is the narrowest in the policy; the chain leads there from the line of the tfvars file."""
    place, chain = ROWS[name]
    (finding,) = (f for f in _scan("KG501").findings if f.resource.address == KEY + name)
    at = finding.location
    lines = Path(at.file).read_text(encoding="utf-8").splitlines()
    assert f"{at.file}:{at.start_line}" == place.split()[0]
    assert lines[at.start_line - 1][at.start_column - 1 :].startswith(place.partition(" ")[2])
    assert [f"{r.message} {r.location.file}:{r.location.start_line}" for r in finding.related] == chain


def test_sarif_has_the_chain_as_a_flow():
    """`relatedLocations` and `codeFlows` tell the same way; the flow ends at the place itself."""
    report = _scan("KG401")
    (result,) = json.loads(render(report, "sarif"))["runs"][0]["results"]
    (flow,) = result["codeFlows"]

    def shown(places):
        return [(one["message"]["text"], one["physicalLocation"]["region"]["startLine"]) for one in places]

    steps = shown(step["location"] for step in flow["threadFlows"][0]["locations"])
    assert (
        steps[:5]
        == shown(result["relatedLocations"])
        == [
            ("var-file var.settings", 3),
            ("local local.s", 5),
            ("module input module.a.var.settings", 9),
            ("module input module.a.module.b.var.rotate", 5),
            ("module input module.a.module.b.module.c.var.rotate", 15),
        ]
    )
    assert [line for _, line in steps[5:]] == [6, 6]
