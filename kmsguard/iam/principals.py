"""Callers, and whom the entries of `Principal` and `NotPrincipal` reach."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam import result
from kmsguard.iam.document import EntryType, PrincipalElement, PrincipalEntry, is_all_open
from kmsguard.iam.result import NO, YES, Result
from kmsguard.iam.shapes import ANY, ANY_OF_PART, Shape
from kmsguard.iam.texts import Sym, equal, is_made, items, join, known, match, opens
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth

CallerKind: TypeAlias = Literal["root", "user", "role", "federated", "service"]
AWS_KINDS: tuple[CallerKind, ...] = ("root", "user", "role", "federated")


class Caller(msgspec.Struct, frozen=True, cache_hash=True):
    """Who calls, as texts.

    `arn` is the ARN of section "Callers" (of a session its role's), for a service its name. `session` is the ARN of the role
    session, where it is known. `account` is the caller's; of a service the account for which it calls.
    """

    kind: CallerKind
    arn: Sym
    account: Sym
    root: Sym  # the ARN of the account's root user
    session: Sym | None = None
    also: tuple[Sym, ...] = ()  # other ways to say the ARN: what is known of it in another form

    @property
    def is_service(self) -> bool:
        """Whether it calls with a service's own credentials."""
        return self.kind == "service"


class Reach(msgspec.Struct, frozen=True):
    """How an element reaches a caller: by `*`, by its own ARN or service name, or by its account."""

    everybody: Result
    itself: Result
    session: Result  # by the ARN of the session or of the federated user
    account: Result

    @property
    def any(self) -> Result:
        """Whether it reaches the caller at all."""
        return result.some((self.everybody, self.itself, self.session, self.account))

    @property
    def own(self) -> Result:
        """Whether it reaches the caller itself, not only through its account."""
        return result.some((self.everybody, self.itself, self.session))


UNREACHED = Reach(NO, NO, NO, NO)


def root_arn(partition: str, account: Sym) -> Sym:
    """The ARN of an account's root user."""
    return join((f"arn:{partition}:iam::", account, ":root"))


def names_in_china(service: Sym) -> tuple[Sym, ...]:
    """How else a service principal is called in the China Regions: its name with the suffix of the partition, or without it.

    https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_iam.ServicePrincipal.html
    """
    *start, last = service or ("",)
    if not isinstance(last, str) or not last.removesuffix(_CHINA).endswith(".amazonaws.com"):
        return ()
    return ((*start, last.removesuffix(_CHINA) if last.endswith(_CHINA) else last + _CHINA),)


_CHINA = ".cn"


def last_part(arn: Sym) -> Sym | None:
    """The name in an ARN: what follows the last `/`; None where a hole may hold one."""
    for index in range(len(arn) - 1, -1, -1):
        piece = arn[index]
        if isinstance(piece, str):
            head, slash, tail = piece.rpartition("/")
            del head
            if slash:
                return (tail, *arn[index + 1 :]) if tail else arn[index + 1 :]
        elif any(token.accepts("/") for token in piece.shape):
            return None
    return None


def session_arn(partition: str, account: Sym, role: Sym, session: Sym) -> Sym | None:
    """The ARN of a role's session, without the role's path; None where the role's name is not known."""
    name = last_part(role)
    return None if name is None else join((f"arn:{partition}:sts::", account, ":assumed-role/", name, "/", session))


def reach(element: PrincipalElement, caller: Caller) -> Reach:
    """Whom an element reaches, `negated` left aside."""
    if element.open:
        undecided = result.unknown(*element.open)
        return Reach(undecided, undecided, undecided, undecided)
    found = [_reach(entry, caller) for entry in element.entries]
    if not found:
        return UNREACHED
    return Reach(
        result.some(one.everybody for one in found),
        result.some(one.itself for one in found),
        result.some(one.session for one in found),
        result.some(one.account for one in found),
    )


def _reach(entry: PrincipalEntry, caller: Caller) -> Reach:
    return _reach_text(entry.type, entry.entry.text, caller)


@lru_cache(maxsize=1 << 15)
def _reach_text(type_: EntryType, text: Sym, caller: Caller) -> Reach:
    if type_ == "Service":
        if not caller.is_service:
            return UNREACHED
        return Reach(NO, result.some(_equals(text, form) for form in (caller.arn, *caller.also)), NO, NO)
    if type_ != "AWS":
        return UNREACHED
    if known(text) == "*":
        return Reach(YES, NO, NO, NO)
    if is_all_open(text) and not _is_arn(text):
        undecided = result.unknown(*opens(text))
        return Reach(undecided, NO, NO, NO) if caller.is_service else Reach(undecided, undecided, undecided, undecided)
    everybody = _equals(text, ("*",))
    if caller.is_service:
        return Reach(everybody, NO, NO, NO)
    itself = result.agreed([_equals(text, form) for form in (caller.arn, *caller.also)])
    account = NO if _is_resource(text) else result.some((_equals(text, caller.account), _equals(text, caller.root)))
    if caller.kind == "root":
        account = result.some((itself, account))
    if caller.kind == "federated":
        return Reach(everybody, NO, itself, account)
    return Reach(everybody, itself, _session(text, caller) if caller.kind == "role" else NO, account)


def _is_arn(text: Sym) -> bool:
    """Whether a text is an ARN, whatever else is unknown of it."""
    first = text[0] if text else ""
    return first.startswith("arn:") if isinstance(first, str) else _begins(first.shape, "arn:")


def _begins(shape: Shape, start: str) -> bool:
    return len(shape) >= len(start) and all(
        not token.loop and not token.negated and token.chars == {char} for token, char in zip(shape, start, strict=False)
    )


def _is_resource(text: Sym) -> bool:
    """Whether a text is the ARN of a resource that the unit makes, so never an account or its root user."""
    if len(text) != 1 or isinstance(text[0], str):
        return False
    target = text[0].target
    return target is not None and _is_arn(text) and is_made(target.address)


def _equals(text: Sym, other: Sym) -> Result:
    truth = equal(text, other)
    return result.of(truth, opens(text, other) if truth is Truth.UNKNOWN else ())


def _session(text: Sym, caller: Caller) -> Result:
    if caller.session is not None:
        return _equals(text, caller.session)
    plain = known(text)
    if _is_resource(text) or (plain is not None and ":assumed-role/" not in plain):
        return NO
    name = next((name for form in (*caller.also, caller.arn) if (name := last_part(form)) is not None), None)
    wanted = (":assumed-role/",) if name is None else (":assumed-role/", *name, "/")
    pattern = (*items(("arn:",)), ANY_OF_PART, *items(join((":sts::", caller.account, wanted))), ANY)
    truth = match(pattern, text)
    return NO if truth is Truth.NO else result.unknown(SESSION)


SESSION = Open("session", "the name of the role session is not known")


def listed(element: PrincipalElement, caller: Caller) -> Result:
    """Whether `NotPrincipal` leaves the statement's principal to the caller: YES where it is not exempt.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    if element.open:
        return result.unknown(*element.open)
    everybody: list[Result] = []
    itself: list[Result] = []
    account: list[Result] = []
    for entry in element.entries:
        if entry.entry.known == "*":
            everybody.append(YES)
            continue
        found = _reach(entry, caller)
        if found.everybody.truth is Truth.UNKNOWN:
            itself.append(found.everybody)
            account.append(found.everybody)
        itself.extend((found.itself, found.session))
        account.append(found.account)
    by_everybody = result.some(everybody)
    by_itself = result.some((by_everybody, *itself))
    by_account = result.some((by_everybody, *account))
    if caller.is_service:
        by_account = by_itself
    elif caller.kind == "root":
        by_itself = by_account
    if by_itself.truth is Truth.YES and by_account.truth is Truth.YES:
        return NO
    if by_itself.truth is Truth.NO and by_account.truth is Truth.NO:
        return YES
    open_ = tuple(dict.fromkeys(by_itself.open + by_account.open))
    return result.unknown(*(open_ or (NOT_PRINCIPAL,)))


NOT_PRINCIPAL = Open(
    "NotPrincipal", "NotPrincipal lists only one of the caller and its account: AWS does not say what that means"
)


def principal_matches(element: PrincipalElement | None, caller: Caller) -> Result:
    """Whether the principal of a statement is the caller, in any way. Without the element it is nobody."""
    if element is None:
        return NO
    return listed(element, caller) if element.negated else reach(element, caller).any
