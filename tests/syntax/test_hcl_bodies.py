"""Files of HCL: attributes, blocks, comments, and what may stand around them."""

from __future__ import annotations

import textwrap

import pytest

from kmsguard.model.source import Source
from kmsguard.syntax.hcl import nodes as n
from kmsguard.syntax.hcl.parser import parse


def read(text: str) -> n.HclFile:
    """A file without problems."""
    file = parse(Source("x.tf", text))
    assert file.problems == ()
    return file


def outline(body: n.Body) -> list[object]:
    """Names of attributes, then of each block its type, its labels and its own outline."""
    return [
        *body.attributes,
        *([block.type, *(label.text for label in block.labels), outline(block.body)] for block in body.blocks),
    ]


def test_attributes_and_blocks() -> None:
    """Blocks have labels, bare or quoted, and bodies of their own; one-line blocks hold one attribute or none."""
    file = read(
        textwrap.dedent("""
            a = 1
            resource "aws_kms_key" "k" {
              b = 2
              inner {
                c = 3
              }

              empty {}
              one { d = [
                1,
              ] }
            }
            x y "z" { # comment
            }
            last { e = 1 } // comment""")
    )
    assert outline(file.body) == [
        "a",
        ["resource", "aws_kms_key", "k", ["b", ["inner", ["c"]], ["empty", []], ["one", ["d"]]]],
        ["x", "y", "z", []],
        ["last", ["e"]],
    ]


def test_places_of_attributes_and_blocks() -> None:
    """An attribute reaches to the end of its value, a block to its closing brace, its head to the opening one."""
    text = '\ufeff# é\nresource "a" b {\n  c-d = "x" # y\n}\n'.removeprefix("\ufeff")
    file = read(text)
    block = file.body.blocks[0]
    attribute = block.body.attributes["c-d"]
    cut = [(block.start, block.end), (block.start, block.head_end), (block.body.start, block.body.end)]
    cut += [(label.start, label.end) for label in block.labels]
    cut += [(attribute.start, attribute.end), (attribute.start, attribute.name_end)]
    assert [text[start:end] for start, end in cut] == [
        'resource "a" b {\n  c-d = "x" # y\n}',
        'resource "a" b {',
        '\n  c-d = "x" # y\n',
        '"a"',
        "b",
        'c-d = "x"',
        "c-d",
    ]
    assert file.source.span(attribute.start, attribute.end).start_line == 3


def test_a_label_is_a_text_with_escapes() -> None:
    """Escapes in labels are decoded; `$${` is no interpolation."""
    (block,) = read('a "b\\"c $${d}" {}\n').body.blocks
    assert [label.text for label in block.labels] == ['b"c ${d}']


def test_comments() -> None:
    """All three kinds, wherever they stand, with their marks and places; a line end of Windows is no part of them."""
    lines = [
        "# one",
        "a = 1 // two",
        "b = [ /* three */",
        "  1, # four",
        "]",
        'c = "# no"',
        "d = <<EOT",
        "# no",
        "${ e /* five */ }",
    ]
    text = "\r\n".join([*lines, "EOT", "/* six", "*/", ""])
    file = read(text)
    assert [comment.text for comment in file.comments] == [
        "# one",
        "// two",
        "/* three */",
        "# four",
        "/* five */",
        "/* six\r\n*/",
    ]
    assert [file.source.slice(comment.span) for comment in file.comments] == [comment.text for comment in file.comments]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    """Also where a source was made with one."""
    assert outline(read("\ufeffa = 1\n").body) == ["a"]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_line_ends(end: str) -> None:
    """Files may end their lines either way, and the last one not at all."""
    assert outline(read(f"a = 1{end or chr(10)}b {{{end or chr(10)}  c = 2{end or chr(10)}}}{end}").body) == ["a", ["b", ["c"]]]


def test_line_ends_do_not_count_inside_brackets() -> None:
    """Inside `( )`, `[ ]`, `${ }` and for expressions; inside objects they separate."""
    lines = ["a = (1 +", "2)", "b = f(", "[", "1", ",", "2", "]", ")", "c = {", "d = 1", "e = 2", "}", 'f = "${', "g", '}"']
    file = read("\n".join([*lines, "h = { for", "i in j", ": i => i", "}", ""]))
    assert list(file.body.attributes) == ["a", "b", "c", "f", "h"]


def test_an_attribute_may_be_named_for() -> None:
    """In a block's body `for` is a name like any other, and line ends count behind it."""
    assert outline(read("a {\n  for = 1\n  b = 2\n}\n").body) == [["a", ["for", "b"]]]


def test_the_first_of_two_attributes_counts() -> None:
    """The second is a problem that names the line of the first."""
    file = parse(Source("x.tf", "a = 1\nb = 2\na = 3\n"))
    assert file.body.attributes["a"].expression == n.Literal(4, 5, 1)
    assert [(p.line, p.column, p.message) for p in file.problems] == [
        (3, 1, "this argument is set already, in line 1; remove one of the two")
    ]


def test_an_empty_file() -> None:
    """Nothing is in it, and nothing is wrong with it."""
    file = read("")
    assert (file.body, file.comments) == (n.Body(0, 0, {}, ()), ())
