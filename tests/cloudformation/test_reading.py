"""What a template file becomes: bad input, conditions that hang together, and what must not take long."""

import itertools
import textwrap
import time

import pytest

from kmsguard.cloudformation import looks_like_template, read
from kmsguard.conditions.comparison import is_set
from kmsguard.model.declaration import Unit, UnitSettings, UnitSource
from kmsguard.model.guard import Atom, World, decide
from kmsguard.model.truth import Truth
from kmsguard.model.value import Target, Text, Unknown, Value, resolve_deep


def unit_of(text: str, settings: UnitSettings | None = None) -> Unit:
    """A template that comes from standard input."""
    return read(UnitSource("t.yaml", "cloudformation", settings or UnitSettings(), text=textwrap.dedent(text)))


def problems_of(unit: Unit) -> list[tuple[str, str, int]]:
    """The problems without their messages."""
    return [(p.level, p.code, p.line) for p in unit.problems]


def simple(value: Value):
    """A value without its history, as far as it is known."""
    data = value.data
    if isinstance(data, dict):
        return {name: simple(member) for name, member in data.items()}
    if isinstance(data, tuple):
        return [simple(item) for item in data]
    if isinstance(data, Text):
        return data.known if data.known is not None else [simple(piece) for piece in data.pieces]
    return (data.reference or data.reason) if isinstance(data, Unknown) else data


# --- bad input ---


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "not-a-template", 1),
        (b"a: b\n", "not-a-template", 1),
        (b"- a\n", "not-a-template", 1),
        (b"Resources:\n  A:\n  - b\n c: d\n", "yaml-syntax", 4),
        (b'{"Resources": {"A": {"Type" "x"}}}', "json-syntax", 1),
        (b"Resources: []\n", "template-invalid", 1),
        (b"Resources:\n  A: !Ref \xff\n", "not-utf8", 2),
    ],
)
def test_what_cannot_be_read_is_an_error(tmp_path, monkeypatch, content, code, line):
    """A file that is no template, or is not well written, is an error with its line; nothing is raised."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_bytes(content)
    unit = read(UnitSource("t.yaml", "cloudformation"))
    assert [(p.level, p.code, p.line) for p in unit.problems] == [("error", code, line)]
    assert unit.files == ("t.yaml",)


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ("Resources:\n", ["warning template-invalid 1"]),
        ("Resources: null\n", ["warning template-invalid 1"]),
        ("Resources: {}\n", ["warning template-invalid 1"]),
        ("Resources: text\n", ["error template-invalid 1"]),
        ("Conditions: [a]\n", ["error template-invalid 1"]),
        ("Outputs: null\n", []),
        (
            "Parameters:\n  A: {Type: [a]}\n  B: {Type: String, AllowedValues: x}\n",
            ["error template-invalid 2", "error template-invalid 3"],
        ),
        ("Mappings: {M: [a]}\n", ["error template-invalid 1"]),
    ],
)
def test_a_section_of_another_type_is_told(content, problems):
    """A section that is null is empty; one that is no map is an error, and the rest is judged."""
    rest = "" if content.startswith("Resources") else "Resources:\n  K: {Type: AWS::KMS::Key}\n"
    unit = read(UnitSource("t.yaml", "cloudformation", text=content + rest))
    assert [f"{p.level} {p.code} {p.line}" for p in unit.problems] == problems
    assert [d.address for d in unit.declarations if d.mode == "managed"] == (["K"] if rest else [])


def test_a_parameter_that_is_written_twice_and_once_is_no_map_is_told():
    """The entry that is no map is an error at its place, the other one is the parameter."""
    unit = unit_of("Parameters: {A: {Type: String, Default: x}, A: y}\nResources: {R: {Type: AWS::SNS::Topic}}\n")
    assert sorted(problems_of(unit)) == [("error", "template-invalid", 1), ("warning", "duplicate-key", 1)]
    assert [declaration.address for declaration in unit.declarations] == ["A", "R"]


def test_a_look_up_that_fails_is_told_wherever_it_stands():
    """What a mapping holds is kept for the next look-up; what it does not hold is told at each."""
    unit = unit_of("""
        Mappings: {M: {a: {b: c}}}
        Resources:
          R:
            Type: AWS::SNS::Topic
            Properties:
              TopicName: !FindInMap [M, a, b]
              DisplayName: !FindInMap [M, a, b]
              KmsMasterKeyId: !FindInMap [M, a, x]
              Subscription: !FindInMap [M, a, x]
        """)
    assert problems_of(unit) == [("warning", "unresolved-reference", 9), ("warning", "unresolved-reference", 10)]
    members = unit.declarations[0].body.members
    assert [members[name].text for name in ("TopicName", "DisplayName")] == ["c", "c"]
    assert [members[name].where.start_line for name in members] == [7, 8, 9, 10]


def test_merge_keys_that_multiply_are_told_once():
    """Maps merged again and again are read up to a bound; the sound resource beside them is judged."""
    more = [
        f"x{n}: &x{n} {{<<: [*x{n - 1}, *x{n - 1}], c{n}: *x{n - 1}, d{n}: *x{n - 1}, e{n}: *x{n - 1}}}" for n in range(1, 20)
    ]
    text = "\n".join(
        [
            "x0: &x0 {a: 1, b: 2}",
            *more,
            "Resources:",
            "  K: {Type: AWS::KMS::Key, Properties: *x19}",
            "  L: {Type: AWS::KMS::Key}",
            "",
        ]
    )
    unit = read(UnitSource("t.yaml", "cloudformation", text=text))
    assert [p.code for p in unit.problems] == ["yaml-syntax"]
    assert "L" in [d.address for d in unit.declarations]


def test_a_template_that_contains_itself_over_others_is_told(tmp_path, monkeypatch):
    """However a path leads to a template, it is the same one."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, location in (("a", "b.yaml"), ("b", "./c.yaml"), ("c", "../stacks/a.yaml")):
        stack = f"{{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: {location}}}}}"
        (folder / f"{name}.yaml").write_text(f"Resources:\n  N: {stack}\n  K: {{Type: AWS::KMS::Key}}\n")
    unit = read(UnitSource("a.yaml", "cloudformation", boundary=str(tmp_path)))
    assert [(p.code, p.file, p.line) for p in unit.problems] == [("template-cycle", "c.yaml", 2)]
    assert [d.address for d in unit.declarations] == ["N", "N.N", "N.N.N", "N.N.K", "N.K", "K"]


