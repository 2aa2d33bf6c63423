"""Standard input, output and error."""

from __future__ import annotations

import os
import sys

STDIN = "-"
MAX_WIDTH = 120
PLAIN_WIDTH = 100  # where the output is no terminal


def standard_input() -> str:
    """All of standard input, as UTF-8 whatever the locale says."""
    return sys.stdin.buffer.read().decode("utf-8-sig", "replace")


def write(text: str) -> None:
    """Writes to standard output. Whoever reads it may have enough of it (`kmsguard rules | head`): that is no failure.

    Raises:
        UsageError: where it cannot be written, as on a full disk.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up()
    except OSError as error:
        from kmsguard.model.finding import UsageError

        _give_up()
        raise UsageError(f"standard output cannot be written: {error.strerror}") from None


def _give_up() -> None:
    """What is left in the buffer would complain again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def width() -> int:
    """How many columns there are for text on standard output."""
    if not sys.stdout.isatty():
        return PLAIN_WIDTH
    import shutil

    return min(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, MAX_WIDTH)


def tell(line: str) -> None:
    """A line on standard error; what an input has in it that would command the terminal shows."""
    from kmsguard.model.characters import visible

    sys.stderr.write(f"kmsguard: {visible(line)}\n")
