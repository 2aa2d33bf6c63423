"""Key policies that let in more than they should, or nobody: statement by statement, as AWS would decide.

What a statement lets in is asked of `kmsguard.iam.audience`: the statement alone, with everything that denies beside it. That
engine reads texts, so what only the deployment knows is written out first: the own account (each account that it can be, where
it is not given), and names that AWS makes up for what the unit holds. What stays unknown stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias
from weakref import WeakKeyDictionary

import msgspec

from kmsguard.iam.audience import AUDIENCES, Audience, AudienceName
from kmsguard.iam.audience import Question as Audiences
from kmsguard.iam.document import Entry, PolicyDocument, PrincipalElement, Statement, read_policy
from kmsguard.iam.facts import facts, texts
from kmsguard.iam.operations import CLASSES, FOR_EVERYBODY
from kmsguard.iam.request import action_truth, glob, resource_truth
from kmsguard.iam.texts import Deployment, fold, known, opens, show, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.guard import World
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import Answer, Found, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ACCOUNT, PARTITION, REGION, Target, Text, Unknown, Value
from kmsguard.rules.checks.access import Access

Group: TypeAlias = Literal["public", "not principal", "administration", "account", "service"]

CRYPTOGRAPHIC = tuple(name for name in (*CLASSES["use"], *CLASSES["grant"], *CLASSES["sign"]) if name in FOR_EVERYBODY)
USE = ("Decrypt", "ReEncryptFrom", "GenerateDataKey", "Sign", "GenerateMac", "DeriveSharedSecret")
TAKE_OVER = ("PutKeyPolicy", "ScheduleKeyDeletion")
WELL = Answer(Truth.YES)

_ID = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_ACCOUNT_OF = re.compile(r"(?:arn:[^:]*:(?:iam|sts)::)?([0-9]{12})(?::.*)?")
_NETWORKS = ("aws:sourcevpc", "aws:sourcevpce")
_ARNS = ("arn", "Arn", "issuer_arn")
_MAX_OWN = 8
_BEYOND = AUDIENCES.index("external")
_REGION = "us-east-1"  # stands for a Region that is not known, where only the shape of a text matters


# --- Documents, with what the deployment makes of them ---------------------------------------------------------------


class View(msgspec.Struct, frozen=True, eq=False):
    """A policy as it reads where the own account is a certain one."""

    document: PolicyDocument
    deployment: Deployment

    @property
    def own(self) -> str:
        """The own account."""
        assert self.deployment.account is not None
        return self.deployment.account


class Views(msgspec.Struct, frozen=True, eq=False):
    """A policy for each account that the own one can be; the first is one that nobody names, where it is not given."""

    all: tuple[View, ...]
    given: bool  # whether the own account is known

    @property
    def open(self) -> tuple[Open, ...]:
        """What decides between them."""
        return () if self.given else (Open("--account", "pass --account: whether an account is the own one decides it"),)


class Sight(msgspec.Struct, frozen=True, eq=False):
    """What a statement lets in."""

    group: Group
    truth: Truth  # NO: certainly too much
    statement: Statement
    audience: Audience
    view: View
    open: tuple[Open, ...] = ()


_SEEN: WeakKeyDictionary[Graph, dict[object, object]] = WeakKeyDictionary()


def _views(question: Question, attribute: str = "policy") -> Views:
    """The policy of the resource that is asked about.

    Raises:
        UndecidedError: where the world does not decide something in it.
    """
    seen = _SEEN.setdefault(question.graph, {})
    key = ("views", question.resource, attribute, *_settings(question))
    found = seen.get(key)
    if not isinstance(found, Views):
        found = seen[key] = _read_views(question, attribute)
    return found


def _settings(question: Question) -> tuple[object, ...]:
    settings = question.settings
    world: World = question.world
    return (tuple(world.assumed.items()), settings.account, settings.trusted_accounts, settings.organizations)


def _read_views(question: Question, attribute: str) -> Views:
    access = Access(question.graph, question.world, question.settings)
    value = access.value(question.resource, attribute)
    deployment = access.deployment(question.resource)
    deployment = msgspec.structs.replace(deployment, trusted=_ours(question, deployment))
    given = deployment.account is not None
    owns = (deployment.account or "",) if given else _possible_accounts(value, deployment)
    views = []
    for own in owns:
        here = msgspec.structs.replace(deployment, account=own)
        written = _Writing(access, question.resource, here).out(value)
        views.append(View(read_policy(written, here), here))
    return Views(tuple(views), given)


def _ours(question: Question, deployment: Deployment) -> tuple[str, ...]:
    """The accounts that are trusted: those that are declared, and those that the same unit deploys to."""
    seen = _SEEN.setdefault(question.graph, {})
    key = ("accounts", question.resource.unit)
    found = seen.get(key)
    if not isinstance(found, tuple):
        accounts = (one.account for one in question.graph.resources if one.unit == question.resource.unit)
        found = seen[key] = tuple(dict.fromkeys(account.text for account in accounts if account is not None and account.text))
    declared = (*deployment.trusted, *((question.settings.account,) if question.settings.account else ()))
    return tuple(dict.fromkeys((*declared, *found)))


def _possible_accounts(value: Value, deployment: Deployment) -> tuple[str, ...]:
    """An account that nobody names, and those that the document names."""
    named = dict.fromkeys(account for text in texts(value) for account in _ID.findall(text))
    fresh = next(
        account
        for account in (f"{number:012d}" for number in range(987654321000, 987654331000))
        if account not in named and account not in deployment.trusted
    )
    return (fresh, *list(named)[:_MAX_OWN])


class _Writing:
    """Writes out what stands for something of the deployment or of the unit."""

    def __init__(self, access: Access, resource: Resource, deployment: Deployment) -> None:
        self.access = access
        self.resource = resource
        self.deployment = deployment
        target = resource.account.target if resource.account is not None else None
        self.account_targets = {ACCOUNT, target}

    def out(self, value: Value, name: str = "") -> Value:
        """The value, which a member of this name holds, with texts in place of symbols."""
        data = value.data
        if isinstance(data, dict):
            return value.with_data({name: self.out(item, name) for name, item in data.items()})
        if isinstance(data, tuple):
            return value.with_data(tuple(self.out(item, name) for item in data))
        if isinstance(data, Text):
            return self._text(value, data)
        if isinstance(data, Unknown):
            return value.with_data(self._whole(data, network=fold(name) in _NETWORKS))
        if isinstance(data, str):
            return value.with_data(self._owned(data, value))
        return value

    def _text(self, value: Value, data: Text) -> Value:
        if data.encodes is not None and data.encoding == "json":
            return self.out(data.encodes)
        pieces: list[Value] = []
        before = ""
        for piece in data.pieces:
            written = self._piece(piece, before)
            pieces.append(written)
            before += written.data if isinstance(written.data, str) else "…"
        text = Text(tuple(pieces))
        return value.with_data(self._owned(text.known, value) if text.known is not None else text)

    def _piece(self, piece: Value, before: str) -> Value:
        data = piece.data
        if not isinstance(data, Unknown):
            return piece
        symbol = self._symbol(data.target)
        if symbol is not None:
            return piece.with_data(symbol)
        if before.startswith("arn:") and before.count(":") >= 5 and self._resource(data.target) is not None:
            return piece.with_data(_made_up(data.target))
        return piece.with_data(_unnamed(data))

    def _symbol(self, target: Target | None) -> str | None:
        if target is None:
            return None
        if target in self.account_targets:
            return self.deployment.account
        if target == REGION or (target.address.startswith("provider.") and target.attribute == "region"):
            return self.deployment.region or _REGION
        return self.deployment.partition if target.attribute == "partition" or target == PARTITION else None

    def _whole(self, data: Unknown, *, network: bool) -> str | Unknown:
        symbol = self._symbol(data.target)
        if symbol is not None:
            return symbol
        resource = self._resource(data.target)
        if resource is None or data.target is None:
            return _unnamed(data)
        last = data.target.attribute.rsplit(".", 1)[-1]
        if last in _ARNS:
            account = self._account(resource)
            if account is not None:
                return f"arn:{self.deployment.partition}:iam::{account}:role/{_made_up(data.target)}"
        return _made_up(data.target) if network else _unnamed(data)

    def _resource(self, target: Target | None) -> Resource | None:
        """What a target is an attribute of, where the unit holds it."""
        if target is None or not target.address:
            return None
        found = self.access.graph.by_address.get((self.resource.unit, target.address))
        return found[0] if found else None

    def _account(self, resource: Resource) -> str | None:
        value = resource.account
        if value is None or value.target in self.account_targets:
            return self.deployment.account
        return value.text

    def _owned(self, text: str, value: Value) -> str:
        """An ARN without account that names something of the unit: with its account, for nobody else has that name."""
        if not text.startswith("arn:"):
            return text
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[4] or parts[3]:
            return text
        for target in _refs(value):
            resource = self._resource(target)
            if resource is not None and resource.declarations[0].mode == "managed":
                parts[4] = self._account(resource) or ""
                return ":".join(parts)
        return text


def _unnamed(data: Unknown) -> Unknown:
    """What is unknown, no longer as a symbol: the search for requests knows none but policy variables."""
    is_arn = data.target is not None and data.target.attribute.rsplit(".", 1)[-1] in _ARNS
    return msgspec.structs.replace(data, target=None, prefix=data.prefix or ("arn:" if is_arn else ""))


def _refs(value: Value) -> Iterator[Target]:
    for part in value.walk():
        yield from part.refs
        if part.target is not None:
            yield part.target


def _made_up(target: Target | None) -> str:
    """A name that nobody writes, for one that only the deployment knows."""
    assert target is not None
    return "made-up-" + re.sub(r"[^A-Za-z0-9_.-]", "-", f"{target.address}.{target.attribute}")


# --- Audiences of statements -----------------------------------------------------------------------------------------


def _sights(question: Question) -> tuple[Sight, ...]:
    """The statements of a key policy that let in more than the own and trusted accounts, or perhaps do."""
    if _is_told_with_its_key(question):
        return ()
    seen = _SEEN.setdefault(question.graph, {})
    key = ("sights", question.resource, *_settings(question))
    found = seen.get(key)
    if not isinstance(found, tuple):
        found = seen[key] = tuple(_look(_views(question)))
    return found


def _is_told_with_its_key(question: Question) -> bool:
    """Whether it is the policy of a key of the same unit, which has it as its own."""
    resource = question.resource
    if resource.kind != "kms.key_policy":
        return False
    ends = [edge.target for edge in question.graph.out(resource, "key")]
    return any(isinstance(end, Resource) and end.unit == resource.unit for end in ends)


def _look(views: Views) -> Iterator[Sight]:
    first = views.all[0].document
    for statement in first.statements:
        if statement.effect == "Deny":
            continue
        for kind in _kinds(statement.principal):
            sight = _sight(views, statement.index, kind)
            if sight is not None:
                yield sight


Kind: TypeAlias = Literal["all", "AWS", "Service"]


def _kinds(element: PrincipalElement | None) -> tuple[Kind, ...]:
    """Callers and services in one statement are two things that it lets in."""
    if element is None or element.negated or element.open:
        return ("all",)
    types = {entry.type for entry in element.entries}
    return ("AWS", "Service") if {"AWS", "Service"} <= types else ("all",)


def _sight(views: Views, index: int, kind: Kind) -> Sight | None:
    found: list[tuple[View, Statement, Audience, AudienceName, AudienceName]] = []
    for view in views.all:
        statement = _part(view.document.statements[index], kind)
        audience = _audience(view, statement)
        cap = _cap(statement)
        found.append((view, statement, audience, _narrower(audience.at_least, cap), _narrower(audience.at_most, cap)))
    certain = all(_is_beyond(least) for *_, least, _most in found)
    possible = [one for one in found if _is_beyond(one[4])]
    if not possible:
        return None
    view, statement, audience, least, most = max(possible, key=lambda one: AUDIENCES.index(one[3] if certain else one[4]))
    name = least if certain else most
    truth = Truth.NO if certain else Truth.UNKNOWN
    open_: tuple[Open, ...] = ()
    if not certain:
        differ = len({(one[3], one[4]) for one in found}) > 1
        open_ = (*(views.open if differ else ()), *_open_of(statement, audience))
    if name == "external" and not statement_is_negated(statement):
        network = _network(view, statement, audience)
        if network == "own":
            return None
        if network == "named":
            truth = Truth.UNKNOWN
            open_ = (*open_, Open("network", "whose network this is, and who calls from it, is not said here"))
    return Sight(_group(statement, name), truth, statement, audience, view, tuple(dict.fromkeys(open_)))


def statement_is_negated(statement: Statement) -> bool:
    """Whether it has `NotPrincipal`."""
    return statement.principal is not None and statement.principal.negated


def _part(statement: Statement, kind: Kind) -> Statement:
    """The statement for its callers or its services alone."""
    if kind == "all" or statement.principal is None:
        return statement
    entries = tuple(entry for entry in statement.principal.entries if (entry.type == "Service") == (kind == "Service"))
    return msgspec.structs.replace(statement, principal=msgspec.structs.replace(statement.principal, entries=entries))


NOBODY = Audience("nobody", "nobody")


def _audience(view: View, statement: Statement) -> Audience:
    """Who is let in by one statement alone, with all that denies beside it."""
    if _is_closed(statement, view):
        return NOBODY
    others = [_denying(other) for other in view.document.statements if other.effect != "Allow" and other is not statement]
    others = [other for other in others if other.index != statement.index]
    alone = tuple(msgspec.structs.replace(one, index=index) for index, one in enumerate((statement, *others)))
    document = msgspec.structs.replace(view.document, statements=alone)
    return Audiences(document, view.deployment).audience(CRYPTOGRAPHIC)


def _denying(statement: Statement) -> Statement:
    """A statement whose effect is open denies, perhaps: what it perhaps allows is a matter of its own."""
    return statement if statement.effect == "Deny" else msgspec.structs.replace(statement, effect="Deny")


def _is_closed(statement: Statement, view: View) -> bool:
    """Whether it names nobody but callers of the own and trusted accounts."""
    element = statement.principal
    if statement.open or element is None:
        return not statement.open
    if element.negated or element.open:
        return False
    ours = (view.own, *view.deployment.trusted)
    for entry in element.entries:
        if entry.type in ("Federated", "CanonicalUser"):
            continue
        text = entry.entry.known
        account = _ACCOUNT_OF.fullmatch(text) if text is not None and entry.type == "AWS" else None
        if account is None or account[1] not in ours:
            return False
    return True


def _cap(statement: Statement) -> AudienceName:
    """The widest audience that the principals of a statement can be, whatever is open in them: an ARN is never everybody."""
    element = statement.principal
    if statement.open or element is None or element.negated or element.open:
        return "public"
    cap: AudienceName = "external"
    for entry in element.entries:
        if entry.type == "Service":
            cap = _wider(cap, "service")
        elif entry.type == "AWS" and not show(entry.entry.text).startswith("arn:") and not _is_id(entry.entry.known):
            return "public"
    return cap


def _is_id(text: str | None) -> bool:
    return text is not None and text != "*"


def _narrower(one: AudienceName, other: AudienceName) -> AudienceName:
    return min(one, other, key=AUDIENCES.index)


def _wider(one: AudienceName, other: AudienceName) -> AudienceName:
    return max(one, other, key=AUDIENCES.index)


def _is_beyond(name: AudienceName) -> bool:
    return AUDIENCES.index(name) >= _BEYOND


def _group(statement: Statement, name: AudienceName) -> Group:
    if statement_is_negated(statement):
        return "not principal"
    if name == "public":
        return "public"
    if name == "service":
        return "service"
    if all(action_truth(statement, operation) is Truth.YES for operation in TAKE_OVER):
        return "administration"
    return "account"


def _network(view: View, statement: Statement, audience: Audience) -> Literal["own", "named", ""]:
    """Whether it is only the network that makes them less than everybody: one of the unit, or another one."""
    witness = audience.witness
    if witness is None:
        return ""
    mentioned = facts(view.document)
    if witness.account in mentioned.accounts or (witness.organization or "") in mentioned.organizations:
        return ""
    values = [
        entry.known or ""
        for test in statement.tests
        if test.key in ("aws:sourcevpc", "aws:sourcevpce", "aws:sourceip")
        for entry in test.values
    ]
    if not values:
        return ""
    return "own" if all(value.startswith("made-up-") for value in values) else "named"


def _open_of(statement: Statement, audience: Audience) -> tuple[Open, ...]:
    """What would decide whom a statement lets in."""
    out = [*statement.open, *statement.condition_open]
    if statement.principal is not None:
        out += statement.principal.open
        out += [open_ for entry in statement.principal.entries for open_ in entry.entry.opens]
    out += [open_ for test in statement.tests for entry in test.values for open_ in entry.opens]
    if audience.too_large:
        out.append(Open("policy", "the policy is too large to be decided"))
    if not out:
        out += [Open(test.name, f"what {test.operator} {test.name} lets through is not decided") for test in statement.tests]
    return tuple(dict.fromkeys(out)) or (Open("policy", "what else the policy denies is not known"),)


# --- What is said ----------------------------------------------------------------------------------------------------


def _place(statement: Statement, view: View, witness_account: str = "") -> Span | None:
    """The entry of the principal that lets them in, else the statement."""
    element = statement.principal
    if element is None:
        return statement.span
    entries = [entry for entry in element.entries if entry.type in ("AWS", "Service")]
    ours = (view.own, *view.deployment.trusted)
    for entry in entries:
        text = entry.entry.known
        if text == "*" or (text is not None and witness_account and witness_account in text):
            return entry.entry.value.where or statement.span
    for entry in entries:
        account = _ACCOUNT_OF.fullmatch(entry.entry.known or "")
        if account is None or account[1] not in ours:
            return entry.entry.value.where or statement.span
    return element.value.where or statement.span


def _who(sight: Sight) -> str:
    """The principals that are too many, as they are written."""
    element = sight.statement.principal
    if element is None or not element.entries:
        return "somebody who is not known here"
    ours = (sight.view.own, *sight.view.deployment.trusted)
    shown: list[str] = []
    for entry in element.entries:
        account = _ACCOUNT_OF.fullmatch(entry.entry.known or "")
        if account is None or account[1] not in ours:
            shown.append(show(entry.entry.text))
    witness = sight.audience.witness
    if sight.group in ("account", "administration") and witness is not None:
        if shown == ["*"]:
            return f"account {witness.account}"
        if witness.kind == "service":
            return f"{witness.arn} for account {witness.account}"
    return ", ".join(dict.fromkeys(shown)) or show(element.entries[0].entry.text)


def _witness(sight: Sight) -> str:
    """A request that is let in."""
    call = sight.audience.witness
    if call is None:
        return "a request that nothing excludes"
    given = [
        f"{name}={value if isinstance(value, str) else ', '.join(value)}"
        for name, value in call.values.items()
        if name in {test.key for test in sight.statement.tests}
    ]
    way = f" with {'; '.join(given)}" if given else ""
    customer = f" for account {call.account}" if call.kind == "service" else ""
    return f"for example kms:{call.operation} by {call.principal}{customer}{way}"


def _attribute(statement: Statement) -> str:
    return f"policy.Statement[{statement.index}]"


def _told(question: Question, group: Group) -> Answer:
    sights = [sight for sight in _sights(question) if sight.group == group]
    if not sights:
        return WELL
    findings = []
    for sight in sights:
        account = sight.audience.witness.account if sight.audience.witness is not None else ""
        verb = "lets" if sight.truth is Truth.NO else "perhaps lets"
        message = f"statement {sight.statement.name} {verb} them in: {_witness(sight)}"
        findings.append(
            Found(
                _attribute(sight.statement),
                sight.truth,
                (Evidence(message, _place(sight.statement, sight.view, account)),),
                sight.open,
                {"who": _who(sight), "statement": sight.statement.name},
            )
        )
    return Answer(min(sight.truth for sight in sights), findings=tuple(findings))


def is_not_public(question: Question) -> Answer:
    """Whether a key policy keeps out callers whom nothing names."""
    return _told(question, "public")


def is_not_administered_from_outside(question: Question) -> Answer:
    """Whether no account that is not trusted is allowed everything."""
    return _told(question, "administration")


def is_not_foreign(question: Question) -> Answer:
    """Whether no account or organization that is not trusted is let in."""
    return _told(question, "account")


def ties_services(question: Question) -> Answer:
    """Whether services that call with their own credentials do so for known customers only."""
    return _told(question, "service")


# --- Lockout ---------------------------------------------------------------------------------------------------------


def can_be_changed(question: Question) -> Answer:
    """Whether somebody of the account may put another key policy."""
    if _is_told_with_its_key(question):
        return WELL
    views = _views(question)
    if views.all[0].document.error is not None:
        return Answer(Truth.UNKNOWN, open=(Open("policy", f"it is no policy ({views.all[0].document.error})"),))
    locked = [_lockout(view) for view in views.all]
    if all(one is False for one in locked):
        return WELL
    document = views.all[0].document
    span = document.value.where
    if all(one is True for one in locked):
        message = "no statement lets anybody of the account do kms:PutKeyPolicy"
        return Answer(Truth.NO, (Evidence(message, span),))
    open_ = () if len(set(locked)) == 1 else views.open
    opens = [open_ for statement in document.statements for open_ in _open_of(statement, NOBODY) if _matters(statement)]
    return Answer(
        Truth.UNKNOWN,
        (Evidence("whether anybody of the account may do kms:PutKeyPolicy is not decided", span),),
        tuple(dict.fromkeys((*open_, *opens))) or (Open("policy", "a statement that AWS does not say enough about"),),
    )


def _matters(statement: Statement) -> bool:
    return action_truth(statement, "PutKeyPolicy") is not Truth.NO


def _lockout(view: View) -> bool | None:
    return Audiences(view.document, view.deployment).lockout()


def keeps_the_lockout_check(question: Question) -> Answer:
    """Whether KMS is left to check that the policy can be changed again."""
    if _is_told_with_its_key(question):
        return WELL
    value = question.attribute("bypass_lockout_check")
    if value.data is True:
        return Answer(Truth.NO, (Evidence("the check is switched off here", value.where),))
    if isinstance(value.data, Unknown):
        reference = value.data.reference or "bypass_lockout_check"
        return Answer(
            Truth.UNKNOWN, (Evidence("whether it is, is not known", value.where),), (Open(reference, value.data.reason),)
        )
    return WELL


# --- Single statements -----------------------------------------------------------------------------------------------


def _statements(question: Question) -> tuple[Statement, ...]:
    """The statements of the policy, read where the own account is given or is one that nobody names."""
    return () if _is_told_with_its_key(question) else _views(question).all[0].document.statements


def says_whom_and_what_it_allows(question: Question) -> Answer:
    """Whether no statement allows to everybody but some, or everything but some."""
    findings = []
    for statement in _statements(question):
        if statement.effect != "Allow":
            continue
        if statement_is_negated(statement):
            assert statement.principal is not None
            findings.append(_found(statement, statement.principal.value, "NotPrincipal lets in all others", what="everybody"))
        elif statement.action is not None and statement.action.negated and _is_for_single_ones(question, statement):
            findings.append(_found(statement, statement.action.value, "NotAction allows all others", what="all operations"))
    return Answer(Truth.NO, findings=tuple(findings)) if findings else WELL


def _found(statement: Statement, at: Value | None, message: str, truth: Truth = Truth.NO, **values: str) -> Found:
    span = (at.where if at is not None else None) or statement.span
    return Found(_attribute(statement), truth, (Evidence(message, span),), values={"statement": statement.name, **values})


def _is_for_single_ones(question: Question, statement: Statement) -> bool:
    """Whether it names callers that are the account's own, one by one: users, roles, sessions."""
    if any(sight.statement.index == statement.index for sight in _sights(question)):
        return False  # told as what it lets in
    element = statement.principal
    return element is not None and any(_is_single(entry.entry.known) for entry in element.entries if entry.type == "AWS")


