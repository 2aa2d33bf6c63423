"""Who can use what is shared: the key of each part of it, for each account that it is shared with.

https://docs.aws.amazon.com/ebs/latest/userguide/share-kms-key.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/allow-org-ou-to-use-key.html and
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/share-encrypted-snapshot.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam.decide import OWN_ACCOUNT, Decision, Key, Layer, Principal, can
from kmsguard.iam.decide import Evidence as Reason
from kmsguard.iam.document import Statement, read_policy
from kmsguard.iam.texts import Deployment, Hole, Sym, equal, fits, known, opens, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.guard import decide
from kmsguard.model.resource import External, Resource
from kmsguard.model.rule import Answer, Found, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth, all_of
from kmsguard.model.value import Absent, Text, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of, account_root, arn_part
from kmsguard.rules.checks.contents import Content, contents
from kmsguard.rules.checks.statements import language_of, paste

EVERYBODY = "all"

# What the receiver does with the key of what is shared, as AWS lists it: of an image without data keys of its own, and of
# ReEncrypt* the half that reads, for the other one is done with the receiver's key.
_READ = ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncryptFrom")
_NEEDED: dict[str, tuple[str, ...]] = {
    "ebs.snapshot_share": (*_READ, "kms:GenerateDataKeyWithoutPlaintext"),
    "dlm.policy": (*_READ, "kms:GenerateDataKeyWithoutPlaintext"),
}
_SPELLED = {"kms:ReEncryptFrom": "kms:ReEncrypt*", "kms:GenerateDataKeyWithoutPlaintext": "kms:GenerateDataKey*"}
_STATEMENT = ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*")

# The edge from what shares to what is shared; others share themselves.
_SHARED = {"ebs.snapshot_share": "snapshot", "ec2.launch_permission": "image"}
_SERVICE = {"rds": "rds", "codepipeline": "s3"}  # in kms:ViaService, by the first part of a kind; all others are ec2
_AWS_KEYS = {"rds": "aws/rds"}

Kind: TypeAlias = Literal["account", "organization", "unit"]

_ANYTHING = read_policy(Value({"Statement": Value({"Effect": Value("Allow"), "Action": Value("*"), "Resource": Value("*")})}))
_LET = Layer(documents=(_ANYTHING,))  # what the receiver's administrators give their own people, the owner cannot see


class Receiver(msgspec.Struct, frozen=True, eq=False):
    """Whom something is shared with."""

    kind: Kind
    value: Value  # the account, or the ARN of the organization or unit

    @property
    def name(self) -> str:
        """The account or ARN, or what stands for it."""
        return self.value.text or next(
            (part.data.reference or "…" for part in self.value.walk() if isinstance(part.data, Unknown)), "…"
        )


class Admission(msgspec.Struct, frozen=True, eq=False):
    """Whether somebody of a receiver may do all that is needed with a key."""

    truth: Truth
    missing: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    open: tuple[Open, ...] = ()


class _Shared(msgspec.Struct, frozen=True, eq=False):
    """What a resource shares, and with whom."""

    access: Access
    resource: Resource
    receivers: tuple[Receiver, ...]
    open: tuple[Open, ...]  # receivers that are not known
    where: Evidence


# Questions


def not_public(question: Question) -> Answer:
    """Whether something is shared with everybody; YES where it is not."""
    public = question.attribute("public")
    if isinstance(public.data, Unknown):
        shared = question.attribute("shared_accounts")
        place = shared if not isinstance(shared.data, Absent) else public
        return Answer(Truth.UNKNOWN, (Evidence("whom it is shared with", place.where, place.trail),), _opens(public, shared))
    if public.data is not True:
        return Answer(Truth.YES)
    access = _access(question)
    place = next((v for v in map(question.attribute, _PUBLIC) if not isinstance(v.data, Absent)), public)
    evidence = [Evidence("it is shared with everybody here", _everybody(place), place.trail)]
    truth = Truth.NO
    for content in _content(access, question.resource):
        if content.encrypted is Truth.YES:
            evidence.append(_under(content, "what is encrypted cannot be made public: AWS refuses it"))
            return Answer(truth, tuple(evidence), values={"outcome": "AWS refuses that, for it is encrypted"})
    return Answer(truth, tuple(evidence), values={"outcome": "every AWS account can copy all that is in it"})


_PUBLIC = ("group", "groups", "shared_accounts")


def shareable(question: Question) -> Answer:
    """Whether nothing that is shared is under a key of AWS, which nobody else can use."""
    shared = _shared(question)
    if shared is None:
        return Answer(Truth.YES)
    found: list[Found] = []
    for content in _content(shared.access, question.resource):
        key = _managed(shared.access, content)
        if key is None:
            continue
        truth = Truth.NO if shared.receivers else Truth.UNKNOWN
        found.append(
            Found(
                attribute=f"key:{content.holder.address}",
                truth=truth,
                evidence=(_place(shared, shared.receivers), _under(content, f"{content.holder.address} is under {key}")),
                open=shared.open if truth is Truth.UNKNOWN else (),
                values={"key": key, "holder": content.holder.address, "receivers": _names(shared.receivers)},
            )
        )
    return _answer(found)


def admitted(question: Question) -> Answer:
    """Whether the key policies admit whoever something is shared with."""
    shared = _shared(question)
    if shared is None:
        return Answer(Truth.YES)
    found: list[Found] = []
    told: set[int] = set()
    for content in _content(shared.access, question.resource):
        if content.encrypted is Truth.UNKNOWN:
            found.append(_unclear(shared, content))
        elif content.key is not None and id(content.key) not in told and _managed(shared.access, content) is None:
            told.add(id(content.key))
            found += _denied(shared, content, content.key)
    return _answer(found)


def declared(question: Question) -> Answer:
    """Whether something is shared with declared accounts and organizations only."""
    shared = _shared(question)
    if shared is None:
        return Answer(Truth.YES)
    found = [one for index, receiver in enumerate(shared.receivers) for one in _undeclared(shared, index, receiver)]
    if shared.open:
        found.append(Found("shared", Truth.UNKNOWN, (shared.where,), shared.open, {"receivers": "accounts that are not known"}))
    return _answer(found)


def copied_abroad(question: Question) -> Answer:
    """Whether AWS Backup can copy what a rule backs up to the vaults of other accounts.

    What AWS Backup does not fully manage (databases of RDS, volumes, instances) stays under its own key until the other account
    copies it: https://docs.aws.amazon.com/aws-backup/latest/devguide/encryption.html#copy-encryption
    """
    access, rule = _access(question), question.resource
    backed_up = [(content, there) for one, there in _backed_up(access, rule) for content in contents(access, one)]
    found: list[Found] = []
    for vault, there in access.ends(rule, "copies"):
        account = _account(vault)
        deployment = access.deployment(rule)
        own = sym(rule.account if rule.account is not None else OWN_ACCOUNT, deployment)
        same = equal(sym(account, deployment), own)
        if same is Truth.YES or there is Truth.NO:
            continue
        receiver = Receiver("account", account)
        where = Evidence(f"its copies go to {receiver.name}", _place_of(rule, vault), resource=rule)
        shared = _Shared(access, rule, (receiver,), (), where)
        found += [_perhaps(one, same, sym(account, deployment), own) for one in _stuck(shared, vault, backed_up)]
    return _answer(found)


def _backed_up(access: Access, rule: Resource) -> list[tuple[Resource, Truth]]:
    """What the plan's selections name, as far as AWS Backup does not encrypt it anew; UNKNOWN: perhaps.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupSelection.html
    """
    found: dict[int, tuple[Resource, Truth]] = {}
    for plan, _ in access.ends(rule, "plan"):
        if not isinstance(plan, Resource):
            continue
        for selection, _ in access.sources(plan, "plan", "backup.selection"):
            for end, there in (*_selected(access, selection), *_by_pattern(access, selection)):
                kept = there & _kept(access, selection, end)
                if kept is not Truth.NO and (id(end) not in found or kept is Truth.YES):
                    found[id(end)] = (end, kept)
    return list(found.values())


def _selected(access: Access, selection: Resource) -> Iterator[tuple[Resource, Truth]]:
    """What is named, or has a tag that is named."""
    for edge in ("resources", "tagged"):
        for end, there in access.ends(selection, edge):
            if isinstance(end, Resource) and end.kind in _NOT_FULLY_MANAGED and there is Truth.YES:
                yield end, there


def _by_pattern(access: Access, selection: Resource) -> Iterator[tuple[Resource, Truth]]:
    """What of the unit fits an ARN with wildcards: `*` is all that there is."""
    deployment = access.deployment(selection)
    patterns = [sym(item, deployment) for item in access.value(selection, "resources").items]
    wild = [pattern for pattern in patterns if any("*" in piece for piece in pattern if isinstance(piece, str))]
    for kind in _NOT_FULLY_MANAGED if wild else ():
        for one in access.graph.by_kind.get(kind, ()):
            if one.unit != selection.unit or one.region != selection.region or one.account != selection.account:
                continue
            arn = sym(access.value(one, "arn"), deployment)
            if any(fits(pattern, arn) is Truth.YES for pattern in wild) and decide(one.exists, access.world) is Truth.YES:
                yield one, Truth.YES


def _kept(access: Access, selection: Resource, one: Resource) -> Truth:
    """Whether something that is selected is not left out all the same."""
    deployment = access.deployment(selection)
    arn, left_out = sym(access.value(one, "arn"), deployment), access.value(selection, "left_out")
    if isinstance(left_out.data, Unknown) or access.value(selection, "narrowed").data is not False:
        return Truth.UNKNOWN
    return all_of(~fits(sym(item, deployment), arn) for item in left_out.items)


_NOT_FULLY_MANAGED = ("rds.instance", "rds.cluster", "ebs.volume", "ec2.instance")


def _account(vault: Resource | External) -> Value:
    if isinstance(vault, Resource):
        return vault.account if vault.account is not None else OWN_ACCOUNT
    account = arn_part(vault.value, 4)
    if account is not None:
        return account
    if vault.value.text is not None:  # a name alone is a vault of the same account
        return OWN_ACCOUNT
    reference = Receiver("account", vault.value).name
    return vault.value.with_data(Unknown("the vault, and its account, are not known", reference, not_null=True))


def _place_of(rule: Resource, vault: Resource | External) -> Span | None:
    copies = rule.attributes.get("copies")
    for item in copies.items if copies is not None else ():
        if isinstance(vault, External) and item.span == vault.value.span and item.where is not None:
            return item.where
    return copies.where if copies is not None else None


def _stuck(shared: _Shared, vault: Resource | External, backed_up: Sequence[tuple[Content, Truth]]) -> Iterator[Found]:
    told: set[int] = set()
    for content, there in backed_up:
        for found in _stuck_one(shared, content, told):
            yield (
                found
                if there is Truth.YES
                else msgspec.structs.replace(
                    found,
                    truth=found.truth | Truth.UNKNOWN,
                    open=found.open or (Open(content.holder.address, "whether the plan backs this up"),),
                    remediation="",
                )
            )
    encrypted = [content for content, there in backed_up if content.encrypted is Truth.YES and there is Truth.YES]
    if encrypted and isinstance(vault, Resource) and not _has_own_key(shared.access, vault):
        evidence = (
            shared.where,
            Evidence(f"{vault.address} is under the AWS managed key aws/backup", vault.head, resource=vault),
        )
        values = {"receivers": _names(shared.receivers), "holder": encrypted[0].holder.address}
        values["problem"] = f"into {vault.address}, which needs a customer managed key for that"
        yield Found(f"vault:{vault.address}", Truth.NO, evidence, (), values)


def _stuck_one(shared: _Shared, content: Content, told: set[int]) -> Iterator[Found]:
    """What keeps the receivers from using the key of one thing that is backed up."""
    name = _managed(shared.access, content)
    if name is not None:
        values = {"receivers": _names(shared.receivers), "holder": content.holder.address}
        values["problem"] = f"which is under {name}, and no other account can use that"
        evidence = (shared.where, _under(content, f"{content.holder.address} is under {name}"))
        yield Found(f"key:{content.holder.address}", Truth.NO, evidence, (), values)
    elif content.encrypted is Truth.UNKNOWN:
        yield _with_problem(_unclear(shared, content), content, "which may be under a key that the account cannot use")
    elif content.key is not None and id(content.key) not in told:
        told.add(id(content.key))
        for one in _denied(shared, content, content.key):
            problem = f"whose key {one.values['key']} does not give it {one.values['missing']}"
            yield _with_problem(one, content, problem)


def _has_own_key(access: Access, vault: Resource) -> bool:
    ends = [end for end, _ in access.ends(vault, "encrypted_with")]
    return all(isinstance(end, Resource) or access.key(end, vault).customer_managed for end in ends)


def _with_problem(found: Found, content: Content, problem: str) -> Found:
    values = {**found.values, "holder": content.holder.address, "problem": problem}
    return msgspec.structs.replace(found, values=values)


def _perhaps(found: Found, same: Truth, account: Sym, own: Sym) -> Found:
    """A finding that holds only if the account is another one."""
    if same is Truth.NO:
        return found
    return msgspec.structs.replace(found, truth=Truth.UNKNOWN, open=found.open or opens(account, own), remediation="")


# What is shared


def _access(question: Question) -> Access:
    return access_of(question)


def _shared(question: Question) -> _Shared | None:
    """None where nothing is shared with anybody in particular."""
    access, resource = _access(question), question.resource
    receivers: list[Receiver] = []
    open_: list[Open] = []
    where: Evidence | None = None
    for name, kind in _RECEIVERS:
        value = access.value(resource, name)
        if isinstance(value.data, Absent) or value.data == () or value.data is None:
            continue
        where = where or Evidence(f"it is shared by {resource.address}", value.where, value.trail, resource)
        if isinstance(value.data, Unknown) and name not in _SINGLE:
            open_ += _opens(value)
            continue
        for item in value.items or (value,):
            if item.text in (EVERYBODY, ""):
                continue
            if kind == "account" and _is_own(access, resource, item):
                continue
            receivers.append(Receiver(kind, item))
    if where is None or not (receivers or open_):
        return None
    return _Shared(access, resource, tuple(receivers), tuple(open_), where)


_RECEIVERS: tuple[tuple[str, Kind], ...] = (
    ("shared_accounts", "account"),
    ("target_accounts", "account"),
    ("organization", "organization"),
    ("organizations", "organization"),
    ("organizational_unit", "unit"),
    ("organizational_units", "unit"),
)
_SINGLE = ("organization", "organizational_unit")


def _is_own(access: Access, resource: Resource, account: Value) -> bool:
    deployment = access.deployment(resource)
    own = sym(resource.account if resource.account is not None else OWN_ACCOUNT, deployment)
    return equal(sym(account, deployment), own) is Truth.YES


def _content(access: Access, resource: Resource) -> list[Content]:
    edge = _SHARED.get(resource.kind)
    if edge is None:
        return contents(access, resource)
    found: list[Content] = []
    for end, there in access.ends(resource, edge):
        if isinstance(end, Resource) and there is Truth.YES:
            found += contents(access, end)
        else:
            name = end.address if isinstance(end, Resource) else Receiver("account", end.value).name
            found.append(Content(Truth.UNKNOWN, resource, open=(Open(name, "how it is encrypted is not known here"),)))
    return found


def _managed(access: Access, content: Content) -> str | None:
    """How a key of AWS is called; None for another key."""
    if content.encrypted is not Truth.YES:
        return None
    if content.key is None:
        name = _AWS_KEYS.get(content.holder.kind.partition(".")[0], "aws/ebs")
        return f"the AWS managed key {name}"
    if isinstance(content.key, External) and not access.key(content.key, content.holder).customer_managed:
        return f"the AWS managed key {_alias(content.key)}"
    return None


def _alias(end: External) -> str:
    text = end.value.text or ""
    return text[text.find("aws/", text.find("alias/")) :]


# Whom a key policy admits


def _denied(shared: _Shared, content: Content, end: Resource | External) -> Iterator[Found]:
    access = shared.access
    key = access.key(end, content.holder)
    needed = _NEEDED.get(shared.resource.kind, _READ)
    name = end.address if isinstance(end, Resource) else Receiver("account", end.value).name
    refused: list[tuple[Receiver, Admission]] = []
    unclear: list[tuple[Receiver, Admission]] = []
    for receiver in shared.receivers:
        admission = admits(access, content.holder, key, receiver, needed)
        if admission.truth is Truth.NO:
            refused.append((receiver, admission))
        elif admission.truth is Truth.UNKNOWN:
            unclear.append((receiver, admission))
    for truth, some in ((Truth.NO, refused), (Truth.UNKNOWN, unclear)):
        if some:
            yield _told(shared, content, name, truth, some)
    if shared.open and not refused:
        values = {"key": name, "receivers": "accounts that are not known", "missing": "some permission"}
        yield Found(f"receivers:{name}", Truth.UNKNOWN, (shared.where, _under(content, f"its key {name}")), shared.open, values)


def _told(shared: _Shared, content: Content, key: str, truth: Truth, some: Sequence[tuple[Receiver, Admission]]) -> Found:
    language = language_of(shared.access.graph, shared.resource)
    missing = list(dict.fromkeys(op for _, one in some for op in one.missing))
    place = _place(shared, [receiver for receiver, _ in some])
    evidence = [place, _under(content, f"{content.holder.address} is under the key {key}")]
    shown: set[str] = set()
    for receiver, admission in some:
        for reason in admission.reasons:
            message = f"for {receiver.name}: {reason.message}"
            if message not in shown:
                shown.add(message)
                evidence.append(Evidence(message, reason.span))
    return Found(
        attribute=f"{'key' if truth is Truth.NO else 'receivers'}:{key}",
        truth=truth,
        evidence=tuple(evidence),
        open=tuple(dict.fromkeys(one for _, admission in some for one in admission.open)),
        values={
            "key": key,
            "receivers": _names([receiver for receiver, _ in some]),
            "missing": ", ".join(_SPELLED.get(op, op) for op in missing) or "some permission",
        },
        remediation=_remediation(key, [receiver for receiver, _ in some], language) if truth is Truth.NO else "",
    )


def admits(access: Access, user: Resource, key: Key, receiver: Receiver, needed: Sequence[str]) -> Admission:
    """Whether a key's policy and grants let somebody of a receiver do all that is needed.

    A key policy that names the receiver's account leaves to its administrators whom they let; one that names a role of it
    admits that role. Whoever comes next to it is told.
    """
    deployment = access.deployment(user)
    service = _SERVICE.get(user.kind.partition(".")[0], "ec2")
    region = user.region if user.region is not None else key.region
    via = Value(Text((Value(f"{service}."), region, Value(".amazonaws.com"))))
    best: Admission | None = None
    for principal, more in _candidates(key, receiver, deployment):
        context = {"kms:ViaService": via, **more}
        decisions = {op: can(principal, op, key, context, deployment=deployment) for op in needed}
        one = _admission(decisions)
        if best is None or (one.truth, -len(one.missing)) > (best.truth, -len(best.missing)):
            best = one
        if best.truth is Truth.YES:
            break
    assert best is not None
    if best.truth is Truth.NO and receiver.kind != "account" and _names_others(key, deployment):
        return msgspec.structs.replace(
            best,
            truth=Truth.UNKNOWN,
            open=(Open(receiver.name, "which accounts are in it; the key policy names accounts one by one"),),
        )
    return best


def _admission(decisions: dict[str, Decision]) -> Admission:
    truth = all_of(decision.truth for decision in decisions.values())
    if truth is Truth.YES:
        return Admission(truth)
    missing = tuple(op for op, decision in decisions.items() if decision.truth is truth)
    reasons: dict[int, Reason] = {}
    for op in missing:
        for reason in (*decisions[op].evidence, *decisions[op].missed):
            reasons.setdefault(id(reason.statement or reason.layer), reason)
    opens = tuple(dict.fromkeys(one for op in missing for one in decisions[op].open))
    return Admission(truth, missing, tuple(reasons.values())[:4], opens if truth is Truth.UNKNOWN else ())


Candidate: TypeAlias = "tuple[Principal, dict[str, Value]]"


def _candidates(key: Key, receiver: Receiver, deployment: Deployment) -> Iterator[Candidate]:
    """Principals of a receiver: its account as a whole, those that the key policy or a grant names, and some role."""
    if receiver.kind != "account":
        yield from _members(key, receiver)
        return
    account = receiver.value
    yield account_root(account), {}
    for name in _named(key, account, deployment):
        yield _principal(name, account), {}
    spelled = Value(Text((Value(f"arn:{deployment.partition}:iam::"), account, Value(":role/x"))))
    yield Principal("role", spelled, account, identity_policies=_LET), {}


def _principal(arn: Value, account: Value) -> Principal:
    text = arn.text or ""
    if ":assumed-role/" in text:
        role, _, session = text.partition(":assumed-role/")[2].partition("/")
        return Principal("role", Value(f"{text.split(':')[0]}:{text.split(':')[1]}:iam::{account.text}:role/{role}"), account,
                         session=Value(session), identity_policies=_LET)  # fmt: skip
    return Principal("user" if ":user/" in text else "role", arn, account, identity_policies=_LET)


def _named(key: Key, account: Value, deployment: Deployment) -> Iterator[Value]:
    """Users and roles that may be of an account, in the statements and grants of a key."""
    of = sym(account, deployment)
    for text, value in _mentioned(key, deployment):
        plain = known(text)
        if plain is not None and plain.count(":") < 5:
            continue
        if _account_of(text, of) is not Truth.NO:
            if plain is not None and plain.endswith(":root"):
                continue
            yield value if plain is None else Value(plain.replace("*", "x").replace("?", "x"), value.span, value.place)


def _mentioned(key: Key, deployment: Deployment) -> Iterator[tuple[Sym, Value]]:
    for statement in _statements(key):
        if statement.principal is not None and not statement.principal.negated:
            yield from ((one.entry.text, one.entry.value) for one in statement.principal.entries if one.type == "AWS")
        for test in statement.tests:
            if test.key == "aws:principalarn":
                yield from ((entry.text, entry.value) for entry in test.values)
    yield from ((sym(grant.grantee, deployment), grant.grantee) for grant in key.grants)


def _statements(key: Key) -> Iterator[Statement]:
    return (statement for document in key.policies.documents for statement in document.statements if statement.effect != "Deny")


def _account_of(text: Sym, account: Sym) -> Truth:
    """Whether an ARN is of an account."""
    before = text[0] if text and isinstance(text[0], str) else ""
    parts = before.split(":")
    if len(parts) > 5:
        return equal((parts[4],), account)
    if len(parts) == 5 and len(text) > 1 and isinstance(text[1], Hole) and not parts[4]:
        return equal((text[1],), account)
    return Truth.UNKNOWN if any(isinstance(piece, Hole) for piece in text) else Truth.NO


def _members(key: Key, receiver: Receiver) -> Iterator[Candidate]:
    """Somebody of an organization or unit, in an account that nothing names."""
    arn = receiver.value.text
    if arn is None:
        organization = Value(Unknown("the organization is not known", receiver.name, not_null=True))
        yield account_root(Value(_STRANGER)), {"aws:PrincipalOrgID": organization}
        return
    last = arn.split("/")
    organization = Value(last[1] if len(last) > 1 else arn)
    if receiver.kind == "organization":
        yield account_root(Value(_STRANGER)), {"aws:PrincipalOrgID": organization}
        return
    unit = last[-1]
    paths = [path for path in _paths(key) if unit in path.split("/")]
    for path in paths:
        there = "/".join([*path.split("/")[: path.split("/").index(unit) + 1], ""]).replace("*", "x")
        yield (
            account_root(Value(_STRANGER)),
            {"aws:PrincipalOrgID": organization, "aws:PrincipalOrgPaths": Value((Value(there),))},
        )
    if not paths:
        hole = Value(Unknown("where the unit is in its organization is not known", unit, not_null=True))
        whole = Value(Text((Value(f"{organization.text}/r-"), hole, Value(f"/{unit}/"))))
        yield account_root(Value(_STRANGER)), {"aws:PrincipalOrgID": organization, "aws:PrincipalOrgPaths": Value((whole,))}


_STRANGER = "999999999999"


def _paths(key: Key) -> Iterator[str]:
    for statement in _statements(key):
        for test in statement.tests:
            if test.key == "aws:principalorgpaths":
                yield from (entry.known for entry in test.values if entry.known is not None)


def _names_others(key: Key, deployment: Deployment) -> bool:
    """Whether a key policy names accounts that are not the key's own."""
    own = sym(key.account, deployment)
    for text, _ in _mentioned(key, deployment):
        plain = known(text)
        if plain is not None and len(plain) == 12 and plain.isdigit():
            if equal(text, own) is not Truth.YES:
                return True
        elif plain != "*" and _account_of(text, own) is not Truth.YES:
            return True
    return False


