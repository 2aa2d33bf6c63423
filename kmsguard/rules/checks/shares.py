"""What a resource shares, with whom, under which keys, and what is told of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import msgspec

from kmsguard.iam.decide import OWN_ACCOUNT
from kmsguard.iam.texts import equal, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import External, Resource
from kmsguard.model.rule import Found, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Absent, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of
from kmsguard.rules.checks.admission import Admission, Kind, Receiver, admits
from kmsguard.rules.checks.contents import Content, contents
from kmsguard.rules.checks.statements import language_of, paste
from kmsguard.rules.checks.telling import opens

EVERYBODY = "all"

# What the receiver does with the key of what is shared, as AWS lists it: of an image without data keys of its own, and of
# ReEncrypt* the half that reads, for the other one is done with the receiver's key.
_READ = ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncryptFrom")
_NEEDED: dict[str, tuple[str, ...]] = {
    "ram.share": ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt"),  # a clone is under the same key
    "ebs.snapshot_share": (*_READ, "kms:GenerateDataKeyWithoutPlaintext"),
    "dlm.policy": (*_READ, "kms:GenerateDataKeyWithoutPlaintext"),
}
_SPELLED = {"kms:ReEncryptFrom": "kms:ReEncrypt*", "kms:GenerateDataKeyWithoutPlaintext": "kms:GenerateDataKey*"}
_STATEMENT = ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*")

# The edge from what shares to what is shared; others share themselves.
_SHARED = {"ebs.snapshot_share": "snapshot", "ec2.launch_permission": "image"}
_AWS_KEYS = {"rds": "aws/rds"}


class Shared(msgspec.Struct, frozen=True, eq=False):
    """What a resource shares, and with whom."""

    access: Access
    resource: Resource
    receivers: tuple[Receiver, ...]
    open: tuple[Open, ...]  # receivers that are not known
    where: Evidence


# What is shared


def shared_of(question: Question) -> Shared | None:
    """None where nothing is shared with anybody in particular."""
    access, resource = access_of(question), question.resource
    receivers: list[Receiver] = []
    open_: list[Open] = []
    where: Evidence | None = None
    for name, kind in _RECEIVERS:
        value = access.value(resource, name)
        if isinstance(value.data, Absent) or value.data == () or value.data is None:
            continue
        where = where or Evidence(f"it is shared by {resource.address}", value.where, value.trail, resource)
        if isinstance(value.data, Unknown) and name not in _SINGLE:
            open_ += opens(value)
            continue
        for item in value.items or (value,):
            if item.text in (EVERYBODY, ""):
                continue
            if kind == "account" and is_own(access, resource, item):
                continue
            receivers.append(Receiver(kind, item))
    if where is None or not (receivers or open_):
        return None
    return Shared(access, resource, tuple(receivers), tuple(open_), where)


_RECEIVERS: tuple[tuple[str, Kind], ...] = (
    ("shared_accounts", "account"),
    ("target_accounts", "account"),
    ("organization", "organization"),
    ("organizations", "organization"),
    ("organizational_unit", "unit"),
    ("organizational_units", "unit"),
)
_SINGLE = ("organization", "organizational_unit")


def is_own(access: Access, resource: Resource, account: Value) -> bool:
    """Whether an account is certainly that of a resource."""
    deployment = access.deployment(resource)
    own = sym(resource.account if resource.account is not None else OWN_ACCOUNT, deployment)
    return equal(sym(account, deployment), own) is Truth.YES


def content_of(access: Access, resource: Resource) -> list[Content]:
    """What the data that a resource shares is under; a share leads to what it shares."""
    edge = _SHARED.get(resource.kind)
    if edge is None:
        return contents(access, resource)
    found: list[Content] = []
    for end, there in access.ends(resource, edge):
        if isinstance(end, Resource) and there is Truth.YES:
            found += contents(access, end)
        else:
            name = end.address if isinstance(end, Resource) else Receiver("account", end.value).name
            found.append(Content(Truth.UNKNOWN, resource, open=(Open(name, "how it is encrypted is not known here"),)))
    return found


def managed(access: Access, content: Content) -> str | None:
    """How a key of AWS is called; None for another key."""
    if content.encrypted is not Truth.YES:
        return None
    if content.key is None:
        name = _AWS_KEYS.get(content.holder.kind.partition(".")[0], "aws/ebs")
        return f"the AWS managed key {name}"
    if isinstance(content.key, External) and not access.key(content.key, content.holder).customer_managed:
        return f"the AWS managed key {_alias(content.key)}"
    return None


def _alias(end: External) -> str:
    text = end.value.text or ""
    return text[text.find("aws/", text.find("alias/")) :]


# Whom the keys do not admit


def denied(shared: Shared, content: Content, end: Resource | External) -> Iterator[Found]:
    """What keeps receivers from using the key of some data, or may keep them."""
    access = shared.access
    key = access.key(end, content.holder)
    needed = _NEEDED.get(shared.resource.kind, _READ)
    name = end.address if isinstance(end, Resource) else Receiver("account", end.value).name
    refused: list[tuple[Receiver, Admission]] = []
    unclear: list[tuple[Receiver, Admission]] = []
    for receiver in shared.receivers:
        admission = admits(access, content.holder, key, receiver, needed)
        if admission.truth is Truth.NO:
            refused.append((receiver, admission))
        elif admission.truth is Truth.UNKNOWN:
            unclear.append((receiver, admission))
    for truth, some in ((Truth.NO, refused), (Truth.UNKNOWN, unclear)):
        if some:
            yield _told(shared, content, name, truth, some)
    if shared.open and not refused:
        values = {"key": name, "receivers": "accounts that are not known", "missing": "some permission"}
        yield Found(f"receivers:{name}", Truth.UNKNOWN, (shared.where, under(content, f"its key {name}")), shared.open, values)


def _told(shared: Shared, content: Content, key: str, truth: Truth, some: Sequence[tuple[Receiver, Admission]]) -> Found:
    language = language_of(shared.access.graph, shared.resource)
    missing = list(dict.fromkeys(op for _, one in some for op in one.missing))
    place = place_of(shared, [receiver for receiver, _ in some])
    evidence = [place, under(content, f"{content.holder.address} is under the key {key}")]
    shown: set[str] = set()
    for receiver, admission in some:
        for reason in admission.reasons:
            message = f"for {receiver.name}: {reason.message}"
            if message not in shown:
                shown.add(message)
                evidence.append(Evidence(message, reason.span))
    return Found(
        attribute=f"{'key' if truth is Truth.NO else 'receivers'}:{key}",
        truth=truth,
        evidence=tuple(evidence),
        open=tuple(dict.fromkeys(one for _, admission in some for one in admission.open)),
        values={
            "key": key,
            "receivers": names([receiver for receiver, _ in some]),
            "missing": ", ".join(_SPELLED.get(op, op) for op in missing) or "some permission",
        },
        remediation=_remediation(key, [receiver for receiver, _ in some], language) if truth is Truth.NO else "",
    )


# What is told


def unclear(shared: Shared, content: Content) -> Found:
    """That nobody knows how something is encrypted that is shared."""
    return Found(
        attribute=f"data:{content.holder.address}",
        truth=Truth.UNKNOWN,
        evidence=(shared.where, under(content, "how this is encrypted is not known")),
        open=content.open,
        values={"key": "a key that is not known", "receivers": names(shared.receivers), "missing": "some permission"},
    )


def place_of(shared: Shared, receivers: Sequence[Receiver]) -> Evidence:
    """Where the first of the receivers is named, if that is in the block of what shares; else where the block refers to it."""
    for receiver in receivers:
        where = receiver.value.where
        if where is not None and _is_within(where, shared.resource.span):
            return Evidence(f"it is shared with {receiver.name} here", where, receiver.value.trail)
    for receiver in receivers:
        if receiver.value.trail is not None:
            return Evidence(shared.where.message, shared.where.span, receiver.value.trail)
    return shared.where


def _is_within(one: Span, other: Span) -> bool:
    start, end = (one.start_line, one.start_column), (one.end_line, one.end_column)
    return (
        one.file == other.file and (other.start_line, other.start_column) <= start and end <= (other.end_line, other.end_column)
    )


def under(content: Content, message: str) -> Evidence:
    """Where it is decided what some data is under."""
    return Evidence(message, content.where or content.holder.head, resource=content.holder)


def names(receivers: Sequence[Receiver]) -> str:
    """Receivers for a message."""
    return ", ".join(dict.fromkeys(receiver.name for receiver in receivers)) or "accounts that are not known"


def _remediation(key: str, receivers: Sequence[Receiver], language: str) -> str:
    """Statements to paste into the key policy."""
    what = itertools.chain([f"Add to the policy of {key}:"], itertools.repeat("and:"))
    return "\n\n".join(paste(head, statement, language) for head, statement in zip(what, _grants(receivers), strict=False))


def _grants(receivers: Sequence[Receiver]) -> Iterator[dict[str, object]]:
    accounts = list(dict.fromkeys(f"arn:aws:iam::{one.name}:root" for one in receivers if one.kind == "account"))
    base: dict[str, object] = {"Effect": "Allow"}
    if accounts:
        principal = accounts[0] if len(accounts) == 1 else accounts
        yield {**base, "Principal": {"AWS": principal}, "Action": list(_STATEMENT), "Resource": "*"}
    for one in receivers:
        if one.kind == "account":
            continue
        parts = one.name.split("/")
        condition: dict[str, object] = {"StringEquals": {"aws:PrincipalOrgID": parts[1] if len(parts) > 1 else one.name}}
        if one.kind == "unit":
            condition["ForAnyValue:StringLike"] = {
                "aws:PrincipalOrgPaths": [f"{parts[1]}/*/{parts[-1]}/*" if len(parts) > 1 else "*"]
            }
        yield {**base, "Principal": "*", "Action": list(_STATEMENT), "Resource": "*", "Condition": condition}
