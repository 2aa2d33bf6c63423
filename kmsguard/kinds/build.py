"""Declarations to the graph: drafts by their mapping, what completes them, edges, and what is derived when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from kmsguard.kinds.derived import FUNCTIONS
from kmsguard.kinds.draft import Draft, End, leaves, unknown_account, unknown_region
from kmsguard.kinds.links import Links
from kmsguard.kinds.mapping import Scope, follow, lift, select
from kmsguard.kinds.placeholders import opened
from kmsguard.kinds.table import Kind, KindTable, Use, Word
from kmsguard.model.declaration import Declaration, Problem, Unit
from kmsguard.model.guard import Formula, World, conjunction, decide, negate
from kmsguard.model.resource import Edge, External, Graph, Resource
from kmsguard.model.truth import NO, UNKNOWN, YES
from kmsguard.model.value import ABSENT, NOTHING, Branch, Choice, Unknown, Value, flatten, possible, resolve

_POLICY = "policy"  # the type of an attribute
OTHER = Kind(name="template.resource", title="A resource of a type that no kind describes")
"""What every declaration is of which nothing more is known: rules over all that is written reach it too."""


def build(units: Sequence[Unit], kinds: KindTable) -> Graph:
    """The graph of all units.

    There is one resource for each declaration that a kind describes (or each element, where the kind says so), completed by
    the declarations that belong to it, with edges between them, also from unit to unit.
    """
    return _Builder(units, kinds).graph()


class _Builder:
    def __init__(self, units: Sequence[Unit], kinds: KindTable) -> None:
        self.units = tuple(units)
        self.kinds = kinds
        self.links = Links(units, kinds)
        self.problems: list[Problem] = []
        self.attachments: list[tuple[Use, Unit, Scope]] = []
        self.built: Graph | None = None  # what derived attributes look into

    def graph(self) -> Graph:
        """All of it."""
        for unit in self.units:
            for declaration in (*unit.declarations, *unit.changes):
                self._declaration(unit, declaration)
        self.links.prepare()
        for use, unit, scope in self.attachments:
            self._attach(use, unit, scope)
        resources = tuple(self._resource(draft) for draft in self.links.drafts.all)
        resources += tuple(_text(declaration, unit) for unit in self.units for declaration in unit.texts)
        edges = tuple(edge for draft in self.links.drafts.all for edge in self._edges(draft))
        self.built = Graph(self.units, resources, edges, tuple(dict.fromkeys(self.problems)))
        return self.built

    # --- Drafts ---

    def _declaration(self, unit: Unit, declaration: Declaration) -> None:
        source = f"data.{declaration.type}" if declaration.mode == "data" else declaration.type
        described = False
        for use in self.kinds.uses.get(source, ()):
            for guard, element in _elements(use, declaration):
                scope = Scope(declaration, element, self.problems)
                if use.attach is not None:
                    self.attachments.append((use, unit, scope))
                    continue
                written = self._written(use, use.attributes, scope)
                if declaration.hidden is not None:
                    written = self._hiding(declaration, declaration.hidden, use.kind, written)
                draft = Draft(self.kinds.kinds[use.kind], declaration, unit, written, conjunction(declaration.exists, guard))
                self._place(draft, unit, declaration)
                self.links.drafts.add(draft)
                described = True
        if not described and declaration.mode in ("managed", "data", "provider"):
            draft = Draft(OTHER, declaration, unit, {}, declaration.exists)
            self._place(draft, unit, declaration)
            self.links.drafts.add(draft)

    def _hiding(self, declaration: Declaration, why: str, kind: str, written: dict[str, Value]) -> dict[str, Value]:
        """What is written of a resource that may have more: what is absent is not known, also what others could complete."""
        hidden = Value(Unknown(why, declaration.address), declaration.head)
        uses = (use for uses in self.kinds.uses.values() for use in uses if use.kind == kind and use.attach is not None)
        others = {name: NOTHING for use in uses for name in (*use.replaces, *use.adds)}
        whole = {**others, **written}
        return {
            name: value if name in ("region", "account") else lift(value, lambda leaf: hidden if leaf.data is ABSENT else leaf)
            for name, value in whole.items()
        }

    def _written(self, use: Use, words: Mapping[str, Word], scope: Scope) -> dict[str, Value]:
        """What the words say of attributes of a use's kind."""
        attributes = self.kinds.kinds[use.kind].attributes
        written = {name: select(word, scope) for name, word in words.items()}
        for name, value in written.items():
            attribute = attributes.get(name)
            if attribute is not None and (
                attribute.type == _POLICY or (attribute.of is not None and attribute.of[0] == _POLICY)
            ):
                written[name] = opened(value, scope.declaration.head, self.problems)
        return written

    def _place(self, draft: Draft, unit: Unit, declaration: Declaration) -> None:
        """Account and Region: the kind's own words for them, the provider's, the unit's; symbolic where nothing says them."""
        provider = declaration.provider
        region = draft.written.pop("region", NOTHING)
        if region.data is ABSENT and unit.dialect != "cloudformation" and declaration.type not in _OTHER_REGION:
            region = follow(declaration.body, ("region",))
        if region.data is ABSENT:
            region = provider.region or (Value(unit.region) if unit.region is not None else unknown_region())
        account = draft.written.pop("account", NOTHING)
        if account.data is ABSENT:
            account = provider.account or (Value(unit.account) if unit.account is not None else unknown_account())
        draft.region, draft.account = region, account

    # --- What completes another declaration ---

    def _attach(self, use: Use, unit: Unit, scope: Scope) -> None:
        assert use.attach is not None
        declaration = scope.declaration
        kind = self.kinds.kinds[use.kind]
        probe = Draft(OTHER, declaration, unit, {}, declaration.exists)
        self._place(probe, unit, declaration)
        named = self.links.canonical(select(use.attach, scope), unit.path)
        found: list[End] = []
        for guard, leaf in leaves(named):
            ends = [end for end in self.links.edges.find(leaf, (kind.name,), probe, guard) if end.target is not None]
            found += ends
            if not ends and leaf.text is None:
                for draft in self.links.edges.candidates(leaf, kind.name, unit.path):
                    self._blur(draft, use, declaration, leaf)
        values = self._written(use, {**use.adds, **use.replaces}, scope)
        for end in self.links.edges.certain(found):
            # what another unit holds is judged as it stands there: a scan of more units never contradicts one of fewer
            if end.target is not None and end.target.unit is unit:
                self._complete(end.target, use, declaration, values, end.guard)

    def _complete(self, draft: Draft, use: Use, declaration: Declaration, values: dict[str, Value], guard: Formula) -> None:
        if declaration not in draft.declarations:
            draft.declarations.append(declaration)
        together = _together(draft, declaration)
        there = conjunction(guard, YES if together else declaration.exists)
        for name in use.replaces:
            value = lift(values[name], lambda leaf: leaf.via("attached resource", declaration.address, declaration.head))
            self._set(draft, name, _replaced(draft.written.get(name, NOTHING), value, there))
        for name in use.adds:
            if values[name].data is not ABSENT:
                self._set(draft, name, _added(draft.written.get(name, NOTHING), values[name], there))

    def _blur(self, draft: Draft, use: Use, declaration: Declaration, leaf: Value) -> None:
        """A declaration perhaps completes this resource: what it would say of it is not known."""
        reference = next((part.data.reference for part in leaf.walk() if isinstance(part.data, Unknown)), None)
        unknown = Value(Unknown(f"{declaration.address} perhaps sets it", reference or declaration.address), declaration.head)
        for name in use.replaces:
            self._set(draft, name, unknown)
        for name in use.adds:
            self._set(draft, name, _added(draft.written.get(name, NOTHING), unknown.with_data((unknown,)), YES))

    def _set(self, draft: Draft, name: str, value: Value) -> None:
        draft.written[name] = value
        draft.cache.pop(name, None)

    # --- Resources ---

    def _resource(self, draft: Draft) -> Resource:
        kind, declaration = draft.kind, draft.declaration
        resource = Resource(
            address=draft.address,
            kind=kind.name,
            type=declaration.type,
            unit=draft.unit.path,
            traits=kind.traits,
            attributes=Attributes(draft, self.links),
            derived={name: self._derived(draft, name) for name, attribute in kind.attributes.items() if attribute.dynamic},
            declarations=tuple(draft.declarations),
            span=declaration.span,
            head=declaration.head,
            exists=draft.exists,
            region=draft.region,
            account=draft.account,
            secrets=kind.secrets,
            key_use=kind.key_use,
            mend=_mend(draft),
        )
        draft.resource = resource
        return resource

    def _edges(self, draft: Draft) -> Iterator[Edge]:
        source = draft.resource
        assert source is not None
        for name, spec in draft.kind.edges.items():
            for end in self.links.edges.ends(draft, name):
                target: Resource | External | None = end.target.resource if end.target is not None else None
                yield Edge(name, source, target or External(_kind_of(end.outside, spec.to), end.outside), end.value, end.guard)

    def _derived(self, draft: Draft, name: str) -> Callable[[World], Value]:
        asked: list[World] = []

        def derive(world: World) -> Value:
            if any(one is world for one in asked):
                return Value(Unknown("it depends on itself", f"{draft.address}.{name}"))
            asked.append(world)
            try:
                return self._derive(draft, name, world)
            finally:
                asked.pop()

        return derive

    def _derive(self, draft: Draft, name: str, world: World) -> Value:
        attribute = draft.kind.attributes[name]
        assert draft.resource is not None
        assert self.built is not None
        written = resolve(self.links.value(draft, name), world)
        if written.data is not ABSENT:
            return written
        for edge, inherited in attribute.inherit:
            value = self._inherited(draft.resource, edge, inherited, world)
            if value.data is not ABSENT:
                return value
        if attribute.function is not None:
            value = FUNCTIONS[attribute.function](draft.resource, self.built, world)
            if value.data is not ABSENT:
                return value
        if attribute.derive is not None:
            return self._answer(draft.resource, attribute.derive, world)
        return self.links.default(draft, name) if attribute.default else NOTHING

    def _inherited(self, resource: Resource, edge: str, name: str, world: World) -> Value:
        assert self.built is not None
        for one in self.built.out(resource, edge):
            truth = decide(one.guard, world)
            if truth is NO:
                continue
            if truth is UNKNOWN:
                return Value(Unknown(f"it is open what {edge} is"))
            if isinstance(one.target, External):
                data = one.target.value.data
                reference = data.reference if isinstance(data, Unknown) else one.target.value.text
                return Value(Unknown("it is set outside of what was scanned", reference), one.by.span, one.by.place)
            value = one.target.attribute(name, world)
            if value.data is not ABSENT:
                return value.via("inherited", one.target.address, one.by.where)
        return NOTHING

    def _answer(self, resource: Resource, condition: object, world: World) -> Value:
        from kmsguard.conditions.evaluation import evaluate

        assert self.built is not None
        answer = evaluate(condition, resource, self.built, world)  # type: ignore[arg-type]
        evidence = next((one for one in answer.evidence if one.span is not None), None)
        span = evidence.span if evidence is not None else None
        trail = evidence.trail if evidence is not None else None
        if answer.truth is UNKNOWN:
            opened = answer.open[0] if answer.open else None
            reason, reference = (opened.message, opened.reference) if opened is not None else ("it is not known", None)
            return Value(Unknown(reason, reference, not_null=True), span, span, trail)
        return Value(answer.truth is YES, span, span, trail)


