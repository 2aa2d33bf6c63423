"""The requests that can exist, for one kind of caller, way and operation: what is fixed in them and what is free.

Section 8 of the policy engine's specification, key by key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam.candidates import Candidates
from kmsguard.iam.domains import (
    NAME_TEXT,
    ORGANIZATION_TEXT,
    SERVICE_TEXT,
    account_ids,
    accounts_of,
    among_accounts,
    any_text,
    arn_text,
    arns_of,
    organization_paths,
    principals,
    service_names,
    source_arns,
)
from kmsguard.iam.facts import Facts
from kmsguard.iam.keys import CONTEXT, CONTEXT_KEYS, PRINCIPAL_TAG
from kmsguard.iam.languages import ALPHABET, END, Automaton
from kmsguard.iam.operations import OPTIONAL, carries
from kmsguard.iam.principals import CallerKind
from kmsguard.iam.shapes import ACCOUNT_SHAPE, ANY, COLON, Shape, Token, literal, spelled
from kmsguard.iam.texts import Deployment, fold
from kmsguard.iam.variables import Finite, Texts, Variable, Word

Way: TypeAlias = Literal["direct", "endpoint", "via", "service"]


# How condition keys are read from variables


class Lift(msgspec.Struct, frozen=True):
    """How what a key holds is read from a variable, and patterns over the one become patterns over the other."""

    name: str
    apply: Callable[[Shape], Iterable[Shape]]
    read: Callable[[str], str]


class Constant(msgspec.Struct, frozen=True):
    """The key holds this; None: the request has not the key."""

    value: str | None


class Read(msgspec.Struct, frozen=True):
    """The key is read from a variable. `holds_set`: it holds a set, of one text where the variable is a word."""

    variable: Variable
    lift: Lift
    holds_set: bool = False
    presence: Finite | None = None  # says whether the request has the key, where the variable does not


Access: TypeAlias = "Constant | Read"


def _same(shape: Shape) -> Iterable[Shape]:
    return (shape,)


PLAIN = Lift("", _same, str)


def _without(shape: Shape, chars: frozenset[str]) -> Shape:
    """A pattern for texts that have none of some characters."""
    return tuple(
        Token(token.chars | chars if token.negated else token.chars - chars, token.negated, token.loop) for token in shape
    )


_ENDS = frozenset(END)
_SLASH = frozenset("/")


def _arn_of_session(shape: Shape) -> Iterable[Shape]:
    return ((*_without(shape, _ENDS), *spelled(END), ANY),)


def _account_of_arn(prefix: str) -> Lift:
    def apply(shape: Shape) -> Iterable[Shape]:
        return ((*spelled(prefix), *_without(shape, COLON), literal(":"), ANY),)

    return Lift(f"account {prefix}", apply, lambda arn: arn.split(":")[4])


def _user_name(partition: str) -> Lift:
    prefix = (*spelled(f"arn:{partition}:iam::"), *ACCOUNT_SHAPE, *spelled(":user/"))

    def apply(shape: Shape) -> Iterable[Shape]:
        name = _without(shape, _SLASH)
        return ((*prefix, *name), (*prefix, ANY, literal("/"), *name))

    return Lift(f"name {partition}", apply, lambda arn: arn.rpartition("/")[2])


def _organization_of_path(shape: Shape) -> Iterable[Shape]:
    return ((*_without(shape, _SLASH), literal("/"), ANY),)


ORGANIZATION_OF_PATH = Lift("organization", _organization_of_path, lambda path: path.partition("/")[0])
ARN_OF_SESSION = Lift("session", _arn_of_session, lambda word: word.partition(END)[0])


# The request


FOREIGN = ("999999999999", "888888888888")
_TYPES = {"root": "Account", "user": "User", "role": "AssumedRole", "federated": "FederatedUser"}


class Case(msgspec.Struct, frozen=True):
    """A sort of caller. `accounts`: the account is one of these, or with `foreign` none of these."""

    kind: CallerKind
    accounts: tuple[str, ...]
    foreign: bool = False


class Space:
    """All requests of a case that come one way and ask for one operation."""

    def __init__(
        self, case: Case, way: Way, operation: str, deployment: Deployment, facts: Facts, candidates: Candidates
    ) -> None:
        self.case = case
        self.way = way
        self.operation = operation
        self.deployment = deployment
        self.facts = facts
        self.candidates = candidates
        self.variables: dict[str, Variable] = {}
        self._access: dict[str, Access] = {}
        account = case.accounts[0] if len(case.accounts) == 1 and not case.foreign else None
        self.account = account
        self.own = account is not None and account == deployment.account
        self.is_service = case.kind == "service"
        self.principal = self._principal()

    def _principal(self) -> Word:
        partition = self.deployment.partition
        if self.is_service:
            return self._add(Word("principal", (service_names(),), seeds=("sns.amazonaws.com", "s3.amazonaws.com")))
        domain = [principals(self.case.kind, partition, self.account)]
        outside: tuple[Automaton, ...] = ()
        if self.case.foreign:
            outside = (accounts_of(self.case.kind, partition, self.case.accounts),) if self.case.accounts else ()
        elif self.account is None:
            domain.append(accounts_of(self.case.kind, partition, self.case.accounts))
        return self._add(Word("principal", tuple(domain), seeds=self._callers(), outside=outside))

    def _callers(self) -> tuple[str, ...]:
        partition = self.deployment.partition
        accounts = self.case.accounts[:4] if not self.case.foreign else FOREIGN
        shapes = {
            "root": "arn:{}:iam::{}:root",
            "user": "arn:{}:iam::{}:user/x",
            "role": "arn:{}:iam::{}:role/x" + END + "session",
            "federated": "arn:{}:sts::{}:federated-user/x",
        }
        return tuple(shapes[self.case.kind].format(partition, account) for account in accounts)

    def _add(self, variable: Word) -> Word:
        """Adds a variable, once."""
        found = self.variables.setdefault(variable.name, variable)
        assert isinstance(found, Word)
        return found

    def _finite(self, name: str, ways: Sequence[dict[str, str | None]]) -> Finite:
        found = self.variables.get(name)
        if isinstance(found, Finite):
            return found
        variable = self.variables[name] = Finite(name, tuple(ways))
        return variable

    def access(self, key: str) -> Access:
        """Where a condition key of section 8 (in lower case) is read from."""
        found = self._access.get(key)
        if found is None:
            found = self._access[key] = self._find(key)
        return found

    def shape(self, key: str) -> Shape | None:
        """A pattern that every text of a free key fits; None where it can be any text."""
        access = self.access(key)
        if not isinstance(access, Read):
            return None
        if access.lift.name.startswith("account ") or access.variable.name in ("service account", "aws:sourceaccount"):
            return ACCOUNT_SHAPE
        if access.lift.name.startswith("name "):
            return NAME_TEXT
        if access.lift is ORGANIZATION_OF_PATH:
            return ORGANIZATION_TEXT
        if access.variable.name == "kms:viaservice" or (self.is_service and access.variable is self.principal):
            return SERVICE_TEXT
        return arn_text(self.deployment.partition) if access.variable is self.principal else None

    def _find(self, key: str) -> Access:
        if not carries(key, self.operation):
            return Constant(None)
        reader = _READERS.get(key)
        if reader is not None:
            return reader(self)
        if key.startswith(CONTEXT):
            return self._context(key)
        if key.startswith(PRINCIPAL_TAG):
            return self.word(key, optional=True) if self.case.kind in ("user", "role", "federated") else Constant(None)
        return self.word(key, optional=key in OPTIONAL)

    def _context(self, key: str) -> Access:
        name = key[len(CONTEXT) :]
        if any(char not in ALPHABET for char in name):
            return Constant(None)
        if self.is_service and name.startswith("aws:") and name.endswith("arn"):
            return self.source_arn(key)
        return self.word(key, optional=True)

    # Readers

    def word(self, key: str, *, optional: bool = False) -> Read:
        """Any text."""
        return Read(self._add(Word(key, (any_text(),), optional)), PLAIN)

    def flag(self, key: str, *ways: str | None) -> Read:
        """A key with few values."""
        return Read(self._finite(key, [{key: way} for way in ways]), PLAIN)

    def caller_account(self) -> Access:
        """The caller's account."""
        if self.is_service:
            # some account that nobody names; which one is the service's, and no condition of a key policy can know it
            mentioned = self.facts.accounts
            named = tuple(dict.fromkeys((*_own(self.deployment), *self.deployment.trusted, *mentioned)))
            return Read(
                self._add(Word("service account", (account_ids(None),), False, FOREIGN, (among_accounts(named),))), PLAIN
            )
        if self.account is not None:
            return Constant(self.account)
        service = "sts" if self.case.kind == "federated" else "iam"
        return Read(self.principal, _account_of_arn(f"arn:{self.deployment.partition}:{service}::"))

    def principal_arn(self) -> Access:
        """Section 4; of a session the role's."""
        if self.is_service:
            return Constant(None)
        return Read(self.principal, ARN_OF_SESSION if self.case.kind == "role" else PLAIN)

    def user_name(self) -> Access:
        """The last part of a user's ARN."""
        return Read(self.principal, _user_name(self.deployment.partition)) if self.case.kind == "user" else Constant(None)

    def organization(self, *, paths: bool) -> Access:
        """`aws:PrincipalOrgID` and `aws:PrincipalOrgPaths`: two views of one path."""
        if self.is_service:
            return Constant(None)
        own = self.deployment.organizations[0] if self.own and self.deployment.organizations else None
        if own is not None and not paths:
            return Constant(own)
        return self._path("organization", own, optional=own is None, paths=paths)

    def _path(self, name: str, organization: str | None, *, optional: bool, paths: bool) -> Read:
        found = self.variables.get(name)
        seeds = (f"{organization or 'o-xxxxxxxxxx'}/r-xxxx/",)
        variable = (
            found if isinstance(found, Word) else self._add(Word(name, (organization_paths(organization),), optional, seeds))
        )
        return Read(variable, PLAIN if paths else ORGANIZATION_OF_PATH, holds_set=paths)

    def source_organization(self, *, paths: bool) -> Access:
        """`aws:SourceOrgID` and `aws:SourceOrgPaths`: of one organization, each there or not."""
        if not self.is_service:
            return Constant(None)
        own = self.deployment.organizations[0] if self.own and self.deployment.organizations else None
        read = self._path("source organization", own, optional=False, paths=paths)
        shown: list[dict[str, str | None]] = []
        for id_, path in product((None, ""), repeat=2):
            shown.append({"aws:sourceorgid": id_, "aws:sourceorgpaths": path})
        return msgspec.structs.replace(read, presence=self._finite("shows organization", shown))

    def service_name(self) -> Access:
        """`aws:PrincipalServiceName`."""
        return Read(self.principal, PLAIN) if self.is_service else Constant(None)

    def via_service(self) -> Access:
        """`kms:ViaService`: any service's name."""
        if self.way != "via":
            return Constant(None)
        return Read(self._add(Word("kms:viaservice", (service_names(),), seeds=("s3.us-east-1.amazonaws.com",))), PLAIN)

    def source_ip(self) -> Access:
        """`aws:SourceIp`: public, and where no caller is near never in a range that names a network."""
        if self.way == "endpoint":
            return Constant(None)
        addresses = self.candidates.addresses("aws:sourceip", public=True)
        if self.way != "direct":
            addresses = tuple(address for address in addresses if not self.candidates.is_named(address))
        return Read(self._finite("aws:sourceip", [{"aws:sourceip": address} for address in addresses]), PLAIN)

    def of_endpoint(self, key: str) -> Access:
        """`aws:SourceVpc`, `aws:SourceVpce`."""
        return self.word(key) if self.way == "endpoint" else Constant(None)

    def vpc_source_ip(self) -> Access:
        """`aws:VpcSourceIp`: any."""
        if self.way != "endpoint":
            return Constant(None)
        addresses = self.candidates.addresses("aws:vpcsourceip", public=False)
        return Read(self._finite("aws:vpcsourceip", [{"aws:vpcsourceip": address} for address in addresses]), PLAIN)

    def time(self) -> Access:
        """`aws:CurrentTime` and `aws:EpochTime`: the same instant."""
        ways: list[dict[str, str | None]] = [{"aws:currenttime": t, "aws:epochtime": t} for t in self.candidates.times()]
        return Read(self._finite("time", ways), PLAIN)

    def multi_factor(self) -> Access:
        """`aws:MultiFactorAuthPresent`, and the age where that is true."""
        if self.is_service:
            return Constant(None)
        present, age = "aws:multifactorauthpresent", "aws:multifactorauthage"
        ages = self.candidates.numbers(age, 0, 129600)
        ways: list[dict[str, str | None]] = [{present: "false", age: None}]
        ways.extend({present: "true", age: seconds} for seconds in ages)
        if self.case.kind != "role":
            ways.insert(0, {present: None, age: None})
        return Read(self._finite("multi-factor", ways), PLAIN)

    def numeric(self, key: str, low: int, high: int, *, optional: bool = False) -> Access:
        """A parameter that is a whole number."""
        ways: list[dict[str, str | None]] = [{key: value} for value in self.candidates.numbers(key, low, high)]
        absent: dict[str, str | None] = {key: None}
        return Read(self._finite(key, [absent, *ways] if optional else ways), PLAIN)

    def grant_for_resource(self) -> Access:
        """`kms:GrantIsForAWSResource`."""
        if self.is_service:
            return self.flag("kms:grantisforawsresource", "true", "false")
        return Constant("true" if self.way == "via" else "false")

    def source_account(self) -> Access:
        """`aws:SourceAccount`: the customer."""
        if not self.is_service:
            return Constant(None)
        seeds = (self.account,) if self.account is not None else FOREIGN
        outside = (among_accounts(self.case.accounts),) if self.case.foreign and self.case.accounts else ()
        return Read(self._add(Word("aws:sourceaccount", (account_ids(self.account),), True, seeds, outside)), PLAIN)

    def source_arn(self, key: str = "aws:sourcearn") -> Access:
        """`aws:SourceArn`, and what of the encryption context is one too."""
        if not self.is_service:
            return Constant(None)
        partition = self.deployment.partition
        domain = source_arns(partition, self.account)
        outside = (arns_of(partition, self.case.accounts),) if self.case.foreign and self.case.accounts else ()
        return Read(self._add(Word(key, (domain,), True, (f"arn:{partition}:s3:::x",), outside)), PLAIN)

    def texts(self, key: str, *, optional: bool) -> Access:
        """A set of texts."""
        found = self.variables.get(key)
        variable = found if isinstance(found, Texts) else Texts(key, (any_text(),), optional)
        self.variables[key] = variable
        return Read(variable, PLAIN, holds_set=True)


