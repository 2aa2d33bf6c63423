"""Principals and services that the template makes use a key, and that will be denied.

Who uses a key, and how, is said by the kinds under `key_use`. For each use the decision is that of `kmsguard.iam.decide.can`:
https://docs.aws.amazon.com/kms/latest/developerguide/determining-access.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias, cast
from weakref import WeakKeyDictionary

import msgspec

from kmsguard.iam.decide import (
    NOT_HELD,
    OWN_ACCOUNT,
    OWN_REGION,
    Decided,
    Decision,
    Key,
    Layer,
    Principal,
    can,
    can_in_any_context,
)
from kmsguard.iam.document import Statement, read_policy
from kmsguard.iam.key_policies import ALIAS_OF_AWS
from kmsguard.iam.texts import acts
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.guard import decide
from kmsguard.model.resource import External, Graph, KeyUse, Resource
from kmsguard.model.rule import Answer, Found, Question
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth, all_of
from kmsguard.model.value import ABSENT, Text, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of, arn_part, external_principal, service
from kmsguard.rules.checks.default_keys import DEFAULTS
from kmsguard.rules.checks.organization import NO_CEILINGS, can_under, ceilings_of
from kmsguard.rules.checks.reach import may_use, objects_of, reachable
from kmsguard.rules.checks.s3_replication import KMS_ENCRYPTION
from kmsguard.rules.checks.statements import paste
from kmsguard.rules.checks.telling import here, name_of, opens, same_text, shown

End: TypeAlias = "Resource | External"
Cause: TypeAlias = Literal[
    "refused", "managed key", "denied", "condition", "key policy", "boundary", "organization", "identity"
]
Context: TypeAlias = "dict[str, Value]"

_GOOD = Answer(Truth.YES)
_NONE = Answer(Truth.NO)
ITSELF = "itself"  # the edge from a principal to the principal
_ALLOWED = "allowed_keys"  # the edge from a policy to what it names: whether that is a key is not known outside of the scan


class Hop(NamedTuple):
    """A key that is reached over the edges of a use."""

    holder: Resource  # what the key protects
    key: End
    there: Truth
    by: Value  # how the key is named there


class User(NamedTuple):
    """Who uses a key."""

    name: str
    principal: Principal
    there: Truth
    end: End | None  # None: a service


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


# Questions of rules


def uses_keys(question: Question) -> Answer:
    """Whether the resource makes somebody use what may be under a key; `by`: service, role, or itself."""
    for use in _made(question.graph, question.resource):
        if _is_asked(question, use) and not (use.attribute and question.attribute(use.attribute).data is ABSENT):
            return _GOOD
    return _NONE


def _is_asked(question: Question, use: KeyUse) -> bool:
    """Whether a rule is about what is used by services, by roles, or by the resource that is a role itself."""
    by = question.arguments.get("by", ())
    return not by or _by(use) in ((by,) if isinstance(by, str) else by)


def _made(graph: Graph, resource: Resource) -> tuple[KeyUse, ...]:
    """The uses of which the resource says something, whatever its attributes are."""
    kept = graph.kept.setdefault("made uses", {})
    found = kept.get(resource)
    if found is None:
        found = kept[resource] = tuple(use for use in resource.key_use if _is_made(graph, resource, use))
    return cast("tuple[KeyUse, ...]", found)


def _is_made(graph: Graph, resource: Resource, use: KeyUse) -> bool:
    first, *way = use.through.split(".")
    ends = graph.out(resource, first)
    if use.edge == ITSELF:  # what a policy names and is not of the scan makes nobody use a key
        return any(_names(graph, end.target, way[:-1]) for end in ends)
    if ends:
        return True
    return first == "encrypted_with" and resource.kind in _UNDER_DEFAULT_KEYS


def _names(graph: Graph, end: End, way: Sequence[str]) -> bool:
    """Whether edges in a row lead from an end to a resource of the scan."""
    if isinstance(end, External) or not way:
        return isinstance(end, Resource)
    return any(_names(graph, one.target, way[1:]) for one in graph.out(end, way[0]))


def admits(question: Question) -> Answer:
    """Whether whoever uses a key because of the resource may; `causes` are those that the rule tells, `by` as above."""
    causes = question.arguments.get("causes", ())
    asked = _Asked(question)
    found: dict[str, Found] = {}
    for verdict in asked.verdicts():
        cause = next((one for one in (verdict.cause, *verdict.others) if one in causes), None)
        if verdict.truth is Truth.YES or cause is None:
            continue
        one = asked.told(verdict._replace(cause=cause))
        before = found.get(one.attribute)
        if before is None or (before.truth is Truth.UNKNOWN and one.truth is Truth.NO):
            found[one.attribute] = one
        elif before.truth is one.truth:
            found[one.attribute] = _merged(before, one)
    if not found:
        return _GOOD
    findings = tuple(found.values())
    truth = Truth.NO if any(f.truth is Truth.NO for f in findings) else Truth.UNKNOWN
    return Answer(truth, findings=findings)


def keys_nearby(question: Question) -> Answer:
    """Whether the keys that a workload's environment names are of its own Region."""
    resource = question.resource
    for edge in question.graph.out(resource, "named_keys"):
        if decide(edge.guard, question.world) is Truth.NO:
            continue
        key = edge.target
        region = key.region if isinstance(key, Resource) else arn_part(key.value, 3)
        is_key = isinstance(key, Resource) or _pieces(key.value).split(":")[2:3] == ["kms"]
        if not is_key or region is None or resource.region is None:
            continue
        same = same_text(region, resource.region)
        if same is Truth.YES:
            continue
        problem = f"this key is of {shown(region)}, and called from {shown(resource.region)}"
        values = {"key": name_of(key), "key_region": shown(region), "region": shown(resource.region)}
        open_ = () if same is Truth.NO else opens(region, resource.region)
        return Answer(same, (here(problem, edge.by, resource),), open_, values=values)
    return _GOOD


