"""Values that name resources, taken apart, and sorted by what they can lead to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from kmsguard.kinds.draft import FOREIGN, Drafts, End, leaves
from kmsguard.kinds.symbolic import Symbol, parts_of, split_arn, symbol_of
from kmsguard.model.value import Target, Unknown, Value


class Reference:
    """A value that names a resource, taken apart once for all the kinds that it is looked up among.

    `arn` are the parts of an ARN, `symbol` is any other text as a whole; `service` is what an ARN certainly belongs to.
    """

    __slots__ = ("arn", "is_arn", "kinds", "leaf", "service", "symbol")

    def __init__(self, leaf: Value) -> None:
        self.leaf = leaf
        parts = parts_of(leaf)
        self.is_arn = bool(parts) and isinstance(parts[0], str) and parts[0].startswith("arn:")
        self.arn = split_arn(parts) if self.is_arn else None
        self.symbol = symbol_of(parts) if not self.is_arn else None
        self.service = _literal(self.arn.service) if self.arn is not None else None
        self.kinds: frozenset[str] | None = None  # of what is written, see `held`

    @property
    def is_address(self) -> bool:
        """Whether it is an address that may lead into what is named (`s3://bucket/prefix`)."""
        return self.symbol is not None and isinstance(self.symbol[0], str) and "://" in self.symbol[0]

    @property
    def is_foreign(self) -> bool:
        """Whether it was made of a resource of another unit, that is known by an export or a state."""
        for part in (self.arn.tail if self.arn is not None else self.symbol) or ():
            if isinstance(part, Target) and FOREIGN in part.address:
                return True
        return False

    def held(self, unit: str, drafts: Drafts) -> frozenset[str]:
        """The kinds of what it was written with; none where that is nothing of the unit."""
        if self.kinds is None:
            addresses = [ref.address for ref in self.leaf.refs]
            if self.leaf.target is not None:
                addresses.append(self.leaf.target.address)
            self.kinds = frozenset(draft.kind.name for address in addresses for draft in drafts.at(unit, address))
        return self.kinds

    def may_be_elsewhere(self, unit: str, drafts: Drafts) -> bool:
        """Whether an entry of what holds all sorts may name something outside of the scan: an ARN, or what nobody knows.

        What is read from a store of secrets is one and no name, and what calls a resource of the unit calls no other one.
        """
        data = self.leaf.data
        if not isinstance(data, Unknown):
            return self.is_arn
        if (data.reference or "").startswith(_SECRETS):
            return False
        target = data.target
        return target is None or not any(
            target.attribute in one.kind.identity.parts or target.attribute in one.kind.identity.made_up
            for one in drafts.at(unit, target.address)
        )


_SECRETS = ("{{resolve:secretsmanager:", "{{resolve:ssm-secure:")


def _literal(service: Symbol | None) -> str | None:
    """The service in an ARN, where it is written, without wildcards."""
    if not service or len(service) > 1 or not isinstance(service[0], str):
        return None
    return service[0] if _WILD.isdisjoint(service[0]) else None


_WILD = frozenset("*?$")


class References:
    """The references at a path of an attribute, each with the end that it is where nothing of the scan is meant.

    Many edges of a kind lead over the same path (a policy's statements), each to another kind.
    """

    def __init__(self, whole: Value, at_path: Value, unit: str, drafts: Drafts) -> None:
        self.whole = whole  # the attribute
        self.unit = unit
        self.drafts = drafts
        self.all = [(End(guard, None, leaf, leaf), Reference(leaf)) for guard, leaf in leaves(at_path)]

    def leading_to(
        self, kinds: Iterable[str], names: Iterable[frozenset[Symbol]], services: frozenset[str]
    ) -> list[tuple[End, Reference]]:
        """Those that may mean a resource of some kinds, or one outside of the scan.

        Args:
            kinds: that are looked for.
            names: of the resources of these kinds.
            services: of their ARNs; with an empty text in it, any.
        """
        by = self._sorted
        wanted = set(by.always)
        for kind in kinds:
            wanted.update(by.kind.get(kind, ()))
        for known in names:
            for symbol in by.symbols & known:
                wanted.update(by.symbol[symbol])
        for service in by.service if "" in services else (None, *services):
            wanted.update(by.service.get(service, ()))
        return [self.all[number] for number in sorted(wanted)]

    @cached_property
    def _sorted(self) -> _Sorted:
        by = _Sorted()
        for number, (_, reference) in enumerate(self.all):
            for kind in reference.held(self.unit, self.drafts):
                by.kind.setdefault(kind, []).append(number)
            if reference.is_arn:
                by.service.setdefault(reference.service, []).append(number)
            elif reference.is_address or reference.is_foreign or reference.may_be_elsewhere(self.unit, self.drafts):
                by.always.append(number)
            elif reference.symbol is not None:
                by.symbol.setdefault(reference.symbol, []).append(number)
        by.symbols = frozenset(by.symbol)
        return by


class _Sorted:
    """The numbers of references by what they can lead to, each in one of the last three, and by what they were written with."""

    __slots__ = ("always", "kind", "service", "symbol", "symbols")

    def __init__(self) -> None:
        self.kind: dict[str, list[int]] = {}
        self.always: list[int] = []
        self.service: dict[str | None, list[int]] = {}
        self.symbol: dict[Symbol, list[int]] = {}
        self.symbols: frozenset[Symbol] = frozenset()
