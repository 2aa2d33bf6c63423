"""YAML and JSON into trees with places."""

import inspect
import json
import sys
import textwrap
import threading
import time

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kmsguard.model.source import Source
from kmsguard.model.value import Text
from kmsguard.syntax.composer import compose
from kmsguard.syntax.yaml import (
    MAX_DEPTH,
    Mapping,
    Scalar,
    Sequence,
    YamlNode,
    comments,
    parse,
    parse_file,
    scalar_data,
    text_value,
)


def source_of(text: str) -> Source:
    """A source of dedented text."""
    return Source("f.yaml", textwrap.dedent(text))


def root_of(text: str) -> Mapping:
    """The root map of a text without problems."""
    root, problems = parse(source_of(text))
    assert not problems
    assert isinstance(root, Mapping)
    return root


def plain(node: YamlNode):
    """A node as maps, lists and texts."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {entry.key.text: plain(entry.value) for entry in node.entries}


def nodes(node: YamlNode):
    """A node and all that it holds."""
    yield node
    for child in (
        node.items if isinstance(node, Sequence) else [e.value for e in node.entries] if isinstance(node, Mapping) else []
    ):
        yield from nodes(child)


def pieces(node: YamlNode | None) -> list[tuple[str, str | None]]:
    """The pieces of a scalar's text, each with the text that stands at its place."""
    assert isinstance(node, Scalar)
    value = text_value(node)
    source = node.source
    if isinstance(value.data, str):
        return [(value.data, source.slice(value.span) if value.span else None)]
    assert isinstance(value.data, Text)
    return [(str(piece.data), source.slice(piece.span) if piece.span else None) for piece in value.data.pieces]


# --- places ---


@pytest.mark.parametrize("pure", [False, True])
def test_every_node_stands_where_it_is_written(pure):
    """Spans hold tag and anchor, collections end with their last child, empty values are empty places."""
    source = source_of("""\
        a: &x !Sub "hi ${B}"   # c
        b:
          - one   # c
          - {k: [1, 2], l: }

          # c

        c: !GetAtt
          - X
          - Arn
        d:
        e: plain text
          on two lines
        """)
    file = compose(source, pure=pure)
    assert not file.problems
    root = file.root
    assert isinstance(root, Mapping)
    assert {entry.key.text: source.slice(entry.value.span) for entry in root.entries} == {
        "a": '&x !Sub "hi ${B}"',
        "b": "- one   # c\n  - {k: [1, 2], l: }",
        "c": "!GetAtt\n  - X\n  - Arn",
        "d": "",
        "e": "plain text\n  on two lines",
    }
    assert source.slice(root.entries[1].span) == "b:\n  - one   # c\n  - {k: [1, 2], l: }"
    assert [entry.value.tag for entry in root.entries] == ["!Sub", "", "!GetAtt", "", ""]
    assert (root.span.start_line, root.span.end_line, root.span.end_column) == (1, 13, 15)


def test_columns_count_code_points():
    """An astral character before a value moves its column by one."""
    root = root_of("{😀: x, é: y}\n")
    assert [(e.value.span.start_column, e.value.span.end_column) for e in root.entries] == [(5, 6), (11, 12)]


def test_line_separators_that_only_yaml_knows_do_not_move_lines():
    """U+0085 and U+2028 end a line for YAML, but not for the report."""
    source = Source("f.yaml", 'a: "x\u2028y"\nb: z\n')
    root, problems = parse(source)
    assert not problems
    assert isinstance(root, Mapping)
    assert root.entries[1].value.span.start_line == 2
    assert source.slice(root.entries[1].value.span) == "z"


# --- texts ---