def _of_unit(access: Access, kind: str, unit: str) -> tuple[Resource, ...]:
    return tuple(one for one in access.graph.by_kind.get(kind, ()) if one.unit == unit)


def _by(use: KeyUse) -> str:
    return "service" if use.service else "itself" if use.edge == ITSELF else "role"


def _merged(one: Found, other: Found) -> Found:
    """Two uses of one key by one principal, told together."""
    actions = dict.fromkeys((*one.values["actions"].split(", "), *other.values["actions"].split(", ")))
    values = {**one.values, "actions": ", ".join(actions)}
    return msgspec.structs.replace(one, values=values)


class _Asked:
    """The uses of one resource in one world."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.resource = question.resource
        self.access = access_of(question)
        self.deployment = self.access.deployment(self.resource)

    # Uses

    def verdicts(self) -> Iterator[Verdict]:
        """Of every use by every principal. What several rules ask in one world is decided once."""
        uses = self.resource.key_use
        for number in self.access.widest.once(_led_somewhere, self.resource):
            if _is_asked(self.question, uses[number]):
                yield from self.access.once(_verdicts, self.resource, number)

    def of_use(self, number: int) -> Iterator[Verdict]:
        use = self.resource.key_use[number]
        applies = self._applies(use)
        if applies is Truth.NO:
            return
        for hop in self.hops(use, number):
            if not self._is_told(use, hop):
                yield from self._of_hop(use, hop._replace(there=all_of((hop.there, applies))))

    def _applies(self, use: KeyUse) -> Truth:
        there = Truth.YES
        if use.when:
            there = there & _is_on(self.question.attribute(use.when))
        if use.unless:
            there = there & ~_is_on(self.question.attribute(use.unless))
        return there

    def _of_hop(self, use: KeyUse, hop: Hop) -> Iterator[Verdict]:
        if use.refused:
            user = User(use.service, service(Value(use.service), self._account()), Truth.YES, None)
            open_: tuple[Open, ...] = (Open(name_of(hop.key), "whether it is used is not known"),)
            truth = Truth.NO if hop.there is Truth.YES else Truth.UNKNOWN
            if truth is Truth.NO and use.actions and self._is_admitted(use, hop, user):
                # Some keys admit the service all the same, those of AWS's own templates among them.
                truth, open_ = (
                    Truth.UNKNOWN,
                    (Open(name_of(hop.key), "its policy admits the service, which AWS calls useless"),),
                )
            yield Verdict(truth, "refused", use, hop, user, (), None, {}, open_)
            return
        if use.service and use.edge:
            verdicts = [self.decide(use, hop, user) for user in (*self._services(use), *self._ends(use))]
            if all(v.truth is not Truth.YES for v in verdicts):
                undecided = [v for v in verdicts if v.truth is Truth.UNKNOWN]
                yield undecided[0] if undecided else verdicts[0]
            return
        for user in self._services(use) if use.service else self._ends(use):
            verdict = self.decide(use, hop, user)
            if verdict.truth is not Truth.YES and not use.attribute:
                # Asked last: who may use the key is fine, whatever it may do with what is under it.
                shows = self._shows(use, hop, user)
                if shows is Truth.NO:
                    continue
                if shows is Truth.UNKNOWN:
                    verdict = self.decide(use, hop._replace(there=all_of((hop.there, shows))), user)
            yield verdict

    def _is_admitted(self, use: KeyUse, hop: Hop, user: User) -> bool:
        key = self.access.key(hop.key, hop.holder)
        users = (user, *self._ends(use)) if use.edge else (user,)
        return any(all(self.ask(one, action, key, {}).truth is not Truth.NO for action in use.actions) for one in users)

    def _is_told(self, use: KeyUse, hop: Hop) -> bool:
        """Whether what makes a role use this is asked for itself: a mapping, a function, a service."""
        return use.edge == ITSELF and (id(self.resource), id(hop.holder)) in _workloads(self.question.graph)

    def hops(self, use: KeyUse, number: int) -> Iterator[Hop]:
        """The keys at the end of a use's way.

        What the way leads to and is not read here may be under a key or under none: of that nothing is said.
        """
        last = use.through.rpartition(".")[2]
        at = self.access.once(_holders, self.resource, number)
        for holder, there in at:
            yield from self._keys(holder, last, there)

    def holders(self, use: KeyUse) -> tuple[tuple[Resource, Truth], ...]:
        """What a use's way leads to, without the last edge."""
        *way, _ = use.through.split(".")
        at: list[tuple[Resource, Truth]] = [(self.resource, Truth.YES)]
        for edge in way:
            further: list[tuple[Resource, Truth]] = []
            for one, there in at:
                for end, sure in self.access.ends(one, edge):
                    if isinstance(end, Resource):
                        further.append((end, there & sure))
                    elif use.asks and use.edge != ITSELF and isinstance(end.value.data, Unknown):
                        stores = self._perhaps(end)
                        if edge == way[-1] and not (use.service or use.attribute or use.refused):
                            stores = self._reachable(use, stores)
                        further += [(maybe, Truth.UNKNOWN) for maybe in stores]
            at = further
        return tuple(at)

    def _perhaps(self, end: External) -> Sequence[Resource]:
        """The resources of the unit that a value may mean of which nothing is known: an environment that is given."""
        target = end.value.target
        if target is not None and target.attribute:
            return ()
        return self.access.widest.once(_of_unit, end.kind, self.resource.unit)

    def _reachable(self, use: KeyUse, stores: Sequence[Resource]) -> Sequence[Resource]:
        """Those of some stores that one of the principals of a use may reach."""
        found: set[Resource] = set()
        for user in self._ends(use):
            found.update(reachable(self.access, user.principal, use.asks, stores, self.deployment))
        return [store for store in stores if store in found]

    def _keys(self, holder: Resource, edge: str, there: Truth) -> Iterator[Hop]:
        if holder.kind == "s3.bucket" and edge == "encrypted_with":
            encryption = self.access.value(holder, "encryption")
            if encryption.text is None:
                there = there & Truth.UNKNOWN
            elif encryption.text not in KMS_ENCRYPTION:
                return
        found = False
        for one in self.question.graph.out(holder, edge):
            if edge == _ALLOWED and isinstance(one.target, External):
                continue
            sure = decide(one.guard, self.question.world)
            if sure is not Truth.NO:
                found = True
                yield Hop(holder, one.target, all_of((there, sure)), one.by)
        alias = self._default_key(holder) if not found and edge == "encrypted_with" else None
        if alias is not None:
            value = Value(alias, holder.head, holder.head)
            yield Hop(holder, External("kms.key", value), there, value)

    def _default_key(self, holder: Resource) -> str | None:
        """The AWS managed key of what is under KMS and names no key."""
        if holder.kind not in _UNDER_DEFAULT_KEYS:
            return None
        if holder.kind == "ssm.parameter" and self.access.value(holder, "encrypted").data is not True:
            return None
        return DEFAULTS[holder.kind].alias

    # Principals

    def _account(self) -> Value:
        return self.resource.account or OWN_ACCOUNT

    def _services(self, use: KeyUse) -> Iterator[User]:
        name = self.fill(use.service, self.resource)
        yield User(_text(name, self.deployment.region) or use.service, service(name, self._account()), Truth.YES, None)

    def _ends(self, use: KeyUse) -> Iterator[User]:
        if use.attribute == "policy":
            yield from self._let_in(use)
            return
        if use.attribute:
            value = self.access.value(self.resource, use.attribute)
            for item in value.items or ((value,) if value.data is not ABSENT else ()):
                end: End = External("iam.role", item)
                yield User(name_of(end), self.access.principal(end), Truth.YES, end)
            return
        at: list[tuple[End, Truth]] = [(self.resource, Truth.YES)]
        for edge in use.edge.split(".") if use.edge != ITSELF else ():
            at = [
                (end, there & sure)
                for one, there in at
                if isinstance(one, Resource)
                for end, sure in self.access.ends(one, edge)
            ]
        for end, there in at:
            yield User(name_of(end), self._principal(end), there, end)

    def _principal(self, end: End) -> Principal:
        """A role or user; one that is looked up by its name alone is of the own account, in a path that is not known."""
        name = end.value.text if isinstance(end, External) else None
        if name is None or ":" in name or name.isdigit():
            return self.access.principal(end)
        account = self._account()
        pieces = (Value(f"arn:{self.deployment.partition}:iam::"), account, Value(":role/"), _what("its path"), Value(name))
        return Principal("role", Value(Text(pieces)), account, identity_policies=NOT_HELD)

    def _let_in(self, use: KeyUse) -> Iterator[User]:
        """The principals of other accounts whom the resource's policy lets do what the use is for.

        What their administrators let them do is taken for granted: nobody sees it from here.
        """
        own = self._account().text or self.deployment.account
        document = self.access.read(self.access.value(self.resource, "policy"), self.deployment)
        for statement in document.statements:
            element = statement.action
            named = statement.value.members.get("Principal")
            if statement.effect != "Allow" or element is None or element.negated or named is None:
                continue
            patterns = [entry.text for entry in element.entries]
            if all(acts(pattern, asked) is not Truth.YES for pattern in patterns for asked in use.asks):
                continue
            listed = named.members.get("AWS", Value(ABSENT))
            for value in listed.items or ((listed,) if listed.data is not ABSENT else ()):
                account = arn_part(value, 4) or value
                nobody = account.text is not None and not account.text.isdigit()  # `*`, or CloudFront's identities
                if nobody or account.text == own or _is_own(account):
                    continue
                end: End = External("iam.role", value)
                principal = external_principal(value)
                if principal.kind != "root":
                    principal = msgspec.structs.replace(principal, identity_policies=_LET)
                certain = own is not None and (account.text or "").isdigit()
                yield User(name_of(end), principal, Truth.of(certain or None), end)

    def _is_named(self, user: User, key: Key) -> bool:
        """Whether a key policy lets in somebody of an account that is let in as a whole."""
        account = user.principal.account.text
        return (
            account is not None
            and user.principal.kind == "root"
            and any(
                statement.effect == "Allow"
                and any(account in text for text in _texts(statement.value.members.get("Principal")))
                for document in key.policies.documents
                for statement in document.statements
            )
        )

    def _shows(self, use: KeyUse, hop: Hop, user: User) -> Truth:
        """Whether the principal may do with the holder what the use is for."""
        if not use.asks:
            return Truth.YES
        return may_use(self.access, user.principal, use.asks, hop.holder, self.deployment)

    # Decisions

    def decide(self, use: KeyUse, hop: Hop, user: User) -> Verdict:
        """Whether somebody may do all that a use takes."""
        key = self.access.key(hop.key, hop.holder)
        if user.end is None and not key.customer_managed:
            maybe = () if hop.there is Truth.YES else self._whether(hop, user)
            truth = Truth.UNKNOWN if maybe else Truth.NO
            return Verdict(truth, "managed key", use, hop, user, use.actions, None, {}, maybe)
        missing: list[str] = []
        undecided: list[tuple[str, Decision]] = []
        refused: tuple[Decision, Context] | None = None
        contexts = list(self.contexts(use, hop, user, key))
        open_: list[Open] = []
        for action in use.actions:
            decisions = [self.ask(user, action, key, context) for context in contexts]
            if all(d.truth is Truth.NO for d in decisions):
                if self._is_named(user, key):
                    continue
                missing.append(action)
                refused = refused or (decisions[0], contexts[0])
            elif any(d.truth is not Truth.YES for d in decisions):
                undecided.append((action, next(d for d in decisions if d.truth is not Truth.YES)))
                open_ += [o for d in decisions for o in d.open]
                if any(d.truth is Truth.NO for d in decisions):
                    open_.insert(
                        0, Open("S3 Bucket Key", "whether the encryption context is the ARN of the bucket or of an object")
                    )
        if refused is not None:
            decision, context = refused
            cause = self._cause(user, missing[0], key, decision, context)
            maybe = () if hop.there & user.there is Truth.YES else self._whether(hop, user)
            other = self._other_spelling(use, user, key, missing, contexts)
            if other is not None:
                maybe = (*maybe, other)
            if use.grant and cause != "denied":
                who = "whoever deploys it"
                maybe = (*maybe, Open(who, f"whether a grant for {user.name} is made in his name (kms:CreateGrant)"))
            truth = Truth.UNKNOWN if maybe else Truth.NO
            return Verdict(truth, cause, use, hop, user, tuple(missing), decision, context, maybe)
        if undecided and key.customer_managed is False and not _is_foreign(user, key):
            undecided = []  # such a key admits its account; that somebody denies it on top is nothing that anyone writes
        if undecided:
            action, decision = undecided[0]
            cause = _open_cause(decision)
            return Verdict(Truth.UNKNOWN, cause, use, hop, user, tuple(a for a, _ in undecided), decision, contexts[0],
                           tuple(dict.fromkeys(open_)) or (Open(name_of(hop.key), "what it allows is not known"),),
                           _open_causes(decision))  # fmt: skip
        return Verdict(Truth.YES, "identity", use, hop, user, (), None, {}, ())

    def _whether(self, hop: Hop, user: User) -> tuple[Open, ...]:
        if user.there is not Truth.YES:
            return (Open(user.name, "whether this principal is used is not known"),)
        return (Open(name_of(hop.key), "whether this key is used here is not known"),)

    def _other_spelling(
        self, use: KeyUse, user: User, key: Key, missing: Sequence[str], contexts: Sequence[Context]
    ) -> Open | None:
        """Services have a name with the Region and one without it; AWS documents one of them and may take the other."""
        if not use.service:
            return None
        plain = use.service.replace(".{region}", "")
        regional = use.service if plain != use.service else use.service.replace(".amazonaws.com", ".{region}.amazonaws.com")
        other = self.fill(plain if plain != use.service else regional, self.resource)
        again = user._replace(principal=service(other, user.principal.account))
        if not all(any(self.ask(again, a, key, c).truth is Truth.YES for c in contexts) for a in missing):
            return None
        name = _text(other, self.deployment.region) or plain
        return Open(name, f"AWS does not say whether {name} stands for {user.name}")

    def ask(self, user: User, action: str, key: Key, context: Mapping[str, Value]) -> Decision:
        """One decision, with what the unit says of the organization."""
        ceilings = ceilings_of(self.access, self.deployment, user.principal, key)
        if ceilings is NO_CEILINGS:
            return can_in_any_context(self._decided(), user.principal, action, key, context, self.deployment)
        return can_under(ceilings, user.principal, action, key, context, self.deployment)

    def _decided(self) -> Decided:
        return self.access.graph.kept.setdefault("decided", {})  # type: ignore[return-value]

    def _cause(self, user: User, action: str, key: Key, decision: Decision, context: Context) -> Cause:
        """What to mend, found by asking again with one thing mended."""
        if not key.customer_managed and _is_foreign(user, key):
            return "managed key"
        if any(e.part == "denies" for e in decision.evidence):
            return "denied"
        if user.end is None:
            return "condition" if decision.missed else "key policy"
        if user.principal.service_linked:
            return "condition" if decision.missed else "key policy"
        free = msgspec.structs.replace(user.principal, identity_policies=_LET, boundary=None)
        if can(free, action, key, context, deployment=self.deployment).truth is Truth.NO:
            return "condition" if decision.missed else "key policy"
        if any(e.layer in ("service control policy", "resource control policy") for e in decision.evidence):
            return "organization"
        if user.principal.boundary is not None:
            unbound = msgspec.structs.replace(user.principal, boundary=None)
            if can(unbound, action, key, context, deployment=self.deployment).truth is not Truth.NO:
                return "boundary"
        return "condition" if any(True for _ in _near(user.principal, action)) else "identity"

    # Requests

    def contexts(self, use: KeyUse, hop: Hop, user: User, key: Key) -> Iterator[Context]:
        """The condition keys of the requests that a use may make; of each at least one is made."""
        context: Context = {}
        if user.end is None:
            if use.source_arn == "-":  # AWS documents that the calls carry none of these
                context.update(dict.fromkeys(_SOURCES, Value(ABSENT)))
            elif use.source_arn:
                arn = self.fill(use.source_arn, self.resource, hop) if use.source_arn != "?" else _what("aws:SourceArn")
                context["aws:SourceArn"] = arn
                context["aws:SourceAccount"] = self._account()
            if use.via:
                context["kms:ViaService"] = _what("through which service it calls")
        elif use.via:
            region = key.region if key.region.text is not None or hop.holder.region is None else hop.holder.region
            context["kms:ViaService"] = Value(Text((Value(f"{use.via}."), region, Value(".amazonaws.com"))))
            context["kms:RequestAlias"] = self._request_alias(hop)
        names = tuple(Value(name) for name in use.context if not name.startswith("kms:"))
        if names:
            context["kms:EncryptionContextKeys"] = Value(names)
        spread = False
        for name, text in use.context.items():
            place = name if name.startswith("kms:") else f"kms:EncryptionContext:{name}"
            if text == "?":
                context[place] = _what(f"the encryption context {name}")
            elif text.endswith(".object}"):
                spread = True
                bucket = self._end(text[1 : -len(".object}")], hop)
                whole = self.access.value(bucket, "arn") if isinstance(bucket, Resource) else _what("the bucket")
                on = self.access.value(bucket, "bucket_key").data if isinstance(bucket, Resource) else None
                if on is not True:
                    yield {**context, place: objects_of(whole)}
                if on is not False:
                    yield {**context, place: whole}
            else:
                context[place] = self.fill(text, self.resource, hop)
        if not spread:
            yield context

    def _request_alias(self, hop: Hop) -> Value:
        """Absent where the key is not named by an alias: no request can name one then.

        https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-request-alias
        """
        pieces = _pieces(hop.by)
        aliases = {a.address for kind in ("kms.alias", "kms.alias_lookup") for a in self.question.graph.by_kind.get(kind, ())}
        for part in hop.by.walk():
            for target in (part.target, *part.refs):
                if target is not None and target.address in aliases and not target.attribute.startswith("target_key"):
                    return _what("by which name the key is called")
        if "alias/" in pieces or (isinstance(hop.by.data, Unknown) and hop.by.target is None):
            return _what("by which name the key is called")
        return Value(ABSENT)

    def _end(self, edge: str, hop: Hop) -> End:
        if edge == "holder":
            return hop.holder
        ends = self.access.ends(self.resource, edge)
        return ends[0][0] if ends else External("", _what(edge))

    def fill(self, text: str, resource: Resource, hop: Hop | None = None) -> Value:
        """A text with the parts and attributes of resources in it."""
        pieces: list[Value] = []
        for index, part in enumerate(re.split(r"\{([^}]*)\}", text)):
            if index % 2 == 0:
                pieces += [Value(part)] if part else []
                continue
            edge, _, name = part.rpartition(".")
            end: End = resource if not edge else self._end(edge, hop) if hop is not None else resource
            pieces.append(self._part(end, name))
        if len(pieces) == 1:
            return pieces[0]
        flat = Text(tuple(pieces))
        return Value(flat.known) if flat.known is not None else Value(flat)

    def _part(self, end: End, name: str) -> Value:
        if isinstance(end, External):
            return end.value if name == "arn" else _what(name)
        if name == "region":
            return end.region or OWN_REGION
        if name == "account":
            return end.account or OWN_ACCOUNT
        if name == "partition":
            return Value(self.deployment.partition)
        value = self.access.value(end, name)
        return _what(name) if value.data is ABSENT else value

    # What is told

    def told(self, verdict: Verdict) -> Found:
        """One use, as it is reported."""
        hop, user, use = verdict.hop, verdict.user, verdict.use
        key = _called(hop.key)
        title = use.title or "to use it"
        head = Evidence(f"{user.name} uses a key here {title}", self._place(use, hop), None, self.resource)
        told = [head]
        decision = verdict.decision
        if hop.holder is not self.resource:
            where = hop.by.where or hop.holder.head
            how = "names" if use.through.endswith(_ALLOWED) else "is under"
            told.append(Evidence(f"{hop.holder.address} {how} {key}", where, hop.by.trail, hop.holder))
        if decision is not None:
            told += [Evidence(e.message, e.span) for e in (*decision.evidence, *decision.missed) if e.span is not None]
        told += [Evidence(message, span) for span, message in self._misfits(verdict)]
        evidence = tuple({(e.message, e.span): e for e in told}.values())
        spelled = _spelled(verdict.missing)
        values = {
            "who": user.name,
            "key": key,
            "holder": hop.holder.address,
            "actions": ", ".join(spelled),
            "title": title,
            "reason": use.refused or self._reason(verdict),
        }
        return Found(
            attribute=f"{user.name}:{key if isinstance(hop.key, Resource) else hop.holder.address}:{verdict.cause}",
            truth=verdict.truth,
            evidence=evidence,
            open=verdict.open if verdict.truth is Truth.UNKNOWN else (),
            values=values,
            remediation=self._remedy(verdict, spelled) if verdict.truth is Truth.NO else "",
        )

    def _misfits(self, verdict: Verdict) -> Iterator[tuple[Span | None, str]]:
        """What keeps the statements of a principal that allow an operation from allowing it here."""
        if verdict.cause != "condition" or not verdict.missing:
            return
        action = verdict.missing[0]
        key = self.access.key(verdict.hop.key, verdict.hop.holder)
        for statement in _near(verdict.user.principal, action):
            alone = read_policy(
                Value({"Statement": Value({**statement.value.members, "Principal": Value("*")})}), self.deployment
            )
            as_key = msgspec.structs.replace(key, policies=Layer(documents=(alone,)), grants=())
            asked = can(verdict.user.principal, action, as_key, verdict.context, deployment=self.deployment)
            for missed in asked.missed[:1]:
                yield missed.span, f"statement {statement.name} allows{missed.message.partition(' allows')[2]}"

    def _place(self, use: KeyUse, hop: Hop) -> Span | None:
        """Where the resource says what makes somebody use the key."""
        first = self.question.graph.out(self.resource, use.through.split(".")[0])
        first = [one for one in first if one.target is hop.holder] or first
        # What leads to an end by its Region says nothing of the key.
        said = (one.by.where for one in first if one.by is not self.resource.region)
        return next((where for where in said if where is not None), self.resource.head)

    def _reason(self, verdict: Verdict) -> str:
        decision = verdict.decision
        if decision is not None and verdict.cause in ("denied", "condition"):
            first = next((e for e in (*decision.missed, *decision.evidence) if e.part in ("denies", "limits") and e.span), None)
            if first is not None and (first.statement is not None or verdict.cause == "denied"):
                return first.message
            misfit = next(self._misfits(verdict), None)
            if misfit is not None:
                return misfit[1]
        return _REASONS[verdict.cause]

    def _remedy(self, verdict: Verdict, actions: Sequence[str]) -> str:
        hop, user, cause = verdict.hop, verdict.user, verdict.cause
        key, unit = name_of(hop.key), self.question.graph.units.get(self.resource.unit)
        language = "cloudformation" if unit is None or unit.dialect == "cloudformation" else "terraform"
        action: object = list(actions) if len(actions) > 1 else actions[0] if actions else ""
        if cause in ("refused", "managed key"):
            return ""
        if cause == "denied":
            return f"Exempt {user.name} from the statement that denies {', '.join(actions)}."
        if cause == "organization":
            return f"Let the policies of the organization allow {', '.join(actions)} to {user.name}."
        if user.end is None or (cause in ("key policy", "condition") and self._asks_key_policy(verdict)):
            who: dict[str, object] = {"Service": user.name} if user.end is None else {"AWS": self._written(user.end, language)}
            statement: dict[str, object] = {"Effect": "Allow", "Principal": who, "Action": action, "Resource": "*"}
            account = self._own_account(language)
            if user.end is None and verdict.use.source_arn not in ("", "-") and account is not None:
                statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
            return paste(f"Add this statement to the policy of {key}:", statement, language)
        allow: dict[str, object] = {"Effect": "Allow", "Action": action, "Resource": self._written(hop.key, language)}
        via = verdict.context.get("kms:ViaService")
        if via is not None and via.text is not None:
            allow["Condition"] = {"StringEquals": {"kms:ViaService": via.text}}
        where = "the permission boundary" if cause == "boundary" else "a policy"
        what = f"Add this statement to {where} of {user.name}:"
        return paste(what, allow, language)

    def _own_account(self, language: str) -> object:
        """The account of the resource, as it is written in the language of the file; None where that needs a declaration."""
        text = self._account().text
        return text if text is not None or language == "terraform" else {"Ref": "AWS::AccountId"}

    def _asks_key_policy(self, verdict: Verdict) -> bool:
        user, decision = verdict.user, verdict.decision
        if user.principal.service_linked or verdict.cause == "key policy":
            return True
        return decision is not None and bool(decision.missed)

    def _written(self, end: End, language: str) -> object:
        """An ARN as it is written in the language of the file."""
        if isinstance(end, External):
            return end.value.text or f"<{name_of(end)}>"
        if end.unit != self.resource.unit or "module." in end.address:
            return self.access.value(end, "arn").text or f"<ARN of {end.address}>"
        if language == "cloudformation":
            return {"Fn::GetAtt": [end.address, "Arn"]}
        return f"${{{end.address}.arn}}"


