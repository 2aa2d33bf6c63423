"""Placeholders of templating languages in policies."""

import pytest

from kmsguard.kinds.placeholders import opened
from kmsguard.model.guard import Atom, Not
from kmsguard.model.source import Span
from kmsguard.model.value import Branch, Choice, Text, Unknown, Value

HEAD = Span("main.tf", 1, 1, 1, 9)
THERE = Span("p.json", 3, 5, 3, 20)


@pytest.mark.parametrize("text", ["{{ account }}", "arn:aws:iam::{{account}}:root", "<%= principal %>", "a<% if x %>b"])
def test_text_with_a_placeholder_is_unknown(text):
    """What another program will write there is not known, and told once with its place."""
    problems = []
    policy = Value({"Statement": Value((Value({"Principal": Value(text, THERE), "Action": Value("kms:*")}),))})

    (statement,) = opened(policy, HEAD, problems).members["Statement"].items

    assert isinstance(statement.members["Principal"].data, Unknown)
    assert statement.members["Action"].text == "kms:*"
    assert [(p.code, p.level, p.file, p.line, p.column) for p in problems] == [("placeholder", "warning", "p.json", 3, 5)]


@pytest.mark.parametrize(
    "policy",
    [
        Value("{{resolve:ssm:/team/principal}}"),
        Value("${aws:username}"),
        Value("<not one> %>"),
        Value("{ { x } }"),
        Value((Value(True), Value(None), Value({"Action": Value("kms:Decrypt")}))),
    ],
)
def test_policy_without_placeholders_stays_itself(policy):
    """Dynamic references, policy variables and braces are none; a policy without any is the same value."""
    problems = []

    assert opened(policy, HEAD, problems) is policy
    assert problems == []


def test_placeholders_in_branches_and_pieces():
    """A branch of a choice and a piece of a text are looked through; what stands nowhere is told at the head."""
    problems = []
    x = Atom("u", "x")
    choice = Value(Choice((Branch(x, Value("{{ a }}")), Branch(Not(x), Value("b")))))
    text = Value(Text((Value("arn:aws:iam::"), Value(Unknown("not known")), Value(":role/{{ name }}"))))

    first, second = (branch.value for branch in opened(choice, HEAD, problems).data.branches)

    assert isinstance(first.data, Unknown)
    assert second.text == "b"
    assert isinstance(opened(text, HEAD, problems).data, Unknown)
    assert [(p.file, p.line) for p in problems] == [("main.tf", 1)] * 2