def _text(declaration: Declaration, unit: Unit) -> Resource:
    """Code that deploys nothing, as what rules about secrets look at: nothing links to it."""
    place = declaration.span, declaration.head
    return Resource(declaration.address, "template.text", declaration.type, unit.path, (), {}, {}, (declaration,), *place)


_OTHER_REGION = frozenset(
    {"aws_cloudformation_stack_set_instance", "aws_config_aggregate_authorization", "aws_servicequotas_template"}
)
"""Terraform types whose `region` is not where they are (of all others it is: the AWS provider since 6.0)."""


class Attributes(Mapping[str, Value]):
    """The attributes of a resource that hang on no world, each made when it is first asked for."""

    __slots__ = ("_draft", "_links")

    def __init__(self, draft: Draft, links: Links) -> None:
        self._draft = draft
        self._links = links

    def __getitem__(self, name: str) -> Value:
        draft = self._draft
        attribute = draft.kind.attributes.get(name)
        if attribute is None:
            if draft.kind.is_part(name) or name in _COMMON:
                return self._links.part(draft, name)
            raise KeyError(name)
        if attribute.dynamic:
            raise KeyError(name)
        value = self._links.value(draft, name)
        if value.data is ABSENT:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        draft = self._draft
        for name, attribute in draft.kind.attributes.items():
            if not attribute.dynamic and self._links.value(draft, name).data is not ABSENT:
                yield name
        identity = draft.kind.identity
        yield from (name for name in (*identity.parts, *identity.made_up) if name not in draft.kind.attributes)
        yield from _COMMON

    def __len__(self) -> int:
        return sum(1 for _ in self)