# Who is declared


def _undeclared(shared: _Shared, index: int, receiver: Receiver) -> Iterator[Found]:
    settings = shared.access.settings
    evidence = (_place(shared, (receiver,)),)
    values = {"receivers": receiver.name}
    attribute = f"{receiver.kind}:{index}"
    text = receiver.value.text
    if text is None:
        yield Found(attribute, Truth.UNKNOWN, evidence, _opens(receiver.value), values)
        return
    if receiver.kind == "account":
        known_ones, flag, what = settings.trusted_accounts, "--trusted-account", text
    else:
        parts = text.split("/")
        known_ones, flag, what = settings.organizations, "--organization", parts[1] if len(parts) > 1 else text
    if what in known_ones or (receiver.kind == "account" and what in shared.access.widest.once(_deployed_to)):
        return
    if not known_ones:
        yield Found(attribute, Truth.UNKNOWN, evidence, (Open(flag, f"whether {what} is one of your own"),), values)
        return
    own = shared.access.deployment(shared.resource).account
    if receiver.kind == "account" and own is None:
        yield Found(attribute, Truth.UNKNOWN, evidence, (Open("--account", f"whether {what} is the account itself"),), values)
        return
    yield Found(attribute, Truth.NO, evidence, (), values)


def _deployed_to(access: Access) -> frozenset[str]:
    """The accounts into which the scanned code deploys: they are the user's own."""
    accounts = {text for one in access.graph.resources if one.account is not None and (text := one.account.text) is not None}
    return frozenset(accounts | {access.settings.account or ""})


