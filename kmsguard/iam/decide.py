"""May this principal do this with this key? Key policies, identity policies, grants and ceilings together.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
https://docs.aws.amazon.com/kms/latest/developerguide/determining-access.html and, for grants,
https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam import result
from kmsguard.iam.conditions import Held, Undecided, condition_holds, expand, test_holds
from kmsguard.iam.context import Asked
from kmsguard.iam.document import Element, PolicyDocument, Statement
from kmsguard.iam.key_policies import aws_managed_key_policy, default_key_policy, via_service_of_alias
from kmsguard.iam.keys import CONTEXT, CONTEXT_KEYS
from kmsguard.iam.operations import ACROSS_ACCOUNTS, WITH_ALIAS, WITH_CONTEXT
from kmsguard.iam.principals import listed, reach
from kmsguard.iam.result import NO, YES, Result
from kmsguard.iam.subjects import EMPTY, NOT_HELD, OWN_ACCOUNT, OWN_REGION, Grant, Key, Layer, Organization, Principal
from kmsguard.iam.texts import NOWHERE, Deployment, Sym, acts, equal, fits, fold, known, match, opens, show, sym
from kmsguard.model.finding import Open
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT as ABSENT_DATA
from kmsguard.model.value import Value

__all__ = [
    "EMPTY",
    "NOT_HELD",
    "OWN_ACCOUNT",
    "OWN_REGION",
    "Decision",
    "Evidence",
    "Grant",
    "Key",
    "Layer",
    "Organization",
    "Part",
    "Principal",
    "aws_managed_key_policy",
    "can",
    "default_key_policy",
    "may",
    "via_service_of_alias",
]

Part: TypeAlias = Literal["allows", "delegates", "denies", "limits", "grants"]


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
    the call passes; a call of a service or via one passes none. Policies have to be read for the same deployment.
    """
    asked = Asked(principal, action, key, context or {}, deployment, through_endpoint=endpoint is not None)
    return _Deciding(asked, organization or Organization(), endpoint).decide()


def may(principal: Principal, action: str, key: Key, context: Mapping[str, Value], deployment: Deployment) -> Truth:
    """`can` without an organization, and without what tells why."""
    deciding = _Deciding(Asked(principal, action, key, context, deployment), Organization(), None)
    return Truth.YES if deciding.is_plain() else deciding.decide().truth


Decided: TypeAlias = dict[object, tuple[Decision, Principal, Key, Deployment]]
"""Decisions that no condition had a part in, with what they are about, so that its identity stays its own."""


def can_in_any_context(
    decided: Decided, principal: Principal, action: str, key: Key, context: Mapping[str, Value], deployment: Deployment
) -> Decision:
    """`can` without an organization. What was decided without a look at the context is the same in every other one.

    What is plainly allowed comes without evidence.
    """
    name = (action, id(principal), _identity_of(key), id(deployment))
    found = decided.get(name)
    if found is not None:
        return found[0]
    asked = Asked(principal, action, key, context, deployment)
    deciding = _Deciding(asked, Organization(), None)
    decision = _PLAIN if deciding.is_plain() else deciding.decide()
    if not asked.is_read:
        if len(decided) >= _MAX_DECIDED:
            decided.clear()
        decided[name] = (decision, principal, key, deployment)
    return decision


_MAX_DECIDED = 50_000
_PLAIN = Decision(Truth.YES, ())


def _identity_of(key: Key) -> object:
    """The same for keys that are made of the same parts, those left aside that only conditions read."""
    policies = key.policies
    if key.grants or key.grants_missing or policies.missing or policies.missing_allows:
        return id(key)
    documents = tuple(map(id, policies.documents))
    return id(key.arn), id(key.account), id(key.region), id(key.id), id(key.multi_region), documents, key.customer_managed


