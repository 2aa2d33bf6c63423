"""From kind files to a table: every mapping word, read and checked, mistakes with their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from kmsguard.conditions.parsing import parse, suggestion
from kmsguard.kinds.derived import FUNCTIONS
from kmsguard.kinds.key_uses import DOINGS, Doing
from kmsguard.kinds.table import (
    SCOPES,
    STORES,
    TYPES,
    Attribute,
    Const,
    EdgeSpec,
    Fallback,
    FirstOf,
    Identity,
    Items,
    Itself,
    Json,
    Kind,
    KindTable,
    Meta,
    Pairs,
    Path,
    Plain,
    Prefix,
    Present,
    Scope,
    Together,
    Translate,
    Use,
    Word,
)
from kmsguard.model.declaration import Problem
from kmsguard.model.finding import UsageError
from kmsguard.model.resource import KeyUse
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Value

CODE = "kind-file"
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
            compiler.problems.append(Problem("error", CODE, path, 1, 1, f"cannot be read: {error}"))
            continue
        root, problems = read_plain(Source(path.replace("\\", "/"), text))
        compiler.problems.extend(problems)
        if root is not None:
            compiler.file(path, root)
    table = compiler.table()
    if compiler.problems:
        first = compiler.problems[0]
        message = f"{first.file}:{first.line}:{first.column}: {first.message}"
        raise UsageError(message, tuple(compiler.problems))
    return table


class Example(msgspec.Struct, frozen=True):
    """An example of a kind file: a template in one or both languages, and what its resource then looks like."""

    kind: str
    title: str
    file: str
    terraform: str | None = None
    cloudformation: str | None = None
    expect: dict[str, Plain] = {}  # attributes; for `expect` of a text with holes, `${…}` stands for a hole
    absent: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    edges: dict[str, tuple[str, ...]] = {}  # to kinds, `external:TEXT` or `unknown`
    subject: dict[str, str] = {}  # language -> the address of the resource that is meant, where there are several
    number: int | None = None  # how many resources of the kind there are
    span: Span | None = None


def read_examples(files: Sequence[str]) -> list[Example]:
    """The examples of kind files, which are no part of the table.

    Raises:
        UsageError: where one is not written as it should be.
    """
    from kmsguard.syntax.plain import read_plain

    examples: list[Example] = []
    compiler = _Compiler()
    for path in files:
        with open(path, encoding="utf-8-sig") as handle:
            root, _ = read_plain(Source(path.replace("\\", "/"), handle.read()))
        for name, kind in (root.members if root is not None else {}).items():
            written = kind.members.get("examples", Value(())).items
            examples.extend(compiler.example(name, path, item) for item in written)
    if compiler.problems:
        raise UsageError("an example is wrong", tuple(compiler.problems))
    return examples


_KIND = (
    "title", "traits", "links", "attributes", "identity", "from", "edges", "key_use", "mend", "examples", "stands_for", "only",
)  # fmt: skip
_ATTRIBUTE = ("type", "to", "of", "default", "inherit", "derive", "title", "only")
_IDENTITY = ("made_up", "names", "scope", "within", "same_as", "terraform", "cloudformation", "stored")
_EXAMPLE = ("title", "subject", "terraform", "cloudformation", "expect", "absent", "unknown", "edges", "number", "only")
_LANGUAGES = ("terraform", "cloudformation")
_EDGE = ("by", "to", "tags", "same")
_KEY_USE = (
    "through", "by", "does", "actions", "via", "context", "source_arn", "grant", "title", "asks", "when", "unless", "refused",
)  # fmt: skip


class _Compiler:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.kinds: dict[str, Kind] = {}
        self.uses: dict[str, list[Use]] = {}
        self.places: dict[str, Value] = {}  # of kinds
        self.conditions: list[tuple[str, str, Value]] = []  # (kind, attribute, derive)
        self.later: list[Callable[[], None]] = []

    def wrong(self, value: Value, message: str, *, key: bool = False) -> None:
        span = (value.place or value.span) if key else (value.span or value.place)
        file, line, column = (span.file, span.start_line, span.start_column) if span is not None else ("", 1, 1)
        self.problems.append(Problem("error", CODE, file, line, column, message))

    # --- Plain things ---

    def text(self, value: Value) -> str:
        if isinstance(value.data, str):
            return value.data
        self.wrong(value, "a text is expected here")
        return ""

    def texts(self, value: Value) -> tuple[str, ...]:
        """A list of texts, or one text."""
        return tuple(self.text(item) for item in value.data) if isinstance(value.data, tuple) else (self.text(value),)

    def members(self, value: Value, known: Iterable[str] | None = None) -> dict[str, Value]:
        if not isinstance(value.data, dict):
            self.wrong(value, "a map is expected here")
            return {}
        if known is not None:
            for name, item in value.data.items():
                if name not in known:
                    self.wrong(item, f"`{name}` is not known here" + suggestion(name, known), key=True)
        return value.data

    def plain(self, value: Value, type_: str = "string") -> Plain:
        data = value.data
        if isinstance(data, tuple):
            return [self.plain(item, "string" if type_ == "list" else type_) for item in data]
        if isinstance(data, dict):
            return {name: self.plain(item, "string" if type_ == "map" else type_) for name, item in data.items()}
        text = self.text(value)
        if type_ == "bool":
            if text not in ("true", "false"):
                self.wrong(value, f"`{text}` is neither true nor false")
            return text == "true"
        if type_ in ("int", "number"):
            try:
                return int(text) if type_ == "int" else float(text)
            except ValueError:
                self.wrong(value, f"`{text}` is not a number")
        return text

    def scalar(self, value: Value) -> Plain:
        """A text that means a truth where it spells one."""
        text = self.plain(value)
        return {"true": True, "false": False}.get(text, text) if isinstance(text, str) else text

    # --- Kinds ---

    def file(self, path: str, root: Value) -> None:
        for name, value in self.members(root).items():
            if name in self.kinds:
                self.wrong(value, f"the kind {name} is there already, in {self.kinds[name].file}", key=True)
                continue
            self.places[name] = value
            self.kind(name, path, value)

    def kind(self, name: str, path: str, value: Value) -> None:
        members = self.members(value, _KIND)
        if "title" not in members:
            self.wrong(value, f"{name} has no title")
        attributes = {n: self.attribute(name, n, v) for n, v in self.given(members, "attributes").items()}
        self.kinds[name] = Kind(
            name=name,
            title=self.text(members["title"]) if "title" in members else name,
            # Whoever makes somebody use a key can be matched as such, without asking every resource.
            traits=(
                *(self.texts(members["traits"]) if "traits" in members else ()),
                *(("key_user",) if "key_use" in members else ()),
            ),
            links=self.texts(members["links"]) if "links" in members else (),
            attributes=attributes,
            identity=self.identity(members["identity"], attributes) if "identity" in members else Identity(),
            edges={n: self.edge(n, v, attributes) for n, v in self.given(members, "edges").items()},
            key_use=tuple(self.key_use(item, members) for item in members["key_use"].items) if "key_use" in members else (),
            mend={n: self.mend(n, v, members) for n, v in self.given(members, "mend").items()},
            stands_for=self.text(members["stands_for"]) if "stands_for" in members else "",
            only=self.text(members["only"]) if "only" in members else "",
            file=path,
        )
        for source, use in self.given(members, "from").items():
            for one in use.data if isinstance(use.data, tuple) else (use,):
                self.uses.setdefault(source, []).append(self.use(name, attributes, one))
        if "stands_for" in members and self.kinds[name].stands_for not in self.kinds[name].edges:
            self.wrong(members["stands_for"], f"{name} has no edge `{self.kinds[name].stands_for}`")

    def given(self, members: dict[str, Value], name: str) -> dict[str, Value]:
        return self.members(members[name]) if name in members else {}

    def attribute(self, kind: str, name: str, value: Value) -> Attribute:
        members = self.members(value, _ATTRIBUTE)
        type_ = self.text(members["type"]) if "type" in members else "bool" if "derive" in members else "string"
        if type_ not in TYPES:
            self.wrong(members.get("type", value), f"there is no type `{type_}`" + suggestion(type_, TYPES))
        if name in COMMON or name.startswith("^"):
            self.wrong(value, f"`{name}` cannot be the name of an attribute: every resource has it", key=True)
        function = None
        if "derive" in members:
            derive = members["derive"]
            if isinstance(derive.data, dict) and set(derive.data) == {"function"}:
                function = self.text(derive.data["function"])
                if function not in FUNCTIONS:
                    self.wrong(derive, f"there is no function `{function}`" + suggestion(function, tuple(FUNCTIONS)))
            else:
                self.conditions.append((kind, name, derive))
        return Attribute(
            type=type_,
            to=self.texts(members["to"]) if "to" in members else (),
            of=self.element_type(members["of"], type_) if "of" in members else None,
            default=(self.plain(members["default"], type_),) if "default" in members else (),
            inherit=tuple(self.inherited(text, members["inherit"]) for text in self.texts(members["inherit"]))
            if "inherit" in members
            else (),
            function=function,
            title=self.text(members["title"]) if "title" in members else "",
        )

    def element_type(self, value: Value, holder: str) -> tuple[str, dict[str, str]]:
        if holder not in ("list", "map"):
            self.wrong(value, f"`of` tells the elements of a list or the members of a map, not of a {holder}", key=True)
        if isinstance(value.data, dict):
            return "map", {name: self.member_type(item) for name, item in value.data.items()}
        return self.member_type(value), {}

    def member_type(self, value: Value) -> str:
        text = self.text(value)
        if any(part not in TYPES for part in text.split(" of ")):
            self.wrong(value, f"there is no type `{text}`" + suggestion(text, TYPES))
        return text

    def inherited(self, text: str, at: Value) -> tuple[str, str]:
        edge, dot, attribute = text.partition(".")
        if not dot:
            self.wrong(at, f"`{text}`: an edge and an attribute of its end are expected, as in `snapshot.encrypted`")
        return edge, attribute

    def identity(self, value: Value, attributes: dict[str, Attribute]) -> Identity:
        members = self.members(value)
        parts = {n: self.text(v) for n, v in members.items() if n not in _IDENTITY}
        made_up = self.texts(members["made_up"]) if "made_up" in members else ()
        known = (*parts, *made_up, *attributes, "region", "account", "partition")
        for name, text in parts.items():
            for part in template_parts(text):
                self.part_exists(part, members[name], known)
        names = self.texts(members["names"]) if "names" in members else ()
        for name in names:
            self.part_exists(name, members["names"], known)
        for language in ("terraform", "cloudformation"):
            for said in self.given(members, language).values():
                text = self.text(said)
                for part in template_parts(text) if "{" in text else (text,):
                    self.part_exists(part, said, known)
        stored = {n: self.text(v) for n, v in self.given(members, "stored").items()}
        for name, attribute in stored.items():
            self.part_exists(attribute, members["stored"], tuple(attributes))
            if name not in STORES:
                self.wrong(members["stored"], f"there is no store `{name}`" + suggestion(name, STORES))
        return Identity(
            parts=parts,
            made_up=made_up,
            names=names,
            scope=self.scope(members["scope"]) if "scope" in members else "region",
            within=self.texts(members["within"]) if "within" in members else (),
            same_as={n: self.text(v) for n, v in self.given(members, "same_as").items()},
            terraform={n: self.text(v) for n, v in self.given(members, "terraform").items()},
            cloudformation={n: self.text(v) for n, v in self.given(members, "cloudformation").items()},
            stored=stored,
        )

    def scope(self, value: Value) -> Scope:
        for scope in SCOPES:
            if scope == self.text(value):
                return scope
        self.wrong(value, "names are unique in a `region`, in an `account` or `everywhere`")
        return "region"

    def part_exists(self, part: str, at: Value, known: tuple[str, ...]) -> None:
        if "." not in part and part not in known:
            self.wrong(at, f"there is no part or attribute `{part}`" + suggestion(part, known))

    def edge(self, name: str, value: Value, attributes: dict[str, Attribute]) -> EdgeSpec:
        members = self.members(value, _EDGE)
        if "same" in members:
            same = self.text(members["same"])
            if same not in ("region", "account"):
                self.wrong(members["same"], "`same` is `region` or `account`")
            self.kinds_exist(members.get("to", value))
            return EdgeSpec(
                (), self.texts(members["to"]) if "to" in members else (), "region" if same == "region" else "account"
            )
        word = "tags" if "tags" in members else "by"
        if word not in members:
            self.wrong(value, f"the edge {name} needs `by`, `tags` or `same`")
            return EdgeSpec((), ())
        way = split_path(self.text(members[word])) or ("",)
        attribute = attributes.get(way[0])
        if attribute is None:
            self.wrong(members[word], f"there is no attribute `{way[0]}`" + suggestion(way[0], attributes))
        elif attribute.derive is not None or attribute.function is not None or attribute.dynamic:
            self.wrong(members[word], f"`{way[0]}` is derived, and edges are made before anything is derived")
        to = self.texts(members["to"]) if "to" in members else attribute.to if attribute is not None else ()
        if not to:
            self.wrong(value, f"the edge {name} does not say which kind it leads `to`")
        if "to" in members:
            self.kinds_exist(members["to"])
        return EdgeSpec(way, to, "tags" if word == "tags" else "reference")

    def kinds_exist(self, value: Value) -> None:
        def check() -> None:
            for kind in self.texts(value):
                if kind not in self.kinds:
                    self.wrong(value, f"there is no kind `{kind}`" + suggestion(kind, self.kinds))

        self.later.append(check)

    def key_use(self, value: Value, kind: dict[str, Value]) -> KeyUse:
        members = self.members(value, _KEY_USE)
        through = self.text(members["through"]) if "through" in members else ""
        self.way(value, through, kind)
        by = self.members(members["by"], ("edge", "attribute", "service")) if "by" in members else {}
        if len(by) != 1 and set(by) != {"edge", "service"}:
            self.wrong(value, "`by` is one of edge, attribute, service, or edge and service")
        if "edge" in by and self.text(by["edge"]) != "itself":
            self.way(by["edge"], self.text(by["edge"]), kind)
        does = self.does(members["does"]) if "does" in members else None
        for name in ("when", "unless"):
            if name in members and self.text(members[name]) not in self.given(kind, "attributes"):
                self.wrong(members[name], f"there is no attribute `{self.text(members[name])}`")
        return KeyUse(
            through=through,
            actions=self.texts(members["actions"]) if "actions" in members else does.actions if does else (),
            edge=self.text(by["edge"]) if "edge" in by else "",
            attribute=self.text(by["attribute"]) if "attribute" in by else "",
            service=self.text(by["service"]) if "service" in by else "",
            via=self.text(members["via"]) if "via" in members else does.via if does else "",
            context=(
                {n: self.text(v) for n, v in self.given(members, "context").items()}
                if "context" in members or does is None
                else does.context
            ),
            source_arn=self.text(members["source_arn"]) if "source_arn" in members else "",
            grant="grant" in members and self.text(members["grant"]) == "true",
            title=self.text(members["title"]) if "title" in members else does.title if does else "",
            asks=self.texts(members["asks"]) if "asks" in members else (),
            when=self.text(members["when"]) if "when" in members else "",
            unless=self.text(members["unless"]) if "unless" in members else "",
            refused=self.text(members["refused"]) if "refused" in members else "",
        )

    def does(self, value: Value) -> Doing | None:
        """What it takes to do something with a store."""
        name = self.text(value)
        if name not in DOINGS:
            self.wrong(value, f"nothing is known of `{name}`" + suggestion(name, DOINGS))
        return DOINGS.get(name)

    def way(self, value: Value, way: str, kind: dict[str, Value]) -> None:
        """Edges in a row: the first is of this kind, each next one of some kind that the one before leads to."""
        first, *rest = way.split(".")
        edges = self.given(kind, "edges")
        if first not in edges:
            self.wrong(value, f"there is no edge `{first}`" + suggestion(first, edges))
            return

        def check() -> None:
            kinds = self.ends_of(edges[first], self.given(kind, "attributes"))
            for name in rest:
                known = {edge: spec for k in kinds if k in self.kinds for edge, spec in self.kinds[k].edges.items()}
                if name not in known:
                    self.wrong(value, f"there is no edge `{name}` at {', '.join(kinds)}" + suggestion(name, known))
                    return
                specs = [self.kinds[k].edges[name] for k in kinds if k in self.kinds and name in self.kinds[k].edges]
                kinds = [to for spec in specs for to in spec.to]

        self.later.append(check)

    def ends_of(self, edge: Value, attributes: dict[str, Value]) -> list[str]:
        """The kinds that an edge leads to: its own, or those of its attribute."""
        members = self.members(edge)
        if "to" in members:
            return list(self.texts(members["to"]))
        attribute = attributes.get(self.text(members["by"]).partition(".")[0].partition("[")[0]) if "by" in members else None
        inner = self.members(attribute) if attribute is not None else {}
        return list(self.texts(inner["to"])) if "to" in inner else []

    def mend(self, name: str, value: Value, kind: dict[str, Value]) -> dict[str, str]:
        attributes, edges = self.given(kind, "attributes"), self.given(kind, "edges")
        if name not in attributes and name not in edges:
            self.wrong(value, f"there is no attribute or edge `{name}`" + suggestion(name, (*attributes, *edges)), key=True)
        return {language: self.text(text) for language, text in self.members(value, _LANGUAGES).items()}

    # --- Source types ---

    def use(self, kind: str, attributes: dict[str, Attribute], value: Value) -> Use:
        members = self.members(value)
        if "attach" in members:
            self.members(value, ("attach", "adds", "replaces", "each"))
            return Use(
                kind=kind,
                each=self.path(members["each"]) if "each" in members else None,
                attach=self.word(members["attach"]),
                adds=self.words(self.given(members, "adds"), attributes, adds=True),
                replaces=self.words(self.given(members, "replaces"), attributes),
            )
        return Use(
            kind=kind,
            each=self.path(members["each"]) if "each" in members else None,
            attributes=self.words({n: v for n, v in members.items() if n != "each"}, attributes),
        )

    def words(self, members: dict[str, Value], attributes: dict[str, Attribute], *, adds: bool = False) -> dict[str, Word]:
        words: dict[str, Word] = {}
        for name, value in members.items():
            attribute = attributes.get(name)
            if attribute is None and name not in ("region", "account"):
                self.wrong(value, f"there is no attribute `{name}`" + suggestion(name, attributes), key=True)
            elif adds and attribute is not None and attribute.type != "list":
                self.wrong(value, f"`{name}` is no list: `adds` appends to lists", key=True)
            words[name] = self.word(value, attribute.type if attribute is not None else "string")
        return words

    def word(self, value: Value, type_: str = "string") -> Word:
        if isinstance(value.data, str):
            return self.path(value)
        if isinstance(value.data, tuple):
            return FirstOf(tuple(self.word(item, type_) for item in value.data))
        members = self.members(value, (*_FORMS, *_OPTIONS))
        forms = [name for name in members if name in _FORMS]
        if len(forms) != 1:
            self.wrong(value, f"one of {', '.join(_FORMS)} is expected here")
            return Const(None)
        word = _FORMS[forms[0]](self, members[forms[0]], members, type_)
        for option, form in _BELONGS.items():
            if option in members and form not in forms:
                self.wrong(members[option], f"`{option}` belongs to `{form}`", key=True)
        if "values" in members:
            table = {name: self.scalar(item) for name, item in self.members(members["values"]).items()}
            word = Translate(word, table, (self.scalar(members["else"]),) if "else" in members else ())
        elif "else" in members:
            self.wrong(members["else"], "`else` belongs to `values`", key=True)
        if "default" in members:
            word = Fallback(word, self.plain(members["default"], type_))
        return word

    def path(self, value: Value) -> Path:
        text = self.text(value)
        steps = split_path(text.removeprefix("^"))
        if steps is None:
            self.wrong(value, f"`{text}` is no path: names with dots between them, `[]`, `[0]` or `[Key=x]` after a name")
            steps = ()
        return Path(steps, text.startswith("^"))

    def form_path(self, value: Value, _members: dict[str, Value], type_: str) -> Word:
        return self.word(value, type_)

    def form_const(self, value: Value, _members: dict[str, Value], type_: str) -> Word:
        return Const(self.plain(value, type_))

    def form_together(self, value: Value, _members: dict[str, Value], type_: str) -> Word:
        if not isinstance(value.data, tuple):
            self.wrong(value, "`together` is a list of words that yield lists")
        return Together(tuple(self.word(item, type_) for item in value.items))

    def form_json(self, value: Value, members: dict[str, Value], _type: str) -> Word:
        at = self.path(members["at"]).steps if "at" in members else ()
        return Json(self.word(value), at, "yaml" in members and self.scalar(members["yaml"]) is True)

    def form_present(self, value: Value, _members: dict[str, Value], _type: str) -> Word:
        return Present(self.word(value))

    def form_not(self, value: Value, _members: dict[str, Value], _type: str) -> Word:
        return Translate(self.word(value), {"true": False, "false": True, "True": False, "False": True})

    def form_items(self, value: Value, members: dict[str, Value], _type: str) -> Word:
        if "fields" not in members:
            self.wrong(value, "`items` needs `fields`: the members that each element gets")
        return Items(self.word(value), {n: self.word(v) for n, v in self.given(members, "fields").items()})

    def form_pairs(self, value: Value, members: dict[str, Value], _type: str) -> Word:
        if "key" not in members or "value" not in members:
            self.wrong(value, "`pairs` needs `key` and `value`: what an element calls its name and its value")
            return Const(None)
        return Pairs(self.word(value), self.text(members["key"]), self.text(members["value"]))

    def form_prefix(self, value: Value, _members: dict[str, Value], _type: str) -> Word:
        return Prefix(self.word(value))

    def form_self(self, value: Value, _members: dict[str, Value], _type: str) -> Word:
        return Itself(self.text(value))

    def form_meta(self, value: Value, _members: dict[str, Value], _type: str) -> Word:
        return Meta(self.text(value))

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
            self.problems.extend(parsed.problems)
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
                        self.wrong(place, f"there is no edge `{edge}`" + suggestion(edge, kind.edges))
                        continue
                    for to in kind.edges[edge].to:
                        other = self.kinds.get(to)
                        if other is not None and inherited not in other.attributes:
                            self.wrong(place, f"{to} has no attribute `{inherited}`" + suggestion(inherited, other.attributes))
            for name, edge_spec in kind.edges.items():
                by = kind.attributes.get(edge_spec.by[0]) if edge_spec.by else None
                if by is not None and by.dynamic:
                    place = self.places[kind.name].members["edges"].members[name]
                    self.wrong(place, f"`{edge_spec.by[0]}` is derived, and edges are made before anything is derived")

    # --- Examples ---

    def example(self, kind: str, path: str, value: Value) -> Example:
        members = self.members(value, _EXAMPLE)
        title = self.text(members["title"]) if "title" in members else ""
        if not title:
            self.wrong(value, "an example needs a title")
        if "terraform" not in members and "cloudformation" not in members:
            self.wrong(value, "an example needs a template")
        return Example(
            kind=kind,
            title=title,
            file=path,
            terraform=self.text(members["terraform"]) if "terraform" in members else None,
            cloudformation=self.text(members["cloudformation"]) if "cloudformation" in members else None,
            expect={n: self.plain(v) for n, v in self.given(members, "expect").items()},
            absent=self.texts(members["absent"]) if "absent" in members else (),
            unknown=self.texts(members["unknown"]) if "unknown" in members else (),
            edges={n: self.texts(v) for n, v in self.given(members, "edges").items()},
            subject={n: self.text(v) for n, v in self.given(members, "subject").items()},
            number=int(self.text(members["number"])) if "number" in members else None,
            span=value.span,
        )


_FORMS: dict[str, Callable[[_Compiler, Value, dict[str, Value], str], Word]] = {
    "path": _Compiler.form_path,
    "const": _Compiler.form_const,
    "together": _Compiler.form_together,
    "json": _Compiler.form_json,
    "present": _Compiler.form_present,
    "not": _Compiler.form_not,
    "items": _Compiler.form_items,
    "pairs": _Compiler.form_pairs,
    "prefix": _Compiler.form_prefix,
    "self": _Compiler.form_self,
    "meta": _Compiler.form_meta,
}
_OPTIONS = ("values", "else", "default", "fields", "key", "value", "at", "yaml")
_BELONGS = {"at": "json", "yaml": "json", "fields": "items", "key": "pairs", "value": "pairs"}


def split_path(text: str) -> tuple[str, ...] | None:
    """The steps of a path: `a.b[].c` is `a`, `b`, `[]`, `c`; `.` is what is at hand. None where it is no path."""
    if text == ".":
        return ()
    steps: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "[":
            end = text.find("]", at)
            inner = text[at + 1 : end]
            if end < 0 or not steps or not (inner in ("", "*") or inner.isdigit() or "=" in inner):
                return None
            steps.append(text[at : end + 1])
            at = end + 1
            if at < len(text) and text[at] == ".":
                at += 1
            continue
        ends = [end for end in (text.find(".", at), text.find("[", at)) if end >= 0]
        end = min(ends, default=len(text))
        if end == at:
            return None
        steps.append(text[at:end])
        at = end + 1 if end < len(text) and text[end] == "." else end
    return tuple(steps) if steps and not text.endswith(".") else None


def template_parts(text: str) -> list[str]:
    """The names in braces in a text."""
    import re

    return re.findall(r"\{/?([a-z0-9_.]+)\}", text)
