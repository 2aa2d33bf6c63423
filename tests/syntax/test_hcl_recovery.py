"""Broken files of HCL: each mistake is one problem at its place, and all the rest is read."""

from __future__ import annotations

import textwrap

import pytest

from kmsguard.model.source import Source
from kmsguard.syntax.hcl import nodes as n
from kmsguard.syntax.hcl.parser import parse


def summary(body: n.Body) -> str:
    """Names of what was read: `?` behind an attribute whose value was not, `…` in a body that lacks something."""
    attributes = [name + "?" * isinstance(attribute.expression, n.Missing) for name, attribute in body.attributes.items()]
    blocks = [
        f"{' '.join([block.type, *(label.text for label in block.labels)])}{{{summary(block.body)}}}" for block in body.blocks
    ]
    return " ".join([*attributes, *blocks, *([] if body.complete else ["…"])])


BROKEN = {
    "a value is missing": ("a = \nb = 2\n", [(1, 5, "expected an expression, found the end of the line")], "a? b"),
    "an operand is missing": ("a = 1 +\nb = 2\n", [(1, 8, "expected an expression, found the end of the line")], "a? b"),
    "two equals signs": ("a { b = = 1 }\nc = 3\n", [(1, 9, "expected an expression, found `=`")], "c …"),
    "no equals sign": ("a 1\nb = 2\n", [(1, 3, "expected `=` and a value, or `{` of a block, found a number")], "b …"),
    "a name alone": ("a\nb = 2\n", [(1, 2, "expected `=` and a value, or `{` of a block, found the end of the line")], "b …"),
    "a quoted name": ('"a" = 1\nb = 2\n', [(1, 1, "the name of an argument or block stands without quotes")], "b …"),
    "a name with dots": ("a.b = 1\nc = 2\n", [(1, 1, "the name of an argument or block has no dots")], "c …"),
    "a comma behind an argument": (
        "a = 1,\nb = 2\n",
        [(1, 6, "arguments are separated by new lines; remove this comma")],
        "a b",
    ),
    "two arguments in a line": ("a = 1 b = 2\nc = 3\n", [(1, 7, "a new line is missing here, behind the value")], "a b c"),
    "a semicolon": (
        "a = 1;\nb = 2\n",
        [(1, 6, "`;` separates nothing here; put each argument on a line of its own, and separate elements with commas")],
        "a? b",
    ),
    "single quotes": ("a = 'b'\nc = 2\n", [(1, 5, 'single quotes do not make a string; use double quotes (")')], "a? c"),
    "a string that is not closed": (
        'x {\n  a = "b\n  c = 2\n}\nd = 3\n',
        [
            (
                2,
                7,
                'this string is not closed at the end of its line; add `"`, or write a heredoc (<<EOT) for more than one line',
            )
        ],
        "d x{a? c}",
    ),
    "a string of several lines": (
        'x {\n  a = "b\n    \\"c\\": [\n  }"\n  d = 2\n}\ne = 3\n',
        [
            (
                2,
                7,
                'this string is not closed at the end of its line; add `"`, or write a heredoc (<<EOT) for more than one line',
            )
        ],
        "e x{a? d}",
    ),
    "a string that is not closed inside an object": (
        'x = {\n  a = "b\n  c = 2\n}\nd = 3\n',
        [
            (
                2,
                7,
                'this string is not closed at the end of its line; add `"`, or write a heredoc (<<EOT) for more than one line',
            )
        ],
        "x? d",
    ),
    "an interpolation that is not closed": (
        'a = "b${var.c"\nd = 2\n',
        [(1, 7, "this `${` is not closed; add `}` (a literal `${` is written `$${`)")],
        "a? d",
    ),
    "a bracket that is not closed": (
        "x {\n  a = [1,\n    2\n  b = 3\n}\nc = 4\n",
        [(4, 3, "expected `,` or `]` after the element, found a name")],
        "c x{a? b …}",
    ),
    "a parenthesis that is not closed": (
        "x {\n  a = f(g(1, 2)\n  b = 3\n}\ny = 4\n",
        [(3, 3, "expected `,` or `)` after the argument, found a name")],
        "y x{a? b …}",
    ),
    "a call that is closed by the wrong bracket": (
        "x {\n  a = f([1, 2)\n  b = 3\n}\n",
        [(2, 14, "expected `,` or `]` after the element, found `)`")],
        "x{a? b}",
    ),
    "an object that is not closed": (
        "x {\n  a = {\n    b = 1\n  c = 2\n}\ny {\n}\n",
        [(2, 7, "this `{` is not closed; add `}`")],
        "x{a? c …} y{}",
    ),
    "an object in a policy that is not closed": (
        'r "p" "q" {\n  a = jsonencode({\n    S = [{\n      E = 1\n    }\n  })\n  b = 2\n}\nr "s" "t" {\n  c = 3\n}\n',
        [(6, 3, "expected `,` or `]` after the element, found `}`")],
        "r p q{a? b} r s t{c}",
    ),
    "a block that is not closed": (
        'r "a" "b" {\n  c = 1\n\nr "d" "e" {\n  f = 2\n}\ng = 3\n',
        [(1, 1, "this block is not closed; add `}`")],
        "g r a b{c …} r d e{f}",
    ),
    "an inner block that is not closed": (
        "a {\n  b {\n    c = 1\n  d = 2\n}\ne = 3\n",
        [(2, 3, "this block is not closed; add `}`")],
        "e a{d b{c …}}",
    ),
    "a file that ends inside a block": ("a {\n  b = 1\n", [(1, 1, "this block is not closed; add `}`")], "a{b …}"),
    "a file that ends inside brackets": ("a {\n  b = f([\n  1,\n", [(2, 9, "this `[` is not closed; add `]`")], "a{b? …}"),
    "a brace too many": (
        "a {\n  b {\n  }\n  }\n  c = 1\n}\nd = 2\n",
        [(4, 3, "this `}` closes nothing; remove it, or a `}` before it")],
        "d a{c b{}}",
    ),
    "a brace too many at the end": (
        "a {\n}\n}\nb = 1\n",
        [(3, 1, "this `}` closes nothing; remove it, or a `}` before it")],
        "b a{}",
    ),
    "a brace behind a value": (
        "a {\n  b = 1 }\nc = 2\n",
        [(2, 9, "a new line is missing before this `}`, behind the value")],
        "c a{b}",
    ),
    "two blocks in a line": ("a {\n} b {\n  c = 1\n}\n", [(2, 3, "a new line is missing here, behind the block")], "a{} b{c}"),
    "a brace on the next line": (
        'r "a" "b"\n{\n  c = 1\n}\nd = 2\n',
        [(1, 1, "this block lacks its `{`, which stands on the same line as its type")],
        "d r a b{c}",
    ),
    "a block without its brace": (
        'r "a" "b"\n  c = 1\n}\nd = 2\n',
        [(1, 1, "this block lacks its `{`, which stands on the same line as its type")],
        "d r a b{c}",
    ),
    "an equals sign before a block's brace": (
        'r "a" "b" = {\n  c = 1\n}\nd = 2\n',
        [(1, 11, "a block has no `=` before its `{`; remove it")],
        "d …",
    ),
    "an interpolation in a label": (
        'r "a" "b-${c}" {\n  d = 1\n}\ne = 2\n',
        [(1, 10, "a label is plain text; write `$${` or `%%{` for a literal `${` or `%{`")],
        "e r a{d}",
    ),
    "more than one argument in a block of one line": (
        "a { b = 1, c = 2 }\nd = 3\n",
        [(1, 10, "a block in one line holds one argument; write each on a line of its own")],
        "d …",
    ),
    "a block that begins in its first line": (
        "a { b = 1\n  c = 2\n}\nd = 3\n",
        [(1, 10, "a block that begins with an argument behind its `{` ends in the same line; begin a new line there")],
        "d a{b c}",
    ),
    "a heredoc that is not closed": (
        'a {\n  b = <<EOT\n    c\n  d = 1\n}\ne "f" {\n}\n',
        [(2, 7, "this `<<` is not closed; add its marker, alone on a line")],
        "a{b? d …} e f{}",
    ),
    "a heredoc with something behind its marker": (
        "a = <<EOT # no\n  b\nEOT\nc = 1\n",
        [(1, 5, "behind `<<` or `<<-` stands a marker without quotes, and nothing else in the line")],
        "a? c",
    ),
    "a comment that is not closed": ("a = 1\n/* b\nc = 2\n", [(2, 1, "this comment is not closed; add `*/`")], "a …"),
    "an escape that is none": (
        'a = "\\d \\w"\nb = 1\n',
        [
            (1, 6, 'after `\\` stands one of n, r, t, ", \\, u, U; write `\\\\` for a backslash itself'),
            (1, 9, 'after `\\` stands one of n, r, t, ", \\, u, U; write `\\\\` for a backslash itself'),
        ],
        "a b",
    ),
    "lines of a merge": (
        "a = 1\n<<<<<<< HEAD\nb = 2\n=======\nb = 3\n>>>>>>> x\nc = 4\n",
        [
            (2, 1, "a merge left this line behind; resolve its conflict"),
            (4, 1, "a merge left this line behind; resolve its conflict"),
            (5, 1, "this argument is set already, in line 3; remove one of the two"),
            (6, 1, "a merge left this line behind; resolve its conflict"),
        ],
        "a b c …",
    ),
    "several mistakes": (
        "a = \nb {\n  c = [\n  d = 1\n}\ne = 2 3\nf = 4\n",
        [
            (1, 5, "expected an expression, found the end of the line"),
            (4, 5, "expected `,` or `]` after the element, found `=`"),
            (6, 7, "expected a new line behind the value, found a number"),
        ],
        "a? e? f b{c? d …}",
    ),
}


