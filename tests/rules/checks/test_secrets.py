"""Where secrets are found in what a template declares, and by which question."""

import pytest

from kmsguard.model.declaration import Call, Declaration, Unit
from kmsguard.model.finding import Evidence
from kmsguard.model.guard import NOWHERE_ASSUMED, Atom
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import JudgeSettings, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Branch, Choice, Step, Target, Text, Unknown, Value
from kmsguard.rules.checks import secrets

SECRET = "Tr0ub4dour-7-Lamps"
BLOCK = Span("main.tf", 1, 1, 9, 2)


def text(data: str, line: int = 2, column: int = 14, file: str = "main.tf", **more) -> Value:
    """A literal in quotes."""
    span = Span(file, line, column, line, column + len(data) + 2)
    return Value(data, span, Span(file, line, 3, line, span.end_column), **more)


def value(data) -> Value:
    """Maps and lists of values."""
    if isinstance(data, Value):
        return data
    if isinstance(data, dict):
        return Value({name: value(item) for name, item in data.items()})
    if isinstance(data, list):
        return Value(tuple(value(item) for item in data))
    return Value(data)


def resource(declaration: Declaration, kind: str = "template.resource", **more) -> Resource:
    """The resource of a declaration."""
    return Resource(
        address=declaration.address,
        kind=kind,
        type=more.pop("type", declaration.type),
        unit="infra",
        traits=(),
        attributes=more.pop("attributes", {}),
        derived={},
        declarations=(declaration,),
        span=declaration.span,
        head=declaration.head,
        **more,
    )


def declaration(body, address="aws_x.y", mode="managed", span=BLOCK, **more) -> Declaration:
    """A declaration with this body."""
    kind = {"managed": address.split(".")[0]}.get(mode, mode)
    return Declaration(address, kind, mode, value(body), span, Span(span.file, span.start_line, 1, span.start_line, 20), **more)


def told(name: str, *resources: Resource, dialect="terraform") -> list[tuple[str, str, Span | None, str]]:
    """(address, attribute, place, shown) of what a question finds in each of the resources."""
    unit = Unit("infra", dialect, tuple(r.declarations[0] for r in resources))
    graph = Graph((unit,), resources, ())
    out = []
    for one in resources:
        answer = getattr(secrets, name)(Question(graph, one, NOWHERE_ASSUMED, JudgeSettings()))
        assert (answer.truth is Truth.YES) == (not answer.findings and not answer.evidence)
        for found in answer.findings:
            evidence = next(e for e in found.evidence if e.span is not None)
            out.append((one.address, found.attribute, evidence.span, found.values["shown"]))
        if answer.evidence:
            out.append((one.address, "", answer.evidence[0].span, ""))
    return out


def test_an_argument_for_a_secret():
    """The literal is the place, without its quotes; what is shown is masked, and the secret is handed to redaction."""
    one = resource(declaration({"username": text("orders", 3), "password": text(SECRET)}))
    assert told("in_argument", one) == [("aws_x.y", "password", Span("main.tf", 2, 15, 2, 33), "Tr… (18 characters)")]
    graph = Graph((Unit("infra", "terraform", one.declarations),), (one,), ())
    (found,) = secrets.in_argument(Question(graph, one, NOWHERE_ASSUMED, JudgeSettings())).findings
    assert [e.secret.text for e in found.evidence if isinstance(e, Evidence) and e.secret] == [SECRET]
    assert SECRET not in str([e.message for e in found.evidence]) + str(found.values)


@pytest.mark.parametrize(
    "harmless",
    [
        text("{{resolve:secretsmanager:orders/db:SecretString:password}}"),
        Value(Unknown("dynamic reference", "{{resolve:secretsmanager:orders/db}}")),
        Value(Unknown("variable var.password has no value", "var.password")),
        Value(None),
        text(""),
        text("<password>"),
    ],
    ids=["dynamic reference", "resolved", "unknown", "null", "empty", "open place"],
)
def test_an_argument_without_a_secret(harmless):
    """References, what is not known, and nothing are no secrets, also where the argument is for nothing else."""
    one = resource(declaration({"password": harmless}), secrets=("password",), attributes={"password": harmless})
    assert told("in_argument", one) == []


