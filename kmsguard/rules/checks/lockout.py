"""Whether a key policy can be changed again.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#allow-access-to-root
"""

from __future__ import annotations

import msgspec

from kmsguard.iam.document import Statement, read_policy
from kmsguard.iam.plain import plain_lockout
from kmsguard.iam.request import action_truth
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Answer, Question
from kmsguard.model.truth import Truth
from kmsguard.model.value import Unknown, Value
from kmsguard.rules.checks.access import Access, access_of
from kmsguard.rules.checks.audiences import (
    NOBODY,
    is_told_with_its_key,
    open_of,
)
from kmsguard.rules.checks.documents import (
    Views,
    views_in,
    views_of,
)

WELL = Answer(Truth.YES)


def can_be_changed(question: Question) -> Answer:
    """Whether somebody of the account may put another key policy."""
    if is_told_with_its_key(question):
        return WELL
    views = views_of(question)
    if views.all[0].document.error is not None:
        return Answer(Truth.UNKNOWN, open=(Open("policy", f"it is no policy ({views.all[0].document.error})"),))
    locked = locked_of(question)
    if locked == {False}:
        return WELL
    document = views.all[0].document
    span = document.value.where
    if locked == {True}:
        message = "no statement lets anybody of the account do kms:PutKeyPolicy"
        return Answer(Truth.NO, (Evidence(message, span),))
    open_ = () if len(locked) == 1 else views.open
    opens = [
        open_ for statement in document.statements for open_ in open_of(statement, NOBODY) if decides_on_policies(statement)
    ]
    return Answer(
        Truth.UNKNOWN,
        (Evidence("whether anybody of the account may do kms:PutKeyPolicy is not decided", span),),
        tuple(dict.fromkeys((*open_, *opens))) or (Open("policy", "a statement that AWS does not say enough about"),),
    )


def decides_on_policies(statement: Statement) -> bool:
    """Whether a statement may say who puts key policies."""
    return action_truth(statement, "PutKeyPolicy") is not Truth.NO


def locked_of(question: Question) -> set[bool | None]:
    """Whether nobody can change the policy of a resource, in each reading of its document; None: not decided."""
    return access_of(question).once(_locked_in, question.resource)


def _locked_in(access: Access, resource: Resource) -> set[bool | None]:
    return _locked(views_in(access, resource))


def _locked(views: Views) -> set[bool | None]:
    """Whether nobody can put another policy, for each account that the own one can be, or for two that differ."""
    found: set[bool | None] = set()
    for view in views.all:
        document = view.document
        plainly = plain_lockout(document, view.deployment)
        if plainly is not None:
            found.add(plainly)
            if len(found) > 1:
                break
            continue
        from kmsguard.iam.audience import Question as Audiences  # most scans need no search

        if any(test.key == _VIA for statement in document.statements for test in statement.tests):
            statements = (*document.statements, _never_put(len(document.statements)))
            document = msgspec.structs.replace(document, statements=statements)
        found.add(Audiences(document, view.deployment).lockout())
        if len(found) > 1:
            break
    return found


_VIA = "kms:viaservice"
_THROUGH_OTHERS = """{"Statement": {
  "Effect": "Deny", "Principal": "*", "Action": "kms:PutKeyPolicy", "Resource": "*",
  "Condition": {
    "Null": {"kms:ViaService": "false"},
    "StringNotLike": {"kms:ViaService": ["cloudformation.*", "cloudcontrolapi.*"]}
  }
}}"""


def _never_put(index: int) -> Statement:
    """That only services which deploy put key policies for their users, as a statement at a place of a document."""
    (statement,) = read_policy(Value(_THROUGH_OTHERS)).statements
    return msgspec.structs.replace(statement, index=index)


def keeps_the_lockout_check(question: Question) -> Answer:
    """Whether KMS is left to check that the policy can be changed again."""
    if is_told_with_its_key(question):
        return WELL
    value = question.attribute("bypass_lockout_check")
    if value.data is True:
        return Answer(Truth.NO, (Evidence("the check is switched off here", value.where),))
    if isinstance(value.data, Unknown):
        reference = value.data.reference or "bypass_lockout_check"
        return Answer(
            Truth.UNKNOWN, (Evidence("whether it is, is not known", value.where),), (Open(reference, value.data.reason),)
        )
    return WELL
