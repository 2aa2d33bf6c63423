"""What holds of any text: nothing is raised, everything has its place, and no input is too slow or too deep."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmsguard.model.source import Source
from kmsguard.syntax.hcl import nodes as n
from kmsguard.syntax.hcl.parser import parse, parse_expression, parse_template

WORDS = """
    a for in if else endif endfor true null resource provider:: var.b -1 1.5 . .* [*] [ ] { } ( ) = == => : :: ? , ... + - * / %
    0 ! && || < >= " \\n \\" \\u00e9 \\q ${ ${~ %{ ~} $${ %%{ $ <<A <<-A <<"A" A # // /* */ é “ ' ` ; ~ & \\
"""
FRAGMENTS = st.sampled_from(
    [
        *WORDS.split(),
        "\n",
        "\n",
        "\r\n",
        " ",
        " ",
        "  ",
        "\t",
        "A\n",
        "<<A\n",
        "<<-A\n",
        "%{ if a }",
        "%{ endif ~}",
        "\ufeff",
        "\x00",
    ]
)
GARBAGE = st.lists(FRAGMENTS, max_size=40).map("".join) | st.text(max_size=40)
NAMES = st.sampled_from(["a", "b-c", "_d", "é", "for_each", "in"])


def joined(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    """Texts put together from others."""
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions around expressions."""
    operators = st.sampled_from([" + ", " && ", " == ", "*", " - "])
    return st.one_of(
        joined(inner, operators, inner),
        joined("(", inner, "\n)"),
        joined("-", inner),
        joined(inner, " ? ", inner, " : ", inner),
        joined("[", inner, ", # x\n", inner, ",]"),
        joined("{ ", NAMES, " = ", inner, "\n (", inner, ") : ", inner, " }"),
        joined("f(", inner, ", ", inner, "...)"),
        joined("[for ", NAMES, " in ", inner, " : ", inner, " if ", inner, "]"),
        joined("{for k, v in ", inner, " : ", inner, " =>\n", inner, "... }"),
        joined("(", inner, ")[*].", NAMES, "[", inner, "]"),
        joined("(", inner, ").*.", NAMES, ".0"),
        joined('"a\\n$${', "${ ", inner, " ~} é %{ if ", inner, ' ~} b %{ else }c%{ endif }"'),
        joined("(<<-A\n    x ${", inner, "}\n\n      %{~ for q in ", inner, " }y%{ endfor }\n  A\n)"),
    )


EXPRESSIONS = st.recursive(
    joined("var.", NAMES) | st.sampled_from(["1", "2.5", "null", '"s"', "a.b.c.d.e"]), grown, max_leaves=6
)
ITEMS = joined(NAMES, " = ", EXPRESSIONS, "\n")
BODIES = st.recursive(
    ITEMS, lambda inner: joined(NAMES, ' "l\\n" x { # c\n', inner, "}\n", inner) | joined(inner, "\n"), max_leaves=4
)


def walk(node: object) -> Iterator[n.Node]:
    """A node and all nodes inside it."""
    if isinstance(node, n.Node):
        yield node
        for field in node.__struct_fields__:
            yield from walk(getattr(node, field))
    elif isinstance(node, tuple):
        for item in node:
            yield from walk(item)
    elif isinstance(node, dict):
        for item in node.values():
            yield from walk(item)


def check_places(source: Source, root: n.Node) -> None:
    """Every node lies inside its parent, and what stands there is what it says."""
    for node in walk(root):
        assert 0 <= node.start <= node.end <= len(source.text)
        for field in node.__struct_fields__:
            for child in direct(getattr(node, field)):
                assert node.start <= child.start <= child.end <= node.end, (node, child)
        written = source.slice(source.span(node.start, node.end))
        assert written == source.text[node.start : node.end]
        match node:
            case n.Variable(name=name):
                assert written == name
            case n.GetAttr(name=name):
                assert written.endswith(name)
            case n.StringPart(text=text):
                assert written == text or written.startswith(("\\", "$${", "%%{")), (written, text)
                assert "\n" not in text[:-1] or written != text
            case n.Attribute(name=name, name_end=end):
                assert source.text[node.start : end] == name
            case n.Block(type=kind, head_end=end):
                assert written.startswith(kind)
                assert end <= node.body.start <= node.body.end
            case n.Interpolation(expression=expression) if not isinstance(expression, n.Missing):
                assert written.startswith("${")
                assert written.endswith("}")
            case n.Call(name=name):
                assert written.startswith(name.partition("::")[0])
                assert written.endswith(")")


def direct(value: object) -> list[n.Node]:
    """The nodes that a field holds."""
    if isinstance(value, n.Node):
        return [value]
    return [
        item
        for item in (value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ())
        if isinstance(item, n.Node)
    ]


def check_all(text: str) -> None:
    """Whatever a text is, it is read without an exception, and what was read has its place."""
    source = Source("x.tf", text)
    file = parse(source)
    check_places(source, file.body)
    for comment in file.comments:
        assert source.slice(comment.span) == comment.text
    expression, problems = parse_expression(source)
    assert isinstance(expression, n.Missing) == bool(problems)
    check_places(source, expression)
    template, problems = parse_template(source)
    check_places(source, template)
    for problem in (*file.problems, *problems):
        assert problem.line >= 1
        assert 1 <= problem.column <= len(source.line(problem.line)) + 2


@settings(max_examples=300, deadline=None)
@given(GARBAGE)
def test_garbage(text: str) -> None:
    """Nothing is raised for any text."""
    check_all(text)


@settings(max_examples=100, deadline=None)
@given(BODIES)
def test_what_is_right_is_read_whole(text: str) -> None:
    """Files made from the grammar have no problems, and each node its place."""
    source = Source("x.tf", text)
    file = parse(source)
    duplicates = [p for p in file.problems if "is set already" not in p.message]
    assert duplicates == []
    check_places(source, file.body)


@settings(max_examples=150, deadline=None)
@given(BODIES, st.data())
def test_what_is_nearly_right(text: str, data: st.DataObject) -> None:
    """Nothing is raised for a file with something cut out of it or put into it."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 9)))
    check_all(text[:start] + data.draw(FRAGMENTS) + text[end:])


@settings(max_examples=60, deadline=None)
@given(BODIES, BODIES)
def test_a_mistake_between_two_parts_hides_neither(first: str, second: str) -> None:
    """A line that is no HCL is one problem, whatever stands around it."""
    names = {"x0", "x1"}
    text = f"x0 {{\n{first}}}\n= = =\nx1 {{\n{second}}}\n"
    file = parse(Source("x.tf", text))
    assert {block.type for block in file.body.blocks} == names
    assert [p.message for p in file.problems if "is set already" not in p.message] == [
        "expected an argument (`name = value`) or a block, found `=`"
    ]


SIZE = 80_000
ENDLESS = [
    "${",
    '"${',
    'x = "a${',
    "(",
    "{",
    "{\n",
    "a {\n",
    "}\n",
    "x = <<A\n",
    "x = <<A\n${",
    'x = "abc\n',
    "x = [1,\n",
    "  x = {\n",
    "/* ",
    "a = 1\n",
    "#\n",
    "a?b:",
    "- ",
    ".a",
    "+a",
    "[*]",
    "::a",
    "$",
    "%{if a}",
    "\\q",
    "é“",
    "\r",
    "9",
    "{for ",
    "<<A",
    " ",
    "\n",
    'a "b"\n',
    'a "${b}" {\n}\n',
]


@pytest.mark.parametrize("unit", ENDLESS)
@pytest.mark.parametrize("before", ["", "x = "])
def test_time_grows_with_the_text(unit: str, before: str) -> None:
    """80 kB of anything repeated are read in a second, with few problems and no exception."""
    text = before + unit * (SIZE // len(unit))
    start = time.process_time()
    file = parse(Source("x.tf", text))
    assert time.process_time() - start < 1
    assert len(file.problems) <= 52