def test_a_missing_file_is_an_error(tmp_path, monkeypatch):
    """A template that is not there yields a unit with a problem."""
    monkeypatch.chdir(tmp_path)
    unit = read(UnitSource("t.yaml", "cloudformation"))
    assert [(p.level, p.code) for p in unit.problems] == [("error", "unreadable")]


def test_of_a_broken_file_what_stands_before_the_error_is_read():
    """A syntax error keeps the resources above it."""
    unit = unit_of("""\
        Resources:
          Good:
            Type: AWS::KMS::Key
            Properties:
              EnableKeyRotation: true
          Bad:
            Type: "AWS::KMS::Key
        """)
    assert problems_of(unit) == [("error", "yaml-syntax", 8)]
    assert [d.address for d in unit.declarations] == ["Good"]
    assert simple(unit.declarations[0].body) == {"EnableKeyRotation": True}


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_byte_order_mark_and_line_ends_do_not_move_places(tmp_path, monkeypatch, start, end):
    """Columns and lines are the same with a BOM and with CRLF."""
    monkeypatch.chdir(tmp_path)
    lines = [b"Resources:", b"  Key:", b"    Type: AWS::KMS::Key", b"    Properties: {Description: x}"]
    (tmp_path / "t.yaml").write_bytes(start + end.join(lines) + end)
    unit = read(UnitSource("t.yaml", "cloudformation"))
    assert not unit.problems
    span = unit.declarations[0].body.members["Description"].span
    assert span is not None
    assert (span.start_line, span.start_column, span.end_column) == (4, 31, 32)


