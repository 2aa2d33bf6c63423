"""JSON inside of values and files: what it means, where each piece of it stands, and what holes make of it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmsguard.model.guard import Atom, Not
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Branch, Choice, Data, Step, Target, Text, Unknown, Value
from kmsguard.syntax.hcl import nodes as n
from kmsguard.syntax.hcl.parser import parse
from kmsguard.syntax.json import parse_json, parse_json_source

PROD = Atom("unit", "var.prod", True, among=(True, False))
ARN = Value(Unknown("known after apply", "aws_s3_bucket.b.arn", Target("aws_s3_bucket.b", "arn"), not_null=True))
OPEN = Value(Unknown("variable var.x has no value", "var.x"))


def text_value(text: str, holes: dict[str, Value]) -> tuple[Source, Value]:
    """The value of `x = …` as a front end makes it: literal parts with their places, and what each `${name}` stands for."""
    source = Source("x.tf", textwrap.dedent(text))
    file = parse(source)
    assert file.problems == ()
    template = file.body.attributes["x"].expression
    assert isinstance(template, n.Template)
    pieces = []
    for part in template.parts:
        span = source.span(part.start, part.end)
        if isinstance(part, n.StringPart):
            pieces.append(Value(part.text, span))
        else:
            assert isinstance(part, n.Interpolation)
            assert isinstance(part.expression, n.Variable)
            hole = holes[part.expression.name]
            pieces.append(Value(hole.data, hole.span or span, None, hole.trail, hole.refs, hole.sensitive))
    return source, Value(Text(tuple(pieces)), source.span(template.start, template.end))


def document(text: str, holes: dict[str, Value] | None = None) -> tuple[Source, Value]:
    """The JSON of such a value, without problems."""
    source, value = text_value(text, holes or {})
    found, problems = parse_json(value)
    assert problems == []
    assert found is not None
    return source, found


def choice(then: Value, otherwise: Value, atom: Atom = PROD) -> Value:
    """A value that hangs on a condition."""
    return Value(Choice((Branch(atom, then), Branch(Not(atom), otherwise))))


def plain(value: Value) -> object:
    """A value as plain data: holes as `<reference>`, branches as a tuple of `?`, then, otherwise."""
    data = value.data
    if isinstance(data, dict):
        return {key: plain(member) for key, member in data.items()}
    if isinstance(data, tuple):
        return [plain(item) for item in data]
    if isinstance(data, Text):
        return "".join(str(plain(piece)) for piece in data.pieces)
    if isinstance(data, Unknown):
        return f"<{data.reference or data.reason}>"
    if isinstance(data, Choice):
        return ("?", *(plain(branch.value) for branch in data.branches))
    return data


def written(source: Source, span: Span | None) -> str:
    """What stands at a place."""
    assert span is not None
    return source.slice(span)


def at(value: Value, *path: str | int) -> Value:
    """A value inside another one."""
    for step in path:
        value = value.members[step] if isinstance(step, str) else value.items[step]
    return value


# Files


def test_kinds_of_values() -> None:
    """Whole numbers are `int`, others exact decimals."""
    source = Source("x.json", '\r\n{"a": [1, -2.50, 1e2, true, false, null], "b": {}, "c": [], "d": "", "a\\u0062": 2}\n')
    value, problems = parse_json_source(source)
    assert problems == []
    assert value is not None
    assert plain(value) == {"a": [1, Decimal("-2.50"), Decimal("1e2"), True, False, None], "b": {}, "c": [], "d": "", "ab": 2}
    assert [type(item.data) for item in at(value, "a").items] == [int, Decimal, Decimal, bool, bool, type(None)]


def test_names_that_stand_twice() -> None:
    """Objects of one name become a list, as HCL reads JSON; of other members the first counts, with a problem at the second."""
    source = Source("x.json", '{"r": {"a": 1}, "n": 1,\n "r": [{"b": 2}, {}], "n": 2}')
    value, problems = parse_json_source(source)
    assert value is not None
    assert plain(value) == {"r": [{"a": 1}, {"b": 2}, {}], "n": 1}
    assert [(p.level, p.code, p.line, p.column) for p in problems] == [("warning", "duplicate", 2, 23)]


def test_places_in_a_file() -> None:
    """A node stands from its first to its last character; its place is the member with its name, or the element."""
    source = Source("x.json", '{ "a" : [ 1 , {"b":"c\\n"} ] }')
    value, _ = parse_json_source(source)
    assert value is not None
    nodes = [at(value, "a"), at(value, "a", 0), at(value, "a", 1), at(value, "a", 1, "b")]
    assert [(written(source, node.span), written(source, node.place)) for node in nodes] == [
        ('[ 1 , {"b":"c\\n"} ]', '"a" : [ 1 , {"b":"c\\n"} ]'),
        ("1", "1"),
        ('{"b":"c\\n"}', '{"b":"c\\n"}'),
        ('"c\\n"', '"b":"c\\n"'),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "there is no JSON here; the text is empty"),
        (" \n", 2, 1, "there is no JSON here; the text is empty"),
        ('{"a": 1,}', 1, 8, "a member is missing behind this comma; remove it"),
        ("[1,\n2,\n]", 2, 2, "an element is missing behind this comma; remove it"),
        ("[1 2]", 1, 4, "`,` or `]` is missing before this"),
        ('{"a": 1\n"b": 2}', 2, 1, "`,` or `}` is missing before this"),
        ('{"a" 1}', 1, 6, "`:` and a value are missing before this"),
        ('{"a": }', 1, 7, "a value is missing before this `}`"),
        ("[,]", 1, 2, "a value is missing before this comma"),
        ("{'a': 1}", 1, 2, "JSON has no single quotes; use double quotes"),
        ("{a: 1}", 1, 2, "the name of a member stands in double quotes"),
        ("[True]", 1, 2, "this is none of true, false and null; texts stand in double quotes"),
        ("[01]", 1, 2, "this is no number, and no true, false or null; texts stand in double quotes"),
        ("[1.]", 1, 2, "this is no number, and no true, false or null; texts stand in double quotes"),
        ("[+1]", 1, 2, "a value is expected here; texts stand in double quotes"),
        ("// a\n{}", 1, 1, "JSON has no comments; remove it"),
        ("{} {}", 1, 4, "the document has ended before; remove what follows, or put it into an array"),
        ('{"a": [1', 1, 7, "this `[` is not closed"),
        ("{", 1, 1, "this `{` is not closed"),
        ("[", 1, 2, "the text ends before the JSON does; a bracket or brace is not closed"),
        ('["a\nb"]', 1, 2, "this string is not closed in its line; a new line in it is written \\n"),
        ('["a\tb"]', 1, 4, "a control character cannot stand in a string; it is written \\u and four hexadecimal digits"),
        ('["\\x"]', 1, 3, 'behind `\\` stands one of " \\ / b f n r t u'),
        ('["\\u12"]', 1, 3, "`\\u` is followed by four hexadecimal digits"),
        ("[" * 200, 1, 101, "nested deeper than 100 levels"),
    ],
)
def test_what_is_no_json(text: str, line: int, column: int, message: str) -> None:
    """One problem, where the mistake is."""
    value, problems = parse_json_source(Source("x.json", text))
    assert value is None
    assert [(p.level, p.code, p.line, p.column, p.message) for p in problems] == [
        ("error", "json-syntax", line, column, message)
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def leaves(value: Value) -> Iterator[Value]:
    """A value and all that it holds."""
    yield value
    for inner in (*value.items, *value.members.values()):
        yield from leaves(inner)


@settings(max_examples=150, deadline=None)
@given(JSON, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_what_the_standard_library_writes(data: object, indent: int | str | None, ascii_only: bool) -> None:
    """Is read as the same data, and what stands at each node's place is that node."""
    source = Source("x.json", json.dumps(data, indent=indent, ensure_ascii=ascii_only))
    value, problems = parse_json_source(source)
    assert problems == []
    assert value is not None
    expected = json.loads(source.text, parse_float=Decimal)
    assert plain(value) == expected
    for node in leaves(value):
        assert plain(node) == json.loads(written(source, node.span), parse_float=Decimal)


