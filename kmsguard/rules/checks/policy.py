"""Key policies that let in more than they should, or nobody: statement by statement, as AWS would decide."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from kmsguard.iam import reference
from kmsguard.iam.conditions import BASES
from kmsguard.iam.document import Element, Entry, PolicyDocument, Statement, Test
from kmsguard.iam.keys import CONTEXT, PRINCIPAL_TAG
from kmsguard.iam.operations import CLASSES, WITH_CONTEXT
from kmsguard.iam.request import action_truth, glob, resource_truth
from kmsguard.iam.service_linked import SERVICE_LINKED
from kmsguard.iam.texts import fold, show
from kmsguard.model.rule import Answer, Question, answer_of
from kmsguard.model.truth import Truth
from kmsguard.model.value import Absent, Value
from kmsguard.rules.checks.audiences import (
    TAKE_OVER,
    Group,
    audience_of,
    is_negated,
    is_told_with_its_key,
    look,
    sights_of,
)
from kmsguard.rules.checks.documents import (
    MADE_UP,
    MADE_UP_ARN,
    View,
    allows,
    views_of,
)
from kmsguard.rules.checks.lockout import decides_on_policies, locked_of
from kmsguard.rules.checks.statement_findings import told, told_of

USE = ("Decrypt", "ReEncryptFrom", "GenerateDataKey", "Sign", "GenerateMac", "DeriveSharedSecret")
WELL = Answer(Truth.YES)


def _told(question: Question, group: Group) -> Answer:
    return told_of([sight for sight in sights_of(question) if sight.group == group])


def is_not_public(question: Question) -> Answer:
    """Whether a key policy keeps out callers whom nothing names."""
    return _told(question, "public")


def is_not_administered_from_outside(question: Question) -> Answer:
    """Whether no account that is not trusted is allowed everything."""
    return _told(question, "administration")


def is_not_foreign(question: Question) -> Answer:
    """Whether no account or organization that is not trusted is let in."""
    return _told(question, "account")


_EVENTS = re.compile(r"events\.amazonaws\.com(\.cn)?")
_FOR_TOPICS = ("generatedatakey", "generatedatakeywithoutplaintext", "decrypt", "describekey")


def ties_services(question: Question) -> Answer:
    """Whether services that call with their own credentials do so for known customers only.

    Left alone is EventBridge where it may do what it takes to notify a topic: it says nothing of the customer then, and a
    condition would stop it (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html, "Enable compatibility between
    event sources from AWS services and encrypted topics").
    """
    sights = [sight for sight in sights_of(question) if sight.group == "service" and not _is_for_events(sight.statement)]
    return told_of(sights)


def _is_for_events(statement: Statement) -> bool:
    """Whether it lets nobody but EventBridge in, for what it does with a topic."""
    element, actions = statement.principal, statement.action
    if element is None or element.negated or element.open or actions is None or actions.negated:
        return False
    services = all(
        entry.type == "Service" and _EVENTS.fullmatch(entry.entry.known or "") is not None for entry in element.entries
    )
    return services and all(
        fold(entry.known or "").removeprefix("kms:").rstrip("*") in _FOR_TOPICS for entry in actions.entries
    )


# --- Single statements -----------------------------------------------------------------------------------------------


def _statements(question: Question) -> tuple[Statement, ...]:
    """The statements of the policy, read where the own account is given or is one that nobody names."""
    return () if is_told_with_its_key(question) else views_of(question).all[0].document.statements


def says_whom_and_what_it_allows(question: Question) -> Answer:
    """Whether no statement allows to everybody but some, or everything but some."""
    findings = []
    for statement in _statements(question):
        if statement.effect != "Allow":
            continue
        if is_negated(statement):
            assert statement.principal is not None
            findings.append(told(statement, statement.principal.value, "NotPrincipal lets in all others", what="everybody"))
        elif statement.action is not None and statement.action.negated and _is_for_single_ones(question, statement):
            findings.append(told(statement, statement.action.value, "NotAction allows all others", what="all operations"))
    return answer_of(findings)


def _is_for_single_ones(question: Question, statement: Statement) -> bool:
    """Whether it names callers that are the account's own, one by one: users, roles, sessions."""
    if _lets_in_too_many(question, statement):
        return False
    element = statement.principal
    return element is not None and any(_is_single(entry.entry.known) for entry in element.entries if entry.type == "AWS")


def _is_single(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"arn:[^:]*:(iam|sts)::[0-9]{12}:(?!root$).+", text) is not None


def _lets_in_too_many(question: Question, statement: Statement) -> bool:
    """Whether a statement is told already as what it lets in."""
    return any(sight.statement.index == statement.index for sight in sights_of(question))


def _entries(statement: Statement) -> list[Entry]:
    """The entries of `Principal` under `AWS`."""
    element = statement.principal
    if element is None or element.negated:
        return []
    return [entry.entry for entry in element.entries if entry.type == "AWS"]


_EVERYTHING = (*CLASSES["use"], *CLASSES["grant"], *CLASSES["administer"])
_WAYS = ("kms:viaservice", "kms:grantisforawsresource", "aws:viaawsservice")


def gives_all_to_the_account_only(question: Question) -> Answer:
    """Whether no user or role is allowed everything."""
    findings = []
    for statement in _statements(question):
        if not allows(statement, _EVERYTHING) or _lets_in_too_many(question, statement) or _is_negated_action(statement):
            continue
        if any(test.key in _WAYS for test in statement.tests):
            continue
        singles = [entry for entry in _entries(statement) if _is_single(entry.known)]
        if singles:
            who = ", ".join(_shown(entry) for entry in singles)
            findings.append(told(statement, singles[0].value, "it is allowed everything here", who=who))
    return answer_of(findings)


def _is_negated_action(statement: Statement) -> bool:
    return statement.action is not None and statement.action.negated


def _shown(entry: Entry) -> str:
    """A principal for a message: a name that is made up is shown as what it stands for."""
    text = show(entry.text)
    whole = MADE_UP_ARN.fullmatch(text)
    return whole[1] if whole is not None else MADE_UP.sub(r"(\1)", text)


def separates_duties(question: Question) -> Answer:
    """Whether nobody both administers the key and uses it."""
    statements = [one for one in _statements(question) if one.effect == "Allow"]
    administers = {entry.known for one in statements if allows(one, TAKE_OVER[:1]) for entry in _entries(one)}
    findings = []
    for statement in statements:
        if allows(statement, _EVERYTHING) or not any(allows(statement, (operation,)) for operation in USE):
            continue
        both = [entry for entry in _entries(statement) if _is_single(entry.known) and entry.known in administers]
        if both:
            who = ", ".join(_shown(entry) for entry in both)
            findings.append(told(statement, both[0].value, "it may use the key here, and administers it too", who=who))
    return answer_of(findings)


def has_an_effect(question: Question) -> Answer:
    """Whether each statement is about the key, and about somebody."""
    if is_told_with_its_key(question):
        return WELL
    views = views_of(question)
    findings = []
    for statement in views.all[0].document.statements:
        if statement.open:
            continue
        missing = [
            name
            for name, element in (
                ("Principal", statement.principal), ("Action", statement.action), ("Resource", statement.resource)
            )
            if element is None
        ]  # fmt: skip
        if missing:
            if decides_on_policies(statement) and locked_of(question) == {True}:
                continue  # what nobody can change any more is told already
            what = f"has no `{missing[0]}`"
            findings.append(told(statement, None, f"it {what}, so it lets nobody do anything", what=what))
            continue
        assert statement.resource is not None
        truths = {resource_truth(view.document.statements[statement.index], view.deployment) for view in views.all}
        if truths == {Truth.NO}:
            what = "is about another resource than the key"
            message = "in a key policy `*` means the key; nothing else is meant here"
            findings.append(told(statement, statement.resource.value, message, what=what))
    return answer_of(findings)


_PRINCIPAL = re.compile(
    r"[0-9]{12}|arn:aws[a-z-]*:(iam::[0-9]{12}:(root|(user|role)/.+)|sts::[0-9]{12}:(assumed-role/[^/]+|federated-user)/.+)"
)
_UNIQUE_ID = re.compile(r"(AIDA|AROA|AGPA|ANPA|ANVA|AIPA)[A-Z0-9]{12,}")


def names_principals_that_exist(question: Question) -> Answer:
    """Whether each principal is one that KMS accepts."""
    findings = []
    for statement in _statements(question):
        for entry in statement.principal.entries if statement.principal is not None else ():
            wrong = _wrong(entry.entry) if entry.type == "AWS" else None
            if wrong is not None:
                who = entry.entry.known or str(entry.entry.value.data)
                findings.append(told(statement, entry.entry.value, f"this {wrong}", who=who, what=wrong))
    return answer_of(findings)


def _wrong(entry: Entry) -> str | None:
    """What is wrong with a principal; None where nothing is, or nothing is known."""
    if isinstance(entry.value.data, str) and "${" in entry.value.data:
        return "holds a placeholder that nothing replaces"
    text = entry.known
    if text is None or text == "*":
        return None
    if "*" in text or "?" in text:
        return "has a wildcard in it, which principals cannot have"
    if _UNIQUE_ID.fullmatch(text):
        return "is the unique id of a user or role that has been deleted"
    if ":group/" in text:
        return "is a group, which is no principal"
    return None if _PRINCIPAL.fullmatch(text) else "is neither an account nor the ARN of a user, role or session"


# --- Who makes grants ---


_LIMITS = (
    *_WAYS,
    "kms:granteeprincipal",
    "kms:grantoperations",
    "kms:granteeserviceprincipal",
    "kms:grantconstrainttype",
    "kms:grantconstraintsourcearn",
)


def limits_grants(question: Question) -> Answer:
    """Whether who may make grants, and may not change the policy, makes them for AWS services only."""
    statements = _statements(question)
    if any(_stops_grants(statement) for statement in statements):
        return WELL
    administers = {entry.known for one in statements if allows(one, TAKE_OVER[:1]) for entry in _entries(one)}
    own = views_of(question).all[0].own if statements else ""
    findings = []
    for statement in statements:
        if not allows(statement, CLASSES["grant"]) or _lets_in_too_many(question, statement) or _is_negated_action(statement):
            continue
        users = [
            entry
            for entry in _entries(statement)
            if _is_single(entry.known)
            and f"::{own}:" in (entry.known or "")
            and entry.known not in administers
            and SERVICE_LINKED not in (entry.known or "")
        ]
        limited = _limited(statement)
        if users and limited is not Truth.YES:
            who = ", ".join(_shown(entry) for entry in users)
            message = "kms:CreateGrant without a condition on kms:GrantIsForAWSResource"
            at = statement.action.value if statement.action is not None else None
            findings.append(told(statement, _entry_of(statement, "CreateGrant") or at, message, limited, who=who))
    return answer_of(findings)


def _entry_of(statement: Statement, operation: str) -> Value | None:
    """The action that allows an operation, as it is written."""
    for entry in statement.action.entries if statement.action is not None else ():
        if entry.known is not None and glob(fold(entry.known), fold(f"kms:{operation}")):
            return entry.value
    return None


def _limited(statement: Statement) -> Truth:
    """Whether a condition says for whom grants are made; UNKNOWN where that hangs on a value that is not known."""
    limited = Truth.UNKNOWN if statement.condition_open else Truth.NO
    for test in statement.tests:
        if test.key == "kms:grantisforawsresource":
            texts_ = [fold(entry.known) if entry.known is not None else None for entry in test.values]
            one = Truth.YES if texts_ == ["true"] and test.base != "null" else Truth.UNKNOWN if None in texts_ else Truth.NO
            limited = max(limited, one)
        elif test.key in _LIMITS and test.base != "null":
            limited = Truth.YES
    return limited


def _stops_grants(statement: Statement) -> bool:
    """Whether it denies grants that are not for AWS services."""
    if statement.effect != "Deny" or action_truth(statement, "CreateGrant") is not Truth.YES:
        return False
    return any(
        test.key == "kms:grantisforawsresource" and [fold(entry.known or "") for entry in test.values] == ["false"]
        for test in statement.tests
    )


# --- What never matches, and what contradicts itself -----------------------------------------------------------------

# https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
_OPERATIONS = {fold(name): name for name in (*sum(CLASSES.values(), ()), *reference.OPERATIONS, *reference.WITHOUT_KEY)}
_EXACT = ("stringequals", "stringnotequals", "stringequalsignorecase", "stringnotequalsignorecase")
_NEVER_STARRED = (
    "aws:principalarn", "aws:sourcearn", "aws:principalaccount", "kms:calleraccount", "aws:sourceaccount", "aws:principalorgid",
    "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths", "kms:viaservice",
)  # fmt: skip


def says_what_it_means(question: Question) -> Answer:
    """Whether actions, operators and values are such that they can match."""
    findings = []
    for statement in _statements(question):
        for value, what in (*_lost_actions(statement), *_lost_tests(statement)):
            findings.append(told(statement, value, f"this {what}", what=what))
    return answer_of(findings)


def _lost_actions(statement: Statement) -> Iterator[tuple[Value, str]]:
    """Actions that are no operations of KMS: of another service, or half of a name."""
    for entry in statement.action.entries if statement.action is not None else ():
        text = fold(entry.known) if entry.known is not None else ""
        service, colon, name = text.partition(":")
        if not text or "*" in service or "?" in service:
            continue
        if not colon:
            yield entry.value, f"action `{entry.known}` is no operation: it names no service"
        elif service != "kms":
            yield entry.value, f"action `{entry.known}` is none of KMS, so it never matches"
        elif "*" not in name and "?" not in name and name not in _OPERATIONS and _is_half(name):
            yield entry.value, f"action `{entry.known}` is only the beginning of a name and matches nothing without `*`"
        elif name and (meant := _meant(name)):
            yield entry.value, f"action `{entry.known}` is no operation, so it never matches (`kms:{meant}` is one)"


def _is_half(name: str) -> bool:
    return any(operation.startswith(name) for operation in _OPERATIONS)


def _meant(pattern: str) -> str | None:
    """The operation that a pattern which matches none was probably meant to be; None where it matches, or is like none.

    A name that is like no operation may be one that KMS has added since.
    """
    if any(glob(pattern, operation) for operation in _OPERATIONS):
        return None
    from difflib import get_close_matches

    text = pattern.replace("*", "").replace("?", "")
    size = len(text) + 1 if pattern.endswith("*") else None  # of a beginning, only the beginnings are alike
    starts = {operation[:size]: name for operation, name in reversed(_OPERATIONS.items())}
    close = get_close_matches(text, starts, 1, 0.8)
    return starts[close[0]] if close else None


def _lost_tests(statement: Statement) -> Iterator[tuple[Value, str]]:
    """Tests that no request meets, or that all do, because of how they are written."""
    for test in statement.tests:
        if test.base not in BASES and test.base != "binaryequals":
            yield test.value, f"condition has `{test.operator}`, which is no operator"
            continue
        starred = next((one for one in test.values if one.known is not None and _has_star(one.known)), None)
        if starred is not None and test.base in _EXACT and test.key in _NEVER_STARRED:
            what = f"condition compares `{test.name}` with a pattern, but `{test.operator}` knows no wildcards"
            yield starred.value, what
        elif statement.effect == "Allow" and _asks(test):
            if test.key.startswith(CONTEXT) and _has_no_context(statement):
                yield test.value, f"condition asks for `{test.name}`, which none of its operations has"
            elif _is_of_users(test.key) and _is_for_services(statement):
                yield test.value, f"condition asks for `{test.name}`, which no service has that calls with its own credentials"


def _has_star(text: str) -> bool:
    return "*" in text.replace("${*}", "") or "?" in text.replace("${?}", "")


def _asks(test: Test) -> bool:
    """Whether it is met only where the request has the key."""
    if test.base == "null":
        plain = not test.prefix and not test.if_exists and bool(test.values)
        return plain and all(fold(entry.known or "") == "false" for entry in test.values)
    return test.base in BASES and not BASES[test.base].negated and not test.if_exists and test.prefix != "forallvalues"


_OF_USERS = (
    *("kms:viaservice", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:username", "aws:userid"),
    *("aws:sourcevpc", "aws:sourcevpce", "aws:sourceidentity", "aws:multifactorauthpresent", "aws:multifactorauthage"),
)


def _is_of_users(key: str) -> bool:
    """Whether only calls with the credentials of a user or role have a condition key.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service,
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    return key in _OF_USERS or key.startswith(PRINCIPAL_TAG)


def _has_no_context(statement: Statement) -> bool:
    """Whether all operations of a statement are known, and none has an encryption context."""
    element = statement.action
    if element is None or element.negated or any(entry.known is None for entry in element.entries):
        return False
    return all(action_truth(statement, operation) is Truth.NO for operation in (*WITH_CONTEXT, "RetireGrant"))


def leaves_services_their_way(question: Question) -> Answer:
    """Whether no Deny takes back all that the policy allows to an AWS service."""
    if is_told_with_its_key(question):
        return WELL
    findings = []
    views = views_of(question).all
    for statement in views[0].document.statements:
        if statement.effect != "Allow" or not _is_for_services(statement):
            continue
        if any(audience_of(view, view.document.statements[statement.index]).at_most != "nobody" for view in views):
            continue
        for other in views[0].document.statements:
            if other.effect == "Deny" and _takes_back(views[0], statement, other):
                message = f"this denies all that statement {statement.name} allows"
                findings.append(told(other, other.condition, message, what=_services_of(statement)))
                break
    return answer_of(findings)


def _is_for_services(statement: Statement) -> bool:
    """Whether it is for services that call with their own credentials.

    One that calls for a user keeps what the user shows, its address too.
    """
    element = statement.principal
    if element is None or element.negated or element.open or not element.entries:
        return False
    return all(entry.type == "Service" for entry in element.entries)


def _services_of(statement: Statement) -> str:
    """The services of a statement, as they are written."""
    entries = statement.principal.entries if statement.principal is not None else ()
    return ", ".join(show(entry.entry.text) for entry in entries)


def _takes_back(view: View, statement: Statement, deny: Statement) -> bool:
    """Whether one Deny alone leaves nothing of what is allowed without it."""

    def left(*statements: Statement) -> bool:
        document = msgspec.structs.replace(view.document, statements=statements)
        alone = msgspec.structs.replace(view, document=document)
        return audience_of(alone, statement, always=True).at_most != "nobody"

    return left(statement) and not left(statement, deny)


def secret_is_not_public(question: Question) -> Answer:
    """Whether the resource policy of a secret keeps out callers whom nothing names."""
    if isinstance(question.attribute("policy").data, Absent):
        return WELL
    views = views_of(question)
    asked = [msgspec.structs.replace(view, document=_as_key_policy(view.document)) for view in views.all]
    sights = look(msgspec.structs.replace(views, all=tuple(asked)))
    return told_of([sight for sight in sights if sight.group == "public"], "secretsmanager:GetSecretValue")


def _as_key_policy(document: PolicyDocument) -> PolicyDocument:
    """The policy of a secret with `kms:Decrypt` in place of reading it: callers and conditions mean the same in both."""
    return msgspec.structs.replace(document, statements=tuple(_as_of_key(statement) for statement in document.statements))


def _as_of_key(statement: Statement) -> Statement:
    if statement.open or statement.action is None or statement.resource is None:
        return statement
    reads = Truth.NO
    for entry in statement.action.entries:
        matches = glob(fold(entry.known), "secretsmanager:getsecretvalue") if entry.known is not None else None
        reads = max(reads, Truth.of(matches))
    reads = ~reads if statement.action.negated else reads
    text = "kms:Decrypt" if reads is Truth.YES else "kms:none"
    if reads is Truth.UNKNOWN:
        return statement
    action = Element((Entry((text,), statement.action.value),), False, statement.action.value)
    resource = Element((Entry(("*",), statement.resource.value),), False, statement.resource.value)
    return msgspec.structs.replace(statement, action=action, resource=resource)
