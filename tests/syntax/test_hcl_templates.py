"""Templates of HCL: quoted strings, heredocs, template files."""

from __future__ import annotations

import json
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from kmsguard.model.source import Source
from kmsguard.syntax.hcl import nodes as n
from kmsguard.syntax.hcl.parser import parse, parse_template

RECORDED = json.loads((Path(__file__).parent / "cases" / "hcl_templates.json").read_text(encoding="utf-8"))
VALUES: list[tuple[str, object]] = [tuple(row) for row in RECORDED["values"]]


def value_of(node: object, names: dict[str, object]) -> object:
    """What an expression of literals, templates, tuples and loops evaluates to."""
    match node:
        case n.Literal(value=value):
            return value
        case n.Template(parts=(n.Interpolation(expression=expression),)):
            return value_of(expression, names)
        case n.Template(parts=parts):
            return text_of(parts, names)
        case n.TupleExpr(items=items):
            return [value_of(item, names) for item in items]
        case n.Variable(name=name):
            return names[name]
        case n.Binary(operator="=="):
            return value_of(node.left, names) == value_of(node.right, names)
        case n.Index(of=of, key=n.Literal(value=int(index))):
            return value_of(of, names)[index]  # type: ignore[index]
        case n.For(key_name=None, key=None):
            return [value_of(node.value, names | {node.value_name: item}) for item in value_of(node.collection, names)]  # type: ignore[attr-defined]
    raise AssertionError(node)


def text_of(parts: tuple[n.TemplatePart, ...], names: dict[str, object]) -> str:
    """The text that the parts of a template make."""
    out = ""
    for part in parts:
        match part:
            case n.StringPart(text=text):
                out += text
            case n.Interpolation(expression=expression):
                value = value_of(expression, names)
                out += (
                    {True: "true", False: "false"}[value]
                    if isinstance(value, bool)
                    else f"{value:f}"
                    if isinstance(value, Decimal)
                    else str(value)
                )
            case n.TemplateIf(condition=condition, then=then, otherwise=otherwise):
                out += text_of(then if value_of(condition, names) else otherwise, names)
            case n.TemplateFor(key=key, value=name, collection=collection, parts=inner):
                for index, item in enumerate(value_of(collection, names)):  # type: ignore[arg-type]
                    out += text_of(inner, names | {name: item} | ({key: index} if key else {}))
    return out


def attribute(text: str) -> tuple[Source, n.Expression]:
    """The expression of `x = …` in a file without problems."""
    source = Source("x.tf", f"x = {text}\n")
    file = parse(source)
    assert file.problems == ()
    return source, file.body.attributes["x"].expression


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text for text, _ in VALUES])
def test_values_are_those_of_terraform(text: str, value: object) -> None:
    """Escapes, strip markers, de-indentation and directives yield what Terraform 1.11.4 yields (recorded)."""
    _, expression = attribute(text)
    found = value_of(expression, {})
    assert (float(found) if isinstance(found, Decimal) else found) == value