def refuse(constant: str) -> None:
    """NaN and Infinity are no JSON."""
    raise ValueError(constant)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*'{}[],:"\\ \n0-.eE1au', '"a"', "true", "null", "\\u00e9", "\\ud83d", "nan"]), max_size=12).map(
        "".join
    )
)
def test_what_the_standard_library_refuses(text: str) -> None:
    """Is refused, and nothing else."""
    value, problems = parse_json_source(Source("x.json", text))
    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        assert value is None
        assert len(problems) == 1
    else:
        assert value is not None
        assert problems == []


def test_surrogates() -> None:
    """Two escapes make one character; half of a pair is none, as Go decodes it."""
    value, _ = parse_json_source(Source("x.json", '["\\ud83d\\ude00", "\\ud83d", "\\ude00x"]'))
    assert value is not None
    assert plain(value) == ["\U0001f600", "\ufffd", "\ufffdx"]


# Texts without holes


def test_a_heredoc() -> None:
    """Places lead into the heredoc, also where its lines are de-indented."""
    source, value = document("""
        x = <<-EOT
          {
            "Statement": [
              {"Effect": "Allow", "Action": ["kms:*"]}
            ]
          }
        EOT
    """)
    assert plain(value) == {"Statement": [{"Effect": "Allow", "Action": ["kms:*"]}]}
    action = at(value, "Statement", 0, "Action")
    assert written(source, action.place) == '"Action": ["kms:*"]'
    assert written(source, at(action, 0).span) == '"kms:*"'
    assert written(source, at(value, "Statement").span).startswith("[\n      {")
    assert action.span is not None
    assert (action.span.start_line, action.span.start_column) == (5, 37)


