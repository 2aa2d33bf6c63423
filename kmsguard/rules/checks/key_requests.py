"""The condition keys of the requests that a use of a key makes.

https://docs.aws.amazon.com/kms/latest/developerguide/policy-conditions.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from kmsguard.iam.decide import Key
from kmsguard.model.resource import KeyUse, Resource
from kmsguard.model.value import ABSENT, Text, Unknown, Value
from kmsguard.rules.checks.access import Access
from kmsguard.rules.checks.key_uses import Hop, User, Uses, not_known, pieces_of
from kmsguard.rules.checks.reach import objects_of

Context: TypeAlias = "dict[str, Value]"

_SOURCES = ("aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths")


def contexts_of(uses: Uses, use: KeyUse, hop: Hop, user: User, key: Key) -> Iterator[Context]:
    """The condition keys of the requests that a use may make; of each at least one is made."""
    context: Context = {}
    if user.end is None:
        if use.source_arn == "-":  # AWS documents that the calls carry none of these
            context.update(dict.fromkeys(_SOURCES, Value(ABSENT)))
        elif use.source_arn:
            arn = uses.fill(use.source_arn, uses.resource, hop) if use.source_arn != "?" else not_known("aws:SourceArn")
            context["aws:SourceArn"] = arn
            context["aws:SourceAccount"] = uses.account()
        if use.via:
            context["kms:ViaService"] = not_known("through which service it calls")
    elif use.via:
        region = key.region if key.region.text is not None or hop.holder.region is None else hop.holder.region
        context["kms:ViaService"] = Value(Text((Value(f"{use.via}."), region, Value(".amazonaws.com"))))
        context["kms:RequestAlias"] = _request_alias(uses, hop)
    names = tuple(Value(name) for name in use.context if not name.startswith("kms:"))
    if names:
        context["kms:EncryptionContextKeys"] = Value(names)
    spread = False
    for name, text in use.context.items():
        place = name if name.startswith("kms:") else f"kms:EncryptionContext:{name}"
        if text == "?":
            context[place] = not_known(f"the encryption context {name}")
        elif text.endswith(".object}"):
            spread = True
            bucket = uses.end(text[1 : -len(".object}")], hop)
            whole = uses.access.value(bucket, "arn") if isinstance(bucket, Resource) else not_known("the bucket")
            on = uses.access.value(bucket, "bucket_key").data if isinstance(bucket, Resource) else None
            if on is not True:
                yield {**context, place: objects_of(whole)}
            if on is not False:
                yield {**context, place: whole}
        else:
            context[place] = uses.fill(text, uses.resource, hop)
    if not spread:
        yield context


def _request_alias(uses: Uses, hop: Hop) -> Value:
    """Absent where the key is not named by an alias: no request can name one then.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-request-alias
    """
    pieces = pieces_of(hop.by)
    aliases = uses.access.widest.once(_aliases)
    for part in hop.by.walk():
        for target in (part.target, *part.refs):
            if target is not None and target.address in aliases and not target.attribute.startswith("target_key"):
                return not_known("by which name the key is called")
    if "alias/" in pieces or (isinstance(hop.by.data, Unknown) and hop.by.target is None):
        return not_known("by which name the key is called")
    return Value(ABSENT)


def _aliases(access: Access) -> frozenset[str]:
    """The addresses of the aliases of the scan."""
    graph = access.graph
    return frozenset(one.address for kind in ("kms.alias", "kms.alias_lookup") for one in graph.by_kind.get(kind, ()))
