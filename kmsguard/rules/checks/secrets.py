"""Secrets that are written in the code, and secrets that are shown.

All that a scan's declarations hold is looked through once, whatever hangs on conditions: a secret stands in the template
whichever branch is deployed. Each literal is told once, by the rule that knows best what to do about it: as the default or
value of a variable where it is one, else where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Literal, TypeAlias
from weakref import WeakKeyDictionary

import msgspec

from kmsguard.model.declaration import Declaration
from kmsguard.model.finding import Evidence
from kmsguard.model.redaction import mask
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import Answer, Found, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import NULL, Choice, Text, Unknown, Value
from kmsguard.rules.checks.leaves import Leaf, as_written, flat, is_condition_key, is_environment, leaves, place_in, unquoted
from kmsguard.secrets.detectors import ACCESS_KEY, HOLE, NAMED, SECRET_KEY, TITLES
from kmsguard.secrets.look import Match, is_secret_value, look, suspects
from kmsguard.secrets.names import Family, family, is_about_secret, words
from kmsguard.secrets.placeholders import is_blank, is_dynamic_reference, is_reference

Group: TypeAlias = Literal[
    "argument",  # an argument that is for a secret
    "environment",  # a variable of the environment of a function, container, build
    "text",  # inside of a script, a document, a definition, metadata
    "token",  # a text that is a token or key, wherever it stands
    "provider",
    "input",  # a variable or parameter
    "output",
    "plain reference",  # a dynamic reference to a parameter that is not encrypted
    "parameter",  # an argument for a secret that a parameter of the template fills
    "data source",  # an argument for a secret that a data source fills
    "unresolved",  # a dynamic reference that nothing resolves
]

# Where a literal is found in several ways, the first of these tells it.
_ORDER: tuple[Group, ...] = ("provider", "input", "argument", "environment", "text", "token", "output")

_PLAIN = "{{resolve:ssm:"
_SECURE = ("{{resolve:secretsmanager:", "{{resolve:ssm-secure:")
# What Terraform hands to CloudFormation, which resolves them: stacks, products. Of Cloud Control (awscc) nothing is said.
_HANDED_OVER = ("aws_cloudformation_", "aws_servicecatalog_", "awscc_")
SECRET_KEY_LENGTH = 40  # of AWS
_SECRETS = frozenset({"secret", "secret_string", "secret_binary", "SecretString", "plaintext"})
"""Attributes that are a secret wherever they are; others whose names have the word in them are ids and ARNs. `plaintext`: of
`aws_kms_secrets` and `aws_kms_ciphertext`, what is decrypted and what is encrypted."""
_TEXTS = re.compile(r"(?:string|list\(string|set\(string|any|)\W*$", re.IGNORECASE)  # types of variables and parameters
_FAMILIES: dict[Family, str] = {
    "password": "a password",
    "token": "a token or key",
    "secret": "a secret",
    "connection": "a secret",
}


class Hit(msgspec.Struct, frozen=True, eq=False):
    """A secret in a resource."""

    group: Group
    resource: Resource
    path: str  # of the entry that holds it, in the language's own names
    title: str  # what it is, with its article
    value: Value  # the secret alone, with its place
    holder: Value  # the entry's value
    kind: str = NAMED
    user: Resource | None = None  # the resource that uses what a variable or parameter says
    used_as: str = ""  # and its entry


class Index(msgspec.Struct, frozen=True, eq=False):
    """All secrets of a graph, by resource."""

    hits: dict[Resource, list[Hit]]
    groups: dict[Group, frozenset[Resource]]  # those that have any of a group
    by_unit: dict[str, dict[str, Declaration]]  # variables and parameters, by address
    inputs: frozenset[tuple[str, str]]  # (unit, address) of variables and parameters that fill an argument for a secret


_INDEXES: WeakKeyDictionary[Graph, Index] = WeakKeyDictionary()


def _index(graph: Graph) -> Index:
    index = _INDEXES.get(graph)
    if index is None:
        index = _INDEXES[graph] = _Looking(graph).index()
    return index


class _Looking:
    """Looks through a graph once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.hits: list[Hit] = []
        self.inputs: dict[tuple[str, str], None] = {}
        self.known = {
            (unit.path, declaration.address): declaration
            for unit in graph.units.values()
            for declaration in unit.declarations
            if declaration.mode in ("variable", "parameter")
        }
        self.owners: dict[Declaration, Resource] = {}
        for resource in graph.resources:
            if resource.declarations:
                self.owners.setdefault(resource.declarations[0], resource)
        texts = _texts_of(graph)
        self.harmless = texts - suspects(texts)  # nothing is found in them
        self.looked: dict[str, list[Match]] = {}
        self.given: dict[tuple[str, Span], Resource] = {}  # what stands in the default or value of a variable or parameter

    def index(self) -> Index:
        for unit in self.graph.units.values():
            for declaration in (*unit.declarations, *unit.texts):
                owner = self.owners.get(declaration)
                if owner is not None:
                    self._declaration(owner, declaration)
        for resource in self.graph.resources:
            if resource.declarations and resource.declarations[0].mode not in ("managed", "data"):
                continue
            for name in resource.secrets:
                value = resource.attributes.get(name)
                if value is not None:
                    for leaf in leaves(value, (name,), typed=True):
                        self._typed(resource, leaf)
        hits = self._once()
        groups: dict[Group, set[Resource]] = {}
        for resource, found in hits.items():
            for hit in found:
                groups.setdefault(hit.group, set()).add(resource)
        by_unit: dict[str, dict[str, Declaration]] = {}
        for (path, address), declaration in self.known.items():
            by_unit.setdefault(path, {})[address] = declaration
        return Index(hits, {group: frozenset(having) for group, having in groups.items()}, by_unit, frozenset(self.inputs))

    def _look(self, text: str) -> list[Match]:
        """The secrets in a text; each text is looked through once."""
        if text in self.harmless:
            return []
        found = self.looked.get(text)
        if found is None:
            found = self.looked[text] = look(text)
        return found

    def _declaration(self, owner: Resource, declaration: Declaration) -> None:
        if declaration.mode in ("variable", "parameter"):
            for member in ("value", "default", "Default"):
                value = declaration.body.members.get(member)
                if value is not None:
                    for leaf in leaves(value, (_own_name(declaration),)):
                        if not declaration.calls and leaf.value.span is not None and isinstance(leaf.value.data, str):
                            self.given[owner.unit, unquoted(leaf.value.span, leaf.value.data)] = owner
                        self._named_or_known(owner, leaf, "input")
            return
        if declaration.mode == "output":
            for member in ("value", "Value"):
                value = declaration.body.members.get(member)
                if value is not None:
                    for leaf in leaves(value, (member,), _own_name(declaration), harmless=self.harmless):
                        self._unresolved(owner, leaf)
                        self._named_or_known(owner, leaf, "output")
            return
        is_terraform = self.graph.units[owner.unit].dialect != "cloudformation"
        kept = is_terraform and declaration.mode == "managed" and not declaration.type.startswith(_HANDED_OVER)
        for leaf in leaves(declaration.body, (), harmless=self.harmless):
            if kept and isinstance(leaf.value.data, str) and is_dynamic_reference(leaf.value.data):
                self._add("unresolved", owner, leaf, 0, 0, "it")
            if declaration.mode == "provider":
                self._named_or_known(owner, leaf, "provider")
            else:
                self._argument(owner, leaf)
        for name, value in declaration.resource_attributes.items():
            for leaf in leaves(value, (name,), harmless=self.harmless):
                self._argument(owner, leaf)
        if declaration.metadata is not None:
            for leaf in leaves(declaration.metadata, ("Metadata",), harmless=self.harmless):
                self._unresolved(owner, leaf)
                self._named_or_known(owner, leaf, "text")

    def _argument(self, resource: Resource, leaf: Leaf) -> None:
        promise = family(leaf.name) if not is_condition_key(leaf) else None
        text = flat(leaf.value)
        if text is None and promise is None:
            return
        group: Group = "environment" if is_environment(leaf.path[:-1]) else "argument"
        if promise is not None and promise != "connection":
            if promise != "secret":
                self._origin(resource, leaf, typed=False)
            if text is not None and HOLE not in text and is_secret_value(promise, text):
                self._whole(group, resource, leaf, text, promise)
                return
        if text is not None:
            self._inside(resource, leaf, text, group if group == "environment" or promise is not None else None)

    def _typed(self, resource: Resource, leaf: Leaf) -> None:
        """An attribute that is for nothing but a secret, or a member of one that holds several things."""
        text = flat(leaf.value)
        if len(leaf.path) > 1:
            promise: Family | None = _promise_inside(leaf.name)
            fits = text is not None and promise is not None and HOLE not in text and is_secret_value(promise, text)
        else:
            promise = "password"
            fits = text is not None and HOLE not in text and not is_reference(text) and not is_blank(text)
        if promise == "password":
            self._origin(resource, leaf, typed=True)
        if text is None:
            return
        leaf = as_written(resource, leaf) if fits or self._look(text) else leaf
        if fits:
            self._whole("argument", resource, leaf, text, family(leaf.name) or "secret")
        else:
            self._inside(resource, leaf, text, "argument")

    def _inside(self, resource: Resource, leaf: Leaf, text: str, group: Group | None) -> None:
        """What looks like a secret in a text, which is told by the group, or by what it is where there is none."""
        for match in self._look(text):
            whole = match.end - match.start == len(text.strip()) and not match.encoded
            self._match(group or ("token" if whole else "text"), resource, leaf, match)

    def _named_or_known(self, owner: Resource, leaf: Leaf, group: Group) -> None:
        text = flat(leaf.value)
        if text is None:
            return
        promise = family(leaf.name)
        if promise is not None and HOLE not in text and is_secret_value(promise, text):
            self._whole(group, owner, leaf, text, promise)
            return
        for match in self._look(text):
            self._match(group, owner, leaf, match)

    def _origin(self, resource: Resource, leaf: Leaf, *, typed: bool) -> None:
        """An argument for a secret that something else fills: which, is told where the template does not say its value."""
        open_parts = [part.data for part in leaf.value.walk() if isinstance(part.data, Unknown)]
        for data in open_parts:
            reference, target = data.reference or "", data.target
            if len(open_parts) > 1 and family(reference.rsplit(".", 1)[-1]) is None:
                continue  # a user name beside the password
            if reference.startswith(_PLAIN):
                self._add("plain reference", resource, leaf, 0, 0, "a secret")
            elif target is not None and target.address.startswith("data."):
                if typed or family(target.attribute) is not None:
                    self._add("data source", resource, leaf, 0, 0, "a secret")
            elif (resource.unit, reference) in self.known:
                self.inputs[(resource.unit, reference)] = None
                if self.graph.units[resource.unit].dialect == "cloudformation":
                    self._add("parameter", resource, leaf, 0, 0, "a secret")

    def _unresolved(self, owner: Resource, leaf: Leaf) -> None:
        """A dynamic reference to a secret where CloudFormation resolves none."""
        for part in leaf.value.walk():
            if isinstance(part.data, Unknown) and (part.data.reference or "").startswith(_SECURE):
                self._add("unresolved", owner, leaf, 0, 0, "it")

    def _whole(self, group: Group, resource: Resource, leaf: Leaf, text: str, promise: Family) -> None:
        known = self._look(text)
        if len(known) == 1 and known[0].kind != NAMED and known[0].end - known[0].start == len(text.strip()):
            self._match(group, resource, leaf, known[0])
            return
        is_aws = len(text) == SECRET_KEY_LENGTH and {"secret", "key"} <= set(words(leaf.name))
        title, kind = (TITLES[SECRET_KEY], SECRET_KEY) if is_aws else (_FAMILIES[promise], NAMED)
        self._add(group, resource, leaf, 0, len(text), title, kind)

    def _match(self, group: Group, resource: Resource, leaf: Leaf, match: Match) -> None:
        title = TITLES[match.kind] + (" (in base64)" if match.encoded else "")
        self._add(group, resource, leaf, match.start, match.end, title, match.kind)

    def _add(self, group: Group, resource: Resource, leaf: Leaf, start: int, end: int, title: str, kind: str = NAMED) -> None:
        text = (flat(leaf.value) or "")[start:end]
        span = place_in(leaf.value, start, end) if end > start else leaf.value.span
        if span is None and leaf.value.span is None and text:
            return  # given from outside: it stands in no file
        secret = Value(text, unquoted(span, text) if span is not None else None, trail=leaf.value.trail)
        self.hits.append(Hit(group, resource, ".".join(leaf.path), title, secret, leaf.value, kind))

    def _once(self) -> dict[Resource, list[Hit]]:
        """The hits by resource, each literal of a unit told once: by the best group, and of the variables through which it
        goes by the outermost one."""
        best: dict[tuple[str, Span], tuple[int, int]] = {}
        hits = [self._at_its_input(hit) for hit in self.hits]
        for hit in hits:
            if hit.group in _ORDER and hit.value.span is not None:
                key = (hit.resource.unit, hit.value.span)
                best[key] = min(best.get(key, _LAST), _rank(hit))
        out: dict[Resource, list[Hit]] = {}
        told: set[tuple[Resource | str, Group | None, Span | None]] = set()
        for hit in hits:
            here: tuple[Resource | str, Group | None, Span | None] = (hit.resource, hit.group, hit.value.span)
            if hit.group in _ORDER and hit.value.span is not None:
                if best[hit.resource.unit, hit.value.span] != _rank(hit):
                    continue
                here = (hit.resource.unit, None, hit.value.span)
            if here not in told:
                told.add(here)
                out.setdefault(hit.resource, []).append(hit)
        return out

    def _at_its_input(self, hit: Hit) -> Hit:
        """A hit as that of the variable or parameter whose default or value it is, if it is one."""
        if hit.group not in ("argument", "environment", "text", "token") or hit.value.span is None:
            return hit
        owner = self.given.get((hit.resource.unit, hit.value.span))
        if owner is None:
            return hit
        name = _own_name(owner.declarations[0])
        return msgspec.structs.replace(hit, group="input", resource=owner, path=name, user=hit.resource, used_as=hit.path)


