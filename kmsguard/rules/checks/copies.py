"""The keys of copies, replicas and secondaries in other Regions, of other services than S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kmsguard.iam.texts import show, sym
from kmsguard.model.finding import Evidence
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Answer, Found, Question
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Unknown, Value, resolve_deep
from kmsguard.rules.checks.access import Access, arn_part
from kmsguard.rules.checks.replication import AWS_MANAGED, here, name_of, opens, same_text, shown

_GOOD = Answer(Truth.YES)


class _Copy(NamedTuple):
    """Something that is made under a key in a Region."""

    what: str
    key: Value
    region: Value | None


def own_region(question: Question) -> Answer:
    """Whether copies, replicas and secondaries are under keys of the Region in which they are made."""
    findings: list[Found] = []
    for number, copy in enumerate(_copies(question)):
        own = arn_part(copy.key, 3)
        if own is None and not isinstance(copy.key.data, Unknown):
            continue  # a key id or alias alone is looked up where it is used
        own = own or Value(Unknown("the Region of the key is not known", next((o.reference for o in opens(copy.key)), None)))
        region = copy.region or Value(Unknown("the Region deployed to is not known", "--region"))
        same = same_text(own, region)
        if same is Truth.YES:
            continue
        values = {"what": copy.what, "key_region": shown(own), "region": shown(region)}
        evidence = (here(f"this key is of {shown(own)}, and used in {shown(region)}", copy.key, question.resource),)
        findings.append(Found(f"{copy.what}.{number}", same, evidence, () if same is Truth.NO else opens(own, region), values))
    return _answer(findings)


def _copies(question: Question) -> Iterator[_Copy]:
    resource = question.resource
    match resource.kind:
        case "dlm.policy":
            for item in resolve_deep(question.attribute("copies"), question.world).items:
                yield _Copy("its copies", item.members.get("key", Value(ABSENT)), item.members.get("region"))
        case "rds.instance":
            if question.attribute("source").data is not ABSENT:
                yield _Copy("it", _deep(question, "requested_key"), resource.region)
            yield _Copy("its copied backups", _deep(question, "backup_copy_key"), _deep(question, "backup_copy_region"))
        case "rds.cluster":
            if any(question.attribute(name).data is not ABSENT for name in ("source", "source_region", "global_cluster")):
                yield _Copy("it", _deep(question, "requested_key"), resource.region)
        case "rds.snapshot_copy" | "rds.cluster_snapshot_copy":
            yield _Copy("it", _deep(question, "requested_key"), resource.region)
        case "ec2.ami":
            if question.attribute("copy").data is True:
                yield _Copy("it", _deep(question, "key"), resource.region)
        case _:
            yield _Copy("it", _deep(question, "key"), resource.region)


def _deep(question: Question, name: str) -> Value:
    return resolve_deep(question.attribute(name), question.world)


def same_kind_of_key(question: Question) -> Answer:
    """Whether a replica is under a customer managed key where its primary or a sibling is, and not where they are not."""
    own = question.attribute("key")
    has = _is_customer_managed(own)
    if has is Truth.YES:
        return _GOOD
    here_ = here("this replica has no customer managed key", own, question.resource)
    for what, other in _relatives(question):
        theirs = _is_customer_managed(other)
        if theirs is Truth.NO:
            continue
        truth = has | ~theirs
        evidence = (here_, Evidence(f"{what} has one", other.where))
        return Answer(truth, evidence, () if truth is Truth.NO else opens(own, other), values={"other": what})
    return _GOOD


def _relatives(question: Question) -> Iterator[tuple[str, Value]]:
    access = Access(question.graph, question.world, question.settings)
    edge = "secret" if question.resource.kind == "secretsmanager.replica" else "table"
    for primary, there in access.ends(question.resource, edge):
        if not isinstance(primary, Resource) or there is not Truth.YES:
            continue
        if primary.kind != "dynamodb.global_table":
            yield primary.address, access.value(primary, "key")
            continue
        for replica, _ in access.sources(primary, "table", question.resource.kind):
            if replica is not question.resource:
                yield "another replica", access.value(replica, "key")


def _is_customer_managed(key: Value) -> Truth:
    if key.data is ABSENT or key.data is None:
        return Truth.NO
    if isinstance(key.data, Unknown) and key.target is None and not key.data.prefix:
        return Truth.UNKNOWN if not key.data.not_null else Truth.YES
    return Truth.of(AWS_MANAGED not in show(sym(key)))


def keyed_across_regions(question: Question) -> Answer:
    """Whether an encrypted replica of a database in another Region names a key of its own Region."""
    key = question.attribute("requested_key")
    if key.data is not ABSENT:
        return _GOOD
    access = Access(question.graph, question.world, question.settings)
    own = question.resource.region or Value(Unknown("the Region deployed to is not known", "--region"))
    for source, there in access.ends(question.resource, "source"):
        if isinstance(source, Resource):
            region: Value | None = source.region
            encrypted = access.value(source, "encrypted")
        else:
            region, encrypted = arn_part(source.value, 3), question.attribute("requested")
        if region is None:
            continue
        truth = ~same_text(region, own) & there & _flag(encrypted)
        if truth is not Truth.NO:
            return _unkeyed(
                question, truth, f"its source {name_of(source)} is encrypted and of {shown(region)}", (region, own, encrypted)
            )
    given = access.value(question.resource, "source_region") if question.resource.kind == "rds.cluster" else Value(ABSENT)
    if given.data is not ABSENT:
        requested = question.attribute("requested")
        truth = ~same_text(given, own) & _flag(requested)
        if truth is not Truth.NO:
            return _unkeyed(question, truth, f"it is encrypted, and its source is of {shown(given)}", (given, own, requested))
    return _GOOD


def _flag(value: Value) -> Truth:
    if value.data is ABSENT:
        return Truth.NO
    return Truth.of(value.data) if isinstance(value.data, bool) else Truth.UNKNOWN


def _unkeyed(question: Question, truth: Truth, message: str, values: tuple[Value, ...]) -> Answer:
    evidence = (Evidence(message, question.resource.head, None, question.resource),)
    return Answer(~truth, evidence, () if truth is Truth.YES else opens(*values))


def _answer(findings: list[Found]) -> Answer:
    if not findings:
        return _GOOD
    truth = Truth.NO if any(found.truth is Truth.NO for found in findings) else Truth.UNKNOWN
    return Answer(truth, findings=tuple(findings))
