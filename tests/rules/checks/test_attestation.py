"""Conditions on the attestation of an enclave, and what gets past them."""

from __future__ import annotations

import json

import pytest

from kmsguard.model.guard import NOWHERE_ASSUMED
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import JudgeSettings, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Value
from kmsguard.rules.checks import attestation

HEAD = Span("main.tf", 1, 1, 1, 20)
HOST = {"AWS": "arn:aws:iam::111122223333:role/enclave-host"}
IMAGE = "9f" * 48
KEY = "kms:RecipientAttestation:ImageSha384"
ATTESTED = {"StringEqualsIgnoreCase": {KEY: IMAGE}}


def allow(condition, principal=HOST, action="kms:Decrypt", effect="Allow") -> dict:
    """A statement of a key policy."""
    statement = {"Effect": effect, "Principal": principal, "Action": action, "Resource": "*"}
    return statement | ({"Condition": condition} if condition else {})


@pytest.mark.parametrize(
    ("statements", "truth"),
    [
        ([allow(ATTESTED)], Truth.YES),
        ([allow({"StringEqualsIfExists": {KEY: IMAGE}})], Truth.NO),
        ([allow({"ForAllValues:StringEquals": {KEY: IMAGE}})], Truth.NO),
        ([allow({"StringNotEquals": {KEY: IMAGE}})], Truth.NO),
        ([allow({"StringLike": {KEY: "*"}})], Truth.NO),
        ([allow({"StringEquals": {"kms:RecipientAttestation:PCR8": "0" * 96}})], Truth.NO),
        ([allow({"StringEquals": {"kms:RecipientAttestation:PCR4": "0" * 96}})], Truth.YES),  # not one that debug mode clears
        (
            [allow({"StringEqualsIfExists": {KEY: IMAGE}, "StringEquals": {"kms:RecipientAttestation:PCR3": "ab" * 48}})],
            Truth.YES,
        ),
        ([allow(ATTESTED), allow({}, action=["kms:Decrypt", "kms:Encrypt"])], Truth.NO),
        ([allow(ATTESTED), allow({}, action="kms:Encrypt")], Truth.YES),
        ([allow(ATTESTED), allow({}, principal={"AWS": "arn:aws:iam::111122223333:role/other"})], Truth.YES),
        ([allow(ATTESTED), allow({}, principal={"AWS": "arn:aws:iam::111122223333:root"}, action="kms:*")], Truth.YES),
        ([allow(ATTESTED), allow({"StringEquals": {"kms:ViaService": "ec2.eu-west-1.amazonaws.com"}})], Truth.YES),
        ([allow(ATTESTED), allow({}), allow({"StringNotEquals": {KEY: IMAGE}}, effect="Deny")], Truth.YES),
    ],
)
def test_attestation(statements, truth) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-nitro-enclave.html."""
    policy = Value(json.dumps({"Version": "2012-10-17", "Statement": statements}), HEAD)
    key = Resource("r", "kms.key", "aws_kms_key", "unit", (), {"policy": policy}, {}, (), HEAD, HEAD)
    question = Question(Graph((), (key,), ()), key, NOWHERE_ASSUMED, JudgeSettings(account="111122223333"))

    assert attestation.holds(question).truth is truth
