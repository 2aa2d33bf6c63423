"""Where edges lead: whom a name, an ARN or a symbolic reference means, found by lookup."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from kmsguard.kinds.draft import FOREIGN, Draft, End, carries, fits, leaves, near, nearest, one_or_exclusive
from kmsguard.kinds.elsewhere import ELSEWHERE
from kmsguard.kinds.mapping import follow, spread
from kmsguard.kinds.references import Reference, References
from kmsguard.kinds.symbolic import Arn, Symbol, may_be_equal, occurrences, parts_of, pieces_of, split_arn, symbol_of
from kmsguard.kinds.table import EdgeSpec, Kind
from kmsguard.model.guard import NOWHERE_ASSUMED, Formula, conjunction, consistent, disjunction, negate
from kmsguard.model.truth import NO, UNKNOWN, YES
from kmsguard.model.value import ABSENT, Target, Text, Value, flatten

if TYPE_CHECKING:
    from kmsguard.kinds.links import Links


class Edges:
    """The edges of all drafts with the indexes that they are found by. Everything is computed when it is first asked for."""

    def __init__(self, links: Links) -> None:
        self.links = links
        self.drafts = links.drafts
        self._names: dict[tuple[str, str], dict[Symbol, list[Draft]]] = {}
        self._arns: dict[tuple[str, str], dict[Symbol, list[Draft]]] = {}
        self._tags: dict[tuple[str, str], tuple[dict[str, list[tuple[Draft, Value]]], list[Draft]]] = {}
        self._places: dict[tuple[str, str], dict[tuple[Symbol | None, Symbol | None], list[Draft]]] = {}
        self._everywhere: dict[str, dict[Symbol, list[Draft]]] | None = None
        self._ends: dict[tuple[Draft, str], list[End] | None] = {}
        self._followed: dict[tuple[Draft, tuple[str, ...]], References] = {}
        self._with_stand_ins: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._sums: dict[tuple[str, tuple[str, ...]], _Known] = {}
        self._far: dict[tuple[str, ...], _Known] = {}
        self._indexing = 0  # indexes that are being made
        self._services: dict[tuple[str, ...], frozenset[str]] = {}
        self._always: dict[tuple[Formula, ...], bool] = {}  # whether one of some formulas always holds

    def ends(self, draft: Draft, edge: str) -> list[End]:
        """Where the edges of a name lead."""
        key = (draft, edge)
        if key in self._ends:
            return self._ends[key] or []
        self._ends[key] = None  # a circle of lookups finds nothing
        found = self._ends[key] = self._find_ends(draft, draft.kind.edges.get(edge))
        return found

    def _find_ends(self, draft: Draft, spec: EdgeSpec | None) -> list[End]:
        if spec is None:
            return []
        if spec.how == "tags":
            return self._tagged(draft, spec)
        if spec.how in ("region", "account"):
            return self._in_place(draft, spec)
        references = self._references(draft, spec.by)
        if spec.by[-1] in _OF_ALL_SORTS:
            return self.certain(self._among_others(draft, spec, references))
        found = ((end, self._find(reference, spec.to, draft, end.guard)) for end, reference in references.all)
        return self.certain([one for end, meant in found for one in meant or (end,)])

    def _among_others(self, draft: Draft, spec: EdgeSpec, references: References) -> list[End]:
        """Where an edge leads over what holds resources of every kind: what certainly means something else is passed over."""
        unit = draft.unit.path
        kinds = self._kinds_of(spec.to)
        services = self._services_of(kinds)
        known = self._known(unit, kinds)
        chosen = references.all
        if known is not None:
            chosen = references.leading_to(kinds, known.names, services)
        ends: list[End] = []
        for end, reference in chosen:
            if reference.service is not None and services.isdisjoint((reference.service, "")):
                continue
            found = self._find(reference, spec.to, draft, end.guard)
            if found or reference.may_be_elsewhere(unit, self.drafts):
                ends.extend(found or (end,))
        return ends

    def certain(self, ends: list[End]) -> list[End]:
        """One end for a reference that leads to the same in all ways in which its value can turn out."""
        if sum(end.guard is not YES and end.target is not None for end in ends) < 2:
            return ends
        ways: dict[object, list[End]] = {}
        for end in ends:
            written = end.value.span if end.target is not None else None
            ways.setdefault((end.target, written) if written is not None else id(end), []).append(end)
        return [one for alike in ways.values() for one in self._one_way(alike)]

    def _one_way(self, alike: list[End]) -> list[End]:
        if len(alike) == 1:
            return alike
        guards = tuple(end.guard for end in alike)
        certain = self._always.get(guards)
        if certain is None:
            certain = self._always[guards] = not consistent(NOWHERE_ASSUMED, (negate(disjunction(*guards)),))
        return [alike[0]._replace(guard=YES)] if certain else alike

    def _references(self, draft: Draft, by: tuple[str, ...]) -> References:
        whole = self.links.value(draft, by[0])
        kept = self._followed.get((draft, by))
        if kept is None or kept.whole is not whole:
            kept = self._followed[draft, by] = References(whole, follow(whole, by[1:]), draft.unit.path, self.drafts)
        return kept

    def _kinds_of(self, to: tuple[str, ...]) -> tuple[str, ...]:
        """The kinds with those that stand for them."""
        kinds = self._with_stand_ins.get(to)
        if kinds is None:
            kinds = (*to, *(name for kind in to for name in self.drafts.table.stand_ins.get(kind, ())))
            self._with_stand_ins[to] = kinds
        return kinds

    def _known(self, unit: str, kinds: tuple[str, ...]) -> _Known | None:
        """What is known of the drafts of these kinds that a unit can name; None before all of them are indexed."""
        known = self._sums.get((unit, kinds))
        if known is None and not self._indexing and all((unit, kind) in self._names for kind in kinds):
            far = self._known_everywhere(kinds)
            if far is None:
                return None
            names = frozenset(name for kind in kinds for name in self._names[unit, kind])
            services = frozenset(symbol[: symbol.index(":")] for kind in kinds for symbol in self._arns[unit, kind])
            known = self._sums[unit, kinds] = _Known((names, *far.names), (services, *far.services))
        return known

    def _known_everywhere(self, kinds: tuple[str, ...]) -> _Known | None:
        """The same for what is known in all units; nothing is where there is but one."""
        if len(self.drafts.units) == 1:
            return _Known((), ())
        known = self._far.get(kinds)
        if known is None and self._everywhere is not None:
            names = self._everywhere.get("name", {}).items()
            arns = self._everywhere.get("arn", {}).items()
            known = self._far[kinds] = _Known(
                (frozenset(name for name, found in names if any(one.kind.name in kinds for one in found)),),
                (frozenset(arn[: arn.index(":")] for arn, found in arns if any(one.kind.name in kinds for one in found)),),
            )
        return known

    def _is_outside(self, reference: Reference, unit: str, kinds: tuple[str, ...]) -> bool:
        """Whether a reference certainly means none of the drafts of some kinds."""
        known = self._known(unit, kinds)
        if known is None or reference.is_address or reference.is_foreign:
            return False
        if reference.is_arn:
            service = reference.arn.service or () if reference.arn is not None else None
            if any(service in services for services in known.services):
                return False
        elif any(reference.symbol in names for names in known.names):
            return False
        return reference.held(unit, self.drafts).isdisjoint(kinds)

    def _services_of(self, kinds: tuple[str, ...]) -> frozenset[str]:
        """The services in the ARNs of some kinds; empty text for one that says nothing of it.

        What has no ARN of its own and stands for another resource has that one's.
        """
        found = self._services.get(kinds)
        if found is None:
            described = [self.drafts.table.kinds[kind] for kind in kinds]
            arns = [kind.identity.parts.get("arn", "").split(":") for kind in described if not _has_anothers_arn(kind)]
            found = self._services[kinds] = frozenset(arn[2] if len(arn) > 2 and "{" not in arn[2] else "" for arn in arns)
        return found

    def find(self, leaf: Value, to: tuple[str, ...], draft: Draft, guard: Formula = YES) -> list[End]:
        """What a reference means, among these kinds; empty where nothing of the scan is meant, or it is not known what."""
        return self._find(Reference(leaf), to, draft, guard)

    def _find(self, reference: Reference, to: tuple[str, ...], draft: Draft, guard: Formula) -> list[End]:
        unit = draft.unit.path
        leaf = reference.leaf
        kinds = self._kinds_of(to)
        if self._is_outside(reference, unit, kinds):
            return []
        # First by what was written: a replica returns a key id that is its primary's as well.
        found = (
            self._by_reference(leaf, unit, kinds)
            or self._by_target(leaf, unit, kinds)
            or self._by_text(reference, draft, kinds)
        )
        ends: list[End] = []
        for one, exists in found:
            both = conjunction(guard, exists)
            if one.kind.name in to:
                ends.append(End(both, one, leaf, leaf))
                continue
            for end in self.ends(one, one.kind.stands_for):
                if end.target is None or end.target.kind.name in to:
                    outside = end.outside if end.target is None else leaf
                    ends.append(End(conjunction(both, end.guard), end.target, leaf, outside))
        return ends

    def _by_target(self, leaf: Value, unit: str, kinds: tuple[str, ...]) -> list[tuple[Draft, Formula]]:
        target = leaf.target
        if target is None:
            return []
        # of one declaration that is several resources all are meant
        return [(draft, YES) for draft in self.drafts.at(unit, target.address) if draft.kind.name in kinds]

    def _by_reference(self, leaf: Value, unit: str, kinds: tuple[str, ...]) -> list[tuple[Draft, Formula]]:
        """A text that took the place of a reference, and is all that the reference returns."""
        for ref in leaf.refs:
            said = self.links.targets.get((unit, ref))
            if said is not None and (said.data == leaf.data or (said.target is not None and said.target == leaf.target)):
                found = [draft for draft in self.drafts.at(unit, ref.address) if draft.kind.name in kinds]
                if found:
                    return [(draft, YES) for draft in found]
        return []

    def _by_text(self, reference: Reference, draft: Draft, kinds: tuple[str, ...]) -> list[tuple[Draft, Formula]]:
        if reference.is_arn:
            return self._by_arn(reference, draft, kinds)
        symbol, leaf = reference.symbol, reference.leaf
        if symbol is None:
            return []
        unit = draft.unit.path
        for named in self._shorter(symbol, kinds) if reference.is_address else (symbol,):
            for kind in kinds:
                found = self._named(unit, kind, named, draft, leaf)
                if found:
                    return found
        if all(isinstance(part, str) for part in symbol):
            return self._elsewhere(kinds, symbol, None, draft)
        return self._foreign(symbol, kinds, draft, arn=False)

    def _named(self, unit: str, kind: str, symbol: Symbol, draft: Draft, leaf: Value) -> list[tuple[Draft, Formula]]:
        names = self.index(unit, kind)[0]
        found = names.get(symbol)
        if found is None:
            return []
        meant = {ref.address for ref in leaf.refs}
        referred = [one for one in found if one.address in meant]
        if referred:
            return one_or_exclusive(referred)
        close = [one for one in found if near(one, draft) is not NO]
        return one_or_exclusive(nearest(close, draft))

    def _by_arn(self, reference: Reference, draft: Draft, kinds: tuple[str, ...]) -> list[tuple[Draft, Formula]]:
        arn, leaf = reference.arn, reference.leaf
        if arn is None or arn.tail is None:
            return []
        unit = draft.unit.path
        for tail in self._shorter(arn.tail, kinds):
            for kind in kinds:
                found = self.index(unit, kind)[1].get((*(arn.service or ()), ":", *tail))
                close = [one for one in found or () if fits(arn, one)]
                if close:
                    meant = {ref.address for piece in (leaf, *pieces_of(leaf)) for ref in piece.refs}
                    return one_or_exclusive([one for one in close if one.address in meant] or nearest(close, draft))
            if all(isinstance(part, str) for part in tail):
                found_elsewhere = self._elsewhere(kinds, tail, arn, draft)
                if found_elsewhere:
                    return found_elsewhere
            elif any(isinstance(part, Target) and FOREIGN in part.address for part in tail):
                found_elsewhere = self._foreign((*(arn.service or ()), ":", *tail), kinds, draft, arn=True)
                if found_elsewhere:
                    return found_elsewhere
        return []

    def _shorter(self, tail: Symbol, kinds: tuple[str, ...]) -> Iterator[Symbol]:
        """The end of an ARN, and what it names something inside of (`bucket/prefix` is inside `bucket`)."""
        yield tail
        marks = tuple(dict.fromkeys(m for kind in kinds for m in self.drafts.table.kinds[kind].identity.within))
        if not marks:
            return
        for number in range(len(tail) - 1, -1, -1):
            part = tail[number]
            if not isinstance(part, str):
                continue
            cuts = sorted({at for mark in marks for at in occurrences(part, mark)}, reverse=True)
            for at in cuts:
                left = (*tail[:number], part[:at]) if at else tail[:number]
                if left:
                    yield left

    def index(self, unit: str, kind: str) -> tuple[dict[Symbol, list[Draft]], dict[Symbol, list[Draft]]]:
        """The drafts of a kind in a unit by their names, and by service and end of their ARNs."""
        key = (unit, kind)
        names = self._names.get(key)
        if names is None:
            names = {}
            arns: dict[Symbol, list[Draft]] = {}
            self._names[key], self._arns[key] = names, arns
            self._indexing += 1
            # what has parts of another one comes last: the other one must be found by then
            for draft in sorted(self.drafts.of_kind(unit, kind), key=_has_parts_of_another):
                for name in self._names_of(draft):
                    names.setdefault(name, []).append(draft)
                for arn in self._arns_of(draft):
                    arns.setdefault(arn, []).append(draft)
            self._indexing -= 1
        return names, self._arns[key]

    def _names_of(self, draft: Draft) -> list[Symbol]:
        symbols: list[Symbol] = []
        for name in draft.kind.identity.names:
            for _, leaf in flatten(spread(self.links.part(draft, name))):
                symbol = symbol_of(parts_of(leaf))
                if symbol is not None and symbol not in symbols:
                    symbols.append(symbol)
        return symbols

    def _arns_of(self, draft: Draft) -> list[Symbol]:
        if "arn" not in draft.kind.identity.parts:
            return []
        symbols: list[Symbol] = []
        for _, leaf in flatten(spread(self.links.part(draft, "arn"))):
            arn = split_arn(parts_of(leaf))
            if arn is not None and arn.tail is not None and arn.service is not None:
                symbol = (*arn.service, ":", *arn.tail)
                if symbol not in symbols:
                    symbols.append(symbol)
        return symbols

    def _elsewhere(self, kinds: tuple[str, ...], text: Symbol, arn: Arn | None, draft: Draft) -> list[tuple[Draft, Formula]]:
        """A resource of another unit that a literal ARN names, or a name that is unique in all of AWS."""
        if len(self.drafts.units) == 1:
            return []
        if self._everywhere is None:
            self._everywhere = {}
            for one in self.drafts.all:
                for symbol in self._arns_of(one):
                    self._everywhere.setdefault("arn", {}).setdefault(symbol, []).append(one)
                if one.kind.identity.scope == "everywhere":
                    for symbol in self._names_of(one):
                        self._everywhere.setdefault("name", {}).setdefault(symbol, []).append(one)
        if arn is None:
            found = self._everywhere.get("name", {}).get(text, [])
            fitting = [one for one in found if one.kind.name in kinds and one.unit is not draft.unit]
        else:
            found = self._everywhere.get("arn", {}).get((*(arn.service or ()), ":", *text), [])
            fitting = [one for one in found if one.kind.name in kinds and one.unit is not draft.unit and fits(arn, one)]
        certain = [one for one in fitting if arn is not None and fits(arn, one, certainly=True)]
        return one_or_exclusive(certain or fitting)

    def _foreign(self, symbol: Symbol, kinds: tuple[str, ...], draft: Draft, *, arn: bool) -> list[tuple[Draft, Formula]]:
        """A resource of another unit, by a symbolic name that came over an export or a state."""
        for part in symbol:
            if isinstance(part, Target) and FOREIGN in part.address:
                unit = part.address.partition(FOREIGN)[0]
                for kind in kinds:
                    index = self.index(unit, kind)[1 if arn else 0]
                    found = index.get(symbol)
                    if found:
                        return one_or_exclusive(found)
        del draft
        return []

    # --- Edges without a reference ---

    def _tagged(self, draft: Draft, spec: EdgeSpec) -> list[End]:
        """The resources of the unit that carry one of the tags."""
        ends: list[End] = []
        seen: set[int] = set()
        for guard, leaf in leaves(self.links.value(draft, spec.by[0]), maps=True):
            if not isinstance(leaf.data, dict):
                ends.append(End(guard, None, leaf, leaf))
                continue
            for name, wanted in leaf.data.items():
                for kind in spec.to:
                    by_name, unclear = self._tag_index(draft.unit.path, kind)
                    for one, value in by_name.get(name, ()):
                        carried = carries(value, wanted)
                        if carried is not NO and id(one) not in seen:
                            seen.add(id(one))
                            ends.append(End(conjunction(guard, carried), one, wanted, wanted))
                    for one in unclear:
                        if id(one) not in seen:
                            seen.add(id(one))
                            ends.append(End(UNKNOWN, one, wanted, wanted))
        return ends

    def _tag_index(self, unit: str, kind: str) -> tuple[dict[str, list[tuple[Draft, Value]]], list[Draft]]:
        key = (unit, kind)
        known = self._tags.get(key)
        if known is None:
            by_name: dict[str, list[tuple[Draft, Value]]] = {}
            unclear: list[Draft] = []
            for one in self.drafts.of_kind(unit, kind):
                tags = self.links.value(one, "tags")
                if isinstance(tags.data, dict):
                    for name, value in tags.data.items():
                        by_name.setdefault(name, []).append((one, value))
                elif tags.data is not ABSENT:
                    unclear.append(one)
            known = self._tags[key] = (by_name, unclear)
        return known

    def _in_place(self, draft: Draft, spec: EdgeSpec) -> list[End]:
        """The resources of the unit in the same account, and Region."""
        ends: list[End] = []
        for kind in spec.to:
            key = (draft.unit.path, kind)
            index = self._places.get(key)
            if index is None:
                index = self._places[key] = {}
                for one in self.drafts.of_kind(*key):
                    index.setdefault(_place(one, spec.how), []).append(one)
            place = _place(draft, spec.how)
            if None not in place:
                ends.extend(End(YES, one, draft.region, draft.region) for one in index.get(place, ()))
        return ends

    # --- Attaching ---

    def candidates(self, leaf: Value, kind: str, unit: str) -> list[Draft]:
        """The resources of a unit that an unknown name perhaps means."""
        data = leaf.data
        target = leaf.target
        if target is not None and target.address:
            if target.address.startswith((*ELSEWHERE, "data.")) or FOREIGN in target.address:
                return []
            if self.drafts.inputs[unit].get(target.address) is False:
                return []
        meant = {ref.address for ref in leaf.refs}
        if type(data) is Text:
            meant |= {ref.address for piece in data.pieces for ref in piece.refs}
        of_kind = self.drafts.of_kind(unit, kind)
        referred = [one for one in of_kind if one.address in meant]
        if referred:
            return referred
        return [one for one in of_kind if self._may_be_called(one, leaf)]

    def _may_be_called(self, draft: Draft, leaf: Value) -> bool:
        """Whether a resource can have a name that is not wholly known. What AWS makes up cannot be known beforehand."""
        mine = self.drafts.name_of(draft)
        for name in draft.kind.identity.names:
            for _, own in flatten(spread(self.links.part(draft, name))):
                if any(piece.target is not None and piece.target.address == mine for piece in pieces_of(own)):
                    continue
                if may_be_equal(own, leaf):
                    return True
        return False


_OF_ALL_SORTS = ("Resource", "[*]")  # statements and environments hold resources of every kind, and what is none


class _Known(NamedTuple):
    """What is known of some drafts."""

    names: tuple[frozenset[Symbol], ...]
    services: tuple[frozenset[Symbol], ...]  # of their ARNs


def _place(draft: Draft, how: str) -> tuple[Symbol | None, Symbol | None]:
    """Account and Region (of an edge by account: the account alone) as something that can be looked up."""
    return symbol_of(parts_of(draft.account)), symbol_of(parts_of(draft.region)) if how == "region" else ()


def _has_anothers_arn(kind: Kind) -> bool:
    return kind.stands_for != "" and "arn" not in kind.identity.parts


def _has_parts_of_another(draft: Draft) -> bool:
    spec = draft.kind.edges
    return any(
        edge in spec and spec[edge].by and spec[edge].by[0] in draft.written for edge in draft.kind.identity.same_as.values()
    )
