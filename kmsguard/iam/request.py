"""Whole requests: what each condition key of one holds, and what a document says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from kmsguard.iam import result
from kmsguard.iam.conditions import ABSENT, Held, Request, State, condition_holds
from kmsguard.iam.document import Element, PolicyDocument, Statement
from kmsguard.iam.keys import ConditionKey, find
from kmsguard.iam.principals import Caller, CallerKind, principal_matches, root_arn
from kmsguard.iam.result import Result
from kmsguard.iam.texts import Deployment, fold
from kmsguard.model.truth import Truth, all_of

_VARIABLE = re.compile(r"\$\{[^}]*\}")


class Call(msgspec.Struct, frozen=True):
    """A request with everything that conditions can read of it.

    `arn` is the caller's ARN (of a session its role's), for a service its name; `account` is the caller's, for a service the
    customer's. `values` holds the condition keys that the request has, by their names in lower case.
    """

    kind: CallerKind
    arn: str
    account: str
    operation: str
    values: Mapping[str, str | tuple[str, ...]]
    session: str | None = None  # the ARN of the role session
    organization: str | None = None  # that it shows

    @property
    def principal(self) -> str:
        """Who calls, as CloudTrail would show it."""
        return self.session or self.arn


def glob(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern: `*` is any text, `?` one character. Never slower than the product of their lengths."""
    head, wild, tail = pattern.partition("*")
    if not tail and "?" not in head:
        return text.startswith(head) if wild else text == head
    at = star = mark = 0
    starred = False
    index = 0
    while index < len(text):
        if at < len(pattern) and pattern[at] == "*":
            starred, star, mark = True, at, index
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[index]):
            at += 1
            index += 1
        elif starred:
            mark += 1
            at, index = star + 1, mark
        else:
            return False
    return all(char == "*" for char in pattern[at:])


def action_truth(statement: Statement, operation: str) -> Truth:
    """Whether the action of a statement is an operation of KMS."""
    if statement.open:
        return Truth.UNKNOWN
    element = statement.action
    if element is None:
        return Truth.NO
    wanted = fold(f"kms:{operation}")
    found = Truth.NO
    for entry in element.entries:
        pattern = entry.known
        if pattern is None:
            found = max(found, Truth.UNKNOWN)
        elif glob(fold(pattern), wanted):
            found = Truth.YES
            break
    return ~found if element.negated else found


def resource_truth(statement: Statement, deployment: Deployment) -> Truth:
    """Whether the resource of a statement is the key that the document belongs to."""
    if statement.open:
        return Truth.UNKNOWN
    element = statement.resource
    if element is None:
        return Truth.NO
    found = _resources(element, deployment)
    return ~found if element.negated else found


def _resources(element: Element, deployment: Deployment) -> Truth:
    found = Truth.NO
    for entry in element.entries:
        found = max(found, _resource(entry.known, deployment))
    return found


def _resource(text: str | None, deployment: Deployment) -> Truth:
    if text == "*":
        return Truth.YES
    if text is None or _VARIABLE.search(text) or text.count(":") < 5:
        return Truth.UNKNOWN
    arn, partition, service, region, account, rest = text.split(":", 5)
    own = deployment.account
    return all_of(
        (
            Truth.of(glob(arn, "arn")),
            Truth.of(glob(partition, deployment.partition)),
            Truth.of(glob(service, "kms")),
            _region(region, deployment.region),
            Truth.of(glob(account, own) if own is not None else None),
            _key(rest),
        )
    )


def _region(pattern: str, region: str | None) -> Truth:
    if region is not None:
        return Truth.of(glob(pattern, region))
    return Truth.YES if pattern == "*" else Truth.UNKNOWN


def _key(text: str) -> Truth:
    if text in ("*", "key/*"):
        return Truth.YES
    return Truth.UNKNOWN if text.startswith("key/") or "*" in text or "?" in text else Truth.NO


def decision(document: PolicyDocument, call: Call, deployment: Deployment) -> Truth:
    """Whether a document allows a request, taken for itself: OR of the Allow statements AND NOT (OR of the Deny statements)."""
    allowed = denied = Truth.NO
    caller, request = caller_of(call, deployment), request_of(call)
    for statement in document.statements:
        truth = _statement_truth(statement, call.operation, caller, request, deployment)
        if statement.effect is None:
            truth = min(truth, Truth.UNKNOWN)
        if statement.effect != "Deny":
            allowed = max(allowed, truth)
        if statement.effect != "Allow":
            denied = max(denied, truth)
    return min(allowed, ~denied)


def _statement_truth(statement: Statement, operation: str, caller: Caller, request: Request, deployment: Deployment) -> Truth:
    if statement.open:
        return Truth.UNKNOWN
    truth = action_truth(statement, operation)
    if truth is not Truth.NO:
        truth = min(truth, resource_truth(statement, deployment))
    if truth is not Truth.NO:
        truth = min(truth, principal_matches(statement.principal, caller).truth)
    if truth is not Truth.NO and (statement.tests or statement.condition_open):
        truth = min(truth, condition_holds(statement, request).truth)
    return truth


def holds(statement: Statement, call: Call) -> Result:
    """Whether the condition of a statement holds for a request."""
    return condition_holds(statement, request_of(call)) if statement.tests or statement.condition_open else result.YES


def request_of(call: Call) -> Request:
    """What conditions read of a request."""

    def key(name: str) -> ConditionKey | None:
        return None if name == "aws:principaltype" and call.kind == "service" else find(name)

    def state(name: str) -> State:
        value = call.values.get(name)
        if value is None:
            return ABSENT
        if isinstance(value, str):
            return Held(((value,),))
        return Held(tuple((text,) for text in value), holds_set=True)

    return Request(key, state)


def caller_of(call: Call, deployment: Deployment) -> Caller:
    """The caller of a request, as principals are matched against it."""
    account = (call.account,)
    session = (call.session,) if call.session is not None else None
    return Caller(call.kind, (call.arn,), account, root_arn(deployment.partition, account), session)
