"""Whom a key policy admits: somebody of an account, organization or unit that something is shared with.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html and
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/allow-org-ou-to-use-key.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam.decide import Decision, Key, Layer, Principal, can
from kmsguard.iam.decide import Evidence as Reason
from kmsguard.iam.document import Statement, read_policy
from kmsguard.iam.texts import Deployment, Hole, Sym, equal, known, sym
from kmsguard.model.finding import Open
from kmsguard.model.resource import Resource
from kmsguard.model.truth import Truth, all_of
from kmsguard.model.value import Text, Unknown, Value
from kmsguard.rules.checks.access import Access, account_root

_SERVICE = {"rds": "rds", "codepipeline": "s3", "glue": "glue"}  # in kms:ViaService, by the first part of a kind; else ec2
_STRANGER = "999999999999"  # an account that nothing names

Kind: TypeAlias = Literal["account", "organization", "unit"]

_ANYTHING = read_policy(Value({"Statement": Value({"Effect": Value("Allow"), "Action": Value("*"), "Resource": Value("*")})}))
_LET = Layer(documents=(_ANYTHING,))  # what the receiver's administrators give their own people, the owner cannot see


class Receiver(msgspec.Struct, frozen=True, eq=False):
    """Whom something is shared with."""

    kind: Kind
    value: Value  # the account, or the ARN of the organization or unit

    @property
    def name(self) -> str:
        """The account or ARN, or what stands for it."""
        return self.value.text or next(
            (part.data.reference or "…" for part in self.value.walk() if isinstance(part.data, Unknown)), "…"
        )


class Admission(msgspec.Struct, frozen=True, eq=False):
    """Whether somebody of a receiver may do all that is needed with a key."""

    truth: Truth
    missing: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    open: tuple[Open, ...] = ()


def admits(access: Access, user: Resource, key: Key, receiver: Receiver, needed: Sequence[str]) -> Admission:
    """Whether a key's policy and grants let somebody of a receiver do all that is needed.

    A key policy that names the receiver's account leaves to its administrators whom they let; one that names a role of it
    admits that role. Whoever comes next to it is told.
    """
    deployment = access.deployment(user)
    service = _SERVICE.get(user.kind.partition(".")[0], "ec2")
    region = user.region if user.region is not None else key.region
    via = Value(Text((Value(f"{service}."), region, Value(".amazonaws.com"))))
    best: Admission | None = None
    for principal, more in _candidates(key, receiver, deployment):
        context = {"kms:ViaService": via, **more}
        decisions = {op: can(principal, op, key, context, deployment=deployment) for op in needed}
        one = _admission(decisions)
        if best is None or (one.truth, -len(one.missing)) > (best.truth, -len(best.missing)):
            best = one
        if best.truth is Truth.YES:
            break
    assert best is not None
    if best.truth is Truth.NO and receiver.kind != "account" and _names_others(key, deployment):
        return msgspec.structs.replace(
            best,
            truth=Truth.UNKNOWN,
            open=(Open(receiver.name, "which accounts are in it; the key policy names accounts one by one"),),
        )
    return best


def _admission(decisions: dict[str, Decision]) -> Admission:
    truth = all_of(decision.truth for decision in decisions.values())
    if truth is Truth.YES:
        return Admission(truth)
    missing = tuple(op for op, decision in decisions.items() if decision.truth is truth)
    reasons: dict[int, Reason] = {}
    for op in missing:
        for reason in (*decisions[op].evidence, *decisions[op].missed):
            reasons.setdefault(id(reason.statement or reason.layer), reason)
    opens = tuple(dict.fromkeys(one for op in missing for one in decisions[op].open))
    return Admission(truth, missing, tuple(reasons.values())[:4], opens if truth is Truth.UNKNOWN else ())


Candidate: TypeAlias = "tuple[Principal, dict[str, Value]]"


def _candidates(key: Key, receiver: Receiver, deployment: Deployment) -> Iterator[Candidate]:
    """Principals of a receiver: its account as a whole, those that the key policy or a grant names, and some role."""
    if receiver.kind != "account":
        yield from _members(key, receiver)
        return
    account = receiver.value
    yield account_root(account), {}
    for name in _named(key, account, deployment):
        yield _principal(name, account), {}
    spelled = Value(Text((Value(f"arn:{deployment.partition}:iam::"), account, Value(":role/x"))))
    yield Principal("role", spelled, account, identity_policies=_LET), {}


def _principal(arn: Value, account: Value) -> Principal:
    text = arn.text or ""
    if ":assumed-role/" in text:
        role, _, session = text.partition(":assumed-role/")[2].partition("/")
        return Principal("role", Value(f"{text.split(':')[0]}:{text.split(':')[1]}:iam::{account.text}:role/{role}"), account,
                         session=Value(session), identity_policies=_LET)  # fmt: skip
    return Principal("user" if ":user/" in text else "role", arn, account, identity_policies=_LET)


def _named(key: Key, account: Value, deployment: Deployment) -> Iterator[Value]:
    """Users and roles that may be of an account, in the statements and grants of a key."""
    of = sym(account, deployment)
    for text, value in _mentioned(key, deployment):
        plain = known(text)
        if plain is not None and plain.count(":") < 5:
            continue
        if _account_of(text, of) is not Truth.NO:
            if plain is not None and plain.endswith(":root"):
                continue
            yield value if plain is None else Value(plain.replace("*", "x").replace("?", "x"), value.span, value.place)


def _mentioned(key: Key, deployment: Deployment) -> Iterator[tuple[Sym, Value]]:
    for statement in _statements(key):
        if statement.principal is not None and not statement.principal.negated:
            yield from ((one.entry.text, one.entry.value) for one in statement.principal.entries if one.type == "AWS")
        for test in statement.tests:
            if test.key == "aws:principalarn":
                yield from ((entry.text, entry.value) for entry in test.values)
    yield from ((sym(grant.grantee, deployment), grant.grantee) for grant in key.grants)


def _statements(key: Key) -> Iterator[Statement]:
    return (statement for document in key.policies.documents for statement in document.statements if statement.effect != "Deny")


def _account_of(text: Sym, account: Sym) -> Truth:
    """Whether an ARN is of an account."""
    before = text[0] if text and isinstance(text[0], str) else ""
    parts = before.split(":")
    if len(parts) > 5:
        return equal((parts[4],), account)
    if len(parts) == 5 and len(text) > 1 and isinstance(text[1], Hole) and not parts[4]:
        return equal((text[1],), account)
    return Truth.UNKNOWN if any(isinstance(piece, Hole) for piece in text) else Truth.NO


def _members(key: Key, receiver: Receiver) -> Iterator[Candidate]:
    """Somebody of an organization or unit, in an account that nothing names."""
    arn = receiver.value.text
    if arn is None:
        organization = Value(Unknown("the organization is not known", receiver.name, not_null=True))
        yield account_root(Value(_STRANGER)), {"aws:PrincipalOrgID": organization}
        return
    last = arn.split("/")
    organization = Value(last[1] if len(last) > 1 else arn)
    if receiver.kind == "organization":
        yield account_root(Value(_STRANGER)), {"aws:PrincipalOrgID": organization}
        return
    unit = last[-1]
    paths = [path for path in _paths(key) if unit in path.split("/")]
    for path in paths:
        there = "/".join([*path.split("/")[: path.split("/").index(unit) + 1], ""]).replace("*", "x")
        yield (
            account_root(Value(_STRANGER)),
            {"aws:PrincipalOrgID": organization, "aws:PrincipalOrgPaths": Value((Value(there),))},
        )
    if not paths:
        hole = Value(Unknown("where the unit is in its organization is not known", unit, not_null=True))
        whole = Value(Text((Value(f"{organization.text}/r-"), hole, Value(f"/{unit}/"))))
        yield account_root(Value(_STRANGER)), {"aws:PrincipalOrgID": organization, "aws:PrincipalOrgPaths": Value((whole,))}


def _paths(key: Key) -> Iterator[str]:
    for statement in _statements(key):
        for test in statement.tests:
            if test.key == "aws:principalorgpaths":
                yield from (entry.known for entry in test.values if entry.known is not None)


def _names_others(key: Key, deployment: Deployment) -> bool:
    """Whether a key policy names accounts that are not the key's own."""
    own = sym(key.account, deployment)
    for text, _ in _mentioned(key, deployment):
        plain = known(text)
        if plain is not None and len(plain) == 12 and plain.isdigit():
            if equal(text, own) is not Truth.YES:
                return True
        elif plain != "*" and _account_of(text, own) is not Truth.YES:
            return True
    return False
