"""Every rule of kmsguard that judges a resource, data source or provider, as a check of checkov under its own code.

checkov asks check by check and block by block; kmsguard judges the whole of what checkov was pointed at, once, and each check
looks its verdict up. checkov loads this file once for each of its runners: registering twice is harmless, it knows the ids.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from types import FrameType
from typing import Any

import msgspec
from checkov.cloudformation.checks.resource.base_resource_check import BaseResourceCheck as CloudFormationCheck
from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.data.base_check import BaseDataCheck
from checkov.terraform.checks.provider.base_check import BaseProviderCheck
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck as TerraformCheck

from kmsguard import scan
from kmsguard.kinds.load import load as load_kinds
from kmsguard.model.fault import fault
from kmsguard.model.finding import PROFILES, Finding, Profile, RuleInfo, UsageError
from kmsguard.model.rule import EVERYTHING
from kmsguard.rules.load import load as load_rules
from kmsguard.scan.run import configured

ANY_TYPE = ["AWS::*", "*_*", "data.*", "provider.*"]  # patterns of checkov: whatever block there is
CATEGORIES = {
    "plaintext-secret": CheckCategories.SECRETS,
    "key-policy": CheckCategories.IAM,
    "key-access": CheckCategories.IAM,
}


class Verdicts:
    """The verdicts on all that one run of checkov looks at, by code, unit and address."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self.results: dict[tuple[str, str, str], CheckResult] = {}
        self.details: dict[tuple[str, str, str], Finding] = {}
        self.profile: Profile = "recommended"
        try:
            base = configured(paths)
            self.profile = base.profile
            # All profiles: whoever names a rule with --check wants it, whatever the profile; see `result`.
            asked = {"unknown": "ignore", "whole_units": True, "profile": "strict", "fail_on": "never"}
            report = scan([os.path.relpath(path) for path in paths], msgspec.structs.replace(base, **asked))
        except UsageError as error:
            print(f"kmsguard: {error}", file=sys.stderr)  # noqa: T201 - checkov has no place for it
            return
        for problem in report.errors:
            if problem.level == "error":
                print(f"kmsguard: {problem.file}:{problem.line}: {problem.message}", file=sys.stderr)  # noqa: T201
        for passed in report.passed:
            self.results[passed.code, os.path.abspath(passed.unit), passed.address] = CheckResult.PASSED
        for finding in report.findings:
            outcome = CheckResult.FAILED if finding.suppression is None else CheckResult.SKIPPED
            for key in self._keys(finding):
                if self.results.get(key) is not CheckResult.FAILED:
                    self.results[key] = outcome
                    self.details[key] = finding

    @staticmethod
    def _keys(finding: Finding) -> list[tuple[str, str, str]]:
        keys = [(finding.code, os.path.abspath(finding.resource.unit), finding.resource.address)]
        if "::" in finding.resource.type and "." in finding.resource.address:
            # checkov reads a nested template as one of its own, under its own logical ids
            keys.append((finding.code, os.path.abspath(finding.location.file), finding.resource.address.rpartition(".")[2]))
        return keys


@cache
def verdicts(paths: tuple[str, ...]) -> Verdicts:
    """One scan for each run of checkov."""
    try:
        return Verdicts(paths)
    except Exception as error:
        # checkov takes an exception for "not known" and shows nothing: a check that broke must not look like a pass
        print(f"kmsguard: this is our fault, please report it: {fault(error)}", file=sys.stderr)  # noqa: T201
        raise


def of(frame: FrameType | None, *names: str) -> dict[str, Any]:
    """The variables of the nearest calling frame that has all of these: checkov hands a check neither root nor file."""
    while frame is not None:
        if all(name in frame.f_locals for name in names):
            return {name: frame.f_locals[name] for name in names}
        frame = frame.f_back
    return {}


