"""From unit sources to units, in this process or in others, and which of them are units of the scan in the end."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from kmsguard.model.declaration import Problem, Unit, UnitSource
from kmsguard.model.fault import fault
from kmsguard.scan.discover import TERRAFORM, Discovery, Found
from kmsguard.scan.settings import Settings

if TYPE_CHECKING:
    from concurrent.futures import Executor

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it is, and of how much."""

FEW = 64  # fewer units than that are read before other processes have started


class Read(msgspec.Struct, frozen=True):
    """A unit that was read, and what was found of it before."""

    found: Found
    unit: Unit


def read_unit(source: UnitSource) -> Unit:
    """A unit, read by the front end of its language."""
    if source.dialect == "cloudformation":
        from kmsguard.cloudformation import read as read_template

        return read_template(source)
    if source.dialect == "terraform-plan":
        from kmsguard.terraform.plan import read as read_plan

        return read_plan(source)
    from kmsguard.terraform import read as read_module

    return read_module(source)


def attempt(file: str, problems: list[Problem], work: Callable[[], T]) -> T | None:
    """What some work on a unit returns; None where a bug of ours stops it, which becomes a problem and nothing else."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the one place where a bug must not take all other units with it
        message = f"this is our fault, please report it: {fault(error)}; nothing is said of this input"
        problems.append(Problem("error", "internal-error", file, 1, 1, message))
        return None


Outcome = tuple[Unit | None, list[Problem]]


def _attempt_to_read(source: UnitSource) -> Outcome:
    problems: list[Problem] = []
    return attempt(source.path, problems, lambda: read_unit(source)), problems


def _read_elsewhere(source: UnitSource) -> bytes:
    """What another process hands back: an outcome, or nothing where it is nested too deeply to be packed."""
    import pickle

    outcome = _attempt_to_read(source)
    try:
        return pickle.dumps(outcome, pickle.HIGHEST_PROTOCOL)
    except RecursionError:
        return b""


def read_all(
    discovery: Discovery, settings: Settings, executor: Executor | None, progress: Progress, problems: list[Problem]
) -> list[Read]:
    """All units of a scan, in the order in which they were found."""
    sources = [found.source for found in discovery.found]
    read: list[Read] = []
    for done, (found, (unit, wrong)) in enumerate(
        zip(discovery.found, _handed_out(sources, settings, executor), strict=True), 1
    ):
        problems.extend(wrong)
        if unit is not None:
            read.append(Read(found, unit))
        progress("reading", done, len(sources))
    kept = _units_of_their_own(read, problems)
    problems.extend(_of_units(kept))
    problems.extend(_unread(discovery, kept, settings))
    return kept


def _handed_out(sources: Sequence[UnitSource], settings: Settings, executor: Executor | None) -> Iterator[Outcome]:
    jobs = min(_jobs(settings, len(sources)), len(sources))
    if executor is not None:
        yield from _handed_back(sources, executor.map(_read_elsewhere, sources))
    elif jobs <= 1:
        yield from map(_attempt_to_read, sources)
    else:
        from concurrent.futures import ProcessPoolExecutor

        pool = ProcessPoolExecutor(jobs, initializer=_leave_interrupts)
        try:
            yield from _handed_back(sources, pool.map(_read_elsewhere, sources, chunksize=max(1, len(sources) // (jobs * 8))))
        finally:
            pool.shutdown(cancel_futures=True)


def _handed_back(sources: Iterable[UnitSource], packed: Iterable[bytes]) -> Iterator[Outcome]:
    import pickle

    for source, data in zip(sources, packed, strict=True):
        yield pickle.loads(data) if data else _attempt_to_read(source)  # noqa: S301 - our own processes made it


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; the first one ends the others."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _jobs(settings: Settings, units: int) -> int:
    if settings.jobs is not None:
        return settings.jobs
    if units < FEW:
        return 1
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _units_of_their_own(read: Sequence[Read], problems: list[Problem]) -> list[Read]:
    """Without templates that another one nests, without modules that another one turned out to call, and without units that
    turned out not to read the files they were read for."""
    readers: dict[str, set[str]] = {}
    for one in read:
        if one.unit.dialect == "cloudformation":
            for file in one.unit.files:
                readers.setdefault(file, set()).add(one.unit.path)
    wanted = [one for one in read if one.found.sure or one.found.only is None or one.found.only & set(one.unit.files)]
    called = _called(read)
    kept = [
        one
        for one in wanted
        if not (_nesting(one.unit.path, readers) if one.unit.dialect == "cloudformation" else _is_called(one, called))
    ]
    if wanted and not kept:
        path = wanted[0].unit.path
        message = f"this template is nested in {_nesting(path, readers)[0]} and judged there"
        problems.append(Problem("warning", "nothing-to-scan", path, 1, 1, message))
    return kept


def _called(read: Iterable[Read]) -> dict[str, set[str]]:
    """The root modules that read the files of a folder: OpenTofu takes variables in the source of a module."""
    callers: dict[str, set[str]] = {}
    for one in read:
        if one.unit.dialect == "terraform":
            for file in one.unit.files:
                if file.endswith(TERRAFORM):
                    callers.setdefault(posixpath.dirname(file) or ".", set()).add(one.unit.path)
    return callers


def _is_called(one: Read, called: dict[str, set[str]]) -> bool:
    path = one.unit.path
    if one.unit.dialect != "terraform" or one.found.named or one.found.only is not None:
        return False
    return any(path not in called.get(other, ()) or other < path for other in called.get(path, ()) if other != path)


def _of_units(read: Sequence[Read]) -> Iterator[Problem]:
    """The problems of units. What is given to several of them has to be declared in one of them, not in each."""
    undeclared: dict[tuple[str, str], dict[str, Problem]] = {}  # by file and message, of each unit
    units = [one.unit for one in read]
    for unit in units:
        for problem in unit.problems:
            if problem.code == "undeclared-variable":
                file = "" if problem.level == "error" else problem.file  # an option stands in no file
                undeclared.setdefault((file, problem.message), {}).setdefault(unit.path, problem)
            else:
                yield problem
    # a hook gives the options of the whole checkout to the root modules of the files that were changed
    partial = any(one.found.only is not None for one in read if one.unit.dialect == "terraform")
    for (file, _), told in undeclared.items():
        given = (unit.path for unit in units if unit.dialect == "terraform" and (not file or file in unit.files))
        if all(path in told for path in given):
            problem = next(iter(told.values()))
            if partial and problem.level == "error":
                message = f"{problem.message}; of a root module that none of the named files belongs to it may be one"
                problem = msgspec.structs.replace(problem, level="warning", message=message)
            yield problem


def _nesting(path: str, readers: dict[str, set[str]]) -> list[str]:
    """The templates that nest a template. Of templates that nest each other the first one is the unit."""
    return sorted(
        reader for reader in readers.get(path, ()) if reader != path and not (path in readers.get(reader, ()) and path < reader)
    )


def _unread(discovery: Discovery, kept: Iterable[Read], settings: Settings) -> Iterator[Problem]:
    """Named files that no unit has read."""
    if settings.skip_unread or not discovery.named:
        return
    seen = {file for one in kept for file in (*one.unit.files, *_deployed_with(one.found.source))}
    for file in discovery.named:
        if file not in seen:
            message = "this is no Terraform file and no CloudFormation template, and no unit reads it"
            yield Problem("error", "not-a-template", file, 1, 1, message)


def _deployed_with(source: UnitSource) -> tuple[str, ...]:
    return (*source.settings.variable_files, *source.settings.parameter_files)
