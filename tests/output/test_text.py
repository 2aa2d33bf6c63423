"""The report for people."""

import re
from collections.abc import Callable

import pytest

from kmsguard.model.declaration import Problem
from kmsguard.model.finding import ExcerptLine, Summary
from kmsguard.output import render
from kmsguard.output.text import wrap


@pytest.fixture
def lines(report, rotation) -> Callable[..., list[str]]:
    """Gives the lines of a report of one finding with this line of source, from that line on."""

    def render_line(line: ExcerptLine, **options) -> list[str]:
        out = render(report(rotation(excerpt=(line,))), "text", **options).splitlines()
        return out[out.index(" --> infra/prod/kms.tf:9:1") + 1 :]

    return render_line


def test_the_mark_stands_under_its_place(lines):
    """The mark begins under the first character of the place and ends under its last one."""
    out = lines(ExcerptLine(7, "  rotate = var.rotate", 12, 22))
    assert out[:2] == ["7 |   rotate = var.rotate", "  |            ^^^^^^^^^^"]


def test_tabs_and_wide_characters_keep_the_mark_in_place(lines):
    """A tab takes four columns, a character of East Asian scripts two, an accent of its own none."""
    out = lines(ExcerptLine(7, "\t日本e\u0301 = x", 9, 10))
    assert out[:2] == ["7 |     日本e\u0301 = x", "  |" + " " * (1 + 4 + 4 + 1 + 3) + "^"]


def test_a_long_line_is_cut_around_its_mark(lines):
    """A line of 5,000 characters is cut to the width on both sides, and what is marked stays in sight."""
    text = "x" * 3000 + "SECRETPLACE" + "y" * 2000
    out = lines(ExcerptLine(1, text, 3001, 3012), width=60)
    source, mark = out[:2]
    assert len(source) <= 60
    assert source[mark.index("^") : mark.rindex("^") + 1] == "SECRETPLACE"
    assert source.startswith("1 | …x")
    assert source.endswith("y…")


@pytest.mark.parametrize("width", [0, 20, 40, 60, 100, 200])
def test_no_line_is_wider_than_the_terminal(width, full):
    """Lines fit the width (40 columns at least), unless a single word is longer."""
    for line in render(full, "text", width=width, show_suppressed=True).splitlines():
        assert len(line) <= max(width, 40) or " " not in line.strip(" ->|also").removeprefix("see").strip(), line


def test_several_marked_lines_are_marked_in_the_gutter(full):
    """A place of several lines has a mark beside each of them, none below."""
    text = render(full, "text")
    assert '11 >     {\n12 >       "Effect": "Allow",\n13 >       "Principal": "*"\n14 >     }\n' in text


def test_missing_lines_are_shown_as_missing(full):
    """Between lines that do not follow each other stand three dots."""
    assert '20 | resource "aws_kms_key" "data" {\n  ...\n22 |   enable_key_rotation = var.rotate\n' in render(full, "text")


def test_plain_text_has_no_codes_of_a_terminal(hostile):
    """Without colour there is no escape, whatever the input holds."""
    text = render(hostile, "text", show_suppressed=True, show_passed=True)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text)
    assert "␛[31mred␇" in text


def test_colour_changes_nothing_but_the_colour(full):
    """Without its codes the coloured report is the plain one."""
    coloured = render(full, "text", colour=True)
    assert coloured != render(full, "text")
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == render(full, "text")


def test_hidden_unknowns_are_announced(report):
    """Where verdicts are unknown and not shown, the summary tells how many, and how to see them."""
    text = render(report(summary=Summary(1, 4, 31, 0, 0, 7)), "text")
    assert "No findings, 7 unknown (--unknown report shows them)\n" in text


def test_statistics_are_shown_where_asked_for(report):
    """The seconds of each stage, and no time in a report that did not ask for it."""
    text = render(report(statistics={"read": 0.25, "judge": 0.125}, summary=Summary(duration_seconds=0.5)), "text")
    assert "read       0.250 s\njudge      0.125 s\nin all     0.500 s\n" in text
    assert " s\n" not in render(report(), "text")


def test_wrap_breaks_at_blanks_alone():
    """A path that is longer than the line stands whole on a line of its own."""
    long_path = "modules/" + "x" * 60 + ".tf"
    assert wrap(f"see the file {long_path} there", 30, "  ") == ["see the file", f"  {long_path}", "  there"]


@pytest.mark.parametrize(("count", "told"), [(3, 3), (4, 1), (30, 1)])
def test_many_variables_without_a_value_are_told_as_one(report, count, told):
    """Where something else is wrong nobody finds it below ninety lines of them; each is still named and counted."""
    lacking = [
        Problem("warning", "unset-variable", "a/main.tf", n, 1, f"var.v{n} has no value; give it one with --var or --var-file")
        for n in range(1, count + 1)
    ]
    elsewhere = Problem("warning", "unset-variable", "b/main.tf", 7, 1, "var.other has no value; give it one")
    text = render(report(errors=(*lacking, elsewhere)), "text", width=80)
    assert text.count("warning[unset-variable]") == told + 1
    assert all(re.search(rf"var\.v{n}\b", text) for n in range(1, count + 1))
    assert f"{count + 1} warnings" in text