def test_a_literal_block_has_a_place_for_every_line():
    """Lines of `|` stand for themselves, their indentation left out; a line's end belongs to it."""
    root = root_of("""\
        a: |  # comment
          {
            "x": 1

          }
        b: |+
          keep

        c: |2-
            two more
          end
        d: x
        """)
    assert pieces(root.get("a")) == [("{\n", "{\n"), ('  "x": 1\n', '  "x": 1\n'), ("\n", None), ("}\n", "}\n")]
    assert pieces(root.get("b"))[0] == ("keep\n", "keep\n")
    assert "".join(text for text, _ in pieces(root.get("b"))) == "keep\n\n"
    assert pieces(root.get("c")) == [("  two more\n", "  two more\n"), ("end", "end")]


def test_a_folded_block_has_a_place_for_every_line():
    """Line ends of `>` that become spaces have no place of their own."""
    root = root_of("""\
        a: >
          one
          two

          three
            indented
          four
        """)
    found = pieces(root.get("a"))
    assert "".join(text for text, _ in found) == "one two\nthree\n  indented\nfour\n"
    assert [text for text, place in found if place is not None] == ["one", "two\n", "three\n", "  indented\n", "four\n"]
    assert all(text == place for text, place in found if place is not None)


def test_windows_line_ends_inside_a_block():
    """Every line of a block stands where it is, also with CRLF."""
    source = Source("f.yaml", "a: |\r\n  one\r\n  two\r\nb: c\r\n")
    root, problems = parse(source)
    assert not problems
    assert isinstance(root, Mapping)
    value = text_value(root.entries[0].value)  # type: ignore[arg-type]
    assert isinstance(value.data, Text)
    assert value.data.known == "one\ntwo\n"
    place = value.data.place(4, 7)
    assert place is not None
    assert source.slice(place) == "two"


def test_quoted_texts_have_a_place_for_every_escape():
    """An escape, a doubled quote and a folded line are pieces of their own."""
    root = root_of("""\
        a: "x\\n\\u00e9\\x41 \\"q\\""
        b: 'it''s'
        c: "one
           two"
        d: plain
          text
        e: "no escape"
        """)
    assert pieces(root.get("a")) == [
        ("x", "x"), ("\n", "\\n"), ("é", "\\u00e9"), ("A", "\\x41"), (" ", " "), ('"', '\\"'), ("q", "q"), ('"', '\\"'),
    ]  # fmt: skip
    assert pieces(root.get("b")) == [("it", "it"), ("'", "''"), ("s", "s")]
    assert pieces(root.get("c")) == [("one", "one"), (" ", None), ("two", "two")]
    assert pieces(root.get("d")) == [("plain", "plain"), (" ", None), ("text", "text")]
    assert pieces(root.get("e")) == [("no escape", '"no escape"')]


# --- comments ---


def test_comments_are_those_that_yaml_ignores():
    """A `#` in a text is none, nor one without space before it; one after a block's `|` is."""
    source = source_of("""\
        # first
        a: "x # no"  # second
        b: x#no
        c: |  # third
          # no
        d: 'y
          # no'
        # fourth
        """)
    found = comments(source)
    assert [(c.text, c.span.start_line) for c in found] == [("# first", 1), ("# second", 2), ("# third", 4), ("# fourth", 8)]
    assert all(source.slice(c.span) == c.text for c in found)


def test_json_has_no_comments():
    """A `#` in JSON is always text."""
    assert comments(Source("f.json", '{"a": " # b"}')) == ()


# --- anchors, merge keys, duplicates ---


def test_aliases_and_merge_keys_lead_to_what_they_stand_for():
    """A merged entry has the place of the original, an alias both places; what is written wins over what is merged."""
    source = source_of("""\
        base: &base {x: 1, y: 2}
        alias: *base
        merged:
          y: 3
          <<: *base
        two:
          <<: [*base, {x: 9, z: 4}]
        """)
    root, problems = parse(source)
    assert not problems
    assert isinstance(root, Mapping)
    alias, merged, two = root.get("alias"), root.get("merged"), root.get("two")
    assert isinstance(alias, Mapping)
    assert isinstance(merged, Mapping)
    assert isinstance(two, Mapping)
    assert source.slice(alias.span) == "&base {x: 1, y: 2}"
    assert source.slice(alias.place) == "*base"
    assert source.slice(root.entries[1].span) == "alias: *base"
    assert plain(merged) == {"y": "3", "x": "1"}
    assert source.slice(merged.span) == "y: 3\n  <<: *base"
    assert [entry.span.start_line for entry in merged.entries] == [4, 1]
    assert plain(two) == {"x": "1", "y": "2", "z": "4"}


