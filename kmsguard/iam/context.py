"""The request of a decision: who asks, for which key, and what its condition keys hold.

What follows from principal, key, operation and way is filled in; what does not is open.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html and
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

import msgspec

from kmsguard.iam.conditions import ABSENT, Held, Request, State, Undecided
from kmsguard.iam.keys import CONTEXT, CONTEXT_KEYS, PRINCIPAL_TAG, ConditionKey, KeyType
from kmsguard.iam.principals import Caller, last_part, names_in_china, root_arn, session_arn
from kmsguard.iam.shapes import ALIAS_NAME, ANY_KEY_ID, ANYTHING, KEY_ID, MULTI_REGION, MULTI_REGION_ID, spelled
from kmsguard.iam.subjects import Key, Principal, Tags
from kmsguard.iam.template_keys import RESOURCE_TAG, carries, find_further
from kmsguard.iam.texts import Deployment, Hole, Sym, fold, join, known, sym
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT as ABSENT_DATA
from kmsguard.model.value import Value

_TYPES = {"root": "Account", "user": "User", "role": "AssumedRole", "federated": "FederatedUser"}
_OF_ENDPOINTS = ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip")
_NOBODYS_ACCOUNT = "999999999999"


T = TypeVar("T")


def _kept(kept: dict[int, tuple[Deployment, object]], deployment: Deployment, find: Callable[[], T]) -> T:
    """What is found for a deployment, once: it stays with what is found, so that its identity stays its own."""
    found = kept.get(id(deployment))
    if found is None:
        found = kept[id(deployment)] = (deployment, find())
    return cast("T", found[1])


class Asked:
    """One question: who asks for what, and all that conditions can read of it."""

    def __init__(
        self,
        principal: Principal,
        action: str,
        key: Key,
        context: Mapping[str, Value],
        deployment: Deployment,
        *,
        through_endpoint: bool = False,
    ) -> None:
        self.principal = principal
        self.operation = action.partition(":")[2]
        self.action = action
        self.key = key
        self._context = {fold(name): (name, value) for name, value in context.items()}
        self.is_read = False  # whether anything was looked up that hangs on more than principal, operation, key and deployment
        self.deployment = deployment
        self._through_endpoint = through_endpoint
        self.caller = _kept(principal.kept, deployment, self._caller)
        self.key_account = sym(key.account, deployment)
        self.key_forms = _kept(key.kept, deployment, self._key_forms)
        self.request = Request(self._find, self._state)
        self._states: dict[str, State] = {}

    @property
    def context(self) -> dict[str, tuple[str, Value]]:
        """The condition keys that are given, by their names in lower case."""
        self.is_read = True
        return self._context

    def _caller(self) -> Caller:
        principal, deployment = self.principal, self.deployment
        arn = sym(principal.arn, deployment)
        account = sym(principal.account, deployment)
        root = root_arn(deployment.partition, account)
        also: tuple[Sym, ...] = ()
        if principal.kind in ("user", "role") and (not _is_spelled(arn) or isinstance(arn[-1], Hole)):
            name = (
                sym(principal.name, deployment) if principal.name is not None else (Hole(Open("", "a name"), None, ANYTHING),)
            )
            also = (join((f"arn:{deployment.partition}:iam::", account, f":{principal.kind}/", name)),)
        if principal.kind == "service" and deployment.partition == "aws-cn":
            also = names_in_china(arn)
        session = None
        if principal.kind == "role" and principal.session is not None:
            role = also[0] if also else arn
            session = session_arn(deployment.partition, account, role, sym(principal.session, deployment))
        return Caller(principal.kind, root if principal.kind == "root" else arn, account, root, session, also)

    def _key_forms(self) -> tuple[Sym, ...]:
        arn = sym(self.key.arn, self.deployment)
        if _is_spelled(arn):
            return self._with_id(arn)
        region = sym(self.key.region, self.deployment)
        id_ = sym(self.key.id, self.deployment) if self.key.id is not None else (Hole(Open("", "a key id"), None, ANYTHING),)
        spelled = join((f"arn:{self.deployment.partition}:kms:", region, ":", self.key_account, ":key/", id_))
        return arn, *self._with_id(spelled)

    @property
    def alias_form(self) -> Sym:
        """The ARN of an alias of the key, of which the name is not known."""
        region = sym(self.key.region, self.deployment)
        name = Hole(Open("alias", "which alias is not known"), None, ALIAS_NAME)
        return join((f"arn:{self.deployment.partition}:kms:", region, ":", self.key_account, ":alias/", (name,)))

    def _with_id(self, arn: Sym) -> tuple[Sym, ...]:
        """The key's ARN; an id in its end that is not known has at least the form of those that AWS makes up."""
        *start, last = arn
        if not (start and isinstance(last, Hole) and str(start[-1]).endswith(":key/")):
            return (arn,)
        if last.allowed or last.shape not in (ANYTHING, ANY_KEY_ID):
            return (arn,)
        many = self.key.multi_region.data if self.key.multi_region is not None else None
        if many is not True:
            return ((*start, msgspec.structs.replace(last, shape=KEY_ID if many is False else ANY_KEY_ID)),)
        whole = msgspec.structs.replace(last, shape=(*spelled(MULTI_REGION), *MULTI_REGION_ID))
        rest = msgspec.structs.replace(last, target=None, shape=MULTI_REGION_ID)
        return (*start, whole), join((tuple(start), MULTI_REGION, (rest,)))

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

    def _tag(self, given: Tags, name: str, prefix: str) -> State:
        tags = given() if callable(given) else given
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
        if flag is not None:
            return Truth.of({"true": True, "false": False}.get(flag[1].text or str(flag[1].data).lower()))
        return Truth.NO if self._is_through_endpoint else Truth.UNKNOWN

    @property
    def _is_through_endpoint(self) -> bool:
        """Whether it is said that the call passes a VPC endpoint."""
        given = [self.context[name][1] for name in _OF_ENDPOINTS if name in self.context]
        return self._through_endpoint or any(value.data is not ABSENT_DATA for value in given)

    @property
    def endpoint(self) -> Truth:
        """Whether the call passes a VPC endpoint. A call via a service never does."""
        if self.via is Truth.YES or self.caller.is_service:
            return Truth.NO
        return Truth.YES if self._is_through_endpoint else Truth.UNKNOWN


