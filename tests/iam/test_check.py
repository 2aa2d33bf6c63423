"""`check`: files, errors, witnesses, and any input at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmsguard.iam.check import check, check_text, load, place_of_error
from kmsguard.iam.texts import Deployment

OWN = "111122223333"
HERE = Deployment(OWN, "us-east-1", ("222233334444",), ("o-abcdefghij",))
ROOT = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OWN}:root"}, "Action": "kms:*", "Resource": "*"}


def test_files(tmp_path):
    """Each file is in policies or in errors, in the order given."""
    good, bad, missing = tmp_path / "good.json", tmp_path / "bad.json", tmp_path / "missing.json"
    good.write_text(json.dumps({"Statement": [ROOT]}))
    bad.write_text('{"Id": "x"}')
    tree = check([str(missing), str(good), str(bad), str(tmp_path)], account=OWN)

    assert tree["format_version"] == 1
    assert tree["account"] == OWN
    assert [policy["file"] for policy in tree["policies"]] == [str(good)]
    assert list(tree["policies"][0]) == ["file", "use", "grant", "administer", "sign", "lockout"]
    assert [(error["file"], error["message"].split(":")[0]) for error in tree["errors"]] == [
        (str(missing), "OSError"),
        (str(bad), "BadPolicy"),
        (str(tmp_path), "OSError"),
    ]


def test_one_action(tmp_path):
    """With an action there is one answer under it, and nothing else."""
    file = tmp_path / "key.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps({"Statement": ROOT}).encode())
    (policy,) = check([str(file)], account=OWN, action="kms:Decrypt")["policies"]

    assert list(policy) == ["file", "kms:Decrypt"]
    assert policy["kms:Decrypt"]["audience"] == "account"


def test_witness_shows_what_the_document_reads():
    """A witness has the keys that the document reads, as AWS spells them, and a session its role."""
    condition = {
        "StringLike": {"KMS:viaservice": "s3.*.amazonaws.com", "kms:EncryptionContext:Team": "a*"},
        "ForAnyValue:StringEquals": {"kms:encryptionContextKeys": ["Other"]},
        "NumericGreaterThan": {"aws:MultiFactorAuthAge": "100"},
        "DateGreaterThan": {"aws:CurrentTime": "2030-01-31"},
    }
    document = {"Statement": {**ROOT, "Principal": "*", "Condition": condition}}
    answer = check_text(json.dumps(document), HERE, "kms:Decrypt")
    assert isinstance(answer, dict)
    witness = answer["kms:Decrypt"]["witness"]

    assert witness["action"] == "kms:Decrypt"
    assert witness["principal"].startswith(f"arn:aws:sts::{witness['account']}:assumed-role/")
    context = witness["context"]
    assert sorted(context) == [
        "aws:CurrentTime",
        "aws:MultiFactorAuthAge",
        "aws:PrincipalArn",
        "kms:EncryptionContext:Team",
        "kms:EncryptionContextKeys",
        "kms:ViaService",
    ]
    assert context["aws:CurrentTime"] > "2030-01-31T00:00:00Z"
    assert int(context["aws:MultiFactorAuthAge"]) > 100
    assert sorted(context["kms:EncryptionContextKeys"]) == ["Other", "Team"]


def test_numbers_are_taken_as_written():
    """A number of JSON is a policy value as it stands; too many digits for anybody else are no harm."""
    digits = "1" * 5000
    condition = '{"NumericLessThan": {"aws:MultiFactorAuthAge": %s}}'
    raw = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": %s}}'

    for number, expected in ((digits, "public"), ("-" + digits, "nobody"), ("1e3", "unknown"), ("7.5", "public")):
        answer = check_text(raw % (condition % number), HERE, "kms:Decrypt")
        assert isinstance(answer, dict)
        assert answer["kms:Decrypt"]["audience"] == expected


DEEP = "[" * 50_000 + '"444455556666"' + "]" * 50_000


def test_deep_nesting():
    """What is nested deeper than anybody can follow is left open, and its strings are read all the same."""
    statement = '{"Effect": "Allow", "Principal": %s, "Action": "kms:*", "Resource": "*"}'
    answer = check_text(f'{{"Statement": {statement % DEEP}}}', HERE, "kms:Decrypt")

    assert isinstance(answer, dict)
    assert answer["kms:Decrypt"]["at_most"] == "public"
    assert check_text(f'{{"Statement": {DEEP}}}', HERE) == "BadPolicy: bad statement"
    assert check_text(DEEP, HERE) == "BadPolicy: no Statement"


@pytest.mark.parametrize(
    "raw",
    [
        "[" * 50_000,
        DEEP[:-1],
        DEEP + "]",
        DEEP[:-1] + ",]",
        DEEP[:50_000] + "nul" + "]" * 50_000,
        '{"a":' * 50_000 + "1" + "," + "}" * 50_000,
    ],
)
def test_deep_nesting_that_is_no_json(raw):
    """A mistake is found however deep it stands."""
    message = check_text(raw, HERE)

    assert isinstance(message, str)
    assert message.startswith("JSONDecodeError: ")


def test_deep_json_is_read_like_other_json():
    """The reader for deep texts reads what the other one reads."""
    text = '{"a": [1, -2.5e3, "x\\u00e9", true, false, null, {}, [], {"b": {"c": []}}], "d": ""}'
    deep = "[" * 20_000 + text + "]" * 20_000
    found = load(deep)
    for _ in range(20_000):
        (found,) = found

    assert found == load(text)
    assert found["a"][1].written == "-2.5e3"


WORDS = [
    *["Allow", "Deny", "*", "AWS", "Service", "kms:*", "kms:Decrypt", "Statement", "Effect", "Principal", "NotPrincipal"],
    *["Action", "NotAction", "Resource", "Condition", "Version", "StringEquals", "StringLike", "ForAllValues:StringLike"],
    *[
        "Null",
        "Bool",
        "aws:PrincipalArn",
        "aws:SourceIp",
        "kms:EncryptionContext:",
        "kms:EncryptionContext:x",
        "aws:PrincipalTag/",
    ],
    *["${aws:username}", "${", "${}", "${x}", "${*}", "${aws:username, 'a'}", "", "\x00", "é", "\ud800", OWN, "::::::", "a\nb"],
    *[
        "true",
        "1e3",
        "NumericEquals",
        "DateEquals",
        "2020",
        "IpAddress",
        "10.0.0.0/33",
        "ForAnyValue:",
        "IfExists",
        "2012-10-17",
    ],
    *["forallvalues:ifexists", "aws:PrincipalOrgPaths", "kms:EncryptionContextKeys", f"arn:aws:iam::{OWN}:role/a\nb"],
]
LEAVES = st.one_of(
    st.sampled_from(WORDS), st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)),
    max_leaves=12,
)
ELEMENTS = st.one_of(st.sampled_from(["*", "kms:*"]), ANYTHING)
CONDITIONS = st.one_of(
    ANYTHING, st.dictionaries(st.sampled_from(WORDS), st.dictionaries(st.sampled_from(WORDS), ANYTHING, max_size=2), max_size=2)
)
STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": ELEMENTS, "Resource": ELEMENTS},
    optional={"Principal": ELEMENTS, "NotPrincipal": ELEMENTS, "Condition": CONDITIONS},
)
DOCUMENTS = st.one_of(
    ANYTHING, st.fixed_dictionaries({"Version": st.sampled_from(WORDS), "Statement": st.lists(STATEMENTS, max_size=3)})
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(DOCUMENTS)
def test_any_json_is_answered(document):
    """Whatever JSON it is, there is an answer or the message of an error."""
    answer = check_text(json.dumps(document), HERE)

    assert isinstance(answer, dict) or answer.startswith("BadPolicy: ")
    json.dumps(answer)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(max_size=60))
def test_any_bytes_are_answered(raw):
    """Whatever bytes they are, there is an answer or the message of an error."""
    assert isinstance(check_text(raw, HERE), (dict, str))


@pytest.mark.parametrize(
    ("statements", "place"),
    [
        ([{"Effect": "Allow"}, {"Effect": "allow"}], "Statement[1].Effect"),
        ({"Effect": "Allow", "Action": ["kms:*", 5]}, "Statement.Action[1]"),
        ([{"Effect": "Allow", "Condition": {"Bool": []}}], "Statement[0].Condition.Bool"),
        ([{"Effect": "Allow", "Principal": {"AWS": 111122223333}}], "Statement[0].Principal.AWS"),
        (["x"], "Statement[0]"),
    ],
)
def test_place_of_what_makes_a_policy_bad(statements, place):
    """A reader is told which part of the document is bad."""
    assert place_of_error(json.dumps({"Statement": statements}).encode()) == place