_COMMON = ("region", "account")


def _elements(use: Use, declaration: Declaration) -> Iterator[tuple[Formula, Value]]:
    """What a use is about: the body, or each element of a list in it with what it hangs on."""
    if use.each is None:
        yield YES, declaration.body
        return
    for guard, found in flatten(follow(declaration.body, use.each.steps)):
        if isinstance(found.data, tuple):
            for item in found.data:
                for inner, element in flatten(item):
                    if element.data is not ABSENT:
                        yield conjunction(guard, inner), element
        elif isinstance(found.data, Unknown):
            yield conjunction(guard, UNKNOWN), found
        elif found.data is not ABSENT and found.data is not None:
            yield guard, found


def _together(draft: Draft, declaration: Declaration) -> bool:
    """Whether a declaration exists wherever the resource does: both hang on the same thing."""
    if declaration.exists is UNKNOWN:
        own, reason = draft.declaration, declaration.exists_reason
        if own.exists is not UNKNOWN or reason is None:
            return False
        module, _, _ = declaration.address.rpartition(f"{declaration.type}.")
        return own.exists_reason == reason or module + reason.removeprefix("for_each = ") == own.address
    return declaration.exists == draft.declaration.exists


_TWICE = Unknown("more than one declaration sets it")


def _replaced(old: Value, new: Value, there: Formula) -> Value:
    """An attribute whose place another declaration takes where that is there."""
    attached = [guard for guard, value in flatten(old) if value.trail is not None and value.trail.what == "attached resource"]
    if any(possible(conjunction(guard, there)) for guard in attached):
        return old if new.data is ABSENT else new if old.data is ABSENT else new.with_data(_TWICE)
    if there is YES:
        return new
    return Value(Choice((Branch(there, new), Branch(negate(there), old))), new.span, new.place)


