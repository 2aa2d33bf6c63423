"""Texts that stand in the place of a secret."""

import time

import pytest

from kmsguard.secrets.placeholders import is_blank, is_dynamic_reference, is_placeholder, is_reference


@pytest.mark.parametrize(
    "text",
    [
        *(
            "{{resolve:secretsmanager:orders/db:SecretString:password}}",
            "${var.password}",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "%PASSWORD%",
        ),
        *(
            "$(cat /run/secrets/x)",
            "`pass show db`",
            "{{ .Values.password }}",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-AbCdEf",
        ),
        *(
            "/prod/db/password",
            "./secrets/db.txt",
            "~/.aws/credentials",
            "C:\\secrets\\db.txt",
            "orders/db-password",
            "file://x",
            "ssm:/prod/db",
        ),
        *(
            "var.db_password",
            "module.db.password",
            "data.aws_ssm_parameter.x[0].value",
            "alias/orders",
            "vault:secret/db#password",
        ),
    ],
)
def test_references(text):
    """Dynamic references, variables, ARNs, paths and names of stored secrets say where a secret is."""
    assert is_reference(text)
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "null",
        "None",
        "true",
        "<password>",
        "<your password here>",
        "[password]",
        "{####}",
        "__PASSWORD__",
        "****",
        "xxxx-xxxx",
        "....",
        "#{password}#",
        "REDACTED",
        "TODO",
        "aaaaaaaa",
    ],
)
def test_open_places(text):
    """Nothing, forms to be filled in and masks leave the place open."""
    assert is_blank(text)
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        "CHANGEME",
        "changeme123",
        "change-me",
        "Change_Me_Please",
        "REPLACE_ME",
        "replace-with-real-token",
        "your-api-key",
        "YOUR_TOKEN_HERE",
        "insert your token here",
        "example",
        "AKIAIOSFODNN7EXAMPLE",
        "dummy",
        "password",
        "secret",
        "test",
        "placeholder",
        "not-a-real-secret",
    ],
)
def test_fillers(text):
    """Words that are written until somebody writes a real one."""
    assert is_placeholder(text)
    assert not is_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "Tr0ub4dour-7-Lamps",
        "hunter2",
        "zQ7xzQ7xzQ7xzQ7xzQ7xzQ7xzQ7xzQ7xzQ7xzQ7x",
        "correct horse battery staple",
        "p@ss/w0rd!",
        "a/b+c==",
        "Jun1per.Canyon",
        "$ecret1",
        "12345678",
        "testing-Rhubarb-9",
    ],
)
def test_secrets(text):
    """What could be a secret is no placeholder."""
    assert not is_placeholder(text)


def test_dynamic_references_are_whole():
    """A dynamic reference stands alone: with something around it, it is a text that has one inside."""
    assert is_dynamic_reference("{{resolve:ssm:/prod/db:1}}")
    assert not is_dynamic_reference("x{{resolve:ssm:/prod/db:1}}")


@pytest.mark.parametrize("piece", ["x", "x-", "your ", "a/", "a.", "${", "<", "[", "{{", "change me ", "#", "\n"])
def test_long_texts_take_time_in_proportion(piece):
    """A text made to be slow is not."""
    start = time.process_time()
    is_placeholder(piece * 50_000)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("GTd7Fguo/8FWnFbB0JxXu/r4qqaaABvvLOzAxzXM", False),
        ("s1scwHVqK0HK1J3Q/B/Z2liqAtDdnGt9mZxal2gB", False),
        ("/EZ513oVM/ivd0bwRg7vLP6sAJhgg2FVTL1FE5hM", False),
        ("/MyCompany/Production/Database/Password1", True),
        ("MyTeam/Prod1/Db2/MasterPassword", True),
    ],
)
def test_random_characters_with_slashes(text, reference):
    """Base64 has slashes in it: a secret access key of AWS that has one is not taken for the path of a parameter."""
    assert is_reference(text) is reference
