"""The widest audience that a document lets in: exactly, with a request that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

from kmsguard.iam.callers import caller_shapes, user_shapes
from kmsguard.iam.document import PolicyDocument
from kmsguard.iam.facts import Facts
from kmsguard.iam.languages import TooLargeError
from kmsguard.iam.needs import MET, UNMET, Need, Needs, both, either, ways
from kmsguard.iam.operations import FOR_EVERYBODY, carries
from kmsguard.iam.principals import AWS_KINDS, CallerKind
from kmsguard.iam.request import decision
from kmsguard.iam.search import Found, Search
from kmsguard.iam.space import Case, Read, Way
from kmsguard.iam.texts import Deployment
from kmsguard.iam.variables import Constraint, Finite, Present
from kmsguard.iam.widest import AUDIENCES, Audience, AudienceName
from kmsguard.model.truth import Truth

STEPS = 500_000
"""What the search for one bound may cost, in steps of automata: somewhat under a second."""
ALL_STEPS = 4 * STEPS
"""What all searches in a document may cost together, but for a last `_LAST_STEPS` for each."""
_LAST_STEPS = 20_000


class Question:
    """Questions about one document of an account that is known."""

    def __init__(self, document: PolicyDocument, deployment: Deployment) -> None:
        assert deployment.account is not None
        self.document = document
        self.deployment = deployment
        self.search = Search(document, deployment, 0)
        self._left = ALL_STEPS
        self._given = 0
        self._only: int | None = None
        self.facts: Facts = self.search.facts
        own = deployment.account
        self.own = own
        self.trusted = tuple(account for account in dict.fromkeys(deployment.trusted) if account != own)
        self.mentioned = tuple(a for a in self.facts.accounts if a != own and a not in self.trusted)
        self.organizations = tuple(dict.fromkeys(deployment.organizations))
        self.foreign_organizations = tuple(o for o in self.facts.organizations if o not in self.organizations)

    def audience(self, operations: Sequence[str], only: int | None = None) -> Audience:
        """The widest audience of a request for one of some operations.

        `only` is the index of an Allow statement: the others are left aside, the Deny statements are not.
        """
        self._only = only
        at_most, found, given_up = self._widest(operations, AUDIENCES[:0:-1], certain=False)
        if at_most == "nobody":
            return Audience("nobody", "nobody")
        statement = found.statement if found is not None else None
        witness = found.call if found is not None else None
        if only is None and witness is not None and decision(self.document, witness, self.deployment) is Truth.YES:
            return Audience(at_most, at_most, witness, statement, statement, witness)
        narrower = AUDIENCES[AUDIENCES.index(at_most) : 0 : -1]
        at_least, sure, sure_given_up = self._widest(operations, narrower, certain=True)
        if sure is not None and at_least == at_most:
            witness, statement = sure.call, sure.statement
        too_large = (given_up or sure_given_up) and at_least != at_most
        if sure is None:
            return Audience(at_least, at_most, witness, statement, too_large=too_large)
        return Audience(at_least, at_most, witness, statement, sure.statement, sure.call, too_large)

    def _widest(
        self, operations: Sequence[str], audiences: Iterable[AudienceName], *, certain: bool
    ) -> tuple[AudienceName, Found | None, bool]:
        """The widest audience with a request that is allowed, and whether the search was given up on the way.

        Where it was, a wider audience counts as possible, and does not count as certain.
        """
        self._allot()
        given_up = False
        for audience in audiences:
            try:
                found = self._find(audience, operations, certain=certain)
            except TooLargeError:
                given_up = True
                if not certain:
                    return audience, None, True
                continue
            if found is not None:
                return audience, found, given_up
        return "nobody", None, given_up

    def _allot(self) -> None:
        """Gives the next search what it may cost."""
        self._left -= self._given - max(self.search.budget.left, 0)
        self._given = self.search.budget.left = max(min(STEPS, self._left), _LAST_STEPS)

    def _find(self, audience: AudienceName, operations: Sequence[str], *, certain: bool) -> Found | None:
        return self._first(self._cases(audience), operations, certain=certain)

    def _first(self, cases: Iterable[Asked], operations: Sequence[str], *, certain: bool) -> Found | None:
        """The first request of some sorts of callers that is allowed.

        Raises:
            TooLargeError: where none is found, and one sort at least is not decided. The other sorts are asked first.
        """
        undecided = False
        for case, network, sort in cases:
            for operation in self._grouped(operations, case):
                for way in self._ways(case, operation):
                    needs = self.search.needs(case, way, operation)
                    given = self._asked(needs, sort)
                    if network != "any":
                        given = [*given, self._network(needs, named=network == "named")]
                    if UNMET in given:
                        continue
                    try:
                        found = self.search.find(needs, given, certain=certain, only=self._only)
                    except TooLargeError:
                        if self.search.budget.left < 0:
                            raise
                        undecided = True
                        continue
                    if found is not None:
                        return found
        if undecided:
            raise TooLargeError
        return None

    def lockout(self) -> bool | None:
        """Whether no caller of the account can put another policy; None where that is not decided."""
        self._only = None
        cases: list[Asked] = [(Case(kind, (self.own,)), "any", "any") for kind in AWS_KINDS]
        for certain in (True, False):
            self._allot()
            try:
                if self._first(cases, (_PUT,), certain=certain) is not None:
                    return False if certain else None
            except TooLargeError:
                if not certain:
                    return None
        return True

    # Sorts of callers

    def _cases(self, audience: AudienceName) -> Iterator[Asked]:
        """The sorts of callers of an audience: case, network, and what else makes them of it."""
        own, named_by_us = (self.own,), (self.own, *self.trusted)
        everywhere = (*named_by_us, *self.mentioned)
        if audience == "account-principals":
            yield Case("root", own), "any", "any"
            for kind in _WITH_NAMES:
                yield Case(kind, own), "any", "named"
            yield Case("service", own), "any", "any"
        elif audience == "account":
            for kind in _WITH_NAMES:
                yield Case(kind, own), "any", "unnamed"
        elif audience == "trusted" and self.trusted:
            for kind in self._kinds():
                yield Case(kind, self.trusted), "any", "any"
            for account in self.trusted:
                yield Case("service", (account,)), "any", "any"
        elif audience == "organization" and self.organizations:
            for kind in (*self._kinds(), _SERVICE):
                yield Case(kind, named_by_us, foreign=True), "any", "ours"
        elif audience == "external":
            if self.mentioned:
                for kind in self._kinds():
                    yield Case(kind, self.mentioned), "any", "not ours"
                for account in self._customers():
                    yield Case("service", (account,)), "any", "not ours"
            if self.foreign_organizations:
                for kind in (*self._foreign_kinds(), _SERVICE):
                    yield Case(kind, everywhere, foreign=True), "any", "theirs"
            for kind in self._foreign_kinds():
                yield Case(kind, everywhere, foreign=True), "named", "nobody's"
        elif audience == "service":
            yield Case("service", everywhere, foreign=True), "any", "nobody's"
        elif audience == "public":
            for kind in self._foreign_kinds():
                yield Case(kind, everywhere, foreign=True), "unnamed", "nobody's"

    def _kinds(self) -> tuple[CallerKind, ...]:
        return ("role", "user", "federated", "root")

    def _foreign_kinds(self) -> tuple[CallerKind, ...]:
        """The kinds of callers of accounts that nobody names: one is enough where the document does not tell them apart."""
        return self._kinds() if any(_tells_kinds(key) for key in self.facts.keys) else ("role",)

    def _customers(self) -> tuple[str, ...]:
        """The mentioned accounts, as customers of services: one is enough where no condition asks for whom a service calls."""
        asked = any(key.startswith(("aws:source", "kms:encryptioncontext:aws:")) for key in self.facts.keys)
        return self.mentioned if asked else self.mentioned[:1]

    def _ways(self, case: Case, operation: str) -> tuple[Way, ...]:
        if case.kind == "service":
            return ("service",)
        keys = self.facts.keys
        out: list[Way] = ["direct"]
        if any(key in keys for key in _OF_VIA) or (operation == "CreateGrant" and "kms:grantisforawsresource" in keys):
            out.append("via")
        if any(key in keys for key in _OF_ENDPOINT):
            out.append("endpoint")
        return tuple(out)

    def _grouped(self, operations: Sequence[str], case: Case) -> list[str]:
        """One of each sort of operations that the document tells apart, of those that are done for the callers of a case."""
        own = case.kind != "service" and case.accounts == (self.own,) and not case.foreign
        out: dict[tuple[object, ...], str] = {}
        for operation in operations:
            if own or operation in FOR_EVERYBODY:
                carried = tuple(key for key in self.facts.keys if carries(key, operation))
                out.setdefault((self.search.actions(operation), carried), operation)
        return list(out.values())

    # What makes a request of an audience

    def _asked(self, needs: Needs, sort: Sort) -> list[Need]:
        if sort in ("named", "unnamed"):
            return [self._named(needs, named=sort == "named")]
        if sort == "any":
            return []
        ours, theirs = self.organizations, self.foreign_organizations
        if sort == "ours":
            return [_organization(needs, ours, inside=True)]
        if sort == "not ours":
            return [_organization(needs, ours, inside=False)]
        if sort == "theirs":
            return [_organization(needs, theirs, inside=True)]
        return [_organization(needs, (*ours, *theirs), inside=False)]

    def _named(self, needs: Needs, *, named: bool) -> Need:
        """That a caller of the own account is named, or that it is not."""
        space = needs.space
        starts = tuple(f"arn:{self.deployment.partition}:{service}::{self.own}:" for service in ("iam", "sts"))
        strings = sorted(text for text in self.facts.strings if text.startswith(starts))
        shapes = [shape for text in strings for shape in caller_shapes(text, space)]
        if space.case.kind == "user":
            shapes.extend(shape for name in self.facts.user_names for shape in user_shapes(name, space))
        if not shapes:
            return UNMET if named else MET
        language = needs.languages.number(("named", space.case.kind), lambda: shapes)
        present = Present.IN if named else Present.OUT
        return ((Constraint("principal", present=present, language=language),),)

    def _network(self, needs: Needs, *, named: bool) -> Need:
        """That a call comes from a named network, or that it does not."""
        space = needs.space
        if space.way == "direct":
            access = space.access("aws:sourceip")
            assert isinstance(access, Read)
            assert isinstance(access.variable, Finite)
            flags = [self.search.candidates.is_named(way["aws:sourceip"] or "") is named for way in access.variable.ways]
            return ways(access.variable, flags)
        if space.way != "endpoint":
            return UNMET if named else MET
        read = [key for key in ("aws:sourcevpc", "aws:sourcevpce") if key in self.facts.keys]
        strings = sorted(self.facts.strings)
        need: Need = UNMET if named else MET
        for key in read:
            one = needs.among(key, strings, inside=named)
            need = either(need, one) if named else both(need, one)
        return need


_PUT = "PutKeyPolicy"

Network: TypeAlias = Literal["any", "named", "unnamed"]
Sort: TypeAlias = Literal["any", "named", "unnamed", "ours", "not ours", "theirs", "nobody's"]
Asked: TypeAlias = tuple[Case, Network, Sort]
"""A sort of callers, the network that they call from, and what else they are."""

_WITH_NAMES: tuple[CallerKind, ...] = ("role", "user", "federated")
_SERVICE: CallerKind = "service"
_OF_VIA = ("kms:viaservice", "aws:viaawsservice", "aws:sourceip")
_OF_ENDPOINT = ("aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip")
_OF_KIND = (
    "aws:principalarn",
    "aws:principaltype",
    "aws:username",
    "aws:sourceidentity",
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
)


def _tells_kinds(key: str) -> bool:
    return key in _OF_KIND or key.startswith("aws:principaltag/")


def _organization(needs: Needs, organizations: Sequence[str], *, inside: bool) -> Need:
    """That a request shows one of some organizations, or none of them."""
    space = needs.space
    if not space.is_service:
        return needs.among("aws:principalorgid", organizations, inside=inside, absent=not inside)
    by_id, by_paths = (
        needs.among(key, organizations, inside=inside, absent=not inside, of="aws:sourceorgid")
        for key in ("aws:sourceorgid", "aws:sourceorgpaths")
    )
    return either(by_id, by_paths) if inside else both(by_id, by_paths)
