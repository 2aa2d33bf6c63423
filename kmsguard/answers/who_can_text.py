"""The answer of `kmsguard who-can` as text."""

from __future__ import annotations

from collections.abc import Iterator

from kmsguard.answers.layout import entry, place, text_of, titled
from kmsguard.answers.who_can import Answer, Everybody, KeyAnswers, Reason, WhoCan
from kmsguard.iam.texts import fold
from kmsguard.iam.widest import AudienceName
from kmsguard.model.finding import Open

COLUMN = 11
AUDIENCES: dict[AudienceName, str] = {
    "nobody": "nobody",
    "account-principals": "callers of the account that the policy names",
    "account": "everybody in the account",
    "trusted": "everybody in trusted accounts",
    "organization": "everybody in the organization",
    "external": "callers of foreign accounts",
    "service": "AWS services, whomever they call for",
    "public": "anybody, of any account",
}


def render(tree: WhoCan, width: int) -> str:
    """Key by key who can, who perhaps can, and by which statements."""
    lines: list[str] = []
    for key in tree.keys:
        lines += ["", *_key(key, tree, width)] if lines else _key(key, tree, width)
    return text_of(lines or ["no keys"])


def _key(key: KeyAnswers, tree: WhoCan, width: int) -> Iterator[str]:
    yield f"kms:{_asked(tree)} with {titled(key.address, key.unit, key.region, key.account)}"
    told = False
    for audience in key.everybody:
        told = True
        yield from _everybody(audience, tree, width)
    for answer in key.principals:
        told = True
        yield from _answer(answer, tree, width)
    if not told:
        yield "  nobody that this scan knows of"


def _asked(tree: WhoCan) -> str:
    """An operation as KMS spells it, whatever its case was in the question; a pattern as it was asked for."""
    name = tree.action.rpartition(":")[2]
    return next((one for one in tree.operations if fold(one) == fold(name)), name)


def _everybody(audience: Everybody, tree: WhoCan, width: int) -> Iterator[str]:
    certain = audience.at_least != "nobody"
    who = AUDIENCES[audience.at_least] if certain else f"perhaps {AUDIENCES[audience.at_most]}"
    if certain and audience.at_least != audience.at_most:
        who += f", perhaps {AUDIENCES[audience.at_most]}"
    text = ", ".join((who + _operations(audience.operations, tree), *audience.conditions))
    yield from entry("  yes" if certain else "  unknown", text, width, column=COLUMN)
    for one in audience.decided_by:
        yield from entry("", decider(one), width, column=COLUMN + 2)
    if audience.location is not None:
        yield from entry("", f"{place(audience.location)}: this statement does not say whom it means", width, column=COLUMN + 2)


def _answer(answer: Answer, tree: WhoCan, width: int) -> Iterator[str]:
    who = answer.principal + _operations(answer.operations, tree)
    if answer.kind == "account" and answer.answer != "no":
        who += ": whomever its IAM policies allow"
    if answer.answer == "unknown":
        yield from entry("  unknown", who, width, column=COLUMN)
        for one in answer.decided_by:
            yield from entry("", decider(one), width, column=COLUMN + 2)
    elif answer.answer == "no":
        yield from entry("  no", who, width, column=COLUMN)
        yield from _reasons(answer.reasons, width)
    for number, way in enumerate(answer.ways):
        conditions = ", ".join(way.conditions)
        if answer.answer == "yes" and not number:
            yield from entry("  yes", f"{who}{f', {conditions}' if conditions else ''}", width, column=COLUMN)
        elif conditions:
            yield from entry("", f"{'or' if answer.answer == 'yes' else 'only'} {conditions}", width, column=COLUMN)
        yield from _reasons(way.reasons, width)


def _operations(operations: tuple[str, ...], tree: WhoCan) -> str:
    return f" ({', '.join(operations)})" if operations != tree.operations else ""


def _reasons(reasons: tuple[Reason, ...], width: int) -> Iterator[str]:
    for reason in reasons:
        at = place(reason.location)
        yield from entry("", f"{at}: {reason.message}" if at else _unwritten(reason), width, column=COLUMN + 2)


def _unwritten(reason: Reason) -> str:
    """What has no place is what AWS makes of nothing."""
    return f"by default: {reason.message}" if reason.part in ("allows", "delegates") else reason.message


def decider(one: Open) -> str:
    """What would decide something, with its name where the message does not say it."""
    return one.message if not one.reference or one.reference in one.message else f"{one.reference}: {one.message}"
