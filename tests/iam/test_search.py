"""The exact search against a slow evaluator of the specification, on random documents.

`KMSGUARD_DOCUMENTS=20000 pytest tests/iam/test_search.py` asks of so many, each with a larger enumeration;
`KMSGUARD_SEED` is where the documents begin (0).
"""

from __future__ import annotations

import json
import os
from random import Random

from enumeration import Enumeration
from made_documents import case
from slow_evaluator import AUDIENCES, CLASSES, UNKNOWN, YES, Policy, problems

from kmsguard.iam.audience import Question
from kmsguard.iam.check import check_text, read_document, shown
from kmsguard.iam.plain import is_closed, plain_lockout
from kmsguard.iam.texts import Deployment

RANK = {name: rank for rank, name in enumerate(AUDIENCES)}
MANY = int(os.environ.get("KMSGUARD_DOCUMENTS", "0"))
FIRST = int(os.environ.get("KMSGUARD_SEED", "0"))


class Judged:
    """A random document with its answers, and what the slow evaluator finds."""

    def __init__(self, seed, sorts, most):
        random = Random(seed)
        self.seed = seed
        self.document, given = case(random)
        self.deployment = Deployment(given["account"], given["region"], given["trusted"], given["organizations"])
        answers = check_text(json.dumps(self.document), self.deployment)
        assert isinstance(answers, dict), (seed, answers)
        self.answers = answers
        self.policy = Policy(self.document, given["account"], given["trusted"], given["organizations"], given["region"])
        self.found, self.put = Enumeration(self.policy, random, sorts, most).bounds()

    def differences(self):
        """What is not as the specification has it, in words."""
        for name in CLASSES:
            yield from (f"seed {self.seed}, {name}: {what}" for what in self._of_class(name))
        yield from (f"seed {self.seed}, lockout: {what}" for what in self._of_lockout())
        yield from self._of_statements()

    def _of_lockout(self):
        lockout = self.answers["lockout"]
        if (self.put == YES and lockout is not False) or (self.put == UNKNOWN and lockout is True):
            yield f"{lockout}, but somebody can put a policy"
        document = read_document(json.dumps(self.document))
        plainly = plain_lockout(document, self.deployment)
        if plainly not in (None, lockout):
            yield f"{lockout}, but plainly {plainly}"
        # only callers of the own account put a policy: whoever does is shown by the audience of that operation
        question = Question(document, self.deployment)
        putting = question.audience(("PutKeyPolicy",))
        bounds = {True: ("nobody", "nobody"), None: ("nobody", putting.at_most), False: (putting.at_least, putting.at_most)}
        if bounds[lockout] != (putting.at_least, putting.at_most) or (lockout is None and putting.decided):
            yield f"{lockout}, but a policy is put by {putting.at_least} to {putting.at_most}"
        if lockout is False and putting.at_least == "nobody":
            yield f"{lockout}, but nobody certainly puts a policy"
        call = putting.certain_witness
        if call is not None:
            asked = request(shown(question.facts, call))
            if asked["operation"] != "PutKeyPolicy" or problems(asked, self.policy) or self.policy.decide(asked) != YES:
                yield f"{asked} does not put a policy"

    def _of_statements(self):
        document = read_document(json.dumps(self.document))
        for statement in document.statements:
            if statement.effect == "Allow" and is_closed(statement, self.deployment):
                audience = Question(document, self.deployment).audience(CLASSES["use"], statement.index)
                if RANK[audience.at_most] >= RANK["external"] and not audience.too_large:
                    yield f"seed {self.seed}, statement {statement.index}: it is closed, but lets in {audience.at_most}"

    def _of_class(self, name):
        answer = self.answers[name]
        least, most = answer.get("at_least", answer["audience"]), answer.get("at_most", answer["audience"])
        witness, gave_up = answer["witness"], "reason" in answer
        possible, certain = self.found[name][UNKNOWN], self.found[name][YES]
        if possible[0] > RANK[most]:
            yield f"at most {most}, but possibly {AUDIENCES[possible[0]]}: {possible[1]}"
        if certain[0] > RANK[least] and not gave_up:
            yield f"at least {least}, but certainly {AUDIENCES[certain[0]]}: {certain[1]}"
        if (witness is None and most != "nobody" and not gave_up) or (witness is not None and most == "nobody"):
            yield f"witness {witness} for {answer}"
        if witness is not None:
            yield from self._of_witness(name, witness, most, YES if least == most else UNKNOWN)
        if least not in (most, "nobody") and certain[0] < RANK[least]:
            question = Question(read_document(json.dumps(self.document)), self.deployment)
            call = question.audience(CLASSES[name]).certain_witness
            yield from self._of_witness(name, shown(question.facts, call), least, YES)

    def _of_witness(self, name, witness, audience, truth):
        asked = request(witness)
        if asked["operation"] not in CLASSES[name]:
            yield f"{witness} is of another class"
        for problem in problems(asked, self.policy):
            yield f"{witness} cannot exist: {problem}"
        if self.policy.decide(asked) < truth:
            yield f"{witness} is not allowed"
        if self.policy.audience(asked) != audience:
            yield f"{witness} is {self.policy.audience(asked)}, not {audience}"


def request(witness):
    """A witness as the slow evaluator takes it."""
    arn, values = witness["principal"], {name.lower(): value for name, value in witness["context"].items()}
    out = {"arn": arn, "account": witness["account"], "operation": witness["action"][4:], "values": values}
    if not arn.startswith("arn:"):
        return {**out, "kind": "service"}
    if ":assumed-role/" in arn:
        return {**out, "kind": "role", "arn": values["aws:principalarn"], "session": arn}
    return {**out, "kind": "root" if arn.endswith(":root") else "federated" if ":federated-user/" in arn else "user"}


def test_answers_are_those_of_the_slow_evaluator():
    """The bounds are what an enumeration finds or what a request proves that can exist; no request is beyond them.

    Every witness is of its class and audience and allowed when it is evaluated again; of `nobody` no request is allowed.
    """
    many, sorts, most = (MANY, 60, 60) if MANY else (100, 16, 24)
    differences: list[str] = []
    enumerated = asked = 0
    for seed in range(FIRST, FIRST + many):
        judged = Judged(seed, sorts, most)
        differences.extend(judged.differences())
        for name in CLASSES:
            answer = judged.answers[name]
            asked += 1
            enumerated += AUDIENCES[judged.found[name][UNKNOWN][0]] == answer.get("at_most", answer["audience"])

    assert differences == []
    assert many < 50 or enumerated > 0.85 * asked, "the enumeration finds too little to say anything"


def test_same_input_same_answer():
    """The same document gives the same bytes."""
    for seed in range(25):
        random = Random(seed)
        made, given = case(random)
        raw = json.dumps(made)
        deployment = Deployment(given["account"], given["region"], given["trusted"], given["organizations"])

        assert json.dumps(check_text(raw, deployment)) == json.dumps(check_text(raw, deployment))
