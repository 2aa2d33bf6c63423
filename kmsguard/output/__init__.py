"""The report as text: one module per format. Sees nothing but `kmsguard.model`, reads no file."""

from __future__ import annotations

from kmsguard.model.finding import Report

FORMATS: dict[str, str] = {
    "text": "for people, in a terminal",
    "json": "for programs: everything, stable",
    "sarif": "for code scanning (GitHub, Azure DevOps, editors)",
    "junit": "for test reports of CI systems",
    "github": "annotations of a GitHub workflow",
    "gitlab": "GitLab code quality report",
    "markdown": "for a merge request or a job summary",
    "html": "one page that needs no network",
}
"""The formats, and what each is for. The module of a format has its name."""


def render(
    report: Report,
    format: str,  # noqa: A002 - the word that the command line has for it
    *,
    width: int = 100,
    colour: bool = False,
    show_suppressed: bool = False,
    show_passed: bool = False,
) -> str:
    """A report in one of FORMATS, with a newline at its end. The same report gives the same text.

    `width` (columns) and `colour` (ANSI codes) are for `text` alone. Suppressed findings are left out of every format,
    unless they are asked for.

    Raises:
        KeyError: where there is no such format.
    """
    from importlib import import_module

    from kmsguard.output.groups import Options

    if format not in FORMATS:
        raise KeyError(format)
    options = Options(width=width, colour=colour, show_suppressed=show_suppressed, show_passed=show_passed)
    text: str = import_module(f"kmsguard.output.{format}").render(report, options)
    return text