def _is_single(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"arn:[^:]*:(iam|sts)::[0-9]{12}:(?!root$).+", text) is not None


def _shared(question: Question, statement: Statement) -> bool:
    """Whether a statement is told already as what it lets in."""
    return any(sight.statement.index == statement.index for sight in _sights(question))


def _allows(statement: Statement, operations: Sequence[str]) -> bool:
    """Whether a statement certainly allows all of some operations, to whomever."""
    return statement.effect == "Allow" and all(action_truth(statement, operation) is Truth.YES for operation in operations)


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
        if not _allows(statement, _EVERYTHING) or _shared(question, statement) or _is_negated_action(statement):
            continue
        if any(test.key in _WAYS for test in statement.tests):
            continue
        singles = [entry for entry in _entries(statement) if _is_single(entry.known)]
        if singles:
            who = ", ".join(_shown(entry) for entry in singles)
            findings.append(_found(statement, singles[0].value, "it is allowed everything here", who=who))
    return Answer(Truth.NO, findings=tuple(findings)) if findings else WELL


def _is_negated_action(statement: Statement) -> bool:
    return statement.action is not None and statement.action.negated


def _shown(entry: Entry) -> str:
    """A principal for a message: a name that is made up is shown as what it stands for."""
    text = show(entry.text)
    return re.sub(r"made-up-([A-Za-z0-9_.-]+)", r"(\1)", text)