def test_a_quoted_string() -> None:
    """Places lead to the escapes of the template language."""
    source, value = document(r"""x = "{\"a\": [\"b\", \"c\\nd\"], \"e\": \"$${f}\"}" """)
    assert plain(value) == {"a": ["b", "c\nd"], "e": "${f}"}
    assert written(source, at(value, "a").place) == r"\"a\": [\"b\", \"c\\nd\"]"
    assert written(source, at(value, "a", 1).span) == r"\"c\\nd\""
    assert written(source, at(value, "e").span) == r"\"$${f}\""


def test_a_plain_text_in_one_line() -> None:
    """A text whose span is as long as it is, or longer by its quotes, has places inside; any other has one place."""
    source = Source("x.yaml", """Policy: '{"a": 1}'""")
    quoted, bare = Value('{"a": 1}', source.span(8, 18)), Value('{"a": 1}', source.span(9, 17))
    for value in (quoted, bare):
        found, _ = parse_json(value)
        assert found is not None
        assert written(source, at(found, "a").place) == '"a": 1'
    found, _ = parse_json(Value('{"a": 1}', source.span(0, 18)))
    assert found is not None
    assert at(found, "a").place == source.span(0, 18)
    found, _ = parse_json(Value('{"a": 1}'))
    assert found is not None
    assert (plain(found), at(found, "a").place) == ({"a": 1}, None)


def test_a_mistake_in_a_heredoc() -> None:
    """The problem stands in the template, at the character that is wrong."""
    source, value = text_value('x = <<-EOT\n    {\n      "a": [\n        1,\n      ]\n    }\n    EOT\n', {})
    found, problems = parse_json(value)
    assert found is None
    assert [(p.level, p.code, p.file, p.line, p.column) for p in problems] == [("error", "json-syntax", "x.tf", 4, 10)]
    assert source.line(4)[9] == ","


def test_a_heredoc_that_ends_too_early() -> None:
    """What is not closed is where the problem is."""
    _, value = text_value('x = <<EOT\n{\n  "a": {\n    "b": 1\n  }\nEOT\n', {})
    found, problems = parse_json(value)
    assert found is None
    assert [(p.line, p.column, p.message) for p in problems] == [(2, 1, "this `{` is not closed")]


@pytest.mark.parametrize("data", [True, 7, None, (Value(1),), {"a": Value(1)}, Unknown("x")])
def test_what_is_no_text_is_returned(data: Data) -> None:
    """There is nothing to parse."""
    value = Value(data)
    assert parse_json(value) == (value, [])


# Holes inside strings


