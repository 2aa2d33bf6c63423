"""The scan, from paths to the report: discover, read, build, judge, decide."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from kmsguard import __version__
from kmsguard.model.declaration import Problem, Unit
from kmsguard.model.finding import Judgement, Report, Summary
from kmsguard.model.resource import Graph
from kmsguard.model.rule import RuleTable, is_named, is_selected
from kmsguard.scan import config
from kmsguard.scan.decide import UnitView, decide
from kmsguard.scan.discover import discover
from kmsguard.scan.read import Progress, Read, attempt, read_all
from kmsguard.scan.redact import secrets_of
from kmsguard.scan.settings import Settings

if TYPE_CHECKING:
    from concurrent.futures import Executor


def scan(
    paths: Sequence[str],
    settings: Settings | None = None,
    executor: Executor | None = None,
    *,
    progress: Progress = lambda _what, _done, _of: None,
    stdin: str | None = None,
) -> Report:
    """Scans files and folders.

    Args:
        paths: files and folders; `-` stands for the template in `stdin`.
        settings: what is asked for; None: what the configuration file says.
        executor: where units are read; None: here, or in processes of our own where there are many.
        progress: told now and then how far the scan is.
        stdin: the template that `-` stands for.

    Raises:
        UsageError: for mistakes in the configuration, a rule pack or the baseline. What is wrong with an input is in the
            report.
    """
    settings = complete(settings if settings is not None else configured(paths))
    clock = Clock()
    rules = load_rules(settings)
    baseline = _baseline(settings)
    clock.lap("rules")
    problems: list[Problem] = []
    discovery = discover(paths, settings, stdin)
    problems.extend(discovery.problems)
    clock.lap("discover")
    read = read_all(discovery, settings, executor, progress, problems)
    clock.lap("read")
    deployed = list(environments(read))
    graphs = [build_graph(units, settings, problems) for units, _ in deployed]
    clock.lap("build")
    layers = [
        (graph, _judged(graph, rules, settings, judged, problems)) for graph, (_, judged) in zip(graphs, deployed, strict=True)
    ]
    clock.lap("judge")
    views = {one.unit.path: UnitView(one.found.root, one.found.only) for one in read}
    secrets = secrets_of(graphs, (judgement for _, judgements in layers for judgement in judgements))
    decided = decide(layers, views, rules, settings, secrets=secrets, baseline=baseline)
    clock.lap("decide")
    return Report(
        version=__version__,
        profile=settings.profile,
        findings=decided.findings,
        passed=decided.passed,
        errors=told(problems, settings),
        summary=Summary(
            units=len(views),
            files=len({file for one in read for file in one.unit.files}),
            resources=sum(
                resource.unit in judged and resource.declarations[0].mode not in ("text", "change")
                for graph, (_, judged) in zip(graphs, deployed, strict=True)
                for resource in graph.resources
            ),
            findings=sum(finding.suppression is None for finding in decided.findings),
            suppressed=sum(finding.suppression is not None for finding in decided.findings),
            unknown=decided.unknown,
            duration_seconds=clock.total(),
        ),
        rules=tuple(rule.info for rule in rules.rules if is_selected(rule.info, settings.for_rules())),
        root=discovery.root,
        statistics=clock.laps if settings.statistics else {},
    )


def configured(paths: Sequence[str]) -> Settings:
    """What the configuration file says; the defaults where there is none.

    Raises:
        UsageError: for mistakes in it.
    """
    path = config.find(tuple(paths))
    return config.load(path) if path is not None else Settings()


def complete(settings: Settings) -> Settings:
    """The settings with the day that it is."""
    if settings.today:
        return settings
    from datetime import UTC, datetime

    return msgspec.structs.replace(settings, today=datetime.now(UTC).astimezone().date().isoformat())


def load_rules(settings: Settings) -> RuleTable:
    """The rules, ours and those of the packs.

    Raises:
        UsageError: for mistakes in a pack, and for selections that stand for no rule.
    """
    from kmsguard.rules.load import load

    rules = load(settings.rule_dirs)
    config.check_rules(settings, lambda name: any(is_named(name, rule.info) for rule in rules.rules))
    return rules


def build_graph(units: Sequence[Unit], settings: Settings, problems: list[Problem]) -> Graph:
    """The graph of some units; those that a bug of ours stops us from building are left out, and told."""
    from kmsguard.kinds.build import build
    from kmsguard.kinds.load import load
    from kmsguard.rules.load import kind_directories

    kinds = load(kind_directories(settings.rule_dirs))
    found: list[Problem] = []
    graph = attempt(units[0].path if units else ".", found, lambda: build(units, kinds))
    if graph is None and len(units) > 1:
        alone: list[Problem] = []
        sound = [unit for unit in units if attempt(unit.path, alone, lambda u=unit: build((u,), kinds)) is not None]  # type: ignore[misc]
        if alone:
            found = alone
            graph = attempt(sound[0].path if sound else ".", found, lambda: build(sound, kinds))
    problems.extend(found)
    if graph is None:
        return Graph((), (), ())
    problems.extend(graph.problems)
    return graph


def _judged(
    graph: Graph, rules: RuleTable, settings: Settings, units: frozenset[str], problems: list[Problem]
) -> list[Judgement]:
    from kmsguard.rules.judge import judge

    judged = judge(graph, rules, settings.for_rules())
    problems.extend(judged.problems)
    return [judgement for judgement in judged.judgements if judgement.resource.unit in units]


def environments(read: Iterable[Read]) -> Iterator[tuple[tuple[Unit, ...], frozenset[str]]]:
    """The units, each path once, and which of them are judged there: all of them the first time.

    A unit that is deployed several times comes as many times, beside the others, to which it may be linked.
    """
    by_path: dict[str, list[Unit]] = {}
    for one in read:
        by_path.setdefault(one.unit.path, []).append(one.unit)
    for number in range(max(map(len, by_path.values()), default=1)):
        yield (
            tuple(units[number] if number < len(units) else units[0] for units in by_path.values()),
            frozenset(path for path, units in by_path.items() if number < len(units)),
        )


def told(problems: Iterable[Problem], settings: Settings) -> tuple[Problem, ...]:
    """Problems in the order of the report, each once."""
    told = {msgspec.structs.replace(p, level="error") if settings.strict_input else p for p in problems}
    return tuple(sorted(told, key=lambda p: (p.file, p.line, p.column, p.level, p.code, p.message)))


def _baseline(settings: Settings) -> frozenset[str]:
    if settings.baseline is None:
        return frozenset()
    from kmsguard.scan.baseline import read

    return read(settings.baseline)


def exit_status(report: Report, settings: Settings) -> int:
    """0, 1 or 2, as the command line ends."""
    from kmsguard.model.finding import SEVERITIES

    if any(problem.level == "error" for problem in report.errors):
        return 2
    if settings.fail_on == "never":
        return 0
    least = SEVERITIES.index(settings.fail_on)
    for finding in report.findings:
        counts = finding.verdict == "fail" or settings.unknown == "fail"
        if counts and finding.suppression is None and SEVERITIES.index(finding.severity) >= least:
            return 1
    return 0


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """A stage is over."""
        now = time.perf_counter()
        self.laps[stage] = round(now - self._last, 6)
        self._last = now

    def total(self) -> float:
        """All seconds so far."""
        return round(time.perf_counter() - self._start, 3)