def separates_duties(question: Question) -> Answer:
    """Whether nobody both administers the key and uses it."""
    statements = [one for one in _statements(question) if one.effect == "Allow"]
    administers = {entry.known for one in statements if _allows(one, TAKE_OVER[:1]) for entry in _entries(one)}
    findings = []
    for statement in statements:
        if _allows(statement, _EVERYTHING) or not any(_allows(statement, (operation,)) for operation in USE):
            continue
        both = [entry for entry in _entries(statement) if _is_single(entry.known) and entry.known in administers]
        if both:
            who = ", ".join(_shown(entry) for entry in both)
            findings.append(_found(statement, both[0].value, "it may use the key here, and administers it too", who=who))
    return Answer(Truth.NO, findings=tuple(findings)) if findings else WELL


def has_an_effect(question: Question) -> Answer:
    """Whether each statement is about the key, and about somebody."""
    if _is_told_with_its_key(question):
        return WELL
    views = _views(question)
    locked = all(_lockout(view) is True for view in views.all)
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
            if locked and _matters(statement):
                continue  # what nobody can change any more is told already
            what = f"has no `{missing[0]}`"
            findings.append(_found(statement, None, f"it {what}, so it lets nobody do anything", what=what))
            continue
        assert statement.resource is not None
        truths = {resource_truth(view.document.statements[statement.index], view.deployment) for view in views.all}
        if truths == {Truth.NO}:
            what = "is about another resource than the key"
            message = "in a key policy `*` means the key; nothing else is meant here"
            findings.append(_found(statement, statement.resource.value, message, what=what))
    return Answer(Truth.NO, findings=tuple(findings)) if findings else WELL


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
                findings.append(_found(statement, entry.entry.value, f"this {wrong}", who=who, what=wrong))
    return Answer(Truth.NO, findings=tuple(findings)) if findings else WELL


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