def test_a_hole_inside_a_string() -> None:
    """The string is a text of literal pieces with their exact places and the hole's own value."""
    source, value = document('x = <<EOT\n{"R": ["${b}/*", "arn:${a}\\u002f\\\\x"]}\nEOT\n', {"b": ARN, "a": OPEN})
    assert plain(value) == {"R": ["<aws_s3_bucket.b.arn>/*", "arn:<var.x>/\\x"]}
    first, second = at(value, "R", 0), at(value, "R", 1)
    assert isinstance(first.data, Text)
    assert isinstance(second.data, Text)
    assert first.data.pieces[0].target == Target("aws_s3_bucket.b", "arn")
    assert written(source, first.span) == '"${b}/*"'
    assert [(plain(piece), written(source, piece.span)) for piece in (*first.data.pieces, *second.data.pieces)] == [
        ("<aws_s3_bucket.b.arn>", "${b}"),
        ("/*", "/*"),
        ("arn:", "arn:"),
        ("<var.x>", "${a}"),
        ("/", "\\u002f"),
        ("\\", "\\\\"),
        ("x", "x"),
    ]


def test_a_choice_inside_a_string() -> None:
    """Stays a hole of the string with its branches."""
    _, value = document('x = "{\\"a\\": \\"b-${c}\\"}"', {"c": choice(Value("prod"), Value("dev"))})
    text = at(value, "a").data
    assert isinstance(text, Text)
    assert plain(text.pieces[-1]) == ("?", "prod", "dev")


def test_a_known_interpolation() -> None:
    """Its text belongs to the string, with what it was taken from; the place is in the template, wherever that was."""
    elsewhere = Span("variables.tf", 3, 13, 3, 20)
    step = Step("variable default", "var.name", elsewhere)
    name = Value("my-name", elsewhere, None, step, (Target("aws_s3_bucket.b", "bucket"),), sensitive=True)
    source, value = document('x = <<EOT\n{"R": "arn:aws:s3:::${n}/*", "S": ["${n}"], "T": 1}\nEOT\n', {"n": name})
    resource = at(value, "R")
    assert (resource.data, resource.refs, resource.trail, resource.sensitive) == (
        "arn:aws:s3:::my-name/*",
        name.refs,
        step,
        True,
    )
    assert written(source, resource.span) == '"arn:aws:s3:::${n}/*"'
    assert written(source, at(value, "S").place) == '"S": ["${n}"]'
    assert (at(value, "T").refs, at(value, "T").sensitive) == ((), False)


def test_what_was_put_in_and_has_no_place_of_its_own() -> None:
    """Stands where it was put in."""
    source, value = text_value('x = <<EOT\n{"a": ${e}, "b": 1}\nEOT\n', {"e": OPEN})
    assert isinstance(value.data, Text)
    before, _, behind = value.data.pieces
    found, _ = parse_json(value.with_data(Text((before, Value("["), Value('{"c":2}'), Value("]"), behind))))
    assert found is not None
    assert plain(found) == {"a": [{"c": 2}], "b": 1}
    assert [written(source, at(found, *path).place) for path in (["a"], ["a", 0, "c"], ["b"])] == [
        '"a": ${e}',
        "${e}",
        '"b": 1',
    ]


def test_what_holds_of_the_whole_text_holds_of_its_members() -> None:
    """A sensitive text makes sensitive members; the way that it came is theirs."""
    step = Step("local", "local.policy")
    source = Source("x.tf", '{"a": {"b": "c"}}')
    found, _ = parse_json(Value(source.text, source.span(0, 17), source.span(0, 17), step, sensitive=True))
    assert found is not None
    assert [(node.sensitive, node.trail) for node in leaves(found)] == [(True, step)] * 3
    assert found.place == source.span(0, 17)


# Holes outside of strings


def test_a_hole_in_the_place_of_a_value() -> None:
    """Is that value; its place is the member that holds it."""
    source, value = document('x = <<EOT\n{"a": ${o}, "b": [${o}, 1], "c": 2}\nEOT\n', {"o": OPEN})
    assert plain(value) == {"a": "<var.x>", "b": ["<var.x>", 1], "c": 2}
    assert written(source, at(value, "a").place) == '"a": ${o}'
    assert written(source, at(value, "c").place) == '"c": 2'


