"""The graphs of a scan without a judgement, for whoever asks other questions than rules do."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kmsguard.model.declaration import Problem
from kmsguard.model.finding import Judgement
from kmsguard.model.resource import Graph
from kmsguard.model.rule import JudgeSettings
from kmsguard.scan.discover import discover
from kmsguard.scan.read import Progress, read_all
from kmsguard.scan.redact import Secrets, secrets_of
from kmsguard.scan.run import build_graph, complete, environments, load_rules, told
from kmsguard.scan.settings import Settings


class Graphs(msgspec.Struct, frozen=True, eq=False):
    """What was read, as graphs.

    A unit that is deployed several times is in as many graphs; the units beside a graph are those that it speaks of, the others
    in it are there to be linked to.
    """

    graphs: tuple[tuple[Graph, frozenset[str]], ...]
    secrets: Secrets  # what must not be shown
    errors: tuple[Problem, ...]
    settings: JudgeSettings

    @property
    def whole(self) -> bool:
        """Whether everything could be read."""
        return not any(problem.level == "error" for problem in self.errors)


def read_graphs(
    paths: Sequence[str],
    settings: Settings,
    *,
    progress: Progress = lambda _what, _done, _of: None,
    stdin: str | None = None,
) -> Graphs:
    """Reads files and folders as a scan does, and builds their graphs.

    Raises:
        UsageError: for mistakes in the configuration or a rule pack. What is wrong with an input is in `errors`.
    """
    from kmsguard.rules.judge import judge

    settings = complete(settings)
    problems: list[Problem] = []
    discovery = discover(paths, settings, stdin)
    problems.extend(discovery.problems)
    read = read_all(discovery, settings, None, progress, problems)
    found = [(build_graph(units, settings, problems), judged) for units, judged in environments(read)]
    rules = load_rules(settings)
    judgements: list[Judgement] = []
    for graph, _ in found:
        judged = judge(graph, rules, JudgeSettings(profile="strict", select=("plaintext-secret",)))
        problems.extend(judged.problems)
        judgements.extend(judged.judgements)
    secrets = secrets_of((graph for graph, _ in found), judgements)
    return Graphs(tuple(found), secrets, told(problems, settings), settings.for_rules())
