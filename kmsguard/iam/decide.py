"""May this principal do this with this key? Key policies, identity policies, grants and ceilings together.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
https://docs.aws.amazon.com/kms/latest/developerguide/determining-access.html and, for grants,
https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam import result
from kmsguard.iam.conditions import ABSENT, Held, Request, State, Undecided, condition_holds, expand, test_holds
from kmsguard.iam.document import Element, PolicyDocument, Statement, read_policy
from kmsguard.iam.keys import (
    CONTEXT,
    CONTEXT_KEYS,
    PRINCIPAL_TAG,
    RESOURCE_TAG,
    ConditionKey,
    KeyType,
    find_further,
)
from kmsguard.iam.operations import ACROSS_ACCOUNTS, carries
from kmsguard.iam.principals import Caller, CallerKind, last_part, listed, reach, root_arn, session_arn
from kmsguard.iam.result import NO, YES, Result
from kmsguard.iam.texts import (
    ANYTHING,
    ARN_SHAPE,
    NOWHERE,
    Deployment,
    Hole,
    Sym,
    equal,
    fold,
    join,
    known,
    like,
    match,
    opens,
    show,
    sym,
    without_case,
)
from kmsguard.model.finding import Open
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT as ABSENT_DATA
from kmsguard.model.value import ACCOUNT, REGION, Text, Unknown, Value

OWN_ACCOUNT = Value(Unknown("the account deployed to is not given", target=ACCOUNT, not_null=True))
OWN_REGION = Value(Unknown("the Region deployed to is not given", target=REGION, not_null=True))

Part: TypeAlias = Literal["allows", "delegates", "denies", "limits", "grants"]


class Layer(msgspec.Struct, frozen=True, eq=False):
    """Policies of one kind that bind a request.

    `missing` names policies that belong to it and are not held: they may allow, and they may deny. `missing_allows` names
    policies that are not held and that allow at most.
    """

    documents: tuple[PolicyDocument, ...] = ()
    missing: tuple[Open, ...] = ()
    missing_allows: tuple[Open, ...] = ()


EMPTY = Layer()
NOT_HELD = Layer(missing=(Open("identity policies", "the principal is not defined here, so its policies are not known"),))


class Principal(msgspec.Struct, frozen=True, eq=False):
    """Who asks.

    `arn` is the ARN of the root user, user, role (of a session its role's) or federated user; of a service its name. `name` is
    what follows `role/` or `user/` in it, where the ARN itself is a reference. `account` is the caller's account, of a service
    the account for which it calls.
    """

    kind: CallerKind
    arn: Value
    account: Value = OWN_ACCOUNT
    name: Value | None = None
    session: Value | None = None  # the name of the role session
    identity_policies: Layer = NOT_HELD
    boundary: Layer | None = None  # None: it has none
    session_policies: Layer | None = None
    tags: Mapping[str, Value] | None = None  # None: not known
    service_linked: bool = False


class Grant(msgspec.Struct, frozen=True, eq=False):
    """A grant on a key. `operations` are names as KMS spells them (`Decrypt`)."""

    grantee: Value
    operations: Value
    subset: Value | None = None  # EncryptionContextSubset
    equals: Value | None = None  # EncryptionContextEquals
    value: Value | None = None  # where it is written
    address: str = ""


class Key(msgspec.Struct, frozen=True, eq=False):
    """The key that is asked for.

    `policies` is the key policy; `DEFAULT_POLICY` where the template writes none. `id` is what follows `key/` in its ARN. What
    is None of the rest is not known; conditions on it stay open.
    """

    arn: Value
    policies: Layer
    account: Value = OWN_ACCOUNT
    region: Value = OWN_REGION
    id: Value | None = None
    grants: tuple[Grant, ...] = ()
    grants_missing: tuple[Open, ...] = ()
    spec: Value | None = None
    usage: Value | None = None
    origin: Value | None = None
    multi_region: Value | None = None
    multi_region_type: Value | None = None  # PRIMARY, REPLICA
    aliases: tuple[Value, ...] | None = None  # `alias/name`
    tags: Mapping[str, Value] | None = None
    customer_managed: bool = True


class Organization(msgspec.Struct, frozen=True, eq=False):
    """Ceilings that the unit holds, a layer for each level from the root to the account."""

    scps: tuple[Layer, ...] = ()  # of the caller's account
    rcps: tuple[Layer, ...] = ()  # of the key's account
    caller_in_management_account: bool = False
    key_in_management_account: bool = False


class Evidence(msgspec.Struct, frozen=True, eq=False):
    """A statement or grant, or a layer in which nothing allows, and its part in a decision."""

    part: Part
    layer: str  # `key policy`, `identity policy`, `permission boundary`, `grant`, …
    truth: Truth
    message: str
    span: Span | None = None
    statement: Statement | None = None
    document: PolicyDocument | None = None
    grant: Grant | None = None


class Decision(msgspec.Struct, frozen=True, eq=False):
    """What is decided, and why.

    `missed` are statements that allow the operation to the principal but for their conditions or resources; for a `NO` they
    tell what to mend.
    """

    truth: Truth
    evidence: tuple[Evidence, ...]
    open: tuple[Open, ...] = ()
    missed: tuple[Evidence, ...] = ()


class _Found(msgspec.Struct, frozen=True):
    """A result with the statements that made it."""

    result: Result
    evidence: tuple[Evidence, ...] = ()


def can(
    principal: Principal,
    action: str,
    key: Key,
    context: Mapping[str, Value] | None = None,
    organization: Organization | None = None,
    *,
    endpoint: Layer | None = None,
    deployment: Deployment = NOWHERE,
) -> Decision:
    """Whether a principal may do an operation (`kms:Decrypt`) with a key.

    `context` holds condition keys (names without case): a value, a list for keys that hold a set, or an absent value for what
    the request certainly does not have. A key that is not in it is open, unless it follows from principal, key, operation and
    way: with `kms:ViaService` in the context the call goes via that service. `endpoint` is the policy of the VPC endpoint that
    the call passes. Policies have to be read for the same deployment.
    """
    return _Asked(principal, action, key, context or {}, organization or Organization(), endpoint, deployment).decide()


def default_key_policy(account: Value = OWN_ACCOUNT, deployment: Deployment = NOWHERE) -> PolicyDocument:
    """The policy of a key for which none is written: the account's identity policies decide.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    statement = _map(
        Effect=Value("Allow"),
        Principal=_map(AWS=_account_root(account, deployment)),
        Action=Value("kms:*"),
        Resource=Value("*"),
    )
    return read_policy(_map(Version=Value("2012-10-17"), Statement=Value((statement,))), deployment)


