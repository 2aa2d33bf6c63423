"""Whom the principals of statements reach, as patterns over the callers of a space."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from kmsguard.iam.document import PrincipalElement, PrincipalEntry, Statement
from kmsguard.iam.languages import END
from kmsguard.iam.principals import AWS_KINDS, CallerKind
from kmsguard.iam.shapes import ANY, DIGIT, Shape, literal, spelled
from kmsguard.iam.space import Space
from kmsguard.iam.texts import match
from kmsguard.model.truth import Truth

_REST: Shape = (ANY,)


class Callers(msgspec.Struct, frozen=True):
    """Patterns over the callers of a kind that an element reaches."""

    everybody: bool
    undecided: bool
    itself: tuple[Shape, ...]
    account: tuple[Shape, ...]


def callers_of(element: PrincipalElement, space: Space) -> Callers:
    """Whom an element reaches, of the callers of a space."""
    everybody = False
    undecided = bool(element.open)
    itself: list[Shape] = []
    account: list[Shape] = []
    for one in element.entries:
        text = one.entry.known
        if text == "*" and (one.type == "AWS" or element.negated):
            everybody = True
        elif one.type == ("Service" if space.is_service else "AWS"):
            if text is None:
                undecided = True
            else:
                itself.extend(caller_shapes(text, space))
                account.extend(_account(text, space))
        elif one.type == "AWS":
            undecided = undecided or _may_be_everybody(one)
    return Callers(everybody, undecided, tuple(itself), tuple(account))


def _may_be_everybody(entry: PrincipalEntry) -> bool:
    return match((literal("*"),), entry.entry.text) is not Truth.NO


def user_shapes(name: str, space: Space) -> Iterator[Shape]:
    """Patterns over the users of a name, whatever their path."""
    start = (*spelled(f"arn:{space.deployment.partition}:iam::"), *(DIGIT,) * 12, *spelled(":user/"))
    yield (*start, *spelled(name))
    yield (*start, *_REST, *spelled(f"/{name}"))


def caller_shapes(text: str, space: Space) -> Iterator[Shape]:
    """Patterns over the callers that a text names itself: an ARN, or the name of a service."""
    if space.case.kind != "role":
        yield spelled(text)
        return
    yield (*spelled(text), literal(END), *_REST)
    partition = space.deployment.partition
    found = re.fullmatch(rf"arn:{re.escape(partition)}:sts::([0-9]{{12}}):assumed-role/([^/\n]+)/([^/\n]+)", text)
    if found is not None:
        start = spelled(f"arn:{partition}:iam::{found[1]}:role/")
        yield (*start, *spelled(f"{found[2]}{END}{found[3]}"))
        yield (*start, *_REST, *spelled(f"/{found[2]}{END}{found[3]}"))


def _account(text: str, space: Space) -> Iterator[Shape]:
    if space.is_service:
        return
    partition = space.deployment.partition
    found = re.fullmatch(rf"(?:arn:{re.escape(partition)}:iam::([0-9]{{12}}):root|([0-9]{{12}}))", text)
    if found is not None:
        service = "sts" if space.case.kind == "federated" else "iam"
        yield (*spelled(f"arn:{partition}:{service}::{found[1] or found[2]}:"), *_REST)


class Summary(msgspec.Struct, frozen=True):
    """Whom the principal of a statement can reach at all."""

    anybody: bool
    services: bool = False
    accounts: dict[str, frozenset[CallerKind]] = {}

    def reaches(self, space: Space) -> bool:
        """Whether it can reach a caller of a space."""
        if self.anybody:
            return True
        case = space.case
        if case.kind == "service":
            return self.services
        return any(
            case.kind in kinds and (account in case.accounts) is not case.foreign for account, kinds in self.accounts.items()
        )


_OF_ARN = re.compile(r"arn:[^:]*:(?:iam|sts)::([0-9]{12}):(root$|user/|role/|assumed-role/|federated-user/)")
_KINDS: dict[str, frozenset[CallerKind]] = {
    "root": frozenset(AWS_KINDS),
    "user/": frozenset(("user",)),
    "role/": frozenset(("role",)),
    "assumed-role/": frozenset(("role",)),
    "federated-user/": frozenset(("federated",)),
}


def summary(statement: Statement) -> Summary:
    """Whom a statement can reach."""
    element = statement.principal
    if statement.open or (element is not None and (element.negated or element.open)):
        return Summary(anybody=True)
    accounts: dict[str, frozenset[CallerKind]] = {}
    services = False
    for one in element.entries if element is not None else ():
        text = one.entry.known
        if one.type == "Service":
            services = True
        elif one.type == "AWS":
            if text is None or text == "*":
                return Summary(anybody=True)
            found = _OF_ARN.match(text)
            account = found[1] if found is not None else text
            kinds = _KINDS[found[2]] if found is not None else _KINDS["root"]
            accounts[account] = accounts.get(account, frozenset()) | kinds
    return Summary(anybody=False, services=services, accounts=accounts)
