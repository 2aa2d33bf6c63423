"""The receiver's side of what is shared: who launches, restores or copies it, and may that one use its key.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html (keys of other accounts),
https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html (permissions of users) and
https://docs.aws.amazon.com/imagebuilder/latest/userguide/cross-account-dist.html (a key for each Region)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from fnmatch import fnmatchcase

import msgspec

from kmsguard.iam.decide import OWN_ACCOUNT, Decision, Key, Layer, Principal, can
from kmsguard.iam.document import Statement, read_policy
from kmsguard.iam.service_linked import service_linked_role
from kmsguard.iam.texts import Deployment, equal, opens, show, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import External, Graph, Resource
from kmsguard.model.rule import Answer, Found, Question, answer_of
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth, all_of
from kmsguard.model.value import Text, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of, arn_part
from kmsguard.rules.checks.contents import Content, contents
from kmsguard.rules.checks.statements import language_of, paste

_READ = ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncryptFrom")
_WRITE = ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext")
_LAUNCH = (*_READ, "kms:GenerateDataKeyWithoutPlaintext")
_GRANT = (
    "Encrypt",
    "Decrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "DescribeKey",
    "CreateGrant",
)
_SPELLED = {"kms:ReEncryptFrom": "kms:ReEncrypt*", "kms:GenerateDataKeyWithoutPlaintext": "kms:GenerateDataKey*"}
_STATEMENT = ["kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]
_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")
_USES = ("ec2:runinstances", "ec2:createvolume", "ec2:createfleet")
_HOLDERS = ("ec2.launch_template", "ec2.ami", "ec2.instance", "ebs.snapshot", "ebs.snapshot_copy", "ebs.volume")


class _Need(msgspec.Struct, eq=False):
    """A key, what is needed of it, and what it is for."""

    end: Resource | External
    user: Resource
    content: Content | None
    operations: tuple[str, ...]
    foreign: Truth


class _Lack(msgspec.Struct, frozen=True, eq=False):
    """What a role lacks with a key."""

    key: str
    arn: str
    truth: Truth
    missing: str
    evidence: tuple[Evidence, ...]
    open: tuple[Open, ...]


# Auto Scaling


def launched(question: Question) -> Answer:
    """Whether the service-linked role of a group may use the keys of another account under which its instances are.

    A role of another account needs identity policies besides the key policy, and a service-linked role cannot be given any: it
    takes a grant.
    """
    access, group = access_of(question), question.resource
    deployment = access.deployment(group)
    account = group.account if group.account is not None else OWN_ACCOUNT
    role = service_linked_role(access.value(group, "service_role"), account, "autoscaling.amazonaws.com")
    found: list[Found] = []
    for template, there in access.ends(group, "launch_templates"):
        if not isinstance(template, Resource) or there is not Truth.YES:
            continue
        for need in _needs(access, [template], account, deployment):
            if need.foreign is Truth.NO or not isinstance(need.end, Resource):
                continue
            found += _without_grant(access, group, role, template, need, deployment)
    return answer_of(found)


def _without_grant(
    access: Access, group: Resource, role: Principal, template: Resource, need: _Need, deployment: Deployment
) -> Iterator[Found]:
    assert isinstance(need.end, Resource)
    key = access.key(need.end, group)
    decisions = {op: can(role, op, key, {"kms:ViaService": _via(group)}, deployment=deployment) for op in _LAUNCH}
    truth = all_of(one.truth for one in decisions.values()) | (Truth.UNKNOWN if need.foreign is Truth.UNKNOWN else Truth.NO)
    if truth is Truth.YES:
        return
    missing = [op for op, decision in decisions.items() if decision.truth is not Truth.YES]
    evidence = [
        Evidence(f"{group.address} launches what {template.address} says", group.head, resource=group),
        Evidence(
            f"{template.address} launches volumes under {need.end.address}, a key of another account", *_spot(need, template)
        ),
    ]
    grants = [grant for grant, _ in access.sources(need.end, "key", "kms.grant")]
    evidence += [Evidence("this grant does not suffice", grant.head, resource=grant) for grant in grants]
    arn = (
        access.value(group, "service_role").text
        or "…:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    )
    operations = json.dumps(list(_GRANT))
    yield Found(
        attribute=f"key:{need.end.address}",
        truth=truth,
        evidence=tuple(evidence),
        open=_opened(decisions) or (opens(sym(key.account, deployment)) if truth is Truth.UNKNOWN else ()),
        values={"key": need.end.address, "missing": _list(missing), "role": arn},
        remediation=f"Make a grant on {need.end.address} in the group's account: grantee `{arn}`, operations `{operations}`",
    )


# Roles


def equipped(question: Question) -> Answer:
    """Whether a role that launches or restores what another account shared may use the keys, as far as its own policies go.

    What the key policy does not let its account have is another defect, that of sharing.
    """
    access, role = access_of(question), question.resource
    deployment = access.deployment(role)
    account = role.account if role.account is not None else OWN_ACCOUNT
    principal = access.principal(role)
    use = _use(principal.identity_policies)
    if use is None:
        return Answer(Truth.YES)
    linked, arns = _linked(access, role)
    named = [External("kms.key", arn) for arn in (*arns, *_named(principal.identity_policies))]
    holders = linked or [one for kind in _HOLDERS for one in access.graph.by_kind.get(kind, []) if one.unit == role.unit]
    needs = _needs(access, holders, account, deployment, role)
    known_arns = {_arn(access, need.end) for need in needs}
    for end in named:
        foreign = ~equal(sym(arn_part(end.value, 4) or OWN_ACCOUNT, deployment), sym(account, deployment))
        if foreign is Truth.YES and end.value.text not in known_arns:
            known_arns.add(end.value.text)
            needs.append(_Need(end, role, None, _READ, foreign))
    if not any(need.foreign is Truth.YES for need in needs):
        return Answer(Truth.YES)
    lacks = [one for need in needs for one in _lacking(access, role, principal, need, linked=bool(linked or arns))]
    return answer_of(tuple(_lacks(access, role, use, lacks)))


def _who_may_launch(graph: Graph) -> Collection[Resource]:
    """The roles in whose policies, however what is open turns out, an action may be one of `_USES`."""
    found: dict[Resource, None] = {}
    for role in graph.by_kind.get("iam.role", ()):
        managed = (edge.target for edge in graph.out(role, "managed") if isinstance(edge.target, Resource))
        policies = (role.attributes.get("inline_policies"), *(policy.attributes.get("policy") for policy in managed))
        if any(policy is None or _may_launch(policy) for policy in policies):
            found[role] = None
    return found


def _may_launch(policy: Value) -> bool:
    texts = (part.data for part in policy.walk() if isinstance(part.data, str))
    return any(text[:1] in _BEGIN and text != "*" for text in texts if text)


_BEGIN = frozenset({*(use[0] for use in _USES), *(use[0].upper() for use in _USES), "*", "?", "["})
ASKED: dict[str, Callable[[Graph], Collection[Resource]]] = {"equipped": _who_may_launch}


def _lacking(access: Access, role: Resource, principal: Principal, need: _Need, *, linked: bool) -> Iterator[_Lack]:
    deployment = access.deployment(role)
    key = access.key(need.end, need.user)
    if isinstance(need.end, External) or need.foreign is Truth.YES:
        key = _open_to(key, principal, deployment)
    context = {"kms:ViaService": _via(role)}
    decisions = {op: can(principal, op, key, context, deployment=deployment) for op in need.operations}
    truth = all_of(one.truth for one in decisions.values())
    touched = any(one.truth is Truth.YES and op != "kms:DescribeKey" for op, one in decisions.items())
    if truth is Truth.YES or not (touched or linked or truth is Truth.UNKNOWN):
        return
    missing = [op for op, decision in decisions.items() if decision.truth is truth]
    name = need.end.address if isinstance(need.end, Resource) else need.end.value.text or "a key that is not known"
    evidence = [
        Evidence(reason.message, reason.span)
        for decision in decisions.values()
        if decision.truth is Truth.YES
        for reason in decision.evidence[-1:]
    ][:1]
    if need.content is not None:
        evidence.append(Evidence(f"{need.content.holder.address} is under {name}", *_spot(need, need.user)))
    yield _Lack(
        name, _arn(access, need.end) or f"the ARN of {name}", truth, _list(missing), tuple(evidence), _opened(decisions)
    )


def _lacks(access: Access, role: Resource, use: Statement, lacks: Sequence[_Lack]) -> Iterator[Found]:
    """Keys of which the same is missing are told together."""
    groups: dict[tuple[Truth, str], list[_Lack]] = {}
    for lack in lacks:
        groups.setdefault((lack.truth, lack.missing), []).append(lack)
    for (truth, missing), group in groups.items():
        evidence = [Evidence(f"{role.address} may launch or restore here", use.span, resource=role)]
        evidence += [one for lack in group for one in lack.evidence]
        arns = [lack.arn for lack in group]
        resource = arns[0] if len(arns) == 1 else arns
        statement: dict[str, object] = {"Effect": "Allow", "Action": list(_STATEMENT), "Resource": resource}
        language = language_of(access.graph, role)
        names = ", ".join(lack.key for lack in group)
        yield Found(
            attribute=f"keys:{names}",
            truth=truth,
            evidence=tuple(evidence),
            open=tuple(dict.fromkeys(one for lack in group for one in lack.open)),
            values={"key": names, "missing": missing},
            remediation=paste(f"Add to a policy of {role.address}:", statement, language),
        )


def _open_to(key: Key, principal: Principal, deployment: Deployment) -> Key:
    """The key as if its policy left everything to the account of a principal."""
    account = Value(Text((Value(f"arn:{deployment.partition}:iam::"), principal.account, Value(":root"))))
    statement = {"Effect": Value("Allow"), "Principal": Value({"AWS": account}), "Action": Value("*"), "Resource": Value("*")}
    return msgspec.structs.replace(
        key, policies=Layer(documents=(read_policy(Value({"Statement": Value(statement)}), deployment),))
    )


def _use(policies: Layer) -> Statement | None:
    """The statement that lets a role make volumes of snapshots and images."""
    for document in policies.documents:
        for statement in document.statements:
            if statement.effect == "Allow" and statement.action is not None and not statement.action.negated:
                for entry in statement.action.entries:
                    if entry.known is not None and _launches(entry.known.lower()):
                        return statement
    return None


def _launches(pattern: str) -> bool:
    return pattern not in ("*", "ec2:*") and any(fnmatchcase(use, pattern) for use in _USES)


def _named(policies: Layer) -> Iterator[Value]:
    """The keys that statements about KMS name."""
    for document in policies.documents:
        for statement in document.statements:
            actions = statement.action.entries if statement.action is not None else ()
            if statement.effect == "Allow" and any(
                (entry.known or "").lower().startswith("kms:reencrypt") for entry in actions
            ):
                for entry in statement.resource.entries if statement.resource is not None else ():
                    if entry.known is not None and _KEY_ARN.fullmatch(entry.known):
                        yield entry.value.with_data(entry.known)


def _templates_by_name(access: Access) -> dict[str, Resource]:
    templates = access.graph.by_kind.get("ec2.launch_template", [])
    return {name: one for one in templates if (name := access.value(one, "name").text)}


def _linked(access: Access, role: Resource) -> tuple[list[Resource], list[Value]]:
    """What the functions and the like that run as a role speak of: templates, images, snapshots, and ARNs of keys."""
    found: dict[int, Resource] = {}
    arns: list[Value] = []
    names = access.once(_templates_by_name)
    for edge in access.graph.into(role, "role"):
        for declaration in edge.source.declarations[:1]:
            for value in declaration.body.walk():
                for target in (*value.refs, *((value.target,) if value.target is not None else ())):
                    for one in access.graph.by_address.get((role.unit, target.address), []):
                        if one.kind in _HOLDERS:
                            found[id(one)] = one
                text = value.text
                if text is not None and text in names and names[text].unit == role.unit:
                    found[id(names[text])] = names[text]
                if text is not None and _KEY_ARN.fullmatch(text):
                    arns.append(value)
    return list(found.values()), arns


# Keys of what is launched


def _needs(
    access: Access, holders: Sequence[Resource], account: Value, deployment: Deployment, user: Resource | None = None
) -> list[_Need]:
    """The keys of what some resources are made of, and of what they make."""
    found: dict[int, _Need] = {}
    for holder in holders:
        for content in contents(access, holder):
            if content.key is None or content.encrypted is not Truth.YES:
                continue
            key = access.key(content.key, content.holder)
            if not key.customer_managed:
                continue
            foreign = ~equal(sym(key.account, deployment), sym(account, deployment))
            operations = _READ if foreign is Truth.YES else _WRITE
            found.setdefault(id(content.key), _Need(content.key, user or content.holder, content, operations, foreign))
    return list(found.values())


def _spot(need: _Need, other: Resource) -> tuple[Span]:
    content = need.content
    return (content.where or content.holder.head,) if content is not None else (other.head,)


def _arn(access: Access, end: Resource | External) -> str | None:
    return (access.value(end, "arn") if isinstance(end, Resource) else end.value).text


# Keys of Regions


def key_in_region(question: Question) -> Answer:
    """Whether the key of a distribution is of the Region that it distributes to: KMS keys cannot be used from another one."""
    access, distribution = access_of(question), question.resource
    written, region = question.attribute("key"), distribution.region
    if region is None:
        return Answer(Truth.YES)
    found: list[Found] = []
    for end, there in access.ends(distribution, "encrypted_with"):
        of = end.region if isinstance(end, Resource) else arn_part(end.value, 3)
        if there is not Truth.YES or of is None:
            continue
        deployment = access.deployment(distribution)
        key_region, own = sym(of, deployment), sym(region, deployment)
        same = equal(key_region, own)
        if same is Truth.YES:
            continue
        name = end.address if isinstance(end, Resource) else end.value.text or "the key"
        evidence = [Evidence(f"images are to be under {name}", written.where, written.trail, distribution)]
        if isinstance(end, Resource):
            evidence.append(Evidence(f"{name} is a key of {show(key_region)}", end.head, resource=end))
        values = {"key": name, "of": show(key_region), "region": show(own)}
        open_ = opens(key_region, own) if same is Truth.UNKNOWN else ()
        found.append(Found(f"key:{name}", same, tuple(evidence), open_, values))
    return answer_of(found)


# What is told


def _via(resource: Resource) -> Value:
    region = resource.region if resource.region is not None else Value(Unknown("the Region is not given", not_null=True))
    return Value(Text((Value("ec2."), region, Value(".amazonaws.com"))))


def _list(operations: Sequence[str]) -> str:
    return ", ".join(_SPELLED.get(op, op) for op in operations)


def _opened(decisions: dict[str, Decision]) -> tuple[Open, ...]:
    if any(one.truth is Truth.NO for one in decisions.values()):
        return ()
    return tuple(dict.fromkeys(one for decision in decisions.values() for one in decision.open))
