"""Who can use what is shared: the key of each part of it, for each account that it is shared with.

https://docs.aws.amazon.com/ebs/latest/userguide/share-kms-key.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/allow-org-ou-to-use-key.html and
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/share-encrypted-snapshot.html
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Answer, Found, Question, answer_of
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Absent, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of
from kmsguard.rules.checks.admission import Receiver
from kmsguard.rules.checks.contents import contents
from kmsguard.rules.checks.shares import (
    EVERYBODY,
    Shared,
    content_of,
    denied,
    is_own,
    managed,
    names,
    place_of,
    shared_of,
    unclear,
    under,
)
from kmsguard.rules.checks.telling import opens

_PUBLIC = ("group", "groups", "shared_accounts")


def not_public(question: Question) -> Answer:
    """Whether something is shared with everybody; YES where it is not."""
    public = question.attribute("public")
    if isinstance(public.data, Unknown):
        shared = question.attribute("shared_accounts")
        place = shared if not isinstance(shared.data, Absent) else public
        return Answer(Truth.UNKNOWN, (Evidence("whom it is shared with", place.where, place.trail),), opens(public, shared))
    if public.data is not True:
        return Answer(Truth.YES)
    access = access_of(question)
    place = next((v for v in map(question.attribute, _PUBLIC) if not isinstance(v.data, Absent)), public)
    evidence = [Evidence("it is shared with everybody here", _everybody(place), place.trail)]
    truth = Truth.NO
    for content in content_of(access, question.resource):
        if content.encrypted is Truth.YES:
            evidence.append(under(content, "what is encrypted cannot be made public: AWS refuses it"))
            return Answer(truth, tuple(evidence), values={"outcome": "AWS refuses that, for it is encrypted"})
    return Answer(truth, tuple(evidence), values={"outcome": "every AWS account can copy all that is in it"})


def _everybody(value: Value) -> Span | None:
    for item in value.items:
        if item.text == EVERYBODY:
            return item.where
    return value.where


def shareable(question: Question) -> Answer:
    """Whether nothing that is shared is under a key of AWS, which nobody else can use."""
    shared = shared_of(question)
    if shared is None:
        return Answer(Truth.YES)
    found: list[Found] = []
    for content in content_of(shared.access, question.resource):
        key = managed(shared.access, content)
        if key is None:
            continue
        truth = Truth.NO if shared.receivers else Truth.UNKNOWN
        found.append(
            Found(
                attribute=f"key:{content.holder.address}",
                truth=truth,
                evidence=(place_of(shared, shared.receivers), under(content, f"{content.holder.address} is under {key}")),
                open=shared.open if truth is Truth.UNKNOWN else (),
                values={"key": key, "holder": content.holder.address, "receivers": names(shared.receivers)},
            )
        )
    return answer_of(found)


def admitted(question: Question) -> Answer:
    """Whether the key policies admit whoever something is shared with."""
    shared = shared_of(question)
    if shared is None:
        return Answer(Truth.YES)
    found: list[Found] = []
    told: set[int] = set()
    for content in content_of(shared.access, question.resource):
        if content.encrypted is Truth.UNKNOWN:
            found.append(unclear(shared, content))
        elif content.key is not None and id(content.key) not in told and managed(shared.access, content) is None:
            told.add(id(content.key))
            found += denied(shared, content, content.key)
    return answer_of(found)


def declared(question: Question) -> Answer:
    """Whether something is shared with declared accounts and organizations only."""
    shared = shared_of(question)
    if shared is None:
        return Answer(Truth.YES)
    found = [one for index, receiver in enumerate(shared.receivers) for one in _undeclared(shared, index, receiver)]
    if shared.open:
        found.append(Found("shared", Truth.UNKNOWN, (shared.where,), shared.open, {"receivers": "accounts that are not known"}))
    return answer_of(found)


def _undeclared(shared: Shared, index: int, receiver: Receiver) -> Iterator[Found]:
    settings = shared.access.settings
    evidence = (place_of(shared, (receiver,)),)
    values = {"receivers": receiver.name}
    attribute = f"{receiver.kind}:{index}"
    text = receiver.value.text
    if text is None:
        yield Found(attribute, Truth.UNKNOWN, evidence, opens(receiver.value), values)
        return
    if receiver.kind == "account":
        known_ones, flag, what = settings.trusted_accounts, "--trusted-account", text
    else:
        parts = text.split("/")
        known_ones, flag, what = settings.organizations, "--organization", parts[1] if len(parts) > 1 else text
    if what in known_ones or (receiver.kind == "account" and what in shared.access.widest.once(_deployed_to)):
        return
    if not known_ones:
        yield Found(attribute, Truth.UNKNOWN, evidence, (Open(flag, f"whether {what} is one of your own"),), values)
        return
    own = shared.access.deployment(shared.resource).account
    if receiver.kind == "account" and own is None:
        yield Found(attribute, Truth.UNKNOWN, evidence, (Open("--account", f"whether {what} is the account itself"),), values)
        return
    yield Found(attribute, Truth.NO, evidence, (), values)


def _deployed_to(access: Access) -> frozenset[str]:
    """The accounts into which the scanned code deploys: they are the user's own."""
    accounts = {text for one in access.graph.resources if one.account is not None and (text := one.account.text) is not None}
    return frozenset(accounts | {access.settings.account or ""})


# What RAM shares


def clonable(question: Question) -> Answer:
    """Whether whoever RAM shares an Aurora cluster with can clone it: with its key, which the clone is under too.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Managing.Clone.Cross-Account.html
    """
    access, share = access_of(question), question.resource
    principals = question.attribute("principals")
    receivers = [one for item in principals.items if (one := _receiver(access, share, item)) is not None]
    undecided = opens(principals) if isinstance(principals.data, Unknown) else ()
    if not receivers and not undecided:
        return Answer(Truth.YES)
    where = Evidence(f"it is shared by {share.address}", principals.where, principals.trail, share)
    shared = Shared(access, share, tuple(receivers), undecided, where)
    found: list[Found] = []
    for end, there in access.ends(share, "resources"):
        if not isinstance(end, Resource) or there is not Truth.YES:
            continue
        for content in contents(access, end):
            name = managed(access, content)
            if name is not None:
                evidence = (place_of(shared, receivers), under(content, f"{end.address} is under {name}"))
                problem = f"it is under {name}, which no other account can use"
                truth = Truth.NO if receivers else Truth.UNKNOWN
                values = {"holder": end.address, "receivers": names(receivers), "problem": problem}
                found.append(Found(f"key:{end.address}", truth, evidence, () if receivers else undecided, values))
            elif content.encrypted is Truth.UNKNOWN:
                found.append(_of_cluster(unclear(shared, content), end))
            elif content.key is not None:
                found += [_of_cluster(lack, end) for lack in denied(shared, content, content.key)]
    return answer_of(found)


def _of_cluster(found: Found, cluster: Resource) -> Found:
    problem = f"the key {found.values['key']} does not give {found.values['missing']}"
    return msgspec.structs.replace(found, values={**found.values, "holder": cluster.address, "problem": problem})


def _receiver(access: Access, share: Resource, item: Value) -> Receiver | None:
    """Whom a principal of a share stands for; None for somebody of the own account, and for services."""
    parts = (item.text or "").split(":")
    if len(parts) > 5 and parts[2] == "organizations":
        return Receiver("unit" if parts[5].startswith("ou/") else "organization", item)
    account = item.with_data(parts[4]) if len(parts) > 5 else item
    if item.text is not None and (account.text is None or not account.text.isdigit()):
        return None
    return None if is_own(access, share, account) else Receiver("account", account)