def _texts_of(graph: Graph) -> set[str]:
    """The texts that are written in declarations, those left aside that are references that something else resolves."""
    found: set[str] = set()
    for unit in graph.units.values():
        values = [value for one in (*unit.declarations, *unit.texts) for value in (one.body, one.metadata) if value is not None]
        while values:
            value = values.pop()
            data = value.data
            if isinstance(data, str):
                found.add(data)
            elif isinstance(data, dict):
                values.extend(data.values())
            elif isinstance(data, tuple):
                values.extend(data)
            elif isinstance(data, Text):
                found.add(flat(value) or "")
                values.extend(() if data.encodes is None else (data.encodes,))
            elif isinstance(data, Choice):
                values.extend(branch.value for branch in data.branches)
    return {text for text in found if "{{" not in text or not is_dynamic_reference(text)}


_LAST = (len(_ORDER) + 1, 0)


def _rank(hit: Hit) -> tuple[int, int]:
    """Which of the hits of one literal tells it: the lowest."""
    declaration = hit.resource.declarations[0]
    if declaration.mode == "text":  # what deploys it tells it better
        return len(_ORDER), _ORDER.index(hit.group)
    return _ORDER.index(hit.group), len(declaration.calls) if hit.group == "input" else 0


def _promise_inside(name: str) -> Family | None:
    """What the name of a member of a secret promises: in a store of secrets whatever is not about the secret is one."""
    if family(name) is not None:
        return "password" if family(name) != "connection" else "connection"
    return None if is_about_secret(name) else "token"