def aws_managed_key_policy(
    service: str, account: Value = OWN_ACCOUNT, region: Value = OWN_REGION, deployment: Deployment = NOWHERE
) -> PolicyDocument:
    """The policy of an AWS managed key (`alias/aws/…`): its account's principals use it, via its service only.

    `service` is the name before the Region in `kms:ViaService` (`sns`; of `alias/aws/ebs` it is `ec2`). No service principal
    and no other account is in it, and it cannot be changed.
    https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html
    """
    via = _text(Value(f"{service}."), region, Value(".amazonaws.com"))
    use = _map(
        Effect=Value("Allow"),
        Principal=_map(AWS=Value("*")),
        Action=Value(
            tuple(
                Value(f"kms:{name}")
                for name in ("Encrypt", "Decrypt", "ReEncrypt*", "GenerateDataKey*", "CreateGrant", "DescribeKey")
            )
        ),
        Resource=Value("*"),
        Condition=_map(StringEquals=Value({"kms:ViaService": via, "kms:CallerAccount": account})),
    )
    read = _map(
        Effect=Value("Allow"),
        Principal=_map(AWS=_account_root(account, deployment)),
        Action=Value(tuple(Value(f"kms:{name}") for name in ("Describe*", "Get*", "List*", "RevokeGrant"))),
        Resource=Value("*"),
    )
    return read_policy(_map(Version=Value("2012-10-17"), Statement=Value((use, read))), deployment)


def via_service_of_alias(alias: str) -> str | None:
    """The service in `kms:ViaService` of the AWS managed key of an alias (`alias/aws/ebs` → `ec2`); None for other aliases."""
    prefix = "alias/aws/"
    if not alias.startswith(prefix):
        return None
    name = alias[len(prefix) :]
    return _VIA.get(name, name)


# https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
_VIA = {"ebs": "ec2", "elasticfilesystem": "elasticfilesystem", "opensearch": "es"}


def _map(**members: Value) -> Value:
    return Value(members)


def _text(*pieces: Value) -> Value:
    return Value(Text(pieces))


def _account_root(account: Value, deployment: Deployment) -> Value:
    return _text(Value(f"arn:{deployment.partition}:iam::"), account, Value(":root"))


_TYPES = {"root": "Account", "user": "User", "role": "AssumedRole", "federated": "FederatedUser"}
_NOBODYS_ACCOUNT = "999999999999"


