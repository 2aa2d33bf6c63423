"""Plain text for terminals: entries with a label in front, wrapped under themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap

from kmsguard.model.characters import visible
from kmsguard.model.source import Span

LEAST_WIDTH = 40


def entry(label: str, text: str, width: int, *, column: int) -> Iterator[str]:
    """A label, and from a column on the text, wrapped; a word that is too long stays whole, so that it can be copied."""
    head = label.ljust(column - 1) + " " if label else " " * column
    rest = " " * column
    yield from wrap(
        text, max(width, LEAST_WIDTH + column), initial_indent=head, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    ) or [label]  # fmt: skip


def place(span: Span | None) -> str:
    """`infra/kms.tf:12`."""
    return f"{span.file}:{span.start_line}" if span is not None else ""


def titled(address: str, unit: str, *facts: str | None) -> str:
    """`aws_kms_key.logs in infra/prod (eu-west-1, 111122223333)`."""
    known = ", ".join(fact for fact in facts if fact)
    return f"{address} in {unit}{f' ({known})' if known else ''}"


def text_of(lines: Iterable[str]) -> str:
    """Lines as text, without spaces at their ends; what would command the terminal shows."""
    return "".join(f"{visible(line.rstrip())}\n" for line in lines)
