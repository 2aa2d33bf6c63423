"""The mapping words, each with what it makes of what is written, unknown or undecided."""

from __future__ import annotations

import pytest
from made_units import choice, declare, ref, switch, text, value, var

from kmsguard.kinds.mapping import Scope, follow, plain, select, typed
from kmsguard.kinds.reading import Reader
from kmsguard.kinds.table import Attribute
from kmsguard.kinds.words import Words, split_path
from kmsguard.model.guard import World, decide
from kmsguard.model.source import Source, Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Choice, Step, Text, Unknown, Value, resolve_deep
from kmsguard.syntax.plain import read_plain


def word(source: str, type_: str = "string"):
    """A word as a kind file writes it."""
    reader = Reader()
    document, problems = read_plain(Source("kind.yaml", f"w: {source}\n"))
    assert document is not None
    assert problems == []
    found = Words(reader).word(document.members["w"], type_)
    assert reader.problems == []
    return found


def taken(source: str, body: object, type_: str = "string"):
    """What a word takes from a body."""
    problems: list = []
    declaration = declare("aws_x.a", body)
    found = select(word(source, type_), Scope(declaration, declaration.body, problems))
    assert problems == []
    return found


def data(found: Value) -> object:
    """A value as plain Python data, Unknowns as `?`."""
    if isinstance(found.data, tuple):
        return [data(item) for item in found.data]
    if isinstance(found.data, dict):
        return {name: data(item) for name, item in found.data.items()}
    if isinstance(found.data, Text):
        return found.data.known or "?"
    return "?" if isinstance(found.data, Unknown) else found.data


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("a.b[].c", ("a", "b", "[]", "c")),
        ("a[][].c", ("a", "[]", "[]", "c")),
        ("a[0].b", ("a", "[0]", "b")),
        ("a[name=rds.force_ssl].value", ("a", "[name=rds.force_ssl]", "value")),
        (".", ()),
        ("", None),
        ("a.", None),
        ("a..b", None),
        ("[]", None),
        ("a[x]", None),
        ("a[", None),
    ],
)
def test_path_syntax(path: str, steps: tuple[str, ...] | None) -> None:
    """A path is names with dots between them, and `[]`, `[0]`, `[Key=x]` after a name."""
    assert split_path(path) == steps


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("a.b", {"a": {"b": 1}}, 1),
        ("a.b", {"a": [{"b": 1}]}, 1),  # a block that cannot be repeated
        ("a.b", {"a": []}, ABSENT),
        ("a.b", {"a": None}, ABSENT),
        ("a.b", {}, ABSENT),
        ("a.b", {"a": "text"}, ABSENT),
        ("a.b", {"a": [{"b": 1}, {"b": 2}]}, "?"),  # which one is meant?
        ("'a[].b'", {"a": [{"b": 1}, {"c": 0}, {"b": 2}]}, [1, 2]),
        ("'a[].b'", {"a": {"b": 1}}, [1]),
        ("'a[].b'", {}, ABSENT),
        ("'a[].b'", {"a": []}, []),
        ("'a[].b[].c'", {"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": {"c": 3}}]}, [1, 2, 3]),
        ("'a[1]'", {"a": ["x", "y"]}, "y"),
        ("'a[2]'", {"a": ["x", "y"]}, ABSENT),
        ("'a[Key=k].Value'", {"a": [{"Key": "j", "Value": 1}, {"Key": "k", "Value": 2}]}, 2),
        ("'a[Key=k].Value'", {"a": [{"Key": "j", "Value": 1}]}, ABSENT),
        ("'a[Key=k].Value'", {"a": [{"Key": var("var.k"), "Value": 1}]}, "?"),
        ("'a.b'", {"a": var("var.a")}, "?"),
        ("'a[].b'", {"a": var("var.a")}, "?"),
    ],
)
def test_path(path: str, body: dict[str, object], expected: object) -> None:
    """A path finds what stands there; in what is not known it finds something not known."""
    assert data(taken(path, body)) == expected


def test_path_into_an_undecided_list() -> None:
    """A list that hangs on a condition yields a list in each of its branches."""
    found = taken("'a[].b'", {"a": choice("var.x", [{"b": 1}, {"b": 2}], [{"b": 3}])})

    for holds, expected in ((True, [1, 2]), (False, [3])):
        world = World().assume(switch("var.x"), holds)
        assert world is not None
        assert data(resolve_deep(found, world)) == expected


