"""Whether what encrypts names its key so that its service finds one, and one that it can use.

A key is named by its id, its ARN, or the name or ARN of an alias: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from kmsguard.iam.key_policies import ALIAS_OF_AWS
from kmsguard.model.finding import Open
from kmsguard.model.guard import decide
from kmsguard.model.resource import External, Resource
from kmsguard.model.rule import Answer, Question, worst_of
from kmsguard.model.truth import Truth
from kmsguard.model.value import Text, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of, arn_part
from kmsguard.rules.checks.telling import here, name_of, opens, same_text, shown

End: TypeAlias = "Resource | External"

# Ids are hexadecimal; letters are taken as well, for those who write made-up ones.
_KEY_ID = re.compile(r"[0-9A-Za-z]{8}(-[0-9A-Za-z]{4}){3}-[0-9A-Za-z]{12}|mrk-[0-9A-Za-z]{32}")
_ARN = re.compile(r"arn:[^:]+:kms:[^:]*:[^:]*:(key|alias)/.+")
_ALIAS = re.compile(r"alias/.+")
_OF_AWS = re.compile(r"aws/[a-z0-9]+")  # as consoles show AWS managed keys: whether a service takes that is not documented
_LOCAL = "alias/"
# The AWS managed keys of what has one: https://docs.aws.amazon.com/kms/latest/developerguide/service-integration.html
_OWN = {
    "dynamodb.table": "dynamodb",
    "ebs.volume": "ebs",
    "ec2.device": "ebs",
    "ecr.repository": "ecr",
    "efs.file_system": "elasticfilesystem",
    "kinesis.stream": "kinesis",
    "rds.cluster": "rds",
    "rds.instance": "rds",
    "redshift.cluster": "redshift",
    "s3.bucket": "s3",
    "secretsmanager.secret": "secretsmanager",
    "sns.topic": "sns",
    "sqs.queue": "sqs",
    "ssm.parameter": "ssm",
}


def fits(question: Question) -> Answer:
    """Whether the key is one that services can use: a symmetric one for encryption, of the Region, and no other service's.

    `elsewhere` names the kinds whose Region another rule judges.
    """
    return worst_of(_misfits(question, elsewhere=question.resource.kind in question.arguments.get("elsewhere", ())))


def _misfits(question: Question, *, elsewhere: bool) -> Iterator[Answer]:
    access, resource = access_of(question), question.resource
    for edge in question.graph.out(resource, "encrypted_with"):
        there = decide(edge.guard, question.world)
        if there is Truth.NO:
            continue
        for truth, problem, open_ in _problems(access, resource, edge.target, elsewhere=elsewhere):
            values = {"key": name_of(edge.target), "problem": problem}
            unsure = () if there is Truth.YES else (Open(name_of(edge.target), "whether this key is used here is not known"),)
            yield Answer(truth | ~there, (here(problem, edge.by, resource),), (*open_, *unsure), values=values)


def _problems(
    access: Access, resource: Resource, key: End, *, elsewhere: bool
) -> Iterator[tuple[Truth, str, tuple[Open, ...]]]:
    """What speaks against a key, certainly or perhaps."""
    if isinstance(key, External):
        foreign = _of_other_service(resource, key.value.text or "")
        if foreign:
            yield Truth.NO, f"the AWS managed key of {foreign} can be used through {foreign} alone", ()
        region = arn_part(key.value, 3)
    else:
        region = key.region
        for name, wanted in (("spec", "SYMMETRIC_DEFAULT"), ("usage", "ENCRYPT_DECRYPT")):
            value = access.value(key, name)
            if value.text is not None and value.text != wanted:
                yield Truth.NO, f"the key is one of {value.text}, and services encrypt with {wanted} only", ()
            if value.text is None and isinstance(value.data, Unknown):
                yield Truth.UNKNOWN, f"whether the key is one of {wanted}", opens(value)
    own = _region(access, resource)
    if not elsewhere and region is not None and own is not None:  # without a Region it is looked up in that of the store
        yield same_text(region, own), f"the key is of {shown(region)}, and used in {shown(own)}", opens(region, own)


def _region(access: Access, resource: Resource) -> Value | None:
    """Where a resource encrypts. CloudTrail takes a key of the Region of its bucket.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    if resource.kind != "cloudtrail.trail":
        return resource.region
    buckets = [end for end, _ in access.ends(resource, "bucket")]
    return buckets[0].region if len(buckets) == 1 and isinstance(buckets[0], Resource) else None


def _of_other_service(resource: Resource, key: str) -> str:
    """The service of an AWS managed key where it is another one than the resource's.

    https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk
    """
    _, _, named = key.partition(ALIAS_OF_AWS)
    return named if named != _OWN.get(resource.kind, named) else ""


def found(question: Question) -> Answer:
    """Whether the key is named by what names a key; UNKNOWN where it is an alias or id that nothing of the scan has."""
    return worst_of(_not_found(question))


def _not_found(question: Question) -> Iterator[Answer]:
    for by, key in _named(question):
        text = by.text if by.text is not None else _beginning(by)
        values = {"key": name_of(key)}
        if by.text is not None and not _names_a_key(by.text):
            problem = f"{by.text} is neither the id or ARN of a key nor an alias"
            yield Answer(Truth.NO, (here(problem, by, question.resource),), values=values)
        elif text.startswith(_LOCAL) or _KEY_ID.fullmatch(text) or _OF_AWS.fullmatch(text):
            whether = "whether the service takes this name" if _OF_AWS.fullmatch(text) else "whether the account has it"
            open_ = (Open(name_of(key), f"{whether} is not known"), *opens(by))
            what = "an alias begins with alias/" if _OF_AWS.fullmatch(text) else "nothing of the scan has this name"
            evidence = (here(what, by, question.resource),)
            yield Answer(Truth.UNKNOWN, evidence, open_, values=values)


def _named(question: Question) -> Iterator[tuple[Value, External]]:
    """Keys that the resource names itself and that are not of the scan, but for those of AWS."""
    for edge in question.graph.out(question.resource, "encrypted_with"):
        if decide(edge.guard, question.world) is not Truth.NO and isinstance(edge.target, External):
            text = edge.by.text if edge.by.text is not None else _beginning(edge.by)
            if text and not text.startswith(ALIAS_OF_AWS):
                yield edge.by, edge.target


def _names_a_key(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern in (_KEY_ID, _ARN, _ALIAS, _OF_AWS))


def _beginning(value: Value) -> str:
    """What is known of the beginning of a text."""
    data = value.data
    if isinstance(data, Unknown):
        return data.prefix
    first = data.pieces[0].data if isinstance(data, Text) and data.pieces else ""
    return first if isinstance(first, str) else ""