def test_an_attribute_that_is_a_secret_by_its_kind():
    """What the kind says is a secret is one whatever the argument is called, and is told once."""
    plain = text("correcthorsebatterystaple")
    one = resource(declaration({"plaintext": plain}), secrets=("plaintext",), attributes={"plaintext": plain})
    assert [entry[1] for entry in told("in_argument", one)] == ["plaintext"]
    named = text(SECRET)
    both = resource(declaration({"password": named}), secrets=("master",), attributes={"master": named})
    assert [entry[1] for entry in told("in_argument", both)] == ["password"]


def test_lists_and_nested_blocks():
    """Elements of a list have the name of the list; blocks are looked into."""
    one = resource(declaration({"authentication_mode": [{"type": text("password", 3), "passwords": [text(SECRET, 4)]}]}))
    assert [entry[1:3] for entry in told("in_argument", one)] == [
        ("authentication_mode.passwords", Span("main.tf", 4, 15, 4, 33)),
    ]


def test_environment():
    """Maps of variables, pairs of name and value, and pairs that a container definition encodes."""
    variables = {"environment": [{"variables": {"DB_PASSWORD": text(SECRET), "TOKEN_TABLE": text("tokens", 3)}}]}
    assert [e[1] for e in told("in_environment", resource(declaration(variables)))] == ["environment.variables.DB_PASSWORD"]
    pairs = [{"name": text("DB_PASSWORD", 3), "value": text(SECRET, 4)}, {"name": text("DB_USER", 5), "value": text("api", 6)}]
    encoded = Value(Text((Value(Unknown("jsonencode")),), value([{"environment": pairs}])))
    (entry,) = told("in_environment", resource(declaration({"container_definitions": encoded})))
    assert entry[1:3] == ("container_definitions.environment.DB_PASSWORD", Span("main.tf", 4, 15, 4, 33))


def test_stored_variables_are_names():
    """The value of a variable that is read from a store is the name of what is stored."""
    pair = {"name": text("NPM_TOKEN"), "type": text("PARAMETER_STORE", 3), "value": text("publish-npm-Token1", 4)}
    assert told("in_environment", resource(declaration({"environment": [{"environment_variable": [pair]}]}))) == []


def test_both_halves_of_an_access_key_are_one_finding():
    """The id alone is no second defect: it stands beside the secret."""
    pairs = [
        {"name": text("AWS_ACCESS_KEY_ID", 2), "value": text("AKIA" + "ZZ7Q" * 4, 3)},
        {"name": text("AWS_SECRET_ACCESS_KEY", 4), "value": text("zQ7x" * 10, 5)},
    ]
    one = resource(declaration({"environment": pairs}))
    assert [entry[1:3] for entry in told("in_environment", one)] == [
        ("environment.AWS_SECRET_ACCESS_KEY", Span("main.tf", 5, 15, 5, 55)),
    ]


def test_scripts():
    """In a script of several lines the place is the secret in its line, also through an encoder."""
    lines = ("#!/bin/bash\n", f"export DB_PASSWORD={SECRET}\n", "echo ")
    pieces = tuple(Value(line, Span("main.tf", 4 + n, 5, 4 + n, 5 + len(line))) for n, line in enumerate(lines))
    script = Value(Text((*pieces, Value(Unknown("x"), Span("main.tf", 6, 10, 6, 14)))), Span("main.tf", 3, 1, 7, 3))
    (entry,) = told("in_text", resource(declaration({"user_data": script})))
    assert entry[1:] == ("user_data", Span("main.tf", 5, 24, 5, 42), "Tr… (18 characters)")
    encoded = Value(Text((Value(Unknown("base64encode")),), script, "base64"))
    assert told("in_text", resource(declaration({"user_data_base64": encoded})))[0][2] == Span("main.tf", 5, 24, 5, 42)