def _asked(access: Access, resource: Resource) -> _Asked:
    return _Asked(Question(access.graph, resource, access.world, access.settings))


def _led_somewhere(access: Access, resource: Resource) -> tuple[int, ...]:
    """The uses of a resource, by their numbers, that may lead to a key in some world."""
    return tuple(
        number
        for number, use in enumerate(resource.key_use)
        if use.when or use.unless or "." not in use.through or access.graph.out(resource, use.through.partition(".")[0])
    )


def _verdicts(access: Access, resource: Resource, number: int) -> tuple[Verdict, ...]:
    return tuple(_asked(access, resource).of_use(number))


def _holders(access: Access, resource: Resource, number: int) -> tuple[tuple[Resource, Truth], ...]:
    return _asked(access, resource).holders(resource.key_use[number])


_WORKLOADS: WeakKeyDictionary[Graph, frozenset[tuple[int, int]]] = WeakKeyDictionary()


def _workloads(graph: Graph) -> frozenset[tuple[int, int]]:
    """Which principals use which stores because of something else in the graph, by their ids."""
    found = _WORKLOADS.get(graph)
    if found is None:
        pairs = set[tuple[int, int]]()
        for resource in graph.by_trait.get("key_user", ()):
            for use in resource.key_use:
                if use.edge not in ("", ITSELF):
                    holders = _ends(graph, resource, use.through.split(".")[:-1])
                    pairs.update((id(a), id(b)) for a in _ends(graph, resource, use.edge.split(".")) for b in holders)
        found = _WORKLOADS[graph] = frozenset(pairs)
    return found


