"""The sentences of the engine's specification, section by section, each with documents that it alone decides.

`cases/sentences.jsonl` has a row for each document: the section, the statements, what is asked where it is not Decrypt (an
operation, or the lockout), and the audience or its bounds.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from slow_evaluator import UNKNOWN, YES, Policy, problems
from test_search import request

from kmsguard.iam.check import check_text
from kmsguard.iam.texts import Deployment

OPTIONS = {"account": "111122223333", "region": "us-east-1", "trusted": ("222233334444",), "organizations": ("o-abcdefghij",)}
ROWS = [json.loads(line) for line in (Path(__file__).parent / "cases" / "sentences.jsonl").read_text("utf-8").splitlines()]
SECTIONS = list(dict.fromkeys(row["section"] for row in ROWS))


def differences(row):
    """What is answered otherwise than the sentence says, and what a witness is not."""
    options = {"region": None, **row["options"], "trusted": (), "organizations": ()} if "options" in row else OPTIONS
    document = {"Version": row.get("version", "2012-10-17"), "Statement": row["statements"]}
    document = {name: member for name, member in document.items() if member is not None}
    action = row.get("action", "kms:Decrypt")
    answers = check_text(json.dumps(document), Deployment(**options), None if action == "lockout" else action)
    answer = answers[action]
    if action == "lockout":
        return [] if answer is row["expected"] else [f"{row}: {answer}"]
    found = f"{answer['at_least']}..{answer['at_most']}" if "at_least" in answer else answer["audience"]
    if found != row["expected"]:
        return [f"{row}: {found}"]
    if answer["witness"] is None:
        return [] if found == "nobody" else [f"{row}: no witness"]
    policy = Policy(document, options["account"], options["trusted"], options["organizations"], options["region"])
    asked = request(answer["witness"])
    out = [f"{row}: {problem}" for problem in problems(asked, policy)]
    if policy.decide(asked) < (UNKNOWN if "at_least" in answer else YES):
        out.append(f"{row}: {asked} is not allowed")
    if policy.audience(asked) != answer.get("at_most", answer["audience"]):
        out.append(f"{row}: {asked} is of another audience")
    return out


@pytest.mark.parametrize("section", SECTIONS)
def test_section(section):
    """Each document of a section is answered as its sentences say, and its witness is a request that it lets in."""
    assert [one for row in ROWS if row["section"] == section for one in differences(row)] == []
