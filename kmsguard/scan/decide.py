"""From judgements to findings: where each stands, what is shown of it, what counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from kmsguard.model.declaration import Call, Unit
from kmsguard.model.finding import (
    SEVERITIES,
    Evidence,
    Finding,
    Judgement,
    Open,
    Passed,
    Related,
    RuleInfo,
    Subject,
    Suppression,
)
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import RuleTable, is_named, is_selected
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Step
from kmsguard.scan import paths as path_names
from kmsguard.scan.fingerprint import Fingerprints
from kmsguard.scan.redact import Secrets
from kmsguard.scan.settings import RuleOverride, Settings
from kmsguard.scan.suppress import Leftover, Suppressions

DOWNLOADED = ".terraform"


class Place(msgspec.Struct, frozen=True):
    """Where a judgement stands, and all other places that took part."""

    location: Span
    head: Span | None  # of the block, where the location is a whole block
    related: tuple[Related, ...]
    flow: tuple[Related, ...]
    files: frozenset[str]  # that the judgement touches: its places, its block, and the calls on the way to them


class Decided(msgspec.Struct, frozen=True):
    """What a report is made of."""

    findings: tuple[Finding, ...]
    passed: tuple[Passed, ...]
    unknown: int  # verdicts, shown or not


class UnitView(msgspec.Struct, frozen=True):
    """What of a unit is reported."""

    root: str  # what fingerprints count from
    only: frozenset[str] | None = None  # only what touches one of these files


def place_of(judgement: Judgement) -> Place:
    """The narrowest place that decides the verdict, and the chain that led there."""
    resource = judgement.resource
    first = next((e for e in judgement.evidence if e.span is not None), None)
    block = (first.resource if first is not None else None) or resource
    narrow = first.span if first is not None and first.span not in (None, block.head) else block.span
    assert narrow is not None, "a block has a place"
    location = _owned(narrow, block, resource)
    related: dict[Related, None] = {}
    flow: list[Related] = []
    if first is not None and first.trail is not None:
        flow.extend(_steps(first.trail, first, resource))
        related.update(dict.fromkeys(flow))
    for evidence in judgement.evidence:
        if evidence is not first:
            related.update(dict.fromkeys(_related(evidence, resource)))
    if resource.declarations and resource.declarations[0].origin is not None:
        origin = resource.declarations[0].origin
        related[Related(f"the construct {origin.name}", origin.span or resource.head)] = None
    if flow and flow[-1].location != location:
        flow.append(Related(first.message if first is not None and first.message else judgement.message, location))
    head = block.head if location == block.span else None
    others = tuple(r for r in related if r.location != location)
    files = {location.file, *(r.location.file for r in others), *(r.location.file for r in flow)}
    files.update(declaration.span.file for declaration in resource.declarations[:1])
    files.update(call.span.file for declaration in resource.declarations for call in declaration.calls)
    return Place(location, head, others, tuple(flow) if len(flow) > 1 else (), frozenset(files))


def _related(evidence: Evidence, resource: Resource) -> Iterator[Related]:
    owner = evidence.resource or resource
    if evidence.span is not None:
        yield Related(evidence.message, _owned(evidence.span, owner, resource))
    elif evidence.resource is not None:
        yield Related(evidence.message, _owned(evidence.resource.head, owner, resource))
    if evidence.trail is not None:
        yield from _steps(evidence.trail, evidence, resource)


def _steps(trail: Step, evidence: Evidence, resource: Resource) -> Iterator[Related]:
    """The steps of a trail that have a place, oldest first."""
    for step in trail.chain():
        if step.span is not None:
            what = step.what if not step.name else f"{step.what} {step.name}"
            yield Related(what, _owned(step.span, evidence.resource or resource, resource))


def _owned(span: Span, owner: Resource, fallback: Resource) -> Span:
    """A place in the user's own files: what stands in a downloaded module stands at its call."""
    call = _download(owner) or _download(fallback)
    return call.span if call is not None and _is_downloaded(span.file) else span


def _download(resource: Resource) -> Call | None:
    return next((call for declaration in resource.declarations for call in declaration.calls if call.downloaded), None)


