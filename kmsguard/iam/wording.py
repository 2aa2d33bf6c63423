"""What documents say, apart from where it stands: equal for two that no answer tells apart."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from kmsguard.iam.document import Element, PolicyDocument, PrincipalElement, Statement
from kmsguard.iam.facts import mentioned
from kmsguard.iam.texts import Deployment
from kmsguard.model.value import Text, Value


def wording(document: PolicyDocument, deployment: Deployment) -> Hashable:
    """What the statements of a document say, in order, with all that is mentioned in the whole of it, and where it is deployed.

    Statements can be others than those that the document's value holds. None where it cannot be told.
    """
    if deployment.texts:
        return None
    where = (deployment.account, deployment.region, deployment.trusted, deployment.organizations)
    said = (where, document.error, mentioned(document), tuple(_statement(one) for one in document.statements))
    try:
        hash(said)
    except TypeError:  # it holds a Choice
        return None
    return said


def _statement(statement: Statement) -> Hashable:
    tests = tuple(
        (test.operator, test.name, test.variables, tuple(entry.text for entry in test.values)) for test in statement.tests
    )
    return (
        statement.effect,
        _element(statement.action),
        _element(statement.resource),
        _principal(statement.principal),
        tests,
        tuple((name, _plain(value)) for name, value in statement.value.members.items() if name != "Sid"),
        statement.open,
        statement.condition_open,
    )


def _element(element: Element | None) -> Hashable:
    return None if element is None else (element.negated, *(entry.text for entry in element.entries))


def _principal(element: PrincipalElement | None) -> Hashable:
    if element is None:
        return None
    return (element.negated, element.open, *((entry.type, entry.entry.text) for entry in element.entries))


def _plain(value: Value) -> Hashable:
    data = value.data
    if isinstance(data, str):
        return data
    if isinstance(data, tuple):
        return ("list", *_plains(data))
    if isinstance(data, dict):
        return ("map", *data, *_plains(data.values()))
    if isinstance(data, Text):
        return ("text", data.encoding, _plain(data.encodes) if data.encodes is not None else None, *_plains(data.pieces))
    return (type(data), data)  # in Python True == 1


def _plains(values: Iterable[Value]) -> list[Hashable]:
    return [_plain(value) for value in values]
