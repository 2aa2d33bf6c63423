"""Attributes of a plan as values: what is known, what is known only after apply, what is sensitive, and where it stands."""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec.structs import replace

from kmsguard.model.source import Span
from kmsguard.model.value import Data, Step, Target, Unknown, Value
from kmsguard.terraform.plan.document import Document, Entry, Json, Members, members
from kmsguard.terraform.plan.references import (
    Instance,
    Key,
    References,
    Source,
    View,
    is_expression,
    is_unknown,
    whole_references,
)

AFTER_APPLY = "known after apply"
_NAMES_ANOTHER = (
    "arn", "arns", "id", "ids", "key", "keys", "bucket", "role", "roles", "user", "users", "group", "groups", "topic", "queue",
    "url", "name", "repository", "secret", "alias", "stream", "target", "principal", "identifiers", "destination", "table",
)  # fmt: skip
"""How arguments end that take what another resource returns as it is. Others may be made from it: `policy`, `user_data`."""
_NO_PART_OF_ANOTHER = ("aws_kms_key", "aws_kms_replica_key", "aws_kms_external_key", "aws_kms_alias")
"""Of these nothing stands in a statement's `resources` but the whole ARN."""
_OF_THE_CODE = ("path", "terraform", "count")
"""What does not come from outside: `file("${path.module}/key.pem")` is part of the code."""

_ARN = re.compile(r"\barn:[^\s\"'*?,<>\[\]{}\\]+")  # also in the text of a policy


class Context:
    """Whose attributes are read: a resource, an output, a provider."""

    def __init__(
        self, document: Document, references: References, view: View | None, key: Key, owner: Instance | None = None
    ) -> None:
        self.document = document
        self.references = references
        self.view = view
        self.key = key
        self.owner = owner


def plain(node: Json, *, sensitive: bool = False) -> Value:
    """A value of the plan that stands in no file."""
    if isinstance(node, list):
        return Value(tuple(plain(item) for item in node), sensitive=sensitive)
    if isinstance(node, dict):
        return Value({name: plain(item) for name, item in node.items()}, sensitive=sensitive)
    return Value(scalar(node), sensitive=sensitive)


def scalar(node: Json) -> Data:
    """A number, text or truth; whole numbers are whole."""
    if isinstance(node, float):
        return int(node) if node.is_integer() and abs(node) < 1e15 else Decimal(repr(node))
    return node if isinstance(node, (str, bool, int, Decimal)) else None


def is_kept_as(text: str, node: Json) -> bool:
    """Whether this is how a provider keeps a text: without the white space around it, or as a checksum (`user_data`)."""
    if not isinstance(node, str):
        return False
    if len(node) in (40, 64):
        from hashlib import sha1, sha256

        return node in (sha1(text.encode(), usedforsecurity=False).hexdigest(), sha256(text.encode()).hexdigest())
    return text.split() == node.split()


def part(node: Json, name: str | int) -> Json:
    """A part of `after_unknown` or `after_sensitive`, where True speaks of all that is below."""
    if isinstance(node, dict):
        return node.get(name)
    if isinstance(node, list):
        return node[name] if isinstance(name, int) and name < len(node) else None
    return True if node is True else None