def _own_name(declaration: Declaration) -> str:
    return declaration.address.rsplit(".", 1)[-1]


# --- What rules ask ---


def in_argument(question: Question) -> Answer:
    """Whether an argument that is for a secret has one written into it."""
    return _answer(question, "argument")


def in_environment(question: Question) -> Answer:
    """Whether a variable of the environment of what runs holds a secret."""
    return _answer(question, "environment")


def in_text(question: Question) -> Answer:
    """Whether a script, a document or metadata has a secret inside."""
    return _answer(question, "text")


def token(question: Question) -> Answer:
    """Whether a text is the token or key of somebody."""
    return _answer(question, "token")


def in_provider(question: Question) -> Answer:
    """Whether the provider's credentials are written into its block."""
    return _answer(question, "provider")


def in_input(question: Question) -> Answer:
    """Whether the default or the value of a variable or parameter is a secret that stands in a file."""
    return _answer(question, "input")


def plain_reference(question: Question) -> Answer:
    """Whether a secret is read from a parameter that is not encrypted."""
    return _answer(question, "plain reference")


def from_parameter(question: Question) -> Answer:
    """Whether a secret goes through a parameter of the template."""
    return _answer(question, "parameter")


def resolved(question: Question) -> Answer:
    """Whether no dynamic reference stands where nothing resolves it."""
    return _answer(question, "unresolved")