def test_path_joins_lists_that_hang_on_conditions() -> None:
    """Lists inside undecided elements are joined in every combination that can happen."""
    body = {"a": [{"b": choice("var.x", [1], [])}, {"b": choice("var.x", [2, 3], [4])}]}
    found = taken("'a[].b[]'", body)

    assert isinstance(found.data, Choice)
    assert len(found.data.branches) == 2
    world = World().assume(switch("var.x"), True)
    assert world is not None
    assert data(resolve_deep(found, world)) == [1, 2, 3]


def test_path_inside_a_reference_stays_symbolic() -> None:
    """What is taken from a symbolic value is the attribute inside it."""
    found = follow(ref("data.x.y.z"), ("a", "b"))

    assert found.target is not None
    assert found.target.attribute == "z.a.b"


@pytest.mark.parametrize(
    ("source", "body", "expected"),
    [
        ("[a, b]", {"b": 2}, 2),
        ("[a, b]", {"a": 1, "b": 2}, 1),
        ("[a, b]", {}, ABSENT),
        ("{const: x}", {}, "x"),
        ("{path: a, values: {Enabled: true, Disabled: false}}", {"a": "Enabled"}, True),
        ("{path: a, values: {Enabled: true}}", {"a": "Other"}, "Other"),
        ("{path: a, values: {Enabled: true}, else: false}", {"a": "Other"}, False),
        ("{path: a, values: {true: Enabled}}", {"a": True}, "Enabled"),
        ("{path: a, values: {Enabled: true}}", {"a": var("var.a")}, "?"),
        ("{path: a, values: {Enabled: true}}", {}, ABSENT),
        ("{path: a, values: {x: y}}", {"a": ["x", "z"]}, ["y", "z"]),
        ("{path: a, default: none}", {}, "none"),
        ("{path: a, default: none}", {"a": 1}, 1),
        ("{not: a}", {"a": True}, False),
        ("{not: a}", {"a": "false"}, True),
        ("{not: a}", {}, ABSENT),
        ("{present: a}", {"a": [{}]}, True),
        ("{present: a}", {"a": {}}, True),
        ("{present: a}", {"a": []}, ABSENT),
        ("{present: a}", {"a": ""}, ABSENT),
        ("{present: a}", {}, ABSENT),
        ("{present: a}", {"a": ref("aws_kms_key.k.arn")}, True),
        ("{present: a}", {"a": var("var.a")}, "?"),
        ("{items: 'a[]', fields: {n: name, d: {const: 1}}}", {"a": [{"name": "x"}, {}]}, [{"n": "x", "d": "1"}, {"d": "1"}]),
        ("{items: a, fields: {n: name}}", {"a": {"name": "x"}}, [{"n": "x"}]),
        ("{items: a, fields: {n: name}}", {"a": var("var.a")}, "?"),
        ("{items: a, fields: {n: name}}", {}, ABSENT),
        ("{pairs: a, key: Key, value: Value}", {"a": [{"Key": "k", "Value": 1}]}, {"k": 1}),
        ("{pairs: a, key: Key, value: Value}", {"a": {"k": 1}}, {"k": 1}),
        ("{pairs: a, key: Key, value: Value}", {"a": [{"Key": var("var.k"), "Value": 1}]}, "?"),
        ("{pairs: a, key: Key, value: Value}", {"a": [{"Key": "k", "Value": var("var.v")}]}, {"k": "?"}),
        ("{together: [a, b]}", {"a": [1], "b": [2]}, [1, 2]),
        ("{together: [a, b]}", {"b": [2]}, [2]),
        ("{together: [a, b]}", {}, ABSENT),
        ("{together: [a, b]}", {"a": var("var.a"), "b": [2]}, ["?", 2]),
        ("{json: a}", {"a": {"x": [1]}}, {"x": [1]}),
        ("{json: a}", {"a": '{"x": [1]}'}, {"x": [1]}),
        ("{json: a, at: x.y}", {"a": '{"x": {"y": 1}}'}, 1),
        ("{json: a}", {"a": ""}, ABSENT),
        ("{json: a}", {"a": var("var.a")}, "?"),
        ("{json: 'a[].p'}", {"a": [{"p": "{}"}, {"p": {"x": 1}}]}, [{}, {"x": 1}]),
    ],
)
def test_word(source: str, body: dict[str, object], expected: object) -> None:
    """Each word makes of a body what docs/adding-a-service.md says."""
    assert data(taken(source, body)) == expected


def test_default_of_a_branch() -> None:
    """Where an argument is absent in one branch of a condition only, the default stands in that branch."""
    absent = Value(ABSENT)
    found = taken("{path: a, default: none}", {"a": choice("var.x", "written", absent)})

    for holds, expected in ((True, "written"), (False, "none")):
        world = World().assume(switch("var.x"), holds)
        assert world is not None
        assert resolve_deep(found, world).data == expected