def _added(old: Value, new: Value, there: Formula) -> Value:
    """A list with more elements at its end, which are there where the other declaration is."""
    items = new.data if isinstance(new.data, tuple) else (new,)
    if there is not YES:
        items = tuple(item.with_data(Choice((Branch(there, item), Branch(negate(there), NOTHING)))) for item in items)
    if old.data is ABSENT:
        return new.with_data(items)
    return lift(old, lambda leaf: _appended(leaf, items))


def _appended(leaf: Value, items: tuple[Value, ...]) -> Value:
    if leaf.data is ABSENT:
        return Value(items)
    return leaf.with_data((*leaf.data, *items)) if isinstance(leaf.data, tuple) else leaf.with_data((leaf, *items))


def _kind_of(value: Value, kinds: tuple[str, ...]) -> str:
    """Of several kinds that an outside end can have the one whose service its ARN names."""
    text = value.text
    if len(kinds) > 1 and text is not None and text.startswith("arn:"):
        service = text.split(":", 3)[2]
        for kind in kinds:
            if kind.partition(".")[0] == service:
                return kind
    return kinds[0]


def _mend(draft: Draft) -> dict[str, str]:
    """What to write in the resource's own language, by attribute or edge."""
    language = "cloudformation" if draft.unit.dialect == "cloudformation" else "terraform"
    return {name: texts[language] for name, texts in draft.kind.mend.items() if language in texts}
