"""Resources that are being built, where their edges lead, and which of several is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kmsguard.kinds.mapping import spread
from kmsguard.kinds.symbolic import Arn, may_be_equal, parts_of, symbol_of
from kmsguard.kinds.table import Kind, KindTable
from kmsguard.model.declaration import Declaration, Unit
from kmsguard.model.guard import Formula, conjunction, disjunction
from kmsguard.model.resource import Resource
from kmsguard.model.truth import NO, UNKNOWN, YES, Truth
from kmsguard.model.value import ABSENT, ACCOUNT, NOTHING, REGION, Text, Unknown, Value, flatten, possible


class Draft:
    """A resource that is being built."""

    __slots__ = (
        "account",
        "busy",
        "cache",
        "declaration",
        "declarations",
        "exists",
        "kind",
        "region",
        "resource",
        "unit",
        "written",
    )

    def __init__(self, kind: Kind, declaration: Declaration, unit: Unit, written: dict[str, Value], exists: Formula) -> None:
        self.kind = kind
        self.declaration = declaration
        self.unit = unit
        self.written = written
        self.exists = exists
        self.declarations = [declaration]
        self.region: Value = NOTHING
        self.account: Value = NOTHING
        self.cache: dict[str, Value] = {}
        self.busy: set[str] = set()
        self.resource: Resource | None = None

    @property
    def address(self) -> str:
        """The address of its declaration."""
        return self.declaration.address


FOREIGN = "//"
"""Between a unit and an address of it, where other units know it. No address of either language holds it."""


class Drafts:
    """All drafts of a scan, by address and by kind."""

    def __init__(self, units: Sequence[Unit], table: KindTable) -> None:
        self.units = {unit.path: unit for unit in units}
        self.table = table
        self.all: list[Draft] = []
        self.inputs: dict[str, dict[str, bool]] = {}  # unit -> address -> whether it is a variable or parameter
        self.stored: dict[str, list[tuple[Draft, str]]] = {}  # store -> what keeps something there, and its attribute
        self._by_address: dict[tuple[str, str], list[Draft]] = {}
        self._by_kind: dict[tuple[str, str], list[Draft]] = {}
        self._shared = _shared(units)
        for unit in units:
            self.inputs[unit.path] = {d.address: d.mode in ("variable", "parameter") for d in unit.declarations}

    def add(self, draft: Draft) -> None:
        """One more draft, before anything is asked."""
        self.all.append(draft)
        self._by_address.setdefault((draft.unit.path, draft.address), []).append(draft)
        self._by_kind.setdefault((draft.unit.path, draft.kind.name), []).append(draft)

    def of_kind(self, unit: str, kind: str) -> list[Draft]:
        """The drafts of a kind in a unit."""
        return self._by_kind.get((unit, kind), [])

    def at(self, unit: str, address: str) -> list[Draft]:
        """The drafts at an address of a unit; the address may be one of another unit, as `name_of` makes it."""
        found = self._by_address.get((unit, address))
        if found is None and FOREIGN in address:
            other, _, inner = address.partition(FOREIGN)
            found = self._by_address.get((other, inner))
        return found or []

    def store(self, kind: str, store: str, attribute: str) -> None:
        """Notes what the resources of a kind store; what that is made from is known to all units."""
        shared: set[tuple[str, str]] = set()
        for unit in self.units:
            for draft in self.of_kind(unit, kind):
                self.stored.setdefault(store, []).append((draft, attribute))
                for part in draft.written[attribute].walk() if attribute in draft.written else ():
                    if part.target is not None and part.target.address and len(self.units) > 1:
                        shared.add((unit, part.target.address))
        self._shared |= shared

    def name_of(self, draft: Draft) -> str:
        """The address of a draft in canonical targets: as its unit knows it, or with its unit where other units know it too."""
        address = draft.address
        return f"{draft.unit.path}{FOREIGN}{address}" if (draft.unit.path, address) in self._shared else address


def _shared(units: Sequence[Unit]) -> frozenset[tuple[str, str]]:
    """What several units know: the declarations that exports and readable states are made from."""
    if len(units) == 1:
        return frozenset()
    shared: set[tuple[str, str]] = set()
    for unit in units:
        values = [export.value for export in unit.exports]
        if unit.state is not None:
            values.extend(unit.outputs.values())
        for value in values:
            for part in value.walk():
                if part.target is not None and part.target.address:
                    shared.add((unit.path, part.target.address))
    return frozenset(shared)


class End(NamedTuple):
    """Where an edge leads, in one of the ways that its value can turn out."""

    guard: Formula
    target: Draft | None  # None: outside of what was scanned, or not known
    value: Value  # as it stands here
    outside: Value  # what lies outside is called this (by a lookup that was followed, other than `value`)


def one_or_exclusive(drafts: list[Draft]) -> list[tuple[Draft, Formula]]:
    """One draft, or several that exclude each other; else it is not known which of them is meant."""
    if len(drafts) == 1:
        return [(drafts[0], YES)]
    if not drafts or len(drafts) > 16:
        return []
    for number, a in enumerate(drafts):
        for b in drafts[:number]:
            if possible(conjunction(a.exists, b.exists)):
                return []
    return [(draft, draft.exists) for draft in drafts]


def nearest(drafts: list[Draft], place: Draft) -> list[Draft]:
    """Of several those that are certainly in the same Region and account as `place`, where there are such."""
    if len(drafts) < 2:
        return drafts
    return [one for one in drafts if near(one, place) is YES] or drafts


def near(one: Draft, other: Draft) -> Truth:
    """Whether a name of `one` means it where `other` is."""
    scope = one.kind.identity.scope
    if scope == "everywhere":
        return YES
    account = _equal(one.account, other.account)
    return account if scope == "account" else account & _equal(one.region, other.region)


def _equal(one: Value, other: Value) -> Truth:
    a, b = one.text, other.text
    if a is not None and b is not None:
        return Truth.of(a == b)
    if one.target is not None and one.target == other.target:
        return YES
    return UNKNOWN


def fits(arn: Arn, draft: Draft, *, certainly: bool = False) -> bool:
    """Whether the account and Region of an ARN are those of a resource; empty ones are those of a global service."""
    for written, own in ((arn.region, draft.region), (arn.account, draft.account)):
        if written == ():
            continue
        mine = symbol_of(parts_of(own))
        if written is None or mine is None:
            if written is None or certainly:
                return False
            continue
        literal = all(isinstance(part, str) for part in written), all(isinstance(part, str) for part in mine)
        if written != mine and (certainly or all(literal) or not any(literal)):
            return False
    return True


def differ(one: str | None, other: str | None) -> bool:
    """Whether two accounts or Regions are given, and not the same."""
    return one is not None and other is not None and one != other


def unknown_region() -> Value:
    """The Region of a deployment that does not say it."""
    return Value(Unknown("the Region is not given", "--region", REGION, not_null=True))


def unknown_account() -> Value:
    """The account of a deployment that does not say it."""
    return Value(Unknown("the account is not given", "--account", ACCOUNT, not_null=True))


def leaves(value: Value, *, maps: bool = False) -> list[tuple[Formula, Value]]:
    """The references in an attribute, lists and Choices taken apart, each with what it hangs on."""
    found: list[tuple[Formula, Value]] = []
    for guard, leaf in flatten(spread(value)):
        data = leaf.data
        if type(data) is str:
            if data:
                found.append((guard, leaf))
        elif isinstance(data, tuple):
            for item in data:
                found.extend((conjunction(guard, inner), one) for inner, one in leaves(item, maps=maps))
        elif type(data) is Text or isinstance(data, Unknown) or (maps and isinstance(data, dict)):
            found.append((guard, leaf))
    return found


def carries(value: Value, wanted: Value) -> Formula:
    """Under what condition a tag has a value."""
    found: Formula = NO
    for guard, leaf in flatten(spread(value)):
        if leaf.text is not None and leaf.text == wanted.text:
            found = disjunction(found, guard)
        elif (leaf.text is None or wanted.text is None) and leaf.data is not ABSENT and may_be_equal(leaf, wanted):
            found = disjunction(found, conjunction(guard, UNKNOWN))
    return found