def _is_spelled(arn: Sym) -> bool:
    """Whether all parts of an ARN are written, and not one reference that stands for several of them."""
    return sum(piece.count(":") for piece in arn if isinstance(piece, str)) >= 5


# What follows from principal, key and way


def _undecided(name: str) -> Undecided:
    return Undecided((Open(name, f"the request's {name} is not known"),))


def _held(*texts: Sym) -> Held:
    return Held(texts[:1], also=texts[1:])


def _flag(truth: Truth, name: str) -> State:
    return _undecided(name) if truth is Truth.UNKNOWN else Held((("true",) if truth is Truth.YES else ("false",),))


def _caller_account(asked: Asked) -> State:
    return Held(((_NOBODYS_ACCOUNT,),)) if asked.caller.is_service else Held((asked.caller.account,))


def _principal_arn(asked: Asked) -> State:
    return ABSENT if asked.caller.is_service else _held(asked.caller.arn, *asked.caller.also)


def _principal_type(asked: Asked) -> State:
    kind = _TYPES.get(asked.caller.kind)
    return _undecided("aws:PrincipalType") if kind is None else Held(((kind,),))


def _user_name(asked: Asked) -> State:
    if asked.caller.kind != "user":
        return ABSENT
    for form in (*asked.caller.also, asked.caller.arn):
        name = last_part(form)
        if name is not None:
            return Held((name,))
    return _undecided("aws:username")


def _organization_id(asked: Asked) -> State | None:
    if asked.caller.is_service:
        return ABSENT
    organizations = asked.deployment.organizations
    own = asked.deployment.account
    if organizations and own is not None and known(asked.caller.account) == own:
        return Held(((organizations[0],),))
    return None


def _for_aws_absent(asked: Asked) -> State | None:
    return None if asked.caller.is_service else ABSENT


def _for_service_absent(asked: Asked) -> State | None:
    return ABSENT if asked.caller.is_service else None


def _of_endpoint(asked: Asked) -> State | None:
    return ABSENT if asked.endpoint is Truth.NO else None


def _source_ip(asked: Asked) -> State | None:
    return ABSENT if asked.endpoint is Truth.YES else None


def _via_service(asked: Asked) -> State | None:
    return ABSENT if asked.via is Truth.NO else None


def _grant_for_aws(asked: Asked) -> State | None:
    if not carries("kms:grantisforawsresource", asked.operation):
        return ABSENT
    return None if asked.caller.is_service else _flag(asked.via, "kms:ViaService")


def _of_key(name: str, read: Callable[[Key], Value | None]) -> Callable[[Asked], State | None]:
    def state(asked: Asked) -> State | None:
        value = read(asked.key)
        if value is None:
            return _undecided(name)
        return ABSENT if value.data is ABSENT_DATA else Held((sym(value, asked.deployment),))

    return state


def _aliases(asked: Asked) -> State | None:
    aliases = asked.key.aliases
    if aliases is None:
        return _undecided("kms:ResourceAliases")
    return Held(tuple(sym(alias, asked.deployment) for alias in aliases), holds_set=True) if aliases else ABSENT


def _plain(text: str) -> Callable[[Asked], State | None]:
    return lambda _: Held(((text,),))


_FOLLOWS: dict[str, Callable[[Asked], State | None]] = {
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
    "aws:sourceip": _source_ip,
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