class Attributes:
    """Reads the attributes of one resource where its code is not at hand."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def block(self, after: Members, unknown: Json, sensitive: Json, written: Json, at: Entry | None) -> dict[str, Value]:
        """What is written of a block. `written` is its `expressions`; None where the plan has none of it (`dynamic`)."""
        out: dict[str, Value] = {}
        for name in dict.fromkeys((*after, *(unknown if isinstance(unknown, dict) else ()))):
            node, open_, hidden = after.get(name), part(unknown, name), part(sensitive, name)
            said = written.get(name) if isinstance(written, dict) else None
            if isinstance(written, dict) and said is None and not (_is_blocks(node) and hidden is not True):
                continue  # the provider's own: a default, or what it computes
            if (node is None and not is_unknown(open_)) or (said is None and node in ([], {}, "") and not is_unknown(open_)):
                continue
            out[name] = self.value(name, (node, open_, hidden), said, self.context.document.child(at, name))
        return out

    def value(self, name: str, nodes: tuple[Json, Json, Json], written: Json, at: Entry | None) -> Value:
        """An attribute or nested block."""
        node, unknown, hidden = nodes
        document = self.context.document
        place = document.place(at)
        if unknown is True:
            return replace(self.unknown(name, written), place=place, sensitive=hidden is True)
        if isinstance(node, list):
            items = []
            for number, item in enumerate(node):
                inner = (item, part(unknown, number), part(hidden, number))
                items.append(self.value(name, inner, _of_element(written, item), document.child(at, number)))
            return Value(tuple(items), document.span(at), place, sensitive=hidden is True)
        if isinstance(node, dict):
            data: dict[str, Value]
            if is_expression(written) and written is not None:
                data = {
                    key: self.value(key, (item, part(unknown, key), part(hidden, key)), written, document.child(at, key))
                    for key, item in node.items()
                }
                data.update(
                    {key: self.unknown(key, written) for key in members(unknown) if key not in data and unknown[key] is True}
                )
            else:
                data = self.block(node, unknown, hidden, written, at)
            return Value(data, document.span(at), place, sensitive=hidden is True)
        return self._known(node, written, at, sensitive=hidden is True)

    def _known(self, node: Json, written: Json, at: Entry | None, *, sensitive: bool) -> Value:
        """A scalar that is known: where it was written it has a place, where it was handed in none."""
        context = self.context
        place = context.document.place(at)
        names = whole_references(written)
        if isinstance(node, str) and names and context.view is not None:
            source = context.references.known(written, context.view, context.key, node)
            if source is not None and source.target is not None:
                return replace(symbolic(source), place=place, sensitive=sensitive)
        if isinstance(node, str) and context.owner is not None and written is None:
            made = context.references.by_arn.get(node)  # a state has no references, but ARNs
            if made is not None and made is not context.owner:
                return replace(symbolic(Source(Target(made.address, "arn"), made)), place=place, sensitive=sensitive)
        handed_in = any(name.partition(".")[0] not in _OF_THE_CODE for name in names)
        span = context.document.span(at) if written is not None and not handed_in else self._origin(written, node)
        constant = written.get("constant_value") if isinstance(written, dict) else None
        if isinstance(constant, str) and constant != node and is_kept_as(constant, node):
            node = constant
        return Value(scalar(node), span, place, self._trail(names), self._refs(names, node), sensitive)

    def _origin(self, written: Json, node: Json) -> Span | None:
        """Where the constant or default stands that a variable hands on; None where its value came from outside."""
        view = self.context.view
        document = self.context.document
        while view is not None:
            names = whole_references(written)
            if len(names) != 1 or not names[0].startswith("var."):
                return None
            name = names[0].removeprefix("var.")
            path = ("variables", name, "default")
            if view.parent is not None and name in members(view.call, "expressions"):
                written = members(view.call, "expressions")[name]
                path = ("expressions", name, "constant_value")
                if not members(written).keys() & {"constant_value"}:
                    view = view.parent
                    continue
            whole = view.path[:-1] if path[0] == "expressions" else view.path
            found = _reached(document.tree, (*whole, *path))
            return document.span(document.at(*whole, *path)) if found is not None and found == node else None
        return None

    def _trail(self, names: list[str]) -> Step | None:
        trail: Step | None = None
        for name in names:
            kind, _, rest = name.partition(".")
            if kind in ("var", "local") and self.context.view is not None:
                trail = Step("variable" if kind == "var" else "local", self.context.view.within(f"{kind}.{rest}"), None, trail)
        return trail

    def _refs(self, names: list[str], node: Json) -> tuple[Target, ...]:
        """What a known value was made from: what it names by attribute, and the resources whose ARNs are in it."""
        view, by_arn = self.context.view, self.context.references.by_arn
        if view is None or not names:
            return ()
        out = []
        for name in names:
            address, _, attribute = name.rpartition(".")
            full = view.within(address)
            if full in self.context.references.by_address:
                out.append(Target(full, attribute))
        if isinstance(node, str) and by_arn:
            out.extend(Target(by_arn[arn].address, "arn") for arn in _ARN.findall(node) if arn in by_arn)
        return tuple(dict.fromkeys(out))

    def unknown(self, name: str, written: Json) -> Value:
        """What is known only after apply: the attribute that it comes from, where it can be no other."""
        context = self.context
        if written is None:
            return Value(Unknown(AFTER_APPLY))
        names = whole_references(written)
        reference = names[0] if len(names) == 1 else None
        if context.view is None:
            return Value(Unknown(AFTER_APPLY, reference))
        block = context.references.block(context.owner) if context.owner is not None else {}
        found = context.references.sources(written, context.view, context.key, block.get("for_each_expression"))
        refs = tuple(source.target for source in found if source.target is not None)
        if len(found) == 1 and found[0].target is not None:
            source = found[0]
            made = policy_document(source.instance, self)
            if made is not None:
                return made
            if _is_whole(name, source):
                return replace(symbolic(source), trail=self._trail(names))
        shown = context.view.within(reference) if reference is not None else None
        return Value(Unknown(AFTER_APPLY, shown), None, None, self._trail(names), refs)


def _reached(node: Json, path: tuple[str | int, ...]) -> Json:
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    return node


def symbolic(source: Source) -> Value:
    """An attribute that is known only after apply."""
    target = source.target
    assert target is not None
    prefix = (
        "arn:" if target.attribute == "arn" and source.instance is not None and source.instance.type.startswith("aws_") else ""
    )
    certain = target.attribute in ("arn", "id")
    reason = "data source" if source.instance is not None and source.instance.mode == "data" else AFTER_APPLY
    return Value(Unknown(reason, f"{target.address}.{target.attribute}", target, certain, prefix), None, None, None, (target,))


def _is_whole(name: str, source: Source) -> bool:
    last = name.rsplit("_", 1)[-1].lower()  # of a variable of the environment too: `SECRET_ARN`
    if last in _NAMES_ANOTHER:
        return True
    return last == "resources" and source.instance is not None and source.instance.type in _NO_PART_OF_ANOTHER


def _is_blocks(node: Json) -> bool:
    return isinstance(node, list) and bool(node) and all(isinstance(item, dict) for item in node)


def _of_element(written: Json, item: Json) -> Json:
    """What the configuration says of one of several blocks; of a set it is in another order, and `dynamic` is left out."""
    if not isinstance(written, list):
        return written
    if len(written) == 1:
        return written[0]
    if not isinstance(item, dict):
        return None
    fitting = [one for one in written if isinstance(one, dict) and _fits(one, item)]
    return fitting[0] if len(fitting) == 1 else None


def _fits(written: Members, item: Members) -> bool:
    """Whether a block may be what an entry of the configuration makes: no constant says otherwise."""
    for name, said in written.items():
        if is_expression(said) and "constant_value" in said and item.get(name) not in (None, said["constant_value"]):
            return False
    return all(value is None or name in written or value in ([], {}, "", False) for name, value in item.items())


def policy_document(instance: Instance | None, reader: Attributes) -> Value | None:
    """The text of a policy document that is read only during apply, from its statements."""
    if instance is None or instance.mode != "data" or instance.type != "aws_iam_policy_document":
        return None
    from kmsguard.terraform.policy_document import document_text

    context = reader.context
    document, references = context.document, context.references
    inner = Attributes(Context(document, references, references.view(instance.module), instance.key, instance))
    expressions = members(references.block(instance), "expressions")
    body = inner.block(instance.after, instance.unknown, instance.sensitive, expressions, document.at(*instance.values))
    where = document.place(document.at(*instance.path))
    span = where or Span(document.source.path, 1, 1, 1, 1)
    text = document_text(body, instance.address, span, span, minified=False)
    return replace(text, refs=(*text.refs, Target(instance.address, "json")))