def test_metadata():
    """Metadata is part of the template."""
    files = value(
        {"AWS::CloudFormation::Init": {"config": {"files": {"/etc/api.conf": {"content": text(f"db_password={SECRET}")}}}}}
    )
    (entry,) = told("in_text", resource(declaration({}, metadata=files)))
    assert entry[1] == "Metadata.AWS::CloudFormation::Init.config.files./etc/api.conf.content"


def test_tokens():
    """A token that is a whole value is told whatever the argument is called."""
    one = resource(declaration({"location": text("https://deploy:N1ght-Owl@bitbucket.org/example/mirror.git")}))
    assert [entry[3] for entry in told("in_text", one)] == ["N1… (9 characters)"]
    one = resource(declaration({"description": text("glpat" + "-" + "aB3dE6gH9j" * 2)}))
    assert [entry[1] for entry in told("token", one)] == ["description"]


def test_a_branch_that_is_not_deployed_stands_in_the_code_all_the_same():
    """Whatever a condition decides, its branches are written."""
    choice = Choice(
        (
            Branch(Atom("infra", "IsProd", True), text("{{resolve:secretsmanager:x}}", 3)),
            Branch(Atom("infra", "IsProd", False), text(SECRET, 4)),
        )
    )
    assert [entry[2].start_line for entry in told("in_argument", resource(declaration({"password": Value(choice)})))] == [4]


def test_a_default_is_told_at_its_variable_alone():
    """The default of a variable that fills an argument is one defect, and it is mended at the variable."""
    block = Span("variables.tf", 1, 1, 4, 2)
    default = text(SECRET, 3, 13, "variables.tf")
    used = default.via("variable default", "var.db_password", default.span).at(Span("main.tf", 2, 3, 2, 30))
    variable = resource(
        declaration({"default": default, "value": used}, "var.db_password", "variable", block), "template.variable"
    )
    database = resource(declaration({"password": used}))
    assert told("in_input", variable, database) == [
        ("var.db_password", "db_password", Span("variables.tf", 3, 14, 3, 32), "Tr… (18 characters)"),
    ]
    assert told("in_argument", variable, database) == []


def test_a_default_of_a_variable_without_a_telling_name():
    """What fills an argument for a secret is one, and is told as the variable's, which is what has to be changed; where it is
    used stands beside it."""
    block = Span("variables.tf", 1, 1, 4, 2)
    default = text("correct-Horse-1", 3, 13, "variables.tf")
    used = default.at(Span("main.tf", 2, 3, 2, 30))
    variable = resource(declaration({"default": default}, "var.initial", "variable", block), "template.variable")
    database = resource(declaration({"password": used}))
    assert [entry[0::2] for entry in told("in_input", variable, database)] == [
        ("var.initial", Span("variables.tf", 3, 14, 3, 29)),
    ]
    assert told("in_argument", variable, database) == []
    graph = Graph((Unit("infra", "terraform", (variable.declarations[0], database.declarations[0])),), (variable, database), ())
    (found,) = secrets.in_input(Question(graph, variable, NOWHERE_ASSUMED, JudgeSettings())).findings
    assert [(e.message, e.span) for e in found.evidence][1:] == [
        ("it is used here as `password`", Span("main.tf", 2, 3, 2, 30))
    ]


def test_a_value_from_outside_stands_in_no_file():
    """What the command line or the environment gives is not in the code."""
    given = Value(SECRET, None, None, Step("variable", "var.db_password"))
    variable = resource(declaration({"value": given}, "var.db_password", "variable"), "template.variable")
    assert told("in_input", variable) == []


def test_provider():
    """Static credentials of a provider are one finding."""
    body = {"region": text("us-east-1"), "access_key": text("AKIA" + "ZZ7Q" * 4, 3), "secret_key": text("zQ7x" * 10, 4)}
    one = resource(declaration(body, "provider.aws", "provider"), "template.provider")
    assert [entry[0:2] for entry in told("in_provider", one)] == [("provider.aws", "secret_key")]
    mine = resource(declaration({"profile": text("audit")}, "provider.aws.audit", "provider"), "template.provider")
    assert told("in_provider", mine) == []


