"""S3 replication of encrypted objects: what is selected, under which key, and whether the role may use the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kmsguard.iam.texts import show, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Answer, Question, worst_of
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Unknown
from kmsguard.rules.checks.access import Access
from kmsguard.rules.checks.s3_replication import Cause, Replication, Use, key_region_of
from kmsguard.rules.checks.telling import here, name_of, opens, same_text, shown

_GOOD = Answer(Truth.YES)


def source_key(question: Question) -> Answer:
    """Whether the role may decrypt with the key of the source objects."""
    return _told(question, Replication.decrypts, ("denied", "key policy", "other account", "boundary", "identity", "open"))


def replica_key(question: Question) -> Answer:
    """Whether the role may encrypt with the replica key; what the owner of a key of another account has to do is not it."""
    return _told(question, Replication.encrypts, ("denied", "key policy", "boundary", "identity", "open"))


def replica_key_shared(question: Question) -> Answer:
    """Whether the policy of a replica key of another account lets the role in."""
    return _told(question, Replication.encrypts, ("other account",))


def encryption_context(question: Question) -> Answer:
    """Whether statements name the encryption context that S3 sends: that of Bucket Keys, or that of objects."""
    answer = _told(question, Replication.decrypts, ("context",))
    return answer if answer.truth is Truth.NO else _told(question, Replication.encrypts, ("context",))


def opted_in(question: Question) -> Answer:
    """Whether objects under SSE-KMS are replicated where the source bucket makes such objects."""
    asked = Replication(question)
    on = question.attribute("kms_objects")
    if on.data is True:
        return _GOOD
    key = question.attribute("replica_key")
    if on.data is False and key.data is not ABSENT and question.attribute("kms_objects_given").data is False:
        evidence = Evidence("a replica key without the switch for objects under SSE-KMS: S3 refuses it", key.where)
        return Answer(Truth.NO, (evidence,), values={"problem": "names a replica key and does not switch on"})
    return worst_of(asked.left_out(source, on) for source, _ in asked.sources)


def key_named(question: Question) -> Answer:
    """Whether a rule says with which key it encrypts the replicas of objects under SSE-KMS."""
    key = question.attribute("replica_key")
    if key.data is not ABSENT and key.data is not None:
        return _GOOD
    place = question.attribute("destination")
    return Answer(Truth.NO, (here("this destination names no replica key", place, question.resource),))


def key_fits(question: Question) -> Answer:
    """Whether S3 can use a key as replica key for this destination: a symmetric one, named so that it is found."""
    return worst_of(_misfits(question))


def _misfits(question: Question) -> Iterator[Answer]:
    asked = Replication(question)
    for key, there in asked.keys:
        problem = asked.misfit(key)
        if problem is not None:
            truth, message, open_ = problem
            evidence = (here(message, asked.key_value, question.resource),)
            open_ = open_ if there is Truth.YES else (*open_, Open(name_of(key), _WHETHER))
            yield Answer(truth | ~there, evidence, open_, values={"problem": message, "key": name_of(key)})


_WHETHER = "whether this is the replica key is not known"


def key_region(question: Question) -> Answer:
    """Whether the replica key is of the destination bucket's Region."""
    return worst_of(_of_other_regions(question))


def _of_other_regions(question: Question) -> Iterator[Answer]:
    asked = Replication(question)
    for key, there in asked.keys:
        for bucket, sure in asked.destinations:
            own, wanted = key_region_of(key), asked.bucket_region(bucket)
            if own is None:
                continue
            same = same_text(own, wanted) | ~(there & sure)
            if same is Truth.NO and asked.is_bare:
                same = Truth.UNKNOWN
            if same is not Truth.YES:
                evidence = (
                    here(f"this key is of {shown(own)}", asked.key_value, question.resource),
                    Evidence(
                        f"the destination bucket is of {shown(wanted)}", bucket.head if isinstance(bucket, Resource) else None
                    ),
                )
                open_ = (*opens(own), *opens(wanted)) or (Open(name_of(key), "in which Region it is looked up is not known"),)
                values = {"key": name_of(key), "key_region": shown(own), "bucket_region": shown(wanted)}
                yield Answer(same, evidence, open_, values=values)


# Cryptographic operations a second that an account shares, as AWS publishes them on 2026-11-24:
# https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
_QUOTA = {"us-east-1": "100,000", "us-west-2": "100,000", "eu-west-1": "100,000"} | dict.fromkeys(
    ("us-east-2", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "eu-central-1", "eu-west-2"), "20,000"
)
_OTHER_QUOTA = "10,000"


