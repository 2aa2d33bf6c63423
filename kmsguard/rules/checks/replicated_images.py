"""Replicas that ECR makes of repositories under KMS keys.

A repository that ECR creates for a replica takes its encryption from a repository creation template of the destination, and
AES-256 where none is for it: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kmsguard.iam.decide import OWN_ACCOUNT
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.guard import decide
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Answer, Question
from kmsguard.model.truth import Truth, any_of
from kmsguard.model.value import ABSENT, Unknown, Value, resolve_deep
from kmsguard.rules.checks.access import Access, access_of
from kmsguard.rules.checks.telling import here, opens, same_text, shown

_GOOD = Answer(Truth.YES)


def replicas_under_keys(question: Question) -> Answer:
    """Whether the replicas of repositories under a key are under one, too."""
    access, rule = access_of(question), question.resource
    repository = next(_under_keys(access, rule, question), None)
    if repository is None:
        return _GOOD
    worst = _GOOD
    for destination in resolve_deep(question.attribute("destinations"), question.world).items:
        region, account = (destination.members.get(name, Value(ABSENT)) for name in ("region", "account"))
        own = same_text(account, rule.account or OWN_ACCOUNT)
        keyed = any_of(_keyed(access, one, region, repository) for one in _templates(access, rule, account))
        truth = keyed if own is Truth.YES else keyed | Truth.UNKNOWN
        if truth is Truth.YES or worst.truth <= truth:
            continue
        evidence = (
            here(f"images are replicated to {shown(region)}", region, rule),
            Evidence(f"{repository.address} is under a key", repository.head, None, repository),
        )
        elsewhere = Open(account.text or "the registry", "which repository creation templates it has is not known here")
        open_ = () if truth is Truth.NO else opens(region, account) or (elsewhere,)
        worst = Answer(truth, evidence, open_, values={"repository": repository.address, "region": shown(region)})
    return worst


def _under_keys(access: Access, rule: Resource, question: Question) -> Iterator[Resource]:
    prefixes = [item.text for item in question.attribute("prefixes").items]
    for one in access.graph.by_kind.get("ecr.repository", ()):
        if one.unit != rule.unit or one.region != rule.region or decide(one.exists, access.world) is not Truth.YES:
            continue
        name = access.value(one, "name").text
        chosen = not prefixes or any(name is not None and prefix is not None and name.startswith(prefix) for prefix in prefixes)
        if chosen and access.value(one, "key").data is not ABSENT:
            yield one


def _templates(access: Access, rule: Resource, account: Value) -> Iterator[Resource]:
    for one in access.graph.by_kind.get("ecr.creation_template", ()):
        theirs = one.account or OWN_ACCOUNT
        if same_text(theirs, account) is not Truth.NO or theirs == (rule.account or OWN_ACCOUNT):
            yield one


def _keyed(access: Access, template: Resource, region: Value, repository: Resource) -> Truth:
    """Whether a template gives replicas of a repository a key."""
    there = same_text(template.region, region) if template.region is not None else Truth.UNKNOWN
    applied = access.value(template, "applied_for")
    applies = Truth.UNKNOWN if isinstance(applied.data, Unknown) else Truth.of("REPLICATION" in [i.text for i in applied.items])
    prefix, name = access.value(template, "prefix").text, access.value(repository, "name").text
    named = Truth.UNKNOWN
    if prefix == "ROOT":
        named = Truth.YES
    elif prefix is not None and name is not None:
        named = Truth.of(name.startswith(prefix))
    encryption = access.value(template, "encryption")
    keyed = Truth.UNKNOWN if encryption.text is None else Truth.of(encryption.text.startswith("KMS"))
    return there & applies & named & keyed & decide(template.exists, access.world)
