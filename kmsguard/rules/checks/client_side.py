"""Data that clients encrypt themselves, where a service replicates it: the key has to be where the data goes.

DynamoDB, S3 and Secrets Manager replicate what a client encrypted as it is, with the data key that was wrapped under the
client's KMS key: https://docs.aws.amazon.com/kms/latest/developerguide/mrk-when-to-use.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kmsguard.model.finding import Evidence, Open
from kmsguard.model.guard import decide
from kmsguard.model.resource import External, Resource
from kmsguard.model.rule import Answer, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth, any_of
from kmsguard.model.value import Unknown, Value, resolve_deep
from kmsguard.rules.checks.access import Access, access_of
from kmsguard.rules.checks.related_keys import regions_of
from kmsguard.rules.checks.telling import name_of, opens, same_text, shown

_GOOD = Answer(Truth.YES)
_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/(?!mrk-)[A-Za-z0-9-]+")
_CLIENT_SIDE = re.compile(
    r"encryption_?(sdk|client)|client_?side|keyring|wrapping|materials|(^|_)cse(_|$)|field|envelope", re.IGNORECASE
)
_STORES = {"written_tables": "items of {}", "named_buckets": "objects of {}", "named_secrets": "the value of {}"}


class _Replica(NamedTuple):
    """Where a store is replicated to, and what says so."""

    region: Value
    by: Resource
    where: Span | None


def where_data_is(question: Question) -> Answer:
    """Whether a key with which workloads encrypt what they write to a replicated store is in all Regions of the store.

    A workload that names a table and a key in its environment encrypts items itself: DynamoDB takes no key for an item. For an
    object S3 does, so that this is told of buckets only where the environment speaks of it. Keys under which something of the
    scan is stored are not meant.
    """
    access, resource = access_of(question), question.resource
    if resource.kind == "kms.key":
        workloads = [
            (edge.source, edge.by)
            for edge in question.graph.into(resource, "named_keys")
            if (decide(edge.guard, question.world) & decide(edge.source.exists, question.world)) is Truth.YES
        ]
        return _missing_where(access, resource, workloads) if workloads else _GOOD
    for edge in question.graph.out(resource, "named_keys"):
        if isinstance(edge.target, External) and _KEY_ARN.fullmatch(edge.target.value.text or ""):
            answer = _missing_where(access, edge.target, [(resource, edge.by)])
            if answer is not _GOOD:
                return answer
    return _GOOD


def _missing_where(access: Access, key: Resource | External, workloads: list[tuple[Resource, Value]]) -> Answer:
    if isinstance(key, Resource) and not _is_for_data(access, key):
        return _GOOD
    there, more = regions_of(access, key)
    worst = _GOOD
    for workload, by in workloads:
        for edge, words in _STORES.items():
            for store, sure in access.ends(workload, edge):
                if not isinstance(store, Resource) or sure is not Truth.YES:
                    continue
                for replica in _replicas(access, store):
                    has = more | any_of(same_text(replica.region, one) for one in there)
                    doubt = has is Truth.NO and not _is_encrypted_by(access, workload, edge)
                    truth = Truth.UNKNOWN if doubt else has
                    if worst.truth <= truth:
                        continue
                    evidence = (
                        Evidence(f"{workload.address} is told of the key here", by.where, by.trail, workload)
                        if isinstance(key, External)
                        else Evidence("this key is in one Region, or not in all", key.head, None, key),
                        Evidence(f"{workload.address} names the key and {store.address}", by.where, by.trail, workload),
                        Evidence(f"{store.address} is replicated to {shown(replica.region)}", replica.where, None, replica.by),
                    )
                    values = {"key": name_of(key), "data": words.format(store.address), "region": shown(replica.region)}
                    open_ = _open_regions(replica.region, *there)
                    if doubt:
                        open_ = (Open(workload.address, "whether it encrypts what it writes with this key itself"),)
                    values["workload"] = workload.address
                    worst = Answer(truth, evidence, () if truth is Truth.NO else open_, values=values)
    return worst


def _is_for_data(access: Access, key: Resource) -> bool:
    """Whether clients can encrypt with a key, and nothing of the scan is stored under it."""
    usage = access.value(key, "usage").text
    return usage in (None, "ENCRYPT_DECRYPT") and not access.graph.into(key, "encrypted_with")


def _is_encrypted_by(access: Access, workload: Resource, edge: str) -> bool:
    """Whether a workload certainly encrypts itself what it writes to a store."""
    if edge == "named_secrets":
        return False
    return edge == "written_tables" or any(_CLIENT_SIDE.search(name) for name in _names(access, workload))


def _names(access: Access, workload: Resource) -> Iterator[str]:
    """The names of the variables of a workload's environment."""
    yield from access.value(workload, "environment").members
    for container in resolve_deep(access.value(workload, "containers"), access.world).items:
        yield from container.members.get("environment", Value(None)).members


def _replicas(access: Access, store: Resource) -> Iterator[_Replica]:
    """Where else the data of a table, bucket or secret is."""
    if store.kind == "s3.bucket":
        for rule, there in access.sources(store, "source", "s3.replication"):
            if there is Truth.YES and access.value(rule, "enabled").data is not False:
                for bucket, _ in access.ends(rule, "destination"):
                    region = bucket.region if isinstance(bucket, Resource) else None
                    unknown = Value(Unknown("the Region of the bucket is not known", name_of(bucket), not_null=True))
                    yield _Replica(region or unknown, rule, rule.span)
        return
    edge, kind = (
        ("secret", "secretsmanager.replica") if store.kind == "secretsmanager.secret" else ("table", "dynamodb.replica")
    )
    for replica, _ in access.sources(store, edge, kind):
        yield _Replica(replica.region or Value(Unknown("the Region of the replica is not known")), replica, replica.span)


def _open_regions(*regions: Value) -> tuple[Open, ...]:
    return opens(*regions) or (Open("the related keys", "whether one of another unit is in that Region"),)
