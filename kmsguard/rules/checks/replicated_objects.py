"""What S3 asks of S3 for replication: permissions for objects of both buckets, and versions.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
"""

from __future__ import annotations

import msgspec

from kmsguard.iam.decide import Decision, Key, Layer, Principal, can
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Answer, Question
from kmsguard.model.truth import Truth
from kmsguard.model.value import Value
from kmsguard.rules.checks.s3_replication import EVERYTHING, KMS_ENCRYPTION, End, Replication, objects_of
from kmsguard.rules.checks.statements import paste
from kmsguard.rules.checks.telling import here, name_of, opens, same_text

READ_VERSIONS = "s3:GetObjectVersionForReplication"
WRITE_REPLICAS = "s3:ReplicateObject"
_GOOD = Answer(Truth.YES)


def read_versions(question: Question) -> Answer:
    """Whether the role may read versions in the way that covers objects under SSE-KMS."""
    asked = Replication(question)
    for source, _ in asked.sources:
        if isinstance(source, Resource):
            answer = _with_objects(asked, source, READ_VERSIONS, "source")
            if answer is not None:
                return answer
    return _GOOD


def write_replicas(question: Question) -> Answer:
    """Whether the role may write replicas to the destination, as far as that is known here."""
    asked = Replication(question)
    for destination, _ in asked.destinations:
        answer = _with_objects(asked, destination, WRITE_REPLICAS, "destination")
        if answer is not None:
            return answer
    return _GOOD


def _with_objects(asked: Replication, bucket: End, action: str, called: str) -> Answer | None:
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
        statement: dict[str, object] = {"Effect": "Allow", "Action": action, "Resource": asked.written(bucket, "arn", "/*")}
        return Answer(
            truth,
            (
                here("this role replicates", asked.role_value, asked.resource),
                *asked.evidence(decision, principal, action),
            ),
            () if truth is Truth.NO else open_,
            values={"role": name_of(role), called: name_of(bucket)},
            remediation=paste(f"Add this statement to {_where_to_allow(asked, bucket, principal)}:", statement, asked.language),
        )
    return None


def _where_to_allow(asked: Replication, bucket: End, principal: Principal) -> str:
    role = ", ".join(name_of(end) for end, _ in asked.roles)
    abroad = same_text(asked.account(bucket), principal.account) is Truth.NO
    return f"a policy of {role}" + (f", and with the role as Principal to that of {name_of(bucket)}" if abroad else "")


def _of_objects(asked: Replication, bucket: End, role: End, principal: Principal, action: str) -> Decision:
    """Whether a role may do something with the objects of a bucket; across accounts both sides have to allow it."""
    objects, account = objects_of(asked.bucket_arn(bucket), asked.prefix), principal.account
    of = role if isinstance(role, Resource) else bucket
    assert isinstance(of, Resource)
    own = asked.left_to_identities(of)
    policies = asked.bucket_policy(bucket) if isinstance(bucket, Resource) else ()
    abroad = isinstance(bucket, Resource) and same_text(asked.account(bucket), account) is not Truth.YES
    documents = (own,) if abroad else (own, *policies)
    # The decision is that of KMS, which does few things across accounts: each side is asked as if it were the own account.
    context = _written_with(asked) if action == WRITE_REPLICAS else {}
    decision = can(principal, action, Key(objects, Layer(documents=documents), account), context, deployment=asked.deployment)
    if not abroad or decision.truth is Truth.NO:
        return decision
    free = msgspec.structs.replace(principal, identity_policies=Layer(documents=(EVERYTHING,)), boundary=None)
    let_in = can(free, action, Key(objects, Layer(documents=policies), account), context, deployment=asked.deployment)
    if let_in.truth is Truth.NO and same_text(asked.account(bucket), account) is not Truth.NO:
        return msgspec.structs.replace(let_in, truth=decision.truth, open=decision.open)
    return let_in if let_in.truth < decision.truth else decision


def _written_with(asked: Replication) -> dict[str, Value]:
    """The condition keys with which replicas of objects under a KMS key are written, as far as they are known.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
    """
    context: dict[str, Value] = {}
    kinds = {asked.makes_kms_objects(source)[1].text for source, _ in asked.sources}
    if len(kinds) == 1 and kinds <= set(KMS_ENCRYPTION):
        context["s3:x-amz-server-side-encryption"] = Value(kinds.pop())
    keys = [asked.access.key(key, asked.resource).arn for key, there in asked.keys if there is Truth.YES]
    if len(keys) == 1:
        context["s3:x-amz-server-side-encryption-aws-kms-key-id"] = keys[0]
    return context


def versioned(question: Question) -> Answer:
    """Whether the source and the destination keep versions, which S3 asks of both; of a bucket outside nothing is said."""
    asked = Replication(question)
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
