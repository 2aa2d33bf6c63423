"""Policies of users, roles and groups that are about every key, or about none."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from types import NoneType

import msgspec

from kmsguard.iam.document import Entry, Statement, read_policy
from kmsguard.iam.operations import CLASSES
from kmsguard.iam.request import action_truth, glob
from kmsguard.iam.shapes import ANYTHING, ARN_SHAPE
from kmsguard.iam.texts import shape_of, show
from kmsguard.model.finding import Evidence
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import Answer, Found, Question, answer_of
from kmsguard.model.truth import Truth
from kmsguard.model.value import Absent, Text, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of
from kmsguard.rules.checks.documents import View, allows, first_view_in

WELL = Answer(Truth.YES)

_POLICIES = ("iam.policy", "iam.inline_policy")

_DESTROY = ("ScheduleKeyDeletion", "DisableKey", "PutKeyPolicy", "DeleteImportedKeyMaterial")
_DECRYPT = ("Decrypt", "ReEncryptFrom")
_CRYPTOGRAPHIC = (*CLASSES["use"], *CLASSES["grant"], *CLASSES["sign"])
_ALIASES = ("CreateAlias", "UpdateAlias", "DeleteAlias", "ListAliases")
_NARROW = (
    "kms:viaservice",
    "kms:encryptioncontext",
    "kms:resourcealiases",
    "kms:requestalias",
    "kms:grantisforawsresource",
    "kms:recipientattestation",
    "aws:resourcetag/",
    "aws:calledvia",
    "aws:viaawsservice",
    "aws:requestedregion",
)
_KEYS = tuple(
    f"{region}:{{account}}:key/{key}"
    for region in ("us-east-1", "ap-south-2")
    for key in ("3fa85f64-5717-4562-b3fc-2c963f66afa6", "mrk-9b2c7d10e45f4a6f8c1d2e3f4a5b6c7d")
)


def decrypt_with_named_keys(question: Question) -> Answer:
    """Whether no statement of an identity's policy allows decryption with every key."""
    return _wide(question, _DECRYPT, ())


def destroy_named_keys(question: Question) -> Answer:
    """Whether no statement of an identity's policy allows every key to be destroyed, and not to be used."""
    return _wide(question, _DESTROY, _DECRYPT)


def _wide(question: Question, operations: Sequence[str], but: Sequence[str]) -> Answer:
    findings: list[Found] = []
    for policy in _identity_policies(question):
        name, view = policy.name, policy.view
        findings.extend(_unread(view, name, operations[0]))
        for statement in policy.statements:
            found = [operation for operation in operations if allows(statement, (operation,))]
            if not found or _is_narrow(statement):
                continue
            if any(allows(statement, (operation,)) and not _is_denied(view, operation, question) for operation in but):
                continue  # told by the rule about these
            truth = _all_keys(statement, view, question)
            if truth is Truth.NO or _is_denied(view, found[0], question):
                continue
            assert statement.resource is not None
            at = _wide_entry(statement, view) or statement.resource.value
            shown = Evidence(f"kms:{found[0]} on every key", at.where or statement.span)
            open_ = tuple(o for entry in statement.resource.entries for o in entry.opens)
            values = {"statement": statement.name, "what": ", ".join(f"kms:{operation}" for operation in found)}
            attribute = f"{name}.Statement[{statement.index}]"
            findings.append(Found(attribute, ~truth, (shown,), open_, values))
    return answer_of(findings)


class _Policy(msgspec.Struct, frozen=True, eq=False):
    """A policy of an identity, what a finding calls it, and its statements that may be about KMS."""

    name: str
    view: View
    statements: tuple[Statement, ...]


def _identity_policies(question: Question) -> tuple[_Policy, ...]:
    """The policies written in an identity itself, an inline policy, or a managed policy that is more than a boundary."""
    return access_of(question).once(_policies_of, question.resource)


def _policies_of(access: Access, resource: Resource) -> tuple[_Policy, ...]:
    if resource.kind in _POLICIES:
        if access.graph.into(resource, "boundary") and not access.graph.into(resource, "managed"):
            return ()
        return (_policy("policy", first_view_in(access, resource)),)
    if isinstance(access.value(resource, "embedded_policies").data, (Absent, NoneType)):
        return ()
    view = first_view_in(access, resource, "embedded_policies")
    items = view.document.value
    if isinstance(items.data, Unknown):
        return (_policy("embedded_policies[0]", view),)
    documents = (read_policy(item, view.deployment) for item in items.items)
    return tuple(
        _policy(f"embedded_policies[{number}]", View(document, view.deployment)) for number, document in enumerate(documents)
    )


