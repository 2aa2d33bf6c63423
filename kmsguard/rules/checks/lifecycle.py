"""The life of keys: what aliases point at, and keys that nothing uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias
from weakref import WeakKeyDictionary

from kmsguard.conditions.comparison import is_set, same
from kmsguard.iam.texts import show, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.guard import Formula, UndecidedError, World, conjunction, decide
from kmsguard.model.resource import External, Graph, Resource
from kmsguard.model.rule import Answer, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of, arn_part
from kmsguard.rules.checks.documents import by_unit
from kmsguard.rules.checks.related_keys import regions_of
from kmsguard.rules.checks.telling import here, name_of, opens, same_text, shown

_GOOD = Answer(Truth.YES)
_ALIAS = re.compile(r"(arn:[^:]*:kms:[^:]*:[^:]*:)?alias/.*")


# Aliases


def target_found(question: Question) -> Answer:
    """Whether KMS finds the key of an alias: one of its own Region and account, named by its id or ARN.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    """
    access, alias = access_of(question), question.resource
    written = question.attribute("key")
    text = written.text
    if text is not None and (not text or _ALIAS.fullmatch(text)):
        what = f"{text} is an alias itself" if text else "it names nothing"
        return _not_found(alias, written, what)
    for end, there in access.ends(alias, "key"):
        if there is not Truth.YES:
            continue
        for what, own, other in _places(alias, end):
            same = same_text(own, other)
            if same is Truth.YES or (isinstance(end, Resource) and what == "Region" and _related_in(access, alias, end, other)):
                continue
            if same is Truth.NO:
                return _not_found(alias, written, f"{name_of(end)} is of the {what} {shown_text(own)}")
            if what == "Region":
                problem = f"{name_of(end)} may be of another Region"
                open_ = opens(own, other) or (Open("--region", "the Region deployed to is not known"),)
                return Answer(Truth.UNKNOWN, (here(problem, written, alias),), open_, values={"problem": problem})
    return _GOOD


def shown_text(value: Value) -> str:
    """A Region or account for a message."""
    return value.text or shown(value)


def _places(alias: Resource, end: Resource | External) -> Iterator[tuple[str, Value, Value]]:
    """What of a key has to be as it is of its alias: the word for it, that of the key, and that of the alias."""
    if isinstance(end, Resource):
        pairs = (("Region", end.region, alias.region), ("account", end.account, alias.account))
    else:
        pairs = (("Region", arn_part(end.value, 3), alias.region), ("account", arn_part(end.value, 4), alias.account))
    for what, own, other in pairs:
        if own is not None and other is not None:
            yield what, own, other


def _related_in(access: Access, alias: Resource, key: Resource, region: Value) -> bool:
    """Whether a related key of that Region has the same id, and the alias names the id alone."""
    written = access.value(alias, "key")
    if arn_part(written, 3) is not None:
        return False
    regions, more = regions_of(access, key)
    return more is not Truth.NO or any(same_text(one, region) is not Truth.NO for one in regions)


def _not_found(alias: Resource, written: Value, problem: str) -> Answer:
    return Answer(Truth.NO, (here(f"KMS finds no key by this: {problem}", written, alias),), values={"problem": problem})


def name_taken(question: Question) -> Answer:
    """Whether an alias is the only one of its name in its account and Region."""
    access, alias = access_of(question), question.resource
    own = question.attribute("name")
    if own.text is None and not isinstance(own.data, Text):
        return _GOOD
    for other in _perhaps_named(access, alias, own.text):
        if other is alias:
            return _GOOD  # of several the first one is right
        if decide(other.exists, question.world) is not Truth.YES:
            continue
        if same(access.value(other, "name"), own) is not Truth.YES or alias.region is None or other.region is None:
            continue
        if same_text(alias.region, other.region) is Truth.YES and alias.account == other.account:
            evidence = (
                here(f"{show(sym(own))} is taken", own, alias),
                Evidence(f"{other.address} has this name", other.head, None, other),
            )
            return Answer(Truth.NO, evidence, values={"other": other.address})
    return _GOOD


_Names: TypeAlias = "dict[tuple[str, str | None], list[tuple[int, Resource]]]"


def _perhaps_named(access: Access, alias: Resource, name: str | None) -> Iterator[Resource]:
    """The aliases of a unit that may have the name of one of them, in order."""
    names = access.once(_aliases_by_name)
    found = names.get((alias.unit, None), [])
    if name is not None:
        found = sorted((*found, *names.get((alias.unit, name), ())), key=lambda item: item[0])
    return (one for _, one in found)


def _aliases_by_name(access: Access) -> _Names:
    """The aliases by unit and name, with their places in the graph; None: what name it is is open, or hangs on a condition."""
    found: _Names = {}
    for number, alias in enumerate(access.graph.by_kind.get("kms.alias", ())):
        try:
            name = access.value(alias, "name").text
        except UndecidedError:
            name = None
        found.setdefault((alias.unit, name), []).append((number, alias))
    return found


# Imported material


def never_expires(question: Question) -> Answer:
    """Whether imported material stays until somebody deletes it. What is not null is a day: there is no empty one."""
    day = question.attribute("material_expires")
    if day.data is ABSENT or day.data is None or day.data == "":
        return _GOOD
    place = (here("KMS deletes it on this day", day, question.resource),)
    if isinstance(day.data, Unknown) and not day.data.not_null and is_set(day) is not Truth.YES:
        return Answer(Truth.UNKNOWN, place, opens(day))
    return Answer(Truth.NO, place)


# How environments are called, each by what it is.
_ENVIRONMENTS = {
    word: name
    for name, words in {
        "production": "prod production prd live",
        "staging": "stage staging stg preprod",
        "development": "dev development develop",
        "test": "test testing qa uat",
    }.items()
    for word in words.split()
}
_TAGS = ("environment", "env", "stage")
_WORD = re.compile(r"[A-Za-z]+")


def of_environment(question: Question) -> Answer:
    """Whether an alias that says of which environment it is leads to a key that says of another one."""
    access, alias = access_of(question), question.resource
    name = question.attribute("name")
    own = _environments(name.text or "")
    if len(own) != 1:
        return _GOOD
    for end, there in access.ends(alias, "key"):
        if there is not Truth.YES or not isinstance(end, Resource):
            continue
        theirs, where = _of_key(access, end)
        if theirs and own != theirs:
            evidence = (
                here(f"this alias says {min(own)}", name, alias),
                Evidence(f"this key is for {min(theirs)}", where, None, end),
            )
            values = {"own": min(own), "other": min(theirs), "key": end.address}
            return Answer(Truth.NO, evidence, values=values)
    return _GOOD


def _of_key(access: Access, key: Resource) -> tuple[set[str], Span | None]:
    """The environment that a key says it is for: by a tag, else by its name in the code."""
    tags = access.value(key, "tags")
    for name, value in tags.members.items():
        if name.lower() in _TAGS and value.text is not None:
            found = _environments(value.text)
            if len(found) == 1:
                return found, value.where
    found = _environments(key.address)
    return (found if len(found) == 1 else set()), key.head


def _environments(text: str) -> set[str]:
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return {_ENVIRONMENTS[word.lower()] for word in _WORD.findall(parts) if word.lower() in _ENVIRONMENTS}


# Keys that nothing uses

_Referred: TypeAlias = "dict[str, tuple[Formula, ...]]"
_REFERRED: WeakKeyDictionary[Graph, dict[str, _Referred]] = WeakKeyDictionary()
_OF_KEYS = ("kms.",)


def used(question: Question) -> Answer:
    """Whether anything of its unit, or of the scan, refers to a key, besides aliases, policies and grants of it."""
    graph, key = question.graph, question.resource
    referred = [*_referred(graph, key.unit).get(key.declarations[0].address, ()), *_ended(graph).get(id(key), ())]
    if _holds(referred, question.world):
        return _GOOD
    aliases = [edge.source for edge in graph.into(key, "key") if edge.source.kind == "kms.alias"]
    aliases = [alias for alias in aliases if decide(alias.exists, question.world) is not Truth.NO]
    evidence = (Evidence("nothing refers to this key", key.head, None, key),)
    if aliases:
        by_name = Open(aliases[0].address, "whether something outside uses the key by this alias")
        return Answer(Truth.UNKNOWN, evidence, (by_name,))
    return Answer(Truth.NO, evidence)


def _holds(guards: list[Formula], world: World) -> bool:
    """Whether one of some guards holds, or may and nobody can say. What holds anyway is looked for first: it asks no world."""
    return Truth.YES in guards or any(decide(guard, world) is not Truth.NO for guard in guards)


_ENDS: WeakKeyDictionary[Graph, dict[int, tuple[Formula, ...]]] = WeakKeyDictionary()


def _ended(graph: Graph) -> dict[int, tuple[Formula, ...]]:
    """By resource when edges end there of what is no key itself: of other units, too."""
    found = _ENDS.get(graph)
    if found is None:
        ends: dict[int, dict[Formula, None]] = {}
        for edge in graph.edges():
            if isinstance(edge.target, Resource) and not edge.source.kind.startswith(_OF_KEYS):
                ends.setdefault(id(edge.target), {})[conjunction(edge.guard, edge.source.exists)] = None
        found = _ENDS[graph] = {target: tuple(guards) for target, guards in ends.items()}
    return found


def _referred(graph: Graph, unit: str) -> _Referred:
    """By address when the declarations or outputs of a unit refer to it, but for those that belong to a key."""
    units = _REFERRED.setdefault(graph, {})
    found = units.get(unit)
    if found is None:
        addresses: dict[str, dict[Formula, None]] = {}
        for guard, value in _values(graph, unit):
            for address, there in _references(value, guard):
                addresses.setdefault(address, {})[there] = None
        found = units[unit] = {address: tuple(guards) for address, guards in addresses.items()}
    return found


def _values(graph: Graph, unit: str) -> Iterator[tuple[Formula, Value]]:
    for resource in by_unit(graph, unit):
        if resource.kind.startswith(_OF_KEYS) or (resource.kind == "template.output" and resource.declarations[0].calls):
            continue  # what a module hands out is used where something refers to it
        for declaration in resource.declarations:
            yield resource.exists, declaration.body
    whole = graph.units.get(unit)
    if whole is not None:
        for value in (*whole.outputs.values(), *(export.value for export in whole.exports)):
            yield Truth.YES, value


def _references(value: Value, guard: Formula) -> Iterator[tuple[str, Formula]]:
    """The addresses that a value refers to, and when; of a choice those of its branches."""
    data = value.data
    inner: tuple[tuple[str, Formula], ...] = ()
    if isinstance(data, Choice):
        inner = tuple(one for b in data.branches for one in _references(b.value, conjunction(guard, b.guard)))
        yield from inner
    told = {address for address, _ in inner}
    for target in (*value.refs, value.target):
        if target is not None and target.address not in told:
            yield target.address, guard
    parts: tuple[Value, ...] = ()
    if isinstance(data, tuple):
        parts = data
    elif isinstance(data, dict):
        parts = tuple(data.values())
    elif isinstance(data, Text):
        parts = data.pieces if data.encodes is None else (*data.pieces, data.encodes)
    for part in parts:
        yield from _references(part, guard)
