"""What the policies of an organization that the unit holds take away.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html and
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from kmsguard.iam.decide import Decision, Key, Layer, Organization, Principal, can
from kmsguard.iam.document import read_policy
from kmsguard.iam.texts import Deployment
from kmsguard.model.finding import Open
from kmsguard.model.resource import Resource
from kmsguard.model.truth import Truth
from kmsguard.model.value import Unknown, Value
from kmsguard.rules.checks.access import Access


class Ceilings(msgspec.Struct, frozen=True, eq=False):
    """The policies that bind for certain; and, where some perhaps do, these with them."""

    certain: Organization = Organization()
    possible: Organization | None = None


NO_CEILINGS = Ceilings()


def can_under(
    ceilings: Ceilings, principal: Principal, action: str, key: Key, context: Mapping[str, Value], deployment: Deployment
) -> Decision:
    """`can`, with what the unit says of the organization."""
    decision = can(principal, action, key, context, ceilings.certain, deployment=deployment)
    if decision.truth is Truth.NO or ceilings.possible is None:
        return decision
    perhaps = can(principal, action, key, context, ceilings.possible, deployment=deployment)
    if perhaps.truth is decision.truth:
        return decision
    open_ = Open("the organization", "whether this policy binds the account is not known")
    return Decision(Truth.UNKNOWN, perhaps.evidence, (open_, *perhaps.open))


def ceilings_of(access: Access, deployment: Deployment, principal: Principal, key: Key) -> Ceilings:
    """What binds a principal and a key.

    Raises:
        UndecidedError: where the world does not decide it.
    """
    policies = access.graph.by_kind.get("organizations.policy", ())
    if not policies:
        return NO_CEILINGS
    scps, rcps, more_scps, more_rcps = [], [], [], []
    for policy in policies:
        kind = access.value(policy, "policy_type").text
        if kind not in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
            continue
        account = principal.account if kind == "SERVICE_CONTROL_POLICY" else key.account
        binds = _binds(access, deployment, policy, account)
        if binds is Truth.NO:
            continue
        document = access.read(access.value(policy, "content"), deployment)
        # FullAWSAccess is attached beside it unless somebody detached it, RCPFullAWSAccess always is.
        full = Open("FullAWSAccess", "whether it is still attached beside this policy is not known")
        if kind == "SERVICE_CONTROL_POLICY":
            layer = Layer(documents=(document,), missing_allows=(full,))
            more_scps.append(layer)
            scps += [layer] if binds is Truth.YES else []
        else:
            layer = Layer(documents=(document, _FULL))
            more_rcps.append(layer)
            rcps += [layer] if binds is Truth.YES else []
    certain = Organization(tuple(scps), tuple(rcps))
    if len(scps) == len(more_scps) and len(rcps) == len(more_rcps):
        return Ceilings(certain)
    return Ceilings(certain, Organization(tuple(more_scps), tuple(more_rcps)))


def _binds(access: Access, deployment: Deployment, policy: Resource, account: Value) -> Truth:
    targets = access.value(policy, "targets")
    own = account.text or deployment.account
    found = Truth.UNKNOWN if isinstance(targets.data, Unknown) else Truth.NO
    for target in targets.items:
        text = target.text
        if text is None or own is None or not re.fullmatch(r"\d{12}", text):
            same = target.target is not None and target.target == account.target
            found = found | (Truth.YES if same else Truth.UNKNOWN)
        else:
            found = found | Truth.of(text == own)
    return found


_EVERYTHING = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
_FULL = read_policy(Value({"Statement": Value({name: Value(text) for name, text in _EVERYTHING.items()})}))
"""RCPFullAWSAccess."""