def from_data_source(question: Question) -> Answer:
    """Whether a secret is read by a data source, and so kept in the state twice."""
    return _answer(question, "data source")


def _with(group: Group) -> Callable[[Graph], Collection[Resource]]:
    """The resources that have a secret of a group."""
    return lambda graph: _index(graph).groups.get(group, frozenset())


def _at_the_top(graph: Graph) -> Collection[Resource]:
    """Variables, parameters and outputs of what is deployed, not of the modules in it."""
    kinds = ("template.variable", "template.parameter", "template.output")
    return frozenset(
        resource for kind in kinds for resource in graph.by_kind.get(kind, ()) if not resource.declarations[0].calls
    )


ASKED: dict[str, Callable[[Graph], Collection[Resource]]] = {
    "in_argument": _with("argument"),
    "in_environment": _with("environment"),
    "in_text": _with("text"),
    "token": _with("token"),
    "in_provider": _with("provider"),
    "in_input": _with("input"),
    "plain_reference": _with("plain reference"),
    "from_parameter": _with("parameter"),
    "from_data_source": _with("data source"),
    "resolved": _with("unresolved"),
    "not_sent": lambda graph: frozenset(resource for resource in graph.resources if _is_request(resource)),
    "hidden": _at_the_top,
    "not_shown": _at_the_top,
}
"""About which resources each check has to be asked: it is fine with all others."""

