"""Who may be asked about a key: the principals of the scan, and whom its policy and grants name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Literal, TypeAlias, TypeVar

import msgspec

from kmsguard.answers.wording import said
from kmsguard.iam.context import Asked
from kmsguard.iam.decide import OWN_ACCOUNT, Key, Principal
from kmsguard.iam.document import Statement
from kmsguard.iam.principals import Caller, reach
from kmsguard.iam.texts import Deployment, Sym, equal, fits, opens, sym
from kmsguard.model.guard import NOWHERE_ASSUMED, Formula, UndecidedError, World, decide
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import JudgeSettings
from kmsguard.model.truth import Truth
from kmsguard.model.value import Text, Unknown, Value
from kmsguard.rules.checks.access import Access, account_root, arn_part, external_principal, service

T = TypeVar("T")
PartyKind: TypeAlias = Literal["role", "user", "account", "service", "unknown"]

MAX_WORLDS = 64
"""As many combinations of open conditions are looked at as for a rule."""


class Party(msgspec.Struct, frozen=True, eq=False):
    """Somebody who may be asked about."""

    name: str  # the address in its unit, or an ARN, account or service
    kind: PartyKind
    resource: Resource | None
    principal: Callable[[Access], Principal]


class Worlds(msgspec.Struct, Generic[T], frozen=True, eq=False):
    """What was found in each world; `too_many`: there are more of them than are looked at."""

    found: tuple[tuple[World, T], ...]
    touched: tuple[Formula, ...]
    too_many: bool = False


class _Access(Access):
    """Reads what other units say as it is for one unit: what is symbolic there speaks of another unit."""

    def __init__(self, graph: Graph, world: World, settings: JudgeSettings, unit: str) -> None:
        super().__init__(graph, world, settings)
        self.unit = unit

    def value(self, resource: Resource, name: str) -> Value:
        value = super().value(resource, name)
        return value if resource.unit == self.unit else _carried(value, resource.unit)


def _carried(value: Value, unit: str) -> Value:
    """A value of another unit, in which targets name that unit, as the graph has them where units are linked."""
    data = value.data
    if isinstance(data, Unknown) and data.target is not None:
        address = data.target.address
        if _FOREIGN in address or address.startswith(("export:", "state:")):
            return value
        target = msgspec.structs.replace(data.target, address=f"{unit}{_FOREIGN}{address}")
        return value.with_data(msgspec.structs.replace(data, target=target))
    if isinstance(data, Text):
        encodes = _carried(data.encodes, unit) if data.encodes is not None else None
        return value.with_data(Text(tuple(_carried(piece, unit) for piece in data.pieces), encodes, data.encoding))
    if isinstance(data, tuple):
        return value.with_data(tuple(_carried(item, unit) for item in data))
    if isinstance(data, dict):
        return value.with_data({name: _carried(item, unit) for name, item in data.items()})
    return value


_FOREIGN = "//"


class Known:
    """One graph and the settings of the scan; what was read of it in a world is read once."""

    def __init__(self, graph: Graph, settings: JudgeSettings) -> None:
        self.graph = graph
        self.settings = settings
        self._keys: dict[object, Key] = {}
        self._principals: dict[object, Principal] = {}

    def access(self, world: World, unit: str) -> Access:
        """Reads policies in a world, for a question about a key of a unit."""
        return _Access(self.graph, world, self.settings, unit)

    def key(self, access: Access, resource: Resource) -> Key:
        """A key of the graph, with policy, grants and aliases."""
        name = (resource, _assumed(access.world))
        found = self._keys.get(name)
        if found is None:
            found = self._keys[name] = access.key(resource, resource)
        return found

    def principal(self, access: Access, party: Party) -> Principal:
        """A party with its policies."""
        unit = access.unit if isinstance(access, _Access) else ""
        name = (party.name, party.resource, unit, _assumed(access.world))
        found = self._principals.get(name)
        if found is None:
            found = self._principals[name] = party.principal(access)
        return found

    def are_linked(self, party: Party, resource: Resource) -> bool:
        """Whether a role or user of the scan may have anything to do with a key, in some world.

        Where its identity policies name other keys only, and the key's policy and grants nobody but others, it has not.
        """
        asked = party.resource
        if asked is None:
            return True

        def in_world(world: World) -> bool | None:
            if decide(resource.exists, world) is Truth.NO or decide(asked.exists, world) is Truth.NO:
                return None
            access = self.access(world, resource.unit)
            return _are_linked(self.principal(access, party), self.key(access, resource), access.deployment(resource))

        worlds = explore(in_world)
        return worlds.too_many or any(linked for _, linked in worlds.found)

    def parties(self, key: Resource) -> list[Party]:
        """Who may be asked about a key, each once: roles and users, then accounts (its own for certain), services and others.

        The principals of another unit are among them where both accounts are known: that two units that say nothing of their
        accounts are deployed to the same one is not known.
        """
        found: dict[tuple[str, str], Party] = {}
        for resource in (*self.graph.by_kind.get("iam.role", ()), *self.graph.by_kind.get("iam.user", ())):
            if resource.unit == key.unit or _are_known(resource, key):
                party = Party(resource.address, "user" if resource.kind == "iam.user" else "role", resource, _of(resource))
                found[resource.unit, resource.address] = party
        own = key.account or OWN_ACCOUNT
        found["", _own(own)] = Party(_own(own), "account", None, _account(own))
        for _, named in explore(lambda world: self._named(world, key)).found:
            for party in named:
                found.setdefault(("", party.name), party)
        return sorted(found.values(), key=lambda party: (_ORDER[party.kind], party.resource is None, party.name))

    def _named(self, world: World, resource: Resource) -> list[Party]:
        access = self.access(world, resource.unit)
        if decide(resource.exists, world) is Truth.NO:
            return []
        key = self.key(access, resource)
        customer = key.account
        out: list[Party] = []
        for document in key.policies.documents:
            for statement in document.statements:
                if statement.effect == "Deny" or statement.principal is None or statement.principal.negated:
                    continue
                for entry in statement.principal.entries:
                    if entry.type == "Service":
                        name = _called(entry.entry.value, entry.entry.text, "a service that is not known")
                        out.append(Party(name, "service", None, _service(entry.entry.value, customer)))
                    elif entry.type == "AWS" and entry.entry.known != "*":
                        party = self._principal(access, entry.entry.value, entry.entry.text, resource)
                        if party is not None:
                            out.append(party)
        for grant in key.grants:
            text = said(sym(grant.grantee))
            if text.endswith(".amazonaws.com"):
                out.append(Party(text, "service", None, _service(grant.grantee, customer)))
            else:
                party = self._principal(access, grant.grantee, sym(grant.grantee), resource)
                if party is not None:
                    out.append(party)
        return out

    def _principal(self, access: Access, value: Value, text: Sym, key: Resource) -> Party | None:
        """Whom an entry names; None for a principal of the unit, which is asked about anyhow."""
        if self._is_here(access, value, text, key):
            return None
        plain = value.text
        if plain is not None and len(plain) == 12 and plain.isdigit():
            return Party(f"account {plain}", "account", None, _account(value))
        if value.target is not None and value.target.attribute == "account":
            return Party(_own(value), "account", None, _account(value))
        last, account = arn_part(value, 5), arn_part(value, 4)
        if last is not None and last.text == "root" and account is not None:
            name = f"account {account.text}" if account.text is not None else _own(account)
            return Party(name, "account", None, _account(account))
        if plain is None and isinstance(value.data, Unknown):
            return Party(_called(value, text, "a principal that is not known"), "unknown", None, _external(value))
        shown = said(text)
        kind: PartyKind = "user" if ":user/" in shown else "role" if ":role/" in shown else "unknown"
        return Party(shown, kind, None, _external(value))

    def _is_here(self, access: Access, value: Value, text: Sym, key: Resource) -> bool:
        """Whether an entry names a role or user of the key's unit."""
        targets = {target.address for target in (value.target, *value.refs) if target is not None}
        for kind in ("iam.role", "iam.user"):
            for resource in self.graph.by_kind.get(kind, ()):
                if resource.unit == key.unit or _are_known(resource, key):
                    named = resource.unit == key.unit and any(one.address in targets for one in resource.declarations)
                    if named or equal(text, sym(access.value(resource, "arn"))) is Truth.YES:
                        return True
        return False