def test_plain_references():
    """A dynamic reference to a parameter that is not encrypted shows the secret."""
    plain = Value(Unknown("dynamic reference", "{{resolve:ssm:/prod/db:1}}"), Span("t.yaml", 6, 28, 6, 54))
    one = resource(declaration({"MasterUserPassword": plain}, "Orders"))
    assert [entry[1] for entry in told("plain_reference", one, dialect="cloudformation")] == ["MasterUserPassword"]
    assert told("in_argument", one, dialect="cloudformation") == []


@pytest.mark.parametrize(
    ("address", "body", "shown"),
    [
        ("DbPassword", {"Type": text("String")}, True),
        ("DbPassword", {"Type": text("String"), "NoEcho": text("true", 3)}, False),
        ("DbPassword", {"Type": text("String"), "NoEcho": Value(True)}, False),
        ("SecretName", {"Type": text("String")}, False),
        ("PasswordLength", {"Type": text("Number"), "value": Value(32)}, False),
        ("var.api_token", {"sensitive": Value(False)}, True),
        ("var.api_token", {"sensitive": Value(True)}, False),
        ("var.api_token", {"ephemeral": Value(True)}, False),
        ("var.api_token", {"default": text("/prod/api/token")}, False),
        ("var.db_secret", {}, False),
        ("var.api_token", {"type": Value("list(string)")}, True),
        ("var.registry_credentials", {"type": Value("object({ arn = string })")}, False),
        ("var.change_password", {"type": Value("bool")}, False),
    ],
)
def test_hidden_inputs(address, body, shown):
    """A variable or parameter for a secret is shown unless it says that it is sensitive."""
    one = resource(declaration(body, address, "parameter"), "template.parameter")
    assert bool(told("hidden", one)) is shown


def test_an_input_that_fills_an_argument_for_a_secret_is_one():
    """What a parameter is called does not matter where it fills a password."""
    parameter = resource(declaration({"Type": text("String")}, "Initial", "parameter"), "template.parameter")
    filled = Value(Unknown("parameter Initial has no value", "Initial"), Span("t.yaml", 5, 1, 5, 9))
    database = resource(declaration({"MasterUserPassword": filled}, "Orders"))
    assert [entry[0] for entry in told("hidden", parameter, database, dialect="cloudformation")] == ["Initial"]
    assert [entry[0] for entry in told("from_parameter", parameter, database, dialect="cloudformation")] == ["Orders"]
    assert told("from_parameter", parameter, database) == []


@pytest.mark.parametrize(
    ("shown", "target"),
    [
        (True, Target("CiKey", "SecretAccessKey")),
        (True, Target("aws_iam_access_key.ci", "secret")),
        (True, Target("random_password.db", "result")),
        (True, Target("tls_private_key.ci", "private_key_pem")),
        (False, Target("aws_iam_access_key.ci", "encrypted_secret")),
        (False, Target("aws_secretsmanager_secret.db", "arn")),
        (False, Target("DbSecret", "Ref")),
        (False, Target("random_pet.db", "result")),
    ],
)
def test_outputs_of_secrets(shown, target):
    """An output shows the secret of a resource, but not its ARN, its id, or what is encrypted."""
    part = Value(Unknown("known after apply", target=target), Span("main.tf", 2, 11, 2, 30))
    one = resource(declaration({"value": part}, "output.it", "output"), "template.output")
    assert bool(told("not_shown", one)) is shown
    hidden = resource(declaration({"value": part, "sensitive": Value(True)}, "output.it", "output"), "template.output")
    assert told("not_shown", hidden) == []


def test_outputs_of_hidden_parameters():
    """NoEcho hides a parameter, not an output of it."""
    parameter = resource(declaration({"NoEcho": Value(True)}, "Token", "parameter"), "template.parameter")
    part = Value(Text((Value("x-"), Value(Unknown("parameter Token has no value", "Token")))), Span("t.yaml", 9, 5, 9, 20))
    one = resource(declaration({"Value": part}, "Shown", "output"), "template.output")
    assert [entry[0] for entry in told("not_shown", parameter, one, dialect="cloudformation")] == ["Shown"]


