"""`kmsguard scan`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from kmsguard.cli import options
from kmsguard.cli.progress import Progress
from kmsguard.cli.streams import PLAIN_WIDTH, STDIN, standard_input, tell, width, write
from kmsguard.model.finding import PROFILES, SEVERITIES
from kmsguard.output import FORMATS
from kmsguard.scan.settings import UNKNOWN_MODES

if TYPE_CHECKING:
    from kmsguard.model.finding import Report
    from kmsguard.scan.settings import Settings


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    parser.usage = "kmsguard scan [options] PATH..."
    options.add_paths(parser)
    group = parser.add_argument_group("output")
    group.add_argument("--format", choices=tuple(FORMATS), default="text", help="what goes to standard output (default: text)")
    group.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FORMAT=FILE",
        type=_output,
        help="write the report to a file as well (repeatable)",
    )
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours in text (default: auto)")
    group.add_argument("--show-suppressed", action="store_true", help="show suppressed findings too, marked as such")
    group.add_argument("--show-passed", action="store_true", help="list the rules that resources meet")
    group.add_argument("--statistics", action="store_true", help="tell how long each stage took", **given)
    group.add_argument("-q", "--quiet", action="store_true", help="print nothing where nothing is found, warnings or not")
    group.add_argument("-v", "--verbose", action="store_true", help="tell on standard error what is scanned, with what")
    group = parser.add_argument_group("what is judged and reported")
    group.add_argument(
        "--profile",
        choices=PROFILES,
        help="how much is asked for; each holds the one before (default: recommended)",
        **given,
    )
    group.add_argument(
        "--select",
        action="extend",
        metavar="RULES",
        type=options.names,
        help="only these: codes, beginnings of codes, names, categories, separated by commas (repeatable)",
        **given,
    )
    group.add_argument(
        "--ignore", action="extend", metavar="RULES", type=options.names, help="not these, likewise (repeatable)", **given
    )
    group.add_argument("--min-severity", choices=SEVERITIES[::-1], help="report nothing below this (default: info)", **given)
    group.add_argument(
        "--fail-on",
        choices=(*SEVERITIES[::-1], "never"),
        help="the least severity that makes the exit status 1 (default: medium)",
        **given,
    )
    group.add_argument(
        "--unknown",
        choices=UNKNOWN_MODES,
        help="what is done with what the code does not decide: nothing, report it, or count it as found (default: ignore)",
        **given,
    )
    group.add_argument(
        "--whole-units", action="store_true", help="of named files, report all findings of the units they belong to", **given
    )
    group.add_argument(
        "--skip-unread", action="store_true", help="pass over named files that are no templates and that no unit reads", **given
    )
    group.add_argument("--baseline", metavar="FILE", help="findings in this file do not count", **given)
    group.add_argument(
        "--write-baseline", metavar="FILE", help="write the findings of now to this file; they do not count then"
    )
    group.add_argument(
        "--today", metavar="DATE", type=options.day, help="the day of the scan, YYYY-MM-DD (default: today)", **given
    )
    options.add_deployment(parser)


def run(arguments: argparse.Namespace) -> int:
    """Scans, writes the reports, and returns the exit status."""
    import gc

    from kmsguard.scan.run import exit_status, scan

    # What is read lives until the end: looking for cycles in it costs a third of the time and frees nothing.
    gc.disable()
    settings = options.settings_of(arguments)
    if arguments.verbose:
        tell(f"configuration: {settings.config or 'none'}")
    stdin = standard_input() if STDIN in arguments.paths else None
    with Progress(shown=sys.stderr.isatty() and not arguments.quiet) as progress:
        report = scan(arguments.paths, settings, progress=progress, stdin=stdin)
    if arguments.write_baseline:
        report = _with_baseline(report, arguments.write_baseline)
    for format, file in arguments.output:  # noqa: A001
        _write(file, _rendered(report, format, arguments, terminal=False))
    _print(report, arguments)
    if arguments.verbose or settings.statistics:
        _tell_about(report, settings)
    return exit_status(report, settings)


def _print(report: Report, arguments: argparse.Namespace) -> None:
    """The report on standard output, and on standard error what a format for programs might hide."""
    if arguments.format != "text":
        for problem in report.errors:
            if problem.level == "error" or problem.code == "nothing-to-scan":
                tell(f"{problem.file}:{problem.line}:{problem.column}: {problem.level}: {problem.message}")
    wrong = any(problem.level == "error" for problem in report.errors)
    silent = arguments.quiet and arguments.format == "text" and not wrong
    if not silent or any(finding.suppression is None for finding in report.findings):
        write(_rendered(report, arguments.format, arguments, terminal=sys.stdout.isatty()))


def _rendered(report: Report, format: str, arguments: argparse.Namespace, *, terminal: bool) -> str:  # noqa: A002
    from kmsguard.output import render

    return render(
        report,
        format,
        width=width() if terminal else PLAIN_WIDTH,
        colour=format == "text" and _colour(arguments.color, terminal=terminal),
        show_suppressed=arguments.show_suppressed,
        show_passed=arguments.show_passed,
    )


def _colour(wanted: str, *, terminal: bool) -> bool:
    """Whether colours are used; see https://no-color.org."""
    if wanted != "auto":
        return wanted == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return terminal and os.environ.get("TERM") != "dumb"


def _with_baseline(report: Report, path: str) -> Report:
    """Writes what is found now as the baseline, and returns the report in which it is."""
    import msgspec

    from kmsguard.model.finding import Suppression
    from kmsguard.scan.baseline import write

    known = [f for f in report.findings if f.suppression is None or f.suppression.kind == "baseline"]
    _write(path, write(known))
    mark = Suppression("baseline", f"it was there when {path} was written")
    findings = tuple(msgspec.structs.replace(f, suppression=mark) if f.suppression is None else f for f in report.findings)
    suppressed = sum(f.suppression is not None for f in findings)
    summary = msgspec.structs.replace(report.summary, findings=len(findings) - suppressed, suppressed=suppressed)
    return msgspec.structs.replace(report, findings=findings, summary=summary)


def _write(path: str, text: str) -> None:
    from kmsguard.model.finding import UsageError

    try:
        with open(path, "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def _output(text: str) -> tuple[str, str]:
    format, equals, file = text.partition("=")  # noqa: A001
    if not equals or not file or format not in FORMATS:
        raise argparse.ArgumentTypeError(f"FORMAT=FILE is expected, with FORMAT one of {', '.join(FORMATS)}")
    return format, file


def _tell_about(report: Report, settings: Settings) -> None:
    summary = report.summary
    tell(f"{summary.units} units, {summary.files} files, {summary.resources} resources in {summary.duration_seconds:.3f} s")
    for stage, seconds in report.statistics.items() if settings.statistics else ():
        tell(f"{stage:<10} {seconds:8.3f} s")
