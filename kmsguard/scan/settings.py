"""What a scan is asked for: the command line and the configuration file, joined."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from kmsguard.model.declaration import UnitSettings
from kmsguard.model.finding import Profile, Severity
from kmsguard.model.rule import JudgeSettings
from kmsguard.model.source import Span

UnknownMode: TypeAlias = Literal["ignore", "report", "fail"]
UNKNOWN_MODES: tuple[UnknownMode, ...] = ("ignore", "report", "fail")


class Trust(msgspec.Struct, frozen=True):
    """The trust zone: what the user has declared as their own."""

    accounts: tuple[str, ...] = ()  # twelve digits each
    organizations: tuple[str, ...] = ()  # `o-…`


class PathPattern(msgspec.Struct, frozen=True):
    """A glob over paths, and the folder that it counts from (as it can be opened)."""

    pattern: str
    base: str = "."


class UnitEntry(msgspec.Struct, frozen=True):
    """What the configuration says a root module or template is deployed with."""

    path: PathPattern
    account: str | None = None
    region: str | None = None
    workspace: str | None = None
    var_files: tuple[str, ...] = ()  # as written; looked for from the unit's folder, then from `path.base`
    parameters: tuple[str, ...] = ()  # as written; looked for from `path.base`, then from the template's folder
    place: Span | None = None


class RuleOverride(msgspec.Struct, frozen=True):
    """What the configuration changes in some rules."""

    rules: str  # a code, code prefix, name or category
    severity: Severity | None = None
    enabled: bool | None = None
    paths: tuple[PathPattern, ...] = ()  # only findings in these files or units; empty: everywhere
    place: Span | None = None


class AddressSuppression(msgspec.Struct, frozen=True):
    """A suppression in the configuration. Without a reason, or past its end, it suppresses nothing and is itself reported."""

    code: str
    address: str  # a glob; `*` stands for any text, dots and brackets included
    reason: str
    until: str | None = None
    place: Span | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides what is read, judged and reported. Paths are such that they can be opened as they stand."""

    # what is read
    exclude: tuple[PathPattern, ...] = ()
    follow_modules: bool = True
    strict_input: bool = False  # warnings are errors
    skip_unread: bool = False  # a named file that no unit reads is passed over
    whole_units: bool = False
    # what is deployed
    account: str | None = None
    region: str | None = None
    workspace: str = "default"
    variables: tuple[tuple[str, str], ...] = ()  # --var
    variable_files: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()  # --parameter
    parameter_files: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()  # TF_VAR_name as (name, value)
    all_values: bool = False
    units: tuple[UnitEntry, ...] = ()
    # what is judged
    profile: Profile = "recommended"
    select: tuple[str, ...] = ()  # codes, code prefixes, names, categories; empty: all
    ignore: tuple[str, ...] = ()
    rule_dirs: tuple[str, ...] = ()
    trust: Trust = Trust()
    today: str = ""  # YYYY-MM-DD; empty: the day of the scan
    # what is reported
    rules: tuple[RuleOverride, ...] = ()
    suppress: tuple[AddressSuppression, ...] = ()
    min_severity: Severity = "info"
    fail_on: Severity | Literal["never"] = "medium"
    unknown: UnknownMode = "ignore"
    baseline: str | None = None
    statistics: bool = False
    # how
    jobs: int | None = None  # None: as many processes as are worth it
    config: str | None = None  # the configuration that was read, for messages

    def for_terraform(self) -> UnitSettings:
        """What every root module is deployed with where no entry of `units` says more."""
        return UnitSettings(
            account=self.account,
            region=self.region,
            workspace=self.workspace,
            variables=self.variables,
            variable_files=self.variable_files,
            environment=self.environment,
            all_values=self.all_values,
            follow_modules=self.follow_modules,
        )

    def for_cloudformation(self) -> UnitSettings:
        """What every template is deployed with where no entry of `units` says more."""
        return UnitSettings(
            account=self.account,
            region=self.region,
            variables=self.parameters,
            parameter_files=self.parameter_files,
            all_values=self.all_values,
            follow_modules=self.follow_modules,
        )

    def for_rules(self) -> JudgeSettings:
        """What rules are run by."""
        return JudgeSettings(
            profile=self.profile,
            select=self.select,
            ignore=self.ignore,
            trusted_accounts=self.trust.accounts,
            organizations=self.trust.organizations,
            account=self.account,
            today=self.today,
        )
