"""One rule of a replication configuration of S3: its roles, buckets and keys, and what S3 does with them.

What S3 asks of KMS: Decrypt with the key of the source object, through S3 in the source's Region; Encrypt with the replica key,
through S3 in the destination's Region. The encryption context is the object's ARN, with an S3 Bucket Key the bucket's:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from kmsguard.iam.decide import OWN_ACCOUNT, Decision, Key, Layer, Principal, can
from kmsguard.iam.document import PolicyDocument, Statement, read_policy
from kmsguard.iam.key_policies import ALIAS_OF_AWS
from kmsguard.iam.texts import like, match, show, sym, without_case
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import External, Resource
from kmsguard.model.rule import Answer, Question
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Text, Unknown, Value
from kmsguard.rules.checks.access import access_of, arn_part
from kmsguard.rules.checks.statements import language_of, paste
from kmsguard.rules.checks.telling import here, name_of, opens, same_text

End: TypeAlias = "Resource | External"
Cause: TypeAlias = Literal["denied", "context", "key policy", "other account", "boundary", "identity", "open"]
Context: TypeAlias = "Mapping[str, Value]"

OBJECT_CONTEXT = "kms:EncryptionContext:aws:s3:arn"
S3_MANAGED_KEY = External("kms.key", Value("alias/aws/s3"))
KMS_ENCRYPTION = ("aws:kms", "aws:kms:dsse")
_GOOD = Answer(Truth.YES)
EVERYTHING = read_policy(
    Value({"Statement": Value({n: Value(v) for n, v in (("Effect", "Allow"), ("Action", "*"), ("Resource", "*"))})})
)


class Use(NamedTuple):
    """What S3 does with a key, and the encryption contexts with which it may: a Bucket Key is on, off, or perhaps on."""

    action: str
    key: End
    there: Truth
    contexts: tuple[Context, ...]
    others: tuple[Context, ...]  # those that it has when the Bucket Keys are the other way round
    certain: bool  # whether there are objects for which it is done
    bucket: Value  # the ARN that the encryption context is made from
    region: Value


class Verdict(NamedTuple):
    """Whether a role may do what S3 does with a key."""

    truth: Truth
    cause: Cause
    use: Use
    role: End
    decision: Decision
    open: tuple[Open, ...] = ()


class Replication:
    """One rule of a replication configuration in one world."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.resource = question.resource
        self.access = access_of(question)
        self.deployment = self.access.deployment(self.resource)
        self.language = language_of(question.graph, self.resource)
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
        if not (ALIAS_OF_AWS in text or text.startswith("alias/")):
            return None
        own = self.resource.account or Value(Unknown("the account deployed to is not known", "--account"))
        for bucket, _ in self.destinations:
            account = self.account(bucket)
            other = ~same_text(own, account)
            if other is Truth.NO:
                continue
            if ALIAS_OF_AWS in text:
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

    def decrypts(self) -> Iterator[Use]:
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
                yield Use("kms:Decrypt", key, there & sure, contexts, others, truth is Truth.YES, arn, region)

    def encrypts(self) -> Iterator[Use]:
        """Encrypt with the replica keys; nothing of those that S3 cannot use anyway."""
        certain = any(self.makes_kms_objects(source)[0] is not Truth.NO for source, _ in self.sources)
        for bucket, there in self.destinations:
            on = self.bucket_key(bucket)
            if on is Truth.NO and any(self.bucket_key(source) is not Truth.NO for source, _ in self.sources):
                on = Truth.UNKNOWN  # AWS does not say whether the source's Bucket Key counts for the replica
            arn, region = self.bucket_arn(bucket), self.bucket_region(bucket)
            contexts, others = self._contexts(arn, region, on)
            for key, sure in self.keys:
                own = key_region_of(key)
                if self.misfit(key) is not None or (own is not None and same_text(own, region) is Truth.NO):
                    continue
                yield Use("kms:Encrypt", key, there & sure, contexts, others, certain, arn, region)

    def _contexts(self, arn: Value, region: Value, bucket_key: Truth) -> tuple[tuple[Context, ...], tuple[Context, ...]]:
        whole = self._context(arn, region)
        each = self._context(objects_of(arn, self.prefix), region)
        if bucket_key is Truth.UNKNOWN:
            return (whole, each), ()
        return ((whole,), (each,)) if bucket_key is Truth.YES else ((each,), (whole,))

    @staticmethod
    def _context(arn: Value, region: Value) -> Context:
        return {
            "kms:ViaService": Value(Text((Value("s3."), region, Value(".amazonaws.com")))),
            OBJECT_CONTEXT: arn,
            "kms:EncryptionContextKeys": Value((Value("aws:s3:arn"),)),
        }

    # Decisions

    def decide(self, use: Use, role: End) -> Verdict:
        """Whether a role may do what S3 does, and why not."""
        principal = self.access.principal(role)
        key = self.access.key(use.key, self.resource, use.region)
        decisions = [self._can(principal, use.action, key, context) for context in use.contexts]
        bad = next((d for d in decisions if d.truth is Truth.NO), None)
        undecided = next((d for d in decisions if d.truth is not Truth.YES), decisions[0])
        if undecided.truth is Truth.YES:
            return Verdict(Truth.YES, "open", use, role, undecided)
        if all(d.truth is Truth.NO for d in decisions) and use.there is Truth.YES:
            if use.certain:
                return Verdict(Truth.NO, self._cause(use, principal, key, decisions[0]), use, role, decisions[0])
            some = Open("the objects of the source bucket", "whether some are under SSE-KMS")
            return Verdict(Truth.UNKNOWN, "open", use, role, decisions[0], (some,))
        open_ = tuple(dict.fromkeys(o for d in decisions for o in d.open))
        if bad is not None and len(use.contexts) > 1:
            open_ = (Open("S3 Bucket Key", "whether the encryption context is the ARN of the bucket or of an object"), *open_)
        return Verdict(Truth.UNKNOWN, "open", use, role, bad or undecided, open_)

    def _can(self, principal: Principal, action: str, key: Key, context: Context) -> Decision:
        return can(principal, action, key, context, deployment=self.deployment)

    def _cause(self, use: Use, principal: Principal, key: Key, decision: Decision) -> Cause:
        """What to mend, found by asking again with one thing mended."""
        if any(e.part == "denies" for e in decision.evidence):
            return "denied"
        if any(self._can(principal, use.action, key, context).truth is Truth.YES for context in use.others):
            return "context"
        free = msgspec.structs.replace(principal, identity_policies=Layer(documents=(EVERYTHING,)), boundary=None)
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
        if self.language == "cloudformation":
            return {"Fn::Sub": f"${{{end.address}.Arn}}{suffix}"} if suffix else {"Fn::GetAtt": [end.address, "Arn"]}
        return f"${{{end.address}.{attribute}}}{suffix}"

    def remediation(self, verdict: Verdict) -> str:
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
            return paste(f"Add this statement to the policy of {name_of(use.key)}{owner}:", statement, self.language)
        if verdict.cause == "context":
            sent = show(sym(use.contexts[0][OBJECT_CONTEXT], self.deployment))
            allow["Condition"] = {
                "StringLike": {OBJECT_CONTEXT: sent if self._is_whole(use) else show(sym(use.bucket, self.deployment)) + "/*"}
            }
            return paste("Name the encryption context that S3 sends:", allow, self.language)
        if verdict.cause == "boundary":
            return paste(f"Add this statement to the permission boundary of {role}:", allow, self.language)
        return paste(f"Add this statement to a policy of {role}:", allow, self.language)

    @staticmethod
    def _is_whole(use: Use) -> bool:
        return use.contexts[0][OBJECT_CONTEXT] is use.bucket

    def verdicts(self, uses: Iterable[Use]) -> Iterator[Verdict]:
        """Of all roles and uses."""
        for use in uses:
            for role, there in self.roles:
                verdict = self.decide(use, role)
                if there is not Truth.YES and verdict.truth is Truth.NO:
                    open_ = (Open(name_of(role), "whether this role replicates is not known"),)
                    verdict = verdict._replace(truth=Truth.UNKNOWN, cause="open", open=open_)
                yield verdict

    def told_before(self, verdict: Verdict, uses: Callable[[Replication], Iterator[Use]]) -> bool:
        """Whether a rule before this one of the same configuration tells the same: one missing statement is one finding."""
        for other in self.question.graph.by_address[self.resource.unit, self.resource.address]:
            if other is self.resource:
                return False
            if other.kind != self.resource.kind:
                continue
            asked = Replication(msgspec.structs.replace(self.question, resource=other))
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


# Values


def objects_of(bucket: Value, prefix: Value) -> Value:
    """The ARN of any of the objects of a bucket that begin with a prefix."""
    names = Value(Unknown("the names of the objects are not known", "the names of the objects", not_null=True))
    begin = prefix.text or ""
    return Value(Text((bucket, Value(f"/{begin}"), names)))


def _is_bare(value: Value) -> bool:
    text = value.text
    return text is not None and not text.startswith("arn:")


def key_region_of(key: End) -> Value | None:
    """The Region of a key; None where it is named so that it is looked up in the Region of its use."""
    if isinstance(key, Resource):
        return key.region
    part = arn_part(key.value, 3)
    if part is not None:
        return part
    if key.value.text is not None:
        return None
    return Value(Unknown("the Region of the key is not known", name_of(key), not_null=True))


def _names(statement: Statement, action: str) -> bool:
    element = statement.action
    if element is None or element.negated:
        return False
    return any(match(without_case(like(entry.text)), (action,)) is Truth.YES for entry in element.entries)
