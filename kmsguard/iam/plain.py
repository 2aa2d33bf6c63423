"""What is seen of a document as it is read, without a search for requests."""

from __future__ import annotations

import re

from kmsguard.iam.document import PolicyDocument, Statement, Test
from kmsguard.iam.keys import CONTEXT
from kmsguard.iam.request import action_truth, resource_truth
from kmsguard.iam.texts import Deployment
from kmsguard.model.truth import Truth

_PUT = "PutKeyPolicy"
ACCOUNT_OF = re.compile(r"(?:arn:[^:]*:(?:iam|sts)::)?([0-9]{12})(?::.*)?")
"""An account, or the ARN of one of its principals."""
_OF_ACCOUNT = re.compile(r"(?:arn:[^:]*:iam::)?([0-9]{12})(?::.*)?")


def plain_lockout(document: PolicyDocument, deployment: Deployment) -> bool | None:
    """What `Question.lockout` says, where it is seen without a search; None where it is not.

    Nobody is locked out where a statement lets the account itself put a policy, without a condition, and no other one can
    deny that; everybody is where all statements are about something else, or let in other accounts and services alone.
    """
    if any(one.open or one.effect is None for one in document.statements):
        return None
    allows = [one for one in document.statements if one.effect == "Allow" and action_truth(one, _PUT) is not Truth.NO]
    if all(_is_of_others(one, deployment) for one in allows):
        return True
    if any(one.effect == "Deny" and action_truth(one, _PUT) is not Truth.NO for one in document.statements):
        return None
    return False if any(_is_for_the_account(one, deployment) for one in allows) else None


def _is_of_others(statement: Statement, deployment: Deployment) -> bool:
    element = statement.principal
    if element is None or element.negated or element.open or not element.entries:
        return False
    for one in element.entries:
        text = one.entry.known
        account = _OF_ACCOUNT.fullmatch(text) if text is not None and one.type == "AWS" else None
        if one.type != "Service" and (account is None or account[1] == deployment.account):
            return False
    return True


def _is_for_the_account(statement: Statement, deployment: Deployment) -> bool:
    element = statement.principal
    if element is None or element.negated or element.open or statement.condition is not None:
        return False
    if action_truth(statement, _PUT) is not Truth.YES or resource_truth(statement, deployment) is not Truth.YES:
        return False
    own = (deployment.account, f"arn:{deployment.partition}:iam::{deployment.account}:root")
    return any(one.type == "AWS" and one.entry.known in own for one in element.entries)


def is_closed(statement: Statement, deployment: Deployment) -> bool:
    """Whether a statement certainly lets in nobody but callers of the own and trusted accounts, and services for them."""
    element = statement.principal
    if statement.open or element is None:
        return not statement.open
    if element.negated or element.open:
        return False
    ours = (deployment.account or "", *deployment.trusted)
    customers = any(_is_for_customers(test, ours) for test in statement.tests)
    for entry in element.entries:
        if entry.type in ("Federated", "CanonicalUser") or (entry.type == "Service" and customers):
            continue
        text = entry.entry.known
        account = ACCOUNT_OF.fullmatch(text) if text is not None and entry.type == "AWS" else None
        if account is None or account[1] not in ours:
            return False
    return True


_OF_TEXTS = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
_OF_ARNS = _OF_TEXTS | {"arnequals", "arnlike"}
_ARN_OF_ACCOUNT = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12}):.*", re.DOTALL)


def _is_for_customers(test: Test, accounts: tuple[str, ...]) -> bool:
    """Whether a test holds of a service's call only where it is for one of some accounts.

    What a service sends as `aws:SourceAccount`, `aws:SourceArn` and as an ARN in the encryption context is its customer's:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    texts = [entry.known or "" for entry in test.values]
    if not texts or test.prefix or test.if_exists or test.variables:
        return False
    if test.key == "aws:sourceaccount":
        return test.base in _OF_TEXTS and all(text in accounts for text in texts)
    if test.key != "aws:sourcearn" and not (test.key.startswith(f"{CONTEXT}aws:") and test.key.endswith("arn")):
        return False
    arns = map(_ARN_OF_ACCOUNT.fullmatch, texts)
    return test.base in _OF_ARNS and all(arn is not None and arn[1] in accounts for arn in arns)
