"""Which statements of a document are about an action, and what leaves that open."""

from __future__ import annotations

from functools import lru_cache

from kmsguard.iam import result
from kmsguard.iam.document import PolicyDocument, Statement
from kmsguard.iam.result import NO, Result
from kmsguard.iam.texts import Sym, acts, opens, sym
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth


@lru_cache(maxsize=1 << 14)
def acting(document: PolicyDocument, action: str) -> tuple[Statement, ...]:
    """The statements of a document that may be about an action."""
    service = action.partition(":")[0].lower()
    return tuple(
        statement
        for statement, services in _with_services(document)
        if (services is None or service in services) and acts_on(statement, action).truth is not Truth.NO
    )


@lru_cache(maxsize=1 << 12)
def _with_services(document: PolicyDocument) -> tuple[tuple[Statement, frozenset[str] | None], ...]:
    """The statements of a document, each with the services whose actions it names; None where it can be about any."""
    return tuple((one, _services_of(one)) for one in document.statements)


def _services_of(statement: Statement) -> frozenset[str] | None:
    element = statement.action
    if statement.open or element is None or element.negated:
        return None
    services = set()
    for entry in element.entries:
        service, colon, _ = (entry.known or "").partition(":")
        if not colon or "*" in service or "?" in service or not service.isascii():
            return None
        services.add(service.lower())
    return frozenset(services)


def acts_on(statement: Statement, action: str) -> Result:
    """Whether a statement is about an action (`kms:Decrypt`)."""
    if statement.open or statement.action is None:
        return result.unknown(*statement.open) if statement.open else NO
    found = result.some(compared(acts(entry.text, action), entry.text) for entry in statement.action.entries)
    return result.negation(found) if statement.action.negated else found


def broken(document: PolicyDocument) -> Open:
    """What a document leaves open that could not be read as a policy."""
    return Open("policy", f"the document is no policy ({document.error})")


def compared(truth: Truth, *texts: Sym) -> Result:
    """A truth of a comparison of texts, open where it is UNKNOWN because of them."""
    return result.unknown(*opens(*texts)) if truth is Truth.UNKNOWN else result.of(truth, ())


def effect_open(statement: Statement) -> tuple[Open, ...]:
    """What would decide whether a statement allows or denies."""
    if statement.open:
        return statement.open
    effect = statement.value.members.get("Effect")
    return opens(sym(effect)) if effect is not None else ()