def _are_linked(principal: Principal, key: Key, deployment: Deployment) -> bool:
    policies, identity = key.policies, principal.identity_policies
    if key.grants or key.grants_missing or policies.missing or policies.missing_allows:
        return True
    if identity.missing or identity.missing_allows or any(one.error for one in (*policies.documents, *identity.documents)):
        return True
    asked = Asked(principal, "kms:Decrypt", key, {}, deployment)
    return any(_names(one, asked.caller) for document in policies.documents for one in document.statements) or any(
        _is_about(one, asked.key_forms) for document in identity.documents for one in document.statements
    )


def _names(statement: Statement, caller: Caller) -> bool:
    """Whether a statement of a key policy may reach a caller otherwise than through its account."""
    element = statement.principal
    if statement.effect == "Deny" or (element is None and not statement.open):
        return False
    if element is None or element.negated or statement.open:
        return True
    found = reach(element, caller)
    return any(one.truth is not Truth.NO for one in (found.everybody, found.itself, found.session))


def _is_about(statement: Statement, forms: Sequence[Sym]) -> bool:
    """Whether a statement of an identity policy may allow something with a key whose ARN has some forms."""
    resource = statement.resource
    if statement.effect == "Deny" or (resource is None and not statement.open):
        return False
    if resource is None or resource.negated or statement.open:
        return True
    return any(
        any("${" in piece for piece in entry.text if isinstance(piece, str))
        or all(fits(entry.text, form) is not Truth.NO for form in forms)
        for entry in resource.entries
    )