# --- Grants ----------------------------------------------------------------------------------------------------------

_LIMITS = (
    *_WAYS,
    "kms:granteeprincipal",
    "kms:grantoperations",
    "kms:granteeserviceprincipal",
    "kms:grantconstrainttype",
    "kms:grantconstraintsourcearn",
)
_SERVICE_LINKED = ":role/aws-service-role/"


def limits_grants(question: Question) -> Answer:
    """Whether who may make grants, and may not change the policy, makes them for AWS services only."""
    statements = _statements(question)
    if any(_stops_grants(statement) for statement in statements):
        return WELL
    administers = {entry.known for one in statements if _allows(one, TAKE_OVER[:1]) for entry in _entries(one)}
    own = _views(question).all[0].own if statements else ""
    findings = []
    for statement in statements:
        if not _allows(statement, CLASSES["grant"]) or _shared(question, statement) or _is_negated_action(statement):
            continue
        users = [
            entry
            for entry in _entries(statement)
            if _is_single(entry.known)
            and f"::{own}:" in (entry.known or "")
            and entry.known not in administers
            and _SERVICE_LINKED not in (entry.known or "")
        ]
        limited = _limited(statement)
        if users and limited is not Truth.YES:
            who = ", ".join(_shown(entry) for entry in users)
            message = "kms:CreateGrant without a condition on kms:GrantIsForAWSResource"
            at = statement.action.value if statement.action is not None else None
            findings.append(_found(statement, _entry_of(statement, "CreateGrant") or at, message, limited, who=who))
    return Answer(min(found.truth for found in findings), findings=tuple(findings)) if findings else WELL


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


