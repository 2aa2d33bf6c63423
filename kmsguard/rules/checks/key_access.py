"""Principals and services that the template makes use a key, and that will be denied.

Who uses a key, and how, is said by the kinds under `key_use`. For each use the decision is that of `kmsguard.iam.decide.can`:
https://docs.aws.amazon.com/kms/latest/developerguide/determining-access.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import msgspec

from kmsguard.iam.decide import Decided, Decision, Key, can, can_in_any_context
from kmsguard.model.finding import Open
from kmsguard.model.guard import decide
from kmsguard.model.resource import External, Graph, KeyUse, Resource
from kmsguard.model.rule import Answer, Found, Question, answer_of, worst_of
from kmsguard.model.truth import Truth, all_of
from kmsguard.model.value import ABSENT, Value
from kmsguard.rules.checks.access import Access, arn_part, service
from kmsguard.rules.checks.denials import Cause, Verdict, nearly_allowing, told
from kmsguard.rules.checks.key_requests import Context, contexts_of
from kmsguard.rules.checks.key_uses import ITSELF, LET, UNDER_DEFAULT_KEYS, End, Hop, User, Uses, pieces_of, text_of
from kmsguard.rules.checks.organization import NO_CEILINGS, can_under, ceilings_of
from kmsguard.rules.checks.telling import here, name_of, opens, same_text, shown

_GOOD = Answer(Truth.YES)
_NONE = Answer(Truth.NO)
_BUCKET_KEY = Open("S3 Bucket Key", "whether the encryption context is the ARN of the bucket or of an object")


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
    return first == "encrypted_with" and resource.kind in UNDER_DEFAULT_KEYS


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
        one = told(asked.uses, verdict._replace(cause=cause))
        before = found.get(one.attribute)
        if before is None or (before.truth is Truth.UNKNOWN and one.truth is Truth.NO):
            found[one.attribute] = one
        elif before.truth is one.truth:
            found[one.attribute] = _merged(before, one)
    return answer_of(found.values())


def keys_nearby(question: Question) -> Answer:
    """Whether the keys that a workload's environment names are of its own Region."""
    return worst_of(_abroad(question))


def _abroad(question: Question) -> Iterator[Answer]:
    """Of each key that is not, or perhaps not, of the Region."""
    resource = question.resource
    for edge in question.graph.out(resource, "named_keys"):
        there = decide(edge.guard, question.world)
        if there is Truth.NO:
            continue
        key = edge.target
        region = key.region if isinstance(key, Resource) else arn_part(key.value, 3)
        is_key = isinstance(key, Resource) or pieces_of(key.value).split(":")[2:3] == ["kms"]
        if not is_key or region is None or resource.region is None:
            continue
        same = same_text(region, resource.region)
        if same is Truth.YES:
            continue
        problem = f"this key is of {shown(region)}, and called from {shown(resource.region)}"
        values = {"key": name_of(key), "key_region": shown(region), "region": shown(resource.region)}
        open_ = opens(region, resource.region)
        if there is not Truth.YES:
            open_ = (*open_, Open(name_of(key), "whether this key is named here is not known"))
        yield Answer(same | ~there, (here(problem, edge.by, resource),), open_, values=values)


def _by(use: KeyUse) -> str:
    return "service" if use.service else "itself" if use.edge == ITSELF else "role"


def _merged(one: Found, other: Found) -> Found:
    """Two uses of one key by one principal, told together."""
    actions = dict.fromkeys((*one.values["actions"].split(", "), *other.values["actions"].split(", ")))
    values = {**one.values, "actions": ", ".join(actions)}
    return msgspec.structs.replace(one, values=values)