_ORDER: dict[PartyKind, int] = {"role": 0, "user": 1, "account": 2, "service": 3, "unknown": 4}


def explore(ask: Callable[[World], T | None]) -> Worlds[T]:
    """What a question finds in each world, split where something open decides it; None is left out."""
    pending = [NOWHERE_ASSUMED]
    found: list[tuple[World, T]] = []
    touched: dict[Formula, None] = {}
    while pending:
        world = pending.pop()
        try:
            one = ask(world)
        except UndecidedError as undecided:
            touched.setdefault(undecided.formula)
            split = [world.assume(undecided.atom, holds) for holds in (False, True)]  # the last is looked at first
            pending.extend(narrower for narrower in split if narrower is not None)
            if len(pending) + len(found) > MAX_WORLDS:
                return Worlds((), tuple(touched), too_many=True)
        else:
            if one is not None:
                found.append((world, one))
    return Worlds(tuple(found), tuple(touched))


def _called(value: Value, text: Sym, otherwise: str) -> str:
    """What an entry of a policy is called: its text, or the reference that it is as a whole."""
    if isinstance(value.data, Unknown):
        return next((one.reference for one in opens(text) if one.reference), otherwise)
    return said(text)


def _assumed(world: World) -> tuple[object, ...]:
    return tuple(world.assumed.items())


def _are_known(one: Resource, other: Resource) -> bool:
    return all(resource.account is not None and resource.account.text is not None for resource in (one, other))


def _own(account: Value) -> str:
    if account.text is not None:
        return f"account {account.text}"
    target = account.target
    if target is not None and target.attribute == "account" and not target.address:
        return "the account deployed to"
    reference = next((one.reference for one in opens(sym(account)) if one.reference), "")
    return f"the account {reference}" if reference else "an account that is not known"


def _of(resource: Resource) -> Callable[[Access], Principal]:
    return lambda access: access.principal(resource)


def _service(name: Value, customer: Value) -> Callable[[Access], Principal]:
    return lambda _: service(name, customer)


def _account(account: Value) -> Callable[[Access], Principal]:
    return lambda _: account_root(account)


def _external(value: Value) -> Callable[[Access], Principal]:
    return lambda _: external_principal(value)