def test_a_nested_template_outside_of_the_checkout_is_not_read(tmp_path, monkeypatch):
    """A TemplateURL that leads out of the boundary is a warning, and its outputs are unknown."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out.yaml").write_text("Resources: {K: {Type: AWS::KMS::Key}}\n", encoding="utf-8")
    (tmp_path / "in" / "t.yaml").write_text(
        "Resources:\n  N:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: ../out.yaml}\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path / "in")
    unit = read(UnitSource("t.yaml", "cloudformation"))
    assert problems_of(unit) == [("warning", "template-not-found", 4)]
    assert [d.address for d in unit.declarations] == ["N"]


def test_a_parameter_file_may_lie_anywhere_and_must_be_one(tmp_path, monkeypatch):
    """A parameter file outside of the checkout is read; one that is none is an error at its place."""
    (tmp_path / "given.json").write_text('[{"ParameterKey": "A", "ParameterValue": "x"}, 7]', encoding="utf-8")
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    text = "Parameters: {A: {Type: String}}\nResources: {T: {Type: AWS::SNS::Topic, Properties: {Name: !Ref A}}}\n"
    settings = UnitSettings(parameter_files=("../given.json", "../none.json"))
    unit = read(UnitSource("t.yaml", "cloudformation", settings, text=text))
    assert [(p.level, p.code, p.file) for p in unit.problems] == [
        ("error", "parameter-file", "../given.json"),
        ("error", "unreadable", "../none.json"),
    ]
    assert unit.declarations[-1].body.members["Name"].data == "x"


def test_a_value_that_is_not_allowed_is_a_warning():
    """CloudFormation would refuse it; it still decides."""
    text = """\
        Parameters: {A: {Type: String, AllowedValues: [x, y]}}
        Resources: {T: {Type: AWS::SNS::Topic, Properties: {Name: !Ref A}}}
        """
    unit = unit_of(text, UnitSettings(variables=(("A", "z"),)))
    assert problems_of(unit) == [("warning", "parameter-not-allowed", 1)]
    assert unit.declarations[-1].body.members["Name"].data == "z"


def test_more_allowed_values_than_branches_are_kept_as_such():
    """Above sixteen allowed values a parameter is unknown, and is known to be one of them."""
    names = [f"v{number}" for number in range(20)]
    unit = unit_of(f"""\
        Parameters: {{A: {{Type: String, AllowedValues: [{", ".join(names)}]}}}}
        Conditions:
          Three: !Equals [!Ref A, v3]
          Never: !Equals [!Ref A, w]
        Resources:
          T: {{Type: AWS::SNS::Topic, Condition: Three, Properties: {{Name: !Ref A}}}}
          U: {{Type: AWS::SNS::Topic, Condition: Never}}
        """)
    topic = unit.declarations[-1]
    assert topic.address == "T"
    data = topic.body.members["Name"].data
    assert isinstance(data, Unknown)
    assert data.allowed == tuple(names)
    assert decide(topic.exists, World({Atom("t.yaml", "A", "v3", tuple(names)): True})) is Truth.YES


# --- what is symbolic ---


def test_symbols_are_named_with_their_stack(tmp_path, monkeypatch):
    """Ref is the attribute Ref, nested resources have their stack's name before theirs, exports an address of their own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "n.yaml").write_text("Resources: {K: {Type: AWS::KMS::Key}}\nOutputs: {A: {Value: !GetAtt K.Arn}}\n", "utf-8")
    unit = unit_of("""\
        Resources:
          N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: n.yaml}}
          T:
            Type: AWS::SNS::Topic
            Properties: {Key: !GetAtt N.Outputs.A, Self: !Ref T, Import: !ImportValue x, Stack: !Ref AWS::StackName}
        """)
    members = next(d for d in unit.declarations if d.address == "T").body.members
    assert {name: value.target for name, value in members.items()} == {
        "Key": Target("N.K", "Arn"),
        "Self": Target("T", "Ref"),
        "Import": Target("export:x", ""),
        "Stack": Target("AWS::StackName", "Ref"),
    }


