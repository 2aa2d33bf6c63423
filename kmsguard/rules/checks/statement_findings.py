"""How statements of key policies that are wrong are told: who is let in, by which request, and the place that says so."""

from __future__ import annotations

from collections.abc import Sequence

from kmsguard.iam.document import Statement
from kmsguard.iam.plain import ACCOUNT_OF
from kmsguard.iam.texts import show
from kmsguard.model.finding import Evidence
from kmsguard.model.rule import Answer, Found, answer_of
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Step, Value
from kmsguard.rules.checks.audiences import NETWORK, Sight, naming, networks_of, organization_of
from kmsguard.rules.checks.documents import View


def told_of(sights: Sequence[Sight], action: str = "") -> Answer:
    """Statements that let in too many, each with a request that is let in; `action`: its operation, where it is none of KMS."""
    findings = []
    for sight in sights:
        account = sight.audience.witness.account if sight.audience.witness is not None else ""
        verb = "lets" if sight.truth is Truth.NO else "perhaps lets"
        message = f"statement {sight.statement.name} {verb} them in: {_witness(sight, action)}"
        findings.append(
            Found(
                _attribute(sight.statement),
                sight.truth,
                (Evidence(message, *_place(sight.statement, sight.view, account)),),
                sight.open,
                {"who": _who(sight), "statement": sight.statement.name},
            )
        )
    return answer_of(findings)


def told(statement: Statement, at: Value | None, message: str, truth: Truth = Truth.NO, **values: str) -> Found:
    """What is wrong with a statement, at the place of a value in it; `values` are of the message of the rule."""
    shown = Evidence(message, *_at(at, statement))
    return Found(_attribute(statement), truth, (shown,), values={"statement": statement.name, **values})


def _place(statement: Statement, view: View, witness_account: str = "") -> tuple[Span | None, Step | None]:
    """The entry of the principal that lets them in and the way it came there, else the statement."""
    element = statement.principal
    if element is None:
        return statement.span, None
    entries = [entry for entry in element.entries if entry.type in ("AWS", "Service")]
    ours = (view.own, *view.deployment.trusted)
    for entry in entries:
        text = entry.entry.known
        if text == "*" or (text is not None and witness_account and witness_account in text):
            return _at(entry.entry.value, statement)
    for entry in entries:
        account = ACCOUNT_OF.fullmatch(entry.entry.known or "")
        if account is None or account[1] not in ours:
            return _at(entry.entry.value, statement)
    return _at(element.value, statement)


def _at(value: Value | None, statement: Statement) -> tuple[Span | None, Step | None]:
    """Where a value of a statement stands, and the way it came there."""
    if value is None or value.where is None:
        return statement.span, None
    return value.where, value.trail


def _who(sight: Sight) -> str:
    """The principals that are too many, as they are written."""
    element = sight.statement.principal
    if element is None or not element.entries:
        return "somebody who is not known here"
    ours = (sight.view.own, *sight.view.deployment.trusted)
    shown: list[str] = []
    for entry in element.entries:
        account = ACCOUNT_OF.fullmatch(entry.entry.known or "")
        if account is None or account[1] not in ours:
            shown.append(show(entry.entry.text))
    if shown == ["*"] and any(one.reference == NETWORK for one in sight.open):
        return f"everybody who calls from {' or '.join(filter(None, networks_of(sight.statement)))}"
    witness = sight.audience.witness
    test = naming(sight.statement)
    if sight.group in ("account", "administration") and shown == ["*"] and test is not None:
        unknown = next((value.text for value in test.values if value.known is None), None)
        if unknown is not None:
            return f"{'organization' if test.key == 'aws:principalorgid' else 'account'} {show(unknown)}"
    if sight.group in ("account", "administration") and witness is not None:
        if shown == ["*"]:
            organization = organization_of(witness)
            return f"organization {organization}" if organization else f"account {witness.account}"
        if witness.kind == "service":
            return f"{witness.arn} for account {witness.account}"
    return ", ".join(dict.fromkeys(shown)) or show(element.entries[0].entry.text)


def _witness(sight: Sight, action: str) -> str:
    """A request that is let in."""
    call = sight.audience.witness
    if call is None:
        return "a request that nothing excludes"
    given = [
        f"{name}={value if isinstance(value, str) else ', '.join(value)}"
        for name, value in call.values.items()
        if name in {test.key for test in sight.statement.tests}
    ]
    way = f" with {'; '.join(given)}" if given else ""
    customer = f" for account {call.account}" if call.kind == "service" else ""
    return f"for example {action or f'kms:{call.operation}'} by {call.principal}{customer}{way}"


def _attribute(statement: Statement) -> str:
    return f"policy.Statement[{statement.index}]"
