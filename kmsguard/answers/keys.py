"""The inventory of keys: what they are, who administers and uses them, what they protect, what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from kmsguard.answers.aws_keys import under_aws_keys
from kmsguard.answers.parties import Known, Party, PartyKind, explore
from kmsguard.answers.prices import PRICE, Price
from kmsguard.answers.who_can import Everybody, answers_of, everybody, keys_of
from kmsguard.answers.wording import said
from kmsguard.iam.key_policies import ALIAS_OF_AWS
from kmsguard.iam.texts import opens, sym
from kmsguard.model.declaration import Problem
from kmsguard.model.finding import Open
from kmsguard.model.guard import World, decide
from kmsguard.model.resource import Edge, Graph, Resource
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Unknown, Value
from kmsguard.rules.worlds import references
from kmsguard.scan.graphs import Graphs

FORMAT_VERSION = 1

Manager: TypeAlias = Literal["customer", "aws", "unknown"]
RotationStatus: TypeAlias = Literal["on", "off", "not possible", "unknown"]
MultiRegionRole: TypeAlias = Literal["primary", "replica", "none", "unknown"]
State: TypeAlias = Literal["enabled", "disabled", "unknown"]


class Rotation(msgspec.Struct, frozen=True):
    """Automatic rotation."""

    status: Annotated[RotationStatus, Meta(description="`not possible`: AWS does not rotate keys of this kind by itself")]
    period_days: Annotated[int | None, Meta(description="where it is on and known")]


class MultiRegion(msgspec.Struct, frozen=True):
    """Whether it is one of several keys with the same material."""

    role: MultiRegionRole
    primary: Annotated[str | None, Meta(description="of a replica: address or ARN of its primary")]
    replicas: Annotated[tuple[str, ...], Meta(description="of a primary: the replicas of the scan")]


class Holder(msgspec.Struct, frozen=True):
    """Somebody who can do something with a key."""

    principal: Annotated[str, Meta(description="its address, or the ARN, account or service that a policy names")]
    kind: Annotated[PartyKind, Meta(description="`account`: whomever the account's IAM policies allow")]
    unit: Annotated[str | None, Meta(description="the unit that makes it; null where it is outside of the scan")]
    answer: Annotated[Literal["yes", "unknown"], Meta(description="as in `kmsguard who-can`")]
    operations: Annotated[tuple[str, ...], Meta(description="of those that are asked for")]
    conditions: Annotated[tuple[str, ...], Meta(description="each is enough; empty: always")]
    decided_by: tuple[Open, ...]


class Protected(msgspec.Struct, frozen=True):
    """Something that the key protects."""

    address: str
    type: str
    unit: str
    by: Annotated[str, Meta(description="how it names the key: `encrypted_with`, `replica_key`, …")]
    certain: Annotated[bool, Meta(description="false where a condition decides it")]


class Cost(msgspec.Struct, frozen=True):
    """What AWS asks for it, without requests."""

    monthly: Annotated[float, Meta(description="for the key as it is created")]
    monthly_rotated: Annotated[float, Meta(description="once all rotations that are charged have happened")]


class KeyEntry(msgspec.Struct, frozen=True):
    """A key. What is not known is null, and what would decide it is in `decided_by`."""

    address: Annotated[str, Meta(description="its address; of a key outside of the scan how it is named there")]
    type: Annotated[str | None, Meta(description="null outside of the scan")]
    unit: Annotated[str, Meta(description="the unit that makes it, or names it")]
    managed_by: Annotated[Manager, Meta(description="`aws`: an AWS managed key; `unknown`: a key that is not known")]
    made_here: Annotated[bool, Meta(description="false for a key outside of the scan")]
    exists: Literal["yes", "unknown"]
    spec: str | None
    usage: str | None
    origin: str | None
    region: str | None
    account: str | None
    multi_region: MultiRegion | None
    rotation: Rotation
    state: State
    aliases: tuple[str, ...]
    administrators: Annotated[tuple[Holder, ...], Meta(description="who can change its policy, disable or delete it")]
    users: Annotated[tuple[Holder, ...], Meta(description="who can encrypt, decrypt or sign with it")]
    open_to: Annotated[tuple[Everybody, ...], Meta(description="who else, by statements that name nobody")]
    protects: tuple[Protected, ...]
    cost: Annotated[Cost | None, Meta(description="null outside of the scan")]
    decided_by: tuple[Open, ...]
    location: Annotated[Span | None, Meta(description="null outside of the scan")]


class Inventory(msgspec.Struct, frozen=True):
    """The answer of `kmsguard keys`."""

    format_version: int
    price: Price
    keys: tuple[KeyEntry, ...]
    errors: tuple[Problem, ...]


ADMINISTRATION = ("PutKeyPolicy", "ScheduleKeyDeletion", "DisableKey")
_USES = {
    "ENCRYPT_DECRYPT": ("Encrypt", "Decrypt", "GenerateDataKey"),
    "SIGN_VERIFY": ("Sign", "Verify"),
    "GENERATE_VERIFY_MAC": ("GenerateMac", "VerifyMac"),
    "KEY_AGREEMENT": ("DeriveSharedSecret",),
}
SYMMETRIC = "SYMMETRIC_DEFAULT"


def uses_of(spec: str | None, usage: str | None) -> tuple[str, ...]:
    """The operations for which somebody counts as a user of a key."""
    if usage is None:
        return tuple(dict.fromkeys(name for names in _USES.values() for name in names))
    operations = _USES.get(usage, ())
    return operations if spec in (SYMMETRIC, None) else tuple(one for one in operations if one != "GenerateDataKey")


def keys(graphs: Graphs) -> Inventory:
    """The keys of some graphs, and those outside of them that something in them uses."""
    found: list[KeyEntry] = []
    for graph, units in graphs.graphs:
        known = Known(graph, graphs.settings)
        uses = _uses(graph)
        found += [_Key(known, key).entry(uses.get(key, [])) for key in keys_of(graph, units)]
        found += _outside(known, units)
    found.sort(key=lambda one: (one.unit, not one.made_here, one.address, one.region or "", one.account or ""))
    return Inventory(FORMAT_VERSION, PRICE, tuple(found), graphs.errors)


def _uses(graph: Graph) -> dict[object, list[Edge]]:
    """What leads to a key, by key; what belongs to a key itself is left out."""
    found: dict[object, list[Edge]] = {}
    for edge in graph.edges():
        if isinstance(edge.target, Resource) and edge.target.kind == "kms.key" and _protects(edge):
            found.setdefault(edge.target, []).append(edge)
    return found


def _protects(edge: Edge) -> bool:
    """Whether what names a key has something under it; what belongs to a key, calls with it or lets somebody use it has not."""
    return not edge.source.kind.startswith("kms.") and edge.name not in ("named_keys", "allowed_keys")


def _is_no_key(value: Value) -> bool:
    """Whether it is something else, whose key it would be: the snapshot that a database is restored from."""
    parts = said(sym(value)).split(":", 3)
    return parts[0] == "arn" and len(parts) > 3 and "$" not in parts[2] and parts[2] != "kms"


def _protected(edges: Iterable[Edge]) -> tuple[Protected, ...]:
    out: dict[tuple[str, str, str], Protected] = {}
    for edge in edges:
        source = edge.source
        if edge.guard is Truth.NO or source.exists is Truth.NO:
            continue
        certain = edge.guard is Truth.YES
        name = (source.unit, source.address, edge.name)
        before = out.get(name)
        if before is None or not before.certain:
            out[name] = Protected(source.address, source.type, source.unit, edge.name, certain)
    return tuple(out[name] for name in sorted(out))


class _Key:
    """One key of a graph."""

    def __init__(self, known: Known, key: Resource) -> None:
        self.known = known
        self.key = key
        self.open: dict[Open, None] = {}

    def entry(self, uses: Sequence[Edge]) -> KeyEntry:
        """Everything about it."""
        key = self.key
        spec, usage, origin = (self._text(name) for name in ("spec", "usage", "material"))
        enabled = self._fact("enabled")
        rotation = self._rotation(spec, usage, origin)
        operations = uses_of(spec, usage)
        parties = [party for party in self.known.parties(key) if self.known.are_linked(party, key)]
        return KeyEntry(
            address=key.address,
            type=key.type,
            unit=key.unit,
            managed_by="customer",
            made_here=True,
            exists="yes" if key.exists is Truth.YES else "unknown",
            spec=spec,
            usage=usage,
            origin=origin,
            region=key.region.text if key.region is not None else None,
            account=(key.account.text if key.account is not None else None) or self.known.settings.account,
            multi_region=self._multi_region(),
            rotation=rotation,
            state="unknown" if not isinstance(enabled, bool) else "enabled" if enabled else "disabled",
            aliases=self._aliases(),
            administrators=tuple(self._holders(parties, ADMINISTRATION)),
            users=tuple(self._holders(parties, operations)),
            open_to=tuple(everybody(self.known, key, operations)),
            protects=_protected(uses),
            cost=_cost(rotation),
            decided_by=tuple(self.open),
            location=key.head,
        )

    def _fact(self, name: str) -> str | bool | int | None:
        """An attribute that is the same whatever the code leaves open; None where it is not, or nothing is known of it."""

        def in_world(world: World) -> Value | None:
            if decide(self.key.exists, world) is Truth.NO:
                return None
            return self.known.access(world, self.key.unit).value(self.key, name)

        worlds = explore(in_world)
        values = [value for _, value in worlds.found]
        facts = [value.text if value.text is not None else value.data for value in values]
        if worlds.too_many or any(fact != facts[0] for fact in facts):
            of = f"decides the {name.replace('_', ' ')}"
            self.open.update(dict.fromkeys(Open(one, of) for one in references(worlds.touched)))
            return None
        if not facts or facts[0] is ABSENT:
            return None
        fact = facts[0]
        if isinstance(fact, (str, bool, int)):
            return fact
        self.open.update(dict.fromkeys(opens(sym(values[0]))))
        return None

    def _text(self, name: str) -> str | None:
        fact = self._fact(name)
        return fact if isinstance(fact, str) else None

    def _rotation(self, spec: str | None, usage: str | None, origin: str | None) -> Rotation:
        """https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html."""
        if spec not in (SYMMETRIC, None) or usage not in ("ENCRYPT_DECRYPT", None) or origin not in ("AWS_KMS", None):
            return Rotation("not possible", None)
        on = self._fact("rotation")
        if on is False:
            return Rotation("off", None)
        if on is not True or spec is None or origin is None:
            return Rotation("unknown", None)
        period = self._fact("rotation_period")
        return Rotation("on", period if isinstance(period, int) else None)

    def _multi_region(self) -> MultiRegion:
        key, graph = self.key, self.known.graph
        many = self._fact("multi_region")
        if key.attributes.get("replica") is not None and self._fact("replica") is True:
            primary = next((_end(edge) for edge in graph.out(key, "primary")), None)
            return MultiRegion("replica", primary, ())
        replicas = tuple(
            sorted(edge.source.address for edge in graph.into(key, "primary") if edge.source.exists is not Truth.NO)
        )
        role: MultiRegionRole = "unknown" if not isinstance(many, bool) else "primary" if many else "none"
        return MultiRegion(role, None, replicas)

    def _aliases(self) -> tuple[str, ...]:
        def in_world(world: World) -> tuple[str, ...]:
            access = self.known.access(world, self.key.unit)
            found = access.sources(self.key, "key", "kms.alias")
            return tuple(_alias(access.value(alias, "name")) for alias, _ in found)

        return tuple(sorted({name for _, names in explore(in_world).found for name in names}))

    def _holders(self, parties: Sequence[Party], operations: Sequence[str]) -> Iterator[Holder]:
        for party in parties:
            same: dict[object, Holder] = {}
            for one in answers_of(self.known, party, self.key, operations):
                if one.answer == "no":
                    continue
                conditions = [", ".join(way.conditions) for way in one.ways]
                always = one.answer == "yes" and "" in conditions
                told = () if always else tuple(dict.fromkeys(text for text in conditions if text))
                alike = (one.answer, told, one.decided_by)
                before = same[alike].operations if alike in same else ()
                every = tuple(name for name in operations if name in before or name in one.operations)
                same[alike] = Holder(one.principal, one.kind, one.unit, one.answer, every, told, one.decided_by)
            yield from same.values()


def _alias(name: Value) -> str:
    return said(sym(name)) if "alias/" in said(sym(name)) else "one whose name is not known"


def _end(edge: Edge) -> str:
    return edge.target.address if isinstance(edge.target, Resource) else said(sym(edge.target.value))


def _cost(rotation: Rotation) -> Cost:
    rotated = PRICE.key + (PRICE.rotations * PRICE.rotation if rotation.status in ("on", "unknown") else 0)
    return Cost(PRICE.key, rotated)


# Keys that are not of the scan


class _Use(msgspec.Struct, frozen=True):
    """A resource under a key that is not of the scan."""

    name: str  # how the key is named
    value: Value
    region: str | None
    account: str | None
    protected: Protected
    unless: Open | None = None


def _outside(known: Known, units: frozenset[str]) -> Iterator[KeyEntry]:
    """The keys outside of the scan that something in it uses, by the unit that does and how it names them.

    An AWS managed key is one of an account and a Region.
    """
    found: dict[tuple[str | None, ...], list[_Use]] = {}
    for use in (*_named_uses(known, units), *_default_uses(known, units)):
        aws = ALIAS_OF_AWS in use.name
        place = (use.region, use.account) if aws else (None, None)
        found.setdefault((use.protected.unit, use.name, *place), []).append(use)
    for uses in found.values():
        yield _elsewhere(uses)


def _named_uses(known: Known, units: frozenset[str]) -> Iterator[_Use]:
    for edge in known.graph.edges():
        if isinstance(edge.target, Resource) or edge.target.kind != "kms.key" or edge.source.unit not in units:
            continue
        value = edge.target.value
        if not _protects(edge) or _is_no_key(value):
            continue
        for protected in _protected((edge,)):
            name = _named(value)
            parts = name.split(":", 5)
            is_arn = len(parts) == 6 and parts[0] == "arn"
            region, account = (_part(parts[3]), _part(parts[4])) if is_arn else _place(known, edge.source)
            if ALIAS_OF_AWS in name:
                name = name[name.index(ALIAS_OF_AWS) :]
            elif not is_arn:
                region = account = None
            yield _Use(name, value, region, account, protected)


def _default_uses(known: Known, units: frozenset[str]) -> Iterator[_Use]:
    for resource, default, certain in under_aws_keys(known.graph, units):
        protected = Protected(resource.address, resource.type, resource.unit, "encrypted_with", certain)
        yield _Use(default.alias, Value(default.alias), *_place(known, resource), protected, default.unless)


def _part(text: str) -> str | None:
    return text if text and "${" not in text else None


def _place(known: Known, resource: Resource) -> tuple[str | None, str | None]:
    """Region and account of a resource, as far as they are known."""
    region = resource.region.text if resource.region is not None else None
    account = resource.account.text if resource.account is not None else None
    return region, account or known.settings.account


def _elsewhere(uses: Sequence[_Use]) -> KeyEntry:
    name, value = uses[0].name, uses[0].value
    aws = ALIAS_OF_AWS in name
    protects = {(one.protected.unit, one.protected.address, one.protected.by): one.protected for one in uses}
    alias = name[name.index("alias/") :] if "alias/" in name else None
    unless = tuple(dict.fromkeys(one.unless for one in uses if one.unless is not None))
    return KeyEntry(
        address=name,
        type=None,
        unit=uses[0].protected.unit,
        managed_by="aws" if aws else "unknown" if value.text is None else "customer",
        made_here=False,
        exists="yes" if aws else "unknown",
        spec=SYMMETRIC if aws else None,
        usage="ENCRYPT_DECRYPT" if aws else None,
        origin="AWS_KMS" if aws else None,
        region=uses[0].region,
        account=uses[0].account,
        multi_region=MultiRegion("none", None, ()) if aws else None,
        # https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys.html: AWS managed keys, every year
        rotation=Rotation("on", 365) if aws else Rotation("unknown", None),
        state="enabled" if aws else "unknown",
        aliases=(alias,) if alias is not None and "${" not in alias else (),
        administrators=(),
        users=(),
        open_to=(),
        protects=tuple(protects[one] for one in sorted(protects)),
        cost=Cost(0.0, 0.0) if aws else None,
        decided_by=unless if aws else opens(sym(value)),
        location=None,
    )


def _named(value: Value) -> str:
    """How a key that is not of the scan is named."""
    if isinstance(value.data, Unknown):
        return next((one.reference for one in opens(sym(value)) if one.reference), "a key that is not known")
    return said(sym(value))
