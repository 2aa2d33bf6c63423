"""Pipelines whose actions run in other accounts: what these read is under the artifact store's key.

https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-create-cross-account.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kmsguard.iam.decide import OWN_ACCOUNT
from kmsguard.iam.key_policies import ALIAS_OF_AWS
from kmsguard.model.finding import Evidence
from kmsguard.model.guard import Formula, decide
from kmsguard.model.resource import External, Resource
from kmsguard.model.rule import Answer, Found, Question, answer_of
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Value, resolve_deep
from kmsguard.rules.checks.access import Access, access_of, arn_part
from kmsguard.rules.checks.admission import Receiver, admits
from kmsguard.rules.checks.telling import here, name_of, opens, same_text

_NEEDED = ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey")


def readable_abroad(question: Question) -> Answer:
    """Whether the accounts in which actions run can use the key of the store that these actions read."""
    access, store = access_of(question), question.resource
    found: list[Found] = []
    told: set[str] = set()
    for account, role in _abroad(question):
        name = account.text or name_of(External("iam.role", account))
        if name in told:
            continue
        told.add(name)
        found += _of_account(access, store, account, role, name)
    return answer_of(found)


def _abroad(question: Question) -> Iterator[tuple[Value, Value]]:
    """The accounts of the roles of actions in the store's Region that are other ones, and where the roles are named."""
    store = question.resource
    own = store.account or OWN_ACCOUNT
    ends = {edge.by.span: edge.target for edge in question.graph.out(store, "roles") if _is_there(question, edge.guard)}
    for action in resolve_deep(question.attribute("actions"), question.world).items:
        role, region = action.members.get("role", Value(ABSENT)), action.members.get("region", Value(ABSENT))
        if role.data is ABSENT:
            continue
        if region.data is not ABSENT and store.region is not None and same_text(region, store.region) is Truth.NO:
            continue
        end = ends.get(role.span)
        account = end.account if isinstance(end, Resource) else arn_part(role, 4)
        if account is not None and same_text(account, own) is not Truth.YES and account.text is not None:
            yield account, role


def _is_there(question: Question, guard: Formula) -> bool:
    return decide(guard, question.world) is Truth.YES


def _of_account(access: Access, store: Resource, account: Value, role: Value, name: str) -> Iterator[Found]:
    own = store.account or OWN_ACCOUNT
    other = ~same_text(own, account)
    head = here(f"an action runs in the account {name}", role, store)
    key = access.value(store, "key")
    if key.data is ABSENT or ALIAS_OF_AWS in (key.text or ""):
        values = {
            "account": name,
            "problem": "its artifacts are under the AWS managed key aws/s3, which no other account can use",
        }
        open_ = opens(own) if other is Truth.UNKNOWN else ()
        yield Found(f"account:{name}", ~other, (head, Evidence("no key is named here", store.head, None, store)), open_, values)
        return
    for end, there in access.ends(store, "encrypted_with"):
        admission = admits(access, store, access.key(end, store), Receiver("account", account), _NEEDED)
        truth = admission.truth if there is Truth.YES and other is Truth.YES else admission.truth | Truth.UNKNOWN
        if truth is Truth.YES:
            continue
        missing = ", ".join(admission.missing) or "some permission"
        values = {"account": name, "problem": f"the key {name_of(end)} does not give it {missing}"}
        evidence = (head, *(Evidence(reason.message, reason.span) for reason in admission.reasons))
        yield Found(f"account:{name}", truth, evidence, () if truth is Truth.NO else admission.open or opens(own), values)