def _is_downloaded(file: str) -> bool:
    return file.startswith(f"{DOWNLOADED}/") or f"/{DOWNLOADED}/" in file


# --- what counts --------------------------------------------------------------------------------------------------------------


def decide(
    layers: Sequence[tuple[Graph, Sequence[Judgement]]],
    views: Mapping[str, UnitView],
    rules: RuleTable,
    settings: Settings,
    *,
    secrets: Secrets,
    baseline: frozenset[str] = frozenset(),
) -> Decided:
    """The findings of a scan, in the order of the report.

    `layers` are the graphs with what was judged of them: one, or one for each environment that units are deployed in; what
    environments share is told once.
    """
    infos = {rule.info.code: rule.info for rule in rules.rules}
    chosen = settings.for_rules()
    units = [unit for graph, _ in layers for unit in graph.units.values()]
    sources = _Sources(units)
    suppressions = Suppressions(units, settings.suppress, settings.today, is_named)
    drafts: dict[_Draft, bool] = {}  # whether it is reported; the others count for the numbers of fingerprints
    passed: set[Passed] = set()
    places: dict[Resource, Place] = {}  # of passes: without evidence all of a resource stand at one place
    for judgement in (judgement for _, judgements in layers for judgement in judgements):
        view = views[judgement.resource.unit]
        if judgement.verdict == "pass":
            # most judgements are passes: their places are only looked at where somebody asks
            if suppressions.any or view.only is not None:
                place = places.get(judgement.resource) or place_of(judgement)
                places[judgement.resource] = place
                if suppressions.any:
                    suppressions.of(judgement, place.location, ())
                if not _in_sight(place.files, view, settings):
                    continue
            passed.add(Passed(judgement.rule.code, secrets.address(judgement.resource.address), judgement.resource.unit))
            continue
        place = place_of(judgement)
        suppression = suppressions.of(judgement, place.location, (r.location for r in (*place.related, *place.flow)))
        draft = _Draft(_finding(judgement, place, suppression, secrets, sources), judgement.attribute)
        drafts[draft] = drafts.get(draft, False) or _in_sight(place.files, view, settings)
    for leftover in suppressions.leftovers(lambda name: rules.get(name) is not None):
        notice = infos.get(leftover.code)
        if notice is not None and is_selected(notice, chosen):
            draft = _Draft(_notice(leftover, notice, secrets, sources), leftover.mark.code)
            files = frozenset({leftover.mark.place.file})
            # the configuration belongs to no unit: to all of them
            about = [views[leftover.unit]] if leftover.unit in views else list(views.values())
            drafts[draft] = any(_in_sight(files, view, settings) for view in about)
    findings = []
    unknown = 0
    for reported in _numbered(drafts, views, baseline):
        finding = _weighed(reported, infos, settings)
        if finding is not None:
            unknown += finding.verdict == "unknown" and finding.suppression is None
            if finding.verdict == "fail" or settings.unknown != "ignore":
                findings.append(finding)
    return Decided(tuple(findings), tuple(sorted(passed)), unknown)


class _Draft(msgspec.Struct, frozen=True):
    """A finding before it is known whether it is reported."""

    finding: Finding
    attribute: str


def _in_sight(files: frozenset[str], view: UnitView, settings: Settings) -> bool:
    """Whether what touches some files is reported."""
    return view.only is None or settings.whole_units or bool(view.only & files)


def _numbered(drafts: Mapping[_Draft, bool], views: Mapping[str, UnitView], baseline: frozenset[str]) -> Iterator[Finding]:
    """What is reported, in its order, with fingerprints, and what is in the baseline marked."""
    fingerprints = Fingerprints()
    for draft in sorted(drafts, key=_order):
        finding = draft.finding
        view = views.get(finding.resource.unit)
        unit = path_names.relative(finding.resource.unit, view.root) if view is not None else finding.resource.unit
        mark = fingerprints.of(finding.code, unit, finding.resource.address, draft.attribute)
        suppression = finding.suppression
        if suppression is None and mark in baseline:
            suppression = Suppression("baseline", "it was there when the baseline was written")
        if drafts[draft]:
            yield msgspec.structs.replace(finding, fingerprint=mark, suppression=suppression)