def test_a_quoted_merge_key_is_a_key():
    """Only the plain `<<` merges."""
    assert plain(root_of("a: {'<<': {b: c}}\n")) == {"a": {"<<": {"b": "c"}}}


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", '{"a": "1",\n"b": "2",\n"a": "3"}'])
def test_of_a_key_that_stands_twice_the_last_counts(text):
    """A duplicate key is a warning at the later entry."""
    root, problems = parse(Source("f.yaml", text))
    assert [(p.level, p.code, p.line) for p in problems] == [("warning", "duplicate-key", 3)]
    assert isinstance(root, Mapping)
    assert plain(root) == {"a": "3", "b": "2"}
    assert plain(root.get("a")) == "3"  # type: ignore[arg-type]


# --- scalars ---


@pytest.mark.parametrize(
    ("written", "data"),
    [
        ("yes", True), ("No", False), ("ON", True), ("true", True), ("y", "y"), ("~", None), ("null", None), ("", None),
        ("0600", 384), ("012345678901", "012345678901"), ("012345670123", 1402433619), ("0x1f", 31), ("0b11", 3),
        ("1_000", 1000), ("-7", -7), ("1:30", 90), ("0o17", "0o17"), ("1.5", 1.5), (".5", 0.5), ("1e3", "1e3"),
        ("1.5e+3", 1500.0), (".inf", ".inf"), ("2012-10-17", "2012-10-17"), ("10.0.0.0", "10.0.0.0"), ("'12'", "12"),
        ('"yes"', "yes"), ("!!str 12", "12"), ("=", "="), ("arn:aws:s3:::x", "arn:aws:s3:::x"),
    ],
)  # fmt: skip
def test_scalars_are_what_yaml_1_1_says(written, data):
    """Plain scalars by the rules of YAML 1.1, but for dates, times and infinities, which stay text."""
    node = root_of(f"a: {written}\n").get("a")
    assert isinstance(node, Scalar)
    found = scalar_data(node)
    assert (found, type(found)) == (data, type(data))


def test_json_numbers_are_json_numbers():
    """An exponent without a point is a number in JSON, though not in YAML 1.1."""
    root = root_of('{"a": 1e3, "b": -0.5, "c": 12}')
    assert [scalar_data(entry.value) for entry in root.entries] == [1000.0, -0.5, 12]  # type: ignore[arg-type]


# --- JSON ---


def test_json_stands_in_any_layout():
    """Tabs, escaped slashes, surrogate pairs and one-line files are read, each text with its place."""
    source = Source("f.json", '{\n\t"a":\t"x\\/y \\ud83d\\ude00",\r\n\t"b": [ ],"c":{"d":null}}\n')
    root, problems = parse(source)
    assert not problems
    assert isinstance(root, Mapping)
    assert plain(root) == {"a": "x/y 😀", "b": [], "c": {"d": "null"}}
    assert [(text, place) for text, place in pieces(root.get("a"))] == [
        ("x", "x"), ("/", "\\/"), ("y ", "y "), ("😀", "\\ud83d\\ude00"),
    ]  # fmt: skip
    assert source.slice(root.entries[2].span) == '"c":{"d":null}'


def test_a_flow_map_that_is_not_json_is_yaml():
    """What begins like JSON may still be YAML: tags, comments, a trailing comma."""
    root = root_of('{"a": !Ref b, # c\n "d": [1,],}\n')
    assert plain(root) == {"a": "b", "d": ["1"]}


