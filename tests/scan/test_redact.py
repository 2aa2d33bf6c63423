"""Secrets stay out of what is shown."""

import time

import pytest

from kmsguard.model.source import Source, Span
from kmsguard.model.value import Text, Unknown, Value
from kmsguard.scan.redact import Secrets

SOURCE = Source("a.tf", 'resource "aws_db_instance" "a" {\n  password = "Winter-2024!" # here\n  pin = "123"\n}\n')


def _shown(secrets, span, head=None):
    return [(line.number, line.text, line.start, line.end) for line in secrets.excerpt(SOURCE, span, head)]


def test_an_excerpt_hides_a_secret_and_marks_what_is_left():
    """The quotes stay, and the columns are those of the line as it is shown."""
    secrets = Secrets()
    secrets.add(Value("Winter-2024!", Span("a.tf", 2, 14, 2, 28)))
    masked = '  password = "Wi… (12 characters)" # here'
    assert _shown(secrets, Span("a.tf", 2, 3, 2, 28)) == [(2, masked, 3, 35)]
    assert masked[2:34] == 'password = "Wi… (12 characters)"'


def test_a_secret_is_hidden_where_it_stands_however_it_is_spelt():
    """A text whose characters do not stand there as they are (escapes, folded lines) is hidden by its place."""
    secrets = Secrets()
    secrets.add(Value("something else", Span("a.tf", 2, 14, 2, 28)))
    assert "Winter" not in _shown(secrets, Span("a.tf", 2, 3, 2, 28))[0][1]


def test_a_short_secret_is_hidden_where_it_stands_and_nowhere_else():
    """`123` is the text of many a message."""
    secrets = Secrets()
    secrets.add(Value("123", Span("a.tf", 3, 9, 3, 14)))
    assert _shown(secrets, Span("a.tf", 3, 3, 3, 14)) == [(3, '  pin = "(3 characters)"', 3, 25)]
    assert secrets.text("line 123") == "line 123"


def test_a_secret_that_is_a_word_of_arns_is_hidden_where_it_is_all_of_a_value():
    """A database whose user is `root` does not garble the ARNs of the account."""
    secrets = Secrets()
    secrets.add(Value("root", Span("a.tf", 3, 9, 3, 14)))
    assert secrets.value("root") == "(4 characters)"
    assert secrets.value("arn:aws:iam::111122223333:root") == "arn:aws:iam::111122223333:root"


def test_a_block_is_shown_by_its_head():
    """Where a whole block is meant, its first line says which."""
    block = Span("a.tf", 1, 1, 4, 2)
    assert _shown(Secrets(), block, Span("a.tf", 1, 1, 1, 33)) == [(1, 'resource "aws_db_instance" "a" {', 1, 33)]


def test_a_long_place_is_cut():
    """Five lines say where it is."""
    source = Source("b.tf", "  x\n" * 20)
    lines = Secrets().excerpt(source, Span("b.tf", 2, 3, 19, 4), None)
    assert [line.number for line in lines] == [2, 3, 4, 5, 6]
    assert {(line.start, line.end) for line in lines} == {(3, 4)}


def test_the_known_pieces_of_an_open_secret_are_secret():
    """`"token-${var.x}-suffix"`: what is written of it is hidden, unless it is too short to tell anything."""
    secrets = Secrets()
    pieces = (Value("prefix-4711-"), Value(Unknown("no value")), Value("-x"))
    secrets.add(Value(Text(pieces)))
    assert secrets.text("it is prefix-4711-abc-x") == "it is pr… (12 characters)abc-x"


ADDRESSES = [
    ("aws_db_instance.winter", "aws_db_instance.winter"),
    ('aws_db_instance.a["winter2024"]', 'aws_db_instance.a["wi… (10 characters)"]'),
    ("aws_db_instance.winter2024", "aws_db_instance.winter2024"),
    ("aws_db_instance.a[0]", "aws_db_instance.a[0]"),
]


@pytest.mark.parametrize(("address", "expected"), ADDRESSES)
def test_only_the_keys_of_an_address_can_be_secret(address, expected):
    """The name of a resource is chosen by whoever writes it, and may equal a weak password."""
    secrets = Secrets()
    secrets.add(Value("winter2024"))
    assert secrets.address(address) == expected


def test_what_looks_like_a_secret_is_hidden_though_no_rule_was_asked():
    """A scan with `--select KG4` must not show the password beside the key."""
    line = Secrets().line(SOURCE, 2, 0, 0)
    assert line.text == '  password = "Wi… (12 characters)" # here'


def test_a_reference_is_no_secret():
    """`!Ref` behind the name of a password says where it comes from."""
    source = Source("t.yaml", "MasterUserPassword: !Ref Password\n")
    assert Secrets().line(source, 1, 0, 0).text == "MasterUserPassword: !Ref Password"


def test_of_a_long_line_what_is_marked_is_shown() -> None:
    """A template in one line is shown around each mark; what is masked in it is masked as in a short one."""
    secret = "Tr0ub4dor-and-more-of-it"
    filler = '"a": 1, ' * 3000
    text = f'{{{filler}"Password": "{secret}", "Off": false, {filler}"z": "{secret}"}}'
    source = Source("t.json", text)
    secrets = Secrets()
    at = text.index(secret)
    secrets.add(Value(secret, Span("t.json", 1, at + 1, 1, at + 1 + len(secret))))
    for mark in ('"Off": false', '"Password"', '{"a": 1', '"z"', f'"{secret}"}}'):
        start = text.rindex(mark) + 1
        line = secrets.line(source, 1, start, start + len(mark))
        assert len(line.text) < 1000
        assert secret not in line.text
        shown = line.text[line.start - 1 : line.end - 1]
        assert shown == mark.replace(secret, "Tr… (24 characters)")
        assert line.text.startswith("…") is (start > 1)
    assert len(secrets.line(source, 1, 0, 0).text) < 1000


def test_many_places_in_one_line_are_shown_quickly() -> None:
    """What is shown of a line does not cost the line each time."""
    source = Source("t.json", '{"Resources": {' + '"Key": {"Type": "AWS::KMS::Key"}, ' * 20_000 + "}}")
    secrets = Secrets()
    began = time.perf_counter()
    for place in range(1, 600_000, 600):
        secrets.line(source, 1, place, place + 20)
    assert time.perf_counter() - began < 5
