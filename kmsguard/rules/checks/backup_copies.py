"""Copies of backups in other accounts: who can use the keys that they are under.

https://docs.aws.amazon.com/aws-backup/latest/devguide/encryption.html#copy-encryption and
https://docs.aws.amazon.com/aws-backup/latest/devguide/create-cross-account-backup.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kmsguard.iam.decide import OWN_ACCOUNT
from kmsguard.iam.texts import Sym, equal, fits, opens, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.guard import decide
from kmsguard.model.resource import External, Resource
from kmsguard.model.rule import Answer, Found, Question, answer_of
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth, all_of
from kmsguard.model.value import Unknown, Value
from kmsguard.rules.checks.access import Access, access_of, arn_part
from kmsguard.rules.checks.admission import Receiver
from kmsguard.rules.checks.contents import Content, contents
from kmsguard.rules.checks.shares import Shared, denied, managed, names, unclear, under

_NOT_FULLY_MANAGED = ("rds.instance", "rds.cluster", "ebs.volume", "ec2.instance")


def copied_abroad(question: Question) -> Answer:
    """Whether AWS Backup can copy what a rule backs up to the vaults of other accounts.

    What AWS Backup does not fully manage (databases of RDS, volumes, instances) stays under its own key until the other account
    copies it: https://docs.aws.amazon.com/aws-backup/latest/devguide/encryption.html#copy-encryption
    """
    access, rule = access_of(question), question.resource
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
        shared = Shared(access, rule, (receiver,), (), where)
        found += [_perhaps(one, same, sym(account, deployment), own) for one in _stuck(shared, vault, backed_up)]
    return answer_of(found)


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


def _stuck(shared: Shared, vault: Resource | External, backed_up: Sequence[tuple[Content, Truth]]) -> Iterator[Found]:
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
        values = {"receivers": names(shared.receivers), "holder": encrypted[0].holder.address}
        values["problem"] = f"into {vault.address}, which needs a customer managed key for that"
        yield Found(f"vault:{vault.address}", Truth.NO, evidence, (), values)


def _stuck_one(shared: Shared, content: Content, told: set[int]) -> Iterator[Found]:
    """What keeps the receivers from using the key of one thing that is backed up."""
    name = managed(shared.access, content)
    if name is not None:
        values = {"receivers": names(shared.receivers), "holder": content.holder.address}
        values["problem"] = f"which is under {name}, and no other account can use that"
        evidence = (shared.where, under(content, f"{content.holder.address} is under {name}"))
        yield Found(f"key:{content.holder.address}", Truth.NO, evidence, (), values)
    elif content.encrypted is Truth.UNKNOWN:
        yield _with_problem(unclear(shared, content), content, "which may be under a key that the account cannot use")
    elif content.key is not None and id(content.key) not in told:
        told.add(id(content.key))
        for one in denied(shared, content, content.key):
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