# What is told


def _answer(found: Sequence[Found]) -> Answer:
    truth = all_of(one.truth for one in found)
    return Answer(truth, findings=tuple(one for one in found if one.truth is not Truth.YES))


def _unclear(shared: _Shared, content: Content) -> Found:
    return Found(
        attribute=f"data:{content.holder.address}",
        truth=Truth.UNKNOWN,
        evidence=(shared.where, _under(content, "how this is encrypted is not known")),
        open=content.open,
        values={"key": "a key that is not known", "receivers": _names(shared.receivers), "missing": "some permission"},
    )


def _place(shared: _Shared, receivers: Sequence[Receiver]) -> Evidence:
    """Where the first of the receivers is named, if that is in the block of what shares; else where the block refers to it."""
    for receiver in receivers:
        where = receiver.value.where
        if where is not None and _is_within(where, shared.resource.span):
            return Evidence(f"it is shared with {receiver.name} here", where, receiver.value.trail)
    for receiver in receivers:
        if receiver.value.trail is not None:
            return Evidence(shared.where.message, shared.where.span, receiver.value.trail)
    return shared.where


def _is_within(one: Span, other: Span) -> bool:
    start, end = (one.start_line, one.start_column), (one.end_line, one.end_column)
    return (
        one.file == other.file and (other.start_line, other.start_column) <= start and end <= (other.end_line, other.end_column)
    )