def _ends(graph: Graph, resource: Resource, way: Sequence[str]) -> list[Resource]:
    """Where edges in a row lead, whatever they hang on."""
    at = [resource]
    for edge in way:
        at = [one.target for source in at for one in graph.out(source, edge) if isinstance(one.target, Resource)]
    return at


_SOURCES = ("aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths")
_BUCKET_KEY = Open("S3 Bucket Key", "whether the encryption context is the ARN of the bucket or of an object")
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
_UNDER_DEFAULT_KEYS = ("s3.bucket", "secretsmanager.secret", "ssm.parameter")  # others may read what is in them
# As key policies are written.
_FAMILIES = {
    "kms:ReEncryptFrom": "kms:ReEncrypt*",
    "kms:ReEncryptTo": "kms:ReEncrypt*",
    "kms:GenerateDataKey": "kms:GenerateDataKey*",
    "kms:GenerateDataKeyWithoutPlaintext": "kms:GenerateDataKey*",
}


def _spelled(actions: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(_FAMILIES.get(action, action) for action in actions))


def _open_cause(decision: Decision) -> Cause:
    if any(e.part == "denies" for e in decision.evidence):
        return "denied"
    if any(e.statement is not None and e.statement.tests and e.part in ("allows", "grants") for e in decision.evidence):
        return "condition"
    return "key policy"


