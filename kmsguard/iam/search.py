"""The existence question: whether there is a request of a sort that a document allows, and which one.

The search is exact: what it does not find does not exist. It picks an Allow statement and a part of each Deny statement that
does not match, as constraints on the free variables of a request, and asks for values that meet them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from kmsguard.iam.callers import summary
from kmsguard.iam.candidates import Candidates
from kmsguard.iam.conditions import BASES, expand
from kmsguard.iam.document import PolicyDocument, Statement, Test
from kmsguard.iam.facts import Facts, facts
from kmsguard.iam.holes import hole, substrings
from kmsguard.iam.languages import Budget, TooLargeError
from kmsguard.iam.needs import MEETS, MET, UNMET, Memory, Need, Needs, Want
from kmsguard.iam.request import Call, action_truth, decision, resource_truth
from kmsguard.iam.result import Result
from kmsguard.iam.shapes import shape_without_case, spelled
from kmsguard.iam.solving import Prepared, Solution, Solving, write
from kmsguard.iam.space import Case, Constant, Read, Space, Way
from kmsguard.iam.texts import Deployment
from kmsguard.iam.variables import Constraint, Finite, Languages, Present, Solver, Word
from kmsguard.model.truth import Truth


class Found(msgspec.Struct, frozen=True, eq=False):
    """A request that was looked for, and the Allow statement that lets it in."""

    call: Call
    statement: Statement


_MAX_TRIES = 100
_TRY_COST = 500
_PART_COST = 10
_MAX_SUBSTRINGS = 100
_MAX_WORDS = 12


class Search:
    """Searches one document. `steps` is what all of it may cost."""

    def __init__(self, document: PolicyDocument, deployment: Deployment, steps: int) -> None:
        self.document = document
        self.deployment = deployment
        self.facts: Facts = facts(document)
        self.candidates = Candidates(document, self.facts)
        self.budget = Budget(steps)
        self.memory = Memory(Languages(self.budget), self.budget)
        self.solver = Solver(self.memory.languages, self.budget)
        self.summaries = tuple(summary(statement) for statement in document.statements)
        self.resources = tuple(resource_truth(statement, deployment) for statement in document.statements)
        self._alike = tuple(_same_actions(statement) for statement in document.statements)
        self._actions: dict[str, tuple[Truth, ...]] = {}
        self._needs: dict[tuple[Case, Way, str], Needs] = {}
        self._misses: dict[tuple[Case, Way, str, bool], Prepared | None] = {}

    def actions(self, operation: str) -> tuple[Truth, ...]:
        """For each statement, whether its action is an operation."""
        found = self._actions.get(operation)
        if found is None:
            alike: dict[object, Truth] = {}
            for statement, key in zip(self.document.statements, self._alike, strict=True):
                if key not in alike:
                    alike[key] = action_truth(statement, operation)
            found = self._actions[operation] = tuple(alike[key] for key in self._alike)
        return found

    def needs(self, case: Case, way: Way, operation: str) -> Needs:
        """What statements need of the requests of a case, way and operation."""
        key = (case, way, operation)
        found = self._needs.get(key)
        if found is None:
            space = Space(case, way, operation, self.deployment, self.facts, self.candidates)
            found = self._needs[key] = Needs(space, self.memory)
        return found

    def find(self, needs: Needs, given: Sequence[Need], *, certain: bool, only: int | None = None) -> Found | None:
        """A request of a space that meets some needs and is allowed: certainly, or possibly.

        `only` is the index of the one Allow statement that is asked for.

        Raises:
            TooLargeError: where it is not decided within the budget.
        """
        undecided = False
        for statement in self.document.statements if only is None else (self.document.statements[only],):
            if self._is_out(statement, needs.space, certain=certain):
                continue
            try:
                call = self._let_in(statement, needs, given, Budget(_MAX_TRIES), certain=certain)
            except TooLargeError:
                if self.budget.left < 0:
                    raise
                undecided = True
                continue
            if call is not None:
                return Found(call, statement)
        if undecided:
            raise TooLargeError
        return None

    def _is_out(self, statement: Statement, space: Space, *, certain: bool) -> bool:
        """Whether a statement allows nothing to the callers of a space, whatever they hold."""
        if statement.effect == "Deny" or (certain and statement.effect is None):
            return True
        meets = MEETS["yes" if certain else "possible"]
        if not (meets(self.actions(space.operation)[statement.index]) and meets(self.resources[statement.index])):
            return True
        return not self.summaries[statement.index].reaches(space)

    def _let_in(self, allow: Statement, needs: Needs, given: Sequence[Need], tries: Budget, *, certain: bool) -> Call | None:
        """A request that one Allow statement lets in and no Deny statement stops.

        Where policy variables tie free keys together, one of them after the other is tried with each text that can matter.
        """
        solution, asked = self._solve(allow, needs, given, certain=certain)
        if solution is None:
            return None
        relations = self._relations(allow, needs)
        if not relations:
            return self._checked(solution, needs.space, certain=certain)
        tested = dict.fromkeys(test.key for tests in relations.values() for test in tests)
        tried = _Texts(self, needs, asked, solution)
        name = next((name for name in relations if tried.is_finite(name)), "")
        name = name or next((name for name in relations if name not in tested), next(iter(relations)))
        texts, complete = tried.of(name, relations[name])
        if not complete:
            few = next(((key, found) for key in tested if key != name and (found := tried.few(key))), None)
            if few is not None:
                (name, texts), complete = few, True
        for text in texts:
            tries.spend(1)
            self.budget.spend(_TRY_COST)
            bound = Needs(needs.space, self.memory, {**needs.bound, name: text})
            try:
                call = self._let_in(allow, bound, [*given, bound.holds(name, text)], tries, certain=certain)
            except TooLargeError:
                if tries.left < 0 or self.budget.left < 0:
                    raise
                complete = False
                continue
            if call is not None:
                return call
        if not complete:
            raise TooLargeError
        return None

    def _solve(
        self, allow: Statement, needs: Needs, given: Sequence[Need], *, certain: bool
    ) -> tuple[Solution | None, list[Need]]:
        """Values with which one Allow statement matches and no Deny statement does; and what was asked of them."""
        asked = [need for need in given if need != MET]
        for need in needs.match(allow, "yes" if certain else "possible"):
            if need == UNMET:
                return None, asked
            if need != MET:
                asked.append(need)
        prepared = self._missed(needs, certain=certain)
        if prepared is None or UNMET in asked:
            return None, asked
        solution = Solving(needs.space, self.facts, self.solver).solve(asked, prepared)
        sure = [((constraint,),) for held in prepared.constraints.values() for constraint in held]
        return solution, [*asked, *sure]

    def _relations(self, allow: Statement, needs: Needs) -> dict[str, list[Test]]:
        """The relations of the tests that bear on the question: those of the Allow statement, and of all Deny statements."""
        bearing = {
            id(test)
            for statement in (allow, *self.document.statements)
            if statement.effect != "Allow"
            for test in statement.tests
        }
        bearing |= {id(test) for test in allow.tests}
        found = {name: [test for test in tests if id(test) in bearing] for name, tests in needs.relations.items()}
        return {name: tests for name, tests in found.items() if tests}

    def _checked(self, solution: Solution, space: Space, *, certain: bool) -> Call:
        call = write(solution, space, self.facts, self.solver)
        if not MEETS["yes" if certain else "possible"](decision(self.document, call, self.deployment)):
            # never seen; but no answer is given that cannot be shown
            raise TooLargeError
        return call

    def _missed(self, needs: Needs, *, certain: bool) -> Prepared | None:
        """What keeps all Deny statements from matching."""
        space = needs.space
        key = (space.case, space.way, space.operation, certain)
        if not needs.bound and key in self._misses:
            return self._misses[key]
        found = self._misses_of(needs, "no" if certain else "not yes")
        prepared = None if found is None else Solving(space, self.facts, self.solver).prepare(found)
        if not needs.bound:
            self._misses[key] = prepared
        return prepared

    def _misses_of(self, needs: Needs, want: Want) -> tuple[Need, ...] | None:
        out: dict[Need, None] = {}
        actions = self.actions(needs.space.operation)
        for statement in self.document.statements:
            if statement.effect == "Allow" or (statement.effect is None and want == "not yes"):
                continue
            if MEETS[want](actions[statement.index]) or MEETS[want](self.resources[statement.index]):
                continue
            if not self.summaries[statement.index].reaches(needs.space):
                continue
            self.budget.spend(_PART_COST * (1 + len(statement.tests)))
            need = needs.miss(statement, want)
            if need == UNMET:
                return None
            if need != MET:
                out[need] = None
        return tuple(out)


def _same_actions(statement: Statement) -> object:
    """Something that is equal for statements that are about the same actions."""
    element = statement.action
    if statement.open or element is None or any(entry.known is None for entry in element.entries):
        return statement.index
    return element.negated, *(entry.known for entry in element.entries)


class _Texts:
    """The texts with which free keys are tried that policy variables read."""

    def __init__(self, search: Search, needs: Needs, asked: Sequence[Need], solution: Solution) -> None:
        self.search = search
        self.needs = needs
        self.asked = asked
        self.solution = solution

    def of(self, name: str, tests: Sequence[Test]) -> tuple[list[str | None], bool]:
        """Texts for a key that tests read (None: absent); and whether these are all that there are."""
        access = self.needs.space.access(name)
        assert isinstance(access, Read)
        if isinstance(access.variable, Finite):
            return list(dict.fromkeys(way[name] for way in access.variable.ways)), True
        texts: dict[str | None, None] = dict.fromkeys(self._solved(access))
        for test in tests:
            texts.update(dict.fromkeys(self._suggested(test, name)))
        texts.update(dict.fromkeys(self._written(name)))
        some, complete = self._some(access)
        texts.update(dict.fromkeys(some))
        if complete:
            texts = {text: None for text in texts if text in some}
        if self.needs.may_be_absent(name):
            texts[None] = None
        return list(texts), complete

    def is_finite(self, name: str) -> bool:
        """Whether a key has one of few values, whatever else is asked."""
        access = self.needs.space.access(name)
        return isinstance(access, Read) and isinstance(access.variable, Finite)

    def few(self, name: str) -> list[str | None]:
        """All texts that a tested key can hold, where they are few; then its tests are about the keys that they read."""
        access = self.needs.space.access(name)
        if (
            name in self.needs.bound
            or not isinstance(access, Read)
            or access.holds_set
            or not isinstance(access.variable, Word)
        ):
            return []
        if not any(constraint.present is Present.IN for constraint in self._fixed(access)):
            return []
        texts, complete = self._some(access)
        return [*texts, *([None] if self.needs.may_be_absent(name) else [])] if complete else []

    def _solved(self, access: Read) -> list[str]:
        """What a key holds in the solution without policy variables."""
        fill = self.solution.get(access.variable.name)
        if fill is None or isinstance(access.variable, Finite) or fill.value is None:
            return []
        held = (fill.value,) if isinstance(fill.value, str) else fill.value
        return [access.lift.read(text) for text in held] if isinstance(held, tuple) else []

    def _suggested(self, test: Test, name: str) -> Iterator[str]:
        """Texts that make a value of the tested key fit."""
        access = self.needs.space.access(test.key)
        values = [access.value or ""] if isinstance(access, Constant) else self._solved(access)
        values += self._written(test.key)
        for entry in test.values:
            pattern = expand(BASES[test.base].family, entry, test.variables, self.needs.request())
            if not isinstance(pattern, Result) and hole(name) in pattern:
                for value in values[:8]:
                    found = list(islice(substrings(pattern, value, name, self.search.budget), _MAX_SUBSTRINGS))
                    chosen = dict.fromkeys((*found[:_MAX_WORDS], *found[-_MAX_WORDS:]))
                    yield from chosen
                    if BASES[test.base].family == "ignore_case":
                        yield from self._in_other_case(name, chosen)

    def _in_other_case(self, name: str, texts: Iterable[str]) -> Iterator[str]:
        """Texts as a key can hold them, in whatever case."""
        access = self.needs.space.access(name)
        if not isinstance(access, Read) or not isinstance(access.variable, Word):
            return
        for text in texts:
            language = self.needs.language(access, [shape_without_case(spelled(text))])
            constraint = Constraint(access.variable.name, present=Present.IN, language=language)
            fill = self.search.solver.fill_present(access.variable, [*self._fixed(access), constraint])
            if fill is not None and isinstance(fill.value, str):
                yield access.lift.read(fill.value)

    def _written(self, key: str) -> list[str]:
        """The texts that the document tests a key against, wildcards taken for nothing and for a letter."""
        out: dict[str, None] = {}
        for statement in self.search.document.statements:
            for test in statement.tests:
                for entry in test.values if test.key == key else ():
                    if entry.known is not None and "${" not in entry.known:
                        out[entry.known.replace("*", "").replace("?", "x")] = None
                        out[entry.known.replace("*", "x").replace("?", "x")] = None
        return [text for text in list(out)[:16] if text]

    def _fixed(self, access: Read) -> list[Constraint]:
        """What is asked of the variable of a key for certain."""
        name = access.variable.name
        return [c for need in self.asked if len(need) == 1 for c in need[0] if c.variable == name]

    def _some(self, access: Read) -> tuple[list[str], bool]:
        """A few texts that a key can hold, and whether these are all."""
        variable = access.variable
        assert isinstance(variable, Word)
        fixed = self._fixed(access)
        found: list[str] = []
        while len(found) < _MAX_WORDS:
            constraints = list(fixed)
            if found:
                language = self.needs.language(access, [spelled(text) for text in found])
                constraints.append(Constraint(variable.name, present=Present.OUT, language=language))
            fill = self.search.solver.fill_present(variable, constraints)
            if fill is None or not isinstance(fill.value, str):
                return found, True
            found.append(access.lift.read(fill.value))
        return found, False