def grants_little(question: Question) -> Answer:
    """Whether a grant is for somebody of one's own, and cannot be handed on."""
    grantees = _grantees(question)
    open_ = tuple(dict.fromkeys(o for one in grantees.all for o in (_grantee(one)[1])))
    truths = [_grantee(one)[0] for one in grantees.all]
    findings = []
    value = question.attribute("grantee")
    who = _grantee_text(grantees.all[0])
    if not all(truth is Truth.YES for truth in truths):
        truth = Truth.NO if all(one is Truth.NO for one in truths) else Truth.UNKNOWN
        if len(set(truths)) > 1:
            open_ = (*grantees.open, *open_)
        message = "this account is not declared as trusted"
        findings.append(
            Found(
                "grantee",
                truth,
                (Evidence(message, value.where),),
                open_,
                {"what": f"is for {who}, which is not declared as trusted"},
            )
        )
    if _hands_on(question, who):
        operations = question.attribute("operations")
        at = next((item for item in operations.items if item.text == "CreateGrant"), operations)
        found = Evidence("with this operation the grantee makes grants of its own", at.where)
        findings.append(Found("operations", Truth.NO, (found,), values={"what": "lets its grantee hand it on to anybody"}))
    return Answer(min(found.truth for found in findings), findings=tuple(findings)) if findings else WELL


