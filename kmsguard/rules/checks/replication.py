"""S3 replication of encrypted objects, and the keys of copies in other Regions and accounts.

What S3 asks of KMS: Decrypt with the key of the source object, through S3 in the source's Region; Encrypt with the replica key,
through S3 in the destination's Region. The encryption context is the object's ARN, with an S3 Bucket Key the bucket's:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from kmsguard.iam.decide import OWN_ACCOUNT, Decision, Key, Layer, Principal, can
from kmsguard.iam.document import PolicyDocument, Statement, read_policy
from kmsguard.iam.texts import like, match, show, sym, without_case
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import External, Resource
from kmsguard.model.rule import Answer, Question
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Text, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of, arn_part

End: TypeAlias = "Resource | External"
Cause: TypeAlias = Literal["denied", "context", "key policy", "other account", "boundary", "identity", "open"]
_Context: TypeAlias = "Mapping[str, Value]"

OBJECT_CONTEXT = "kms:EncryptionContext:aws:s3:arn"
AWS_MANAGED = "alias/aws/"
S3_MANAGED_KEY = External("kms.key", Value("alias/aws/s3"))
KMS_ENCRYPTION = ("aws:kms", "aws:kms:dsse")
READ_VERSIONS = "s3:GetObjectVersionForReplication"
WRITE_REPLICAS = "s3:ReplicateObject"
_GOOD = Answer(Truth.YES)
_EVERYTHING = read_policy(
    Value({"Statement": Value({n: Value(v) for n, v in (("Effect", "Allow"), ("Action", "*"), ("Resource", "*"))})})
)


class _Use(NamedTuple):
    """What S3 does with a key, and the encryption contexts with which it may: a Bucket Key is on, off, or perhaps on."""

    action: str
    key: End
    there: Truth
    contexts: tuple[_Context, ...]
    others: tuple[_Context, ...]  # those that it has when the Bucket Keys are the other way round
    certain: bool  # whether there are objects for which it is done
    bucket: Value  # the ARN that the encryption context is made from
    region: Value


class _Verdict(NamedTuple):
    """Whether a role may do what S3 does with a key."""

    truth: Truth
    cause: Cause
    use: _Use
    role: End
    decision: Decision
    open: tuple[Open, ...] = ()


# Questions of rules


def source_key(question: Question) -> Answer:
    """Whether the role may decrypt with the key of the source objects."""
    return _told(question, _Replication.decrypts, ("denied", "key policy", "other account", "boundary", "identity", "open"))


def replica_key(question: Question) -> Answer:
    """Whether the role may encrypt with the replica key; what the owner of a key of another account has to do is not it."""
    return _told(question, _Replication.encrypts, ("denied", "key policy", "boundary", "identity", "open"))


def replica_key_shared(question: Question) -> Answer:
    """Whether the policy of a replica key of another account lets the role in."""
    return _told(question, _Replication.encrypts, ("other account",))


def encryption_context(question: Question) -> Answer:
    """Whether statements name the encryption context that S3 sends: that of Bucket Keys, or that of objects."""
    answer = _told(question, _Replication.decrypts, ("context",))
    return answer if answer.truth is Truth.NO else _told(question, _Replication.encrypts, ("context",))


def read_versions(question: Question) -> Answer:
    """Whether the role may read versions in the way that covers objects under SSE-KMS."""
    asked = _Replication(question)
    for source, _ in asked.sources:
        if isinstance(source, Resource):
            answer = _with_objects(asked, source, READ_VERSIONS, "source")
            if answer is not None:
                return answer
    return _GOOD


def write_replicas(question: Question) -> Answer:
    """Whether the role may write replicas to the destination, as far as that is known here."""
    asked = _Replication(question)
    for destination, _ in asked.destinations:
        answer = _with_objects(asked, destination, WRITE_REPLICAS, "destination")
        if answer is not None:
            return answer
    return _GOOD


def _with_objects(asked: _Replication, bucket: End, action: str, called: str) -> Answer | None:
    """What is wrong where a role of the scan may not do something with the objects of a bucket.

    Of an S3 object of one account either side suffices, like of a key whose policy leaves all to identity policies:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-req-identity.html.
    The policy of a bucket that is not in the scan may allow it to a role of its own account.
    """
    for role, _ in asked.roles:
        if not isinstance(role, Resource) and not isinstance(bucket, Resource):
            continue
        principal = asked.access.principal(role)
        decision = _of_objects(asked, bucket, role, principal, action)
        if decision.truth is Truth.YES:
            continue
        truth, open_ = decision.truth, decision.open
        if truth is Truth.NO and not isinstance(bucket, Resource):
            other = ~same_text(asked.account(bucket), principal.account)
            if other is not Truth.YES:
                truth, open_ = (
                    Truth.UNKNOWN,
                    (Open(name_of(bucket), "what the policy of this bucket allows is not known here"),),
                )
        statement = {"Effect": "Allow", "Action": action, "Resource": asked.written(bucket, "arn", "/*")}
        return Answer(
            truth,
            (
                here("this role replicates", asked.role_value, asked.resource),
                *asked.evidence(decision, principal, action),
            ),
            () if truth is Truth.NO else open_,
            values={"role": name_of(role), called: name_of(bucket)},
            remediation=_paste(f"Add this statement to {_where_to_allow(asked, bucket, principal)}:", statement),
        )
    return None


def _where_to_allow(asked: _Replication, bucket: End, principal: Principal) -> str:
    role = ", ".join(name_of(end) for end, _ in asked.roles)
    abroad = same_text(asked.account(bucket), principal.account) is Truth.NO
    return f"a policy of {role}" + (f", and with the role as Principal to that of {name_of(bucket)}" if abroad else "")


def _of_objects(asked: _Replication, bucket: End, role: End, principal: Principal, action: str) -> Decision:
    """Whether a role may do something with the objects of a bucket; across accounts both sides have to allow it."""
    objects, account = _objects(asked.bucket_arn(bucket), asked.prefix), principal.account
    of = role if isinstance(role, Resource) else bucket
    assert isinstance(of, Resource)
    own = asked.left_to_identities(of)
    policies = asked.bucket_policy(bucket) if isinstance(bucket, Resource) else ()
    abroad = isinstance(bucket, Resource) and same_text(asked.account(bucket), account) is not Truth.YES
    documents = (own,) if abroad else (own, *policies)
    # The decision is that of KMS, which does few things across accounts: each side is asked as if it were the own account.
    decision = can(principal, action, Key(objects, Layer(documents=documents), account), {}, deployment=asked.deployment)
    if not abroad or decision.truth is Truth.NO:
        return decision
    free = msgspec.structs.replace(principal, identity_policies=Layer(documents=(_EVERYTHING,)), boundary=None)
    let_in = can(free, action, Key(objects, Layer(documents=policies), account), {}, deployment=asked.deployment)
    if let_in.truth is Truth.NO and same_text(asked.account(bucket), account) is not Truth.NO:
        return msgspec.structs.replace(let_in, truth=decision.truth, open=decision.open)
    return let_in if let_in.truth < decision.truth else decision


def versioned(question: Question) -> Answer:
    """Whether the source and the destination keep versions, which S3 asks of both; of a bucket outside nothing is said."""
    asked = _Replication(question)
    for bucket, there in (*asked.sources, *asked.destinations):
        if not isinstance(bucket, Resource) or there is not Truth.YES:
            continue
        value = asked.access.value(bucket, "versioning")
        if value.text == "Enabled":
            continue
        truth = Truth.UNKNOWN if value.text is None else Truth.NO
        evidence = (Evidence("this bucket does not keep versions", value.where or bucket.head, value.trail, bucket),)
        open_ = opens(value) if truth is Truth.UNKNOWN else ()
        return Answer(truth, evidence, open_, values={"bucket": bucket.address})
    return _GOOD


def opted_in(question: Question) -> Answer:
    """Whether objects under SSE-KMS are replicated where the source bucket makes such objects."""
    asked = _Replication(question)
    on = question.attribute("kms_objects")
    if on.data is True:
        return _GOOD
    key = question.attribute("replica_key")
    if on.data is False and key.data is not ABSENT and question.attribute("kms_objects_given").data is False:
        evidence = Evidence("a replica key without the switch for objects under SSE-KMS: S3 refuses it", key.where)
        return Answer(Truth.NO, (evidence,), values={"problem": "names a replica key and does not switch on"})
    answers = [asked.left_out(source, on) for source, _ in asked.sources]
    return next((a for truth in (Truth.NO, Truth.UNKNOWN) for a in answers if a.truth is truth), _GOOD)


def key_named(question: Question) -> Answer:
    """Whether a rule says with which key it encrypts the replicas of objects under SSE-KMS."""
    key = question.attribute("replica_key")
    if key.data is not ABSENT and key.data is not None:
        return _GOOD
    place = question.attribute("destination")
    return Answer(Truth.NO, (here("this destination names no replica key", place, question.resource),))


def key_fits(question: Question) -> Answer:
    """Whether S3 can use a key as replica key for this destination: a symmetric one, named so that it is found."""
    asked = _Replication(question)
    for key, _ in asked.keys:
        problem = asked.misfit(key)
        if problem is not None:
            truth, message, open_ = problem
            evidence = (here(message, asked.key_value, question.resource),)
            return Answer(truth, evidence, open_, values={"problem": message, "key": name_of(key)})
    return _GOOD


def key_region(question: Question) -> Answer:
    """Whether the replica key is of the destination bucket's Region."""
    asked = _Replication(question)
    for key, _ in asked.keys:
        for bucket, _ in asked.destinations:
            own, wanted = _key_region(key), asked.bucket_region(bucket)
            if own is None:
                continue
            same = same_text(own, wanted)
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
                return Answer(same, evidence, () if same is Truth.NO else open_, values=values)
    return _GOOD


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
    asked = _Replication(question)
    keyed = [
        other
        for other in question.graph.by_kind.get("s3.replication", ())
        if (other.unit, other.address) == (question.resource.unit, question.resource.address)
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
    asked = _Replication(question)
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


# A replication rule


class _Replication:
    """One rule of a replication configuration in one world."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.resource = question.resource
        self.access = access_of(question)
        self.deployment = self.access.deployment(self.resource)
        self.roles = self.access.ends(self.resource, "role")
        self.sources = self.access.ends(self.resource, "source")
        self.destinations = self.access.ends(self.resource, "destination")
        self.keys = self.access.ends(self.resource, "replica_key")
        self.role_value = question.attribute("role")
        self.key_value = question.attribute("replica_key")
        self.prefix = self.access.value(self.resource, "prefix")

    @property
    def is_bare(self) -> bool:
        """Whether the replica key is named by something that is looked up in the caller's account."""
        return _is_bare(self.access.value(self.resource, "replica_key"))

    def account(self, end: End) -> Value:
        """The account of a bucket."""
        if isinstance(end, Resource) and end.account is not None:
            return end.account
        given = self.access.value(self.resource, "destination_account")
        return given if given.data is not ABSENT else Value(Unknown("the account of the bucket is not known", name_of(end)))

    def bucket_region(self, end: End) -> Value:
        """The Region of a bucket."""
        if isinstance(end, Resource) and end.region is not None:
            return end.region
        return Value(Unknown("the Region of the bucket is not known", name_of(end), not_null=True))

    def bucket_arn(self, end: End) -> Value:
        """The ARN of a bucket."""
        if isinstance(end, Resource):
            return self.access.value(end, "arn")
        text = end.value.text
        if text is not None and not text.startswith("arn:"):
            return end.value.with_data(f"arn:{self.deployment.partition}:s3:::{text}")
        return end.value

    def left_to_identities(self, of: Resource) -> PolicyDocument:
        """What S3 takes for granted and KMS wants written: that the identity policies of an account count."""
        root = Text((Value(f"arn:{self.deployment.partition}:iam::"), of.account or OWN_ACCOUNT, Value(":root")))
        statement = {name: Value(text) for name, text in (("Effect", "Allow"), ("Action", "*"), ("Resource", "*"))}
        statement["Principal"] = Value({"AWS": Value(root)})
        return read_policy(Value({"Statement": Value(statement)}), self.deployment)

    def bucket_policy(self, bucket: Resource) -> tuple[PolicyDocument, ...]:
        """The policy of a bucket, where it has one."""
        policy = self.access.value(bucket, "policy")
        return () if policy.data is ABSENT else (read_policy(policy, self.deployment),)

    def makes_kms_objects(self, source: End) -> tuple[Truth, Value]:
        """Whether a bucket encrypts new objects with SSE-KMS, and where it says so."""
        if not isinstance(source, Resource):
            return Truth.UNKNOWN, Value(Unknown("how the bucket encrypts is not known", name_of(source)))
        value = self.access.value(source, "encryption")
        if isinstance(value.data, Unknown) or value.text is None:
            return Truth.UNKNOWN, value
        return Truth.of(value.text in KMS_ENCRYPTION), value

    def left_out(self, source: End, on: Value) -> Answer:
        """Whether objects of a bucket are left out because the switch for objects under SSE-KMS is off, or may be."""
        truth, value = self.makes_kms_objects(source)
        if truth is Truth.NO:
            return _GOOD
        open_ = (
            (opens(value) or (Open(name_of(source), "how this bucket encrypts is not known"),))
            if truth is not Truth.YES
            else ()
        )
        if isinstance(on.data, Unknown):
            truth, open_ = Truth.UNKNOWN, (*opens(on), *open_)
        if on.where is not None:
            evidence = [here("objects under SSE-KMS are not selected here", on, self.resource)]
        else:
            message = "the rule for this destination does not select objects under SSE-KMS"
            evidence = [here(message, self.question.attribute("destination"), self.resource)]
        if value.where is not None and isinstance(source, Resource):
            evidence.append(Evidence("the source bucket encrypts with SSE-KMS", value.where, None, source))
        return Answer(~truth, tuple(evidence), open_, values={"problem": "does not select"})

    def bucket_key(self, bucket: End) -> Truth:
        """Whether S3 uses a Bucket Key for what a bucket encrypts. Under DSSE-KMS there is none, whatever is said:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingDSSEncryption.html.
        """
        if not isinstance(bucket, Resource):
            return Truth.UNKNOWN
        if self.access.value(bucket, "encryption").text == "aws:kms:dsse":
            return Truth.NO
        data = self.access.value(bucket, "bucket_key").data
        return Truth.of(data) if isinstance(data, bool) else Truth.UNKNOWN

    def misfit(self, key: End) -> tuple[Truth, str, tuple[Open, ...]] | None:
        """Why S3 cannot use a key as the replica key; None where nothing speaks against it."""
        if isinstance(key, Resource):
            spec, usage = self.access.value(key, "spec").text, self.access.value(key, "usage").text
            if (spec or "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT" or (usage or "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT":
                return Truth.NO, f"S3 uses symmetric encryption keys only, and this one is {spec} for {usage}", ()
        text = show(sym(self.access.value(self.resource, "replica_key"), self.deployment))
        if not (AWS_MANAGED in text or text.startswith("alias/")):
            return None
        own = self.resource.account or Value(Unknown("the account deployed to is not known", "--account"))
        for bucket, _ in self.destinations:
            account = self.account(bucket)
            other = ~same_text(own, account)
            if other is Truth.NO:
                continue
            if AWS_MANAGED in text:
                message = f"{text} is managed by AWS and cannot be used from another account"
            elif self._is_own_alias(text, own, self.bucket_region(bucket)):
                continue
            else:
                message = f"{text} is looked up in the account of the role, and not in that of the destination bucket"
            return ~other, message, () if other is Truth.YES else opens(account) or opens(own)
        return None

    def _is_own_alias(self, name: str, account: Value, region: Value) -> bool:
        return any(
            self.access.value(alias, "name").text == name
            and alias.account is not None
            and same_text(alias.account, account) is Truth.YES
            and alias.region is not None
            and same_text(alias.region, region) is not Truth.NO
            for alias in self.question.graph.by_kind.get("kms.alias", ())
        )

    # What S3 does

    def decrypts(self) -> Iterator[_Use]:
        """Decrypt with the keys of the source objects."""
        for source, there in self.sources:
            truth, _ = self.makes_kms_objects(source)
            if truth is Truth.NO or not isinstance(source, Resource):
                continue
            keys = self.access.ends(source, "encrypted_with") or [(S3_MANAGED_KEY, Truth.YES)]
            on = self.bucket_key(source)
            arn, region = self.bucket_arn(source), self.bucket_region(source)
            contexts, others = self._contexts(arn, region, on)
            for key, sure in keys:
                yield _Use("kms:Decrypt", key, there & sure, contexts, others, truth is Truth.YES, arn, region)

    def encrypts(self) -> Iterator[_Use]:
        """Encrypt with the replica keys; nothing of those that S3 cannot use anyway."""
        certain = any(self.makes_kms_objects(source)[0] is not Truth.NO for source, _ in self.sources)
        for bucket, there in self.destinations:
            on = self.bucket_key(bucket)
            if on is Truth.NO and any(self.bucket_key(source) is not Truth.NO for source, _ in self.sources):
                on = Truth.UNKNOWN  # AWS does not say whether the source's Bucket Key counts for the replica
            arn, region = self.bucket_arn(bucket), self.bucket_region(bucket)
            contexts, others = self._contexts(arn, region, on)
            for key, sure in self.keys:
                own = _key_region(key)
                if self.misfit(key) is not None or (own is not None and same_text(own, region) is Truth.NO):
                    continue
                yield _Use("kms:Encrypt", key, there & sure, contexts, others, certain, arn, region)

    def _contexts(self, arn: Value, region: Value, bucket_key: Truth) -> tuple[tuple[_Context, ...], tuple[_Context, ...]]:
        whole = self._context(arn, region)
        each = self._context(_objects(arn, self.prefix), region)
        if bucket_key is Truth.UNKNOWN:
            return (whole, each), ()
        return ((whole,), (each,)) if bucket_key is Truth.YES else ((each,), (whole,))

    @staticmethod
    def _context(arn: Value, region: Value) -> _Context:
        return {
            "kms:ViaService": Value(Text((Value("s3."), region, Value(".amazonaws.com")))),
            OBJECT_CONTEXT: arn,
            "kms:EncryptionContextKeys": Value((Value("aws:s3:arn"),)),
        }

    # Decisions

    def decide(self, use: _Use, role: End) -> _Verdict:
        """Whether a role may do what S3 does, and why not."""
        principal = self.access.principal(role)
        key = self.access.key(use.key, self.resource, use.region)
        decisions = [self._can(principal, use.action, key, context) for context in use.contexts]
        bad = next((d for d in decisions if d.truth is Truth.NO), None)
        undecided = next((d for d in decisions if d.truth is not Truth.YES), decisions[0])
        if undecided.truth is Truth.YES:
            return _Verdict(Truth.YES, "open", use, role, undecided)
        if all(d.truth is Truth.NO for d in decisions) and use.there is Truth.YES:
            if use.certain:
                return _Verdict(Truth.NO, self._cause(use, principal, key, decisions[0]), use, role, decisions[0])
            some = Open("the objects of the source bucket", "whether some are under SSE-KMS")
            return _Verdict(Truth.UNKNOWN, "open", use, role, decisions[0], (some,))
        open_ = tuple(dict.fromkeys(o for d in decisions for o in d.open))
        if bad is not None and len(use.contexts) > 1:
            open_ = (Open("S3 Bucket Key", "whether the encryption context is the ARN of the bucket or of an object"), *open_)
        return _Verdict(Truth.UNKNOWN, "open", use, role, bad or undecided, open_)

    def _can(self, principal: Principal, action: str, key: Key, context: _Context) -> Decision:
        return can(principal, action, key, context, deployment=self.deployment)

    def _cause(self, use: _Use, principal: Principal, key: Key, decision: Decision) -> Cause:
        """What to mend, found by asking again with one thing mended."""
        if any(e.part == "denies" for e in decision.evidence):
            return "denied"
        if any(self._can(principal, use.action, key, context).truth is Truth.YES for context in use.others):
            return "context"
        free = msgspec.structs.replace(principal, identity_policies=Layer(documents=(_EVERYTHING,)), boundary=None)
        if self._can(free, use.action, key, use.contexts[0]).truth is Truth.NO:
            other = isinstance(key.account.data, str) and same_text(key.account, principal.account) is Truth.NO
            return "other account" if other else "key policy"
        if principal.boundary is not None:
            unbound = msgspec.structs.replace(principal, boundary=None)
            if self._can(unbound, use.action, key, use.contexts[0]).truth is not Truth.NO:
                return "boundary"
        return "identity"

    # What is told

    def evidence(self, decision: Decision, principal: Principal, action: str) -> tuple[Evidence, ...]:
        """The statements and layers that decided, and the statements that nearly allow."""
        shown = [Evidence(e.message, e.span) for e in (*decision.evidence, *decision.missed) if e.span is not None]
        if decision.truth is Truth.NO and not any(e.part == "denies" for e in decision.evidence):
            shown += [
                Evidence(f"statement {statement.name} allows {action}, but not for this", statement.span)
                for document in principal.identity_policies.documents
                for statement in document.statements
                if statement.effect == "Allow" and _names(statement, action)
            ]
        unique = {(e.message, e.span): e for e in shown}
        return tuple(unique.values())

    def written(self, end: End, attribute: Literal["arn"], suffix: str = "") -> object:
        """An ARN as it is written in a policy of the same template."""
        if isinstance(end, External):
            return f"{end.value.text or '<' + name_of(end) + '>'}{suffix}"
        value = self.access.value(end, attribute)
        if value.text is not None:
            return value.text + suffix
        if end.unit != self.resource.unit or "." in end.address.replace(end.type + ".", "", 1):
            return f"<ARN of {end.address}>{suffix}"
        unit = self.question.graph.units.get(end.unit)
        if unit is None or unit.dialect == "cloudformation":
            return {"Fn::Sub": f"${{{end.address}.Arn}}{suffix}"} if suffix else {"Fn::GetAtt": [end.address, "Arn"]}
        return f"${{{end.address}.{attribute}}}{suffix}"

    def remediation(self, verdict: _Verdict) -> str:
        """A statement to paste, for what the cause is."""
        use, role = verdict.use, name_of(verdict.role)
        allow: dict[str, object] = {"Effect": "Allow", "Action": use.action, "Resource": self.written(use.key, "arn")}
        if verdict.cause == "denied":
            return f"Exempt {role} from the statement that denies {use.action}."
        if verdict.cause in ("key policy", "other account"):
            statement: dict[str, object] = {
                "Effect": "Allow",
                "Principal": {"AWS": self.written(verdict.role, "arn")},
                "Action": use.action,
                "Resource": "*",
            }
            owner = " (its owner has to)" if verdict.cause == "other account" else ""
            return _paste(f"Add this statement to the policy of {name_of(use.key)}{owner}:", statement)
        if verdict.cause == "context":
            sent = show(sym(use.contexts[0][OBJECT_CONTEXT], self.deployment))
            allow["Condition"] = {
                "StringLike": {OBJECT_CONTEXT: sent if self._is_whole(use) else show(sym(use.bucket, self.deployment)) + "/*"}
            }
            return _paste("Name the encryption context that S3 sends:", allow)
        if verdict.cause == "boundary":
            return _paste(f"Add this statement to the permission boundary of {role}:", allow)
        return _paste(f"Add this statement to a policy of {role}:", allow)

    @staticmethod
    def _is_whole(use: _Use) -> bool:
        return use.contexts[0][OBJECT_CONTEXT] is use.bucket

    def verdicts(self, uses: Iterable[_Use]) -> Iterator[_Verdict]:
        """Of all roles and uses."""
        for use in uses:
            for role, there in self.roles:
                verdict = self.decide(use, role)
                if there is not Truth.YES and verdict.truth is Truth.NO:
                    open_ = (Open(name_of(role), "whether this role replicates is not known"),)
                    verdict = verdict._replace(truth=Truth.UNKNOWN, cause="open", open=open_)
                yield verdict

    def told_before(self, verdict: _Verdict, uses: Callable[[_Replication], Iterator[_Use]]) -> bool:
        """Whether a rule before this one of the same configuration tells the same: one missing statement is one finding."""
        for other in self.question.graph.by_kind.get(self.resource.kind, ()):
            if other is self.resource:
                return False
            if (other.unit, other.address) != (self.resource.unit, self.resource.address):
                continue
            asked = _Replication(msgspec.structs.replace(self.question, resource=other))
            if other.attribute("enabled", self.access.world).data is not True:
                continue
            if other.attribute("kms_objects", self.access.world).data is not True:
                continue
            for one in asked.verdicts(uses(asked)):
                if (one.truth, one.cause, one.use.key, one.role) == (
                    verdict.truth,
                    verdict.cause,
                    verdict.use.key,
                    verdict.role,
                ):
                    return True
        return False


def _told(question: Question, uses: Callable[[_Replication], Iterator[_Use]], causes: tuple[Cause, ...]) -> Answer:
    asked = _Replication(question)
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


# Values


def _objects(bucket: Value, prefix: Value) -> Value:
    """The ARN of any of the objects of a bucket that begin with a prefix."""
    names = Value(Unknown("the names of the objects are not known", "the names of the objects", not_null=True))
    begin = prefix.text or ""
    return Value(Text((bucket, Value(f"/{begin}"), names)))


def _is_bare(value: Value) -> bool:
    text = value.text
    return text is not None and not text.startswith("arn:")


def _key_region(key: End) -> Value | None:
    """The Region of a key; None where it is named so that it is looked up in the Region of its use."""
    if isinstance(key, Resource):
        return key.region
    part = arn_part(key.value, 3)
    if part is not None:
        return part
    if key.value.text is not None:
        return None
    return Value(Unknown("the Region of the key is not known", name_of(key), not_null=True))


def same_text(one: Value, other: Value) -> Truth:
    """Whether two texts are the same, as far as they are known."""
    if one.text is not None and other.text is not None:
        return Truth.of(one.text == other.text)
    if one.target is not None and one.target == other.target:
        return Truth.YES
    for unknown, known in ((one.data, other.text), (other.data, one.text)):
        if isinstance(unknown, Unknown) and unknown.allowed and known is not None and known not in unknown.allowed:
            return Truth.NO
    return Truth.UNKNOWN


def opens(*values: Value) -> tuple[Open, ...]:
    """What would decide values."""
    return tuple(
        dict.fromkeys(
            Open(part.data.reference or (part.data.target.attribute if part.data.target else "a value"), part.data.reason)
            for value in values
            for part in value.walk()
            if isinstance(part.data, Unknown)
        )
    )


def name_of(end: End) -> str:
    """How a message names an end."""
    if isinstance(end, Resource):
        return end.address
    if isinstance(end.value.data, Unknown):
        return next((open_.reference for open_ in opens(end.value)), "a value that is not known")
    return show(sym(end.value))


def shown(region: Value) -> str:
    """A Region for a message."""
    return region.text or "a Region that is not known"


def here(message: str, value: Value, resource: Resource) -> Evidence:
    """Where the resource says something, or its head where it says nothing."""
    return Evidence(message, value.where or resource.head, value.trail, resource)


def _names(statement: Statement, action: str) -> bool:
    element = statement.action
    if element is None or element.negated:
        return False
    return any(match(without_case(like(entry.text)), (action,)) is Truth.YES for entry in element.entries)


def _paste(what: str, statement: object) -> str:
    """A statement to paste. It stands in one paragraph, which every report shows."""
    return f"{what} `{json.dumps(statement)}`"