class _Asked:
    """What is decided of the uses of one resource in one world."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.uses = Uses(question)
        self.resource, self.access, self.deployment = self.uses.resource, self.uses.access, self.uses.deployment

    def verdicts(self) -> Iterator[Verdict]:
        """Of every use by every principal. What several rules ask in one world is decided once."""
        uses = self.resource.key_use
        for number in self.access.widest.once(_led_somewhere, self.resource):
            if _is_asked(self.question, uses[number]):
                yield from self.access.once(_verdicts, self.resource, number)

    def of_use(self, number: int) -> Iterator[Verdict]:
        use = self.resource.key_use[number]
        applies = self.uses.applies(use)
        if applies is Truth.NO:
            return
        for hop in self.uses.hops(use, number):
            if not self.uses.is_told(use, hop):
                yield from self._of_hop(use, hop._replace(there=all_of((hop.there, applies))))

    def _of_hop(self, use: KeyUse, hop: Hop) -> Iterator[Verdict]:
        if use.refused:
            user = User(use.service, service(Value(use.service), self.uses.account()), Truth.YES, None)
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
            verdicts = [self.decide(use, hop, user) for user in (*self.uses.services(use), *self.uses.ends(use))]
            if all(v.truth is not Truth.YES for v in verdicts):
                undecided = [v for v in verdicts if v.truth is Truth.UNKNOWN]
                yield undecided[0] if undecided else verdicts[0]
            return
        for user in self.uses.services(use) if use.service else self.uses.ends(use):
            verdict = self.decide(use, hop, user)
            if verdict.truth is not Truth.YES and not use.attribute:
                # Asked last: who may use the key is fine, whatever it may do with what is under it.
                shows = self.uses.shows(use, hop, user)
                if shows is Truth.NO:
                    continue
                if shows is Truth.UNKNOWN:
                    verdict = self.decide(use, hop._replace(there=all_of((hop.there, shows))), user)
            yield verdict

    def _is_admitted(self, use: KeyUse, hop: Hop, user: User) -> bool:
        key = self.access.key(hop.key, hop.holder)
        users = (user, *self.uses.ends(use)) if use.edge else (user,)
        return any(all(self.ask(one, action, key, {}).truth is not Truth.NO for action in use.actions) for one in users)

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
        contexts = list(contexts_of(self.uses, use, hop, user, key))
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
                    open_.insert(0, _BUCKET_KEY)
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
        other = self.uses.fill(plain if plain != use.service else regional, self.resource)
        again = user._replace(principal=service(other, user.principal.account))
        if not all(any(self.ask(again, a, key, c).truth is Truth.YES for c in contexts) for a in missing):
            return None
        name = text_of(other, self.deployment.region) or plain
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
        if user.end is None or user.principal.service_linked:
            return "condition" if decision.missed else "key policy"
        free = msgspec.structs.replace(user.principal, identity_policies=LET, boundary=None)
        if can(free, action, key, context, deployment=self.deployment).truth is Truth.NO:
            return "condition" if decision.missed else "key policy"
        if any(e.layer in ("service control policy", "resource control policy") for e in decision.evidence):
            return "organization"
        if user.principal.boundary is not None:
            unbound = msgspec.structs.replace(user.principal, boundary=None)
            if can(unbound, action, key, context, deployment=self.deployment).truth is not Truth.NO:
                return "boundary"
        return "condition" if any(True for _ in nearly_allowing(user.principal, action)) else "identity"


def _led_somewhere(access: Access, resource: Resource) -> tuple[int, ...]:
    """The uses of a resource, by their numbers, that may lead to a key in some world."""
    return tuple(
        number
        for number, use in enumerate(resource.key_use)
        if use.when or use.unless or "." not in use.through or access.graph.out(resource, use.through.partition(".")[0])
    )


def _verdicts(access: Access, resource: Resource, number: int) -> tuple[Verdict, ...]:
    asked = _Asked(Question(access.graph, resource, access.world, access.settings))
    return tuple(asked.of_use(number))


def _open_cause(decision: Decision) -> Cause:
    if any(e.part == "denies" for e in decision.evidence):
        return "denied"
    if any(e.statement is not None and e.statement.tests and e.part in ("allows", "grants") for e in decision.evidence):
        return "condition"
    return "key policy"


def _open_causes(decision: Decision) -> tuple[Cause, ...]:
    """What it can be where a whole policy is not known: that it says nothing, or something else, or no."""
    return ("identity", "condition", "denied") if any(e.statement and e.statement.open for e in decision.evidence) else ()


def _is_foreign(user: User, key: Key) -> bool:
    return same_text(user.principal.account, key.account) is Truth.NO


def _texts(value: Value | None) -> list[str]:
    """All texts in a value."""
    return [part.text for part in value.walk() if part.text is not None] if value is not None else []


CAREFUL = frozenset({"admits", "keys_nearby"})
