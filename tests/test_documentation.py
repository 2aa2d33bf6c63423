"""The documentation mentions everything that a user can write."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmsguard.cli.command_line import COMMANDS
from kmsguard.scan.config import OVERRIDE, SUPPRESSION, TOP, TRUST, UNIT

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", sorted({*TOP, *UNIT, *OVERRIDE, *SUPPRESSION, *TRUST}))
def test_every_key_of_the_configuration_is_told(key: str) -> None:
    """A key that is read is a key that is documented."""
    assert f"`{key}`" in CONFIGURATION or f"{key}:" in CONFIGURATION


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_told(command: str) -> None:
    """The reference has a section for each command."""
    assert f"## kmsguard {command}\n" in (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")


def test_links_between_pages_lead_somewhere() -> None:
    """Relative links of all pages are files."""
    import re

    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
