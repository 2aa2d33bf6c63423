"""Expressions of HCL: how they are put together, and that every node stands where it says."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from kmsguard.model.source import Source
from kmsguard.syntax.hcl import nodes as n
from kmsguard.syntax.hcl.parser import parse_expression


def shown(node: object) -> str:
    """A tree as text, with brackets around everything that was put together."""
    match node:
        case n.Literal(value=value):
            return {True: "true", False: "false", None: "null"}.get(value, str(value)) if not _number(value) else str(value)
        case n.Template(parts=parts):
            return "".join(
                [
                    "'",
                    *(part.text if isinstance(part, n.StringPart) else "${" + shown(part.expression) + "}" for part in parts),
                    "'",
                ]
            )
        case n.Variable(name=name):
            return name
        case n.GetAttr(of=of, name=name):
            return f"{shown(of)}.{name}"
        case n.Index(of=of, key=key):
            return f"{shown(of)}[{shown(key)}]"
        case n.Splat(of=of, each=each, full=full):
            return f"{shown(of)}{'[*]' if full else '.*'}({shown(each)})"
        case n.SplatItem():
            return "_"
        case n.Call(name=name, arguments=arguments, expand_final=expand):
            return f"{name}({', '.join(map(shown, arguments))}{'...' if expand else ''})"
        case n.Unary(operator=operator, operand=operand):
            return f"({operator}{shown(operand)})"
        case n.Binary(operator=operator, left=left, right=right):
            return f"({shown(left)} {operator} {shown(right)})"
        case n.Conditional(condition=condition, then=then, otherwise=otherwise):
            return f"({shown(condition)} ? {shown(then)} : {shown(otherwise)})"
        case n.Parentheses(inner=inner):
            return f"<{shown(inner)}>"
        case n.TupleExpr(items=items):
            return f"[{', '.join(map(shown, items))}]"
        case n.ObjectExpr(items=items):
            return "{" + ", ".join(f"{shown(item.key)} = {shown(item.value)}" for item in items) + "}"
        case n.For():
            names = f"{node.key_name}, {node.value_name}" if node.key_name else node.value_name
            key = f"{shown(node.key)} => " if node.key is not None else ""
            condition = f" if {shown(node.condition)}" if node.condition is not None else ""
            return f"[for {names} in {shown(node.collection)}: {key}{shown(node.value)}{'...' * node.grouping}{condition}]"
    raise AssertionError(node)


def _number(value: object) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def read(text: str) -> n.Expression:
    """The expression of a text without problems."""
    expression, problems = parse_expression(Source("x.tf", text))
    assert problems == []
    return expression


PUT_TOGETHER = [
    # precedence: * / %, then + -, then comparisons, then equality, then &&, then ||; all from left to right
    ("1 + 2 * 3", "(1 + (2 * 3))"),
    ("1 * 2 + 3", "((1 * 2) + 3)"),
    ("8 / 4 * 2 % 3", "(((8 / 4) * 2) % 3)"),
    ("1 - 2 - 3", "((1 - 2) - 3)"),
    ("a < b == c >= d", "((a < b) == (c >= d))"),
    ("a == b != c", "((a == b) != c)"),
    ("a || b && c || d", "((a || (b && c)) || d)"),
    ("a + 1 > b * 2 && !c || d", "((((a + 1) > (b * 2)) && (!c)) || d)"),
    ("a && b == c + d * e", "(a && (b == (c + (d * e))))"),
    ("a * b + c == d && e", "((((a * b) + c) == d) && e)"),
    ("-a.b[0] + 1", "((-a.b[0]) + 1)"),
    ("!a == b", "((!a) == b)"),
    ("- -1", "(-(-1))"),
    ("!!a", "(!(!a))"),
    ("(1 + 2) * 3", "(<(1 + 2)> * 3)"),
    # conditionals bind loosest and to the right
    ("a ? b : c", "(a ? b : c)"),
    ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
    ("a ? b ? c : d : e", "(a ? (b ? c : d) : e)"),
    ("a || b ? c + 1 : d", "((a || b) ? (c + 1) : d)"),
    # traversals
    ("var.a", "var.a"),
    ("a.b.c.d.e.f.g.h", "a.b.c.d.e.f.g.h"),
    ("a.b-c.d_e", "a.b-c.d_e"),
    ('a["b"].c[d.e][0]', "a['b'].c[d.e][0]"),
    ("a[b ? 0 : 1]", "a[(b ? 0 : 1)]"),
    ("a . b [ 0 ]", "a.b[0]"),
    ("data.aws_x.y[0].z", "data.aws_x.y[0].z"),
    ("a.0", "a[0]"),
    ("a.b.0.c", "a.b[0].c"),
    ("a[0].1", "a[0][1]"),
    ("f(a)[0].b", "f(a)[0].b"),
    ("(a).b", "<a>.b"),
    ('{ a = 1 }["a"]', "{a = 1}['a']"),
    ("[a][0]", "[a][0]"),
    ('"a".b', "'a'.b"),
    ("true.a", "true.a"),
    # splats: a full one takes all that follows with it, an attribute-only one only names and old indexes
    ("a[*]", "a[*](_)"),
    ("a[*].b.c[0]", "a[*](_.b.c[0])"),
    ("a[*].b[*].c", "a[*](_.b[*](_.c))"),
    ("a.*.b.c", "a.*(_.b.c)"),
    ("a.*", "a.*(_)"),
    ("a.*.b[0]", "a.*(_.b)[0]"),
    ("a.*.b.0.c[1].d", "a.*(_.b[0].c)[1].d"),
    ("a.b.*.c", "a.b.*(_.c)"),
    ("a[*].b + 1", "(a[*](_.b) + 1)"),
    # calls
    ("f()", "f()"),
    ("f(1, a.b, [2])", "f(1, a.b, [2])"),
    ("f(a,)", "f(a)"),
    ("f(a, b...)", "f(a, b...)"),
    ("f(g(h(1)))", "f(g(h(1)))"),
    ("f\n(\n1\n,\n2\n)", "f(1, 2)"),
    ('provider::aws::arn_parse("x")', "provider::aws::arn_parse('x')"),
    ("a :: b (1)", "a::b(1)"),
    # collections
    ("[]", "[]"),
    ('[1, a.b, "c",]', "[1, a.b, 'c']"),
    ("[\n  1,\n\n  2 # two\n]", "[1, 2]"),
    ("{}", "{}"),
    ("{ a = 1, b : 2 }", "{a = 1, b = 2}"),
    ('{\n  a = 1\n\n  "b c" : 2, d = 3\n}', "{a = 1, 'b c' = 2, d = 3}"),
    ("{ (a) = 1, (a.b) = 2, a.b = 3, 4 = 5 }", "{<a> = 1, <a.b> = 2, a.b = 3, 4 = 5}"),
    ("{ true = 1, null = 2, false = 3 }", "{true = 1, null = 2, false = 3}"),
    ("{ a = 1, for = 2 }", "{a = 1, for = 2}"),
    ('{ "for" = 1 }', "{'for' = 1}"),
    ('{ "${a}-b" = { c = [] } }', "{'${a}-b' = {c = []}}"),
    # for expressions
    ("[for v in a : v]", "[for v in a: v]"),
    ("[for k, v in a.b : f(k, v) if v != null]", "[for k, v in a.b: f(k, v) if (v != null)]"),
    ("{for k, v in a : k => v}", "[for k, v in a: k => v]"),
    ("{for v in a : v.b => v.c... if v.d}", "[for v in a: v.b => v.c... if v.d]"),
    ("{\n  # comment\n  for k, v in { a = 1 } :\n  k => v\n  if v > 0\n}", "[for k, v in {a = 1}: k => v if (v > 0)]"),
    ("[for a in b ? c : d : e]", "[for a in (b ? c : d): e]"),
    ("[for x in [for y in z : y] : { for k, v in x : k => v }]", "[for x in [for y in z: y]: [for k, v in x: k => v]]"),
    ("[for_each, format]", "[for_each, format]"),
    # templates
    ('""', "''"),
    ('"${a}"', "'${a}'"),
    ('"a${b}c${"d${e}"}"', "'a${b}c${'d${e}'}'"),
    ('"${ { a = 1 }["a"] }"', "'${{a = 1}['a']}'"),
    ('"${\n a\n}"', "'${a}'"),
    # names
    ("ключ.é-1", "ключ.é-1"),
    ("_a", "_a"),
    ("a-1", "a-1"),
    ("a -1", "(a - 1)"),
    # comments are white space
    ("a /* b */ + /* c\n d */ 1 # e", "(a + 1)"),
    ("( // x\n a # y\n )", "<a>"),
]


@pytest.mark.parametrize(("text", "expected"), PUT_TOGETHER, ids=[text for text, _ in PUT_TOGETHER])
def test_how_expressions_are_put_together(text: str, expected: str) -> None:
    """Precedence, associativity and the reach of each form are those of HashiCorp's specification."""
    assert shown(read(text)) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("007", 7),
        ("12345678901234567890123", 12345678901234567890123),
        ("1.5", Decimal("1.5")),
        ("2.0", 2),
        ("1e3", 1000),
        ("1E+2", 100),
        ("15e-1", Decimal("1.5")),
        ("1e400", 10**400),
        ("1e999999", Decimal("1e999999")),
        ("9" * 5000, Decimal("9" * 5000)),
        ("true", True),
        ("false", False),
        ("null", None),
    ],
    ids=str,
)
def test_literals(text: str, value: object) -> None:
    """Whole numbers are `int` however they are written, others exact decimals; what would fill the memory stays a decimal."""
    literal = read(text)
    assert isinstance(literal, n.Literal)
    assert literal.value == value
    assert type(literal.value) is type(value)


