"""How a use of a key that is denied, or may be, is told: what keeps it from the key, where, and the statement that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from kmsguard.iam.decide import Decision, Layer, Principal, can
from kmsguard.iam.document import Statement, read_policy
from kmsguard.iam.key_policies import ALIAS_OF_AWS
from kmsguard.iam.texts import acts
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import External, KeyUse, Resource
from kmsguard.model.rule import Found
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Value
from kmsguard.rules.checks.key_requests import Context
from kmsguard.rules.checks.key_uses import ALLOWED, End, Hop, User, Uses, pieces_of
from kmsguard.rules.checks.statements import language_of, paste
from kmsguard.rules.checks.telling import name_of

Cause: TypeAlias = Literal[
    "refused", "managed key", "denied", "condition", "key policy", "boundary", "organization", "identity"
]


class Verdict(NamedTuple):
    """What is decided of one use of one key by one principal."""

    truth: Truth
    cause: Cause
    use: KeyUse
    hop: Hop
    user: User
    missing: tuple[str, ...]
    decision: Decision | None
    context: Context
    open: tuple[Open, ...]
    others: tuple[Cause, ...] = ()  # what it may be as well


def told(uses: Uses, verdict: Verdict) -> Found:
    """One use, as it is reported."""
    hop, user, use = verdict.hop, verdict.user, verdict.use
    key = _called(hop.key)
    title = use.title or "to use it"
    head = Evidence(f"{user.name} uses a key here {title}", _place(uses, use, hop), None, uses.resource)
    steps = [head]
    decision = verdict.decision
    if hop.holder is not uses.resource:
        where = hop.by.where or hop.holder.head
        how = "names" if use.through.endswith(ALLOWED) else "is under"
        steps.append(Evidence(f"{hop.holder.address} {how} {key}", where, hop.by.trail, hop.holder))
    if decision is not None:
        steps += [Evidence(e.message, e.span) for e in (*decision.evidence, *decision.missed) if e.span is not None]
    steps += [Evidence(message, span) for span, message in _misfits(uses, verdict)]
    evidence = tuple({(e.message, e.span): e for e in steps}.values())
    spelled = _spelled(verdict.missing)
    values = {
        "who": user.name,
        "key": key,
        "holder": hop.holder.address,
        "actions": ", ".join(spelled),
        "title": title,
        "reason": use.refused or _reason(uses, verdict),
    }
    return Found(
        attribute=f"{user.name}:{key if isinstance(hop.key, Resource) else hop.holder.address}:{verdict.cause}",
        truth=verdict.truth,
        evidence=evidence,
        open=verdict.open if verdict.truth is Truth.UNKNOWN else (),
        values=values,
        remediation=_remedy(uses, verdict, spelled) if verdict.truth is Truth.NO else "",
    )


def _misfits(uses: Uses, verdict: Verdict) -> Iterator[tuple[Span | None, str]]:
    """What keeps the statements of a principal that allow an operation from allowing it here."""
    if verdict.cause != "condition" or not verdict.missing:
        return
    action = verdict.missing[0]
    key = uses.access.key(verdict.hop.key, verdict.hop.holder)
    for statement in nearly_allowing(verdict.user.principal, action):
        alone = read_policy(Value({"Statement": Value({**statement.value.members, "Principal": Value("*")})}), uses.deployment)
        as_key = msgspec.structs.replace(key, policies=Layer(documents=(alone,)), grants=())
        asked = can(verdict.user.principal, action, as_key, verdict.context, deployment=uses.deployment)
        for missed in asked.missed[:1]:
            yield missed.span, f"statement {statement.name} allows{missed.message.partition(' allows')[2]}"


def _place(uses: Uses, use: KeyUse, hop: Hop) -> Span | None:
    """Where the resource says what makes somebody use the key."""
    first = uses.question.graph.out(uses.resource, use.through.split(".")[0])
    first = [one for one in first if one.target is hop.holder] or first
    # What leads to an end by its Region says nothing of the key.
    said = (one.by.where for one in first if one.by is not uses.resource.region)
    return next((where for where in said if where is not None), uses.resource.head)


def _reason(uses: Uses, verdict: Verdict) -> str:
    decision = verdict.decision
    if decision is not None and verdict.cause in ("denied", "condition"):
        first = next((e for e in (*decision.missed, *decision.evidence) if e.part in ("denies", "limits") and e.span), None)
        if first is not None and (first.statement is not None or verdict.cause == "denied"):
            return first.message
        misfit = next(_misfits(uses, verdict), None)
        if misfit is not None:
            return misfit[1]
    return _REASONS[verdict.cause]


def _remedy(uses: Uses, verdict: Verdict, actions: Sequence[str]) -> str:
    hop, user, cause = verdict.hop, verdict.user, verdict.cause
    key, language = name_of(hop.key), language_of(uses.question.graph, uses.resource)
    action: object = list(actions) if len(actions) > 1 else actions[0] if actions else ""
    if cause in ("refused", "managed key"):
        return ""
    if cause == "denied":
        return f"Exempt {user.name} from the statement that denies {', '.join(actions)}."
    if cause == "organization":
        return f"Let the policies of the organization allow {', '.join(actions)} to {user.name}."
    if user.end is None or (cause in ("key policy", "condition") and _asks_key_policy(verdict)):
        who: dict[str, object] = {"Service": user.name} if user.end is None else {"AWS": _written(uses, user.end, language)}
        statement: dict[str, object] = {"Effect": "Allow", "Principal": who, "Action": action, "Resource": "*"}
        account = _own_account(uses, language)
        if user.end is None and verdict.use.source_arn not in ("", "-") and account is not None:
            statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
        return paste(f"Add this statement to the policy of {key}:", statement, language)
    allow: dict[str, object] = {"Effect": "Allow", "Action": action, "Resource": _written(uses, hop.key, language)}
    via = verdict.context.get("kms:ViaService")
    if via is not None and via.text is not None:
        allow["Condition"] = {"StringEquals": {"kms:ViaService": via.text}}
    where = "the permission boundary" if cause == "boundary" else "a policy"
    what = f"Add this statement to {where} of {user.name}:"
    return paste(what, allow, language)


def _own_account(uses: Uses, language: str) -> object:
    """The account of the resource, as it is written in the language of the file; None where that needs a declaration."""
    text = uses.account().text
    return text if text is not None or language == "terraform" else {"Ref": "AWS::AccountId"}


def _asks_key_policy(verdict: Verdict) -> bool:
    user, decision = verdict.user, verdict.decision
    if user.principal.service_linked or verdict.cause == "key policy":
        return True
    return decision is not None and bool(decision.missed)


def _written(uses: Uses, end: End, language: str) -> object:
    """An ARN as it is written in the language of the file."""
    if isinstance(end, External):
        return end.value.text or f"<{name_of(end)}>"
    if end.unit != uses.resource.unit or "module." in end.address:
        return uses.access.value(end, "arn").text or f"<ARN of {end.address}>"
    if language == "cloudformation":
        return {"Fn::GetAtt": [end.address, "Arn"]}
    return f"${{{end.address}.arn}}"


_REASONS: dict[Cause, str] = {
    "refused": "no KMS key works here",
    "managed key": "the policy of an AWS managed key admits no service and no other account, and cannot be changed",
    "denied": "a statement denies it",
    "condition": "the statement that allows it is for something else",
    "key policy": "no statement of the key policy admits it",
    "boundary": "its permission boundary does not allow it",
    "organization": "a policy of the organization does not allow it",
    "identity": "none of its policies allows it",
}


# As key policies are written.
_FAMILIES = {
    "kms:ReEncryptFrom": "kms:ReEncrypt*",
    "kms:ReEncryptTo": "kms:ReEncrypt*",
    "kms:GenerateDataKey": "kms:GenerateDataKey*",
    "kms:GenerateDataKeyWithoutPlaintext": "kms:GenerateDataKey*",
}


def _spelled(actions: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(_FAMILIES.get(action, action) for action in actions))


def nearly_allowing(principal: Principal, action: str) -> Iterator[Statement]:
    """The statements of a principal that allow an action, with other resources or conditions than are asked for."""
    for document in principal.identity_policies.documents:
        for statement in document.statements:
            element = statement.action
            if statement.effect != "Allow" or element is None or element.negated:
                continue
            if any(acts(entry.text, action) is Truth.YES for entry in element.entries):
                yield statement


def _called(key: End) -> str:
    """How a message names a key: an AWS managed key by its alias."""
    text = pieces_of(key.value) if isinstance(key, External) else ""
    return text[text.index(ALIAS_OF_AWS) :] if ALIAS_OF_AWS in text else name_of(key)
