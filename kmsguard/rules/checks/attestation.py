"""Key policies that ask for the attestation of a Nitro enclave, and whether another request gets past it.

https://docs.aws.amazon.com/kms/latest/developerguide/conditions-nitro-enclave.html (the operations and the keys),
https://docs.aws.amazon.com/enclaves/latest/user/cmd-nitro-run-enclave.html (debug mode: registers that are all zeros).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kmsguard.iam.document import Statement, Test
from kmsguard.iam.request import action_truth
from kmsguard.iam.texts import fold
from kmsguard.model.finding import Evidence
from kmsguard.model.rule import Answer, Found, Question, answer_of
from kmsguard.model.truth import Truth
from kmsguard.model.value import Value
from kmsguard.rules.checks.audiences import is_told_with_its_key
from kmsguard.rules.checks.documents import views_of

_ATTESTED = ("Decrypt", "DeriveSharedSecret", "GenerateDataKey", "GenerateDataKeyPair", "GenerateRandom")
_KEY = "kms:recipientattestation:"
_OTHER_WAYS = ("kms:viaservice", "kms:grantisforawsresource", "aws:viaawsservice")
_ZEROS = re.compile(r"0+")
_OF_ENCLAVES = tuple(_KEY + name for name in ("imagesha384", "pcr0", "pcr1", "pcr2", "pcr8"))  # others begin as zeros
_EXACT = ("stringequals", "stringequalsignorecase", "stringlike")


def holds(question: Question) -> Answer:
    """Whether a condition on the attestation of an enclave lets through what that enclave asks for, and nothing else."""
    if is_told_with_its_key(question):
        return Answer(Truth.YES)
    statements = views_of(question).all[0].document.statements
    return answer_of(found for statement in statements for found in _past(statement, statements))


def _past(statement: Statement, statements: tuple[Statement, ...]) -> Iterator[Found]:
    """What gets past the conditions of one statement."""
    tests = _tests(statement)
    if statement.effect != "Allow" or not tests or statement.open or statement.condition_open:
        return
    if not any(_closes(test) for test in tests):
        yield _found(statement, tests[0].value, "this lets requests through that no enclave has signed", "without an enclave")
        return
    for test in tests:
        if test.key in _OF_ENCLAVES and any(_ZEROS.fullmatch(entry.known or "") for entry in test.values):
            yield _found(statement, test.value, "any enclave in debug mode shows zeros", "any enclave in debug mode")
            return
    other = None if _is_fenced(statements) else next((one for one in statements if _is_way_round(statement, one)), None)
    if other is not None:
        at = other.principal.value if other.principal is not None else None
        yield _found(other, at, f"statement {other.name} allows the same without attestation", "without an enclave")


def _found(statement: Statement, at: Value | None, message: str, what: str) -> Found:
    span = at.where if at is not None and at.where is not None else statement.span
    values = {"statement": statement.name, "what": what}
    return Found(f"policy.Statement[{statement.index}]", Truth.NO, (Evidence(message, span),), values=values)


def _tests(statement: Statement) -> list[Test]:
    return [test for test in statement.tests if test.key.startswith(_KEY)]


def _closes(test: Test) -> bool:
    """Whether it holds only for requests with an attestation, and a certain one."""
    if test.if_exists or test.prefix == "forallvalues" or test.base not in _EXACT:
        return False
    return not any(_is_anything(entry.known) for entry in test.values)


def _is_anything(text: str | None) -> bool:
    return text is not None and not text.strip("*")


def _is_fenced(statements: tuple[Statement, ...]) -> bool:
    """Whether some statement may deny what comes without attestation."""
    return any(one.effect != "Allow" and (one.open or one.condition_open or _tests(one)) for one in statements)


def _is_way_round(statement: Statement, other: Statement) -> bool:
    """Whether another statement allows one of the same callers one of the operations, and asks for no attestation."""
    if other.effect != "Allow" or other is statement or other.open or other.condition_open or _tests(other):
        return False
    if any(test.key in _OTHER_WAYS for test in other.tests):
        return False
    same = _callers(statement) & _callers(other)
    allowed = [one for one in _ATTESTED if action_truth(statement, one) is Truth.YES and action_truth(other, one) is Truth.YES]
    return bool(same and allowed)


def _callers(statement: Statement) -> set[str]:
    """Who is named one by one, not the account as a whole."""
    if statement.principal is None or statement.principal.negated:
        return set()
    known = (entry.entry.known for entry in statement.principal.entries if entry.type == "AWS")
    return {text for text in known if text is not None and re.search(r":(role|user|assumed-role)/", fold(text))}