def test_outputs_of_called_modules_are_shown_to_nobody():
    """Only the outputs of the root module are printed."""
    part = Value(Unknown("known after apply", target=Target("random_password.db", "result")))
    one = resource(
        declaration({"value": part}, "module.db.output.it", "output", calls=(Call("module.db", BLOCK),)), "template.output"
    )
    assert told("not_shown", one) == []


def test_two_secrets_of_one_name_are_two_findings():
    """Two users with a password each are told one by one."""
    users = [{"password": text(SECRET, 3)}, {"password": text("Am8er-Harbour-31", 5)}]
    found = told("in_argument", resource(declaration({"user": users})))
    assert [(entry[1], entry[2].start_line) for entry in found] == [("user.password", 3), ("user.password", 5)]


def test_who_is_not_asked_has_nothing_to_say():
    """The resources that a check leaves out are those that it is fine with; it is not asked about them."""
    variable = resource(declaration({"default": text(SECRET, 3)}, "var.db_password", "variable"), "template.variable")
    nested = declaration(
        {"default": text(SECRET, 4)}, "module.db.var.db_password", "variable", calls=(Call("module.db", BLOCK),)
    )
    inner = resource(nested, "template.variable")
    output = resource(declaration({"value": text("ghp" + "_" + "a1B2c3" * 6, 5)}, "output.token", "output"), "template.output")
    request = resource(declaration({"url": text("https://x.example.com", 6)}, "data.http.x", "data"), type="http")
    database = resource(declaration({"password": text(SECRET, 7), "name": text("orders", 8)}))
    queue = resource(declaration({"name": text("jobs", 9)}, "aws_sqs_queue.q"))
    every = (variable, inner, output, request, database, queue)
    unit = Unit("infra", "terraform", tuple(r.declarations[0] for r in every))
    graph = Graph((unit,), every, ())
    for name, asked in secrets.ASKED.items():
        left_out = [one for one in every if one not in asked(graph)]
        assert queue in left_out
        for one in left_out:
            assert getattr(secrets, name)(Question(graph, one, NOWHERE_ASSUMED, JudgeSettings())).truth is Truth.YES


def test_what_stands_beside_a_password_is_no_secret():
    """Of the value of a secret the password counts, and what has no telling name but looks like a token; each once."""
    members = {"username": "svc-orders-01", "host": "db01.internal", "password": SECRET, "license": "aB3dE6gH9jaB3"}
    value_ = value({name: text(data, number) for number, (name, data) in enumerate(members.items(), 3)})
    one = resource(declaration({"secret_string": value_}), secrets=("value",), attributes={"value": value_})
    assert [entry[1] for entry in told("in_argument", one)] == ["secret_string.password", "secret_string.license"]


def test_a_literal_is_told_once_at_the_outermost_variable():
    """A module's argument that is handed on to another module is changed where it is written."""
    given = text(SECRET, 3, 17)
    variables = [
        resource(declaration({"value": given}, f"{path}var.password", "variable", calls=calls), "template.variable")
        for path, calls in (
            ("module.a.module.b.", (Call("module.a", BLOCK), Call("module.a.module.b", BLOCK))),
            ("module.a.", (Call("module.a", BLOCK),)),
        )
    ]
    assert [entry[0] for entry in told("in_input", *variables)] == ["module.a.var.password"]


def test_a_write_only_argument_is_in_the_code_all_the_same():
    """What to do about it is another thing than for an argument that is kept in the state."""
    one = resource(declaration({"password_wo": text(SECRET)}))
    graph = Graph((Unit("infra", "terraform", one.declarations),), (one,), ())
    (found,) = secrets.in_argument(Question(graph, one, NOWHERE_ASSUMED, JudgeSettings())).findings
    assert "ephemeral" in found.remediation
    assert "not out of the code" in found.evidence[-1].message
