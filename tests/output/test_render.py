"""What all formats promise."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kmsguard.model.finding import ExcerptLine
from kmsguard.model.source import Span
from kmsguard.output import FORMATS, render

EXTENSIONS = {"json": "json", "sarif": "sarif", "junit": "xml", "gitlab": "gitlab.json", "markdown": "md", "html": "html"}
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("format_name", FORMATS)
def test_expected_files(named, format_name, expected):
    """Each report is put out in each format byte for byte as its file in `cases` has it."""
    text = render(named[1], format_name, show_suppressed=True, show_passed=True)
    expected(f"{named[0]}.{EXTENSIONS.get(format_name, format_name + '.txt')}", text)


def test_colour(expected, full):
    """In a terminal severities, gutters and labels are coloured."""
    expected("full.ansi.txt", render(full, "text", colour=True, width=80))


@pytest.mark.parametrize("format_name", FORMATS)
def test_suppressed_findings_are_left_out(format_name, full):
    """Nothing of a suppressed finding is in a report that does not ask for suppressed ones, and it is in one that does."""
    assert "aws_kms_key.tmp" not in render(full, format_name).replace("\\_", "_")
    assert "aws_kms_key.tmp" in render(full, format_name, show_suppressed=True).replace("\\_", "_")


def test_unknown_format(report):
    """A format that does not exist is a KeyError."""
    with pytest.raises(KeyError):
        render(report(), "yaml")


def test_two_hash_seeds_give_the_same_bytes():
    """The order of sets and hashes reaches no format."""
    script = (
        "import sys; sys.path[:0] = ['tests/output']\n"
        "from conftest import REPORTS\n"
        "from kmsguard.output import FORMATS, render\n"
        "for name in FORMATS:\n"
        "    text = render(REPORTS['full'](), name, show_suppressed=True, show_passed=True)\n"
        "    sys.stdout.buffer.write(text.encode())\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert b"kms-key-rotation-disabled" in outputs[0]


@pytest.mark.parametrize("format_name", ["text", "json"])
def test_plain_formats_load_no_library_for_terminals_or_templates(format_name):
    """Text without colour and JSON import neither rich nor json, html or string templates: a hook waits for them."""
    script = (
        "import sys; from kmsguard.model.finding import Report, Summary; from kmsguard.output import render\n"
        "render(Report(version='1', profile='strict', findings=(), passed=(), errors=(), summary=Summary(), rules=()),"
        f" {format_name!r})\n"
        "print(sorted({'rich', 'json', 'html', 'string', 'unicodedata'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, cwd=ROOT, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("format_name", FORMATS)
def test_thousands_of_findings_are_quick(format_name, rotation, report):
    """5,000 findings are put out in well under a second, in a time that grows with their number."""
    excerpt = (
        ExcerptLine(9, 'resource "aws_kms_key" "logs" {'),
        ExcerptLine(10, "  enable_key_rotation = false", 3, 30),
        ExcerptLine(11, "}"),
    )
    many = report(
        *(
            rotation(
                f"aws_kms_key.key_{number}",
                message=f"aws_kms_key.key_{number} never rotates its key material, and that is longer than a line has room for",
                location=Span(f"infra/{number % 50}/kms.tf", number, 3, number, 30),
                fingerprint=f"{number:x}",
                excerpt=excerpt,
            )
            for number in range(1, 5001)
        )
    )
    start = time.process_time()
    text = render(many, format_name)
    assert time.process_time() - start < 1
    assert "key_5000" in text.replace("\\_", "_")


@pytest.mark.parametrize("format_name", [name for name in FORMATS if name not in ("json", "gitlab")])
def test_a_statement_to_paste_is_shown(format_name, report, rotation):
    """Where the advice ends in a colon, the code that follows is part of it, line by line."""
    advice = 'Add this statement:\n\n```json\n{\n  "Effect": "Allow"\n}\n```\n\nMore about it.'
    text = render(report(rotation(remediation=advice)), format_name)
    assert "Add this statement" in text
    assert "Effect" in text
    assert "More about it" not in text or format_name == "html"
