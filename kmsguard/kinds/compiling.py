"""From kind files to a table: every mapping word, read and checked, mistakes with their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from kmsguard.conditions.parsing import parse, suggestion
from kmsguard.kinds.derived import FUNCTIONS
from kmsguard.kinds.key_uses import DOINGS, Doing
from kmsguard.kinds.reading import CODE, Reader
from kmsguard.kinds.table import (
    SCOPES,
    STORES,
    TYPES,
    Attribute,
    EdgeSpec,
    Identity,
    Kind,
    KindTable,
    Scope,
    Use,
)
from kmsguard.kinds.words import Words, split_path
from kmsguard.model.declaration import Problem
from kmsguard.model.finding import UsageError
from kmsguard.model.resource import KeyUse
from kmsguard.model.source import Source
from kmsguard.model.value import Value

COMMON = ("address", "region", "account")
"""Attributes that every resource has."""


def compile_files(files: Sequence[str]) -> KindTable:
    """The table of all kinds in these files.

    Raises:
        UsageError: with all problems of all files.
    """
    from kmsguard.syntax.plain import read_plain

    compiler = _Compiler()
    for path in files:
        try:
            with open(path, encoding="utf-8-sig") as handle:
                text = handle.read()
        except (OSError, UnicodeDecodeError) as error:
            compiler.reader.problems.append(Problem("error", CODE, path, 1, 1, f"cannot be read: {error}"))
            continue
        root, problems = read_plain(Source(path.replace("\\", "/"), text))
        compiler.reader.problems.extend(problems)
        if root is not None:
            compiler.file(path, root)
    table = compiler.table()
    if compiler.reader.problems:
        first = compiler.reader.problems[0]
        message = f"{first.file}:{first.line}:{first.column}: {first.message}"
        raise UsageError(message, tuple(compiler.reader.problems))
    return table


_KIND = (
    "title", "traits", "links", "attributes", "identity", "from", "edges", "key_use", "mend", "examples", "stands_for", "only",
)  # fmt: skip
_ATTRIBUTE = ("type", "to", "of", "default", "inherit", "derive", "title", "only")
_IDENTITY = ("made_up", "names", "scope", "within", "same_as", "terraform", "cloudformation", "stored")
_LANGUAGES = ("terraform", "cloudformation")
_EDGE = ("by", "to", "tags", "same")
_KEY_USE = (
    "through", "by", "does", "actions", "via", "context", "source_arn", "grant", "title", "asks", "when", "unless", "refused",
)  # fmt: skip


class _Compiler:
    def __init__(self) -> None:
        self.reader = Reader()
        self.words = Words(self.reader)
        self.kinds: dict[str, Kind] = {}
        self.uses: dict[str, list[Use]] = {}
        self.places: dict[str, Value] = {}  # of kinds
        self.conditions: list[tuple[str, str, Value]] = []  # (kind, attribute, derive)
        self.later: list[Callable[[], None]] = []

    # --- Kinds ---

    def file(self, path: str, root: Value) -> None:
        for name, value in self.reader.members(root).items():
            if name in self.kinds:
                self.reader.wrong(value, f"the kind {name} is there already, in {self.kinds[name].file}", key=True)
                continue
            self.places[name] = value
            self.kind(name, path, value)

    def kind(self, name: str, path: str, value: Value) -> None:
        members = self.reader.members(value, _KIND)
        if "title" not in members:
            self.reader.wrong(value, f"{name} has no title")
        attributes = {n: self.attribute(name, n, v) for n, v in self.reader.given(members, "attributes").items()}
        self.kinds[name] = Kind(
            name=name,
            title=self.reader.text(members["title"]) if "title" in members else name,
            # Whoever makes somebody use a key can be matched as such, without asking every resource.
            traits=(
                *(self.reader.texts(members["traits"]) if "traits" in members else ()),
                *(("key_user",) if "key_use" in members else ()),
            ),
            links=self.reader.texts(members["links"]) if "links" in members else (),
            attributes=attributes,
            identity=self.identity(members["identity"], attributes) if "identity" in members else Identity(),
            edges={n: self.edge(n, v, attributes) for n, v in self.reader.given(members, "edges").items()},
            key_use=(
                tuple(self.key_use(item, members, attributes) for item in members["key_use"].items)
                if "key_use" in members
                else ()
            ),
            mend={n: self.mend(n, v, members) for n, v in self.reader.given(members, "mend").items()},
            stands_for=self.reader.text(members["stands_for"]) if "stands_for" in members else "",
            only=self.reader.text(members["only"]) if "only" in members else "",
            file=path,
        )
        for source, use in self.reader.given(members, "from").items():
            for one in use.data if isinstance(use.data, tuple) else (use,):
                self.uses.setdefault(source, []).append(self.use(name, attributes, one))
        if "stands_for" in members and self.kinds[name].stands_for not in self.kinds[name].edges:
            self.reader.wrong(members["stands_for"], f"{name} has no edge `{self.kinds[name].stands_for}`")

    def attribute(self, kind: str, name: str, value: Value) -> Attribute:
        members = self.reader.members(value, _ATTRIBUTE)
        type_ = self.reader.text(members["type"]) if "type" in members else "bool" if "derive" in members else "string"
        if type_ not in TYPES:
            self.reader.wrong(members.get("type", value), f"there is no type `{type_}`" + suggestion(type_, TYPES))
        if name in COMMON or name.startswith("^"):
            self.reader.wrong(value, f"`{name}` cannot be the name of an attribute: every resource has it", key=True)
        function = None
        if "derive" in members:
            derive = members["derive"]
            if isinstance(derive.data, dict) and set(derive.data) == {"function"}:
                function = self.reader.text(derive.data["function"])
                if function not in FUNCTIONS:
                    self.reader.wrong(derive, f"there is no function `{function}`" + suggestion(function, tuple(FUNCTIONS)))
            else:
                self.conditions.append((kind, name, derive))
        return Attribute(
            type=type_,
            to=self.reader.texts(members["to"]) if "to" in members else (),
            of=self.element_type(members["of"], type_) if "of" in members else None,
            default=(self.reader.plain(members["default"], type_),) if "default" in members else (),
            inherit=tuple(self.inherited(text, members["inherit"]) for text in self.reader.texts(members["inherit"]))
            if "inherit" in members
            else (),
            function=function,
            title=self.reader.text(members["title"]) if "title" in members else "",
        )

    def element_type(self, value: Value, holder: str) -> tuple[str, dict[str, str]]:
        if holder not in ("list", "map"):
            self.reader.wrong(value, f"`of` tells the elements of a list or the members of a map, not of a {holder}", key=True)
        if isinstance(value.data, dict):
            return "map", {name: self.member_type(item) for name, item in value.data.items()}
        return self.member_type(value), {}

    def member_type(self, value: Value) -> str:
        text = self.reader.text(value)
        if any(part not in TYPES for part in text.split(" of ")):
            self.reader.wrong(value, f"there is no type `{text}`" + suggestion(text, TYPES))
        return text

    def inherited(self, text: str, at: Value) -> tuple[str, str]:
        edge, dot, attribute = text.partition(".")
        if not dot:
            self.reader.wrong(at, f"`{text}`: an edge and an attribute of its end are expected, as in `snapshot.encrypted`")
        return edge, attribute

    def identity(self, value: Value, attributes: dict[str, Attribute]) -> Identity:
        members = self.reader.members(value)
        parts = {n: self.reader.text(v) for n, v in members.items() if n not in _IDENTITY}
        made_up = self.reader.texts(members["made_up"]) if "made_up" in members else ()
        known = (*parts, *made_up, *attributes, "region", "account", "partition")
        for name, text in parts.items():
            for part in template_parts(text):
                self.part_exists(part, members[name], known)
        names = self.reader.texts(members["names"]) if "names" in members else ()
        for name in names:
            self.part_exists(name, members["names"], known)
        for language in ("terraform", "cloudformation"):
            for said in self.reader.given(members, language).values():
                text = self.reader.text(said)
                for part in template_parts(text) if "{" in text else (text,):
                    self.part_exists(part, said, known)
        stored = {n: self.reader.text(v) for n, v in self.reader.given(members, "stored").items()}
        for name, attribute in stored.items():
            self.part_exists(attribute, members["stored"], tuple(attributes))
            if name not in STORES:
                self.reader.wrong(members["stored"], f"there is no store `{name}`" + suggestion(name, STORES))
        return Identity(
            parts=parts,
            made_up=made_up,
            names=names,
            scope=self.scope(members["scope"]) if "scope" in members else "region",
            within=self.reader.texts(members["within"]) if "within" in members else (),
            same_as={n: self.reader.text(v) for n, v in self.reader.given(members, "same_as").items()},
            terraform={n: self.reader.text(v) for n, v in self.reader.given(members, "terraform").items()},
            cloudformation={n: self.reader.text(v) for n, v in self.reader.given(members, "cloudformation").items()},
            stored=stored,
        )

    def scope(self, value: Value) -> Scope:
        for scope in SCOPES:
            if scope == self.reader.text(value):
                return scope
        self.reader.wrong(value, "names are unique in a `region`, in an `account` or `everywhere`")
        return "region"

    def part_exists(self, part: str, at: Value, known: tuple[str, ...]) -> None:
        if "." not in part and part not in known:
            self.reader.wrong(at, f"there is no part or attribute `{part}`" + suggestion(part, known))

    def edge(self, name: str, value: Value, attributes: dict[str, Attribute]) -> EdgeSpec:
        members = self.reader.members(value, _EDGE)
        if "same" in members:
            same = self.reader.text(members["same"])
            if same not in ("region", "account"):
                self.reader.wrong(members["same"], "`same` is `region` or `account`")
            self.kinds_exist(members.get("to", value))
            return EdgeSpec(
                (), self.reader.texts(members["to"]) if "to" in members else (), "region" if same == "region" else "account"
            )
        word = "tags" if "tags" in members else "by"
        if word not in members:
            self.reader.wrong(value, f"the edge {name} needs `by`, `tags` or `same`")
            return EdgeSpec((), ())
        way = split_path(self.reader.text(members[word])) or ("",)
        attribute = attributes.get(way[0])
        if attribute is None:
            self.reader.wrong(members[word], f"there is no attribute `{way[0]}`" + suggestion(way[0], attributes))
        elif attribute.derive is not None or attribute.function is not None or attribute.dynamic:
            self.reader.wrong(members[word], f"`{way[0]}` is derived, and edges are made before anything is derived")
        to = self.reader.texts(members["to"]) if "to" in members else attribute.to if attribute is not None else ()
        if not to:
            self.reader.wrong(value, f"the edge {name} does not say which kind it leads `to`")
        if "to" in members:
            self.kinds_exist(members["to"])
        return EdgeSpec(way, to, "tags" if word == "tags" else "reference")

    def kinds_exist(self, value: Value) -> None:
        def check() -> None:
            for kind in self.reader.texts(value):
                if kind not in self.kinds:
                    self.reader.wrong(value, f"there is no kind `{kind}`" + suggestion(kind, self.kinds))

        self.later.append(check)

    def key_use(self, value: Value, kind: dict[str, Value], attributes: dict[str, Attribute]) -> KeyUse:
        members = self.reader.members(value, _KEY_USE)
        through = self.reader.text(members["through"]) if "through" in members else ""
        self.way(value, through, kind)
        by = self.reader.members(members["by"], ("edge", "attribute", "service")) if "by" in members else {}
        if len(by) != 1 and set(by) != {"edge", "service"}:
            self.reader.wrong(value, "`by` is one of edge, attribute, service, or edge and service")
        if "edge" in by and self.reader.text(by["edge"]) != "itself":
            self.way(by["edge"], self.reader.text(by["edge"]), kind)
        does = self.does(members["does"]) if "does" in members else None
        for name in ("when", "unless"):
            if name in members and self.reader.text(members[name]) not in self.reader.given(kind, "attributes"):
                self.reader.wrong(members[name], f"there is no attribute `{self.reader.text(members[name])}`")
        when = self.reader.text(members["when"]) if "when" in members else ""
        return KeyUse(
            through=through,
            actions=self.reader.texts(members["actions"]) if "actions" in members else does.actions if does else (),
            edge=self.reader.text(by["edge"]) if "edge" in by else "",
            attribute=self.reader.text(by["attribute"]) if "attribute" in by else "",
            service=self.reader.text(by["service"]) if "service" in by else "",
            via=self.reader.text(members["via"]) if "via" in members else does.via if does else "",
            context=(
                {n: self.reader.text(v) for n, v in self.reader.given(members, "context").items()}
                if "context" in members or does is None
                else does.context
            ),
            source_arn=self.reader.text(members["source_arn"]) if "source_arn" in members else "",
            grant="grant" in members and self.reader.text(members["grant"]) == "true",
            title=self.reader.text(members["title"]) if "title" in members else does.title if does else "",
            asks=self.reader.texts(members["asks"]) if "asks" in members else (),
            when=when,
            switched=when in attributes and attributes[when].type == "bool",
            unless=self.reader.text(members["unless"]) if "unless" in members else "",
            refused=self.reader.text(members["refused"]) if "refused" in members else "",
        )

    def does(self, value: Value) -> Doing | None:
        """What it takes to do something with a store."""
        name = self.reader.text(value)
        if name not in DOINGS:
            self.reader.wrong(value, f"nothing is known of `{name}`" + suggestion(name, DOINGS))
        return DOINGS.get(name)

    def way(self, value: Value, way: str, kind: dict[str, Value]) -> None:
        """Edges in a row: the first is of this kind, each next one of some kind that the one before leads to."""
        first, *rest = way.split(".")
        edges = self.reader.given(kind, "edges")
        if first not in edges:
            self.reader.wrong(value, f"there is no edge `{first}`" + suggestion(first, edges))
            return

        def check() -> None:
            kinds = self.ends_of(edges[first], self.reader.given(kind, "attributes"))
            for name in rest:
                known = {edge: spec for k in kinds if k in self.kinds for edge, spec in self.kinds[k].edges.items()}
                if name not in known:
                    self.reader.wrong(value, f"there is no edge `{name}` at {', '.join(kinds)}" + suggestion(name, known))
                    return
                specs = [self.kinds[k].edges[name] for k in kinds if k in self.kinds and name in self.kinds[k].edges]
                kinds = [to for spec in specs for to in spec.to]

        self.later.append(check)

    def ends_of(self, edge: Value, attributes: dict[str, Value]) -> list[str]:
        """The kinds that an edge leads to: its own, or those of its attribute."""
        members = self.reader.members(edge)
        if "to" in members:
            return list(self.reader.texts(members["to"]))
        attribute = (
            attributes.get(self.reader.text(members["by"]).partition(".")[0].partition("[")[0]) if "by" in members else None
        )
        inner = self.reader.members(attribute) if attribute is not None else {}
        return list(self.reader.texts(inner["to"])) if "to" in inner else []

    def mend(self, name: str, value: Value, kind: dict[str, Value]) -> dict[str, str]:
        attributes, edges = self.reader.given(kind, "attributes"), self.reader.given(kind, "edges")
        if name not in attributes and name not in edges:
            self.reader.wrong(
                value, f"there is no attribute or edge `{name}`" + suggestion(name, (*attributes, *edges)), key=True
            )
        return {language: self.reader.text(text) for language, text in self.reader.members(value, _LANGUAGES).items()}

    # --- Source types ---

    def use(self, kind: str, attributes: dict[str, Attribute], value: Value) -> Use:
        members = self.reader.members(value)
        if "attach" in members:
            self.reader.members(value, ("attach", "adds", "replaces", "each"))
            return Use(
                kind=kind,
                each=self.words.path(members["each"]) if "each" in members else None,
                attach=self.words.word(members["attach"]),
                adds=self.words.words(self.reader.given(members, "adds"), attributes, adds=True),
                replaces=self.words.words(self.reader.given(members, "replaces"), attributes),
            )
        return Use(
            kind=kind,
            each=self.words.path(members["each"]) if "each" in members else None,
            attributes=self.words.words({n: v for n, v in members.items() if n != "each"}, attributes),
        )

    # --- All together ---

    def table(self) -> KindTable:
        for check in self.later:
            check()
        self._derived()
        self._dynamic()
        self._references()
        stand_ins: dict[str, list[str]] = {}
        for kind in self.kinds.values():
            if kind.stands_for:
                for to in kind.edges[kind.stands_for].to if kind.stands_for in kind.edges else ():
                    stand_ins.setdefault(to, []).append(kind.name)
        return KindTable(
            kinds=self.kinds,
            uses={source: tuple(uses) for source, uses in self.uses.items()},
            stand_ins={kind: tuple(names) for kind, names in stand_ins.items()},
        )

    def _derived(self) -> None:
        if not self.conditions:
            return
        from kmsguard.kinds.schema import schema

        table = KindTable(self.kinds, {})
        for kind, name, value in self.conditions:
            parsed = parse(value, schema(table, (kind,)), code=CODE)
            self.reader.problems.extend(parsed.problems)
            self._set(kind, name, derive=parsed.condition, dynamic=True)

    def _set(self, kind: str, name: str, **changes: object) -> None:
        old = self.kinds[kind]
        attribute = msgspec.structs.replace(old.attributes[name], **changes)
        self.kinds[kind] = msgspec.structs.replace(old, attributes={**old.attributes, name: attribute})

    def _dynamic(self) -> None:
        """Whatever inherits from what is derived is known in a world only, too."""
        changed = True
        while changed:
            changed = False
            for kind in list(self.kinds.values()):
                for name, attribute in kind.attributes.items():
                    if not attribute.dynamic and self._is_dynamic(kind, attribute):
                        self._set(kind.name, name, dynamic=True)
                        changed = True

    def _is_dynamic(self, kind: Kind, attribute: Attribute) -> bool:
        if attribute.derive is not None or attribute.function is not None:
            return True
        for edge, name in attribute.inherit:
            for to in kind.edges[edge].to if edge in kind.edges else ():
                other = self.kinds.get(to)
                if other is not None and name in other.attributes and other.attributes[name].dynamic:
                    return True
        return False

    def _references(self) -> None:
        """What is named must be there."""
        for kind in self.kinds.values():
            attributes = self.places[kind.name].members.get("attributes", Value({})).members
            for name, attribute in kind.attributes.items():
                place = attributes.get(name)
                if place is None:
                    continue
                for edge, inherited in attribute.inherit:
                    if edge not in kind.edges:
                        self.reader.wrong(place, f"there is no edge `{edge}`" + suggestion(edge, kind.edges))
                        continue
                    for to in kind.edges[edge].to:
                        other = self.kinds.get(to)
                        if other is not None and inherited not in other.attributes:
                            self.reader.wrong(
                                place, f"{to} has no attribute `{inherited}`" + suggestion(inherited, other.attributes)
                            )
            for name, edge_spec in kind.edges.items():
                by = kind.attributes.get(edge_spec.by[0]) if edge_spec.by else None
                if by is not None and by.dynamic:
                    place = self.places[kind.name].members["edges"].members[name]
                    self.reader.wrong(place, f"`{edge_spec.by[0]}` is derived, and edges are made before anything is derived")


def template_parts(text: str) -> list[str]:
    """The names in braces in a text."""
    import re

    return re.findall(r"\{/?([a-z0-9_.]+)\}", text)
