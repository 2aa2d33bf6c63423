"""Transcripts: what a user types, and what comes out.

A case is a folder with the files that the commands find, and `transcript.txt`: after each line `$ command` its standard output,
then its standard error behind `! `, then its exit status behind `= `. Beside the project lies `../pack`, a pack of one rule, so
that transcripts do not hang on what built-in rules say. `--update` rewrites what comes out; the diff is the review.
"""

import gc
import io
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from kmsguard.cli import main

CASES = Path(__file__).parent / "cases"
SECONDS = re.compile(r'("duration_seconds": )[0-9.e-]+')


def _run(command, folder, capsys, monkeypatch):
    program, *arguments = shlex.split(command)
    assert program == "kmsguard", command
    if "<" in arguments:
        at = arguments.index("<")
        text = (folder / arguments[at + 1]).read_bytes()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        del arguments[at : at + 2]
    status = main(arguments)
    said = capsys.readouterr()
    err = "".join(f"! {line}\n" for line in said.err.splitlines())
    return SECONDS.sub(r"\g<1>0.0", f"$ {command}\n{said.out}{err}= {status}\n")


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_a_command_says_what_its_transcript_says(case, tmp_path, request, capsys, monkeypatch):
    """Standard output, standard error and exit status, as a user sees them."""
    transcript = CASES / case / "transcript.txt"
    folder = tmp_path / "project"
    shutil.copytree(CASES / case, folder, ignore=shutil.ignore_patterns("transcript.txt"))
    shutil.copytree(CASES.parent / "pack", tmp_path / "pack")
    (folder / ".git").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    expected = transcript.read_text(encoding="utf-8")
    commands = re.findall(r"^\$ (.*)$", expected, re.MULTILINE)
    assert commands, "a transcript has commands"
    got = "\n".join(_run(command, folder, capsys, monkeypatch) for command in commands)
    gc.enable()
    if request.config.getoption("--update"):
        transcript.write_text(got, encoding="utf-8")
    assert got == expected
