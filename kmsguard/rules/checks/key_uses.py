"""Who uses which keys because of a resource: principals and services, and the ways to the keys, as its kind says them.

Kinds say it under `key_use`, see `kmsguard.model.resource.KeyUse`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import msgspec

from kmsguard.conditions.comparison import is_set
from kmsguard.iam.decide import NOT_HELD, OWN_ACCOUNT, OWN_REGION, Layer, Principal
from kmsguard.iam.document import read_policy
from kmsguard.iam.texts import acts
from kmsguard.model.guard import decide
from kmsguard.model.resource import External, Graph, KeyUse, Resource
from kmsguard.model.rule import Question
from kmsguard.model.truth import Truth, all_of
from kmsguard.model.value import ABSENT, Text, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of, arn_part, external_principal, service
from kmsguard.rules.checks.default_keys import DEFAULTS
from kmsguard.rules.checks.reach import may_use, reachable
from kmsguard.rules.checks.s3_replication import KMS_ENCRYPTION
from kmsguard.rules.checks.telling import name_of

End: TypeAlias = "Resource | External"

ITSELF = "itself"  # the edge from a principal to the principal
ALLOWED = "allowed_keys"  # the edge from a policy to what it names: whether that is a key is not known outside of the scan


class Hop(NamedTuple):
    """A key that is reached over the edges of a use."""

    holder: Resource  # what the key protects
    key: End
    there: Truth
    by: Value  # how the key is named there


class User(NamedTuple):
    """Who uses a key."""

    name: str
    principal: Principal
    there: Truth
    end: End | None  # None: a service


class Uses:
    """The uses of keys that one resource makes, in one world."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.resource = question.resource
        self.access = access_of(question)
        self.deployment = self.access.deployment(self.resource)

    # The way to the keys

    def applies(self, use: KeyUse) -> Truth:
        """Whether the resource is such that the use is made: `when` and `unless`."""
        there = Truth.YES
        if use.when:
            on = self.question.attribute(use.when)
            there = there & (Truth.UNKNOWN if use.switched and isinstance(on.data, Unknown) else _holds_something(on))
        if use.unless:
            there = there & ~_holds_something(self.question.attribute(use.unless))
        return there

    def is_told(self, use: KeyUse, hop: Hop) -> bool:
        """Whether what makes a role use this is asked for itself: a mapping, a function, a service."""
        return use.edge == ITSELF and (id(self.resource), id(hop.holder)) in _workloads(self.question.graph)

    def hops(self, use: KeyUse, number: int) -> Iterator[Hop]:
        """The keys at the end of a use's way.

        What the way leads to and is not read here may be under a key or under none: of that nothing is said.
        """
        last = use.through.rpartition(".")[2]
        at = self.access.once(_holders, self.resource, number)
        for holder, there in at:
            yield from self._keys(holder, last, there)

    def holders(self, use: KeyUse) -> tuple[tuple[Resource, Truth], ...]:
        """What a use's way leads to, without the last edge."""
        *way, _ = use.through.split(".")
        at: list[tuple[Resource, Truth]] = [(self.resource, Truth.YES)]
        for edge in way:
            further: list[tuple[Resource, Truth]] = []
            for one, there in at:
                for end, sure in self.access.ends(one, edge):
                    if isinstance(end, Resource):
                        further.append((end, there & sure))
                    elif use.asks and use.edge != ITSELF and isinstance(end.value.data, Unknown):
                        stores = self._perhaps(end)
                        if edge == way[-1] and not (use.service or use.attribute or use.refused):
                            stores = self._reachable(use, stores)
                        further += [(maybe, Truth.UNKNOWN) for maybe in stores]
            at = further
        return tuple(at)

    def _perhaps(self, end: External) -> Sequence[Resource]:
        """The resources of the unit that a value may mean of which nothing is known: an environment that is given."""
        target = end.value.target
        if target is not None and target.attribute:
            return ()
        return self.access.widest.once(_of_unit, end.kind, self.resource.unit)

    def _reachable(self, use: KeyUse, stores: Sequence[Resource]) -> Sequence[Resource]:
        """Those of some stores that one of the principals of a use may reach."""
        found: set[Resource] = set()
        for user in self.ends(use):
            found.update(reachable(self.access, user.principal, use.asks, stores, self.deployment))
        return [store for store in stores if store in found]

    def _keys(self, holder: Resource, edge: str, there: Truth) -> Iterator[Hop]:
        if holder.kind == "s3.bucket" and edge == "encrypted_with":
            encryption = self.access.value(holder, "encryption")
            if encryption.text is None:
                there = there & Truth.UNKNOWN
            elif encryption.text not in KMS_ENCRYPTION:
                return
        found = False
        for one in self.question.graph.out(holder, edge):
            if edge == ALLOWED and isinstance(one.target, External):
                continue
            sure = decide(one.guard, self.question.world)
            if sure is not Truth.NO:
                found = True
                yield Hop(holder, one.target, all_of((there, sure)), one.by)
        alias = self._default_key(holder) if not found and edge == "encrypted_with" else None
        if alias is not None:
            value = Value(alias, holder.head, holder.head)
            yield Hop(holder, External("kms.key", value), there, value)

    def _default_key(self, holder: Resource) -> str | None:
        """The AWS managed key of what is under KMS and names no key."""
        if holder.kind not in UNDER_DEFAULT_KEYS:
            return None
        if holder.kind == "ssm.parameter" and self.access.value(holder, "encrypted").data is not True:
            return None
        return DEFAULTS[holder.kind].alias

    # Principals

    def account(self) -> Value:
        """The account of the resource."""
        return self.resource.account or OWN_ACCOUNT

    def services(self, use: KeyUse) -> Iterator[User]:
        """The service that a use is by."""
        name = self.fill(use.service, self.resource)
        yield User(text_of(name, self.deployment.region) or use.service, service(name, self.account()), Truth.YES, None)

    def ends(self, use: KeyUse) -> Iterator[User]:
        """The roles and users that a use is by.

        Raises:
            UndecidedError: where the world does not decide an edge to them.
        """
        if use.attribute == "policy":
            yield from self._let_in(use)
            return
        if use.attribute:
            value = self.access.value(self.resource, use.attribute)
            for item in value.items or ((value,) if value.data is not ABSENT else ()):
                end: End = External("iam.role", item)
                yield User(name_of(end), self.access.principal(end), Truth.YES, end)
            return
        at: list[tuple[End, Truth]] = [(self.resource, Truth.YES)]
        for edge in use.edge.split(".") if use.edge != ITSELF else ():
            at = [
                (end, there & sure)
                for one, there in at
                if isinstance(one, Resource)
                for end, sure in self.access.ends(one, edge)
            ]
        for end, there in at:
            yield User(name_of(end), self._principal(end), there, end)

    def _principal(self, end: End) -> Principal:
        """A role or user; one that is looked up by its name alone is of the own account, in a path that is not known."""
        name = end.value.text if isinstance(end, External) else None
        if name is None or ":" in name or name.isdigit():
            return self.access.principal(end)
        account = self.account()
        pieces = (Value(f"arn:{self.deployment.partition}:iam::"), account, Value(":role/"), not_known("its path"), Value(name))
        return Principal("role", Value(Text(pieces)), account, identity_policies=NOT_HELD)

    def _let_in(self, use: KeyUse) -> Iterator[User]:
        """The principals of other accounts whom the resource's policy lets do what the use is for.

        What their administrators let them do is taken for granted: nobody sees it from here.
        """
        own = self.account().text or self.deployment.account
        document = self.access.read(self.access.value(self.resource, "policy"), self.deployment)
        for statement in document.statements:
            element = statement.action
            named = statement.value.members.get("Principal")
            if statement.effect != "Allow" or element is None or element.negated or named is None:
                continue
            patterns = [entry.text for entry in element.entries]
            if all(acts(pattern, asked) is not Truth.YES for pattern in patterns for asked in use.asks):
                continue
            listed = named.members.get("AWS", Value(ABSENT))
            for value in listed.items or ((listed,) if listed.data is not ABSENT else ()):
                account = arn_part(value, 4) or value
                nobody = account.text is not None and not account.text.isdigit()  # `*`, or CloudFront's identities
                if nobody or account.text == own or _is_own(account):
                    continue
                end: End = External("iam.role", value)
                principal = external_principal(value)
                if principal.kind != "root":
                    principal = msgspec.structs.replace(principal, identity_policies=LET)
                certain = own is not None and (account.text or "").isdigit()
                yield User(name_of(end), principal, Truth.of(certain or None), end)

    def shows(self, use: KeyUse, hop: Hop, user: User) -> Truth:
        """Whether the principal may do with the holder what the use is for."""
        if not use.asks:
            return Truth.YES
        return may_use(self.access, user.principal, use.asks, hop.holder, self.deployment)

    # Texts with parts of resources in them

    def end(self, edge: str, hop: Hop) -> End:
        """What an edge of the resource leads to, or with `holder` what the key protects."""
        if edge == "holder":
            return hop.holder
        ends = self.access.ends(self.resource, edge)
        return ends[0][0] if ends else External("", not_known(edge))

    def fill(self, text: str, resource: Resource, hop: Hop | None = None) -> Value:
        """A text with the parts and attributes of resources in it."""
        pieces: list[Value] = []
        for index, part in enumerate(re.split(r"\{([^}]*)\}", text)):
            if index % 2 == 0:
                pieces += [Value(part)] if part else []
                continue
            edge, _, name = part.rpartition(".")
            end: End = resource if not edge else self.end(edge, hop) if hop is not None else resource
            pieces.append(self._part(end, name))
        if len(pieces) == 1:
            return pieces[0]
        flat = Text(tuple(pieces))
        return Value(flat.known) if flat.known is not None else Value(flat)

    def _part(self, end: End, name: str) -> Value:
        if isinstance(end, External):
            return end.value if name == "arn" else not_known(name)
        if name == "region":
            return end.region or OWN_REGION
        if name == "account":
            return end.account or OWN_ACCOUNT
        if name == "partition":
            return Value(self.deployment.partition)
        value = self.access.value(end, name)
        return not_known(name) if value.data is ABSENT else value


