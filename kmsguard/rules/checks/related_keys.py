"""Related multi-Region keys: KMS keeps their id, material and rotation in step, and nothing else.

https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html#multi-region-concepts
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kmsguard.conditions.comparison import same
from kmsguard.iam.document import Element, PrincipalElement, Statement
from kmsguard.iam.operations import CLASSES
from kmsguard.iam.request import glob
from kmsguard.iam.texts import Deployment, Hole, Sym, fits, fold, opens, show, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import External, Resource
from kmsguard.model.rule import Answer, Question, worst_of
from kmsguard.model.truth import Truth, any_of
from kmsguard.model.value import ABSENT, Text, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of, arn_part
from kmsguard.rules.checks.telling import here
from kmsguard.rules.checks.telling import opens as opens_of

_GOOD = Answer(Truth.YES)
_OPERATIONS = tuple(name for names in CLASSES.values() for name in names)
_OWN_REGION = "{region}"


class _Sentence(msgspec.Struct, frozen=True):
    """What one statement says of one principal and one operation."""

    effect: str
    who: str
    operation: str
    condition: tuple[tuple[str, str, tuple[str, ...]], ...]


class _Policy(msgspec.Struct, frozen=True, eq=False):
    """All that a key policy says of principals, with the statements that say it."""

    said: dict[_Sentence, Statement]
    open: tuple[Open, ...]


def same_policy(question: Question) -> Answer:
    """Whether a replica key lets the same principals do the same as its primary does.

    What is different because the Region is, counts as the same; what AWS services may do depends on what is in the Region, and
    is not compared; a role of one Region may stand for a role of the other. YES where the primary is not in the scan.
    """
    access = access_of(question)
    replica = question.resource
    for primary, there in access.ends(replica, "primary"):
        if not isinstance(primary, Resource) or there is not Truth.YES:
            continue
        answer = _compared(access, replica, primary)
        if answer is not _GOOD:
            return answer
    return _GOOD


def _compared(access: Access, replica: Resource, primary: Resource) -> Answer:
    own, other = _read(access, replica), _read(access, primary)
    more = {s: at for s, at in own.said.items() if s not in other.said}
    less = {s: at for s, at in other.said.items() if s not in own.said}
    _without_counterparts(more, less)
    open_ = tuple(dict.fromkeys((*own.open, *other.open)))
    if not more and not less:
        same = frozenset(own.open) == frozenset(other.open)
        values = {"primary": primary.address, "difference": "lets in others than its primary"}
        return _GOOD if same else Answer(Truth.UNKNOWN, (_policy_of(access, replica),), open_, values=values)
    evidence = [_policy_of(access, replica)]
    parts: list[str] = []
    for said, words, where in ((more, _MORE, replica), (less, _LESS, primary)):
        for effect, text in words.items():
            if names := list(dict.fromkeys(s.who for s in said if s.effect == effect)):
                parts.append(text.format(", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")))
        unique = {id(at): at for at in said.values()}
        evidence += [Evidence(f"statement {at.name} of {where.address}", at.span, None, where) for at in unique.values()]
    if more and access.value(replica, "policy_given").data is True:
        evidence = evidence[1:]
    values = {"primary": primary.address, "difference": " and ".join(parts)}
    return Answer(Truth.UNKNOWN if open_ else Truth.NO, tuple(evidence), open_, values=values)


_MORE = {"Allow": "lets {} do what its primary does not let them do", "Deny": "denies {} what its primary does not deny them"}
_LESS = {"Allow": "does not let {} do what its primary lets them do", "Deny": "does not deny {} what its primary denies them"}


def _policy_of(access: Access, key: Resource) -> Evidence:
    given = access.value(key, "policy_given").data is True
    message = "the policy of the replica" if given else "the replica has no policy of its own, and gets the default one"
    return here(message, access.value(key, "policy"), key) if given else Evidence(message, key.head, None, key)


def _without_counterparts(more: dict[_Sentence, Statement], less: dict[_Sentence, Statement]) -> None:
    """Takes away principals that stand for one another: as many on both sides, with the same operations and conditions."""
    added, missing = _by_what(more), _by_what(less)
    for what, names in added.items():
        others = missing.get(what, [])
        if len(names) != len(others) or any(not _is_named(name) for name in (*names, *others)):
            continue
        for said, gone in ((more, names), (less, others)):
            for sentence in [s for s in said if s.who in gone]:
                del said[sentence]


def _by_what(said: dict[_Sentence, Statement]) -> dict[frozenset[tuple[str, str, object]], list[str]]:
    of: dict[str, list[tuple[str, str, object]]] = {}
    for sentence in said:
        of.setdefault(sentence.who, []).append((sentence.effect, sentence.operation, sentence.condition))
    found: dict[frozenset[tuple[str, str, object]], list[str]] = {}
    for who, what in of.items():
        found.setdefault(frozenset(what), []).append(who)
    return found


def _is_named(who: str) -> bool:
    return ":role/" in who or ":user/" in who or who.startswith("${")


# What a policy says


def _read(access: Access, key: Resource) -> _Policy:
    deployment = access.deployment(key)
    document = access.read(access.value(key, "policy"), deployment)
    said: dict[_Sentence, Statement] = {}
    open_: dict[Open, None] = {}
    if document.error is not None:
        return _Policy({}, (Open(f"the policy of {key.address}", "it is no policy"),))
    for statement in document.statements:
        for sentence in _sentences(statement, deployment, open_):
            said.setdefault(sentence, statement)
    return _Policy(said, tuple(open_))


def _sentences(statement: Statement, deployment: Deployment, open_: dict[Open, None]) -> Iterator[_Sentence]:
    open_.update(dict.fromkeys((*statement.open, *statement.condition_open)))
    if statement.effect is None or statement.principal is None:
        return
    open_.update(dict.fromkeys(statement.principal.open))
    condition = tuple(
        sorted(
            (
                f"{test.prefix}:{test.base}:{test.if_exists}",
                test.key,
                tuple(sorted(_text(e.text, deployment, open_) for e in test.values)),
            )
            for test in statement.tests
        )
    )
    operations = list(_operations(statement.action, open_))
    for who in _principals(statement.principal, deployment, open_):
        for operation in operations:
            yield _Sentence(statement.effect, who, operation, condition)


def _principals(element: PrincipalElement, deployment: Deployment, open_: dict[Open, None]) -> Iterator[str]:
    texts = [_account(_text(one.entry.text, deployment, open_), deployment) for one in element.entries if one.type != "Service"]
    if not element.negated:
        yield from dict.fromkeys(texts)
    elif texts:
        yield f"everybody but {', '.join(sorted(texts))}"


def _account(text: str, deployment: Deployment) -> str:
    return f"arn:{deployment.partition}:iam::{text}:root" if len(text) == 12 and text.isdigit() else text


def _operations(element: Element | None, open_: dict[Open, None]) -> Iterator[str]:
    if element is None:
        return
    patterns = []
    for entry in element.entries:
        if entry.known is None:
            open_.update(dict.fromkeys(entry.opens))
        else:
            patterns.append(fold(entry.known))
    for name in _OPERATIONS:
        if any(glob(pattern, f"kms:{fold(name)}") for pattern in patterns) is not element.negated:
            yield name


def _text(text: Sym, deployment: Deployment, open_: dict[Open, None]) -> str:
    """A text without the Region; what is open and no attribute of a resource is told."""
    open_.update(dict.fromkeys(opens(tuple(p for p in text if isinstance(p, Hole) and p.target is None))))
    shown = show(text)
    return shown.replace(deployment.region, _OWN_REGION) if deployment.region else shown


# Ids


def id_of_multi_region(question: Question) -> Answer:
    """Whether the primary of a replica has the id of a multi-Region key, as far as the end of its ARN tells.

    https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html#multi-region-concepts
    """
    primary = access_of(question).value(question.resource, "primary")
    place = (here("this is the primary", primary, question.resource),)
    pieces = primary.data.pieces if isinstance(primary.data, Text) else (primary,)
    for index, piece in enumerate(pieces):
        _, key, name = piece.data.rpartition(":key/") if isinstance(piece.data, str) else ("", "", "")
        whole = index == len(pieces) - 1
        if key and (whole or not _MULTI_REGION.startswith(name[: len(_MULTI_REGION)]) or name.startswith(_MULTI_REGION)):
            return Answer(Truth.of(name.startswith(_MULTI_REGION)), place)
    open_ = opens_of(primary)
    return Answer(Truth.UNKNOWN if open_ else Truth.NO, place, open_)


_MULTI_REGION = "mrk-"


# Aliases


def same_alias(question: Question) -> Answer:
    """Whether a replica has one of the aliases of its primary; YES where the primary has none.

    https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
    """
    access, replica = access_of(question), question.resource
    own = [access.value(alias, "name") for alias, _ in access.sources(replica, "key", "kms.alias")]
    for primary, there in access.ends(replica, "primary"):
        if not isinstance(primary, Resource) or there is not Truth.YES:
            continue
        theirs = [access.value(alias, "name") for alias, _ in access.sources(primary, "key", "kms.alias")]
        found = any_of(same(one, other) for one in own for other in theirs)
        if theirs and found is not Truth.YES:
            evidence = (
                Evidence("this replica is known by other names", replica.head, None, replica),
                *(Evidence("an alias of its primary", name.where, name.trail, primary) for name in theirs),
            )
            names = ", ".join(show(sym(name)) for name in theirs)
            open_ = opens_of(*own, *theirs) if found is Truth.UNKNOWN else ()
            return Answer(found, evidence, open_, values={"aliases": names})
    return _GOOD


# Key material


def has_material(question: Question) -> Answer:
    """Whether a replica gets the key material that its primary got: KMS copies material of its own, and no other.

    https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-import.html
    """
    access, replica = access_of(question), question.resource
    imports, own = access.value(replica, "imports"), access.value(replica, "imported_material")
    for primary, there in access.ends(replica, "primary"):
        if not isinstance(primary, Resource) or there is not Truth.YES:
            continue
        material, theirs = access.value(primary, "material").text, access.value(primary, "imported_material")
        if imports.data is True and material == "AWS_KMS":
            problem = f"is to get key material, though {primary.address} has that of KMS"
        elif material == "EXTERNAL" and imports.data is not True:
            problem = f"gets no key material, though that of {primary.address} is imported"
        elif material == "EXTERNAL" and own.data is ABSENT and theirs.data is not ABSENT:
            problem = f"gets no key material, though {primary.address} does"
        elif own.text is not None and theirs.text is not None and own.text != theirs.text:
            problem = f"gets other key material than {primary.address}"
        else:
            continue
        evidence = (
            here("KMS does not copy imported key material", own, replica),
            Evidence("its primary", primary.head, None, primary),
        )
        return Answer(Truth.NO, evidence, values={"problem": problem})
    return _GOOD


# Regions


def regions_of(access: Access, key: Resource | External) -> tuple[list[Value], Truth]:
    """The Regions of a key and its related keys, and whether there may be more of them."""
    if isinstance(key, External):
        part = arn_part(key.value, 3)
        return ([part] if part is not None else []), Truth.NO
    multi = access.value(key, "multi_region")
    primaries = [end for end, _ in access.ends(key, "primary") if isinstance(end, Resource)]
    family = [key, *primaries]
    family += [replica for one in primaries or [key] for replica, _ in access.sources(one, "primary", "kms.key")]
    outside = access.value(key, "replica").data is True and not primaries
    exported = multi.data is not False and access.graph.exported(primaries[0] if primaries else key)
    more = Truth.UNKNOWN if isinstance(multi.data, Unknown) or outside or exported else Truth.NO
    return [one.region for one in family if one.region is not None], more


# Roles that work in several Regions


def named_where_it_works(question: Question) -> Answer:
    """Whether a role whose workloads are in several Regions may use each related key of those that its policies name.

    A related key has the same id and another ARN: https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-auth.html
    """
    access, role = access_of(question), question.resource
    regions = _worked_in(access, role)
    return worst_of(_not_named(access, role, regions)) if len(regions) > 1 else _GOOD


def _not_named(access: Access, role: Resource, regions: dict[str, Resource]) -> Iterator[Answer]:
    """Of each related key in a Region where a role works that it may not use, or perhaps not."""
    entries = [
        entry
        for document in access.principal(role).identity_policies.documents
        for statement in document.statements
        if statement.effect == "Allow" and statement.resource is not None and not statement.resource.negated
        if statement.action is not None and any(show(one.text).lower().startswith("kms:") for one in statement.action.entries)
        for entry in statement.resource.entries
    ]
    for key in access.once(_families) if entries else ():
        named = next((e for e in entries if fits(e.text, sym(access.value(key, "arn"))) is Truth.YES), None)
        if named is None:
            continue
        for other in _family_of(access, key):
            region = other.region.text if other.region is not None else None
            if other is key or region not in regions:
                continue
            arn = sym(access.value(other, "arn"))
            let = any_of(fits(entry.text, arn) for entry in entries)
            if let is Truth.YES:
                continue
            evidence = (
                Evidence(f"this is {key.address} alone", named.value.where, named.value.trail, role),
                Evidence(f"{regions[region].address} works as {role.address} in {region}", regions[region].head),
                Evidence(f"{other.address} is the related key there", other.head, None, other),
            )
            values = {"key": key.address, "region": region, "other": other.address, "workload": regions[region].address}
            open_ = tuple(o for entry in entries for o in entry.opens)
            yield Answer(let, evidence, open_, values=values)


def _worked_in(access: Access, role: Resource) -> dict[str, Resource]:
    """The Regions in which something works as a role."""
    found: dict[str, Resource] = {}
    for edge in ("role", "task_role"):
        for one in access.graph.into(role, edge):
            region = one.source.region.text if one.source.region is not None else None
            if region is not None and one.source.kind in _WORKLOADS and access.is_there(one) is Truth.YES:
                found.setdefault(region, one.source)
    return found


_WORKLOADS = ("lambda.function", "ecs.task_definition", "apprunner.service", "codebuild.project", "batch.job_definition")


def _families(access: Access) -> tuple[Resource, ...]:
    """The keys that have related ones in the scan."""
    replicas = [key for key in access.graph.by_kind.get("kms.key", ()) if access.value(key, "replica").data is True]
    primaries = [end for key in replicas for end, _ in access.ends(key, "primary") if isinstance(end, Resource)]
    return tuple(dict.fromkeys((*primaries, *replicas)))


def _family_of(access: Access, key: Resource) -> list[Resource]:
    primaries = [end for end, _ in access.ends(key, "primary") if isinstance(end, Resource)] or [key]
    return [one for p in primaries for one in (p, *(replica for replica, _ in access.sources(p, "primary", "kms.key")))]