class _Asked:
    """One question, and what is read from it over and over."""

    def __init__(
        self,
        principal: Principal,
        action: str,
        key: Key,
        context: Mapping[str, Value],
        organization: Organization,
        endpoint: Layer | None,
        deployment: Deployment,
    ) -> None:
        self.principal = principal
        self.operation = action.partition(":")[2]
        self.action = action
        self.key = key
        self.context = {fold(name): (name, value) for name, value in context.items()}
        self.organization = organization
        self.endpoint = endpoint
        self.deployment = deployment
        self.caller = self._caller()
        self.key_account = sym(key.account, deployment)
        self.key_forms = self._key_forms()
        self.request = Request(self._find, self._state)
        self._states: dict[str, State] = {}

    # What is asked

    def _caller(self) -> Caller:
        principal, deployment = self.principal, self.deployment
        arn = sym(principal.arn, deployment)
        account = sym(principal.account, deployment)
        root = root_arn(deployment.partition, account)
        also: tuple[Sym, ...] = ()
        if principal.kind in ("user", "role") and not _is_spelled(arn):
            name = sym(principal.name, deployment) if principal.name is not None else (Hole(Open("", "a name"), None, _NAMES),)
            also = (join((f"arn:{deployment.partition}:iam::", account, f":{principal.kind}/", name)),)
        session = None
        if principal.kind == "role" and principal.session is not None:
            role = also[0] if also else arn
            session = session_arn(deployment.partition, account, role, sym(principal.session, deployment))
        return Caller(principal.kind, root if principal.kind == "root" else arn, account, root, session, also)

    def _key_forms(self) -> tuple[Sym, ...]:
        arn = sym(self.key.arn, self.deployment)
        if _is_spelled(arn):
            return (arn,)
        region = sym(self.key.region, self.deployment)
        id_ = sym(self.key.id, self.deployment) if self.key.id is not None else (Hole(Open("", "a key id"), None, _NAMES),)
        return arn, join((f"arn:{self.deployment.partition}:kms:", region, ":", self.key_account, ":key/", id_))

    def _find(self, name: str) -> ConditionKey | None:
        key = find_further(name)
        if key is None and name in self.context:
            spelled, value = self.context[name]
            kind: KeyType = "bool" if isinstance(value.data, bool) else "string"
            return ConditionKey(spelled, kind, isinstance(value.data, tuple))
        return key

    def _state(self, name: str) -> State:
        state = self._states.get(name)
        if state is None:
            state = self._states[name] = self._read_state(name)
        return state

    def _read_state(self, name: str) -> State:
        if name in self.context:
            return self._given(name)
        follows = _FOLLOWS.get(name)
        if follows is not None:
            state = follows(self)
            if state is not None:
                return state
        if not carries(name, self.operation):
            return ABSENT
        if name.startswith(PRINCIPAL_TAG):
            return self._tag(self.principal.tags, name[len(PRINCIPAL_TAG) :], "aws:PrincipalTag/")
        if name.startswith(RESOURCE_TAG):
            return self._tag(self.key.tags, name[len(RESOURCE_TAG) :], "aws:ResourceTag/")
        if name.startswith(CONTEXT) and self._context_is_whole():
            return ABSENT
        key = self._find(name)
        shown = key.name if key is not None else name
        return Undecided((Open(shown, f"the request's {shown} is not known"),))

    def _given(self, name: str) -> State:
        value = self.context[name][1]
        if value.data is ABSENT_DATA:
            return ABSENT
        key = self._find(name)
        holds_set = key is not None and key.holds_set
        if isinstance(value.data, tuple):
            return Held(tuple(sym(item, self.deployment) for item in value.items), holds_set) if value.items else ABSENT
        return Held((sym(value, self.deployment),), holds_set)

    def _context_is_whole(self) -> bool:
        return CONTEXT_KEYS in self.context and self.context[CONTEXT_KEYS][1].is_known

    def _tag(self, tags: Mapping[str, Value] | None, name: str, prefix: str) -> State:
        if tags is None:
            return ABSENT if self.caller.is_service and prefix == "aws:PrincipalTag/" else _undecided(prefix + name)
        for tag, value in tags.items():
            if fold(tag) == fold(name):
                return Held((sym(value, self.deployment),))
        return ABSENT

    @property
    def via(self) -> Truth:
        """Whether the call goes via a service that passes on the caller's credentials."""
        if self.caller.is_service:
            return Truth.NO
        given = self.context.get("kms:viaservice")
        if given is not None:
            return Truth.of(given[1].data is not ABSENT_DATA)
        flag = self.context.get("aws:viaawsservice")
        return (
            Truth.of({"true": True, "false": False}.get(flag[1].text or str(flag[1].data).lower())) if flag else Truth.UNKNOWN
        )

    # The decision

    def decide(self) -> Decision:
        """All terms together."""
        own = self._same_account()
        denied = self._denied()
        if denied.result.truth is Truth.YES:
            return Decision(Truth.NO, denied.evidence)
        if self.caller.is_service:
            allowed, missed = self._service_paths()
        else:
            allowed, missed = self._aws_paths(own)
        possible = YES
        if self.operation not in ACROSS_ACCOUNTS:
            possible = NO if self.caller.is_service else own
        if possible.truth is Truth.NO:
            message = f"KMS does not do {self.action} for callers of another account"
            return Decision(Truth.NO, (Evidence("limits", "KMS", Truth.NO, message),))
        ceilings = self._ceilings()
        if allowed.result.truth is Truth.NO:
            return Decision(Truth.NO, allowed.evidence, (), missed)
        if ceilings.result.truth is Truth.NO:
            return Decision(Truth.NO, ceilings.evidence)
        total = result.every((possible, result.negation(denied.result), ceilings.result, allowed.result))
        evidence = (*allowed.evidence, *denied.evidence, *ceilings.evidence)
        return Decision(total.truth, evidence, total.open, () if total.truth is Truth.YES else missed)

    def _same_account(self) -> Result:
        if self.caller.is_service:
            return YES
        return result.of(equal(self.caller.account, self.key_account), opens(self.caller.account, self.key_account))

    # Statements

    def _acts(self, statement: Statement) -> Result:
        if statement.open or statement.action is None:
            return result.unknown(*statement.open) if statement.open else NO
        found = result.some(
            result.of(match(without_case(like(entry.text)), (self.action,)), entry.opens) for entry in statement.action.entries
        )
        return result.negation(found) if statement.action.negated else found

    def _concerns(self, statement: Statement) -> Result:
        if statement.open or statement.resource is None:
            return result.unknown(*statement.open) if statement.open else NO
        return self._resources(statement.resource)

    def _resources(self, element: Element) -> Result:
        found: list[Result] = []
        for entry in element.entries:
            pattern = expand("like", entry, True, self.request)
            if isinstance(pattern, Result):
                found.append(pattern)
            else:
                found.append(
                    result.agreed([result.of(match(pattern, form), opens(entry.text, form)) for form in self.key_forms])
                )
        total = result.some(found)
        return result.negation(total) if element.negated else total

    def _holds(self, statement: Statement) -> Result:
        return result.unknown(*statement.open) if statement.open else condition_holds(statement, self.request)

    # Layers

    def _each(self, layers: Iterable[tuple[str, Layer]], effect: str) -> Iterable[tuple[str, PolicyDocument, Statement]]:
        for name, layer in layers:
            for document in layer.documents:
                for statement in document.statements:
                    if statement.effect in (effect, None):
                        yield name, document, statement

    def _matches(self, statement: Statement, *, by_principal: bool) -> Result:
        """Whether a statement matches; `by_principal`: it is of a policy that names principals."""
        parts = (self._acts, (self._who if by_principal else _anybody), self._concerns, self._holds)
        found = result.every(part(statement) for part in parts)
        return result.every((found, result.unknown(*_effect_open(statement)))) if statement.effect is None else found

    def _who(self, statement: Statement) -> Result:
        if statement.open:
            return result.unknown(*statement.open)
        element = statement.principal
        if element is None:
            return NO
        if not element.negated:
            return reach(element, self.caller).any
        if statement.effect == "Deny" and self.principal.boundary is not None and self.caller.kind in ("user", "role"):
            # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
            return YES
        return listed(element, self.caller)

    def _allows(self, name: str, layer: Layer, *, by_principal: bool = False) -> _Found:
        """Whether some statement of a layer allows."""
        results: list[Result] = []
        evidence: list[Evidence] = []
        for _, document, statement in self._each(((name, layer),), "Allow"):
            found = self._matches(statement, by_principal=by_principal)
            if found.truth is not Truth.NO:
                results.append(found)
                evidence.append(self._shown("allows", name, document, statement, found.truth))
        if layer.missing or layer.missing_allows:
            results.append(result.unknown(*layer.missing, *layer.missing_allows))
        results.extend(result.unknown(_broken(document)) for document in layer.documents if document.error)
        total = result.some(results)
        return _Found(total, tuple(e for e in evidence if e.truth is total.truth))

    def _denied(self) -> _Found:
        layers: list[tuple[str, Layer, bool]] = [("key policy", self.key.policies, True)]
        layers += [("resource control policy", layer, True) for layer in self._rcps()]
        if not self.caller.is_service:
            layers.append(("identity policy", self.principal.identity_policies, False))
            layers += [("permission boundary", self.principal.boundary, False)] if self.principal.boundary else []
            layers += [("session policy", self.principal.session_policies, False)] if self.principal.session_policies else []
            layers += [("service control policy", layer, False) for layer in self._scps()]
            layers += [("endpoint policy", self.endpoint, True)] if self.endpoint else []
        results: list[Result] = []
        evidence: list[Evidence] = []
        for name, layer, by_principal in layers:
            for _, document, statement in self._each(((name, layer),), "Deny"):
                found = self._matches(statement, by_principal=by_principal)
                if found.truth is not Truth.NO:
                    results.append(found)
                    evidence.append(self._shown("denies", name, document, statement, found.truth))
            if layer.missing:
                results.append(result.unknown(*layer.missing))
            results.extend(result.unknown(_broken(document)) for document in layer.documents if document.error)
        total = result.some(results)
        return _Found(total, tuple(e for e in evidence if e.truth is total.truth))

    def _scps(self) -> tuple[Layer, ...]:
        bound = not (self.caller.is_service or self.principal.service_linked or self.organization.caller_in_management_account)
        return self.organization.scps if bound else ()

    def _rcps(self) -> tuple[Layer, ...]:
        # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
        bound = (
            self.key.customer_managed
            and not self.organization.key_in_management_account
            and not self.principal.service_linked
            and self.operation != "RetireGrant"
        )
        return self.organization.rcps if bound else ()

    def _ceilings(self) -> _Found:
        found: list[_Found] = []
        for name, layers, by_principal in (
            ("service control policy", self._scps(), False),
            ("resource control policy", self._rcps(), True),
            ("endpoint policy", (self.endpoint,) if self.endpoint and not self.caller.is_service else (), True),
        ):
            for layer in layers:
                one = self._allows(name, layer, by_principal=by_principal)
                found.append(one if one.result.truth is not Truth.NO else self._nothing(name, layer))
        total = result.every(one.result for one in found)
        return _Found(
            total, tuple(e for one in found if one.result.truth is total.truth is not Truth.YES for e in one.evidence)
        )

    def _nothing(self, name: str, layer: Layer) -> _Found:
        """A layer in which nothing allows, as evidence."""
        document = layer.documents[0] if layer.documents else None
        message = f"no statement of the {name} allows {self.action} to {self._shown_caller()}"
        span = document.span if document is not None else None
        return _Found(NO, (Evidence("limits", name, Truth.NO, message, span, None, document),))

    def _shown(self, part: Part, name: str, document: PolicyDocument, statement: Statement, truth: Truth) -> Evidence:
        verb = {"allows": "allows", "delegates": "leaves to identity policies", "denies": "denies"}.get(part, part)
        may = "" if truth is Truth.YES else " may be the one that"
        message = f"statement {statement.name} of the {name}{may} {verb} {self.action}"
        if part == "delegates":
            message = f"statement {statement.name} of the {name} leaves {self.action} to the account's identity policies"
        return Evidence(part, name, truth, message, statement.span, statement, document)

    def _shown_caller(self) -> str:
        return show(self.caller.arn) if self.caller.arn else self.caller.kind

    # Paths

    def _service_paths(self) -> tuple[_Found, tuple[Evidence, ...]]:
        policy, missed = self._key_policy()
        grants = self._grants()
        own = _join(policy.own)
        return self._either((own, grants)), missed

    def _aws_paths(self, same: Result) -> tuple[_Found, tuple[Evidence, ...]]:
        policy, missed = self._key_policy()
        grants = self._grants()
        limits = {
            "boundary": self._limit("permission boundary", self.principal.boundary),
            "session": self._limit("session policy", self.principal.session_policies),
        }
        identity = self._identity()
        paths: list[_Found] = []
        if same.truth is not Truth.NO:
            paths.extend(self._same_account_paths(policy, identity, limits, grants))
        here = self._either(paths) if paths else None
        if same.truth is Truth.YES:
            assert here is not None
            return here, missed
        anyhow = _join((*policy.own, *policy.account))
        across_paths = [_both(anyhow, identity, limits["boundary"], limits["session"]), _soft(grants, limits)]
        across = self._either(across_paths)
        if here is None:
            return across, missed
        if here.result.truth is across.result.truth:
            open_ = here.result if here.result.truth is Truth.UNKNOWN else across.result
            return _Found(open_, (*here.evidence, *across.evidence)), missed
        return _Found(result.unknown(*same.open), (*here.evidence, *across.evidence)), missed

    def _same_account_paths(
        self, policy: _KeyPolicy, identity: _Found, limits: Mapping[str, _Found], grants: _Found
    ) -> list[_Found]:
        boundary, session = limits["boundary"], limits["session"]
        named = _join(policy.itself)
        if self.caller.kind == "role":
            named = _both(named, boundary, session)
        return [
            named,
            _join(policy.session),
            _soft(_join(policy.everybody), limits),
            _both(_join(policy.account), identity, boundary, session),
            _soft(grants, limits),
        ]

    def _identity(self) -> _Found:
        if self.caller.kind == "root":
            return _Found(YES)
        found = self._allows("identity policy", self.principal.identity_policies)
        if found.result.truth is Truth.NO:
            return self._nothing("identity policies", self.principal.identity_policies)
        return found

    def _limit(self, name: str, layer: Layer | None) -> _Found:
        if layer is None:
            return _Found(YES)
        found = self._allows(name, layer)
        return found if found.result.truth is not Truth.NO else self._nothing(name, layer)

    def _either(self, paths: Sequence[_Found]) -> _Found:
        """OR over paths: the evidence is of those that decide it."""
        total = result.some(path.result for path in paths)
        if total.truth is not Truth.NO:
            return _Found(total, _unique(e for path in paths if path.result.truth is total.truth for e in path.evidence))
        evidence = _unique(e for path in paths for e in path.evidence)
        return _Found(NO, evidence or self._nothing("key policy", self.key.policies).evidence)

    def _key_policy(self) -> tuple[_KeyPolicy, tuple[Evidence, ...]]:
        """The Allow statements of the key policy, by how they reach the caller; and those that miss it by little."""
        found = _KeyPolicy([], [], [], [])
        missed: list[Evidence] = []
        name, layer = "key policy", self.key.policies
        for _, document, statement in self._each(((name, layer),), "Allow"):
            acts = self._acts(statement)
            if acts.truth is Truth.NO:
                continue
            if statement.open or statement.principal is None:
                if statement.open:
                    self._put(found.everybody, acts, document, statement)
                continue
            rest = result.every((acts, self._concerns(statement), self._holds(statement)))
            if statement.effect is None:
                rest = result.every((rest, result.unknown(*_effect_open(statement))))
            ways = self._ways(statement)
            if rest.truth is Truth.NO:
                if any(one.truth is not Truth.NO for one in ways):
                    missed.append(self._missed(document, statement))
                continue
            targets = (found.everybody, found.itself, found.session, found.account)
            for index, (target, way) in enumerate(zip(targets, ways, strict=True)):
                self._put(target, result.every((way, rest)), document, statement, delegates=index == len(targets) - 1)
        if layer.missing or layer.missing_allows:
            found.everybody.append(_Found(result.unknown(*layer.missing, *layer.missing_allows)))
        found.everybody.extend(_Found(result.unknown(_broken(document))) for document in layer.documents if document.error)
        return found, tuple(missed)

    def _ways(self, statement: Statement) -> tuple[Result, Result, Result, Result]:
        element = statement.principal
        assert element is not None
        if element.negated:
            return listed(element, self.caller), NO, NO, NO
        found = reach(element, self.caller)
        return found.everybody, found.itself, found.session, found.account

    def _put(
        self, into: list[_Found], found: Result, document: PolicyDocument, statement: Statement, *, delegates: bool = False
    ) -> None:
        if found.truth is not Truth.NO:
            part: Part = "delegates" if delegates and self.caller.kind != "root" else "allows"
            into.append(_Found(found, (self._shown(part, "key policy", document, statement, found.truth),)))

    def _missed(self, document: PolicyDocument, statement: Statement) -> Evidence:
        for test in statement.tests:
            if test_holds(test, self.request).truth is Truth.NO:
                values = ", ".join(entry.known if entry.known is not None else "…" for entry in test.values)
                message = f"statement {statement.name} allows {self.action} only where {test.operator} {test.name} {values}"
                return Evidence("limits", "key policy", Truth.NO, message, test.value.where, statement, document)
        message = f"statement {statement.name} allows {self.action} on other resources only"
        span = statement.resource.value.where if statement.resource is not None else statement.span
        return Evidence("limits", "key policy", Truth.NO, message, span, statement, document)

    # Grants

    def _grants(self) -> _Found:
        found: list[_Found] = []
        for grant in self.key.grants:
            one = result.every((self._is_grantee(grant), self._is_granted(grant), self._is_constrained(grant)))
            if one.truth is not Truth.NO:
                message = (
                    f"a grant lets it do {self.action}" if one.truth is Truth.YES else f"a grant may let it do {self.action}"
                )
                span = grant.value.where if grant.value is not None else None
                found.append(_Found(one, (Evidence("grants", "grant", one.truth, message, span, grant=grant),)))
        if self.key.grants_missing:
            found.append(_Found(result.unknown(*self.key.grants_missing)))
        return _join(found)

    def _is_grantee(self, grant: Grant) -> Result:
        grantee = sym(grant.grantee, self.deployment)
        forms = [self.caller.arn, *self.caller.also]
        named = result.agreed([result.of(equal(grantee, form), opens(grantee, form)) for form in forms])
        if self.caller.session is not None:
            session = result.of(equal(grantee, self.caller.session), opens(grantee, self.caller.session))
            return result.some((named, session))
        return named

    def _is_granted(self, grant: Grant) -> Result:
        value = grant.operations
        if not isinstance(value.data, tuple):
            return result.of(equal(sym(value, self.deployment), (self.operation,)), opens(sym(value, self.deployment)))
        texts = [sym(item, self.deployment) for item in value.items]
        return result.some(result.of(equal(text, (self.operation,)), opens(text)) for text in texts)

    def _is_constrained(self, grant: Grant) -> Result:
        if not carries(CONTEXT_KEYS, self.operation) or self.operation == "CreateGrant":
            return YES
        results: list[Result] = []
        for constraint, whole in ((grant.subset, False), (grant.equals, True)):
            if constraint is None or constraint.data is None or constraint.data is ABSENT_DATA:
                continue
            if not isinstance(constraint.data, dict):
                results.append(result.unknown(*opens(sym(constraint, self.deployment))))
                continue
            results.extend(self._pair(name, value) for name, value in constraint.data.items())
            if whole:
                results.append(self._no_more(tuple(constraint.data)))
        return result.every(results)

    def _pair(self, name: str, value: Value) -> Result:
        state = self._state(CONTEXT + fold(name))
        if isinstance(state, Undecided):
            return Result(Truth.UNKNOWN, state.open)
        if not isinstance(state, Held):
            return NO
        wanted = sym(value, self.deployment)
        return result.of(equal(wanted, state.values[0]), opens(wanted, state.values[0]))

    def _no_more(self, names: tuple[str, ...]) -> Result:
        state = self._state(CONTEXT_KEYS)
        if isinstance(state, Undecided):
            return Result(Truth.UNKNOWN, state.open)
        wanted = {fold(name) for name in names}
        held = state.values if isinstance(state, Held) else ()
        return result.every(result.of(Truth.of(_among(text, wanted)), opens(text)) for text in held)


