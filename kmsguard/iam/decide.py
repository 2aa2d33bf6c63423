"""May this principal do this with this key? Key policies, identity policies, grants and ceilings together.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
https://docs.aws.amazon.com/kms/latest/developerguide/determining-access.html and, for grants,
https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from kmsguard.iam import result
from kmsguard.iam.conditions import condition_holds, expand, test_holds
from kmsguard.iam.context import Asked
from kmsguard.iam.document import Element, PolicyDocument, Statement
from kmsguard.iam.evidence import Evidence, Found, Part, both, join, soft, unique
from kmsguard.iam.grants import granted
from kmsguard.iam.key_policies import aws_managed_key_policy, default_key_policy, via_service_of_alias
from kmsguard.iam.matching import acting, acts_on, broken, compared, effect_open
from kmsguard.iam.operations import ACROSS_ACCOUNTS, WITH_ALIAS
from kmsguard.iam.principals import listed, reach
from kmsguard.iam.result import NO, YES, Result
from kmsguard.iam.subjects import EMPTY, NOT_HELD, OWN_ACCOUNT, OWN_REGION, Grant, Key, Layer, Organization, Principal
from kmsguard.iam.texts import NOWHERE, Deployment, equal, fits, match, opens, show
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth
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


class Decision(msgspec.Struct, frozen=True, eq=False):
    """What is decided, and why.

    `missed` are statements that allow the operation to the principal but for their conditions or resources; for a `NO` they
    tell what to mend.
    """

    truth: Truth
    evidence: tuple[Evidence, ...]
    open: tuple[Open, ...] = ()
    missed: tuple[Evidence, ...] = ()


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
        evidence = unique((*allowed.evidence, *denied.evidence, *ceilings.evidence, *alias.evidence))
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
        return acts_on(statement, self.action)

    def _concerns(self, statement: Statement) -> Result:
        if statement.open or statement.resource is None:
            return result.unknown(*statement.open) if statement.open else NO
        return self._resources(statement.resource)

    def _resources(self, element: Element) -> Result:
        found: list[Result] = []
        for entry in element.entries:
            if not any("${" in piece for piece in entry.text if isinstance(piece, str)):
                found.append(result.agreed([compared(fits(entry.text, form), entry.text, form) for form in self.forms]))
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
                for statement in acting(document, self.action):
                    if statement.effect in (effect, None):
                        yield name, document, statement

    def _matches(self, statement: Statement, *, by_principal: bool) -> Result:
        """Whether a statement matches; `by_principal`: it is of a policy that names principals."""
        parts = (self._acts, (self._who if by_principal else _anybody), self._concerns, self._holds)
        found = result.every(part(statement) for part in parts)
        return result.every((found, result.unknown(*effect_open(statement)))) if statement.effect is None else found

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

    def _allows(self, name: str, layer: Layer, *, by_principal: bool = False) -> Found:
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
        results.extend(result.unknown(broken(document)) for document in layer.documents if document.error)
        total = result.some(results)
        return Found(total, tuple(e for e in evidence if e.truth is total.truth))

    def _denied(self) -> Found:
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
            results.extend(result.unknown(broken(document)) for document in layer.documents if document.error)
        total = result.some(results)
        return Found(total, tuple(e for e in evidence if e.truth is total.truth))

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

    def _ceilings(self) -> Found:
        found: list[Found] = []
        for name, layers, by_principal in (
            ("service control policy", self._scps(), False),
            ("resource control policy", self._rcps(), True),
            ("endpoint policy", (self.endpoint,) if self.endpoint else (), True),
        ):
            for layer in layers:
                one = self._allows(name, layer, by_principal=by_principal)
                found.append(one if one.result.truth is not Truth.NO else self._nothing(name, layer))
        total = result.every(one.result for one in found)
        return Found(total, tuple(e for one in found if one.result.truth is total.truth is not Truth.YES for e in one.evidence))

    def _nothing(self, name: str, layer: Layer) -> Found:
        """A layer in which nothing allows, as evidence."""
        document = layer.documents[0] if layer.documents else None
        message = f"no statement of the {name} allows {self.action} to {self._shown_caller()}"
        span = document.span if document is not None else None
        return Found(NO, (Evidence("limits", name, Truth.NO, message, span, None, document),))

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

    def _service_paths(self) -> tuple[Found, tuple[Evidence, ...]]:
        policy, missed = self._key_policy()
        grants = granted(self.asked)
        own = join(policy.own)
        return self._either((own, grants)), missed

    def _aws_paths(self, same: Result) -> tuple[Found, tuple[Evidence, ...]]:
        policy, missed = self._key_policy()
        grants = granted(self.asked)
        limits = {
            "boundary": self._limit("permission boundary", self.principal.boundary),
            "session": self._limit("session policy", self.principal.session_policies),
        }
        identity = self._identity()
        paths: list[Found] = []
        if same.truth is not Truth.NO:
            paths.extend(self._same_account_paths(policy, identity, limits, grants))
        here = self._either(paths) if paths else None
        if same.truth is Truth.YES:
            assert here is not None
            return here, missed
        anyhow = join((*policy.own, *policy.account))
        across_paths = [both(anyhow, identity, limits["boundary"], limits["session"]), soft(grants, limits)]
        across = self._either(across_paths)
        if here is None:
            return across, missed
        if here.result.truth is across.result.truth:
            open_ = here.result if here.result.truth is Truth.UNKNOWN else across.result
            return Found(open_, (*here.evidence, *across.evidence)), missed
        return Found(result.unknown(*same.open), (*here.evidence, *across.evidence)), missed

    def _same_account_paths(
        self, policy: _KeyPolicy, identity: Found, limits: Mapping[str, Found], grants: Found
    ) -> list[Found]:
        boundary, session = limits["boundary"], limits["session"]
        named = join(policy.itself)
        if self.caller.kind == "role":
            named = both(named, boundary, session)
        return [
            named,
            join(policy.session),
            soft(join(policy.everybody), limits),
            both(join(policy.account), identity, boundary, session),
            soft(grants, limits),
        ]

    def _with_alias(self) -> Found:
        """Whether an operation with a key and an alias may have the alias: identity policies decide over that alone.

        https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
        """
        if self.operation not in WITH_ALIAS or self.caller.kind == "root":
            return Found(YES)
        on_alias = _Deciding(self.asked, self.organization, self.endpoint)
        on_alias.forms = (self.asked.alias_form,)
        denied = on_alias._denied()
        if denied.result.truth is Truth.YES:
            return Found(NO, denied.evidence)
        layers = {
            "identity policy": self.principal.identity_policies,
            "permission boundary": self.principal.boundary,
            "session policy": self.principal.session_policies,
        }
        found = [Found(result.negation(denied.result), denied.evidence)]
        for name, layer in layers.items():
            if layer is not None:
                allowed = on_alias._allows(name, layer)
                found.append(allowed if allowed.result.truth is not Truth.NO else self._nothing(f"{name} with an alias", layer))
        return both(*found)

    def _identity(self) -> Found:
        if self.caller.kind == "root":
            return Found(YES)
        found = self._allows("identity policy", self.principal.identity_policies)
        if found.result.truth is Truth.NO:
            return self._nothing("identity policies", self.principal.identity_policies)
        return found

    def _limit(self, name: str, layer: Layer | None) -> Found:
        if layer is None:
            return Found(YES)
        found = self._allows(name, layer)
        return found if found.result.truth is not Truth.NO else self._nothing(name, layer)

    def _either(self, paths: Sequence[Found]) -> Found:
        """OR over paths: the evidence is of those that decide it."""
        total = result.some(path.result for path in paths)
        if total.truth is not Truth.NO:
            return Found(total, unique(e for path in paths if path.result.truth is total.truth for e in path.evidence))
        evidence = unique(e for path in paths for e in path.evidence)
        return Found(NO, evidence or self._nothing("key policy", self.key.policies).evidence)

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
                rest = result.every((rest, result.unknown(*effect_open(statement))))
            if rest.truth is Truth.NO:
                missed.append(self._missed(document, statement))
                continue
            targets = (found.everybody, found.itself, found.session, found.account)
            for index, (target, way) in enumerate(zip(targets, ways, strict=True)):
                self._put(target, result.every((way, rest)), document, statement, delegates=index == len(targets) - 1)
        if layer.missing or layer.missing_allows:
            found.everybody.append(Found(result.unknown(*layer.missing, *layer.missing_allows)))
        found.everybody.extend(Found(result.unknown(broken(document))) for document in layer.documents if document.error)
        return found, tuple(missed)

    def _ways(self, statement: Statement) -> tuple[Result, Result, Result, Result]:
        element = statement.principal
        assert element is not None
        if element.negated:
            return listed(element, self.caller), NO, NO, NO
        found = reach(element, self.caller)
        return found.everybody, found.itself, found.session, found.account

    def _put(
        self, into: list[Found], found: Result, document: PolicyDocument, statement: Statement, *, delegates: bool = False
    ) -> None:
        if found.truth is not Truth.NO:
            part: Part = "delegates" if delegates and self.caller.kind != "root" else "allows"
            into.append(Found(found, (self._shown(part, "key policy", document, statement, found.truth),)))

    def _missed(self, document: PolicyDocument, statement: Statement) -> Evidence:
        for test in statement.tests:
            if test_holds(test, self.request).truth is Truth.NO:
                values = ", ".join(entry.known if entry.known is not None else "…" for entry in test.values)
                message = f"statement {statement.name} allows {self.action} only where {test.operator} {test.name} {values}"
                return Evidence("limits", "key policy", Truth.NO, message, test.value.where, statement, document)
        message = f"statement {statement.name} allows {self.action} on other resources only"
        span = statement.resource.value.where if statement.resource is not None else statement.span
        return Evidence("limits", "key policy", Truth.NO, message, span, statement, document)


def _anybody(_: Statement) -> Result:
    return YES


class _KeyPolicy(msgspec.Struct, frozen=True):
    """The Allow statements of a key policy that match, by how they reach the caller."""

    everybody: list[Found]
    itself: list[Found]
    session: list[Found]
    account: list[Found]

    @property
    def own(self) -> list[Found]:
        """Those that reach the caller itself."""
        return [*self.everybody, *self.itself, *self.session]