def _under(content: Content, message: str) -> Evidence:
    return Evidence(message, content.where or content.holder.head, resource=content.holder)


def _everybody(value: Value) -> Span | None:
    for item in value.items:
        if item.text == EVERYBODY:
            return item.where
    return value.where


def _names(receivers: Sequence[Receiver]) -> str:
    return ", ".join(dict.fromkeys(receiver.name for receiver in receivers)) or "accounts that are not known"


def _opens(*values: Value) -> tuple[Open, ...]:
    found: dict[Open, None] = {}
    for value in values:
        for part in value.walk():
            if isinstance(part.data, Unknown):
                found[Open(part.data.reference or part.data.reason, part.data.reason)] = None
    return tuple(found)


def _remediation(key: str, receivers: Sequence[Receiver], language: str) -> str:
    """Statements to paste into the key policy."""
    what = itertools.chain([f"Add to the policy of {key}:"], itertools.repeat("and:"))
    return "\n\n".join(paste(head, statement, language) for head, statement in zip(what, _grants(receivers), strict=False))


def _grants(receivers: Sequence[Receiver]) -> Iterator[dict[str, object]]:
    accounts = list(dict.fromkeys(f"arn:aws:iam::{one.name}:root" for one in receivers if one.kind == "account"))
    base: dict[str, object] = {"Effect": "Allow"}
    if accounts:
        principal = accounts[0] if len(accounts) == 1 else accounts
        yield {**base, "Principal": {"AWS": principal}, "Action": list(_STATEMENT), "Resource": "*"}
    for one in receivers:
        if one.kind == "account":
            continue
        parts = one.name.split("/")
        condition: dict[str, object] = {"StringEquals": {"aws:PrincipalOrgID": parts[1] if len(parts) > 1 else one.name}}
        if one.kind == "unit":
            condition["ForAnyValue:StringLike"] = {
                "aws:PrincipalOrgPaths": [f"{parts[1]}/*/{parts[-1]}/*" if len(parts) > 1 else "*"]
            }
        yield {**base, "Principal": "*", "Action": list(_STATEMENT), "Resource": "*", "Condition": condition}