class _Deciding:
    """One decision."""

    def __init__(self, asked: Asked, organization: Organization, endpoint: Layer | None) -> None:
        self.asked = asked
        self.principal, self.key, self.caller = asked.principal, asked.key, asked.caller
        self.action, self.operation = asked.action, asked.operation
        self.deployment, self.request = asked.deployment, asked.request
        self.forms = asked.key_forms  # of the ARN that resources are matched against
        self.organization = organization
        self.endpoint = endpoint if endpoint is not None and asked.endpoint is not Truth.NO else None

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
        alias = self._with_alias()
        if alias.result.truth is Truth.NO:
            return Decision(Truth.NO, alias.evidence)
        total = result.every((possible, result.negation(denied.result), ceilings.result, allowed.result, alias.result))
        evidence = _unique((*allowed.evidence, *denied.evidence, *ceilings.evidence, *alias.evidence))
        return Decision(total.truth, evidence, total.open, () if total.truth is Truth.YES else missed)

    def is_plain(self) -> bool:
        """Whether statements allow it, of roles and users without conditions, and nothing denies or limits it: what most
        requests come to."""
        if self.caller.is_service:
            return self._serves_plainly()
        principal, policies, own = self.principal, self.key.policies, self.principal.identity_policies
        if principal.kind not in ("user", "role") or principal.service_linked or self.operation in WITH_ALIAS:
            return False
        if principal.boundary is not None or principal.session_policies is not None or self.endpoint is not None:
            return False
        if self.organization.scps or self.organization.rcps or policies.missing or own.missing:
            return False
        layers = (("", policies), ("", own))
        if any(document.error for _, layer in layers for document in layer.documents):
            return False
        if any(True for _ in self._each(layers, "Deny")) or self._same_account().truth is not Truth.YES:
            return False
        delegated = False
        for _, _, statement in self._each(layers[:1], "Allow"):
            element = statement.principal
            if element is None or element.negated or not self._allows_plainly(statement):
                continue
            way = reach(element, self.caller)
            if Truth.YES in (way.everybody.truth, way.itself.truth):
                return True
            delegated = delegated or way.account.truth is Truth.YES
        return delegated and any(self._allows_plainly(statement) for _, _, statement in self._each(layers[1:], "Allow"))

    def _serves_plainly(self) -> bool:
        """Whether a statement of the key policy certainly allows it to a service, and nothing denies or limits it."""
        policies = self.key.policies
        if self.operation not in ACROSS_ACCOUNTS or self.operation in WITH_ALIAS or self.endpoint is not None:
            return False
        if self.organization.rcps or policies.missing or any(document.error for document in policies.documents):
            return False
        layers = (("", policies),)
        if any(True for _ in self._each(layers, "Deny")):
            return False
        allowing = (statement for _, _, statement in self._each(layers, "Allow"))
        return any(self._matches(statement, by_principal=True).truth is Truth.YES for statement in allowing)

    def _allows_plainly(self, statement: Statement) -> bool:
        if statement.effect is None or statement.open or statement.tests:
            return False
        return self._acts(statement).truth is self._concerns(statement).truth is Truth.YES

    def _same_account(self) -> Result:
        if self.caller.is_service:
            return YES
        return result.of(equal(self.caller.account, self.asked.key_account), opens(self.caller.account, self.asked.key_account))

    # Statements

    def _acts(self, statement: Statement) -> Result:
        return _acts(statement, self.action)

    def _concerns(self, statement: Statement) -> Result:
        if statement.open or statement.resource is None:
            return result.unknown(*statement.open) if statement.open else NO
        return self._resources(statement.resource)

    def _resources(self, element: Element) -> Result:
        found: list[Result] = []
        for entry in element.entries:
            if not any("${" in piece for piece in entry.text if isinstance(piece, str)):
                found.append(result.agreed([_of(fits(entry.text, form), entry.text, form) for form in self.forms]))
                continue
            pattern = expand("like", entry, True, self.request)
            if isinstance(pattern, Result):
                found.append(pattern)
            else:
                found.append(result.agreed([result.of(match(pattern, form), opens(entry.text, form)) for form in self.forms]))
        total = result.some(found)
        return result.negation(total) if element.negated else total

    def _holds(self, statement: Statement) -> Result:
        return result.unknown(*statement.open) if statement.open else condition_holds(statement, self.request)

    # Layers

    def _each(self, layers: Iterable[tuple[str, Layer]], effect: str) -> Iterable[tuple[str, PolicyDocument, Statement]]:
        for name, layer in layers:
            for document in layer.documents:
                for statement in _acting(document, self.action):
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
            ("endpoint policy", (self.endpoint,) if self.endpoint else (), True),
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

    def _with_alias(self) -> _Found:
        """Whether an operation with a key and an alias may have the alias: identity policies decide over that alone.

        https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
        """
        if self.operation not in WITH_ALIAS or self.caller.kind == "root":
            return _Found(YES)
        on_alias = _Deciding(self.asked, self.organization, self.endpoint)
        on_alias.forms = (self.asked.alias_form,)
        denied = on_alias._denied()
        if denied.result.truth is Truth.YES:
            return _Found(NO, denied.evidence)
        layers = {
            "identity policy": self.principal.identity_policies,
            "permission boundary": self.principal.boundary,
            "session policy": self.principal.session_policies,
        }
        found = [_Found(result.negation(denied.result), denied.evidence)]
        for name, layer in layers.items():
            if layer is not None:
                allowed = on_alias._allows(name, layer)
                found.append(allowed if allowed.result.truth is not Truth.NO else self._nothing(f"{name} with an alias", layer))
        return _both(*found)

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
            ways = self._ways(statement)
            if all(one.truth is Truth.NO for one in ways):
                continue
            rest = result.every((acts, self._concerns(statement), self._holds(statement)))
            if statement.effect is None:
                rest = result.every((rest, result.unknown(*_effect_open(statement))))
            if rest.truth is Truth.NO:
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
        if self.operation not in WITH_CONTEXT or self.operation == "CreateGrant":
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
        state = self.request.state(CONTEXT + fold(name))
        if isinstance(state, Undecided):
            return Result(Truth.UNKNOWN, state.open)
        if not isinstance(state, Held):
            return NO
        wanted = sym(value, self.deployment)
        return result.of(equal(wanted, state.values[0]), opens(wanted, state.values[0]))

    def _no_more(self, names: tuple[str, ...]) -> Result:
        state = self.request.state(CONTEXT_KEYS)
        if isinstance(state, Undecided):
            return Result(Truth.UNKNOWN, state.open)
        wanted = {fold(name) for name in names}
        held = state.values if isinstance(state, Held) else ()
        return result.every(result.of(Truth.of(_among(text, wanted)), opens(text)) for text in held)