def _grantees(question: Question) -> Views:
    """The grantee for each account that the own one can be, as the principal of a policy."""
    access = Access(question.graph, question.world, question.settings)
    value = access.value(question.resource, "grantee")
    deployment = access.deployment(question.resource)
    deployment = msgspec.structs.replace(deployment, trusted=_ours(question, deployment))
    given = deployment.account is not None
    owns = (deployment.account or "",) if given else _possible_accounts(value, deployment)
    views = []
    for own in owns:
        here = msgspec.structs.replace(deployment, account=own)
        written = _Writing(access, question.resource, here).out(value)
        views.append(View(PolicyDocument((), written), here))
    return Views(tuple(views), given)


def _grantee_text(view: View) -> str:
    return re.sub(r"made-up-([A-Za-z0-9_.-]+)", r"(\1)", show(sym(view.document.value)))


def _grantee(view: View) -> tuple[Truth, tuple[Open, ...]]:
    """Whether the grantee is of an own or trusted account."""
    text = sym(view.document.value)
    written = known(text)
    if written is None:
        first = show(text)
        account = re.match(r"arn:[^:]*:(?:iam|sts)::([0-9]{12}):", first)
        if account is None:
            return Truth.UNKNOWN, opens(text)
        return Truth.of(account[1] in (view.own, *view.deployment.trusted)), ()
    if written.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return Truth.YES, ()
    found = _ACCOUNT_OF.fullmatch(written)
    return Truth.of(found is not None and found[1] in (view.own, *view.deployment.trusted)), ()


