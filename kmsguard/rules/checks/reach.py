"""Which stores a principal may reach at all, told from its policies before a whole decision is made of any.

A graph has many more pairs of principals and stores than pairs that have to do with each other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kmsguard.iam.decide import OWN_ACCOUNT, OWN_REGION, Key, Layer, Principal, may
from kmsguard.iam.document import PolicyDocument, Statement, read_policy
from kmsguard.iam.texts import Deployment, Sym, acts, beginning, fits, sym
from kmsguard.model.resource import Resource
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Text, Unknown, Value
from kmsguard.rules.checks.access import Access

OBJECTS = Value(Unknown("is not known here", "the names of the objects", not_null=True))


class _Store(NamedTuple):
    """A store as policies see it."""

    forms: tuple[Sym, ...]  # its ARN, of a bucket also that of its objects
    lets_in: bool  # whether its own policy may let in somebody whose policies do not


class _Stores(NamedTuple):
    """Stores by what their forms begin with, so that a pattern is compared with those only that begin alike."""

    let_in: tuple[Resource, ...]  # those whose own policy may let in somebody whose policies do not
    beginnings: dict[str, list[tuple[Resource, Sym]]]
    ordered: list[str]
    lengths: list[int]

    def near(self, pattern: Sym) -> Iterator[tuple[Resource, Sym]]:
        """The forms that a pattern may fit as far as it is known what both begin with."""
        start = beginning(pattern, wild=True)
        for length in self.lengths:
            if length < len(start):
                yield from self.beginnings.get(start[:length], ())
        for at in range(bisect_left(self.ordered, start), len(self.ordered)):
            if not self.ordered[at].startswith(start):
                return
            yield from self.beginnings[self.ordered[at]]


def objects_of(bucket: Value) -> Value:
    """The ARN of the objects in a bucket of an ARN."""
    return Value(Text((bucket, Value("/"), OBJECTS)))


def arns_of(store: Resource, arn: Value) -> tuple[Value, ...]:
    """What policies name who let somebody use a store."""
    return (objects_of(arn), arn) if store.kind == "s3.bucket" else (arn,)


def may_use(access: Access, principal: Principal, actions: tuple[str, ...], store: Resource, deployment: Deployment) -> Truth:
    """Whether a principal may do one of some actions with a store.

    Raises:
        UndecidedError: where the world does not decide the policy or ARN of the store.
    """
    return access.once(_may_use, principal, actions, store, deployment.account, deployment.region)


def _may_use(
    access: Access,
    principal: Principal,
    actions: tuple[str, ...],
    store: Resource,
    account: str | None,
    region: str | None,
) -> Truth:
    deployment = access.deployments[account, region]
    documents = [access.widest.once(_root_let_in, store, account, region)]
    policy = access.value(store, "policy")
    if policy.data is not ABSENT:
        documents.append(access.read(policy, deployment))
    best = Truth.NO
    for arn in arns_of(store, access.value(store, "arn")):
        as_key = Key(arn, Layer(documents=tuple(documents)), store.account or OWN_ACCOUNT, store.region or OWN_REGION)
        for action in actions:
            best = best | may(principal, action, as_key, {}, deployment)
            if best is Truth.YES:
                return best
    return best


def _root_let_in(access: Access, store: Resource, account: str | None, region: str | None) -> PolicyDocument:
    """What other services take for granted and KMS wants written: that an account's identity policies count."""
    del access
    deployment = Deployment(account, region)
    root = Value(Text((Value(f"arn:{deployment.partition}:iam::"), store.account or OWN_ACCOUNT, Value(":root"))))
    anything = {name: Value("*") for name in ("Action", "Resource")}
    statement = {"Effect": Value("Allow"), "Principal": Value({"AWS": root}), **anything}
    return read_policy(Value({"Statement": Value(statement)}), deployment)


def reachable(
    access: Access, principal: Principal, actions: tuple[str, ...], stores: Sequence[Resource], deployment: Deployment
) -> Sequence[Resource]:
    """Those of some stores with which a principal may be let do one of some actions: with the others it is certainly not.

    Raises:
        UndecidedError: where the world does not decide the policy or ARN of a store.
    """
    texts = _allowed(principal, actions)
    if texts is None:
        return stores
    seen = access.once(_seen_of, tuple(stores), actions, deployment.account, deployment.region)
    found = set(seen.let_in)
    for text in texts:
        found.update(store for store, form in seen.near(text) if store not in found and fits(text, form) is not Truth.NO)
    return [store for store in stores if store in found]


def _allowed(principal: Principal, actions: Sequence[str]) -> tuple[Sym, ...] | None:
    """What the policies of a principal name as resources of some actions; None where that is not all that they may allow."""
    layer = principal.identity_policies
    if principal.kind not in ("role", "user") or layer.missing or layer.missing_allows:
        return None
    texts: dict[Sym, None] = {}
    for document in layer.documents:
        if document.error:
            return None
        for statement in document.statements:
            if statement.effect == "Deny" or not _may_act(statement, actions):
                continue
            element = statement.resource
            if statement.open or (element is not None and element.negated):
                return None
            for entry in element.entries if element is not None else ():
                if any("${" in piece for piece in entry.text if isinstance(piece, str)):
                    return None
                texts.setdefault(entry.text)
    return tuple(texts)


def _may_act(statement: Statement, actions: Sequence[str]) -> bool:
    if statement.open:
        return True
    element = statement.action
    if element is None:
        return False
    return element.negated or any(acts(entry.text, one) is not Truth.NO for entry in element.entries for one in actions)


def _seen_of(
    access: Access, stores: tuple[Resource, ...], actions: tuple[str, ...], account: str | None, region: str | None
) -> _Stores:
    beginnings: dict[str, list[tuple[Resource, Sym]]] = {}
    let_in = []
    for store in stores:
        seen = access.once(_seen, store, actions, account, region)
        if seen.lets_in:
            let_in.append(store)
        for form in seen.forms:
            beginnings.setdefault(beginning(form), []).append((store, form))
    return _Stores(tuple(let_in), beginnings, sorted(beginnings), sorted({len(start) for start in beginnings}))


def _seen(access: Access, store: Resource, actions: tuple[str, ...], account: str | None, region: str | None) -> _Store:
    deployment = Deployment(account, region)
    forms = tuple(sym(arn, deployment) for arn in arns_of(store, access.value(store, "arn")))
    return _Store(forms, _lets_in(access, store, actions, deployment))


def _lets_in(access: Access, store: Resource, actions: Sequence[str], deployment: Deployment) -> bool:
    policy = access.value(store, "policy")
    if policy.data is ABSENT:
        return False
    document = access.read(policy, deployment)
    return bool(document.error) or any(one.effect != "Deny" and _may_act(one, actions) for one in document.statements)
