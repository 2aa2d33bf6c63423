"""What conditions may name, out of the table of kinds: so that a slip of the pen in a rule is an error with its place."""

from __future__ import annotations

from kmsguard.conditions.parsing import Schema
from kmsguard.kinds.table import Attribute, Kind, KindTable

_TYPES = {"string": "text", "bool": "bool", "int": "number", "number": "number", "list": "list", "map": "map"}
_EVERYWHERE = {"address": "text", "region": "text", "account": "text"}


class Anything(Schema):
    """Where nothing can be said: the members of a map, what lies outside of all units."""

    def attribute(self, name: str) -> str | None:  # noqa: ARG002, D102
        return "anything"

    def edge(self, name: str) -> Schema | None:  # noqa: ARG002, D102
        return None

    def elements(self, name: str) -> Schema:  # noqa: ARG002, D102
        return self

    def source(self, kind: str, edge: str) -> Schema | None:  # noqa: ARG002, D102
        return None

    def names(self) -> tuple[str, ...]:  # noqa: D102
        return ()


class KindSchema(Schema):
    """What any of some kinds has."""

    def __init__(self, table: KindTable, kinds: tuple[Kind, ...]) -> None:
        self.table = table
        self.kinds = kinds

    def _attribute(self, name: str) -> Attribute | None:
        return next((kind.attributes[name] for kind in self.kinds if name in kind.attributes), None)

    def attribute(self, name: str) -> str | None:
        """The type of an attribute as conditions know it; None where none of the kinds has it."""
        found = self._attribute(name)
        return _TYPES.get(found.type, found.type) if found is not None else _EVERYWHERE.get(name)

    def edge(self, name: str) -> Schema | None:
        """What the ends of an edge have; None where none of the kinds has such an edge."""
        specs = [kind.edges[name] for kind in self.kinds if name in kind.edges]
        return of_names(self.table, tuple(to for spec in specs for to in spec.to)) if specs else None

    def elements(self, name: str) -> Schema:
        """What the elements of a list have."""
        found = self._attribute(name)
        members = found.of[1] if found is not None and found.of is not None else {}
        return _Members(members) if members else Anything()

    def source(self, kind: str, edge: str) -> Schema | None:
        """What the resources of a kind or trait have whose edges of a name may end here."""
        here = {one.name for one in self.kinds}
        with_edge = tuple(
            one
            for one in named(self.table, kind)
            if edge in one.edges and any(here & {k.name for k in named(self.table, to)} for to in one.edges[edge].to)
        )
        return KindSchema(self.table, with_edge) if with_edge else None

    def names(self) -> tuple[str, ...]:
        """All attributes and edges."""
        return tuple(dict.fromkeys(name for kind in self.kinds for name in (*kind.attributes, *kind.edges)))


class _Members(Anything):
    """The members of the maps in a list."""

    def __init__(self, types: dict[str, str]) -> None:
        self.types = types

    def attribute(self, name: str) -> str | None:
        found = self.types.get(name)
        return _TYPES.get(found, found) if found is not None else None

    def elements(self, name: str) -> Schema:  # noqa: ARG002
        return Anything()

    def names(self) -> tuple[str, ...]:
        return tuple(self.types)


def named(table: KindTable, name: str) -> tuple[Kind, ...]:
    """The kind of a name, or all kinds with a trait of that name."""
    kind = table.kinds.get(name)
    return (kind,) if kind is not None else tuple(one for one in table.kinds.values() if name in one.traits)


def of_names(table: KindTable, names: tuple[str, ...]) -> Schema:
    """What any of some kinds or traits has."""
    kinds = {kind.name: kind for name in names for kind in named(table, name)}
    return KindSchema(table, tuple(kinds.values())) if kinds else Anything()