def _uses(access: Access, resource: Resource) -> Uses:
    return Uses(Question(access.graph, resource, access.world, access.settings))


def _of_unit(access: Access, kind: str, unit: str) -> tuple[Resource, ...]:
    return tuple(one for one in access.graph.by_kind.get(kind, ()) if one.unit == unit)


def _holders(access: Access, resource: Resource, number: int) -> tuple[tuple[Resource, Truth], ...]:
    return _uses(access, resource).holders(resource.key_use[number])


_WORKLOADS: WeakKeyDictionary[Graph, frozenset[tuple[int, int]]] = WeakKeyDictionary()


def _workloads(graph: Graph) -> frozenset[tuple[int, int]]:
    """Which principals use which stores because of something else in the graph, by their ids."""
    found = _WORKLOADS.get(graph)
    if found is None:
        pairs = set[tuple[int, int]]()
        for resource in graph.by_trait.get("key_user", ()):
            for use in resource.key_use:
                if use.edge not in ("", ITSELF):
                    holders = _ends(graph, resource, use.through.split(".")[:-1])
                    pairs.update((id(a), id(b)) for a in _ends(graph, resource, use.edge.split(".")) for b in holders)
        found = _WORKLOADS[graph] = frozenset(pairs)
    return found


def _ends(graph: Graph, resource: Resource, way: Sequence[str]) -> list[Resource]:
    """Where edges in a row lead, whatever they hang on."""
    at = [resource]
    for edge in way:
        at = [one.target for source in at for one in graph.out(source, edge) if isinstance(one.target, Resource)]
    return at