def test_what_an_encoder_made() -> None:
    """`${jsonencode(x)}` outside of a string is x with its own places; inside a string its characters count."""
    origin = Span("y.tf", 1, 1, 1, 4)
    encoded = Value(Text((Value("[1]"),), Value((Value(1, origin),), origin)))
    source, value = document('x = <<EOT\n{"a": ${e}, "b": "<${e}>"}\nEOT\n', {"e": encoded})
    assert plain(value) == {"a": [1], "b": "<[1]>"}
    assert (at(value, "a").span, at(value, "a", 0).span) == (origin, origin)
    assert written(source, at(value, "a").place) == '"a": ${e}'
    assert parse_json(encoded) == (Value((Value(1, origin),), origin), [])


def test_known_text_outside_of_strings() -> None:
    """Known text is JSON wherever it came from: `[${join(",", …)}]`."""
    joined = Value(Text((Value('"a"'), Value(","), Value('"'), ARN, Value('"'))))
    _, value = document('x = "{\\"a\\": [${j}], \\"b\\": ${n}}"', {"j": joined, "n": Value(5)})
    assert plain(value) == {"a": ["a", "<aws_s3_bucket.b.arn>"], "b": 5}


def test_a_choice_in_the_place_of_a_value() -> None:
    """Each branch is parsed, or what it encodes is used."""
    encoded = Value(Text((Value('{"z":1}'),), Value({"z": Value(1)})))
    _, value = document('x = <<EOT\n{"a": ${c}, "b": 1}\nEOT\n', {"c": choice(encoded, Value("[true]"))})
    assert plain(value) == {"a": ("?", {"z": 1}, [True]), "b": 1}
    branches = at(value, "a").data
    assert isinstance(branches, Choice)
    assert [branch.guard for branch in branches.branches] == [PROD, Not(PROD)]


def test_a_choice_of_fragments() -> None:
    """Where the branches are no JSON by themselves, the document has one variant for each."""
    more = choice(Value(', {"E": 2}'), Value(""))
    _, value = document(
        'x = <<EOT\n{"S": [{"E": 1} ${m}], "p": ${q}\nEOT\n', {"m": more, "q": choice(Value("1}"), Value('2, "r": 3}'))}
    )
    assert plain(value) == (
        "?",
        {"S": [{"E": 1}, {"E": 2}], "p": 1},
        {"S": [{"E": 1}], "p": 2, "r": 3},
    )


def test_fragments_of_independent_conditions() -> None:
    """All that can happen, and nothing else."""
    other = Atom("unit", "var.other", True, among=(True, False))
    holes = {"a": choice(Value(", 1"), Value("")), "b": choice(Value(", 2"), Value(""), other)}
    _, value = document('x = "[0${a}${b}${a}]"', holes)
    assert plain(value) == ("?", [0, 1, 2, 1], [0, 1, 1], [0, 2], [0])


def test_too_many_fragments() -> None:
    """More than sixteen variants are not told apart."""
    holes = {f"h{i}": choice(Value(", 1"), Value(""), Atom("unit", f"var.v{i}", True, among=(True, False))) for i in range(5)}
    _, value = document('x = "[0' + "".join(f"${{{name}}}" for name in holes) + ']"', holes)
    assert value.data == Unknown("too many combinations of conditions")


def test_a_variant_that_is_no_json() -> None:
    """Is unknown, with its problem; the others are read."""
    _, value = text_value("x = <<EOT\n[1 ${c}]\nEOT\n", {"c": choice(Value(", 2"), Value("2"))})
    found, problems = parse_json(value)
    assert found is not None
    assert plain(found) == ("?", [1, 2], "<the text is not valid JSON>")
    assert [(p.line, p.column) for p in problems] == [(2, 4)]


def test_an_unknown_fragment() -> None:
    """In an array it is one more element that is not known; an object with it has members that are not known."""
    holes = {"o": OPEN}
    assert plain(document('x = "[1 ${o}]"', holes)[1]) == [1, "<var.x>"]
    assert plain(document('x = "[${o} 1]"', holes)[1]) == ["<var.x>", 1]
    assert plain(document('x = "{\\"a\\": 1 ${o}}"', holes)[1]) == "<var.x>"
    assert plain(document('x = "{${o} \\"a\\": 1}"', holes)[1]) == "<var.x>"
    assert plain(document('x = "{} ${o}"', holes)[1]) == "<var.x>"
    assert plain(document('x = "{\\"a\\": [1${o}2, 3]}"', holes)[1]) == {"a": ["<var.x>", 3]}