# --- what is wrong ---


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: b\n\tc: d\n", 2, 1, "tab"),
        ("a: b: c\n", 1, 5, "quotes"),
        ("a: @b\n", 1, 4, "cannot start with @"),
        ("a: [1, 2\nb: 3\n", 2, 2, "comma or a closing bracket"),
        ("a:\n  - b\n c: d\n", 3, 2, "indentation"),
        ("a: 'b\n", 2, 1, "quoted text"),
        ("a: *b\n", 1, 4, "no anchor &b"),
        ("a: &b [*b]\n", 1, 8, "inside its own anchor"),
        ("a: !x!y z\n", 1, 4, "intrinsic"),
        ("a: \x00\n", 1, 4, "U+0000"),
        ("a: b\n---\nc: d\n", 2, 1, "second document"),
        ("{a: b}: c\n", 1, 1, "key must be a text"),
        ("a:\n  <<: b\n", 2, 3, "merges a map"),
        ('{"a" 1}', 1, 6, "`:` is missing"),
        ('{"a": 1 "b": 2}', 1, 9, "comma"),
        ('{"a": "x\n"}', 1, 7, "double quotes"),
        ('{"a": 1} x', 1, 10, "goes on after"),
        ('{"a": "\\q"}', 1, 8, "escape"),
        ('{"a": ', 1, 7, "ends"),
    ],
)
def test_an_error_has_a_place_and_says_what_to_do(text, line, column, words):
    """Syntax errors point at their line and column, in words that help."""
    _, problems = parse(Source("f.yaml", text))
    error = problems[-1]
    assert error.level == "error"
    assert error.code in ("yaml-syntax", "json-syntax")
    assert (error.line, error.column) == (line, column)
    assert words in error.message


@pytest.mark.parametrize("text", ["a: 1\nb: {c: [2, @", '{"a": 1, "b": {"c": [2 3]}}'])
def test_of_a_broken_file_what_stands_before_the_error_is_there(text):
    """Collections that the error cuts off are marked as broken."""
    root, problems = parse(Source("f.yaml", text))
    assert len(problems) == 1
    assert isinstance(root, Mapping)
    assert root.broken
    assert plain(root) == {"a": "1", "b": {"c": ["2"]}}


def test_an_empty_file_has_no_root():
    """Nothing, blank lines and comments are no document, and no error."""
    assert [parse(Source("f.yaml", text)) for text in ("", "\n\n", "# only\n")] == [(None, [])] * 3


# --- limits ---