def test_first_of_fills_a_branch() -> None:
    """The second word stands where the first one yields nothing, also in one branch only."""
    found = taken("[a, b]", {"a": choice("var.x", 1, Value(ABSENT)), "b": 2})

    world = World().assume(switch("var.x"), False)
    assert world is not None
    assert resolve_deep(found, world).data == 2


def test_prefix() -> None:
    """A name of which only the beginning is written is not known, but how it begins is."""
    found = taken("{prefix: a}", {"a": "app-"})

    assert isinstance(found.data, Unknown)
    assert found.data.prefix == "app-"
    assert found.data.not_null


def test_self() -> None:
    """A declaration refers to itself as its language does."""
    found = taken("{self: arn}", {})

    assert found.target is not None
    assert (found.target.address, found.target.attribute) == ("aws_x.a", "arn")


def test_bad_json_is_a_problem() -> None:
    """A text that is not JSON is told, and what it holds is not known."""
    problems: list = []
    declaration = declare("aws_x.a", {"a": "{"})
    found = select(word("{json: a}"), Scope(declaration, declaration.body, problems))

    assert isinstance(found.data, Unknown)
    assert [problem.level for problem in problems] == ["error"]


@pytest.mark.parametrize(
    ("type_", "written", "expected"),
    [
        ("bool", "true", True),
        ("bool", "True", True),
        ("bool", "false", False),
        ("bool", False, False),
        ("bool", "yes", "?"),
        ("bool", var("var.a"), "?"),
        ("bool", text("${", var("var.a")), "?"),
        ("bool", None, ABSENT),
        ("int", "30", 30),
        ("int", 30, 30),
        ("int", 30.0, 30),
        ("int", "x", "?"),
        ("int", True, "?"),
        ("string", 30, "30"),
        ("string", True, "true"),
        ("string", "", ""),
        ("ref", "", ABSENT),
        ("ref", "x", "x"),
        ("list", "x", ["x"]),
        ("list", ["x"], ["x"]),
        ("map", {"a": 1}, {"a": 1}),
        ("policy", {"a": 1}, {"a": 1}),
    ],
)
def test_type(type_: str, written: object, expected: object) -> None:
    """A value becomes what its attribute's type says; what cannot is not known."""
    assert data(typed(value(written), Attribute(type=type_))) == expected


def test_type_of_elements() -> None:
    """Elements of lists and members of maps have types of their own."""
    listed = typed(value(["1", 2]), Attribute(type="list", of=("int", {})))
    fields = typed(
        value([{"on": "true", "n": "3", "x": "true"}]), Attribute(type="list", of=("map", {"on": "bool", "n": "int"}))
    )
    members = typed(value({"a": 1}), Attribute(type="map", of=("string", {})))

    assert data(listed) == [1, 2]
    assert data(fields) == [{"on": True, "n": 3, "x": "true"}]
    assert data(members) == {"a": "1"}


def test_text_that_hangs_on_a_condition() -> None:
    """A text with an undecided hole is one text in each branch."""
    found = typed(text("app-", choice("var.x", "a", "b")), Attribute(type="string"))

    assert isinstance(found.data, Choice)
    assert [branch.value.text for branch in found.data.branches] == ["app-a", "app-b"]


def test_absent_branch_keeps_its_guard() -> None:
    """An argument that is absent under a condition stays absent under that condition."""
    found = typed(choice("var.x", Value(ABSENT), "true"), Attribute(type="bool"))

    assert isinstance(found.data, Choice)
    world = World().assume(switch("var.x"), True)
    assert world is not None
    absent = [branch for branch in found.data.branches if branch.value.data is ABSENT]
    assert [decide(branch.guard, world) for branch in absent] == [Truth.YES]


def test_plain_data_keeps_types() -> None:
    """Constants and defaults of kind files are what the attribute's type made of them."""
    assert data(plain({"a": [True, 1, "x"]})) == {"a": [True, 1, "x"]}


def test_elements_of_a_list_from_elsewhere_stand_where_it_is_used():
    """A list that a parameter gives is used at one line of the block; what is written there element by element is not moved."""
    used, default = Span("template.yaml", 9, 5, 9, 20), Span("template.yaml", 3, 5, 3, 30)
    given = Value((Value("444455556666", default, default),), default, used, Step("parameter default", "Partners", default))
    written = Value((Value("777788889999", used, used),), used)
    rules = Value((Value({"accounts": given}), Value({"accounts": written})))
    found = follow(Value({"rules": rules}), ("rules", "[]", "accounts", "[]"))
    assert [(item.data, item.where) for item in found.items] == [("444455556666", used), ("777788889999", used)]
    assert found.items[0].trail == given.trail
    assert found.items[1].trail is None
