"""Grants: for whom they are, and whether they can be handed on."""

from __future__ import annotations

import re

from kmsguard.iam.plain import ACCOUNT_OF
from kmsguard.iam.service_linked import SERVICE_LINKED
from kmsguard.iam.texts import known, opens, show, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.rule import Answer, Found, Question, answer_of
from kmsguard.model.truth import Truth
from kmsguard.model.value import Unknown
from kmsguard.rules.checks.documents import MADE_UP, View, views_of

WELL = Answer(Truth.YES)


def is_narrow(question: Question) -> Answer:
    """Whether a grant is for somebody of one's own, and cannot be handed on."""
    grantees = views_of(question, "grantee")
    open_ = tuple(dict.fromkeys(o for one in grantees.all for o in (_grantee(one)[1])))
    truths = [_grantee(one)[0] for one in grantees.all]
    findings = []
    value = question.attribute("grantee")
    who = _grantee_text(grantees.all[0])
    if not all(truth is Truth.YES for truth in truths):
        truth = Truth.NO if all(one is Truth.NO for one in truths) else Truth.UNKNOWN
        if len(set(truths)) > 1:
            open_ = (*grantees.open, *open_)
        message = "this account is not declared as trusted"
        findings.append(
            Found(
                "grantee",
                truth,
                (Evidence(message, value.where),),
                open_,
                {"what": f"is for {who}, which is not declared as trusted"},
            )
        )
    if _hands_on(question, who):
        operations = question.attribute("operations")
        at = next((item for item in operations.items if item.text == "CreateGrant"), operations)
        found = Evidence("with this operation the grantee makes grants of its own", at.where)
        findings.append(Found("operations", Truth.NO, (found,), values={"what": "lets its grantee hand it on to anybody"}))
    return answer_of(findings)


def _grantee_text(view: View) -> str:
    return MADE_UP.sub(r"(\1)", show(sym(view.document.value)))


def _grantee(view: View) -> tuple[Truth, tuple[Open, ...]]:
    """Whether the grantee is of an own or trusted account."""
    text = sym(view.document.value)
    written = known(text)
    if written is None:
        first = show(text)
        account = re.match(r"arn:[^:]*:(?:iam|sts)::([0-9]{12}):", first)
        if account is None:
            return Truth.UNKNOWN, opens(text)
        return Truth.of(account[1] in (view.own, *view.deployment.trusted)), ()
    if written.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return Truth.YES, ()
    found = ACCOUNT_OF.fullmatch(written)
    return Truth.of(found is not None and found[1] in (view.own, *view.deployment.trusted)), ()


def _hands_on(question: Question, who: str) -> bool:
    operations = question.attribute("operations")
    if not any(item.text == "CreateGrant" for item in operations.items) or SERVICE_LINKED in who:
        return False
    return not _has_constraint(question)


def _has_constraint(question: Question) -> bool:
    for name in ("context_equals", "context_subset"):
        data = question.attribute(name).data
        if isinstance(data, Unknown) or (isinstance(data, dict) and data):
            return True
    return False


def is_constrained(question: Question) -> Answer:
    """Whether a grant to decrypt is for some encryption context only."""
    operations = question.attribute("operations")
    decrypts = next((item for item in operations.items if item.text in ("Decrypt", "ReEncryptFrom")), None)
    if decrypts is None or _has_constraint(question) or SERVICE_LINKED in _grantee_text(views_of(question, "grantee").all[0]):
        return WELL
    return Answer(Truth.NO, (Evidence("with any encryption context", decrypts.where),))