def test_aliases_that_multiply_are_an_error():
    """A billion laughs is an error, and takes no time."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    start = time.perf_counter()
    _, problems = parse(Source("f.yaml", "\n".join(lines)))
    assert time.perf_counter() - start < 1
    assert [(p.level, p.code) for p in problems] == [("error", "yaml-syntax")]
    assert "aliases" in problems[0].message


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ("- ", "")])
def test_what_is_nested_too_deep_is_an_error(opening, closing):
    """Nesting has a limit, far beyond any template."""
    root, problems = parse(Source("f.yaml", opening * (MAX_DEPTH - 1) + "1" + closing * (MAX_DEPTH - 1)))
    assert root is not None
    assert not problems
    start = time.perf_counter()
    _, problems = parse(Source("f.yaml", opening * 50_000 + "1" + closing * 50_000))
    assert time.perf_counter() - start < 2
    assert "nested deeper" in problems[0].message


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("in_thread", [False, True])
def test_a_host_with_little_stack_left_gets_a_problem_with_its_place(quote, in_thread):
    """What does not fit on the stack is told where it begins; what stands before it is read."""
    text = f"{{{quote}a{quote}: 1, {quote}b{quote}: {'[' * 10_000}{']' * 10_000}}}"
    limit = sys.getrecursionlimit()
    read = []

    def run() -> None:
        sys.setrecursionlimit(len(inspect.stack(0)) + 120)
        try:
            read.append(parse(source_of(text)))
        finally:
            sys.setrecursionlimit(limit)

    if in_thread:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    else:
        run()
    [(root, [problem])] = read
    assert problem.line == 1
    if "maximum nesting depth" in problem.message:
        return  # some versions of libyaml have a limit of their own, and come to it first
    assert "nested deeper than can be read here" in problem.message
    assert 20 < problem.column < MAX_DEPTH
    assert isinstance(root, Mapping)
    assert root.broken
    assert root.entries[0].key.text == "a"


@pytest.mark.parametrize("quote", ["", '"'], ids=["yaml", "json"])
def test_what_stands_behind_a_part_that_is_nested_too_deep_is_read(quote):
    """That part is left out and told with its place; what holds it is not whole, and all else is there."""
    deep = "[" * (MAX_DEPTH + 20) + "]" * (MAX_DEPTH + 20)
    text = f"{{{quote}a{quote}: {{{quote}b{quote}: {deep}}}, {quote}c{quote}: {{{quote}d{quote}: 1}}}}"
    root, problems = parse(Source("f.yaml", text))
    assert [(problem.line, problem.column) for problem in problems] == [(1, text.index("[") + MAX_DEPTH - 1)]
    assert "this part was not read" in problems[0].message
    assert isinstance(root, Mapping)
    broken, whole = root.get("a"), root.get("c")
    assert isinstance(broken, Mapping)
    assert isinstance(whole, Mapping)
    assert (broken.broken, whole.broken, [entry.key.text for entry in whole.entries]) == (True, False, ["d"])


# --- properties ---

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=30)
DATA = st.recursive(TEXT, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(DATA, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_json_reads_what_json_writes(data, indent, ascii_only):
    """Any JSON has the same tree, and every text slices to a literal of itself."""
    source = Source("f.json", json.dumps({"a": data}, indent=indent, ensure_ascii=ascii_only))
    root, problems = parse(source)
    assert not problems
    assert root is not None
    assert plain(root) == {"a": data}
    for node in nodes(root):
        written = json.loads(source.slice(node.span))
        assert written == plain(node)
        if isinstance(node, Scalar):
            check_pieces(source, node)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(DATA, st.sampled_from([None, "'", '"', "|", ">"]), st.sampled_from([20, 80]), st.booleans())
def test_yaml_reads_what_yaml_writes(data, style, width, flow):
    """Any YAML has the tree that PyYAML composes, and every text has its places, in every style."""
    text = pyyaml.safe_dump({"a": data}, default_style=style, width=width, allow_unicode=True, default_flow_style=flow)
    source = Source("f.yaml", "# not JSON\n" + text)
    root, problems = parse(source)
    assert not problems
    assert root is not None
    assert plain(root) == {"a": data}
    for node in nodes(root):
        assert root.span.end_line >= node.span.end_line
        if isinstance(node, Scalar):
            check_pieces(source, node)


def check_pieces(source: Source, node: Scalar) -> None:
    """Every piece of a text is known, and one that has a place stands there as it is or as an escape."""
    value = text_value(node)
    assert value.text == node.text
    if not isinstance(value.data, Text):
        return
    for piece in value.data.pieces:
        assert isinstance(piece.data, str)
        if piece.span is None:
            continue
        written = source.slice(piece.span)
        plain_run = written == piece.data or (piece.data.endswith("\n") and written[:-1] == piece.data[:-1])
        assert plain_run or written == "''" or written.startswith("\\")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet=" \n\t:-{}[],#&*!|>'\"%@`?abc<~\\\x00\r\u2028é", max_size=40))
def test_nothing_is_raised_for_any_text(text):
    """Whatever a file holds, there is a tree or a problem, and every place is inside the file."""
    source = Source("f.yaml", text)
    file = parse_file(source)
    for comment in file.comments:
        assert source.slice(comment.span) == comment.text
    for node in nodes(file.root) if file.root is not None else ():
        assert 0 <= node.start <= node.end <= len(text)
        if isinstance(node, Scalar):
            assert text_value(node).text == node.text
