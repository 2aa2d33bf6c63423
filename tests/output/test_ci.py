"""JUnit, GitHub, GitLab, Markdown and HTML: what their readers need, and content that tries to break out."""

import html.parser
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema

from kmsguard.model.source import Span
from kmsguard.output import render

CASES = Path(__file__).parent / "cases"

# https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
GITLAB_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/)."},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def junit_schema():
    """The schema of Jenkins' xUnit plug-in."""
    return xmlschema.XMLSchema(CASES / "junit-10.xsd")


def test_junit_is_valid(named, junit_schema):
    """Every report is valid, and its counts are those of its cases."""
    text = render(named[1], "junit", show_suppressed=True, show_passed=True)
    junit_schema.validate(text)
    root = ET.fromstring(text)
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(attribute)) == sum(case.find(tag) is not None for case in cases)
    assert int(root.get("tests")) == sum(int(suite.get("tests")) for suite in root)


def test_junit_without_findings_has_a_case_for_each_rule(report):
    """Jenkins takes a file without test cases for a failed run: the rules that found nothing have passed."""
    root = ET.fromstring(render(report(), "junit"))
    assert [case.get("name") for case in root.iter("testcase")] == [
        "KG401 kms-key-rotation-disabled",
        "KG501 kms-key-policy-open",
        "KG101 secret-literal",
    ]
    assert root.get("failures") == "0"


def test_junit_skips_what_does_not_fail(full):
    """Unknown and suppressed findings are skipped test cases, not failed ones."""
    root = ET.fromstring(render(full, "junit", show_suppressed=True))
    skipped = [case.get("classname") for case in root.iter("testcase") if case.find("skipped") is not None]
    assert skipped == ["aws_kms_key.data", "aws_kms_key.tmp", "infra/prod/variables.tf"]


def test_github_shows_the_worst_first(full):
    """GitHub shows ten annotations of a kind: errors of the input come first, then findings by severity."""
    titles = re.findall("title=([^:]*)::", render(full, "github"))
    assert titles == [
        "hcl-syntax",
        "unset-variable",
        "critical KG501 kms-key-policy-open",
        "high KG101 secret-literal",
        "medium KG401 kms-key-rotation-disabled",
        "unknown medium KG401 kms-key-rotation-disabled",
    ]


def test_github_input_cannot_forge_a_command(hostile):
    """Whatever stands in a message, a line of it is never a command of its own."""
    out = render(hostile, "github", show_suppressed=True).splitlines()
    assert [line.split(" ")[0] for line in out[:4]] == ["::error", "::warning", "::warning", "::notice"]
    assert not any(line.lstrip().startswith("::") for line in out[4:])
    assert out[2].startswith("::warning file=infra/prod/a b%2Cc%3Ad%25#|ü[1].tf,line=1,endLine=1,col=1,endColumn=20,title=")


def test_github_places_of_several_lines_have_no_columns(rotation, report):
    """GitHub refuses columns in an annotation of several lines."""
    text = render(report(rotation(location=Span("a.tf", 3, 5, 9, 6))), "github")
    assert text.startswith("::warning file=a.tf,line=3,endLine=9,title=")


def test_gitlab_is_valid(named):
    """Every report has the fields that GitLab needs, and no fingerprint twice: GitLab shows equal ones once."""
    issues = json.loads(render(named[1], "gitlab"))
    jsonschema.validate(issues, GITLAB_SCHEMA)
    prints = [issue["fingerprint"] for issue in issues]
    assert len(prints) == len(set(prints))


def test_markdown_tables_stay_tables(hostile):
    """No content ends a cell or a row, opens HTML, or mentions a user outside code."""
    text = render(hostile, "markdown", show_suppressed=True, show_passed=True)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows[:4]} == {6}
    outside_code = re.sub(r"(`+)[^`](?:.*?[^`])?\1(?!`)", "", text)
    assert "<script" not in outside_code
    assert "@team" not in outside_code
    assert "](javascript" not in re.sub(r"\\\]", "", outside_code)


class Page(html.parser.HTMLParser):
    """The elements of a page, and whether each one is closed."""

    VOID = ("meta", "input", "br")

    def __init__(self):
        super().__init__()
        self.stack, self.scripts, self.links, self.texts = [], 0, [], []

    def handle_starttag(self, tag, attrs):
        """Opens an element."""
        self.scripts += tag == "script"
        self.links += [value for name, value in attrs if name in ("href", "src", "action")]
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        """Closes the element that was opened last."""
        assert self.stack.pop() == tag

    def handle_data(self, data):
        """Keeps text."""
        self.texts.append(data)


def test_html_is_one_sound_page(named):
    """Elements are closed in order, there is the one script that the page's policy allows, and nothing is loaded."""
    page = Page()
    text = render(named[1], "html", show_suppressed=True, show_passed=True)
    page.feed(text)
    page.close()
    assert page.stack == []
    assert page.scripts == 1
    assert all(link == "https://example.com/rules/KG401" for link in page.links)
    assert "script-src 'sha256-" in text


def test_html_shows_hostile_content_as_text(hostile):
    """What looks like a script in the input is shown."""
    page = Page()
    page.feed(render(hostile, "html"))
    assert any('<script>alert("1")</script>' in text for text in page.texts)


def test_html_links_lead_to_the_web_alone(rotation, report):
    """An address that is no web address does not become a link."""
    assert "href" not in render(report(rotation(help_url="javascript:alert(1)")), "html")