@lru_cache(maxsize=1 << 14)
def _acting(document: PolicyDocument, action: str) -> tuple[Statement, ...]:
    """The statements of a document that may be about an action."""
    service = action.partition(":")[0].lower()
    return tuple(
        statement
        for statement, services in _with_services(document)
        if (services is None or service in services) and _acts(statement, action).truth is not Truth.NO
    )


@lru_cache(maxsize=1 << 12)
def _with_services(document: PolicyDocument) -> tuple[tuple[Statement, frozenset[str] | None], ...]:
    """The statements of a document, each with the services whose actions it names; None where it can be about any."""
    return tuple((one, _services_of(one)) for one in document.statements)


def _services_of(statement: Statement) -> frozenset[str] | None:
    element = statement.action
    if statement.open or element is None or element.negated:
        return None
    services = set()
    for entry in element.entries:
        service, colon, _ = (entry.known or "").partition(":")
        if not colon or "*" in service or "?" in service or not service.isascii():
            return None
        services.add(service.lower())
    return frozenset(services)


def _acts(statement: Statement, action: str) -> Result:
    if statement.open or statement.action is None:
        return result.unknown(*statement.open) if statement.open else NO
    found = result.some(_of(acts(entry.text, action), entry.text) for entry in statement.action.entries)
    return result.negation(found) if statement.action.negated else found


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


def _of(truth: Truth, *texts: Sym) -> Result:
    """A truth of a comparison of texts."""
    return result.unknown(*opens(*texts)) if truth is Truth.UNKNOWN else result.of(truth, ())


def _anybody(_: Statement) -> Result:
    return YES


def _effect_open(statement: Statement) -> tuple[Open, ...]:
    if statement.open:
        return statement.open
    effect = statement.value.members.get("Effect")
    return opens(sym(effect)) if effect is not None else ()