def _hands_on(question: Question, who: str) -> bool:
    operations = question.attribute("operations")
    if not any(item.text == "CreateGrant" for item in operations.items) or _SERVICE_LINKED in who:
        return False
    return not _has_constraint(question)


def _has_constraint(question: Question) -> bool:
    for name in ("context_equals", "context_subset"):
        data = question.attribute(name).data
        if isinstance(data, Unknown) or (isinstance(data, dict) and data):
            return True
    return False


def constrains_grants(question: Question) -> Answer:
    """Whether a grant to decrypt is for some encryption context only."""
    operations = question.attribute("operations")
    decrypts = next((item for item in operations.items if item.text in ("Decrypt", "ReEncryptFrom")), None)
    if decrypts is None or _has_constraint(question) or _SERVICE_LINKED in _grantee_text(_grantees(question).all[0]):
        return WELL
    return Answer(Truth.NO, (Evidence("with any encryption context", decrypts.where),))


# --- Policies of users, roles and groups -----------------------------------------------------------------------------

_DESTROY = ("ScheduleKeyDeletion", "DisableKey", "PutKeyPolicy", "DeleteImportedKeyMaterial")
_DECRYPT = ("Decrypt", "ReEncryptFrom")
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


def decrypts_with_named_keys(question: Question) -> Answer:
    """Whether no statement of an identity's policy allows decryption with every key."""
    return _wide(question, _DECRYPT, ())


def destroys_named_keys(question: Question) -> Answer:
    """Whether no statement of an identity's policy allows every key to be destroyed, and not to be used."""
    return _wide(question, _DESTROY, _DECRYPT)


