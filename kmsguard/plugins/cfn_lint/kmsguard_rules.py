"""Every rule of kmsguard that judges templates, as a rule of cfn-lint: its code behind the letter of its severity, `WKG401`.

cfn-lint asks rule by rule and template by template; kmsguard judges all templates that cfn-lint was pointed at at once, each as
it is deployed with the Regions and parameters that cfn-lint was given, and each rule looks its findings up. cfn-lint runs the
file without making a module of it that could be imported: nothing here may hang on its name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

import msgspec
from cfnlint.decode import decode
from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from kmsguard import scan
from kmsguard.kinds.load import load as load_kinds
from kmsguard.model.fault import fault
from kmsguard.model.finding import Finding, RuleInfo, Severity, UsageError
from kmsguard.model.rule import EVERYTHING, is_selected
from kmsguard.rules.load import kind_directories
from kmsguard.rules.load import load as load_rules
from kmsguard.scan.run import configured

LETTERS: dict[Severity, str] = {"critical": "E", "high": "E", "medium": "W", "low": "I", "info": "I"}
SECTIONS = {"Parameter": "Parameters", "Output": "Outputs"}  # where what is no resource stands, by its type
NO_TEXT = "a template on standard input is not judged: cfn-lint does not hand on its text, give it the file"


class Asked(msgspec.Struct, frozen=True):
    """What is judged together: the files, and a pair of Region and parameters for each way that they are deployed."""

    files: tuple[str, ...]
    deployed: tuple[tuple[str | None, tuple[tuple[str, str], ...]], ...]


class Verdicts:
    """The findings by template and code, and the rules that are run though nobody names them."""

    def __init__(self) -> None:
        self.findings: dict[tuple[str, str], list[Finding]] = {}
        self.selected: frozenset[str] = frozenset()

    def judge(self, asked: Asked) -> None:
        """Scans the files.

        Raises:
            UsageError: for mistakes in the configuration, which cfn-lint shows as E0002.
        """
        base = configured(asked.files)
        chosen = base.for_rules()
        self.selected = frozenset(rule.info.code for rule in load_rules(base.rule_dirs).rules if is_selected(rule.info, chosen))
        # All profiles: whoever includes a rule by its id wants it, whatever the profile; see `KmsguardRule.match`.
        unknown = base.unknown if base.unknown == "fail" else "ignore"
        settings = msgspec.structs.replace(base, profile="strict", unknown=unknown, fail_on="never", skip_unread=True)
        for region, parameters in asked.deployed:
            deployed = msgspec.structs.replace(settings, region=region or base.region, parameters=parameters)
            report = scan([os.path.relpath(file) for file in asked.files], deployed)
            for problem in report.errors:
                if problem.level == "error":
                    tell(f"{problem.file}:{problem.line}: {problem.message}")
            for finding in report.findings:
                if finding.suppression is None:
                    self.findings.setdefault((_template(finding, asked.files), finding.code), []).append(finding)


def _template(finding: Finding, files: tuple[str, ...]) -> str:
    """The template that tells of a finding: the one that it stands in, or that takes part, where it stands in none of these."""
    places = (finding.location, *(related.location for related in (*finding.related, *finding.flow)))
    candidates = (os.path.abspath(file) for file in (finding.location.file, finding.resource.unit, *(p.file for p in places)))
    return next((file for file in candidates if file in files), files[0])


judged: dict[Asked, Verdicts] = {}
said: set[str] = set()
expanded: list[tuple[Any, tuple[str, ...]]] = []


def tell(message: str) -> None:
    """Says what cfn-lint has no place for on standard error, once."""
    if message not in said:
        said.add(message)
        print(f"kmsguard: {message}", file=sys.stderr)  # noqa: T201


def verdicts(asked: Asked) -> Verdicts:
    """One scan for all that is deployed alike. What stops it is raised once, then there are no findings."""
    known = judged.get(asked)
    if known is None:
        known = judged[asked] = Verdicts()
        try:
            known.judge(asked)
        except UsageError as error:
            tell(str(error))
            raise
        except Exception as error:
            tell(f"this is our fault, please report it: {fault(error)}")
            raise
    return known


def configuration(frame: FrameType | None) -> Any:
    """The configuration of this run of cfn-lint, from its calls: a rule is not handed it. None where there is none."""
    while frame is not None:
        config = frame.f_locals.get("config")
        if hasattr(config, "include_checks"):
            return config
        frame = frame.f_back
    return None


def asked_of(cfn: Any, config: Any) -> Asked | None:
    """What is judged for a template; None where the same run tells it elsewhere."""
    regions = tuple(cfn.regions) if _has_regions(config) else (None,)
    sets = [_parameters(one.parameters) for one in getattr(config, "parameters", None) or ()]
    if not sets and getattr(config, "parameter_files", None):
        return None  # cfn-lint runs all rules with these files, and then once more without
    deployed = tuple((region, parameters) for parameters in sets or [()] for region in regions)
    file = os.path.abspath(cfn.filename)
    files = _files(config)
    return Asked(files if file in files else (file,), deployed)


def _has_regions(config: Any) -> bool:
    """Whether the user says where templates are deployed; cfn-lint takes us-east-1 where nobody does."""
    sources = (getattr(config, name, None) for name in ("template_args", "file_args", "_manual_args"))
    return bool(getattr(getattr(config, "cli_args", None), "regions", None)) or any(s.get("regions") for s in sources if s)


def _parameters(written: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _text(value)) for name, value in written.items())


def _text(value: Any) -> str:
    """A parameter as CloudFormation takes it: a text, lists with commas."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _files(config: Any) -> tuple[str, ...]:
    """All templates of the run, whose patterns cfn-lint expands whenever it is asked."""
    if not expanded or expanded[0][0] is not config:
        names = getattr(config, "templates", None) or ()
        expanded[:] = [(config, tuple(dict.fromkeys(os.path.abspath(name) for name in names if os.path.isfile(name))))]
    return expanded[0][1]