def test_pieces_of_a_text_stand_where_they_are_written():
    """Each piece of a text has its place in the template, in order; what comes from a parameter where it comes in."""
    text = textwrap.dedent("""\
        Parameters: {A: {Type: String, Default: x}}
        Resources:
          T:
            Type: AWS::SNS::Topic
            Properties:
              Policy: !Sub |
                {
                  "Id": "${A}-\\u0041",
                  "Arn": "${T.TopicArn}"
                }
              Joined: !Join ["/", [a, !Ref A, !Sub "b${A}"]]
        """)
    unit = unit_of(text)
    members = unit.declarations[-1].body.members
    source = unit.sources["t.yaml"]

    def slices(name: str) -> list[str]:
        data = members[name].data
        assert isinstance(data, Text)
        return [source.slice(piece.span) for piece in data.pieces if piece.span is not None]

    assert slices("Policy") == ["{\n", '  "Id": "', "${A}", '-\\u0041",\n', '  "Arn": "', "${T.TopicArn}", '"\n', "}\n"]
    assert slices("Joined") == ["a", "!Ref A", "b", "${A}"]


# --- conditions ---

CORRELATED = """\
Parameters:
  Env: {Type: String, AllowedValues: [dev, test, prod]}
  Encrypt: {Type: String, AllowedValues: ["true", "false"]}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  IsTest: !Equals [test, !Ref Env]
  Encrypted: !Equals [!Ref Encrypt, "true"]
  Strict: !And [!Condition IsProd, !Condition Encrypted]
  Loose: !Or [!Not [!Condition IsProd], !Not [!Condition Encrypted]]
  Either: !Or [!Condition IsProd, !Condition IsTest]
  Labelled: !Equals [!Sub "${Env}-${Encrypt}", prod-true]
  Chosen: !Equals [!If [IsProd, !Ref Encrypt, "no"], "true"]
Mappings:
  Days: {dev: {Keep: 1}, test: {Keep: 7}, prod: {Keep: 30}}
Resources:
  Always:
    Type: AWS::SNS::Topic
    Properties:
      Keep: !FindInMap [Days, !Ref Env, Keep]
      Nested: !If [IsProd, !If [Encrypted, a, b], !If [IsTest, c, !Ref "AWS::NoValue"]]
      Same: !If [IsProd, !If [IsProd, x, never], !If [IsProd, never, y]]
      List: [a, !If [Strict, b, !Ref "AWS::NoValue"], !If [Loose, c, !Ref "AWS::NoValue"]]
      Joined: !Join [",", [a, !If [Either, b, !Ref "AWS::NoValue"], !Ref Env]]
      Text: !Sub "${Env}/${Encrypt}"
      Picked: !Select [!If [Labelled, 0, 1], [first, second]]
      Split: !Split ["-", !Sub "${Env}-${Encrypt}"]
      Base64: {"Fn::Base64": !Sub "${Env}"}
      Chosen: !If [Chosen, 1, 2]
  Strict: {Type: AWS::SNS::Topic, Condition: Strict}
  Loose: {Type: AWS::SNS::Topic, Condition: Loose}
  Labelled: {Type: AWS::SNS::Topic, Condition: Labelled}
  Chosen: {Type: AWS::SNS::Topic, Condition: Chosen}
Outputs:
  Out: {Condition: Either, Value: !Ref Env}
"""


@pytest.mark.parametrize(("env", "encrypt"), list(itertools.product(["dev", "test", "prod"], ["true", "false"])))
def test_in_each_world_an_open_template_is_what_the_given_values_make(env, encrypt):
    """What is left open and then decided is what it would be with the values given from the start."""
    given = unit_of(CORRELATED, UnitSettings(variables=(("Env", env), ("Encrypt", encrypt))))
    open_unit = unit_of(CORRELATED)
    world = World(
        {
            Atom("t.yaml", "Env", env, ("dev", "test", "prod")): True,
            Atom("t.yaml", "Encrypt", encrypt, ("true", "false")): True,
        }
    )
    left = {
        d.address: simple(resolve_deep(d.body, world))
        for d in open_unit.declarations
        if d.mode == "managed" and decide(d.exists, world) is Truth.YES
    }
    right = {d.address: simple(resolve_deep(d.body, World())) for d in given.declarations if d.mode == "managed"}
    assert left == right
    outputs = {name: simple(resolve_deep(value, world)) for name, value in open_unit.outputs.items()}
    assert outputs == ({"Out": env} if env != "dev" else {"Out": simple(Value(outputs["Out"]))})