@pytest.mark.parametrize(("text", "problems", "read"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_one_problem_and_hides_no_more_than_it_must(
    text: str, problems: list[tuple[int, int, str]], read: str
) -> None:
    """The problem stands where the mistake is and says what to do; attributes and blocks beside it are read."""
    file = parse(Source("x.tf", text))
    assert [(p.line, p.column, p.message) for p in file.problems] == problems
    assert {(p.level, p.code, p.file) for p in file.problems} == {("error", "hcl-syntax", "x.tf")}
    assert summary(file.body) == read


def test_the_same_mistakes_with_line_ends_of_windows() -> None:
    """Places and what is read do not hang on the line ends."""
    for name, (text, problems, read) in BROKEN.items():
        file = parse(Source("x.tf", text.replace("\n", "\r\n")))
        assert [(p.line, p.column) for p in file.problems] == [(line, column) for line, column, _ in problems], name
        assert summary(file.body) == read, name


def test_a_block_whose_braces_are_misplaced_is_put_right_by_indentation() -> None:
    """A large file with one brace missing in its middle keeps all its blocks."""
    block = textwrap.dedent("""\
        resource "a" "b%d" {
          c {
            d = [1]
          }
          e = { f = 1 }
        }

    """)
    text = "".join(block % i for i in range(40))
    at = text.index("  }\n", text.index('"b20"'))
    file = parse(Source("x.tf", text[:at] + text[at + 4 :]))
    assert [p.message for p in file.problems] == ["this block is not closed; add `}`"]
    assert [block.labels[1].text for block in file.body.blocks] == [f"b{i}" for i in range(40)]
    assert summary(file.body.blocks[20].body) == "e c{d …}"
    assert {summary(block.body) for block in file.body.blocks[21:]} == {"e c{d}"}


def test_what_is_no_hcl_at_all() -> None:
    """A file of another kind is a few problems, not one for each line."""
    for text in (
        '{\n  "a": {\n    "b": [1, 2]\n  }\n}\n',
        "a: 1\nb:\n  - c\n  - d\n",
        "#!/bin/sh\nif [ x ]; then\n  echo y\nfi\n",
        "\x00\x01\x02" * 99,
    ):
        assert 1 <= len(parse(Source("x.tf", text)).problems) <= 3, text


def test_too_many_mistakes() -> None:
    """Behind the fiftieth nothing more is read, and the last problem says so."""
    file = parse(Source("x.tf", "a {\n}\nb = = 1\n" + "c =\n" * 100 + "d {\n}\n"))
    assert len(file.problems) == 51
    assert file.problems[-1].message == "50 mistakes; what stands behind this was not read"
    assert [block.type for block in file.body.blocks] == ["a"]
    assert not file.body.complete
