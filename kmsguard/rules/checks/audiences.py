"""Whom the statements of a key policy let in beyond the own and trusted accounts.

Each statement is asked about alone, with everything that denies beside it: `kmsguard.iam.audience` says who is let in.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam.document import PolicyDocument, PrincipalElement, Statement, Test
from kmsguard.iam.facts import facts, texts
from kmsguard.iam.operations import CLASSES, FOR_EVERYBODY
from kmsguard.iam.plain import is_closed
from kmsguard.iam.request import Call, action_truth
from kmsguard.iam.texts import Deployment, show
from kmsguard.iam.widest import AUDIENCES, Audience, AudienceName
from kmsguard.iam.wording import wording
from kmsguard.model.finding import Open
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Question
from kmsguard.model.truth import Truth
from kmsguard.rules.checks.access import Access, access_of
from kmsguard.rules.checks.documents import View, Views, views_in

Group: TypeAlias = Literal["public", "not principal", "administration", "account", "service"]

CRYPTOGRAPHIC = tuple(name for name in (*CLASSES["use"], *CLASSES["grant"], *CLASSES["sign"]) if name in FOR_EVERYBODY)
TAKE_OVER = ("PutKeyPolicy", "ScheduleKeyDeletion")
_BEYOND = AUDIENCES.index("external")


NETWORK = "network"
"""What is open where nothing but the network keeps everybody else out."""


class Sight(msgspec.Struct, frozen=True, eq=False):
    """What a statement lets in."""

    group: Group
    truth: Truth  # NO: certainly too much
    statement: Statement
    audience: Audience
    view: View
    open: tuple[Open, ...] = ()


def sights_of(question: Question) -> tuple[Sight, ...]:
    """The statements of a key policy that let in more than the own and trusted accounts, or perhaps do."""
    if is_told_with_its_key(question):
        return ()
    return access_of(question).once(_sights, question.resource)


def _sights(access: Access, resource: Resource) -> tuple[Sight, ...]:
    return tuple(look(views_in(access, resource)))


def is_told_with_its_key(question: Question) -> bool:
    """Whether it is the policy of a key of the same unit, which has it as its own."""
    resource = question.resource
    if resource.kind != "kms.key_policy":
        return False
    ends = [edge.target for edge in question.graph.out(resource, "key")]
    return any(isinstance(end, Resource) and end.unit == resource.unit for end in ends)


def look(views: Views) -> Iterator[Sight]:
    """The same of any documents, in which actions are those of KMS."""
    first = views.all[0].document
    for statement in first.statements:
        if statement.effect == "Deny":
            continue
        for kind in _kinds(statement.principal):
            sight = _sight(views, statement.index, kind)
            if sight is not None:
                yield sight


Kind: TypeAlias = Literal["all", "AWS", "Service"]


def _kinds(element: PrincipalElement | None) -> tuple[Kind, ...]:
    """Callers and services in one statement are two things that it lets in."""
    if element is None or element.negated or element.open:
        return ("all",)
    types = {entry.type for entry in element.entries}
    return ("AWS", "Service") if {"AWS", "Service"} <= types else ("all",)


def _sight(views: Views, index: int, kind: Kind) -> Sight | None:
    found: list[tuple[View, Statement, Audience, AudienceName, AudienceName]] = []
    for view in _bearing(views, index):
        statement = _part(view.document.statements[index], kind)
        audience = audience_of(view, statement)
        cap = cap_of(statement)
        found.append((view, statement, audience, _narrower(audience.at_least, cap), _narrower(audience.at_most, cap)))
    certain = all(_is_beyond(least) for *_, least, _most in found)
    possible = [one for one in found if _is_beyond(one[4])]
    if not possible:
        return None
    view, statement, audience, least, most = max(possible, key=lambda one: AUDIENCES.index(one[3] if certain else one[4]))
    name = least if certain else most
    truth = Truth.NO if certain else Truth.UNKNOWN
    open_: tuple[Open, ...] = ()
    if not certain:
        first = found[0]
        differing = [o for one in found if one[3:] != first[3:] for o in one[0].open]
        open_ = (*differing, *open_of(statement, audience)) or (_OTHERS,)
    if name == "external" and not is_negated(statement):
        network = _network(view, statement, audience)
        if network == "own":
            return None
        if network == "named":
            truth = Truth.UNKNOWN
            open_ = (*open_, Open(NETWORK, "whose network this is, and who calls from it, is not said here"))
    return Sight(_group(statement, name), truth, statement, audience, view, tuple(dict.fromkeys(open_)))


def _bearing(views: Views, index: int) -> Iterator[View]:
    """The views that can differ for a statement: what neither it nor a Deny names is foreign to it in all."""
    first, *others = views.all
    yield first
    statements = (one for one in first.document.statements if one.index == index or one.effect != "Allow")
    named = {text for statement in statements for text in texts(statement.value)}
    for view in others:
        if any(view.supposed in text for text in named):
            yield view


def is_negated(statement: Statement) -> bool:
    """Whether it has `NotPrincipal`."""
    return statement.principal is not None and statement.principal.negated


def _part(statement: Statement, kind: Kind) -> Statement:
    """The statement for its callers or its services alone."""
    if kind == "all" or statement.principal is None:
        return statement
    entries = tuple(entry for entry in statement.principal.entries if (entry.type == "Service") == (kind == "Service"))
    return msgspec.structs.replace(statement, principal=msgspec.structs.replace(statement.principal, entries=entries))


NOBODY = Audience("nobody", "nobody")
_OTHERS = Open("policy", "what other statements of the policy deny is not known")


def audience_of(
    view: View, statement: Statement, *, always: bool = False, operations: Sequence[str] = CRYPTOGRAPHIC
) -> Audience:
    """Who is let in by one statement alone, with all that denies beside it.

    Nobody, where it names own and trusted callers only; `always`: these are looked for too.
    """
    if not always and is_closed(statement, view.deployment):
        return NOBODY
    others = [_denying(other) for other in view.document.statements if other.effect != "Allow" and other is not statement]
    others = [other for other in others if other.index != statement.index]
    alone = tuple(msgspec.structs.replace(one, index=index) for index, one in enumerate((statement, *others)))
    document = msgspec.structs.replace(view.document, statements=alone)
    return _searched(document, view.deployment, tuple(operations))


_MAX_SEARCHED = 10_000
_SEARCHED: dict[Hashable, Audience] = {}


def _searched(document: PolicyDocument, deployment: Deployment, operations: tuple[str, ...]) -> Audience:
    """The audience of a document; those that say the same, as the policies of many keys do, are searched once."""
    from kmsguard.iam.audience import Question as Audiences  # most scans need no search

    said = wording(document, deployment)
    if said is None:
        return Audiences(document, deployment).audience(operations)
    found = _SEARCHED.get((said, operations))
    if found is None:
        if len(_SEARCHED) >= _MAX_SEARCHED:
            _SEARCHED.clear()
        found = _SEARCHED[said, operations] = Audiences(document, deployment).audience(operations)
    here = {name: document.statements[one.index] for name in ("statement", "certain") if (one := getattr(found, name))}
    return msgspec.structs.replace(found, **here)


def _denying(statement: Statement) -> Statement:
    """A statement whose effect is open denies, perhaps: what it perhaps allows is a matter of its own."""
    return statement if statement.effect == "Deny" else msgspec.structs.replace(statement, effect="Deny")


def cap_of(statement: Statement) -> AudienceName:
    """The widest audience that the principals of a statement can be, whatever is open in them: an ARN is never everybody."""
    element = statement.principal
    if statement.open or element is None or element.negated or element.open:
        return "public"
    cap: AudienceName = "external"
    for entry in element.entries:
        if entry.type == "Service":
            cap = _wider(cap, "service")
        elif entry.type == "AWS" and not show(entry.entry.text).startswith("arn:") and not _is_id(entry.entry.known):
            return "public" if naming(statement) is None else _wider(cap, "external")
    return cap


_EXACT = ("stringequals", "stringequalsignorecase")
_ACCOUNTS = ("aws:principalaccount", "kms:calleraccount", "aws:principalorgid")


def naming(statement: Statement) -> Test | None:
    """The test that lets through the accounts or the organization that it names and nobody else, known or not."""
    for test in statement.tests:
        exact = test.base in _EXACT and test.prefix != "forallvalues" and not test.if_exists and not test.variables
        if exact and test.key in _ACCOUNTS:
            return test
    return None


def _is_id(text: str | None) -> bool:
    return text is not None and text != "*"


def _narrower(one: AudienceName, other: AudienceName) -> AudienceName:
    return min(one, other, key=AUDIENCES.index)


def _wider(one: AudienceName, other: AudienceName) -> AudienceName:
    return max(one, other, key=AUDIENCES.index)


def _is_beyond(name: AudienceName) -> bool:
    return AUDIENCES.index(name) >= _BEYOND


def _group(statement: Statement, name: AudienceName) -> Group:
    if is_negated(statement):
        return "not principal"
    if name == "public":
        return "public"
    if name == "service":
        return "service"
    if all(action_truth(statement, operation) is Truth.YES for operation in TAKE_OVER):
        return "administration"
    return "account"


def _network(view: View, statement: Statement, audience: Audience) -> Literal["own", "named", ""]:
    """Whether it is only the network that makes them less than everybody: one of the unit, or another one."""
    witness = audience.witness
    if witness is None:
        return ""
    mentioned = facts(view.document)
    if witness.account in mentioned.accounts or organization_of(witness) in mentioned.organizations:
        return ""
    values = networks_of(statement)
    if not values:
        return ""
    return "own" if all(value.startswith("made-up-") for value in values) else "named"


def networks_of(statement: Statement) -> list[str]:
    """The networks that a statement tests for, as far as they are known."""
    keys = ("aws:sourcevpc", "aws:sourcevpce", "aws:sourceip")
    return [entry.known or "" for test in statement.tests if test.key in keys for entry in test.values]


def organization_of(call: Call) -> str:
    """The organization that a request shows, where a condition asks for it; else nothing."""
    for key in ("aws:principalorgid", "aws:sourceorgid", "aws:principalorgpaths", "aws:sourceorgpaths"):
        value = call.values.get(key)
        if value:
            return (value if isinstance(value, str) else value[0]).partition("/")[0]
    return ""


def open_of(statement: Statement, audience: Audience) -> tuple[Open, ...]:
    """What would decide whom a statement lets in."""
    out = [*statement.open, *statement.condition_open]
    if statement.principal is not None:
        out += statement.principal.open
        out += [open_ for entry in statement.principal.entries for open_ in entry.entry.opens]
    out += [open_ for test in statement.tests for entry in test.values for open_ in entry.opens]
    if audience.too_large:
        out.append(Open("policy", "the policy is too large to be decided"))
    if not out:
        out += [Open(test.name, f"what {test.operator} {test.name} lets through is not decided") for test in statement.tests]
    return tuple(dict.fromkeys(out))
