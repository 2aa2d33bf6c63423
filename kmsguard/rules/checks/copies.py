"""The keys of copies, replicas and secondaries in other Regions, of other services than S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kmsguard.conditions.comparison import is_set
from kmsguard.iam.key_policies import ALIAS_OF_AWS
from kmsguard.iam.texts import show, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Answer, Found, Question, answer_of, worst_of
from kmsguard.model.truth import Truth, all_of, any_of
from kmsguard.model.value import ABSENT, NOTHING, Unknown, Value, resolve_deep
from kmsguard.rules.checks.access import Access, access_of, arn_part
from kmsguard.rules.checks.related_keys import regions_of
from kmsguard.rules.checks.telling import here, name_of, opens, same_text, shown

_GOOD = Answer(Truth.YES)


class _Copy(NamedTuple):
    """Something that is made under a key in a Region."""

    what: str
    key: Value
    region: Value | None


def own_region(question: Question) -> Answer:
    """Whether copies, replicas and secondaries are under keys of the Region in which they are made."""
    access = access_of(question)
    findings: list[Found] = []
    for number, copy in enumerate(_copies(question)):
        region = copy.region or Value(Unknown("the Region deployed to is not known", "--region"))
        own, same = _region_of_key(access, question.resource, copy.key, region)
        if same is Truth.YES:
            continue
        values = {"what": copy.what, "key_region": shown(own), "region": shown(region)}
        evidence = (here(f"this key is of {shown(own)}, and used in {shown(region)}", copy.key, question.resource),)
        findings.append(Found(f"{copy.what}.{number}", same, evidence, () if same is Truth.NO else opens(own, region), values))
    return answer_of(findings)


def _region_of_key(access: Access, user: Resource, key: Value, region: Value) -> tuple[Value, Truth]:
    """The Region of a key, and whether it can be used in another one.

    A key id alone is looked up where it is used: it finds a key there, or the related key of a multi-Region key.
    """
    own = arn_part(key, 3)
    if own is not None:
        return own, same_text(own, region)
    if not isinstance(key.data, Unknown):
        return region, Truth.YES
    address = key.target.address if key.target is not None else ""
    for one in access.graph.by_address.get((user.unit, address), ()):
        if one.kind == "kms.key" and one.region is not None:
            regions, more = regions_of(access, one)
            return one.region, more | any_of(same_text(of, region) for of in regions)
    reference = next((o.reference for o in opens(key)), None)
    return Value(Unknown("the Region of the key is not known", reference)), Truth.UNKNOWN


def _copies(question: Question) -> Iterator[_Copy]:
    resource = question.resource
    match resource.kind:
        case "dlm.policy":
            for item in resolve_deep(question.attribute("copies"), question.world).items:
                yield _Copy("its copies", item.members.get("key", Value(ABSENT)), item.members.get("region"))
        case "backup.vault":
            yield _Copy("backups", _deep(question, "key"), resource.region)
        case "rds.instance":
            if question.attribute("source").data is not ABSENT:
                yield _Copy("it", _deep(question, "requested_key"), resource.region)
            yield _Copy("its copied backups", _deep(question, "backup_copy_key"), _deep(question, "backup_copy_region"))
        case "rds.cluster" | "docdb.cluster" | "neptune.cluster":
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
    if question.attribute("destination").data is not ABSENT:
        return _GOOD  # the file system is there, under a key of its own
    own = question.attribute("key")
    has = _is_customer_managed(own)
    if has is Truth.YES and question.resource.kind not in _ALIKE:
        return _GOOD
    place = own if own.where is not None else _where_to(question.resource)
    head = here(f"this replica has {'a' if has is Truth.YES else 'no'} customer managed key", place, question.resource)
    return worst_of(_differences(question, own, has, head))


def _differences(question: Question, own: Value, has: Truth, head: Evidence) -> Iterator[Answer]:
    """Of each relative that is, or may be, under another kind of key than a replica."""
    for what, other in _relatives(question):
        theirs = _is_customer_managed(other)
        truth = has | ~theirs
        if has is Truth.YES and what != _SIBLING:
            truth = theirs
        if truth is Truth.YES:
            continue
        evidence = (head, Evidence(f"{what} has {'none' if has is Truth.YES else 'one'}", other.where))
        problem = f"under a customer managed key, though {what} has none"
        if has is not Truth.YES:
            problem = f"without a customer managed key, though {what} has one"
        yield Answer(truth, evidence, opens(own, other), values={"problem": problem})


def _where_to(replica: Resource) -> Value:
    """The Region that a block of a declaration names for itself; nothing where the Region is that of the provider."""
    region = replica.region
    if region is None or region.where is None or region.where.file != replica.span.file:
        return NOTHING
    return region if replica.span.start_line <= region.where.start_line <= replica.span.end_line else NOTHING


_SIBLING = "another replica"
_ALIKE = ("dynamodb.replica",)
"""What AWS refuses where only some have a customer managed key."""


_PRIMARY = {
    "secretsmanager.replica": "secret",
    "dynamodb.replica": "table",
    "efs.replication": "source",
    "elasticache.replication_group": "global",
    "memorydb.cluster": "multi_region_cluster",
}
"""The edge from a replica to what it is a replica of, or to the whole of which it is a part."""

_WHOLES = {"dynamodb.global_table": "table", "memorydb.multi_region_cluster": "multi_region_cluster"}
"""What is no store itself, and the edge by which its parts lead to it."""


def _relatives(question: Question) -> Iterator[tuple[str, Value]]:
    access, resource = access_of(question), question.resource
    edge = _PRIMARY.get(resource.kind)
    if edge is None:  # the parts of one declaration
        for sibling in question.graph.by_address.get((resource.unit, resource.address), ()):
            if sibling is not resource and sibling.kind == resource.kind:
                yield "another Region", access.value(sibling, "key")
        return
    for primary, there in access.ends(resource, edge):
        if not isinstance(primary, Resource) or there is not Truth.YES:
            continue
        if primary.kind not in _WHOLES:
            yield primary.address, access.value(primary, "key")
            continue
        for replica, _ in access.sources(primary, _WHOLES[primary.kind], resource.kind):
            if replica is not resource:
                yield _SIBLING, access.value(replica, "key")


def _is_customer_managed(key: Value) -> Truth:
    if key.data is ABSENT or key.data is None:
        return Truth.NO
    if isinstance(key.data, Unknown) and key.target is None and not key.data.prefix:
        return Truth.UNKNOWN if not key.data.not_null else Truth.YES
    return Truth.of(ALIAS_OF_AWS not in show(sym(key)))


def keyed_across_regions(question: Question) -> Answer:
    """Whether an encrypted replica of a database in another Region names a key of its own Region."""
    key = question.attribute("requested_key")
    if key.data is not ABSENT:
        return _GOOD
    access, resource = access_of(question), question.resource
    own = resource.region or Value(Unknown("the Region deployed to is not known", "--region"))
    answers = []
    for abroad in (*_sources(question, access), *_primaries(question, access)):
        truth = ~same_text(abroad.region, own) & abroad.there & _flag(abroad.encrypted)
        evidence = (Evidence(abroad.message, resource.head, None, resource),)
        answers.append(Answer(~truth, evidence, (*opens(abroad.region, own, abroad.encrypted), *abroad.open)))
    return worst_of(answers)


class _Abroad(NamedTuple):
    """Something that a database is replicated from."""

    message: str
    region: Value
    encrypted: Value
    there: Truth
    open: tuple[Open, ...] = ()


def _sources(question: Question, access: Access) -> Iterator[_Abroad]:
    """What a database names as its source."""
    resource = question.resource
    for source, there in access.ends(resource, "source"):
        if isinstance(source, Resource):
            region: Value | None = source.region
            encrypted = access.value(source, "encrypted")
        else:
            region, encrypted = arn_part(source.value, 3), _perhaps_encrypted(question)
        if region is not None:
            message = f"its source {name_of(source)} is encrypted and of {shown(region)}"
            yield _Abroad(message, region, encrypted, there)
    given = question.attribute("source_region")
    if given.data is not ABSENT:
        message = f"it is encrypted, and its source is of {shown(given)}"
        yield _Abroad(message, given, _perhaps_encrypted(question), Truth.YES)


def _perhaps_encrypted(question: Question) -> Value:
    """Whether a source elsewhere is encrypted: a replica is as its source is, whether it says so or not."""
    requested = question.attribute("requested")
    if requested.data is not ABSENT:
        return requested
    return Value(Unknown("whether its source is encrypted is not known here", question.resource.address))


def _primaries(question: Question, access: Access) -> Iterator[_Abroad]:
    """The primaries of the global clusters that a cluster joins: those that their source is, or that have a user.

    A secondary takes no user and no password: it replicates those of the primary. Neptune has none anywhere.
    """
    resource = question.resource
    for whole, there in access.ends(resource, "global_cluster"):
        if not isinstance(whole, Resource):
            continue
        first = [end for end, _ in access.ends(whole, "source")]
        members = [one for one, _ in access.sources(whole, "global_cluster", resource.kind)]
        if resource in first or _has_user(access, resource):
            continue
        for cluster in (*first, *members):
            if not isinstance(cluster, Resource) or cluster is resource or cluster.region is None:
                continue
            certain = cluster in first or _has_user(access, cluster)
            if not certain and (first or resource.kind != "neptune.cluster"):
                continue
            open_ = () if certain else (Open(whole.address, "which of its clusters is the primary one"),)
            message = f"it is a secondary of {cluster.address}, which is encrypted and of {shown(cluster.region)}"
            yield _Abroad(
                message,
                cluster.region,
                access.value(cluster, "encrypted"),
                there & (Truth.YES if certain else Truth.UNKNOWN),
                open_,
            )


def _has_user(access: Access, cluster: Resource) -> bool:
    return any(
        access.value(cluster, name).data not in (ABSENT, None, False)
        for name in ("username", "password", "managed_password", "snapshot")
    )


def _flag(value: Value) -> Truth:
    if value.data is ABSENT:
        return Truth.NO
    return Truth.of(value.data) if isinstance(value.data, bool) else Truth.UNKNOWN


def backups_keyed(question: Question) -> Answer:
    """Whether the automated backups of an encrypted database that are replicated are under a customer managed key."""
    access, resource = access_of(question), question.resource
    if resource.kind == "rds.instance":
        place, key = question.attribute("backup_copy_region"), question.attribute("backup_copy_key")
        if place.data is ABSENT:
            return _GOOD
        encrypted = _flag(question.attribute("encrypted"))
    else:
        place, key = question.attribute("source"), question.attribute("key")
        sources = [end for end, _ in access.ends(resource, "source") if isinstance(end, Resource)]
        encrypted = all_of(_flag(access.value(one, "encrypted")) for one in sources)
    keyed = _is_customer_managed(key) | ~encrypted
    if keyed is Truth.YES:
        return _GOOD
    where = key if key.data is not ABSENT else place
    evidence = (here("the replicated backups get no customer managed key", where, resource),)
    return Answer(keyed, evidence, () if keyed is Truth.NO else opens(key, question.attribute("encrypted")))


def copied_with_grant(question: Question) -> Answer:
    """Whether copies of the snapshots of a Redshift cluster under a key have a grant for a key where they are made.

    https://docs.aws.amazon.com/redshift/latest/mgmt/working-with-aws-kms.html
    """
    access, copy = access_of(question), question.resource
    region, grant = question.attribute("destination_region"), question.attribute("grant")
    return worst_of((*_without_grant(access, copy, grant, region), *_with_grant(access, copy, grant, region)))


def _without_grant(access: Access, copy: Resource, grant: Value, region: Value) -> Iterator[Answer]:
    """Of each encrypted cluster that is copied without a grant."""
    if grant.data is not ABSENT:
        return
    for cluster, _ in access.ends(copy, "cluster"):
        if not isinstance(cluster, Resource):
            continue
        key = access.value(cluster, "key")
        keyed = is_set(key) & _flag(access.value(cluster, "encrypted"))
        evidence = (
            here("no grant is named for the copies", region, copy),
            Evidence(f"{cluster.address} is under a key", key.where, key.trail, cluster),
        )
        yield Answer(~keyed, evidence, opens(key, access.value(cluster, "encrypted")), values={"problem": "without a grant"})


def _with_grant(access: Access, copy: Resource, grant: Value, region: Value) -> Iterator[Answer]:
    """Of each grant that the copies are made with and that is of another Region, or perhaps is."""
    for end, there in access.ends(copy, "grant"):
        if not isinstance(end, Resource) or end.region is None or there is not Truth.YES:
            continue
        evidence = (
            here(f"the copies are made in {shown(region)}", grant, copy),
            Evidence(f"this grant is of {shown(end.region)}", end.head, None, end),
        )
        values = {"problem": f"with a grant of {shown(end.region)}"}
        yield Answer(same_text(end.region, region), evidence, opens(end.region, region), values=values)
