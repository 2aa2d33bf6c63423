"""What a decision is about: principals with their policies, keys with theirs, grants, and ceilings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeAlias

import msgspec

from kmsguard.iam.document import PolicyDocument
from kmsguard.iam.principals import CallerKind
from kmsguard.iam.texts import Deployment
from kmsguard.model.finding import Open
from kmsguard.model.value import ACCOUNT, REGION, Unknown, Value

OWN_ACCOUNT = Value(Unknown("the account deployed to is not given", target=ACCOUNT, not_null=True))
OWN_REGION = Value(Unknown("the Region deployed to is not given", target=REGION, not_null=True))


Tags: TypeAlias = "Mapping[str, Value] | Callable[[], Mapping[str, Value] | None] | None"
"""Tags, or what says them once a condition asks; None: not known."""


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


class Principal(msgspec.Struct, frozen=True, eq=False, dict=True):
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
    tags: Tags = None
    service_linked: bool = False

    @cached_property
    def kept(self) -> dict[int, tuple[Deployment, object]]:
        """How it is written out for a deployment, by the identity of that."""
        return {}


class Grant(msgspec.Struct, frozen=True, eq=False):
    """A grant on a key. `operations` are names as KMS spells them (`Decrypt`)."""

    grantee: Value
    operations: Value
    subset: Value | None = None  # EncryptionContextSubset
    equals: Value | None = None  # EncryptionContextEquals
    value: Value | None = None  # where it is written
    address: str = ""


class Key(msgspec.Struct, frozen=True, eq=False, dict=True):
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
    tags: Tags = None
    customer_managed: bool = True

    @cached_property
    def kept(self) -> dict[int, tuple[Deployment, object]]:
        """How it is written out for a deployment, by the identity of that."""
        return {}


class Organization(msgspec.Struct, frozen=True, eq=False):
    """Ceilings that the unit holds, a layer for each level from the root to the account."""

    scps: tuple[Layer, ...] = ()  # of the caller's account
    rcps: tuple[Layer, ...] = ()  # of the key's account
    caller_in_management_account: bool = False
    key_in_management_account: bool = False