UNDER_DEFAULT_KEYS = ("s3.bucket", "secretsmanager.secret", "ssm.parameter")  # others may read what is in them


def _holds_something(value: Value) -> Truth:
    """Whether an attribute is true, or holds something."""
    return Truth.NO if value.data is False else is_set(value)


def _is_own(account: Value) -> bool:
    unknown = OWN_ACCOUNT.data
    own = unknown.target if isinstance(unknown, Unknown) else None
    return any(own in (part.target, *part.refs) for part in account.walk())


def not_known(reference: str) -> Value:
    """A value of which nothing is known but that there is one."""
    return Value(Unknown("is not known here", reference, not_null=True))


def pieces_of(value: Value) -> str:
    """A text as far as it is known, with a mark for each hole."""
    data = value.data
    if isinstance(data, Text):
        return "".join(piece.data if isinstance(piece.data, str) else "{}" for piece in data.pieces)
    return value.text or ""


def text_of(value: Value, region: str | None) -> str | None:
    """A text whose only hole may be the Region."""
    if value.text is not None:
        return value.text
    if isinstance(value.data, Text):
        return "".join(p.data if isinstance(p.data, str) else (region or "REGION") for p in value.data.pieces)
    return None


_ALLOW_ALL = Value({"Effect": Value("Allow"), "Action": Value("*"), "Resource": Value("*")})
LET = Layer(documents=(read_policy(Value({"Statement": _ALLOW_ALL})),))
"""The policies of somebody who is allowed everything."""