# --- declarations of parameters and outputs ---


def test_parameters_and_outputs_are_declarations():
    """A parameter says its default and its value, an output its value; NoEcho makes a value sensitive."""
    unit = unit_of("""\
        Parameters:
          Pass: {Type: String, NoEcho: "true", Default: swordfish}
        Resources:
          T:
            Type: AWS::SNS::Topic
            DeletionPolicy: Retain
            Metadata: {kmsguard: {ignore: []}}
        Outputs:
          Out: {Value: !Ref Pass, Description: d}
        """)
    parameter, topic, output = unit.declarations
    assert (parameter.address, parameter.type, parameter.mode) == ("Pass", "Parameter", "parameter")
    assert parameter.body.members["Default"].data == "swordfish"
    assert parameter.body.members["value"].sensitive
    assert (output.address, output.type, output.mode) == ("Out", "Output", "output")
    assert output.body.members["value"].sensitive
    assert topic.resource_attributes["DeletionPolicy"].data == "Retain"
    assert topic.metadata is not None
    assert simple(topic.metadata) == {"kmsguard": {"ignore": []}}
    assert unit.sources["t.yaml"].slice(topic.head) == "T"


# --- what must not take long ---


def test_conditions_that_double_do_not_explode():
    """Thirty conditions, each naming the one before twice, are read at once."""
    lines = ["Parameters: {A: {Type: String}, B: {Type: String}}", "Conditions:", "  C0: !Equals [!Ref A, x]"]
    lines += [
        f"  C{number}: !Or [!And [!Condition C{number - 1}, !Equals [!Ref B, b{number}]], "
        f"!And [!Condition C{number - 1}, !Not [!Equals [!Ref B, c{number}]]]]"
        for number in range(1, 30)
    ]
    lines += ["Resources:", "  T: {Type: AWS::SNS::Topic, Condition: C29}"]
    start = time.perf_counter()
    unit = unit_of("\n".join(lines))
    assert time.perf_counter() - start < 2
    assert [d.address for d in unit.declarations if d.mode == "managed"] == ["T"]


@pytest.mark.parametrize("asked", [["C999"], [f"C{number}" for number in range(1000)]])
def test_a_long_chain_of_conditions_is_read(asked):
    """Conditions that name one another a thousand deep are open facts of their own somewhere on the way."""
    lines = ["Parameters: {A: {Type: String}}", "Conditions:", "  C0: !Equals [!Ref A, x]"]
    lines += [f"  C{number}: !Not [!Condition C{number - 1}]" for number in range(1, 1000)]
    lines += ["Resources:", *(f"  T{name}: {{Type: AWS::SNS::Topic, Condition: {name}}}" for name in asked)]
    lines += ["Outputs:", "  O: {Condition: C500, Value: x}"]
    unit = unit_of("\n".join(lines))
    assert {p.code for p in unit.problems} <= {"template-limits"}
    assert [d.address for d in unit.declarations if d.mode == "managed"] == [f"T{name}" for name in asked]
    assert not isinstance(unit.declarations[-1].exists, Truth)


def test_deep_nesting_is_read():
    """A hundred nested Fn::If inside one another are more than CloudFormation takes, and no crash."""
    text = "".join(f"{{'Fn::If': [C, {number}, " for number in range(48)) + "x" + "]}" * 48
    unit = unit_of(
        f"Parameters: {{A: {{Type: String}}}}\nConditions: {{C: !Equals [!Ref A, x]}}\n"
        f"Resources: {{T: {{Type: AWS::SNS::Topic, Properties: {{Name: {text}}}}}}}\n"
    )
    assert not unit.problems
    assert [d.address for d in unit.declarations] == ["A", "T"]