def test_what_is_wrong_behind_an_unknown_fragment() -> None:
    """May be right with it: nothing is known of the document, and nothing is said."""
    assert plain(document('x = "{\\"a\\": ${o} 1}}"', {"o": OPEN})[1]) == "<var.x>"


def test_a_name_that_is_not_known() -> None:
    """The object that has it is not known; with branches, the document has a variant for each."""
    _, value = document('x = <<EOT\n{"C": {"${o}:sub": "a"}, "d": 1}\nEOT\n', {"o": OPEN})
    assert plain(value) == {"C": "<var.x>", "d": 1}
    _, value = document('x = <<EOT\n{"${c}": 1}\nEOT\n', {"c": choice(Value("a"), Value("b"))})
    assert plain(value) == ("?", {"a": 1}, {"b": 1})
    _, value = document('x = <<EOT\n{"${c}:sub": 1}\nEOT\n', {"c": Value("known")})
    assert plain(value) == {"known:sub": 1}


def test_a_hole_that_is_the_whole_text() -> None:
    """Is the document."""
    assert plain(document('x = "${o}"', {"o": OPEN})[1]) == "<var.x>"


def test_a_choice_of_texts() -> None:
    """Each branch is a document of its own; what is no text stays as it is."""
    found, problems = parse_json(choice(Value('{"a": 1}'), Value(None)))
    assert problems == []
    assert found is not None
    assert plain(found) == ("?", {"a": 1}, None)
    found, problems = parse_json(choice(Value("{"), Value("[")))
    assert found is None
    assert [p.code for p in problems] == ["json-syntax", "json-syntax"]


def test_narrowings_of_a_text_are_not_those_of_what_it_means() -> None:
    """That the text begins with `[` says nothing about the list that it stands for."""
    hole = Value(Unknown("x", "var.x", prefix="[", allowed=("[1]", "[2]"), not_null=True))
    _, value = document('x = "{\\"a\\": ${h}}"', {"h": hole})
    assert at(value, "a").data == Unknown("x", "var.x", not_null=True)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_text_with_any_holes(data: st.DataObject) -> None:
    """Nothing is raised, and every place lies in the text."""
    fragments = st.sampled_from(["{", "}", "[", "]", ",", ":", '"', '"a"', '"a": ', "1", " ", "\\n", "tru", "e"])
    holes = st.sampled_from(
        [ARN, OPEN, choice(Value("1"), Value(',"b"')), Value(Text((Value("[1]"),), Value((Value(1),)))), Value("x")]
    )
    source = Source("x", "")
    pieces = []
    for piece in data.draw(st.lists(st.tuples(fragments, st.none() | holes), max_size=12)):
        start = len(source.text)
        source.text += piece[0]
        pieces.append(Value(piece[0], Span("x", 1, start + 1, 1, len(source.text) + 1)))
        if piece[1] is not None:
            pieces.append(piece[1])
    found, problems = parse_json(Value(Text(tuple(pieces)), Span("x", 1, 1, 1, len(source.text) + 1)))
    assert (found is None) <= bool(problems)
    if found is not None:
        for node in found.walk():
            assert node.span is None or 1 <= node.span.start_column <= node.span.end_column <= len(source.text) + 1


def test_what_was_encoded_comes_the_way_of_its_text() -> None:
    """A text that an encoder made leads on: what is in it has come its own way, if any, and then that of the text."""
    own = Value("b").via("variable", "var.b", None)
    encoded = Value(Text((Value('{"a":"x","b":"b"}'),), Value({"a": Value("x"), "b": own}), "json")).via(
        "local", "local.p", None
    )
    document, _ = parse_json(encoded)
    assert document is not None
    trails = {name: [step.name for step in member.trail.chain()] for name, member in document.members.items() if member.trail}
    assert trails == {"a": ["local.p"], "b": ["var.b", "local.p"]}