def _among(text: Sym, names: set[str]) -> bool | None:
    plain = known(text)
    return None if plain is None else fold(plain) in names


class _KeyPolicy(msgspec.Struct, frozen=True):
    """The Allow statements of a key policy that match, by how they reach the caller."""

    everybody: list[_Found]
    itself: list[_Found]
    session: list[_Found]
    account: list[_Found]

    @property
    def own(self) -> list[_Found]:
        """Those that reach the caller itself."""
        return [*self.everybody, *self.itself, *self.session]


def _join(found: Sequence[_Found]) -> _Found:
    """OR."""
    total = result.some(one.result for one in found)
    return _Found(total, _unique(e for one in found if one.result.truth is total.truth for e in one.evidence))


def _both(*found: _Found) -> _Found:
    """AND. Of a NO the evidence is of the first that says it."""
    total = result.every(one.result for one in found)
    if total.truth is Truth.NO:
        return next(one for one in found if one.result.truth is Truth.NO)
    return _Found(total, _unique(e for one in found for e in one.evidence))


def _soft(found: _Found, limits: Mapping[str, _Found]) -> _Found:
    """AND with limits of which AWS does not say whether they bind: where they would deny, nothing is decided."""
    soft = [
        limit if limit.result.truth is not Truth.NO else _Found(result.unknown(_UNCLEAR[name]), limit.evidence)
        for name, limit in limits.items()
    ]
    return _both(found, *soft) if found.result.truth is not Truth.NO else found