def _order(draft: _Draft) -> tuple[Span, str, str, str, str, str, str]:
    finding = draft.finding
    subject = finding.resource
    return finding.location, finding.code, subject.unit, subject.address, draft.attribute, finding.verdict, finding.message


def _weighed(finding: Finding, rules: Mapping[str, RuleInfo], settings: Settings) -> Finding | None:
    """The finding with the severity that the configuration gives it; None where it is not reported.

    Of several entries the last that speaks counts.
    """
    where = (finding.location.file, finding.resource.unit)
    severity, enabled = finding.severity, True
    for override in settings.rules:
        if is_named(override.rules, rules[finding.code]) and _applies(override, where):
            severity = override.severity or severity
            enabled = enabled if override.enabled is None else override.enabled
    if not enabled or SEVERITIES.index(severity) < SEVERITIES.index(settings.min_severity):
        return None
    return finding if severity == finding.severity else msgspec.structs.replace(finding, severity=severity)


def _applies(override: RuleOverride, where: tuple[str, str]) -> bool:
    return not override.paths or any(path_names.matches(path, override.paths) for path in where)


def _finding(
    judgement: Judgement, place: Place, suppression: Suppression | None, secrets: Secrets, sources: _Sources
) -> Finding:
    rule, resource = judgement.rule, judgement.resource
    source = sources.get(place.location.file)
    return Finding(
        code=rule.code,
        name=rule.name,
        category=rule.category,
        severity=rule.severity,
        verdict="fail" if judgement.verdict == "fail" else "unknown",
        message=secrets.text(judgement.message + _construct(resource)),
        resource=_subject(resource, secrets),
        location=place.location,
        related=_redacted(place.related, secrets),
        decided_by=tuple(Open(secrets.text(o.reference), secrets.text(o.message)) for o in judgement.open),
        remediation=_remediation(judgement.remediation, rule.remediation, secrets),
        help_url=rule.help_url,
        suppression=_shown(suppression, secrets),
        flow=_redacted(place.flow, secrets),
        excerpt=secrets.excerpt(source, place.location, place.head) if source is not None else (),
    )


def _remediation(own: str, of_rule: str, secrets: Secrets) -> str:
    """What is told of a finding alone, without secrets, and the rule's own words as they are: they hold none of the input."""
    if not own:
        return of_rule
    before = own.removesuffix(of_rule)
    return secrets.text(before) + own[len(before) :]


def _notice(leftover: Leftover, rule: RuleInfo, secrets: Secrets, sources: _Sources) -> Finding:
    location, resource = leftover.mark.place, leftover.resource
    source = sources.get(location.file)
    return Finding(
        code=rule.code,
        name=rule.name,
        category=rule.category,
        severity=rule.severity,
        verdict="fail",
        message=secrets.text(leftover.message),
        resource=_subject(resource, secrets)
        if resource is not None
        else Subject(location.file, "suppression", "scan.suppression", leftover.unit or location.file),
        location=location,
        remediation=rule.remediation,
        help_url=rule.help_url,
        excerpt=secrets.excerpt(source, location, None) if source is not None else (),
    )


def _construct(resource: Resource) -> str:
    """Which construct made a resource, where a person edits that and not the template."""
    origin = resource.declarations[0].origin if resource.declarations else None
    return f" (construct {origin.name})" if origin is not None else ""


def _subject(resource: Resource, secrets: Secrets) -> Subject:
    return Subject(secrets.address(resource.address), resource.type, resource.kind, resource.unit)


def _shown(suppression: Suppression | None, secrets: Secrets) -> Suppression | None:
    return msgspec.structs.replace(suppression, reason=secrets.text(suppression.reason)) if suppression is not None else None


def _redacted(places: Iterable[Related], secrets: Secrets) -> tuple[Related, ...]:
    return tuple(dict.fromkeys(Related(secrets.text(r.message), r.location) for r in places))


class _Sources:
    """The texts that places lead into, by file."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self._units = tuple(units)
        self._known: dict[str, Source | None] = {}

    def get(self, file: str) -> Source | None:
        if file not in self._known:
            self._known[file] = next((unit.sources[file] for unit in self._units if file in unit.sources), None)
        return self._known[file]