def _open_causes(decision: Decision) -> tuple[Cause, ...]:
    """What it can be where a whole policy is not known: that it says nothing, or something else, or no."""
    return ("identity", "condition", "denied") if any(e.statement and e.statement.open for e in decision.evidence) else ()


def _statement(**more: Value) -> Value:
    """A policy that allows everything."""
    members = {"Effect": Value("Allow"), "Action": Value("*"), "Resource": Value("*"), **more}
    return Value({"Statement": Value(members)})


def _is_foreign(user: User, key: Key) -> bool:
    return same_text(user.principal.account, key.account) is Truth.NO


def _is_on(value: Value) -> Truth:
    """Whether an attribute is true, or holds something."""
    if value.data in (ABSENT, None, False, "", ()):
        return Truth.NO
    if isinstance(value.data, Unknown) and not value.data.not_null and value.data.target is None:
        return Truth.UNKNOWN
    return Truth.YES


def _near(principal: Principal, action: str) -> Iterator[Statement]:
    """The statements of a principal that allow an action, with other resources or conditions than are asked for."""
    for document in principal.identity_policies.documents:
        for statement in document.statements:
            element = statement.action
            if statement.effect != "Allow" or element is None or element.negated:
                continue
            if any(acts(entry.text, action) is Truth.YES for entry in element.entries):
                yield statement


