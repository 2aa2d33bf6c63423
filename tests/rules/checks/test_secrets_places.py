"""Templates as they are written: secrets in awkward places, and what only looks like one. Each line with a secret is told once.

All secrets in the cases have `Harbour` and a number in them, or are made of a repeated pattern.
"""

import json
import re
from pathlib import Path

import pytest

from kmsguard.cli import main

CASES = Path(__file__).parent / "cases" / "secrets"
SECRET = re.compile(r"Harbour-?\d\d|Q7xzQ7x")


def scan(folder: Path, form: str, capsys, monkeypatch) -> str:
    """What a scan of a folder says in a form."""
    monkeypatch.chdir(folder)
    main(["scan", "--select", "plaintext-secret", "--fail-on", "never", "--jobs", "1", "--format", form, "."])
    return capsys.readouterr().out


def with_secrets(folder: Path) -> list[tuple[str, int]]:
    """The lines that hold a secret."""
    return [
        (path.relative_to(folder).as_posix(), number)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if SECRET.search(line)
    ]


@pytest.mark.parametrize("language", ["terraform", "cloudformation"])
def test_secrets_in_awkward_places(language, capsys, monkeypatch):
    """Heredocs, encoded scripts, JSON, ternaries, locals, module inputs, provisioners, tags: each is told at its line."""
    folder = CASES / f"real-{language}"
    findings = json.loads(scan(folder, "json", capsys, monkeypatch))["findings"]
    told = sorted((f["location"]["file"], f["location"]["start_line"]) for f in findings)
    assert told == with_secrets(folder)


@pytest.mark.parametrize("language", ["terraform", "cloudformation"])
def test_what_only_looks_like_a_secret(language, capsys, monkeypatch):
    """Hashes, ids, names of secrets, references, schemas, commands that fetch: nothing is told."""
    findings = json.loads(scan(CASES / f"harmless-{language}", "json", capsys, monkeypatch))["findings"]
    assert [(f["code"], f["location"]["start_line"], f["message"]) for f in findings] == []


@pytest.mark.parametrize("form", ["text", "json", "sarif", "markdown", "html"])
@pytest.mark.parametrize("language", ["terraform", "cloudformation"])
def test_no_output_shows_a_secret(language, form, capsys, monkeypatch):
    """Messages, excerpts and attributes have the first characters of a secret at most."""
    out = scan(CASES / f"real-{language}", form, capsys, monkeypatch)
    assert "KG10" in out
    assert SECRET.findall(out) == []
