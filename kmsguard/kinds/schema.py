"""What conditions may name: the attributes and edges of kinds, as `kmsguard.conditions.parsing` asks for them."""

from __future__ import annotations

from kmsguard.kinds.table import Kind, KindTable

COMMON = {"address": "text", "region": "text", "account": "text", "external": "bool"}
_TYPES = {
    "string": "text",
    "secret": "text",
    "ref": "text",
    "int": "number",
    "number": "number",
    "policy": "map",
    "json": "anything",
    "any": "anything",
}


def schema(table: KindTable, names: tuple[str, ...]) -> KindSchema | None:
    """What a resource of one of these kinds, or of the kinds with one of these traits, has; None where there is none."""
    kinds = tuple(kind for kind in table.kinds.values() if kind.name in names or any(trait in names for trait in kind.traits))
    return KindSchema(table, kinds) if kinds else None


class KindSchema:
    """A `kmsguard.conditions.parsing.Schema` over kinds: what any of them has, may be named."""

    def __init__(self, table: KindTable, kinds: tuple[Kind, ...]) -> None:
        self._table = table
        self._kinds = kinds

    def attribute(self, name: str) -> str | None:
        """The type of an attribute, in the words of conditions; where kinds differ, `anything`."""
        types = [_TYPES.get(found.type, found.type) for kind in self._kinds if (found := kind.attributes.get(name)) is not None]
        if not types:
            identity = any(kind.is_part(name) for kind in self._kinds)
            return COMMON.get(name) or ("text" if identity else None)
        return types[0] if all(type_ == types[0] for type_ in types) else "anything"

    def edge(self, name: str) -> KindSchema | None:
        """What the ends of an edge have."""
        ends = [to for kind in self._kinds if name in kind.edges for to in kind.edges[name].to]
        kinds = tuple(self._table.kinds[to] for to in dict.fromkeys(ends) if to in self._table.kinds)
        return KindSchema(self._table, kinds) if ends else None

    def elements(self, name: str) -> ElementSchema:
        """What the elements of a list, or the value of a map, have."""
        members: dict[str, str] | None = {}
        for kind in self._kinds:
            attribute = kind.attributes.get(name)
            if attribute is None:
                continue
            if attribute.of is None or not attribute.of[1]:
                members = None if attribute.of is None or attribute.of[0] not in ("string", "ref", "int") else members
            elif members is not None:
                members = {**members, **attribute.of[1]}
        return ElementSchema(members)

    def source(self, kind: str, edge: str) -> KindSchema | None:
        """What the resources of a kind or trait have that have such an edge."""
        found = schema(self._table, (kind,))
        return found if found is not None and found.edge(edge) is not None else None

    def names(self) -> tuple[str, ...]:
        """All attributes and edges, for suggestions."""
        every = [
            name
            for kind in self._kinds
            for name in (*kind.attributes, *kind.identity.parts, *kind.identity.made_up, *kind.edges)
        ]
        return tuple(dict.fromkeys(every))


class ElementSchema:
    """What the elements of a list have; None: nothing is said of them."""

    def __init__(self, members: dict[str, str] | None) -> None:
        self._members = members

    def attribute(self, name: str) -> str | None:
        """The type of a member."""
        if self._members is None or name == "item":
            return "anything"
        type_ = self._members.get(name)
        return None if type_ is None else _TYPES.get(type_.partition(" of ")[0], type_.partition(" of ")[0])

    def edge(self, name: str) -> None:
        """Elements have no edges."""
        del name

    def elements(self, name: str) -> ElementSchema:
        """Nothing is said of what lies deeper."""
        del name
        return ElementSchema(None)

    def source(self, kind: str, edge: str) -> None:
        """Edges end at resources, not at elements."""
        del kind, edge

    def names(self) -> tuple[str, ...]:
        """The members."""
        return tuple(self._members or ())
