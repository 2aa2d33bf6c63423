"""What is said in the end: judgements, findings, the report. See INTERFACE in the documentation of the JSON report."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from kmsguard.model.declaration import Problem
from kmsguard.model.resource import Resource
from kmsguard.model.source import Span
from kmsguard.model.value import Step, Value

Severity: TypeAlias = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")  # ascending
Profile: TypeAlias = Literal["essential", "recommended", "strict"]
PROFILES: tuple[Profile, ...] = ("essential", "recommended", "strict")  # cumulative
Verdict: TypeAlias = Literal["pass", "fail", "unknown"]

CATEGORIES = (
    "scan",
    "key-lifecycle",
    "plaintext-secret",
    "encryption-at-rest",
    "encryption-in-transit",
    "key-rotation",
    "key-policy",
    "replication",
    "sharing",
    "multi-region",
    "key-access",
)


class RuleInfo(msgspec.Struct, frozen=True):
    """What a reporter needs to know of a rule. Texts are Markdown."""

    code: str
    name: str
    category: str
    profile: Profile
    severity: Severity
    title: str
    why: str
    remediation: str
    links: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    controls: dict[str, tuple[str, ...]] = {}
    covers: dict[str, tuple[str, ...]] = {}
    help_url: str = ""


class Evidence(msgspec.Struct, frozen=True, eq=False):
    """Something that decided a verdict, and where it stands."""

    message: str  # `the key policy allows it here`; complete in itself, shown beside the place
    span: Span | None = None
    trail: Step | None = None
    resource: Resource | None = None  # whose it is
    secret: Value | None = None  # a value that must not be shown anywhere


class Open(msgspec.Struct, frozen=True, order=True, cache_hash=True):
    """What would decide an `unknown`."""

    reference: str  # `var.rotate`, `IsProd`, `--account`
    message: str  # `fails where var.rotate is false`


class Judgement(msgspec.Struct, frozen=True, eq=False):
    """What a rule says of a resource. Its place is the first span in the evidence, else the resource's head."""

    rule: RuleInfo
    resource: Resource
    verdict: Verdict
    message: str
    evidence: tuple[Evidence, ...] = ()
    open: tuple[Open, ...] = ()
    attribute: str = ""  # what of the resource it is about: part of the fingerprint
    remediation: str = ""  # empty: the rule's

    @property
    def place(self) -> Span:
        """The narrowest place that decides the verdict."""
        return next((evidence.span for evidence in self.evidence if evidence.span is not None), self.resource.head)


class Related(msgspec.Struct, frozen=True):
    """Another place that took part."""

    message: str
    location: Span


class Subject(msgspec.Struct, frozen=True):
    """The resource of a finding."""

    address: str
    type: str
    kind: str
    unit: str


class Suppression(msgspec.Struct, frozen=True):
    """Why a finding does not count."""

    kind: Literal["inSource", "external", "baseline"]  # a comment or metadata, the configuration, the baseline
    reason: str
    location: Span | None = None
    until: str | None = None


class ExcerptLine(msgspec.Struct, frozen=True):
    """A line of source, secrets masked."""

    number: int
    text: str
    start: int = 0  # columns to underline, from 1; 0: none
    end: int = 0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A `fail`, or an `unknown` where those are asked for. The fields up to `suppression` are those of the JSON report."""

    code: str
    name: str
    category: str
    severity: Severity
    verdict: Literal["fail", "unknown"]
    message: str
    resource: Subject
    location: Span
    related: tuple[Related, ...] = ()
    decided_by: tuple[Open, ...] = ()
    remediation: str = ""
    help_url: str = ""
    fingerprint: str = ""
    suppression: Suppression | None = None
    flow: tuple[Related, ...] = ()  # the chain of references that led to the place, oldest first
    excerpt: tuple[ExcerptLine, ...] = ()


class Passed(msgspec.Struct, frozen=True, order=True):
    """A rule that a resource meets."""

    code: str
    address: str
    unit: str


class Summary(msgspec.Struct, frozen=True):
    """The scan in numbers. `findings` counts those neither suppressed nor in the baseline, `unknown` verdicts shown or not."""

    units: int = 0
    files: int = 0
    resources: int = 0
    findings: int = 0
    suppressed: int = 0
    unknown: int = 0
    duration_seconds: float = 0.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that reporters get. Findings are sorted by place, then code; suppressed ones are among them."""

    version: str
    profile: Profile
    findings: tuple[Finding, ...]
    passed: tuple[Passed, ...]
    errors: tuple[Problem, ...]
    summary: Summary
    rules: tuple[RuleInfo, ...]  # those that were run
    root: str = "."  # of the checkout, relative to the working directory
    statistics: dict[str, float] = {}  # seconds by stage, where asked for


class UsageError(Exception):
    """Bad flags, configuration or rule pack: the only exception that users meet; only `cli` catches it, with status 2."""

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems
