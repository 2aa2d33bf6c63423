"""Who means whom: names, ARNs and symbolic references of declarations, found by lookup, and texts that are built from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kmsguard.kinds.draft import Draft, End, carries, differ, fits, leaves, near, nearest, one_or_exclusive
from kmsguard.kinds.mapping import default as default_value
from kmsguard.kinds.mapping import follow, lift, otherwise, scalar_text, spread, typed
from kmsguard.kinds.symbolic import (
    Arn,
    Reference,
    Symbol,
    append,
    has_parts,
    may_be_equal,
    occurrences,
    partition_of,
    pieces_of,
    split_arn,
    split_text,
    standing_at,
    symbol_of,
    template_parts,
    text_of,
    without_slash,
)
from kmsguard.kinds.table import STORES, EdgeSpec, KindTable
from kmsguard.model.declaration import Unit
from kmsguard.model.guard import NOWHERE_ASSUMED, Formula, conjunction, consistent, disjunction, negate
from kmsguard.model.truth import Truth
from kmsguard.model.value import (
    ABSENT,
    ACCOUNT,
    NOTHING,
    PARTITION,
    REGION,
    Branch,
    Choice,
    Fragment,
    Target,
    Text,
    Unknown,
    Value,
    flatten,
    possible,
)

MAX_CROSSINGS = 20  # from unit to unit; more is a circle


class Links:
    """All drafts of a scan with their indexes. Everything is computed when it is first asked for."""

    def __init__(self, units: Sequence[Unit], table: KindTable) -> None:
        self.units = {unit.path: unit for unit in units}
        self.table = table
        self.drafts: list[Draft] = []
        self._by_address: dict[tuple[str, str], list[Draft]] = {}
        self._by_kind: dict[tuple[str, str], list[Draft]] = {}
        self._inputs: dict[str, dict[str, bool]] = {}  # unit -> address -> whether it is a variable or parameter
        self._names: dict[tuple[str, str], dict[Symbol, list[Draft]]] = {}
        self._arns: dict[tuple[str, str], dict[Symbol, list[Draft]]] = {}
        self._tags: dict[tuple[str, str], tuple[dict[str, list[tuple[Draft, Value]]], list[Draft]]] = {}
        self._places: dict[tuple[str, str], dict[tuple[Symbol | None, Symbol | None], list[Draft]]] = {}
        self._everywhere: dict[str, dict[Symbol, list[Draft]]] | None = None
        self._targets: dict[tuple[str, Target], Value | None] = {}
        self._ends: dict[tuple[Draft, str], list[End] | None] = {}
        self._followed: dict[tuple[Draft, tuple[str, ...]], tuple[Value, list[tuple[End, Reference]]]] = {}
        self._with_stand_ins: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._sums: dict[tuple[str, tuple[str, ...]], tuple[set[Symbol], set[Symbol]]] = {}
        self._indexing = 0  # indexes that are being made
        self._shared = _shared(units)
        self._exports: dict[str, list[tuple[Unit, Value]]] | None = None
        self._crossings = 0
        self._stored: dict[str, list[tuple[Draft, str]]] = {}
        self._services: dict[tuple[str, ...], frozenset[str]] = {}
        self._always: dict[tuple[Formula, ...], bool] = {}  # whether one of some formulas always holds
        for unit in units:
            self._inputs[unit.path] = {d.address: d.mode in ("variable", "parameter") for d in unit.declarations}

    def add(self, draft: Draft) -> None:
        """One more draft, before anything is asked."""
        self.drafts.append(draft)
        self._by_address.setdefault((draft.unit.path, draft.address), []).append(draft)
        self._by_kind.setdefault((draft.unit.path, draft.kind.name), []).append(draft)

    def prepare(self) -> None:
        """Looks up what is part of something else, before anything that is a part of it is asked for."""
        for kind in self.table.kinds.values():
            for store, attribute in kind.identity.stored.items():
                self._store(kind.name, store, attribute)
        for kind in self.table.kinds.values():
            if kind.identity.same_as:
                for unit in self.units:
                    if self.of_kind(unit, kind.name):
                        self._index(unit, kind.name)

    def of_kind(self, unit: str, kind: str) -> list[Draft]:
        """The drafts of a kind in a unit."""
        return self._by_kind.get((unit, kind), [])

    def at(self, unit: str, address: str) -> list[Draft]:
        """The drafts at an address of a unit; the address may be one of another unit, as `name_of` makes it."""
        found = self._by_address.get((unit, address))
        if found is None and _FOREIGN in address:
            other, _, inner = address.partition(_FOREIGN)
            found = self._by_address.get((other, inner))
        return found or []

    def _store(self, kind: str, store: str, attribute: str) -> None:
        """Notes what the resources of a kind store; what that is made from is known to all units."""
        shared: set[tuple[str, str]] = set()
        for unit in self.units:
            for draft in self.of_kind(unit, kind):
                self._stored.setdefault(store, []).append((draft, attribute))
                for part in draft.written[attribute].walk() if attribute in draft.written else ():
                    if part.target is not None and part.target.address and len(self.units) > 1:
                        shared.add((unit, part.target.address))
        self._shared |= shared

    def name_of(self, draft: Draft) -> str:
        """The address of a draft in canonical targets: as its unit knows it, or with its unit where other units know it too."""
        address = draft.address
        return f"{draft.unit.path}{_FOREIGN}{address}" if (draft.unit.path, address) in self._shared else address

    # --- Attributes ---

    def value(self, draft: Draft, name: str) -> Value:
        """An attribute that no condition language is needed for: written, else inherited, else the default; canonical."""
        known = draft.cache.get(name)
        if known is not None:
            return known
        attribute = draft.kind.attributes.get(name)
        if attribute is None:
            return NOTHING
        if name in draft.busy:
            return Value(Unknown("it refers to itself"))
        draft.busy.add(name)
        value = self.written(draft, name)
        if not attribute.dynamic:
            for edge, inherited in attribute.inherit:
                value = otherwise(value, lambda edge=edge, inherited=inherited: self._inherited(draft, edge, inherited))  # type: ignore[misc]
            if attribute.default:
                value = otherwise(value, lambda: self.default(draft, name))
        draft.busy.discard(name)
        draft.cache[name] = value
        return value

    def written(self, draft: Draft, name: str) -> Value:
        """What the declarations say of an attribute, in its type and canonical."""
        value = draft.written.get(name)
        if value is None:
            return NOTHING
        attribute = draft.kind.attributes[name]
        value = typed(value, attribute)
        changed = self.canonical(value, draft.unit.path)
        return value if changed is value else spread(changed)

    def default(self, draft: Draft, name: str) -> Value:
        """What AWS does when nothing is said; texts in it may name parts of the resource."""
        data = draft.kind.attributes[name].default[0]
        value = default_value(data, name)
        return self._filled(draft, value) if has_parts(data) else value

    def _filled(self, draft: Draft, value: Value) -> Value:
        data = value.data
        if isinstance(data, str):
            if "{" not in data:
                return value
            return msgspec.structs.replace(self.fill(draft, data), trail=value.trail)
        if isinstance(data, tuple):
            return value.with_data(tuple(self._filled(draft, item) for item in data))
        if isinstance(data, dict):
            return value.with_data({name: self._filled(draft, item) for name, item in data.items()})
        return value

    def _inherited(self, draft: Draft, edge: str, name: str) -> Value:
        """The attribute of the end of a single-valued edge; of a Choice of ends a Choice."""
        ends = self.ends(draft, edge)
        if not ends:
            return NOTHING
        if len(ends) == 1 and ends[0].guard is Truth.YES:
            return self._of_end(ends[0], name)
        guards = [end.guard for end in ends]
        if any(possible(conjunction(a, b)) for number, a in enumerate(guards) for b in guards[:number]):
            return Value(Unknown(f"there is more than one {edge}"))
        branches = [Branch(end.guard, self._of_end(end, name)) for end in ends]
        rest = negate(disjunction(*guards))
        if possible(rest):
            branches.append(Branch(rest, NOTHING))
        return Value(Choice(tuple(branches)))

    def _of_end(self, end: End, name: str) -> Value:
        if end.target is None:
            shown = scalar_text(end.outside)
            reference = end.outside.data.reference if isinstance(end.outside.data, Unknown) else shown
            return Value(Unknown("it is set outside of what was scanned", reference), end.value.span, end.value.place)
        value = self.value(end.target, name)
        if value.data is ABSENT:
            return value
        return value.via("inherited", end.target.address, end.value.where)

    # --- Identity ---

    def part(self, draft: Draft, name: str) -> Value:
        """A part of a resource's identity as text: what is not known of it stays a hole that says whose part it is."""
        if name == "region":
            return draft.region
        if name == "account":
            return draft.account
        if name == "partition":
            return partition_of(draft.region)
        busy = "{" + name
        cached = draft.cache.get(busy)
        if cached is not None:
            return cached
        if busy in draft.busy:
            return self._hole(draft, name)
        draft.busy.add(busy)
        value = self._part(draft, name)
        draft.busy.discard(busy)
        draft.cache[busy] = value
        return value

    def _part(self, draft: Draft, name: str) -> Value:
        edge = draft.kind.identity.same_as.get(name)
        if edge is not None:
            ends = self.ends(draft, edge)
            if len(ends) == 1 and ends[0].target is not None:
                return self.part(ends[0].target, name)
        template = draft.kind.identity.parts.get(name)
        if template is not None:
            return self.fill(draft, template)
        if "." in name:
            edge, _, attribute = name.partition(".")
            return self._end_part(draft, edge, attribute, name)
        attribute_ = draft.kind.attributes.get(name)
        if attribute_ is None or attribute_.dynamic:
            return self._hole(draft, name)
        return lift(self.value(draft, name), lambda leaf: self._text_or_hole(draft, name, leaf))

    def _text_or_hole(self, draft: Draft, name: str, leaf: Value) -> Value:
        data = leaf.data
        if isinstance(data, Unknown):
            if data.target is not None:
                return leaf
            target = Target(self.name_of(draft), name)
            return leaf.with_data(msgspec.structs.replace(data, target=target, not_null=True))
        if isinstance(data, Text):
            return leaf
        text = scalar_text(leaf)
        return self._hole(draft, name) if text is None else leaf if text == data else leaf.with_data(text)

    def _end_part(self, draft: Draft, edge: str, attribute: str, name: str) -> Value:
        ends = self.ends(draft, edge)
        if len(ends) != 1:
            return self._hole(draft, name)
        end = ends[0]
        if end.target is not None:
            return self.part(end.target, attribute)
        text = end.outside.text
        return end.outside if text is not None and attribute == "arn" and text.startswith("arn:") else self._hole(draft, name)

    def _hole(self, draft: Draft, name: str) -> Value:
        reason = "known after deployment" if draft.unit.dialect == "cloudformation" else "known after apply"
        return Value(
            Unknown(reason, f"{draft.address}.{name}", Target(self.name_of(draft), name), not_null=True),
            draft.declaration.head,
        )

    def fill(self, draft: Draft, template: str) -> Value:
        """A text of a kind file with its `{parts}` filled in."""
        pieces: list[Value] = []
        for literal, name in template_parts(template):
            if literal:
                append(pieces, Value(literal))
            if name.startswith("/"):
                append(pieces, Value("/"))
                append(pieces, without_slash(self.part(draft, name[1:])))
            elif name:
                append(pieces, self.part(draft, name))
        return text_of(pieces)

    def language_attribute(self, draft: Draft, attribute: str) -> Value | None:
        """What an attribute of the language (`arn`, `Ref`) of a declaration returns; None where its kind does not say."""
        identity = draft.kind.identity
        said = identity.cloudformation if draft.unit.dialect == "cloudformation" else identity.terraform
        part = said.get(attribute)
        if part is None:
            return None
        return self.fill(draft, part) if "{" in part else self.part(draft, part)

    # --- Canonical values ---

    def canonical(self, value: Value, unit: str) -> Value:
        """A value in which what refers to the identity of a resource is the text that it is, as far as it is known.

        Two spellings of the same thing are equal. It is the same object where nothing changes.
        """
        data = value.data
        if isinstance(data, (str, bool, int, float)) or data is None:
            return value
        if isinstance(data, Unknown):
            return self._canonical_unknown(value, data, unit)
        if isinstance(data, Text):
            return self._canonical_text(value, data, unit)
        if isinstance(data, tuple):
            items = [self.canonical(item, unit) for item in data]
            return value if all(a is b for a, b in zip(items, data, strict=True)) else value.with_data(tuple(items))
        if isinstance(data, dict):
            members = {name: self.canonical(item, unit) for name, item in data.items()}
            return value if all(members[name] is data[name] for name in data) else value.with_data(members)
        if isinstance(data, Choice):
            changed = [self.canonical(branch.value, unit) for branch in data.branches]
            if all(a is branch.value for a, branch in zip(changed, data.branches, strict=True)):
                return value
            branches = tuple(
                msgspec.structs.replace(branch, value=new) for branch, new in zip(data.branches, changed, strict=True)
            )
            return value.with_data(Choice(branches))
        return value

    def _canonical_unknown(self, value: Value, data: Unknown, unit: str) -> Value:
        target = data.target
        if isinstance(data, Fragment):
            return self._canonical_fragment(value, data, unit)
        if target is None or not target.address:
            return value
        key = (unit, target)
        if key in self._targets:
            said = self._targets[key]
        else:
            self._targets[key] = None  # whoever asks for itself on the way stays symbolic
            said = self._targets[key] = self._meaning(unit, target)
        if said is None:
            return value
        if said.data is ABSENT:
            return value
        refs = value.refs if target in value.refs else (*value.refs, target)
        new = said.data
        if isinstance(new, Unknown) and data.reference is not None:
            new = msgspec.structs.replace(new, reference=data.reference)
        if isinstance(new, Choice) and value.span is not None:  # it stands where it is referred to, whichever branch it is
            placed = (msgspec.structs.replace(one.value, span=value.span, place=value.place) for one in new.branches)
            pairs = zip(new.branches, placed, strict=True)
            new = Choice(tuple(msgspec.structs.replace(one, value=moved) for one, moved in pairs))
        return msgspec.structs.replace(
            value,
            data=new,
            span=value.span or said.span,
            trail=value.trail or said.trail,
            refs=refs,
            sensitive=value.sensitive or said.sensitive,
        )

    def _canonical_fragment(self, value: Value, data: Fragment, unit: str) -> Value:
        """A part of a text, or all its parts, as far as the shape of the text says them."""
        whole = self.canonical(data.of, unit)

        def cut(leaf: Value) -> Value:
            parts, all_are = split_text(pieces_of(leaf), data.delimiter, lambda hole: self._is_plain(hole, unit))
            if data.index is None:
                return leaf.with_data(tuple(parts)) if parts and all_are else value
            if data.index >= len(parts):
                return value
            return msgspec.structs.replace(parts[data.index], span=value.span, place=value.place)

        found = lift(whole, cut)
        if found.data is data:
            return value
        refs = tuple(dict.fromkeys((*value.refs, *found.refs)))
        return msgspec.structs.replace(value, data=found.data, refs=refs)

    def _is_plain(self, hole: Value, unit: str) -> bool:
        """Whether a piece that is not known certainly holds none of what takes ARNs and lists apart: the account, the Region,
        and what AWS makes up, ids and names of resources that were given none."""
        target = hole.target
        if target is None:
            return False
        if target in (ACCOUNT, REGION, PARTITION):
            return True
        name = target.attribute
        return any(
            name in draft.kind.identity.made_up or (name in draft.kind.attributes and self.written(draft, name).data is ABSENT)
            for draft in self.at(unit, target.address)
        )

    def _meaning(self, unit: str, target: Target) -> Value | None:
        """What a symbolic reference returns; None where nothing is known of it."""
        for draft in self.at(unit, target.address):
            said = self.language_attribute(draft, target.attribute)
            if said is not None:
                return said
        if target.address.startswith(("export:", "state:")):
            return self._from_elsewhere(unit, target)
        store, colon, name = target.address.partition(":")
        return self._from_store(unit, store, name) if colon and store in STORES else None

    def _from_store(self, unit: str, store: str, name: str) -> Value | None:
        """What a store holds under a name, where one resource of the scan says it, and it is a reference or an ARN.

        Any other text stays a reference: it may be another one by the time that it is read.
        """
        here = self.units[unit]
        found = [
            (draft, attribute)
            for draft, attribute in self._stored.get(store, ())
            if not differ(here.account, draft.unit.account)
            and not differ(here.region, draft.unit.region)
            and self.value(draft, "name").text == name
        ]
        if len(found) != 1 or self._crossings >= MAX_CROSSINGS:
            return None
        draft, attribute = found[0]
        self._crossings += 1
        value = self.value(draft, attribute)
        self._crossings -= 1
        text = value.text
        if value.data is ABSENT or (text is not None and not text.startswith(("arn:", "alias/"))):
            return None
        return value if draft.unit.path == unit else self._carried(value, draft.unit.path, same_place=True)

    def _canonical_text(self, value: Value, data: Text, unit: str) -> Value:
        pieces: list[Value] = []
        changed = False
        refs = list(value.refs)
        for piece in data.pieces:
            if isinstance(piece.data, str):
                pieces.append(piece)
                continue
            new = self.canonical(piece, unit)
            if new is piece:
                pieces.append(piece)
                continue
            changed = True
            refs.extend(ref for ref in new.refs if ref not in refs)
            if isinstance(new.data, Text):
                pieces.extend(inner if inner.span is not None else standing_at(inner, piece.span) for inner in new.data.pieces)
            else:
                pieces.append(standing_at(new, piece.span) if isinstance(new.data, str) else new)
        if not changed:
            return value
        return msgspec.structs.replace(value, data=Text(tuple(pieces), data.encodes, data.encoding), refs=tuple(refs))

    # --- Other units ---

    def _from_elsewhere(self, unit: str, target: Target) -> Value | None:
        """What a CloudFormation export or an output of another root module is, where the scan holds it once."""
        if self._crossings >= MAX_CROSSINGS:
            return None
        found = self._imports(unit, target)
        if found is None:
            return None
        other, value = found
        self._crossings += 1
        value = self.canonical(value, other.path)
        self._crossings -= 1
        same_place = target.address.startswith("export:")  # exports are known in one account and Region only
        return self._carried(value, other.path, same_place=same_place)

    def _imports(self, unit: str, target: Target) -> tuple[Unit, Value] | None:
        prefix, _, name = target.address.partition(":")
        here = self.units[unit]
        if prefix == "export":
            if self._exports is None:
                self._exports = {}
                for other in self.units.values():
                    for export in other.exports:
                        if export.name.text is not None:
                            self._exports.setdefault(export.name.text, []).append((other, export.value))
            found = [
                (other, value)
                for other, value in self._exports.get(name, [])
                if not differ(here.account, other.account) and not differ(here.region, other.region)
            ]
        else:
            output, *inside = target.attribute.removeprefix("outputs.").split(".")
            found = []
            state, region, account = _state_of(name, here)
            for other in self.units.values():
                elsewhere = differ(region, other.region) or differ(account, other.account)
                if other.state == state and output in other.outputs and not elsewhere:
                    found.append((other, follow(other.outputs[output], tuple(inside))))
        return found[0] if len(found) == 1 else None

    def _carried(self, value: Value, unit: str, *, same_place: bool) -> Value:
        """A value of another unit as it is here: what is symbolic in it says of which unit it speaks."""
        data = value.data
        if isinstance(data, Unknown):
            target = data.target
            if target is None:
                return _bare(value, data) if isinstance(data, Fragment) else value
            if not target.address:
                foreign = target if same_place else Target(f"{unit}{_FOREIGN}", target.attribute)
            elif _FOREIGN in target.address or target.address.startswith(_ELSEWHERE):
                foreign = target
            else:
                foreign = Target(f"{unit}{_FOREIGN}{target.address}", target.attribute)
            return msgspec.structs.replace(value, data=msgspec.structs.replace(data, target=foreign), refs=())
        if isinstance(data, Text):
            pieces = tuple(self._carried(piece, unit, same_place=same_place) for piece in data.pieces)
            return msgspec.structs.replace(value, data=Text(pieces), refs=())
        if isinstance(data, tuple):
            items = tuple(self._carried(item, unit, same_place=same_place) for item in data)
            return msgspec.structs.replace(value, data=items, refs=())
        if isinstance(data, dict):
            members = {name: self._carried(item, unit, same_place=same_place) for name, item in data.items()}
            return msgspec.structs.replace(value, data=members, refs=())
        if isinstance(data, Choice):
            branches = tuple(
                msgspec.structs.replace(one, value=self._carried(one.value, unit, same_place=same_place))
                for one in data.branches
            )
            return msgspec.structs.replace(value, data=Choice(branches), refs=())
        return value if not value.refs else msgspec.structs.replace(value, refs=())

    # --- Edges ---

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
        unit = draft.unit.path
        kinds = self._kinds_of(spec.to)
        known = self._known(unit, kinds)
        ends: list[End] = []
        holds_all_sorts = spec.by[-1] in _OF_ALL_SORTS
        for end, reference in self._references(draft, spec.by):
            if holds_all_sorts and self._names_others(reference, kinds):
                continue
            if known is not None and self._is_outside(reference, unit, kinds, known):
                found = []
            else:
                found = self._find(reference, spec.to, draft, end.guard)
                known = known or self._known(unit, kinds)
            if found or not holds_all_sorts or self._may_be_elsewhere(reference, unit):
                ends.extend(found or [end])
        return self.certain(ends)

    def certain(self, ends: list[End]) -> list[End]:
        """One end for a reference that leads to the same in all ways in which its value can turn out."""
        if sum(end.guard is not Truth.YES and end.target is not None for end in ends) < 2:
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
        return [alike[0]._replace(guard=Truth.YES)] if certain else alike

    def _references(self, draft: Draft, by: tuple[str, ...]) -> list[tuple[End, Reference]]:
        """The references at a path of an attribute, each with the end that it is where nothing of the scan is meant.

        Many edges of a kind lead over the same path (a policy's statements), each to another kind.
        """
        whole = self.value(draft, by[0])
        kept = self._followed.get((draft, by))
        if kept is not None and kept[0] is whole:
            return kept[1]
        found = [(End(guard, None, leaf, leaf), Reference(leaf)) for guard, leaf in leaves(follow(whole, by[1:]))]
        self._followed[draft, by] = (whole, found)
        return found

    def _kinds_of(self, to: tuple[str, ...]) -> tuple[str, ...]:
        """The kinds with those that stand for them."""
        kinds = self._with_stand_ins.get(to)
        if kinds is None:
            kinds = (*to, *(name for kind in to for name in self.table.stand_ins.get(kind, ())))
            self._with_stand_ins[to] = kinds
        return kinds

    def _known(self, unit: str, kinds: tuple[str, ...]) -> tuple[set[Symbol], set[Symbol]] | None:
        """The names of the drafts of these kinds and the services of their ARNs; None before all of them are indexed."""
        if len(self.units) > 1:
            return None  # a reference may mean something of another unit
        known = self._sums.get((unit, kinds))
        if known is None and not self._indexing and all((unit, kind) in self._names for kind in kinds):
            names = {name for kind in kinds for name in self._names[unit, kind]}
            services = {symbol[: symbol.index(":")] for kind in kinds for symbol in self._arns[unit, kind]}
            known = self._sums[unit, kinds] = names, services
        return known

    def _is_outside(
        self, reference: Reference, unit: str, kinds: tuple[str, ...], known: tuple[set[Symbol], set[Symbol]]
    ) -> bool:
        """Whether a reference certainly means none of the drafts whose names and services are known."""
        held = self._kinds_held(reference, unit)
        if held and not held.isdisjoint(kinds):
            return False
        names, services = known
        if reference.is_arn:
            arn = reference.arn
            return arn is None or (arn.service or ()) not in services
        return reference.symbol not in names

    def _may_be_elsewhere(self, reference: Reference, unit: str) -> bool:
        """Whether an entry of what holds all sorts may name something outside of the scan: an ARN, or what nobody knows.

        What is read from a store of secrets is one and no name, and what calls a resource of the unit calls no other one.
        """
        data = reference.leaf.data
        if not isinstance(data, Unknown):
            return reference.is_arn
        if (data.reference or "").startswith(_SECRETS):
            return False
        target = data.target
        return target is None or not any(
            target.attribute in one.kind.identity.parts or target.attribute in one.kind.identity.made_up
            for one in self.at(unit, target.address)
        )

    def _names_others(self, reference: Reference, kinds: tuple[str, ...]) -> bool:
        """Whether a reference is certainly to something of another service."""
        arn = reference.arn
        if arn is None or arn.service is None or not all(isinstance(part, str) for part in arn.service):
            return False
        service = "".join(part for part in arn.service if isinstance(part, str))
        if not service or any(mark in service for mark in "*?$"):
            return False
        return self._services_of(kinds).isdisjoint((service, ""))

    def _services_of(self, kinds: tuple[str, ...]) -> frozenset[str]:
        """The services in the ARNs of some kinds; empty text for one that says nothing of it."""
        found = self._services.get(kinds)
        if found is None:
            arns = (self.table.kinds[kind].identity.parts.get("arn", "").split(":") for kind in kinds)
            found = self._services[kinds] = frozenset(arn[2] if len(arn) > 2 and "{" not in arn[2] else "" for arn in arns)
        return found

    def _kinds_held(self, reference: Reference, unit: str) -> frozenset[str]:
        """The kinds of what a reference was written with; none where that is nothing of the unit."""
        if reference.kinds is None:
            leaf = reference.leaf
            addresses = [ref.address for ref in leaf.refs]
            if leaf.target is not None:
                addresses.append(leaf.target.address)
            reference.kinds = frozenset(draft.kind.name for address in addresses for draft in self.at(unit, address))
        return reference.kinds

    def find(self, leaf: Value, to: tuple[str, ...], draft: Draft, guard: Formula = Truth.YES) -> list[End]:
        """What a reference means, among these kinds; empty where nothing of the scan is meant, or it is not known what."""
        return self._find(Reference(leaf), to, draft, guard)

    def _find(self, reference: Reference, to: tuple[str, ...], draft: Draft, guard: Formula) -> list[End]:
        unit = draft.unit.path
        leaf = reference.leaf
        kinds = self._kinds_of(to)
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
        return [(draft, Truth.YES) for draft in self.at(unit, target.address) if draft.kind.name in kinds]

    def _by_reference(self, leaf: Value, unit: str, kinds: tuple[str, ...]) -> list[tuple[Draft, Formula]]:
        """A text that took the place of a reference, and is all that the reference returns."""
        for ref in leaf.refs:
            said = self._targets.get((unit, ref))
            if said is not None and (said.data == leaf.data or (said.target is not None and said.target == leaf.target)):
                found = [draft for draft in self.at(unit, ref.address) if draft.kind.name in kinds]
                if found:
                    return [(draft, Truth.YES) for draft in found]
        return []

    def _by_text(self, reference: Reference, draft: Draft, kinds: tuple[str, ...]) -> list[tuple[Draft, Formula]]:
        if reference.is_arn:
            return self._by_arn(reference, draft, kinds)
        symbol, leaf = reference.symbol, reference.leaf
        if symbol is None:
            return []
        unit = draft.unit.path
        is_address = isinstance(symbol[0], str) and "://" in symbol[0]
        for named in self._shorter(symbol, kinds) if is_address else (symbol,):
            for kind in kinds:
                found = self._named(unit, kind, named, draft, leaf)
                if found:
                    return found
        if all(isinstance(part, str) for part in symbol):
            return self._elsewhere(kinds, symbol, None, draft)
        return self._foreign(symbol, kinds, draft, arn=False)

    def _named(self, unit: str, kind: str, symbol: Symbol, draft: Draft, leaf: Value) -> list[tuple[Draft, Formula]]:
        names = self._index(unit, kind)[0]
        found = names.get(symbol)
        if found is None:
            return []
        meant = {ref.address for ref in leaf.refs}
        referred = [one for one in found if one.address in meant]
        if referred:
            return one_or_exclusive(referred)
        close = [one for one in found if near(one, draft) is not Truth.NO]
        return one_or_exclusive(nearest(close, draft))

    def _by_arn(self, reference: Reference, draft: Draft, kinds: tuple[str, ...]) -> list[tuple[Draft, Formula]]:
        arn, pieces, leaf = reference.arn, reference.pieces, reference.leaf
        if arn is None or arn.tail is None:
            return []
        unit = draft.unit.path
        for tail in self._shorter(arn.tail, kinds):
            for kind in kinds:
                found = self._index(unit, kind)[1].get((*(arn.service or ()), ":", *tail))
                close = [one for one in found or () if fits(arn, one)]
                if close:
                    meant = {ref.address for piece in pieces for ref in piece.refs} | {ref.address for ref in leaf.refs}
                    return one_or_exclusive([one for one in close if one.address in meant] or nearest(close, draft))
            if all(isinstance(part, str) for part in tail):
                found_elsewhere = self._elsewhere(kinds, tail, arn, draft)
                if found_elsewhere:
                    return found_elsewhere
            elif any(isinstance(part, Target) and _FOREIGN in part.address for part in tail):
                found_elsewhere = self._foreign((*(arn.service or ()), ":", *tail), kinds, draft, arn=True)
                if found_elsewhere:
                    return found_elsewhere
        return []

    def _shorter(self, tail: Symbol, kinds: tuple[str, ...]) -> Iterator[Symbol]:
        """The end of an ARN, and what it names something inside of (`bucket/prefix` is inside `bucket`)."""
        yield tail
        marks = tuple(dict.fromkeys(m for kind in kinds for m in self.table.kinds[kind].identity.within))
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

    def _index(self, unit: str, kind: str) -> tuple[dict[Symbol, list[Draft]], dict[Symbol, list[Draft]]]:
        """The drafts of a kind in a unit by their names, and by service and end of their ARNs."""
        key = (unit, kind)
        names = self._names.get(key)
        if names is None:
            names = {}
            arns: dict[Symbol, list[Draft]] = {}
            self._names[key], self._arns[key] = names, arns
            self._indexing += 1
            # what has parts of another one comes last: the other one must be found by then
            for draft in sorted(self.of_kind(unit, kind), key=_has_parts_of_another):
                for name in self._names_of(draft):
                    names.setdefault(name, []).append(draft)
                for arn in self._arns_of(draft):
                    arns.setdefault(arn, []).append(draft)
            self._indexing -= 1
        return names, self._arns[key]

    def _names_of(self, draft: Draft) -> list[Symbol]:
        symbols: list[Symbol] = []
        for name in draft.kind.identity.names:
            for _, leaf in flatten(spread(self.part(draft, name))):
                symbol = symbol_of(pieces_of(leaf))
                if symbol is not None and symbol not in symbols:
                    symbols.append(symbol)
        return symbols

    def _arns_of(self, draft: Draft) -> list[Symbol]:
        if "arn" not in draft.kind.identity.parts:
            return []
        symbols: list[Symbol] = []
        for _, leaf in flatten(spread(self.part(draft, "arn"))):
            arn = split_arn(pieces_of(leaf))
            if arn is not None and arn.tail is not None and arn.service is not None:
                symbol = (*arn.service, ":", *arn.tail)
                if symbol not in symbols:
                    symbols.append(symbol)
        return symbols

    def _elsewhere(self, kinds: tuple[str, ...], text: Symbol, arn: Arn | None, draft: Draft) -> list[tuple[Draft, Formula]]:
        """A resource of another unit that a literal ARN names, or a name that is unique in all of AWS."""
        if len(self.units) == 1:
            return []
        if self._everywhere is None:
            self._everywhere = {}
            for one in self.drafts:
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
            if isinstance(part, Target) and _FOREIGN in part.address:
                unit = part.address.partition(_FOREIGN)[0]
                for kind in kinds:
                    index = self._index(unit, kind)[1 if arn else 0]
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
        for guard, leaf in leaves(self.value(draft, spec.by[0]), maps=True):
            if not isinstance(leaf.data, dict):
                ends.append(End(guard, None, leaf, leaf))
                continue
            for name, wanted in leaf.data.items():
                for kind in spec.to:
                    by_name, unclear = self._tag_index(draft.unit.path, kind)
                    for one, value in by_name.get(name, ()):
                        carried = carries(value, wanted)
                        if carried is not Truth.NO and id(one) not in seen:
                            seen.add(id(one))
                            ends.append(End(conjunction(guard, carried), one, wanted, wanted))
                    for one in unclear:
                        if id(one) not in seen:
                            seen.add(id(one))
                            ends.append(End(Truth.UNKNOWN, one, wanted, wanted))
        return ends

    def _tag_index(self, unit: str, kind: str) -> tuple[dict[str, list[tuple[Draft, Value]]], list[Draft]]:
        key = (unit, kind)
        known = self._tags.get(key)
        if known is None:
            by_name: dict[str, list[tuple[Draft, Value]]] = {}
            unclear: list[Draft] = []
            for one in self.of_kind(unit, kind):
                tags = self.value(one, "tags")
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
                for one in self.of_kind(*key):
                    index.setdefault(_place(one, spec.how), []).append(one)
            place = _place(draft, spec.how)
            if None not in place:
                ends.extend(End(Truth.YES, one, draft.region, draft.region) for one in index.get(place, ()))
        return ends

    # --- Attaching ---

    def candidates(self, leaf: Value, kind: str, unit: str) -> list[Draft]:
        """The resources of a unit that an unknown name perhaps means."""
        data = leaf.data
        target = leaf.target
        if target is not None and target.address:
            if target.address.startswith((*_ELSEWHERE, "data.")) or _FOREIGN in target.address:
                return []
            if self._inputs[unit].get(target.address) is False:
                return []
        meant = {ref.address for ref in leaf.refs}
        if isinstance(data, Text):
            meant |= {ref.address for piece in data.pieces for ref in piece.refs}
        of_kind = self.of_kind(unit, kind)
        referred = [one for one in of_kind if one.address in meant]
        if referred:
            return referred
        return [one for one in of_kind if self._may_be_called(one, leaf)]

    def _may_be_called(self, draft: Draft, leaf: Value) -> bool:
        """Whether a resource can have a name that is not wholly known. What AWS makes up cannot be known beforehand."""
        mine = self.name_of(draft)
        for name in draft.kind.identity.names:
            for _, own in flatten(spread(self.part(draft, name))):
                if any(piece.target is not None and piece.target.address == mine for piece in pieces_of(own)):
                    continue
                if may_be_equal(own, leaf):
                    return True
        return False