def _policy(name: str, view: View) -> _Policy:
    return _Policy(name, view, tuple(one for one in view.document.statements if _may_be_about_kms(one)))


def _may_be_about_kms(statement: Statement) -> bool:
    """Whether an action of it can be one of KMS; of another service's none has to be compared with each operation."""
    element = statement.action
    if statement.open or element is None or element.negated:
        return True
    return any(entry.known is None or _begins_as_kms(entry.known) for entry in element.entries)


def _begins_as_kms(pattern: str) -> bool:
    start = _WILD.split(pattern, maxsplit=1)[0].lower()
    return start.startswith(_KMS) or _KMS.startswith(start)


_KMS = "kms:"
_WILD = re.compile(r"[*?]")


def _unread(view: View, name: str, operation: str) -> list[Found]:
    """What a policy may say where it, or a statement of it, is not known at all."""
    whole = view.document.value.where if len(view.document.statements) == 1 and view.document.value is not None else None
    return [
        Found(
            f"{name}.Statement[{statement.index}]",
            Truth.UNKNOWN,
            (Evidence("what the policy says here is not known", whole or statement.span),),
            statement.open,
            {"statement": statement.name, "what": f"kms:{operation}"},
        )
        for statement in view.document.statements
        if statement.open and statement.action is None and statement.resource is None
    ]


def _is_narrow(statement: Statement) -> bool:
    """Whether a condition says with which keys, or through which service."""
    return bool(statement.condition_open) or any(test.key.startswith(_NARROW) for test in statement.tests)


def _all_keys(statement: Statement, view: View, question: Question) -> Truth:
    """Whether a statement is about every key of the account, in every Region."""
    element = statement.resource
    if element is None or statement.open:
        return Truth.NO
    keys = [f"arn:{view.deployment.partition}:kms:{key.format(account=view.own)}" for key in _KEYS]
    found = Truth.NO
    for entry in element.entries:
        text = entry.known
        if text is None:
            found = max(found, Truth.UNKNOWN if entry.left_open and not _is_one_thing(entry, question) else Truth.NO)
        elif all(glob(text, key) for key in keys) if not element.negated else any(glob(text, key) for key in keys):
            found = Truth.YES
    return ~found if element.negated else found


def _is_one_thing(entry: Entry, question: Question) -> bool:
    """Whether it is not `*`, whatever it is: an attribute of a resource of the unit, or what is called an ARN."""
    data = entry.value.data
    if isinstance(data, Text) and data.pieces:
        data = data.pieces[0].data
    if not isinstance(data, Unknown):
        return show(entry.text).startswith("arn:")
    reference = data.reference or ""
    if data.prefix.startswith("arn:") or reference.lower().endswith("arn"):
        return True
    for address in (reference, reference.rpartition(".")[0]):
        found = question.graph.by_address.get((question.resource.unit, address), ())
        if any(one.declarations[0].mode == "managed" and not one.kind.startswith("template.") for one in found):
            return True
    return False


def _wide_entry(statement: Statement, view: View) -> Value | None:
    key = f"arn:{view.deployment.partition}:kms:{_KEYS[0].format(account=view.own)}"
    assert statement.resource is not None
    return next((e.value for e in statement.resource.entries if e.known is not None and glob(e.known, key)), None)


def _is_denied(view: View, operation: str, question: Question) -> bool:
    """Whether another statement takes it back, for all keys or for all but some."""
    return any(
        statement.effect == "Deny"
        and action_truth(statement, operation) is Truth.YES
        and statement.resource is not None
        and not statement.tests
        and (statement.resource.negated or _all_keys(statement, view, question) is Truth.YES)
        for statement in view.document.statements
    )


def name_keys_not_aliases(question: Question) -> Answer:
    """Whether no statement allows operations on a key by the ARN of an alias.

    Left alone are aliases of AWS managed keys: the policies of those let in whoever may use their service.
    """
    findings: list[Found] = []
    for policy in _identity_policies(question):
        name, view = policy.name, policy.view
        findings.extend(_unread(view, name, "Decrypt"))
        for statement in policy.statements:
            if statement.resource is None or statement.resource.negated or statement.effect != "Allow":
                continue
            if any(action_truth(statement, alias) is not Truth.NO for alias in _ALIASES):
                continue
            operation = next((one for one in _CRYPTOGRAPHIC if action_truth(statement, one) is Truth.YES), None)
            entry = next((entry for entry in statement.resource.entries if _is_alias(entry)), None)
            if operation is not None and entry is not None:
                message = f"kms:{operation} is never done on an alias, so this ARN allows nothing"
                shown = Evidence(message, entry.value.where or statement.span)
                values = {"statement": statement.name, "what": f"kms:{operation}"}
                findings.append(Found(f"{name}.Statement[{statement.index}]", Truth.NO, (shown,), values=values))
    return answer_of(findings)