_UNCLEAR = {
    "boundary": Open("permission boundary", "AWS does not say whether the permission boundary binds here"),
    "session": Open("session policy", "AWS does not say whether the session policy binds here"),
}


def _unique(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    seen: dict[int, Evidence] = {}
    for one in evidence:
        seen.setdefault(id(one.statement or one.grant or one), one)
    return tuple(seen.values())


def _broken(document: PolicyDocument) -> Open:
    return Open("policy", f"the document is no policy ({document.error})")


def _anybody(_: Statement) -> Result:
    return YES


def _effect_open(statement: Statement) -> tuple[Open, ...]:
    if statement.open:
        return statement.open
    effect = statement.value.members.get("Effect")
    return opens(sym(effect)) if effect is not None else ()


def _is_spelled(arn: Sym) -> bool:
    """Whether an ARN is more than one reference."""
    return not (len(arn) == 1 and isinstance(arn[0], Hole) and arn[0].shape in (ARN_SHAPE, ANYTHING))


_NAMES = ANYTHING


# What follows from principal, key and way


def _undecided(name: str) -> Undecided:
    return Undecided((Open(name, f"the request's {name} is not known"),))


def _held(*texts: Sym) -> Held:
    return Held(texts[:1], also=texts[1:])


def _flag(truth: Truth, name: str) -> State:
    return _undecided(name) if truth is Truth.UNKNOWN else Held((("true",) if truth is Truth.YES else ("false",),))


def _caller_account(asked: _Asked) -> State:
    return Held(((_NOBODYS_ACCOUNT,),)) if asked.caller.is_service else Held((asked.caller.account,))


def _principal_arn(asked: _Asked) -> State:
    return ABSENT if asked.caller.is_service else _held(asked.caller.arn, *asked.caller.also)


def _principal_type(asked: _Asked) -> State:
    kind = _TYPES.get(asked.caller.kind)
    return _undecided("aws:PrincipalType") if kind is None else Held(((kind,),))


def _user_name(asked: _Asked) -> State:
    if asked.caller.kind != "user":
        return ABSENT
    for form in (*asked.caller.also, asked.caller.arn):
        name = last_part(form)
        if name is not None:
            return Held((name,))
    return _undecided("aws:username")


def _organization_id(asked: _Asked) -> State | None:
    if asked.caller.is_service:
        return ABSENT
    organizations = asked.deployment.organizations
    own = asked.deployment.account
    if organizations and own is not None and known(asked.caller.account) == own:
        return Held(((organizations[0],),))
    return None


def _for_aws_absent(asked: _Asked) -> State | None:
    return None if asked.caller.is_service else ABSENT


def _for_service_absent(asked: _Asked) -> State | None:
    return ABSENT if asked.caller.is_service else None


def _of_endpoint(asked: _Asked) -> State | None:
    return ABSENT if asked.caller.is_service or asked.via is Truth.YES else None


def _via_service(asked: _Asked) -> State | None:
    return ABSENT if asked.via is Truth.NO else None


def _grant_for_aws(asked: _Asked) -> State | None:
    if asked.operation != "CreateGrant":
        return ABSENT
    return None if asked.caller.is_service else _flag(asked.via, "kms:ViaService")


def _of_key(name: str, read: Callable[[Key], Value | None]) -> Callable[[_Asked], State | None]:
    def state(asked: _Asked) -> State | None:
        value = read(asked.key)
        if value is None:
            return _undecided(name)
        return ABSENT if value.data is ABSENT_DATA else Held((sym(value, asked.deployment),))

    return state


def _aliases(asked: _Asked) -> State | None:
    aliases = asked.key.aliases
    if aliases is None:
        return _undecided("kms:ResourceAliases")
    return Held(tuple(sym(alias, asked.deployment) for alias in aliases), holds_set=True) if aliases else ABSENT


def _plain(text: str) -> Callable[[_Asked], State | None]:
    return lambda _: Held(((text,),))


_FOLLOWS: dict[str, Callable[[_Asked], State | None]] = {
    "aws:principalaccount": _caller_account,
    "kms:calleraccount": _caller_account,
    "aws:principalarn": _principal_arn,
    "aws:principaltype": _principal_type,
    "aws:principalisawsservice": lambda asked: _flag(Truth.of(asked.caller.is_service), ""),
    "aws:principalservicename": lambda asked: Held((asked.caller.arn,)) if asked.caller.is_service else ABSENT,
    "aws:username": _user_name,
    "aws:principalorgid": _organization_id,
    "aws:principalorgpaths": _for_service_absent,
    "aws:sourceidentity": lambda asked: None if asked.caller.kind == "role" else ABSENT,
    "aws:multifactorauthpresent": _for_service_absent,
    "aws:multifactorauthage": _for_service_absent,
    "aws:viaawsservice": lambda asked: _flag(asked.via, "kms:ViaService"),
    "kms:viaservice": _via_service,
    "aws:calledvia": _via_service,
    "aws:calledviafirst": _via_service,
    "aws:calledvialast": _via_service,
    "aws:sourcevpc": _of_endpoint,
    "aws:sourcevpce": _of_endpoint,
    "aws:vpcsourceip": _of_endpoint,
    "aws:securetransport": _plain("true"),
    "aws:resourceaccount": lambda asked: Held((asked.key_account,)),
    "aws:sourceaccount": _for_aws_absent,
    "aws:sourcearn": _for_aws_absent,
    "aws:sourceorgid": _for_aws_absent,
    "aws:sourceorgpaths": _for_aws_absent,
    "kms:grantisforawsresource": _grant_for_aws,
    "kms:keyspec": _of_key("kms:KeySpec", lambda key: key.spec),
    "kms:customermasterkeyspec": _of_key("kms:CustomerMasterKeySpec", lambda key: key.spec),
    "kms:keyusage": _of_key("kms:KeyUsage", lambda key: key.usage),
    "kms:customermasterkeyusage": _of_key("kms:CustomerMasterKeyUsage", lambda key: key.usage),
    "kms:keyorigin": _of_key("kms:KeyOrigin", lambda key: key.origin),
    "kms:multiregion": _of_key("kms:MultiRegion", lambda key: key.multi_region),
    "kms:multiregionkeytype": _of_key("kms:MultiRegionKeyType", lambda key: key.multi_region_type),
    "kms:resourcealiases": _aliases,
    "aws:requestedregion": _of_key("aws:RequestedRegion", lambda key: key.region),
}