def test_a_constant_as_key_is_a_name() -> None:
    """`{ true = 1 }` has the key `true`, a text."""
    tree = read("{ true = 1 }")
    assert isinstance(tree, n.ObjectExpr)
    assert tree.items[0].key == n.Variable(2, 6, "true")


def test_places_of_nodes() -> None:
    """A node stands from its first to its last character; inside a splat the item is the marker."""
    text = 'f( a.b[0] , "x${ c }" )[*].d ? -e : [ 1 ]'
    tree = read(text)
    assert isinstance(tree, n.Conditional)
    splat, negative, items = tree.condition, tree.then, tree.otherwise
    assert isinstance(splat, n.Splat)
    assert isinstance(splat.of, n.Call)
    index, template = splat.of.arguments
    assert isinstance(template, n.Template)
    assert isinstance(splat.each, n.GetAttr)
    places = [tree, splat, splat.of, index, template, *template.parts, splat.each, splat.each.of, negative, items]
    assert [text[node.start : node.end] for node in places] == [
        text,
        'f( a.b[0] , "x${ c }" )[*].d',
        'f( a.b[0] , "x${ c }" )',
        "a.b[0]",
        '"x${ c }"',
        "x",
        "${ c }",
        "[*].d",
        "[*]",
        "-e",
        "[ 1 ]",
    ]