class Judged:
    """What the checks of all kinds of blocks have in common: where their verdict is looked up."""

    id: str
    block_type: str
    details: list[str]
    profile: Profile = "essential"
    named: bool = False
    asked: tuple[str, str, str] | None = None
    verdicts: Verdicts | None = None

    def run(
        self, scanned_file: str, entity_configuration: dict[str, Any], entity_name: str, entity_type: str, skip_info: Any
    ) -> Any:
        """Notes which block it is, and lets checkov go on."""
        frame = sys._getframe(1)  # noqa: SLF001
        job = of(frame, "root_folder", "files")
        root = os.path.abspath(job.get("root_folder") or os.curdir)
        files = job.get("files")
        self.named = self.id in (getattr(of(frame, "runner_filter").get("runner_filter"), "checks", None) or ())
        self.verdicts = verdicts(tuple(os.path.abspath(file) for file in files) if files else (root,))
        file = os.path.normpath(os.path.join(root, scanned_file.lstrip("/\\")))
        if "::" in entity_type:
            self.asked = (self.id, file, entity_name)
        else:
            address = entity_configuration.get("__address__") or entity_name
            self.asked = (self.id, self._root_module(frame, file), self._own(address))
        return super().run(scanned_file, entity_configuration, entity_name, entity_type, skip_info)  # type: ignore[misc]

    @staticmethod
    def _root_module(frame: FrameType, file: str) -> str:
        """The folder of the root module that calls the module that the block stands in."""
        key = of(frame, "full_file_path").get("full_file_path")
        module = getattr(key, "tf_source_modules", None)
        while module is not None:
            file = module.path
            module = module.nested_tf_module
        return os.path.dirname(os.path.abspath(file))

    def _own(self, address: str) -> str:
        """Our address of a provider is `provider.aws`; checkov says `aws.default`."""
        if self.block_type != "provider":
            return address
        return f"provider.{address.removeprefix('provider.').removesuffix('.default')}"

    def result(self) -> CheckResult:
        """The verdict; UNKNOWN, which checkov does not show, where there is none."""
        if self.verdicts is None or self.asked is None:
            return CheckResult.UNKNOWN
        if not self.named and PROFILES.index(self.profile) > PROFILES.index(self.verdicts.profile):
            return CheckResult.UNKNOWN
        finding = self.verdicts.details.get(self.asked)
        if finding is not None:
            self.details = [f"{finding.location.file}:{finding.location.start_line}: {finding.message}", finding.remediation]
        return self.verdicts.results.get(self.asked, CheckResult.UNKNOWN)


class ResourceRule(Judged, TerraformCheck):  # type: ignore[misc]
    """A rule on Terraform resources."""

    def scan_resource_conf(self, conf: Any) -> CheckResult:
        """The verdict."""
        del conf
        return self.result()


class DataRule(Judged, BaseDataCheck):  # type: ignore[misc]
    """A rule on Terraform data sources."""

    def scan_data_conf(self, conf: Any) -> CheckResult:
        """The verdict."""
        del conf
        return self.result()


class ProviderRule(Judged, BaseProviderCheck):  # type: ignore[misc]
    """A rule on Terraform providers."""

    def scan_provider_conf(self, conf: Any) -> CheckResult:
        """The verdict."""
        del conf
        return self.result()


class TemplateRule(Judged, CloudFormationCheck):  # type: ignore[misc]
    """A rule on CloudFormation resources."""

    def scan_resource_conf(self, conf: Any) -> CheckResult:
        """The verdict."""
        del conf
        return self.result()


def register() -> None:
    """A check for each rule and each sort of block that it judges."""
    kinds = load_kinds()
    sources: dict[str, list[str]] = {}
    for source, uses in kinds.uses.items():
        for use in uses:
            if use.attach is None:
                sources.setdefault(use.kind, []).append(source)
    for rule in load_rules().rules:
        if rule.trait == EVERYTHING:
            _register(rule.info, ANY_TYPE)
            continue
        matched = [kind.name for kind in kinds.kinds.values() if kind.name in rule.kinds or rule.trait in kind.traits]
        _register(rule.info, sorted({source for kind in matched for source in sources.get(kind, ())}))


def _register(info: RuleInfo, types: list[str]) -> None:
    groups: tuple[tuple[Any, str, list[str]], ...] = (
        (TemplateRule, "supported_resources", [t for t in types if "::" in t]),
        (DataRule, "supported_data", [t.removeprefix("data.") for t in types if t.startswith("data.")]),
        (ProviderRule, "supported_provider", [t.removeprefix("provider.") for t in types if t.startswith("provider.")]),
        (ResourceRule, "supported_resources", [t for t in types if "::" not in t and "." not in t and "_" in t]),
    )
    category = CATEGORIES.get(info.category, CheckCategories.ENCRYPTION)
    for check, argument, supported in groups:
        if supported:
            named = {"name": info.title, "id": info.code, "guideline": info.help_url or None, argument: supported}
            check(categories=[category], **named).profile = info.profile


register()
