"""What attributes and the parts of identities are when references are followed, and texts that are built from them."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_

import msgspec

from kmsguard.kinds.draft import Draft, Drafts, End
from kmsguard.kinds.edges import Edges
from kmsguard.kinds.elsewhere import Elsewhere
from kmsguard.kinds.mapping import default as default_value
from kmsguard.kinds.mapping import lift, otherwise, scalar_text, spread, typed
from kmsguard.kinds.symbolic import (
    append,
    has_parts,
    partition_of,
    pieces_of,
    split_text,
    standing_at,
    template_parts,
    text_of,
    without_slash,
)
from kmsguard.kinds.table import STORES, KindTable
from kmsguard.model.declaration import Unit
from kmsguard.model.guard import conjunction, disjunction, negate
from kmsguard.model.truth import YES
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
    possible,
)


class Links:
    """The values of all drafts of a scan. Everything is computed when it is first asked for."""

    def __init__(self, units: Sequence[Unit], table: KindTable) -> None:
        self.drafts = Drafts(units, table)
        self.edges = Edges(self)
        self.elsewhere = Elsewhere(self)
        self.targets: dict[tuple[str, Target], Value | None] = {}  # unit and target -> what it returns

    def prepare(self) -> None:
        """Looks up what is part of something else, before anything that is a part of it is asked for."""
        for kind in self.drafts.table.kinds.values():
            for store, attribute in kind.identity.stored.items():
                self.drafts.store(kind.name, store, attribute)
        for kind in self.drafts.table.kinds.values():
            if kind.identity.same_as:
                for unit in self.drafts.units:
                    if self.drafts.of_kind(unit, kind.name):
                        self.edges.index(unit, kind.name)

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
        ends = self.edges.ends(draft, edge)
        if not ends:
            return NOTHING
        if len(ends) == 1 and ends[0].guard is YES:
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
            ends = self.edges.ends(draft, edge)
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
            target = Target(self.drafts.name_of(draft), name)
            return leaf.with_data(msgspec.structs.replace(data, target=target, not_null=True))
        if type(data) is Text:
            return leaf
        text = scalar_text(leaf)
        return self._hole(draft, name) if text is None else leaf if text == data else leaf.with_data(text)

    def _end_part(self, draft: Draft, edge: str, attribute: str, name: str) -> Value:
        ends = self.edges.ends(draft, edge)
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
            Unknown(reason, f"{draft.address}.{name}", Target(self.drafts.name_of(draft), name), not_null=True),
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
        if type(data) is str:
            return value
        if isinstance(data, tuple):
            items = [self.canonical(item, unit) for item in data]
            return value if all(map(is_, items, data)) else value.with_data(tuple(items))
        if isinstance(data, dict):
            members = {name: self.canonical(item, unit) for name, item in data.items()}
            return value if all(map(is_, members.values(), data.values())) else value.with_data(members)
        if type(data) is Text:
            return self._canonical_text(value, data, unit)
        if isinstance(data, Unknown):
            return self._canonical_unknown(value, data, unit)
        if type(data) is Choice:
            changed = [self.canonical(branch.value, unit) for branch in data.branches]
            if all(a is branch.value for a, branch in zip(changed, data.branches, strict=True)):
                return value
            return value.with_data(
                Choice(tuple(Branch(branch.guard, new) for branch, new in zip(data.branches, changed, strict=True)))
            )
        return value

    def _canonical_unknown(self, value: Value, data: Unknown, unit: str) -> Value:
        target = data.target
        if isinstance(data, Fragment):
            return self._canonical_fragment(value, data, unit)
        if target is None or not target.address:
            return value
        key = (unit, target)
        if key in self.targets:
            said = self.targets[key]
        else:
            self.targets[key] = None  # whoever asks for itself on the way stays symbolic
            said = self.targets[key] = self._meaning(unit, target)
        if said is None:
            return value
        if said.data is ABSENT:
            return value
        refs = value.refs if target in value.refs else (*value.refs, target)
        new = said.data
        if isinstance(new, Unknown) and data.reference is not None:
            new = msgspec.structs.replace(new, reference=data.reference)
        if type(new) is Choice and value.span is not None:  # it stands where it is referred to, whichever branch it is
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
            for draft in self.drafts.at(unit, target.address)
        )

    def _meaning(self, unit: str, target: Target) -> Value | None:
        """What a symbolic reference returns; None where nothing is known of it."""
        for draft in self.drafts.at(unit, target.address):
            said = self.language_attribute(draft, target.attribute)
            if said is not None:
                return said
        if target.address.startswith(("export:", "state:")):
            return self.elsewhere.found(unit, target)
        store, colon, name = target.address.partition(":")
        return self.elsewhere.stored(unit, store, name) if colon and store in STORES else None

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
            if type(new.data) is Text:
                pieces.extend(inner if inner.span is not None else standing_at(inner, piece.span) for inner in new.data.pieces)
            else:
                pieces.append(standing_at(new, piece.span) if isinstance(new.data, str) else new)
        if not changed:
            return value
        return msgspec.structs.replace(value, data=Text(tuple(pieces), data.encodes, data.encoding), refs=tuple(refs))
