"""Encryption in transit: TLS versions, resource policies that refuse plain HTTP, and database parameters that demand TLS.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html (aws:SecureTransport),
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html,
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html,
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html,
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mariadb-ssl-connections.require-ssl.html,
https://docs.aws.amazon.com/redshift/latest/mgmt/working-with-parameter-groups.html (the family redshift-2.0 demands TLS).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kmsguard.iam.document import Element, PolicyDocument, Statement, Test, read_policy
from kmsguard.iam.texts import Hole, Sym, acts, fits, fold, join, known, opens, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Answer, Question
from kmsguard.model.truth import Truth, all_of, any_of
from kmsguard.model.value import NOTHING, Absent, Unknown, Value, resolve_deep

OLD = ("SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1")
CURRENT = ("TLSv1.2", "TLSv1.3")
NO_VERSION = "none"  # a version that is named to be switched off

_WELL = Answer(Truth.YES)


# --- Versions --------------------------------------------------------------------------------------------------------


def current_version(question: Question) -> Answer:
    """Whether nothing older than TLS 1.2 is accepted (`min_tls`, a version or a list of them); YES where it is not.

    A name that is neither a version nor a policy that the kind knows says nothing.
    """
    value = resolve_deep(question.attribute("min_tls"), question.world)
    if isinstance(value.data, Absent):
        return _WELL
    unknown: list[Open] = []
    for item in value.data if isinstance(value.data, tuple) else (value,):
        text = item.text
        if text in OLD:
            place = Evidence(
                f"{text} is accepted here", item.where or value.where, item.trail or value.trail, question.resource
            )
            return Answer(Truth.NO, (place,), values={"version": text}, remediation=_remedy(question))
        if text is None:
            unknown.extend(_opens(item))
        elif text not in CURRENT and text != NO_VERSION:
            unknown.append(Open(text, f"it is not known which versions {text} accepts"))
    if not unknown:
        return _WELL
    place = Evidence("this says which versions are accepted", value.where, value.trail, question.resource)
    return Answer(Truth.UNKNOWN, (place,), tuple(dict.fromkeys(unknown)), values={"version": "an old version of TLS"})


def _remedy(question: Question) -> str:
    """What the kind says to write; empty where it says nothing."""
    mend = question.resource.mend.get("min_tls")
    return f"Write `{mend}`." if mend else ""


def _opens(value: Value) -> tuple[Open, ...]:
    return opens(sym(value)) or (Open("", "it is not known"),)


def is_known_internal(question: Question) -> Answer:
    """Whether it is known that only the VPC reaches a load balancer (`scheme`); NO where that is not known."""
    return Answer(Truth.of(resolve_deep(question.attribute("scheme"), question.world).text == "internal"))


# --- Policies --------------------------------------------------------------------------------------------------------

_ARN = "arn"
_OBJECT = "/object"  # an object of a bucket, for all of them

# What carries the data: the operation, and what is put behind the ARN of the resource that the policy belongs to.
_CARRIED: dict[str, tuple[tuple[str, str], ...]] = {
    "s3.bucket": (("s3:GetObject", _OBJECT), ("s3:PutObject", _OBJECT), ("s3:ListBucket", "")),
    "sns.topic": (("sns:Publish", ""),),
    "sqs.queue": (("sqs:SendMessage", ""), ("sqs:ReceiveMessage", "")),
    "efs.file_system": (("elasticfilesystem:ClientMount", ""),),
}


def denies_plain_http(question: Question) -> Answer:
    """Whether the policy of a resource denies everybody the requests that come without TLS; YES where it does.

    Counted is what moves data. A statement counts for all requests, or for all but those of AWS services, which use TLS.
    """
    policy = resolve_deep(question.attribute("policy"), question.world)
    head = Evidence("it has no policy", question.resource.head, None, question.resource)
    if isinstance(policy.data, Absent):
        return Answer(Truth.NO, (head,), values={"what": "requests"})
    document = read_policy(policy)
    if document.error is not None:
        return _WELL  # AWS refuses it, and that is another matter
    arn = sym(resolve_deep(question.attribute(_ARN), question.world))
    carried = _CARRIED[question.resource.kind]
    denied = {operation: _denied(document, operation, join((arn, behind))) for operation, behind in carried}
    truth = all_of(denied.values())
    if truth is Truth.YES:
        return _WELL
    left = [operation for operation, one in denied.items() if one is truth]
    values = {"what": "requests" if len(left) == len(denied) else ", ".join(left)}
    place = Evidence("this policy does not deny it", policy.where, policy.trail, question.resource)
    opened = tuple(_open(document, policy)) if truth is Truth.UNKNOWN else ()
    return Answer(truth, (place,), opened, values=values)


def _denied(document: PolicyDocument, operation: str, target: Sym) -> Truth:
    return any_of([_denies(statement, operation, target) for statement in document.statements])


def _denies(statement: Statement, operation: str, target: Sym) -> Truth:
    """Whether one statement denies everybody an operation without TLS."""
    if statement.open:
        return Truth.UNKNOWN
    return all_of(_parts_of_denial(statement, operation, target))


def _parts_of_denial(statement: Statement, operation: str, target: Sym) -> Iterator[Truth]:
    """What all has to be so; what is dear to find out comes last, for one that is not so is enough."""
    yield Truth.UNKNOWN if statement.effect is None else Truth.of(statement.effect == "Deny")
    yield _everybody(statement)
    yield _without_tls(statement)
    yield _has(statement.action, lambda pattern: acts(pattern, operation))
    yield _has(statement.resource, lambda pattern: _fits(pattern, target))


def _everybody(statement: Statement) -> Truth:
    principal = statement.principal
    if principal is None or principal.negated:
        return Truth.NO
    if principal.open:
        return Truth.UNKNOWN
    return any_of([fits(entry.entry.text, ("*",)) for entry in principal.entries if entry.type == "AWS"])


def _fits(pattern: Sym, target: Sym) -> Truth:
    """Whether a pattern takes the target: where both begin with the same ARN, unknown name and all, what follows it decides."""
    found = fits(pattern, target)
    if found is not Truth.UNKNOWN or not pattern:
        return found
    last = max((index for index, piece in enumerate(target) if isinstance(piece, Hole)), default=-1)
    head = target[: last + 1]
    named = all(piece.open.reference for piece in head if isinstance(piece, Hole))
    return fits(pattern[last + 1 :], target[last + 1 :]) if named and pattern[: last + 1] == head else found


def _has(element: Element | None, takes: Callable[[Sym], Truth]) -> Truth:
    if element is None:
        return Truth.NO
    found = any_of([takes(entry.text) for entry in element.entries])
    return ~found if element.negated else found


def _without_tls(statement: Statement) -> Truth:
    """Whether its conditions hold for every request without TLS that is not one of an AWS service."""
    if statement.condition_open:
        return Truth.UNKNOWN
    tests = statement.tests
    plain = any_of([_is_false(test, "aws:securetransport") for test in tests])
    others = [_is_false(test, "aws:principalisawsservice") for test in tests if test.key != "aws:securetransport"]
    return all_of([plain, *others])


def _is_false(test: Test, key: str) -> Truth:
    """Whether a test demands that a key is false."""
    if test.key != key or test.base not in ("bool", "stringequals", "stringequalsignorecase") or test.prefix == "foranyvalue":
        return Truth.NO
    texts = [entry.known for entry in test.values]
    if any(text is not None and fold(text) == "false" for text in texts):
        return Truth.YES
    return Truth.UNKNOWN if None in texts else Truth.NO


def _open(document: PolicyDocument, policy: Value) -> Iterator[Open]:
    """What of a policy is not known."""
    found: dict[Open, None] = {}
    for statement in document.statements:
        found.update(dict.fromkeys((*statement.open, *statement.condition_open)))
        for element in (statement.action, statement.resource):
            found.update(dict.fromkeys(o for entry in (element.entries if element else ()) for o in entry.opens))
        for test in statement.tests:
            found.update(dict.fromkeys(o for entry in test.values for o in entry.opens))
    if not found:
        found.update(dict.fromkeys(o for part in policy.walk() if isinstance(part.data, Unknown) for o in _opens(part)))
    yield from found or {Open("", "what the policy says is not known"): None}


# --- Parameters ------------------------------------------------------------------------------------------------------

_OFF = ("0", "off", "false", "disabled")

# Family, parameter, and what it is where the group does not name it (None: that depends, or is not known here).
_PARAMETERS: tuple[tuple[str, str, bool | None], ...] = (
    (r"aurora-postgresql(1[7-9]|[2-9]\d)(\..*)?", "rds.force_ssl", True),
    (r"aurora-postgresql(9|1[0-6])(\..*)?", "rds.force_ssl", False),
    (r"postgres(1[5-9]|[2-9]\d)(\..*)?", "rds.force_ssl", True),
    (r"postgres(9|1[0-4])(\..*)?", "rds.force_ssl", False),
    (r"sqlserver-.*", "rds.force_ssl", False),
    (r"aurora-mysql(5\.7|8\.0)", "require_secure_transport", False),
    (r"mysql(5\.7|8\.0|8\.4)", "require_secure_transport", False),
    (r"mysql(9|[1-9]\d)\..*", "require_secure_transport", True),
    (r"mariadb(10\.([5-9]|11)|11\.[0-4])", "require_secure_transport", False),
    (r"mariadb(11\.[5-9]|1[2-9]\..*)", "require_secure_transport", True),
    (r"(aurora-)?mysql.*|mariadb.*", "require_secure_transport", None),
    (r"neptune.*", "neptune_enforce_ssl", True),
    (r"docdb.*", "tls", True),
    (r"redshift-1\.0", "require_ssl", False),
    (r"redshift-.*", "require_ssl", True),
)
_INSTANCE_OF_CLUSTER = re.compile(r"aurora.*")  # whose parameters are those of the cluster's group


def parameters_demand_tls(question: Question) -> Answer:
    """Whether a parameter group makes the database refuse connections without TLS; YES where it does.

    Left alone are families whose default is not known here, and instances of Aurora: their cluster's group decides.
    """
    family = resolve_deep(question.attribute("family"), question.world)
    name = family.text
    if name is None:
        if isinstance(family.data, Absent):
            return _WELL  # AWS refuses it, and that is another matter
        here = Evidence("its family", family.where, family.trail, question.resource)
        values = {"parameter": "the parameter that demands it"}
        return Answer(Truth.UNKNOWN, (here,), _opens(family), values=values)
    if question.resource.kind == "rds.parameter_group" and _INSTANCE_OF_CLUSTER.fullmatch(name):
        return _WELL
    parameter, default = next(((p, on) for pattern, p, on in _PARAMETERS if re.fullmatch(pattern, name)), ("", None))
    if not parameter:
        return _WELL
    written = _parameter(resolve_deep(question.attribute("parameters"), question.world), parameter)
    values, remedy = {"parameter": parameter}, _set(parameter, question.resource)
    if isinstance(written.data, Absent):
        head = Evidence(f"{parameter} is not set", question.resource.head, None, question.resource)
        return _WELL if default is not False else Answer(Truth.NO, (head,), values=values, remediation=remedy)
    here = Evidence(f"{parameter} is set here", written.where, written.trail, question.resource)
    text = None if isinstance(written.data, Unknown) else known(sym(written))
    if text is None:
        return Answer(Truth.UNKNOWN, (here,), _opens(written), values=values)
    return Answer(Truth.NO, (here,), values=values, remediation=remedy) if fold(text) in _OFF else _WELL


_ON = {"require_secure_transport": "ON", "tls": "enabled", "require_ssl": "true"}  # all others: 1


def _set(parameter: str, resource: Resource) -> str:
    """What to write for a parameter that demands TLS, in the language of the resource."""
    value = _ON.get(parameter, "1")
    if not resource.type.startswith("AWS::"):
        block = "config_parameter" if resource.kind == "redshift.workgroup" else "parameter"
        names = ("parameter_key", "parameter_value") if resource.kind == "redshift.workgroup" else ("name", "value")
        first, second = (f'`{name} = "{text}"`' for name, text in zip(names, (parameter, value), strict=True))
        return f"Give it a block `{block}` with {first} and {second}, after all clients speak TLS."
    pairs = {
        "redshift.parameter_group": f'Parameters: [{{ParameterName: {parameter}, ParameterValue: "{value}"}}]',
        "redshift.workgroup": f'ConfigParameters: [{{ParameterKey: {parameter}, ParameterValue: "{value}"}}]',
    }
    written = pairs.get(resource.kind, f'Parameters: {{{parameter}: "{value}"}}')
    return f"Write `{written}`, after all clients speak TLS."


def _parameter(parameters: Value, name: str) -> Value:
    """A parameter of a group; unknown where it is not known which parameters there are."""
    if isinstance(parameters.data, dict):
        return next((value for key, value in parameters.data.items() if fold(key) == fold(name)), NOTHING)
    return parameters


CAREFUL = frozenset({"denies_plain_http"})
