"""What small templates can ask for without end: it is bounded, quickly, and the rest is read."""

import json
import time

import pytest

from kmsguard.cloudformation import read
from kmsguard.model.declaration import Unit, UnitSettings, UnitSource
from kmsguard.model.value import Text, Value


def nested(function, depth, innermost="x"):
    """A value inside the same function again and again."""
    value = innermost
    for number in range(depth):
        value = json.loads(json.dumps(function(value)).replace("NUMBER", str(number)))
    return value


def topic(value, **sections):
    """A template in which a value names a topic."""
    open_parameters = {f"P{number}": {"Type": "String"} for number in range(60)}
    conditions = {f"C{number}": {"Fn::Equals": [{"Ref": f"P{number}"}, "yes"]} for number in range(60)}
    resources = {
        "T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": value}},
        "K": {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": True}},
    }
    return json.dumps({"Parameters": open_parameters, "Conditions": conditions, "Resources": resources, **sections})


def unit_of(text: str, path: str = "t.json") -> Unit:
    """A template that comes from standard input."""
    return read(UnitSource(path, "cloudformation", UnitSettings(), text=text))


def name_of(unit: Unit) -> Value:
    """What the topic is called."""
    return next(d for d in unit.declarations if d.address == "T").body.members["TopicName"]


def size(value: Value) -> int:
    """How many characters and holes a text has."""
    data = value.data
    return sum(map(size, data.pieces)) if isinstance(data, Text) else len(data) if isinstance(data, str) else 1


DOUBLED = {
    "quotes, escaped again and again": nested(lambda v: {"Fn::ToJsonString": {"a": v}}, 60, 'a"b'),
    "a variable that stands twice": nested(lambda v: {"Fn::Sub": ["${a}-${a}", {"a": v}]}, 60),
    "an open one": nested(lambda v: {"Fn::Sub": ["${a}-${a}", {"a": v}]}, 60, {"Ref": "P0"}),
    "one that hangs on a condition": nested(lambda v: {"Fn::Sub": ["${a}-${a}", {"a": v}]}, 60, {"Fn::If": ["C0", "a", "b"]}),
    "base64 of base64": nested(lambda v: {"Fn::Base64": v}, 90),
}


@pytest.mark.parametrize("value", DOUBLED.values(), ids=DOUBLED)
def test_a_text_that_grows_of_itself_is_unknown(value):
    """A text is never longer than a template may be: two sentences could ask for 2^60 characters."""
    started = time.perf_counter()
    unit = unit_of(topic(value))
    assert size(name_of(unit)) <= 1_000_000
    assert unit.problems == ()
    assert [d.address for d in unit.declarations if d.mode == "managed"] == ["T", "K"]
    assert time.perf_counter() - started < 5


ASKED_AGAIN = {
    "a default, asked for in each branch of the key": nested(
        lambda v: {"Fn::FindInMap": ["M", {"Fn::If": ["C0", "a", "b"]}, "k", {"DefaultValue": v}]}, 30
    ),
    "a condition that is written where it is asked, not under Conditions": nested(
        lambda v: {"Fn::If": [{"Fn::Equals": [{"Ref": "PNUMBER"}, v]}, "a", "b"]}, 30, {"Ref": "P0"}
    ),
}


@pytest.mark.parametrize("value", ASKED_AGAIN.values(), ids=ASKED_AGAIN)
def test_what_is_asked_for_again_is_not_evaluated_again(value):
    """What nests costs what it is long, not two to the depth."""
    started = time.perf_counter()
    unit = unit_of(topic(value, Mappings={"M": {"z": {"k": "y"}}}))
    assert [d.address for d in unit.declarations if d.mode == "managed"] == ["T", "K"]
    assert time.perf_counter() - started < 5


def test_sixty_conditions_on_one_property_are_read():
    """`Fn::If` may nest as deep as people nest it."""
    unit = unit_of(topic(nested(lambda v: {"Fn::If": ["CNUMBER", "nNUMBER", v]}, 60)))
    assert unit.problems == ()


def test_files_that_include_one_another_twice_are_cut_off(tmp_path, monkeypatch):
    """Twenty-five small files can ask for 2^25 copies of the last one."""
    monkeypatch.chdir(tmp_path)
    for number in range(25):
        include = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": f"f{number + 1}.json"}}}
        (tmp_path / f"f{number}.json").write_text(json.dumps({"a": include, "b": include}))
    (tmp_path / "f25.json").write_text('{"x": "y"}')
    include = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "f0.json"}}}
    (tmp_path / "t.json").write_text(topic("name", Metadata={}).replace('"name"', json.dumps(include)))
    started = time.perf_counter()
    unit = read(UnitSource("t.json", "cloudformation", UnitSettings()))
    assert {problem.code for problem in unit.problems} == {"template-too-large"}
    assert [d.address for d in unit.declarations if d.mode == "managed"] == ["T", "K"]
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("Resources:\n  My-Topic: {Type: AWS::SNS::Topic}\n", 2, "My-Topic in Resources is not of letters and digits"),
        (f"Resources:\n  {'T' * 256}: {{Type: AWS::SNS::Topic}}\n", 2, "in Resources is longer than 255 characters"),
        ("Outputs: {a_b: {Value: x}}\nResources: {T: {Type: AWS::SNS::Topic}}\n", 1, "a_b in Outputs"),
        (f"Description: {'d' * 1025}\nResources: {{T: {{Type: AWS::SNS::Topic}}}}\n", 1, "the description is longer than 1024"),
        (
            f"Parameters: {{P: {{Type: String, Default: {'x' * 4097}}}}}\nResources: {{T: {{Type: AWS::SNS::Topic}}}}\n",
            1,
            "the default of the parameter P is longer than 4096 bytes",
        ),
    ],
)
def test_names_and_texts_beyond_the_limits_of_the_service(text, line, said):
    """What CloudFormation refuses for its name or length is told where it stands, and judged all the same."""
    unit = unit_of(text, "t.yaml")
    (problem,) = unit.problems
    assert (problem.level, problem.code, problem.line) == ("warning", "template-limits", line)
    assert said in problem.message
    assert any(d.type == "AWS::SNS::Topic" for d in unit.declarations)


def test_of_a_key_that_stands_twice_both_places_are_told():
    """In a template of one line the line alone leads nowhere."""
    (problem,) = unit_of('{"Resources": {"T": {"Type": "AWS::SNS::Topic"}, "T": {"Type": "AWS::SQS::Queue"}}}').problems
    assert (problem.code, problem.line, problem.column) == ("duplicate-key", 1, 50)
    assert "first in column 16 of this line" in problem.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x-shared: {a: b}\nResources: {T: {Type: AWS::SNS::Topic}}\n", "x-shared is no section of a template"),
        ("Resources: {T: {Type: AWS::SNS::Topic, TopicName: t}}\n", "TopicName of T stands beside its Properties"),
        ("Resources: {T: {Type: AWS::SNS::Topic, Description: d, Version: 1}}\n", None),
        ("Transform: Mine\nResources: {T: {Type: AWS::SNS::Topic, Count: 3}}\n", "the macro Mine is not run"),
    ],
)
def test_keys_that_nothing_has(text, said):
    """A key that is none of a template's or resource's is told, unless a macro may take it away."""
    problems = unit_of(text, "t.yaml").problems
    assert [said in problem.message for problem in problems] == ([True] if said is not None else [])
