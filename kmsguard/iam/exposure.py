"""The widest audience of a policy in a template, where the own account and more need not be known.

Each way in which the open values that matter can turn out is asked for itself; the bounds are those of all answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam.audience import AUDIENCES, Audience, Question
from kmsguard.iam.document import LEFT_OPEN, PolicyDocument, Statement, read_policy
from kmsguard.iam.facts import texts
from kmsguard.iam.texts import ARN_SHAPE, NOWHERE, Deployment, Hole, Sym, equal, open_of, opens, sym
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth
from kmsguard.model.value import ACCOUNT, REGION, Text, Unknown, Value

_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_REGION = re.compile(r"(?<![a-z0-9-])[a-z]{2}(?:-[a-z]+)+-[0-9](?![a-z0-9-])")
_MAX_WAYS = 12
_UNIT = "kmsguard-unit-"
_REGION_OF_UNIT = "xx-unit-1"  # stands for a Region that nothing names

_ANOTHER_KEY = "arn:aws:kms:::another key"

Arns: TypeAlias = Literal["with account", "without account"]
Partner: TypeAlias = Literal["own", "foreign"]


class Way(msgspec.Struct, frozen=True):
    """One way in which open values can turn out."""

    account: str
    region: str | None
    arns: Arns
    partner: Partner
    foreign: str


class Exposure:
    """Questions about the audience of one policy.

    The policy has to be read for the same deployment. Literal accounts are the own one or foreign where `account` of the
    deployment is not given. References to resources of the unit are callers of the own account in `Principal`, and texts that
    nobody else writes elsewhere; `texts` of the deployment says more of them. `key` is the ARN of the policy's key.
    """

    def __init__(self, policy: PolicyDocument, deployment: Deployment = NOWHERE, key: Value | None = None) -> None:
        self.policy = policy
        self.deployment = deployment
        self.key = sym(key, deployment) if key is not None else None
        self._open: dict[Open, None] = {}
        self._questions = [self._question(way) for way in self._ways()] if policy.error is None else []

    def audience(self, operations: Sequence[str]) -> Audience:
        """The widest audience of a request for one of some operations (`Decrypt`)."""
        return self._joined([question.audience(operations) for question in self._questions])

    def statements(self, operations: Sequence[str]) -> list[tuple[Statement, Audience]]:
        """The statements that let somebody in, each with the widest audience that it lets in by itself.

        What Deny statements take away is not in it.
        """
        out: list[tuple[Statement, Audience]] = []
        for statement in self.policy.statements:
            if statement.effect != "Deny":
                found = self._joined([question.audience(operations, statement.index) for question in self._questions])
                if found.at_most != "nobody":
                    out.append((statement, found))
        return out

    def lockout(self) -> Truth:
        """Whether nobody in the own account can put another policy."""
        found = {question.lockout() for question in self._questions}
        return Truth.of(found.pop()) if len(found) == 1 else Truth.UNKNOWN

    def _joined(self, answers: Sequence[Audience]) -> Audience:
        if not answers:
            return Audience("nobody", "public", open=(Open("policy", f"the document is no policy ({self.policy.error})"),))
        widest = max(answers, key=lambda answer: AUDIENCES.index(answer.at_most))
        narrowest = min(answers, key=lambda answer: AUDIENCES.index(answer.at_least))
        if narrowest.at_least == widest.at_most:
            return msgspec.structs.replace(widest, at_least=narrowest.at_least, certain=self._own(widest.certain))
        return Audience(
            narrowest.at_least,
            widest.at_most,
            widest.witness,
            self._own(widest.statement),
            self._own(narrowest.certain),
            any(answer.too_large for answer in answers),
            self._deciding(answers),
        )

    def _own(self, statement: Statement | None) -> Statement | None:
        return None if statement is None else self.policy.statements[statement.index]

    def _deciding(self, answers: Sequence[Audience]) -> tuple[Open, ...]:
        out = dict.fromkeys(self._open)
        if len({(answer.at_least, answer.at_most) for answer in answers}) == 1:
            out.pop(open_of(Unknown("", target=ACCOUNT)), None)
            out.pop(open_of(Unknown("", target=REGION)), None)
        return tuple(out) or (LEFT_OPEN,)

    # Ways

    def _ways(self) -> Iterator[Way]:
        strings = list(texts(self.policy.value.members.get("Statement")))
        taken = {account for text in strings for account in _ACCOUNT.findall(text)}
        fresh = (f"{digits:012d}" for digits in range(111111111111, 999999999999, 111111111111))
        free = [account for account in fresh if account not in taken and account not in self.deployment.trusted][:2]
        accounts = [self.deployment.account] if self.deployment.account is not None else [free[0], *sorted(taken)]
        regions: list[str | None] = [self.deployment.region]
        if self.deployment.region is None:
            regions += sorted({region for text in strings for region in _REGION.findall(text)})
        holes = self._holes()
        arns: tuple[Arns, ...] = ("with account", "without account") if holes.arns else ("with account",)
        partners: tuple[Partner, ...] = ("own", "foreign") if holes.partners else ("own",)
        if self.deployment.account is None and (len(accounts) > 1 or holes.account):
            self._open[open_of(Unknown("", target=ACCOUNT))] = None
        if holes.region and self.deployment.region is None:
            regions[0] = _REGION_OF_UNIT
        combined = product(accounts, regions if holes.region else regions[:1], arns, partners)
        for account, region, with_account, partner in islice(combined, _MAX_WAYS):
            yield Way(account, region, with_account, partner, free[1])

    def _holes(self) -> _Holes:
        found = _Holes()
        for statement in self.policy.statements:
            for value in statement.value.walk():
                if isinstance(value.data, Unknown):
                    found.region = found.region or value.data.target == REGION
                    found.account = found.account or value.data.target == ACCOUNT
            for test in statement.tests:
                found.arns = found.arns or any(_is_reference(entry.text) for entry in test.values)
            if statement.principal is not None and statement.effect == "Allow" and not statement.principal.negated:
                found.partners = found.partners or any(_is_partner(e.entry.text) for e in statement.principal.entries)
        return found

    def _question(self, way: Way) -> Question:
        deployment = msgspec.structs.replace(self.deployment, account=way.account, region=way.region, texts={})
        value = _Concrete(self, way).policy()
        return Question(read_policy(value, deployment), deployment)

    def note(self, open_: Iterable[Open]) -> None:
        """Remembers what is left open."""
        self._open.update(dict.fromkeys(open_))


class _Holes:
    """What is open in a policy, of the sorts that are tried out."""

    def __init__(self) -> None:
        self.account = False
        self.region = False
        self.arns = False
        self.partners = False


def _is_reference(text: Sym) -> bool:
    """Whether a text is the ARN of a resource, of which nothing else is known."""
    return len(text) == 1 and isinstance(text[0], Hole) and text[0].target is not None and text[0].shape == ARN_SHAPE


_PARTNER = re.compile(r"arn:[a-z-]+:iam::")


def _is_partner(text: Sym) -> bool:
    """Whether a text is the ARN of an AWS caller of an account that is not known."""
    if len(text) < 2 or not isinstance(text[0], str) or not isinstance(text[1], Hole):
        return False
    return _PARTNER.fullmatch(text[0]) is not None and text[1].target is None


class _Concrete:
    """A policy for one way: what is left open in it stays unknown."""

    def __init__(self, exposure: Exposure, way: Way) -> None:
        self.exposure = exposure
        self.way = way
        self.deployment = msgspec.structs.replace(exposure.deployment, account=way.account, region=way.region)
        self._names: dict[str, str] = {}

    def policy(self) -> Value:
        """The document."""
        value = self.exposure.policy.value
        if not isinstance(value.data, dict):
            value = self._of_statements()
        members = dict(value.members)
        statements = tuple(self._statement(statement) for statement in self.exposure.policy.statements)
        return value.with_data({**members, "Statement": Value(statements)})

    def _of_statements(self) -> Value:
        """A document that was text, or is not known."""
        from kmsguard.iam.document import VARIABLES_VERSION

        variables = any(test.variables for statement in self.exposure.policy.statements for test in statement.tests)
        return Value({"Version": Value(VARIABLES_VERSION)} if variables else {})

    def _statement(self, statement: Statement) -> Value:
        if statement.open:
            self.exposure.note(statement.open)
            return statement.value if isinstance(statement.value.data, Unknown) else Value(Unknown("a policy", not_null=True))
        allows = statement.effect == "Allow"
        members = {name: self._element(name, member, allows=allows) for name, member in statement.value.members.items()}
        return statement.value.with_data(members)

    def _element(self, name: str, value: Value, *, allows: bool) -> Value:
        if name in ("Principal", "NotPrincipal"):
            partner = allows and name == "Principal"
            if isinstance(value.data, dict):
                return value.with_data(
                    {kind: self._each(member, callers=True, partner=partner) for kind, member in value.members.items()}
                )
            return self._each(value, callers=True, partner=partner)
        if name == "Condition":
            return self._condition(value)
        if name in ("Resource", "NotResource"):
            items = value.items if isinstance(value.data, tuple) else (value,)
            return value.with_data(tuple(self._resource(item) for item in items))
        return self._each(value) if name in ("Action", "NotAction") else value

    def _resource(self, value: Value) -> Value:
        """A resource; `*` for the policy's own key, unknown for another key that may be the same."""
        text = sym(value, self.deployment) if isinstance(value.data, (Text, Unknown)) else ()
        if not _is_reference(text):
            return self._text(value, callers=False, partner=False)
        same = equal(text, self.exposure.key) if self.exposure.key is not None else Truth.UNKNOWN
        if same is Truth.UNKNOWN:
            self.exposure.note(opens(text))
            return value.with_data(Unknown("another key, or this one", not_null=True))
        return value.with_data("*" if same is Truth.YES else _ANOTHER_KEY)

    def _condition(self, value: Value) -> Value:
        if not isinstance(value.data, dict):
            self._note(value)
            return value
        out: dict[str, Value] = {}
        for operator, keys in value.members.items():
            if not isinstance(keys.data, dict):
                self._note(keys)
                out[operator] = keys
            else:
                out[operator] = keys.with_data({key: self._each(values) for key, values in keys.members.items()})
        return value.with_data(out)

    def _note(self, value: Value) -> None:
        if isinstance(value.data, Unknown):
            self.exposure.note((open_of(value.data),))

    def _each(self, value: Value, *, callers: bool = False, partner: bool = False) -> Value:
        if isinstance(value.data, tuple):
            return value.with_data(tuple(self._text(item, callers=callers, partner=partner) for item in value.items))
        return self._text(value, callers=callers, partner=partner)

    def _text(self, value: Value, *, callers: bool, partner: bool) -> Value:
        """A text with what stands for its open parts; unknown where nothing can."""
        if not isinstance(value.data, (Text, Unknown)):
            return value
        text = sym(value, self.deployment)
        if partner and _is_partner(text):
            text = (text[0], self._partner(), *text[2:])
        out: list[str] = []
        for piece in text:
            if isinstance(piece, str):
                out.append(piece)
                continue
            stands = self._stands(piece, callers=callers, whole=len(text) == 1)
            if stands is None:
                self.exposure.note((piece.open,))
                return value.with_data(Unknown(piece.open.message, piece.open.reference, not_null=True))
            out.append(stands)
        return value.with_data("".join(out))

    def _partner(self) -> str:
        return self.way.account if self.way.partner == "own" else self.way.foreign

    def _stands(self, hole: Hole, *, callers: bool, whole: bool) -> str | None:
        target = hole.target
        if target is None or hole.allowed:
            return None
        name = self._names.setdefault(f"{target.address} {target.attribute}", f"{_UNIT}{len(self._names) + 1}")
        if hole.shape != ARN_SHAPE:
            return name
        if not whole:
            # an ARN with more behind it, such as the objects of a bucket
            return self._arn(name)
        return f"arn:{self.deployment.partition}:iam::{self.way.account}:role/{name}" if callers else self._arn(name)

    def _arn(self, name: str) -> str:
        account = self.way.account if self.way.arns == "with account" else ""
        return f"arn:{self.deployment.partition}:unit::{account}:{name}"


def audience(
    policy: PolicyDocument, operations: Sequence[str], deployment: Deployment = NOWHERE, key: Value | None = None
) -> Audience:
    """The widest audience that a policy of a template lets do one of some operations; see `Exposure` for more questions."""
    return Exposure(policy, deployment, key).audience(operations)