def _is_own(account: Value) -> bool:
    unknown = OWN_ACCOUNT.data
    own = unknown.target if isinstance(unknown, Unknown) else None
    return any(own in (part.target, *part.refs) for part in account.walk())


def _texts(value: Value | None) -> list[str]:
    """All texts in a value."""
    return [part.text for part in value.walk() if part.text is not None] if value is not None else []


def _called(key: End) -> str:
    """How a message names a key: an AWS managed key by its alias."""
    text = _pieces(key.value) if isinstance(key, External) else ""
    return text[text.index(ALIAS_OF_AWS) :] if ALIAS_OF_AWS in text else name_of(key)


def _what(reference: str) -> Value:
    return Value(Unknown("is not known here", reference, not_null=True))


def _pieces(value: Value) -> str:
    """A text as far as it is known, with a mark for each hole."""
    data = value.data
    if isinstance(data, Text):
        return "".join(piece.data if isinstance(piece.data, str) else "{}" for piece in data.pieces)
    return value.text or ""


def _text(value: Value, region: str | None) -> str | None:
    """A text whose only hole may be the Region."""
    if value.text is not None:
        return value.text
    if isinstance(value.data, Text):
        return "".join(p.data if isinstance(p.data, str) else (region or "REGION") for p in value.data.pieces)
    return None


_LET = Layer(documents=(read_policy(_statement()),))

CAREFUL = frozenset({"admits", "keys_nearby"})