class KmsguardRule(CloudFormationLintRule):  # type: ignore[misc]
    """What the rules have in common. cfn-lint passes over it: it has no id."""

    info: RuleInfo

    def match(self, cfn: Any) -> Iterable[RuleMatch]:
        """The findings in a template."""
        if not cfn.filename:
            tell(NO_TEXT)
            return
        config = configuration(sys._getframe(1))  # noqa: SLF001
        asked = asked_of(cfn, config)
        if asked is None:
            return
        found = verdicts(asked)
        named = (*config.include_checks, *config.mandatory_checks) if config is not None else ()
        if self.info.code in found.selected or self.id in named:
            template = os.path.abspath(cfn.filename)
            yield from self._matches(found.findings.get((template, self.info.code), ()), template, cfn)

    def _matches(self, findings: Iterable[Finding], template: str, cfn: Any) -> Iterator[RuleMatch]:
        for finding in findings:
            span = finding.location
            place = (span.start_line - 1, span.start_column - 1, span.end_line - 1, span.end_column - 1)
            if os.path.abspath(span.file) == template:
                yield RuleMatch(_path(finding, template, cfn.template), finding.message, location=place)
            elif not self._is_ignored(finding):
                path = _path(finding, template, cfn.template)
                yield RuleMatch(path, finding.message, location=place, filename=span.file)

    def _is_ignored(self, finding: Finding) -> bool:
        """Whether the metadata of a template that cfn-lint was not given ignores the rule."""
        file = finding.location.file
        there, _ = decode(file)
        if not isinstance(there, dict):
            return False
        _, resource = _path(finding, os.path.abspath(file), there)
        return resource in Template(file, there).get_directives().get(self.id, ())


def _path(finding: Finding, template: str, content: dict[str, Any]) -> list[str | int]:
    """The resource of a template by which cfn-lint knows whether its metadata ignores the rule."""
    parts = finding.resource.address.split(".")
    section = SECTIONS.get(finding.resource.type, "Resources")
    if os.path.abspath(finding.resource.unit) != template:
        parts.reverse()  # judged as nested in another template: what comes last stands in this one
    known = content.get(section) or {}
    return [section, next((part for part in parts if part in known), parts[0])]


def register() -> None:
    """A class of rules for each rule that judges templates, where cfn-lint looks for them."""
    try:
        packs = configured((os.curdir,)).rule_dirs
        rules, kinds = load_rules(packs), load_kinds(kind_directories(packs))
    except UsageError:  # the first rule that is run says what is wrong
        rules, kinds = load_rules(), load_kinds()
    sources: dict[str, list[str]] = {}
    for source, uses in kinds.uses.items():
        for use in uses:
            sources.setdefault(use.kind, []).append(source)
    for rule in rules.rules:
        matched = [kind.name for kind in kinds.kinds.values() if kind.name in rule.kinds or rule.trait in kind.traits]
        types = [source for kind in matched for source in sources.get(kind, ())]
        everything = rule.trait == EVERYTHING or not (rule.kinds or rule.trait)
        if everything or any("::" in source or source in SECTIONS for source in types):
            _register(rule.info)


def _register(info: RuleInfo) -> None:
    name = LETTERS[info.severity] + info.code
    globals()[name] = type(
        name,
        (KmsguardRule,),
        {
            "__module__": __name__,
            "info": info,
            "id": name,
            "shortdesc": info.title,
            "description": info.why,
            "source_url": info.help_url,
            "tags": ["kmsguard", info.category, info.name],
        },
    )


register()
