"""Reports to render, and files to compare with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kmsguard.model.declaration import Problem
from kmsguard.model.finding import (
    ExcerptLine,
    Finding,
    Open,
    Passed,
    Related,
    Report,
    RuleInfo,
    Subject,
    Summary,
    Suppression,
)
from kmsguard.model.source import Span

CASES = Path(__file__).parent / "cases"

ROTATION = RuleInfo(
    code="KG401",
    name="kms-key-rotation-disabled",
    category="key-rotation",
    profile="recommended",
    severity="medium",
    title="A key that could rotate by itself does not",
    why="Key material that is never replaced protects ever more data.\n\nAWS rotates it without work for you.",
    remediation="Set `enable_key_rotation = true`.\n\n```hcl\nenable_key_rotation = true\n```",
    links=("https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",),
    controls={"cis-aws-3.0": ("3.6",), "fsbp": ("KMS.4",)},
    help_url="https://example.com/rules/KG401",
)
OPEN_POLICY = RuleInfo(
    code="KG501",
    name="kms-key-policy-open",
    category="key-policy",
    profile="essential",
    severity="critical",
    title="Everybody may use a key",
    why="Any AWS account can decrypt with it.",
    remediation="Name the principals, or add a condition on `aws:PrincipalOrgID`.",
)
SECRET = RuleInfo(
    code="KG101",
    name="secret-literal",
    category="plaintext-secret",
    profile="essential",
    severity="high",
    title="A secret is written in the code",
    why="Whoever reads the code has it.",
    remediation="Let Secrets Manager make it.",
)


def _rotation(address: str = "aws_kms_key.logs", unit: str = "infra/prod", **more) -> Finding:
    """A finding of the rotation rule."""
    fields = {
        "code": "KG401",
        "name": "kms-key-rotation-disabled",
        "category": "key-rotation",
        "severity": "medium",
        "verdict": "fail",
        "message": f"{address} never rotates its key material",
        "resource": Subject(address, "aws_kms_key", "kms.key", unit),
        "location": Span("infra/prod/kms.tf", 9, 1, 9, 30),
        "remediation": ROTATION.remediation,
        "help_url": ROTATION.help_url,
        "fingerprint": "1f3c",
        "excerpt": (ExcerptLine(9, 'resource "aws_kms_key" "logs" {', 1, 30), ExcerptLine(10, '  description = "logs"')),
    }
    return Finding(**{**fields, **more})


def _report(*findings: Finding, **more) -> Report:
    """A report of these findings."""
    fields = {
        "version": "1.2.3",
        "profile": "recommended",
        "findings": findings,
        "passed": (),
        "errors": (),
        "summary": Summary(1, 4, 31, len(findings), 0, 0, 0.1),
        "rules": (ROTATION, OPEN_POLICY, SECRET),
    }
    return Report(**{**fields, **more})


def _full() -> Report:
    policy = _rotation(
        code="KG501",
        name="kms-key-policy-open",
        category="key-policy",
        severity="critical",
        message="everybody may call kms:Decrypt with aws_kms_key.logs",
        location=Span("infra/prod/policies/logs.json", 11, 5, 14, 6),
        related=(
            Related("the policy is attached here", Span("infra/prod/kms.tf", 12, 3, 12, 40)),
            Related('module.audit["eu"].aws_iam_role.reader can call it', Span("modules/audit/main.tf", 1, 1, 4, 2)),
        ),
        flow=(
            Related("the document is read here", Span("infra/prod/kms.tf", 3, 12, 3, 40)),
            Related("local.policy", Span("infra/prod/kms.tf", 12, 12, 12, 24)),
        ),
        remediation=OPEN_POLICY.remediation,
        help_url="",
        fingerprint="2a00",
        excerpt=(
            ExcerptLine(11, "    {", 5, 6),
            ExcerptLine(12, '      "Effect": "Allow",', 7, 25),
            ExcerptLine(13, '      "Principal": "*"', 7, 23),
            ExcerptLine(14, "    }", 5, 6),
        ),
    )
    unknown = _rotation(
        "aws_kms_key.data",
        verdict="unknown",
        location=Span("infra/prod/kms.tf", 22, 3, 22, 35),
        decided_by=(Open("var.rotate", "fails where var.rotate is false"),),
        fingerprint="3b11",
        excerpt=(
            ExcerptLine(20, 'resource "aws_kms_key" "data" {'),
            ExcerptLine(22, "  enable_key_rotation = var.rotate", 3, 35),
        ),
    )
    suppressed = _rotation(
        "aws_kms_key.tmp",
        severity="low",
        location=Span("infra/prod/kms.tf", 31, 1, 31, 29),
        suppression=Suppression("inSource", "gone next week", Span("infra/prod/kms.tf", 30, 1, 30, 60), "2027-03-31"),
        fingerprint="4c22",
        excerpt=(ExcerptLine(31, 'resource "aws_kms_key" "tmp" {', 1, 29),),
    )
    secret = _rotation(
        "aws_db_instance.orders",
        code="KG101",
        name="secret-literal",
        category="plaintext-secret",
        severity="high",
        message="aws_db_instance.orders has its password in the code: Sa… (18 characters)",
        resource=Subject("aws_db_instance.orders", "aws_db_instance", "rds.instance", "infra/prod"),
        location=Span("infra/prod/rds.tf", 101, 14, 101, 34),
        remediation=SECRET.remediation,
        help_url="",
        fingerprint="5d33",
        excerpt=(ExcerptLine(101, '  password = "Sa… (18 characters)"', 14, 34),),
    )
    return _report(
        policy,
        _rotation(),
        _rotation('module.keys["eu"].aws_kms_key.logs', fingerprint="1f3d"),
        unknown,
        suppressed,
        secret,
        passed=(Passed("KG401", "aws_kms_key.main", "infra/prod"), Passed("KG501", "aws_kms_key.main", "infra/prod")),
        errors=(
            Problem("error", "hcl-syntax", "infra/prod/broken.tf", 3, 7, "expected a value; nothing after it was read"),
            Problem(
                "warning", "unset-variable", "infra/prod/variables.tf", 1, 1, "var.rotate has no value: give one with --var"
            ),
        ),
        summary=Summary(1, 4, 31, 4, 1, 1, 0.1),
    )


def _hostile() -> Report:
    """All that a template could try to put into a report."""
    nasty = (
        'a]]><script>alert("1")</script>&amp;|x|`y`\n::error::forged\r\n'
        "\x1b[31mred\x07 ${x} {0} [l](javascript:1) @team \u202ereversed\ud800"
    )
    finding = _rotation(
        nasty,
        message=nasty,
        location=Span("infra/prod/a b,c:d%#|ü[1].tf", 1, 1, 1, 20),
        related=(Related(nasty, Span("<x>.tf", 2, 1, 2, 5)),),
        decided_by=(Open(nasty, nasty),),
        remediation=nasty,
        excerpt=(ExcerptLine(1, "\tpässword = \x1b]0;title\x07 <b> 日本語 ::warning::x", 2, 10),),
    )
    suppressed = _rotation(nasty, location=Span("x.tf", 1, 1, 1, 2), suppression=Suppression("external", nasty))
    return _report(
        finding,
        suppressed,
        errors=(Problem("error", "hcl-syntax", "<stdin>", 0, 0, nasty), Problem("warning", "x", "", 0, 0, nasty)),
        passed=(Passed("KG401", nasty, nasty),),
    )


REPORTS: dict[str, Callable[[], Report]] = {
    "full": _full,
    "empty": _report,
    "hostile": _hostile,
    "unread": lambda: _report(
        errors=(Problem("error", "hcl-syntax", "broken.tf", 3, 7, "expected a value; nothing after it was read"),),
        summary=Summary(1, 1, 0),
    ),
}


@pytest.fixture
def rotation() -> Callable[..., Finding]:
    """Makes a finding of the rotation rule: `rotation(address, unit, field=…)`."""
    return _rotation


@pytest.fixture
def report() -> Callable[..., Report]:
    """Makes a report: `report(*findings, field=…)`."""
    return _report


@pytest.fixture
def full() -> Report:
    """A report with everything that a report can have."""
    return _full()


@pytest.fixture
def hostile() -> Report:
    """A report of a template that tries to break out of it."""
    return _hostile()


@pytest.fixture(params=REPORTS)
def named(request: pytest.FixtureRequest) -> tuple[str, Report]:
    """Each report, with its name."""
    return request.param, REPORTS[request.param]()


@pytest.fixture
def expected(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the file of that name in `cases`, or writes it there with `--update`."""

    def compare(name: str, text: str) -> None:
        path = CASES / name
        if request.config.getoption("--update"):
            path.write_bytes(text.encode())
        assert text == path.read_bytes().decode()

    return compare
