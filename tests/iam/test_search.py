"""The exact search against a slow evaluator of the specification, on random documents."""

from __future__ import annotations

import json
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_documents import OPTIONS, Maker, documents
from slow_evaluator import AUDIENCES, CLASSES, YES, Policy, problems

from kmsguard.iam.check import check_text
from kmsguard.iam.texts import Deployment

RANK = {name: rank for rank, name in enumerate(AUDIENCES)}
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def judged(document, options):
    """The answers for a document, and the document for the slow evaluator."""
    deployment = Deployment(options["account"], options["region"], options["trusted"], options["organizations"])
    answers = check_text(json.dumps(document), deployment)
    assert isinstance(answers, dict)
    return answers, Policy(document, options["account"], options["trusted"], options["organizations"], options["region"])


def bounds(answer):
    """The narrower and the wider bound of an answer."""
    return (answer.get("at_least", answer["audience"]), answer.get("at_most", answer["audience"]))


def request(witness):
    """A witness as the slow evaluator takes it."""
    arn, values = witness["principal"], {name.lower(): value for name, value in witness["context"].items()}
    out = {"arn": arn, "account": witness["account"], "operation": witness["action"][4:], "values": values}
    if not arn.startswith("arn:"):
        return {**out, "kind": "service"}
    if ":assumed-role/" in arn:
        return {**out, "kind": "role", "arn": values["aws:principalarn"], "session": arn}
    return {**out, "kind": "root" if arn.endswith(":root") else "federated" if ":federated-user/" in arn else "user"}


@QUICK
@given(documents(), OPTIONS)
def test_witness_is_decided_as_claimed(document, options):
    """Each witness can exist, is of its audience and class, and is allowed: certainly where the audience is decided."""
    answers, policy = judged(document, options)
    for name, operations in CLASSES.items():
        least, most = bounds(answers[name])
        witness = answers[name]["witness"]
        assert (witness is None) == (most == "nobody" or "reason" in answers[name])
        if witness is not None:
            asked = request(witness)
            assert asked["operation"] in operations
            assert problems(asked, policy) == []
            assert policy.decide(asked) >= (YES if least == most else 1)
            assert policy.audience(asked) == most


@QUICK
@given(documents(), OPTIONS, st.integers(0, 2**32))
def test_no_request_is_wider_than_the_answer(document, options, seed):
    """No request that can exist is let in beyond the bounds."""
    answers, policy = judged(document, options)
    maker = Maker(policy, random.Random(seed))
    for _ in range(40):
        asked = maker.request()
        truth = policy.decide(asked)
        if truth:
            name = next(name for name, operations in CLASSES.items() if asked["operation"] in operations)
            least, most = bounds(answers[name])
            audience = policy.audience(asked)
            assert RANK[audience] <= RANK[most], asked
            assert truth < YES or RANK[audience] <= RANK[least] or "reason" in answers[name], asked


@QUICK
@given(documents(), OPTIONS, st.integers(0, 2**32))
def test_lockout_agrees_with_requests(document, options, seed):
    """Whoever of the account can put a policy, certainly or possibly, speaks against a lockout."""
    answers, policy = judged(document, options)
    maker = Maker(policy, random.Random(seed))
    for _ in range(40):
        asked = maker.request()
        asked["operation"] = "PutKeyPolicy"
        asked["values"] = {
            k: v for k, v in asked["values"].items() if not k.startswith("kms:") or k in ("kms:calleraccount", "kms:viaservice")
        }
        if asked["kind"] != "service" and asked["account"] == options["account"]:
            truth = policy.decide(asked)
            assert truth == 0 or answers["lockout"] is not True
            assert truth < YES or answers["lockout"] is not None


@settings(max_examples=30, deadline=None, derandomize=True)
@given(documents(), OPTIONS)
def test_same_input_same_answer(document, options):
    """The same document gives the same bytes."""
    one, other = (judged(document, options)[0] for _ in range(2))

    assert json.dumps(one) == json.dumps(other)