_FINE = Answer(Truth.YES)


def _answer(question: Question, group: Group) -> Answer:
    hits = _index(question.graph).hits.get(question.resource)
    if hits is None:
        return _FINE
    found = _found([hit for hit in hits if hit.group == group])
    return Answer(Truth.NO, findings=found) if found else _FINE


def _found(hits: list[Hit]) -> tuple[Found, ...]:
    ids = [hit for hit in hits if hit.kind == ACCESS_KEY]
    if ids and any(hit.kind == SECRET_KEY for hit in hits):  # the two halves of one credential
        hits = [hit for hit in hits if hit.kind != ACCESS_KEY]
    return tuple(_one(hit, ids if hit.kind == SECRET_KEY else []) for hit in hits)


_WRITE_ONLY = "_wo"
_EPHEMERAL = """\
Take the secret out of the code, and replace it: what was committed once must be taken for known. Give the write-only argument
what is made or read when it is applied: an ephemeral `random_password`, an ephemeral secret of Secrets Manager, or a variable
that is `ephemeral` and has no default."""


def _one(hit: Hit, halves: list[Hit]) -> Found:
    secret = hit.value if hit.value.text else None
    trail = hit.holder.trail if hit.group != "input" else None  # a variable's own default leads nowhere else
    evidence = [Evidence(f"{hit.title} stands here", hit.value.span or hit.holder.where, trail, hit.resource, secret)]
    user, place = hit.user or hit.resource, hit.holder.place
    elsewhere = hit.value.span is not None and not hit.value.span.within(user.declarations[0].span)
    if elsewhere and place is not None and place != hit.value.span and (hit.user is None or place.within(user.span)):
        evidence.append(Evidence(f"it is used here as `{hit.used_as or hit.path}`", place, resource=user))
    evidence += [
        Evidence("the id of the key stands here", half.value.span, resource=hit.resource, secret=half.value) for half in halves
    ]
    text = hit.value.text or ""
    values = {"where": hit.path, "secret": hit.title, "shown": mask(text)}
    if not (hit.used_as or hit.path).endswith(_WRITE_ONLY):
        return Found(hit.path, Truth.NO, tuple(evidence), values=values)
    evidence.append(Evidence("a write-only argument keeps it out of the state, not out of the code"))
    return Found(hit.path, Truth.NO, tuple(evidence), values=values, remediation=_EPHEMERAL)