def _wide(question: Question, operations: Sequence[str], but: Sequence[str]) -> Answer:
    findings: list[Found] = []
    for number, view in enumerate(_identity_policies(question)):
        name = "policy" if question.resource.kind == "iam.policy" else f"inline_policies[{number}]"
        for statement in view.document.statements:
            found = [operation for operation in operations if _allows(statement, (operation,))]
            if not found or any(_allows(statement, (operation,)) for operation in but) or _is_narrow(statement):
                continue
            truth = _all_keys(statement, view)
            if truth is Truth.NO or _is_denied(view, found[0]):
                continue
            assert statement.resource is not None
            at = _wide_entry(statement, view) or statement.resource.value
            shown = Evidence(f"kms:{found[0]} on every key", at.where or statement.span)
            open_ = tuple(o for entry in statement.resource.entries for o in entry.opens)
            values = {"statement": statement.name, "what": ", ".join(f"kms:{operation}" for operation in found)}
            attribute = f"{name}.Statement[{statement.index}]"
            findings.append(Found(attribute, ~truth, (shown,), open_, values))
    return Answer(min(found.truth for found in findings), findings=tuple(findings)) if findings else WELL


def _identity_policies(question: Question) -> list[View]:
    """The policies of an identity, or a managed policy that is more than a boundary."""
    resource, graph = question.resource, question.graph
    if resource.kind == "iam.policy":
        if graph.into(resource, "boundary") and not graph.into(resource, "managed"):
            return []
        return [_views(question).all[0]]
    views = _views(question, "inline_policies").all[0]
    items = views.document.value
    return [View(read_policy(item, views.deployment), views.deployment) for item in items.items]


def _is_narrow(statement: Statement) -> bool:
    """Whether a condition says with which keys, or through which service."""
    return bool(statement.condition_open) or any(test.key.startswith(_NARROW) for test in statement.tests)


def _all_keys(statement: Statement, view: View) -> Truth:
    """Whether a statement is about every key of the account, in every Region."""
    element = statement.resource
    if element is None or statement.open:
        return Truth.NO
    keys = [f"arn:{view.deployment.partition}:kms:{key.format(account=view.own)}" for key in _KEYS]
    found = Truth.NO
    for entry in element.entries:
        text = entry.known
        if text is None:
            found = max(found, Truth.UNKNOWN if entry.left_open and not _begins_arn(entry) else Truth.NO)
        elif all(glob(text, key) for key in keys) if not element.negated else any(glob(text, key) for key in keys):
            found = Truth.YES
    return ~found if element.negated else found


def _begins_arn(entry: Entry) -> bool:
    data = entry.value.data
    if isinstance(data, Unknown):
        return data.prefix.startswith("arn:") or (data.target is not None and data.target.attribute.lower().endswith("arn"))
    return show(entry.text).startswith("arn:")


def _wide_entry(statement: Statement, view: View) -> Value | None:
    key = f"arn:{view.deployment.partition}:kms:{_KEYS[0].format(account=view.own)}"
    assert statement.resource is not None
    return next((e.value for e in statement.resource.entries if e.known is not None and glob(e.known, key)), None)


def _is_denied(view: View, operation: str) -> bool:
    """Whether another statement takes it back, for all keys or for all but some."""
    return any(
        statement.effect == "Deny"
        and action_truth(statement, operation) is Truth.YES
        and statement.resource is not None
        and not statement.tests
        and (statement.resource.negated or _all_keys(statement, view) is Truth.YES)
        for statement in view.document.statements
    )


def names_keys_not_aliases(question: Question) -> Answer:
    """Whether no statement allows operations on a key by the ARN of an alias."""
    findings = []
    for number, view in enumerate(_identity_policies(question)):
        name = "policy" if question.resource.kind == "iam.policy" else f"inline_policies[{number}]"
        for statement in view.document.statements:
            if statement.resource is None or statement.resource.negated or statement.effect != "Allow":
                continue
            if any(action_truth(statement, alias) is not Truth.NO for alias in _ALIASES):
                continue
            operation = next((one for one in CRYPTOGRAPHIC if action_truth(statement, one) is Truth.YES), None)
            entry = next((entry for entry in statement.resource.entries if _is_alias(entry)), None)
            if operation is not None and entry is not None:
                message = f"kms:{operation} is never done on an alias, so this allows nothing"
                shown = Evidence(message, entry.value.where or statement.span)
                values = {"statement": statement.name, "what": f"kms:{operation}"}
                findings.append(Found(f"{name}.Statement[{statement.index}]", Truth.NO, (shown,), values=values))
    return Answer(Truth.NO, findings=tuple(findings)) if findings else WELL


def _is_alias(entry: Entry) -> bool:
    return re.match(r"arn:[^:]*:kms:[^:]*:[^:]*:alias/", show(entry.text)) is not None