def _own(deployment: Deployment) -> tuple[str, ...]:
    return (deployment.account,) if deployment.account is not None else ()


_READERS: dict[str, Callable[[Space], Access]] = {
    "aws:principalaccount": Space.caller_account,
    "kms:calleraccount": Space.caller_account,
    "aws:principalarn": Space.principal_arn,
    "aws:principalorgid": lambda space: space.organization(paths=False),
    "aws:principalorgpaths": lambda space: space.organization(paths=True),
    "aws:principaltype": lambda space: Constant(_TYPES.get(space.case.kind)),
    "aws:principalisawsservice": lambda space: Constant("true" if space.is_service else "false"),
    "aws:principalservicename": Space.service_name,
    "aws:username": Space.user_name,
    "aws:sourceidentity": lambda space: (
        space.word("aws:sourceidentity", optional=True) if space.case.kind == "role" else Constant(None)
    ),
    "aws:multifactorauthpresent": Space.multi_factor,
    "aws:multifactorauthage": Space.multi_factor,
    "aws:viaawsservice": lambda space: Constant("true" if space.way == "via" else "false"),
    "kms:viaservice": Space.via_service,
    "aws:sourceip": Space.source_ip,
    "aws:sourcevpc": lambda space: space.of_endpoint("aws:sourcevpc"),
    "aws:sourcevpce": lambda space: space.of_endpoint("aws:sourcevpce"),
    "aws:vpcsourceip": Space.vpc_source_ip,
    "aws:securetransport": lambda _: Constant("true"),
    "aws:currenttime": Space.time,
    "aws:epochtime": Space.time,
    "aws:useragent": lambda space: space.word("aws:useragent"),
    "aws:referer": lambda space: space.word("aws:referer", optional=True),
    "aws:resourceaccount": lambda space: Constant(space.deployment.account),
    "aws:sourceaccount": Space.source_account,
    "aws:sourcearn": Space.source_arn,
    "aws:sourceorgid": lambda space: space.source_organization(paths=False),
    "aws:sourceorgpaths": lambda space: space.source_organization(paths=True),
    CONTEXT_KEYS: lambda space: space.texts(CONTEXT_KEYS, optional=True),
    "kms:grantisforawsresource": Space.grant_for_resource,
    "kms:grantoperations": lambda space: space.texts("kms:grantoperations", optional=False),
    "kms:reencryptonsamekey": lambda space: space.flag("kms:reencryptonsamekey", "true", "false"),
    "kms:bypasspolicylockoutsafetycheck": lambda space: space.flag("kms:bypasspolicylockoutsafetycheck", None, "false", "true"),
    "kms:schedulekeydeletionpendingwindowindays": lambda space: space.numeric(
        "kms:schedulekeydeletionpendingwindowindays", 7, 30
    ),
    "kms:rotationperiodindays": lambda space: space.numeric("kms:rotationperiodindays", 90, 2560, optional=True),
}
assert all(fold(key) == key for key in _READERS)