@pytest.mark.terraform
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_the_recorded_values_are_still_those_of_terraform(tmp_path: Path) -> None:
    """The recorded values are not ours."""
    (tmp_path / "main.tf").write_text(
        "locals {\n" + "".join(f"  c{i} = {text}\n" for i, (text, _) in enumerate(VALUES)) + "}\n", encoding="utf-8"
    )
    question = "jsonencode([" + ", ".join(f"local.c{i}" for i in range(len(VALUES))) + "])\n"
    answer = subprocess.run(
        ["terraform", "console"], input=question, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(json.loads(answer)) == [value for _, value in VALUES]


def pieces(source: Source, template: n.Expression) -> list[tuple[str, str]]:
    """The literal parts of a template, and what stands at their places."""
    assert isinstance(template, n.Template)
    return [(part.text, source.text[part.start : part.end]) for part in template.parts if isinstance(part, n.StringPart)]


def test_places_in_a_quoted_string() -> None:
    """A run of characters is one part, each standing for itself; an escape is a part of its own."""
    source, template = attribute(r'"ab\ncd $5 $${e}\u00e9f${g}h"')
    assert pieces(source, template) == [
        ("ab", "ab"),
        ("\n", r"\n"),
        ("cd $5 ", "cd $5 "),
        ("${", "$${"),
        ("e}", "e}"),
        ("é", r"\u00e9"),
        ("f", "f"),
        ("h", "h"),
    ]


def test_places_in_a_heredoc() -> None:
    """Each line is a part of its own with its line end, from behind the indentation that is taken away."""
    source, template = attribute("<<-EOT\n    a\n\n      b ${c} d\n    EOT")
    assert pieces(source, template) == [("a\n", "a\n"), ("\n", "\n"), ("  b ", "  b "), (" d\n", " d\n")]
    assert isinstance(template, n.Template)
    assert template.heredoc
    assert source.text[template.start : template.end] == "<<-EOT\n    a\n\n      b ${c} d\n    EOT"


def test_a_heredoc_keeps_the_line_ends_of_its_file() -> None:
    """A line end of Windows inside a heredoc belongs to the text; the marker is found before one all the same."""
    source = Source("x.tf", "x = <<EOT\r\na\r\n${b}\r\nEOT\r\ny = 1\r\n")
    file = parse(source)
    assert file.problems == ()
    assert pieces(source, file.body.attributes["x"].expression) == [("a\r\n", "a\r\n"), ("\r\n", "\r\n")]
    assert list(file.body.attributes) == ["x", "y"]


def test_places_beside_strip_markers() -> None:
    """What a strip marker takes away does not belong to the part any more."""
    source, template = attribute('"a  ${~ b ~} \\n  c"')
    assert pieces(source, template) == [("a", "a"), ("c", "c")]


def test_an_interpolation_that_was_not_alone_is_text() -> None:
    """`" ${~ x }"` is a text and `"${x}"` is x: an empty literal part says so."""
    _, stripped = attribute('" ${~ x }"')
    _, alone = attribute('"${~ x ~}"')
    assert isinstance(stripped, n.Template)
    assert isinstance(alone, n.Template)
    assert [type(part) for part in stripped.parts] == [n.StringPart, n.Interpolation]
    assert [type(part) for part in alone.parts] == [n.Interpolation]


def test_a_template_file() -> None:
    """A whole text is a template: quotes and backslashes are plain, directives may span lines."""
    source = Source("x.tpl", 'say "\\n" ${name}\n%{ for k, v in m ~}\n  ${k}=${v}\n%{ endfor ~}\n100%')
    template, problems = parse_template(source)
    assert problems == []
    first, name, line, loop, last = template.parts
    assert isinstance(first, n.StringPart)
    assert first.text == 'say "\\n" '
    assert isinstance(name, n.Interpolation)
    assert isinstance(line, n.StringPart)
    assert isinstance(loop, n.TemplateFor)
    at = source.text.index("m ~}")
    assert (loop.key, loop.value, loop.collection) == ("k", "v", n.Variable(at, at + 1, "m"))
    assert source.text[loop.start : loop.end] == "%{ for k, v in m ~}\n  ${k}=${v}\n%{ endfor ~}"
    assert [part.text for part in loop.parts if isinstance(part, n.StringPart)] == ["  ", "=", "\n"]
    assert isinstance(last, n.StringPart)
    assert last.text == "100%"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a\n${b", 2, 1, "this `${` is not closed; add `}` (a literal `${` is written `$${`)"),
        ("a\n${b c}", 2, 5, "expected `}` after the expression, found a name"),
        ("%{ if a }\nb", 1, 1, "this `%{ if }` is not closed; add `%{ endif }`"),
        (
            "%{ for a in b }%{ if a }%{ endfor }",
            1,
            25,
            "`%{ endfor }` belongs to nothing; remove it, or add `%{ for … }` before it",
        ),
        (
            "%{ fi }",
            1,
            4,
            "expected `if`, `else`, `endif`, `for` or `endfor` after `%{` (a literal `%{` is written `%%{`), found a name",
        ),
    ],
)
def test_a_broken_template_file(text: str, line: int, column: int, message: str) -> None:
    """The problem stands at its place, and nothing of the template is taken for known."""
    template, problems = parse_template(Source("x.tpl", text))
    assert [(p.line, p.column, p.message) for p in problems] == [(line, column, message)]
    missing = template.parts[-1]
    assert isinstance(missing, n.Interpolation)
    assert isinstance(missing.expression, n.Missing)
    assert len(template.parts) == 2  # so that it is a text, whatever is missing