def hidden(question: Question) -> Answer:
    """Whether a variable or parameter for a secret is one that is not shown (`sensitive`, `ephemeral`, `NoEcho`)."""
    declaration = question.resource.declarations[0]
    body = declaration.body.members
    if any(_is_true(body.get(name)) for name in ("sensitive", "ephemeral", "NoEcho")) or declaration.calls:
        return Answer(Truth.YES)
    value = body.get("value") or body.get("default") or body.get("Default")
    if value is not None and (isinstance(value.data, (bool, int, float)) or is_reference(value.text or "")):
        return Answer(Truth.YES)
    if not _TEXTS.match((body["type"] if "type" in body else body.get("Type", NULL)).text or ""):
        return Answer(Truth.YES)
    fills = (question.resource.unit, declaration.address) in _index(question.graph).inputs
    if not fills and family(_own_name(declaration)) not in ("password", "token"):
        return Answer(Truth.YES)
    why = "it fills an argument for a secret" if fills else "by its name it is a secret"
    return Answer(Truth.NO, (Evidence(why, declaration.head, resource=question.resource),))


def not_shown(question: Question) -> Answer:
    """Whether an output shows no secret: of a resource, of a hidden variable or parameter, or one that is written in it."""
    declaration = question.resource.declarations[0]
    body = declaration.body.members
    if declaration.calls or _is_true(body.get("sensitive")) or _is_true(body.get("ephemeral")):
        return Answer(Truth.YES)
    value = body.get("value") or body.get("Value")
    shown = _shown(question, value) if value is not None else None
    if shown is not None:
        return shown
    return _answer(question, "output")


def _shown(question: Question, value: Value) -> Answer | None:
    inputs = _index(question.graph).by_unit.get(question.resource.unit, {})
    for part in value.walk():
        source = _source(part, inputs)
        if source is not None:
            evidence = Evidence(f"{source} is shown here", value.where or part.where, value.trail, question.resource)
            return Answer(Truth.NO, (evidence,))
    return None


def _is_request(resource: Resource) -> bool:
    """Whether a resource is a data source of Terraform that makes an HTTP request."""
    return resource.type == "http" and bool(resource.declarations) and resource.declarations[0].mode == "data"


def not_sent(question: Question) -> Answer:
    """Whether a request has no secret in its address, and none anywhere where it goes without TLS."""
    if not _is_request(question.resource):
        return _FINE
    inputs = _index(question.graph).by_unit.get(question.resource.unit, {})
    body = question.resource.declarations[0].body.members
    address = body.get("url", NULL)
    in_clear = (flat(address) or "").lower().startswith("http://")
    for name in ("url", "request_headers", "request_body") if in_clear else ("url",):
        for part in body[name].walk() if name in body else ():
            source = _source(part, inputs)
            if source is not None:
                found = Evidence(f"{source} is sent from here", body[name].where, part.trail, question.resource)
                return Answer(Truth.NO, (found,), values={"where": name})
    return Answer(Truth.YES)


def _source(part: Value, inputs: dict[str, Declaration]) -> str | None:
    """The secret that a part of an output was taken from; None where it is none, or says nothing (`null`, a reference)."""
    data = part.data
    targets, names = list(part.refs), []
    if isinstance(data, Unknown):
        targets += [data.target] if data.target is not None else []
        names += [data.reference] if data.reference is not None else []
    elif part.text is None or is_blank(part.text) or is_reference(part.text):
        return None
    elif part.trail is not None:
        names += [step.name for step in part.trail.chain()]
    for target in targets:
        if _is_secret_target(target.address, target.attribute):
            return f"{target.address}.{target.attribute}"
    return next((name for name in names if name in inputs and _is_secret_input(inputs[name])), None)


def _is_secret_target(address: str, attribute: str) -> bool:
    if not address or attribute in ("Ref", "id", "arn", "Arn"):
        return False
    if family(attribute) in ("password", "token") or attribute in _SECRETS or attribute.startswith("plaintext."):
        return True
    return attribute in ("result", "value") and any(family(part) == "password" for part in address.split(".")[:-1])


def _is_secret_input(declaration: Declaration) -> bool:
    hidden_there = any(_is_true(declaration.body.members.get(name)) for name in ("sensitive", "NoEcho"))
    return hidden_there or family(_own_name(declaration)) in ("password", "token")


def _is_true(value: Value | None) -> bool:
    return value is not None and (value.data is True or (value.text or "").lower() == "true")