def test_a_mapping_that_asks_for_itself_is_an_error():
    """A circle of mappings ends in a problem at the resource that asks; the others are read."""
    unit = unit_of("""\
        Mappings: {M: {a: {b: !FindInMap [M, a, b]}}}
        Resources:
          T: {Type: AWS::SNS::Topic, Properties: {Name: !FindInMap [M, a, b]}}
          U: {Type: AWS::SNS::Topic}
        Outputs:
          O: {Value: !FindInMap [M, a, b]}
        """)
    assert problems_of(unit) == [("error", "template-too-deep", 3), ("error", "template-too-deep", 6)]
    assert [d.address for d in unit.declarations] == ["U", "O"]


def test_stacks_that_multiply_are_cut_off(tmp_path, monkeypatch):
    """Templates that nest ten of the next kind each stop at a limit, with a problem."""
    monkeypatch.chdir(tmp_path)
    for level in range(5):
        stacks = "".join(
            f"  S{number}: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: t{level + 1}.yaml}}}}\n"
            for number in range(10)
        )
        (tmp_path / f"t{level}.yaml").write_text("Resources:\n" + stacks, "utf-8")
    (tmp_path / "t5.yaml").write_text("Resources: {T: {Type: AWS::SNS::Topic}}\n", "utf-8")
    start = time.perf_counter()
    unit = read(UnitSource("t0.yaml", "cloudformation"))
    assert time.perf_counter() - start < 5
    assert "template-too-large" in {p.code for p in unit.problems}


# --- detection ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{ # none\n "Resources": {"K": {"Type": "AWS::KMS::Key"}}}', True),
        ("# a\n---\n{Resources: {K: {Type: AWS::KMS::Key}}}", True),
        ("Resources:\n  A:\n    Type: AWS::KMS::Key\n", True),
        ("AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n", True),
        ("Transform: AWS::Serverless-2016-10-31\n'Resources':\n", True),
        ('{"Resources": {"A": {"Type": "AWS::KMS::Key"}}}', True),
        ('{\n "Description": "{",\n "Resources" : {"A": {"Type":"Custom::X"}}}', True),
        ("Resources:\n  A: {Type: 'Custom::Thing'}\n", True),
        ("resources:\n  - AWS::KMS::Key\n", False),
        ("apiVersion: v1\nkind: List\n", False),
        ('{"fragment": {"Resources": {"A": {"Type": "AWS::KMS::Key"}}}}', False),
        ("  Resources:\n    Type: AWS::KMS::Key\n", False),
        ('{"Statement": [{"Resource": "AWS::KMS::Key"}]}', False),
        ("", False),
    ],
)
def test_a_template_is_told_without_parsing(text, expected):
    """A map Resources at the top and one more thing that only templates say."""
    assert looks_like_template(text) is expected


# --- parameters that may be empty ---


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("Type: String", Truth.UNKNOWN),
        ("Type: CommaDelimitedList", Truth.UNKNOWN),
        ("Type: String, MinLength: 1", Truth.YES),
        ("Type: String, AllowedPattern: '.+'", Truth.YES),
        ("Type: String, AllowedPattern: '.*'", Truth.UNKNOWN),
        ("Type: Number", Truth.YES),
        ("Type: 'AWS::EC2::VPC::Id'", Truth.YES),
        ("Type: 'AWS::SSM::Parameter::Value<String>'", Truth.YES),
    ],
)
def test_a_parameter_without_value_may_be_an_empty_text(declared, expected):
    """Only a type or a limit that refuses the empty text makes it sure that there is anything."""
    unit = unit_of(f"""\
        Parameters: {{A: {{{declared}}}}}
        Resources: {{T: {{Type: AWS::SNS::Topic, Properties: {{Name: !Ref A}}}}}}
        """)
    assert is_set(unit.declarations[-1].body.members["Name"]) is expected