def _is_alias(entry: Entry) -> bool:
    return re.match(r"arn:[^:]*:kms:[^:]*:[^:]*:alias/(?!aws/)", show(entry.text)) is not None


_BY_ALIAS = ("kms:resourcealiases", "kms:requestalias")
_MOVE = ("CreateAlias", "UpdateAlias")


def keeps_aliases_where_they_are(question: Question) -> Answer:
    """Whether nobody who may use keys by their alias may also give that alias to any key."""
    policies = _identity_policies(question)
    mover = next(
        (
            statement
            for policy in policies
            for statement in policy.statements
            if any(allows(statement, (move,)) and not _is_denied(policy.view, move, question) for move in _MOVE)
            and not statement.tests
            and _all_keys(statement, policy.view, question) is Truth.YES
        ),
        None,
    )
    if mover is None:
        return WELL
    findings: list[Found] = []
    for policy in policies:
        for statement in policy.statements:
            test = next((test for test in statement.tests if test.key in _BY_ALIAS), None)
            if test is None or not any(allows(statement, (operation,)) for operation in _CRYPTOGRAPHIC):
                continue
            message = f"statement {mover.name} lets the same identity give an alias to any key"
            shown = Evidence(message, test.value.where or statement.span)
            values = {"statement": statement.name, "key": test.name}
            findings.append(Found(f"{policy.name}.Statement[{statement.index}]", Truth.NO, (shown,), values=values))
    return answer_of(findings)


def _worth_asking(graph: Graph) -> Collection[Resource]:
    """The identities and policies that do more about KMS than to allow something with keys that they name by their ARNs."""
    found: dict[Resource, None] = {}
    for kind in (*_POLICIES, "iam.role", "iam.user", "iam.group"):
        attribute = "policy" if kind in _POLICIES else "embedded_policies"
        for resource in graph.by_kind.get(kind, ()):
            policy = resource.attributes.get(attribute, _UNTOLD)
            if not all(_names_keys(one) for one in (policy.items or (policy,))):
                found[resource] = None
    return found


_UNTOLD = Value(Unknown("it is not written"))


def _names_keys(policy: Value) -> bool:
    """Whether each statement of a policy that is about KMS names keys by their ARNs; no where that is not plain to see."""
    data = policy.data
    if isinstance(data, Text) and data.encodes is not None:
        data = data.encodes.data
    if isinstance(data, (Absent, NoneType)):
        return True
    if not isinstance(data, dict) or "Statement" not in data:
        return False
    statements = data["Statement"]
    return all(_is_plain(statement) for statement in (statements.items or (statements,)))


def _is_plain(statement: Value) -> bool:
    members = statement.members
    if not members.keys() <= _PLAIN or "Action" not in members or "Resource" not in members:
        return False
    actions = [one.text for one in (members["Action"].items or (members["Action"],))]
    if any(one is None for one in actions):
        return False
    if not any(_begins_as_kms(one) for one in actions if one is not None):
        return True
    return all(_is_key(one) for one in (members["Resource"].items or (members["Resource"],)))


_PLAIN = frozenset({"Sid", "Effect", "Action", "Resource", "Condition"})


def _is_key(resource: Value) -> bool:
    """Whether an element names a key by its ARN, in which nothing is open but what is known by its name."""
    pieces = resource.data.pieces if isinstance(resource.data, Text) else (resource,)
    written = ""
    for piece in pieces:
        if not isinstance(piece.data, str) and shape_of(piece.target) in (ANYTHING, ARN_SHAPE):
            return False
        written += piece.data if isinstance(piece.data, str) else "…"
    return _KEY.fullmatch(written) is not None


_KEY = re.compile(r"arn:[^*?$:]+:kms:[^*?$:]+:[^*?$:]+:key/[^*?$:]+")
_CHECKS = ("decrypt_with_named_keys", "destroy_named_keys", "name_keys_not_aliases")
CAREFUL = frozenset(_CHECKS)
ASKED: dict[str, Callable[[Graph], Collection[Resource]]] = dict.fromkeys(_CHECKS, _worth_asking)