_OF_ALL_SORTS = ("Resource", "[*]")  # statements and environments hold resources of every kind, and what is none
_SECRETS = ("{{resolve:secretsmanager:", "{{resolve:ssm-secure:")
_ELSEWHERE = ("export:", "state:", *(f"{store}:" for store in STORES))
"""How addresses begin that name what is looked up in all units."""

_FOREIGN = "//"
"""Between a unit and an address of it, where other units know it. No address of either language holds it."""


def _state_of(name: str, here: Unit) -> tuple[str, str | None, str | None]:
    """The state that a name means, with the Region and the account in which it must be; None: wherever that is."""
    if not name.startswith("stack:"):
        return name, None, None
    _, region, account, stack = name.split(":", 3)
    return f"stack:{stack}", region or here.region, None if account == "?" else account or here.account


def _bare(value: Value, data: Unknown) -> Value:
    """A part of a text that another unit knows, as something that is not known here."""
    return value.with_data(Unknown(data.reason, data.reference, not_null=data.not_null))


def _place(draft: Draft, how: str) -> tuple[Symbol | None, Symbol | None]:
    """Account and Region (of an edge by account: the account alone) as something that can be looked up."""
    return symbol_of(pieces_of(draft.account)), symbol_of(pieces_of(draft.region)) if how == "region" else ()


def _has_parts_of_another(draft: Draft) -> bool:
    spec = draft.kind.edges
    return any(
        edge in spec and spec[edge].by and spec[edge].by[0] in draft.written for edge in draft.kind.identity.same_as.values()
    )


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
