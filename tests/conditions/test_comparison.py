"""Values compared with the texts of rules: what is known decides, and what is not known only where it can turn out one way."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from kmsguard.conditions.comparison import compare, equals, is_set, same, shown
from kmsguard.model.condition import Above, Below, Equals, Has, In, Is, Matches, Operand
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, ACCOUNT, Target, Text, Unknown, Value


def value(data) -> Value:
    """Plain Python data as a Value."""
    if isinstance(data, Value):
        return data
    if isinstance(data, dict):
        return Value({name: value(item) for name, item in data.items()})
    return Value(tuple(map(value, data)) if isinstance(data, list) else data)


def unknown(reference="var.x", **known) -> Value:
    """A value that a variable without default leaves open."""
    return Value(Unknown(f"{reference} has no value", reference, **known))


def text(*pieces) -> Value:
    """A text of several pieces."""
    return Value(Text(tuple(map(value, pieces))))


YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
X = Operand(("x",))


@pytest.mark.parametrize(
    ("data", "literal", "truth"),
    [
        (True, "true", YES),
        (True, "false", NO),
        (True, "1", NO),
        (False, "false", YES),
        (365, "365", YES),
        (365, "365.0", YES),
        (Decimal("1.5"), "1.50", YES),
        (365, "a year", NO),
        ("no", "no", YES),
        ("012345670123", "12345670123", NO),
        (None, "null", NO),
        (ABSENT, "", NO),
        (["a"], "a", NO),
    ],
)
def test_equality_is_typed(data, literal, truth):
    """The text of a rule is compared as what the attribute holds: bool, number, or text to the letter."""
    assert equals(value(data), literal) is truth


@pytest.mark.parametrize(
    ("open_value", "literal", "truth"),
    [
        (unknown(), "x", UNKNOWN),
        (unknown(prefix="arn:aws:"), "arn:aws:kms", UNKNOWN),
        (unknown(prefix="arn:aws:"), "alias/aws/s3", NO),
        (text("alias/", unknown()), "alias/aws/s3", UNKNOWN),
        (text("alias/", unknown(), "-key"), "alias/aws/s3", NO),
        (text(unknown(allowed=("a", "b")), "-key"), "c-key", NO),
        (text("a", "b"), "ab", YES),
    ],
)
def test_what_is_known_of_an_open_text_can_exclude(open_value, literal, truth):
    """An unknown is no text that does not fit its prefix, its allowed values, or the pieces around its holes."""
    assert equals(open_value, literal) is truth


def test_allowed_values_decide_where_they_agree():
    """A parameter that may only be AES256 or aws:kms is one of these two, and is not DES."""
    algorithm = unknown("Algorithm", allowed=("AES256", "aws:kms"))
    assert compare(In(X, ("AES256", "aws:kms")), algorithm) is YES
    assert compare(Equals(X, "DES"), algorithm) is NO
    assert compare(Equals(X, "AES256"), algorithm) is UNKNOWN


@pytest.mark.parametrize(
    ("open_value", "truth"),
    [
        (value(""), NO),
        (value("x"), YES),
        (value(None), NO),
        (value(ABSENT), NO),
        (value([]), NO),
        (value(False), YES),
        (value({}), YES),
        (unknown(), UNKNOWN),
        (unknown(not_null=True), UNKNOWN),
        (unknown(target=Target("aws_kms_key.a", "arn")), YES),
    ],
)
def test_set_means_that_there_is_something(open_value, truth):
    """Absent, null, an empty text and an empty list are not set; what is only known after apply is."""
    assert is_set(open_value) is truth


@pytest.mark.parametrize(
    ("pattern", "open_value", "truth"),
    [
        ("TLS_?1[._][23].*", value("TLS12"), NO),
        ("TLSv1\\.[23].*", value("TLSv1.2_2021"), YES),
        ("TLS", value("TLSv1"), NO),  # the whole text, not a part of it
        ("arn:.*", unknown(prefix="arn:aws:kms"), YES),
        ("alias/aws/.*", unknown(prefix="arn:aws:kms"), NO),
        ("alias/aws/.*", unknown(), UNKNOWN),
        ("alias/aws/.*", text("alias/", unknown()), UNKNOWN),
        ("alias/aws/.*", text("alias/own/", unknown()), NO),
        ("alias/aws/.*|arn:.*", unknown(prefix="arn:"), UNKNOWN),
        ("1\\.3", value(Decimal("1.3")), YES),
        ("x", value(["x"]), NO),
    ],
)
def test_a_pattern_is_for_the_whole_text(pattern, open_value, truth):
    """`matches` asks the whole text; a known beginning excludes, or decides where anything may follow."""
    assert compare(Matches(X, pattern), open_value) is truth


def test_numbers_have_limits():
    """`below` and `above` leave the limit itself out, read a number in a text, and are open where the number is."""
    assert compare(Below(X, 90), value(89)) is YES
    assert compare(Below(X, 90), value(90)) is NO
    assert compare(Above(X, 2560), value("2561")) is YES
    assert compare(Above(X, 2560), unknown()) is UNKNOWN
    assert compare(Below(X, 90), value(ABSENT)) is NO
    assert compare(Below(X, 90), unknown(allowed=(30, 60))) is YES


def test_a_list_has_an_element():
    """`has` asks each element, and a list that is not known may have anything."""
    assert compare(Has(X, "b"), value(["a", "b"])) is YES
    assert compare(Has(X, "c"), value(["a", "b"])) is NO
    assert compare(Has(X, "c"), value(["a", unknown()])) is UNKNOWN
    assert compare(Has(X, "b"), value(["b", unknown()])) is YES
    assert compare(Has(X, "name"), value({"name": "x"})) is YES
    assert compare(Has(X, "b"), unknown()) is UNKNOWN


@pytest.mark.parametrize(
    ("predicate", "open_value", "truth"),
    [
        ("account", value("012345670123"), YES),
        ("account", value("12345"), NO),
        ("account", unknown(target=ACCOUNT), YES),
        ("account", text("o-", unknown()), NO),
        ("account", unknown(), UNKNOWN),
        ("wildcard", value("arn:aws:iam::111122223333:role/*"), YES),
        ("wildcard", value("arn:aws:iam::111122223333:role/a"), NO),
        ("wildcard", text("arn:aws:iam::", unknown(), ":*"), YES),
        ("wildcard", text("arn:aws:iam::", unknown(), ":root"), UNKNOWN),
        ("arn", value("arn:aws:kms:eu-west-1:111122223333:key/x"), YES),
        ("arn", value("alias/x"), NO),
        ("arn", text("arn:", unknown()), YES),
        ("arn", unknown(prefix="alias/"), NO),
    ],
)
def test_predicates(predicate, open_value, truth):
    """`is` asks what a text looks like, also where only a part of it is known."""
    assert compare(Is(X, predicate), open_value) is truth


@pytest.mark.parametrize(
    ("one", "other", "truth"),
    [
        (value(ABSENT), value(ABSENT), YES),
        (value(ABSENT), value("x"), NO),
        (value({"a": ["b"]}), value({"a": ["b"]}), YES),
        (value({"a": ["b"]}), value({"a": ["c"]}), NO),
        (value({"a": unknown()}), value({"a": "b"}), UNKNOWN),
        (value({"a": unknown(), "b": "x"}), value({"a": "b", "b": "y"}), NO),
        (unknown(target=Target("k", "arn")), unknown(target=Target("k", "arn")), YES),
        (unknown(target=Target("k", "arn")), unknown(target=Target("l", "arn")), UNKNOWN),
        (unknown(target=Target("k", "arn")), value(ABSENT), NO),
        (unknown(prefix="arn:"), value("alias/x"), NO),
        (text("a-", unknown(target=ACCOUNT)), text("a-", unknown(target=ACCOUNT)), YES),
        (text("a-", unknown("v")), text("a-", unknown("w")), UNKNOWN),
        (text("a-", unknown()), text("b-", unknown()), NO),
        (text("a-", unknown()), value("b-c"), NO),
        (value(True), value(1), NO),
    ],
)
def test_sameness(one, other, truth):
    """Two values are the same whatever they turn out to be, cannot be the same, or it is open; either way round."""
    assert same(one, other) is truth
    assert same(other, one) is truth


def test_a_message_shows_no_sensitive_and_no_long_value():
    """What is sensitive, or long enough to be a key, is not repeated in a message."""
    assert shown(Value("hunter2hunter2", sensitive=True)) == "a sensitive value"
    assert shown(Value("x" * 100)) == "a text"
    assert shown(Value("TLSv1")) == '"TLSv1"'
    assert shown(Value(ABSENT)) == "not set"
    assert shown(text("alias/", unknown())) == '"alias/${…}"'


def test_many_holes_cost_no_more_than_their_number():
    """A text with forty holes is held against a long literal at once; what each can hold decides."""
    from kmsguard.conditions.comparison import can_be
    from kmsguard.model.value import Unknown, Value

    pieces = [piece for number in range(40) for piece in (Value(Unknown("open", f"v{number}")), Value("-"))]
    start = time.perf_counter()
    assert can_be(pieces, "a-" * 200)
    assert not can_be([*pieces, Value("y")], "a-" * 200 + "z")
    assert time.perf_counter() - start < 1
    either = Value(Unknown("open", "v", allowed=("abc", "b")))
    assert can_be([Value(Unknown("open", "w")), either, Value("c")], "abc")
    assert not can_be([either, Value("c")], "c")
