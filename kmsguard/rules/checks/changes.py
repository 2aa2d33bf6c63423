"""What a plan does to keys and to what is stored under them."""

from __future__ import annotations

import re

import msgspec

from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import External, Resource
from kmsguard.model.rule import Answer, Question
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT
from kmsguard.rules.checks.access import Access, access_of
from kmsguard.rules.checks.lifecycle import used
from kmsguard.rules.checks.telling import name_of

_GOOD = Answer(Truth.YES)
_OF_KEYS = re.compile("kms|encrypt")
_READ_ONLY_MEANWHILE = ("redshift.cluster",)


def keeps_key(question: Question) -> Answer:
    """Whether the plan leaves a key alone; who still names one that it destroys is told."""
    change = question.resource
    if question.attribute("action").text != "delete":
        return _GOOD
    evidence = [Evidence("the plan schedules the deletion of this key", change.head, None, change)]
    arn = question.attribute("arn").text
    users = access_of(question).once(_users).get(arn, ()) if arn is not None else ()
    evidence += [Evidence(f"{user.address} still names it", user.head, None, user) for user in users[:5]]
    names = ", ".join(user.address for user in users[:3])
    return Answer(Truth.NO, tuple(evidence), values={"users": f"; {names} still names it" if names else ""})


def _users(access: Access) -> dict[str, tuple[Resource, ...]]:
    """Who has an edge to a key outside of the scan, by its ARN."""
    found: dict[str, dict[Resource, None]] = {}
    for edge in access.graph.edges():
        if isinstance(edge.target, External) and edge.target.kind == "kms.key" and edge.target.value.text is not None:
            found.setdefault(edge.target.value.text, {})[edge.source] = None
    return {arn: tuple(users) for arn, users in found.items()}


def replaces_no_key_in_use(question: Question) -> Answer:
    """Whether a key that the plan replaces is used by nothing: what the old one has encrypted, the new one does not decrypt."""
    change = question.resource
    for key in question.graph.by_address.get((change.unit, change.address), ()):
        if key.kind != "kms.key":
            continue
        use = used(msgspec.structs.replace(question, resource=key))
        if use.truth is Truth.NO:
            return _GOOD  # nothing uses it
        evidence = (Evidence("the plan makes a new key and schedules the deletion of this one", change.head, None, change),)
        forcing = [item.text or "" for item in question.attribute("forcing").items]
        because = f", because {', '.join(forcing)} cannot be changed" if forcing else ""
        if use.truth is Truth.UNKNOWN:
            return Answer(Truth.UNKNOWN, evidence, use.open, values={"because": because})
        return Answer(Truth.NO, evidence, values={"because": because})
    return _GOOD


def keeps_data(question: Question) -> Answer:
    """Whether a change of the key or encryption of a store leaves the store where it is, and in use."""
    change, action = question.resource, question.attribute("action").text
    forcing = question.attribute("forcing")
    stores = [one for one in question.graph.by_address.get((change.unit, change.address), ()) if "store" in one.traits]
    if not stores:
        return _GOOD
    said = forcing if forcing.data is not ABSENT else question.attribute("changed")
    names = [text for item in said.items if (text := item.text) is not None and _OF_KEYS.search(text)]
    place = (Evidence(f"the plan changes {', '.join(names)}", change.head, None, change),)
    if action == "update" and names and any(one.kind in _READ_ONLY_MEANWHILE for one in stores):
        outcome = "is encrypted anew, and can only be read meanwhile"
        return Answer(Truth.NO, place, values={"names": ", ".join(names), "outcome": outcome})
    if action != "replace" or not names:
        return _GOOD
    values = {"names": ", ".join(names), "outcome": "is destroyed and made anew, without what is in it"}
    if forcing.data is ABSENT:
        return Answer(
            Truth.UNKNOWN, place, (Open(name_of(change), "the plan does not say what it is replaced for"),), values=values
        )
    return Answer(Truth.NO, place, values=values)