def test_a_slice_of_a_file_is_read_in_its_place() -> None:
    """Offsets and problems of a part of a text are those of the whole text; line ends do not count."""
    source = Source("x.tf", "a = (\n b\n)\nc = 1 +\n")
    expression, problems = parse_expression(source, 6, 8)
    assert (expression, problems) == (n.Variable(7, 8, "b"), [])
    expression, problems = parse_expression(source, 15, len(source.text))
    assert isinstance(expression, n.Missing)
    assert [(p.line, p.column, p.message) for p in problems] == [(5, 1, "expected an expression, found the end of the file")]


REFUSED = [
    ("", 1, "expected an expression, found the end of the file"),
    ("1 2", 3, "expected the end of the expression, found a number"),
    ("a.", 3, "expected a name after the dot, found the end of the file"),
    ("a.0.1", 3, "two indexes in a row stand in brackets, like [0][1]"),
    ("1.2.3", 1, "this is not a number; it has more than one dot"),
    ("a.*.b.*", 7, "`.*` cannot stand inside another `.*`; write `[*]`"),
    ("[1 2]", 4, "expected `,` or `]` after the element, found a number"),
    ("f(1 2)", 5, "expected `,` or `)` after the argument, found a number"),
    ("f(a..., b)", 7, "expected `)` after `...`, found `,`"),
    ("{ a }", 5, "expected `=` and a value after the key, found `}`"),
    ("{ a = 1 b = 2 }", 9, "expected a new line, `,` or `}` after the value, found a name"),
    ("a ? b", 6, "expected `:` and the other result of the condition, found the end of the file"),
    ("[for, a]", 5, "expected the name of a variable after `for` in the for expression, found `,`"),
    ("[for a : b]", 8, "expected `in` and a collection after the names of the variables, found `:`"),
    ("[for a in b : a => c]", 17, "a for expression in `[ ]` has no keys; write it in `{ }`"),
    ("{for a in b : a}", 16, "expected `=>` and a value: a for expression in `{ }` has keys, found `}`"),
    ("[for a in b : a...]", 16, "`...` groups by key; a for expression in `[ ]` has no keys"),
    ("a & b", 3, "`&` is no operator; use `&&`"),
    ("'a'", 1, 'single quotes do not make a string; use double quotes (")'),
    ("${a}", 1, "a reference stands without `${ }` outside of a string"),
    ("“a”", 1, 'a curly quote does not make a string; use a straight double quote (")'),
    ("a::b", 5, "expected `(` after the name of the function, found the end of the file"),
    ('"a${b"', 3, "this `${` is not closed; add `}` (a literal `${` is written `$${`)"),
    ('"a${b c}"', 7, "expected `}` after the expression, found a name"),
    ('"\\q"', 2, 'after `\\` stands one of n, r, t, ", \\, u, U; write `\\\\` for a backslash itself'),
    ('"\\u12"', 2, "`\\u` is followed by 4 hexadecimal digits"),
    ('"\\U0011FFFF"', 2, "there is no character with this number"),
    ('"\\uD800"', 2, "there is no character with this number"),
    ('"%{ if a }"', 2, "this `%{ if }` is not closed; add `%{ endif }`"),
    ('"%{ endfor }"', 2, "`%{ endfor }` belongs to nothing; remove it, or add `%{ for … }` before it"),
    (
        '"%{ if a }%{ else }%{ else }%{ endif }"',
        20,
        "`%{ else }` belongs to nothing; an `if` has one `else`, before its `endif`",
    ),
    ("<<EOT\na\n", 1, "this `<<` is not closed; add its marker, alone on a line"),
    ('<<"EOT"\na\nEOT\n', 1, "behind `<<` or `<<-` stands a marker without quotes, and nothing else in the line"),
    ("a[\n*]", 2, "`[*]` cannot stand on more than one line"),
    ("(" * 200 + "1" + ")" * 200, 101, "nested deeper than 100 levels; name parts of it as locals"),
    ("1" + "+1" * 500, 802, "more than 400 operators in a row; name parts of it as locals"),
]


@pytest.mark.parametrize(("text", "column", "message"), REFUSED, ids=[text[:40] for text, _, _ in REFUSED])
def test_what_is_no_expression(text: str, column: int, message: str) -> None:
    """One problem, at the first character that cannot stand there or at what is not closed; the expression is Missing."""
    expression, problems = parse_expression(Source("x.tf", text))
    assert isinstance(expression, n.Missing)
    assert [(p.level, p.code, p.column, p.message) for p in problems] == [("error", "hcl-syntax", column, message)]


def test_nodes_weigh_nothing_for_the_garbage_collector() -> None:
    """A tree has no cycles: its nodes are not tracked, so that collections stay cheap however many files are read."""
    assert not [kind for kind in vars(n).values() if isinstance(kind, type) and issubclass(kind, n.Node) and _tracked(kind)]


def _tracked(kind: type[msgspec.Struct]) -> bool:
    return bool(kind.__struct_config__.gc)