def requests(question: Question) -> Answer:
    """Whether one object is replicated to one destination under SSE-KMS, or a Bucket Key saves most of the requests.

    Told at the first of the rules.
    """
    asked = Replication(question)
    keyed = [
        other
        for other in question.graph.by_address[question.resource.unit, question.resource.address]
        if other.kind == question.resource.kind
        and asked.access.value(other, "enabled").data is True
        and asked.access.value(other, "kms_objects").data is True
    ]
    buckets = {show(sym(asked.access.value(other, "destination"), asked.deployment)) for other in keyed}
    if len(buckets) < 2 or keyed[0] is not question.resource:
        return _GOOD
    for source, _ in asked.sources:
        if not isinstance(source, Resource) or asked.makes_kms_objects(source)[0] is not Truth.YES:
            continue
        if asked.bucket_key(source) is Truth.YES:
            continue
        region = asked.bucket_region(source).text or ""
        quota = f"{_QUOTA.get(region, _OTHER_QUOTA)} a second in {region}" if region else "10,000 to 100,000 a second by Region"
        value = asked.access.value(source, "bucket_key")
        evidence = (
            Evidence("without a Bucket Key each object has a data key of its own", value.where or source.head, None, source),
        )
        values = {"source": source.address, "destinations": str(len(buckets)), "quota": quota}
        truth = asked.bucket_key(source)
        return Answer(truth, evidence, opens(value) if truth is Truth.UNKNOWN else (), values=values)
    return _GOOD


def customer_keys(question: Question) -> Answer:
    """Whether a destination takes the objects under SSE-C that its source takes."""
    asked = Replication(question)
    if not any(isinstance(s, Resource) and _takes_customer_keys(asked.access, s) is Truth.YES for s, _ in asked.sources):
        return _GOOD
    for bucket, _ in asked.destinations:
        if not isinstance(bucket, Resource):
            return Answer(Truth.UNKNOWN, (), (Open(name_of(bucket), "whether this bucket blocks SSE-C is not known"),))
        blocked = asked.access.value(bucket, "blocked_encryption")
        takes = _takes_customer_keys(asked.access, bucket)
        if takes is Truth.YES:
            continue
        values = {"destination": bucket.address}
        if takes is Truth.NO and blocked.where is None:
            since = Open(bucket.address, "new buckets block SSE-C since April 2026, older ones may take it")
            return Answer(
                Truth.UNKNOWN, (Evidence("nothing is said of SSE-C here", bucket.head, None, bucket),), (since,), values=values
            )
        evidence = (
            here("objects go to a bucket that blocks SSE-C", question.attribute("destination"), question.resource),
            Evidence("this bucket blocks SSE-C", blocked.where, None, bucket),
        )
        return Answer(takes, evidence, opens(blocked), values=values)
    return _GOOD


def _takes_customer_keys(access: Access, bucket: Resource) -> Truth:
    blocked = access.value(bucket, "blocked_encryption")
    if isinstance(blocked.data, Unknown):
        return Truth.UNKNOWN
    texts = [item.text for item in blocked.items]
    return Truth.NO if "SSE-C" in texts else Truth.YES if None not in texts else Truth.UNKNOWN


def _told(question: Question, uses: Callable[[Replication], Iterator[Use]], causes: tuple[Cause, ...]) -> Answer:
    asked = Replication(question)
    wrong = [v for v in asked.verdicts(uses(asked)) if v.truth is not Truth.YES and v.cause in causes]
    wrong = [v for v in wrong if not asked.told_before(v, uses)]
    if not wrong:
        return _GOOD
    verdict = next((v for v in wrong if v.truth is Truth.NO), wrong[0])
    use = verdict.use
    place = asked.key_value if use.action == "kms:Encrypt" and asked.key_value.where is not None else asked.role_value
    head = here(f"S3 calls {use.action} here with {name_of(verdict.role)}", place, question.resource)
    principal = asked.access.principal(verdict.role)
    values = {"role": name_of(verdict.role), "key": name_of(use.key), "reason": _REASONS[verdict.cause], "action": use.action}
    return Answer(
        verdict.truth,
        (head, *asked.evidence(verdict.decision, principal, use.action)),
        () if verdict.truth is Truth.NO else (verdict.open or verdict.decision.open),
        values=values,
        remediation=asked.remediation(verdict) if verdict.truth is Truth.NO else "",
    )


_REASONS: dict[Cause, str] = {
    "denied": ": a statement denies it",
    "context": ": the statement that allows it names another encryption context than S3 sends",
    "key policy": ": the key policy lets neither it nor the account's identity policies in",
    "other account": ": the policy of the key, which is of another account, does not let it in",
    "boundary": ": its permission boundary does not allow it",
    "identity": ": none of its policies allows it",
    "open": "",
}
