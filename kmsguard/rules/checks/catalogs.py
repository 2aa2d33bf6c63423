"""Glue Data Catalogs that other accounts read: whoever reads an encrypted one decrypts with its key.

https://docs.aws.amazon.com/glue/latest/dg/encrypt-glue-data-catalog.html and
https://docs.aws.amazon.com/glue/latest/dg/cross-account-access.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kmsguard.iam.decide import OWN_ACCOUNT
from kmsguard.iam.texts import equal, known, sym
from kmsguard.model.finding import Evidence
from kmsguard.model.guard import decide
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Answer, Found, Question, answer_of
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Value
from kmsguard.rules.checks.access import Access, access_of, arn_part
from kmsguard.rules.checks.admission import Receiver, admits
from kmsguard.rules.checks.telling import name_of, opens

_CALLERS = "SSE-KMS"  # with a service role Glue uses the key in place of whoever calls


def readable_abroad(question: Question) -> Answer:
    """Whether the accounts that a catalog's resource policy lets in can use the key of its metadata."""
    access, settings = access_of(question), question.resource
    key, mode = question.attribute("key"), question.attribute("mode")
    if mode.text is not None and mode.text != _CALLERS:
        return Answer(Truth.YES)
    found: list[Found] = []
    for policy, account in _readers(access, settings):
        name = account.text or name_of(policy)
        where = Evidence(f"{name} may read the catalog here", account.where or policy.head, account.trail, policy)
        head = Evidence("its metadata is encrypted here", key.where or mode.where or settings.head, None, settings)
        if key.data is ABSENT or "alias/aws/" in (key.text or ""):
            values = {"account": name, "problem": "the AWS managed key aws/glue lets no other account in"}
            truth = Truth.NO if mode.text is not None else Truth.UNKNOWN
            found.append(Found(f"account:{name}", truth, (head, where), opens(mode) if truth is Truth.UNKNOWN else (), values))
            continue
        for end, _ in access.ends(settings, "encrypted_with"):
            admission = admits(access, settings, access.key(end, settings), Receiver("account", account), ("kms:Decrypt",))
            truth = admission.truth if mode.text is not None else admission.truth | Truth.UNKNOWN
            if truth is Truth.YES:
                continue
            evidence = (head, where, *(Evidence(reason.message, reason.span) for reason in admission.reasons))
            values = {"account": name, "problem": f"the key {name_of(end)} does not give it kms:Decrypt"}
            open_ = () if truth is Truth.NO else admission.open or opens(mode)
            found.append(Found(f"account:{name}", truth, evidence, open_, values))
    return answer_of(found)


def _readers(access: Access, settings: Resource) -> Iterator[tuple[Resource, Value]]:
    """The other accounts that resource policies of the same account and Region let in, each once."""
    deployment = access.deployment(settings)
    own = sym(settings.account or OWN_ACCOUNT, deployment)
    told: set[str] = set()
    for policy in access.graph.by_kind.get("glue.resource_policy", ()):
        same = policy.unit == settings.unit and policy.region == settings.region and policy.account == settings.account
        if not same or decide(policy.exists, access.world) is not Truth.YES:
            continue
        for statement in access.read(access.value(policy, "policy"), deployment).statements:
            if statement.effect == "Deny" or statement.principal is None or statement.principal.negated:
                continue
            for one in statement.principal.entries:
                text, value = known(one.entry.text), one.entry.value
                account = value if text is not None and text.isdigit() else arn_part(value, 4)
                if account is None or account.text is None or not account.text.isdigit() or account.text in told:
                    continue
                if equal(sym(account, deployment), own) is Truth.NO:
                    told.add(account.text)
                    yield policy, account
