"""Policy documents as they read once the deployment is known: for each account that the own one can be.

The search for requests reads texts, so what only the deployment knows is written out first: the own account, and names that
AWS makes up for what the unit holds. What stays unknown stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import cast

import msgspec

from kmsguard.iam.document import PolicyDocument, Statement, read_policy
from kmsguard.iam.facts import texts
from kmsguard.iam.request import action_truth
from kmsguard.iam.texts import Deployment, fold
from kmsguard.model.finding import Open
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import Question
from kmsguard.model.truth import Truth
from kmsguard.model.value import ACCOUNT, DNS_SUFFIX, PARTITION, REGION, Target, Text, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of

_ID = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_ORGANIZATION = re.compile(r"(?<![A-Za-z0-9-])o-[a-z0-9]{10,32}(?![a-z0-9])")
MADE_UP = re.compile(r"made-up-([A-Za-z0-9_.-]+)")
"""A name that stands for one that AWS makes up, and what it stands for."""
MADE_UP_ARN = re.compile(r"arn:[^:]*:iam::[0-9]{12}:role/made-up-([A-Za-z0-9_.-]+)")
"""An ARN that stands as a whole for one that only the deployment knows."""
_NETWORKS = ("aws:sourcevpc", "aws:sourcevpce")
_ORGANIZATIONS = ("aws:principalorgid", "aws:sourceorgid", "aws:principalorgpaths", "aws:sourceorgpaths")
_OWN_ORGANIZATION = "o-madeupmadeup"  # stands for the own one, where its id is not given
_ARNS = ("arn", "Arn", "issuer_arn")
_MAX_OWN = 200  # more accounts than that no policy of 32 KB names
_KEYS_OF_A_REGION = re.compile(r":kms:[^:*?]+:")
_REGION = "us-east-1"  # stands for a Region that is not known, where only the shape of a text matters


class View(msgspec.Struct, frozen=True, eq=False):
    """A policy as it reads where the own account and organization are certain ones."""

    document: PolicyDocument
    deployment: Deployment
    supposed: str = ""  # the account or organization that is supposed to be the own one, of those that the document names
    open: tuple[Open, ...] = ()  # what would decide whether it is

    @property
    def own(self) -> str:
        """The own account."""
        assert self.deployment.account is not None
        return self.deployment.account


class Views(msgspec.Struct, frozen=True, eq=False):
    """A policy for each account and organization that the own ones can be; in the first they are none that it names, where they
    are not given.
    """

    all: tuple[View, ...]

    @property
    def open(self) -> tuple[Open, ...]:
        """What decides between them."""
        return tuple(dict.fromkeys(open_ for view in self.all for open_ in view.open))


def views_of(question: Question, attribute: str = "policy") -> Views:
    """The policy of the resource that is asked about.

    Raises:
        UndecidedError: where the world does not decide something in it.
    """
    return views_in(access_of(question), question.resource, attribute)


def views_in(access: Access, resource: Resource, attribute: str = "policy") -> Views:
    """The policy of a resource. Raises as `views_of`."""
    return access.once(_read_views, resource, attribute)


def first_view_in(access: Access, resource: Resource, attribute: str = "policy") -> View:
    """The first of the views of the policy of a resource. Raises as `views_of`."""
    return access.once(_read_first_view, resource, attribute)


def _read_views(access: Access, resource: Resource, attribute: str) -> Views:
    return Views(tuple(_reading(access, resource, attribute)))


def _read_first_view(access: Access, resource: Resource, attribute: str) -> View:
    return next(_reading(access, resource, attribute))


def _reading(access: Access, resource: Resource, attribute: str) -> Iterator[View]:
    value = access.value(resource, attribute)
    deployment = access.deployment(resource)
    deployment = msgspec.structs.replace(deployment, trusted=_ours(access, resource, deployment))
    if deployment.region is None and not any(_KEYS_OF_A_REGION.search(text) for text in texts(value)):
        # Wherever the key is, it is where the policy says: no text in it names another Region.
        deployment = msgspec.structs.replace(deployment, region=_REGION)
    for supposed, here, opens in _possible(value, deployment):
        written = _Writing(access, resource, here).out(value)
        names_own = any(text.startswith(_OWN_ORGANIZATION) for text in texts(written))
        there = msgspec.structs.replace(here, organizations=(_OWN_ORGANIZATION,)) if names_own else here
        yield View(read_policy(written, there), there, supposed, opens)


def _possible(value: Value, deployment: Deployment) -> Iterator[tuple[str, Deployment, tuple[Open, ...]]]:
    """Where the own account and organization may be, as far as that is not given: a policy that names one may mean its own."""
    owns = (deployment.account,) if deployment.account is not None else _possible_accounts(value, deployment)
    for number, own in enumerate(owns):
        opens = (Open("--account", "pass --account: whether an account is the own one decides it"),) if number else ()
        yield own if number else "", msgspec.structs.replace(deployment, account=own), opens
    if not deployment.organizations:
        open_ = Open("--organization", "pass --organization: whether an organization is the own one decides it")
        named = dict.fromkeys(found for text in texts(value) for found in _ORGANIZATION.findall(text))
        for organization in list(named)[:_MAX_OWN]:
            here = msgspec.structs.replace(deployment, account=owns[0], organizations=(organization,))
            yield organization, here, (open_,)


def _ours(access: Access, resource: Resource, deployment: Deployment) -> tuple[str, ...]:
    """The accounts that are trusted: those that are declared, and those that the same unit deploys to."""
    declared = (*deployment.trusted, *((access.settings.account,) if access.settings.account else ()))
    return tuple(dict.fromkeys((*declared, *access.widest.once(_accounts, resource.unit))))


def _accounts(access: Access, unit: str) -> tuple[str, ...]:
    accounts = (one.account for one in by_unit(access.graph, unit))
    return tuple(dict.fromkeys(account.text for account in accounts if account is not None and account.text))


def by_unit(graph: Graph, unit: str) -> Sequence[Resource]:
    """The resources of a unit."""
    units: dict[object, object] = graph.kept.get("units", {})
    if not units:
        found: dict[object, list[Resource]] = {}
        for resource in graph.resources:
            found.setdefault(resource.unit, []).append(resource)
        units = graph.kept["units"] = dict(found)
    return cast("Sequence[Resource]", units.get(unit, ()))


def _possible_accounts(value: Value, deployment: Deployment) -> tuple[str, ...]:
    """An account that nobody names, and those that the document names."""
    named = dict.fromkeys(account for text in texts(value) for account in _ID.findall(text))
    fresh = next(
        account
        for account in (f"{number:012d}" for number in range(987654321000, 987654331000))
        if account not in named and account not in deployment.trusted
    )
    return (fresh, *list(named)[:_MAX_OWN])


class _Writing:
    """Writes out what stands for something of the deployment or of the unit."""

    def __init__(self, access: Access, resource: Resource, deployment: Deployment) -> None:
        self.access = access
        self.resource = resource
        self.deployment = deployment
        target = resource.account.target if resource.account is not None else None
        self.account_targets = {ACCOUNT, target}

    def out(self, value: Value, name: str = "") -> Value:
        """The value, which a member of this name holds, with texts in place of symbols."""
        data = value.data
        if isinstance(data, dict):
            return value.with_data({name: self.out(item, name) for name, item in data.items()})
        if isinstance(data, tuple):
            return value.with_data(tuple(self.out(item, name) for item in data))
        if isinstance(data, Text):
            return self._text(value, data, fold(name))
        if isinstance(data, Unknown):
            return value.with_data(self._whole(data, fold(name)))
        if isinstance(data, str):
            return value.with_data(self._owned(data, value))
        return value

    def _text(self, value: Value, data: Text, name: str) -> Value:
        if data.encodes is not None and data.encoding == "json":
            return self.out(data.encodes)
        pieces: list[Value] = []
        before = ""
        for piece in data.pieces:
            written = self._piece(piece, before, name)
            pieces.append(written)
            before += written.data if isinstance(written.data, str) else "…"
        text = Text(tuple(pieces))
        return value.with_data(self._owned(text.known, value) if text.known is not None else text)

    def _piece(self, piece: Value, before: str, name: str) -> Value:
        data = piece.data
        if not isinstance(data, Unknown):
            return piece
        symbol = self._symbol(data.target)
        if symbol is not None:
            return piece.with_data(symbol)
        if not before and name in _ORGANIZATIONS and self._resource(data.target) is not None:
            return piece.with_data(self._organization)
        if before.startswith("arn:") and before.count(":") >= 5 and self._names_own(data.target):
            return piece.with_data(_made_up(data.target))
        return piece.with_data(_unnamed(data))

    def _symbol(self, target: Target | None) -> str | None:
        if target is None:
            return None
        if target in self.account_targets:
            return self.deployment.account
        if target == REGION or (target.address.startswith("provider.") and target.attribute == "region"):
            return self.deployment.region or _REGION
        if target == DNS_SUFFIX:
            return self.deployment.dns_suffix
        return self.deployment.partition if target.attribute == "partition" or target == PARTITION else None

    @property
    def _organization(self) -> str:
        """The organization that a template names without writing its id: the own one."""
        return self.deployment.organizations[0] if self.deployment.organizations else _OWN_ORGANIZATION

    def _whole(self, data: Unknown, name: str) -> str | Unknown:
        symbol = self._symbol(data.target)
        if symbol is not None:
            return symbol
        resource = self._resource(data.target)
        if resource is None or data.target is None:
            return _unnamed(data)
        last = data.target.attribute.rsplit(".", 1)[-1]
        if last in _ARNS:
            account = self._account(resource)
            if account is not None:
                return f"arn:{self.deployment.partition}:iam::{account}:role/{_made_up(data.target)}"
        if name in _ORGANIZATIONS:
            return self._organization
        return _made_up(data.target) if name in _NETWORKS else _unnamed(data)

    def _names_own(self, target: Target | None) -> bool:
        """Whether a target is something that the unit declares, or the name of its stack: part of a name, no wildcard."""
        return self._resource(target) is not None or (target is not None and target.address.endswith(_STACK_NAME))

    def _resource(self, target: Target | None) -> Resource | None:
        """What a target is an attribute of, where the unit holds it."""
        if target is None or not target.address:
            return None
        unit, foreign, inside = target.address.rpartition("//")  # what another unit makes is `UNIT//ADDRESS`
        found = self.access.graph.by_address.get((unit if foreign else self.resource.unit, inside))
        return found[0] if found else None

    def _account(self, resource: Resource) -> str | None:
        value = resource.account
        if value is None or value.target in self.account_targets:
            return self.deployment.account
        return value.text

    def _owned(self, text: str, value: Value) -> str:
        """An ARN without account that names something of the unit: with its account, for nobody else has that name."""
        if not text.startswith("arn:"):
            return text
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[4] or parts[3]:
            return text
        for target in _refs(value):
            resource = self._resource(target)
            if resource is not None and resource.declarations[0].mode == "managed":
                parts[4] = self._account(resource) or ""
                return ":".join(parts)
        return text


_STACK_NAME = "AWS::StackName"


def _unnamed(data: Unknown) -> Unknown:
    """What is unknown, no longer as a symbol: the search for requests knows none but policy variables."""
    is_arn = data.target is not None and data.target.attribute.rsplit(".", 1)[-1] in _ARNS
    return msgspec.structs.replace(data, target=None, prefix=data.prefix or ("arn:" if is_arn else ""))


def _refs(value: Value) -> Iterator[Target]:
    for part in value.walk():
        yield from part.refs
        if part.target is not None:
            yield part.target


def _made_up(target: Target | None) -> str:
    """A name that nobody writes, for one that only the deployment knows."""
    assert target is not None
    return "made-up-" + re.sub(r"[^A-Za-z0-9_.-]", "-", f"{target.address}.{target.attribute}")


def allows(statement: Statement, operations: Sequence[str]) -> bool:
    """Whether a statement certainly allows all of some operations, to whomever."""
    return statement.effect == "Allow" and all(action_truth(statement, operation) is Truth.YES for operation in operations)
