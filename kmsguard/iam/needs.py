"""What has to hold of the free variables of a request so that a part of a statement matches, or does not.

A need is a list of alternatives, an alternative a list of constraints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam.callers import Callers, callers_of
from kmsguard.iam.conditions import ABSENT, BASES, Base, Held, Request, State, expand, pattern_of, test_holds
from kmsguard.iam.document import Entry, Plain, Statement, Test, Variable, parts
from kmsguard.iam.holes import MAX_SHAPES, SOME_TEXT, hole, replacement, spellings, substrings, widened
from kmsguard.iam.keys import ConditionKey, find
from kmsguard.iam.languages import Budget
from kmsguard.iam.principals import CallerKind
from kmsguard.iam.result import Result
from kmsguard.iam.shapes import ANY, Shape, shape_without_case, spelled
from kmsguard.iam.space import Constant, Read, Space
from kmsguard.iam.texts import Hole, Pattern, match
from kmsguard.iam.variables import ANY_CASE, DUAL, Constraint, Finite, Languages, Present, Quantifier, Word
from kmsguard.model.finding import Open
from kmsguard.model.truth import Truth
from kmsguard.model.value import Target

Want: TypeAlias = Literal["yes", "possible", "no", "not yes"]
MEETS: dict[Want, Callable[[Truth], bool]] = {
    "yes": lambda truth: truth is Truth.YES,
    "possible": lambda truth: truth is not Truth.NO,
    "no": lambda truth: truth is Truth.NO,
    "not yes": lambda truth: truth is not Truth.YES,
}
_MIRRORED: dict[Want, Want] = {"yes": "no", "no": "yes", "possible": "not yes", "not yes": "possible"}

Alternative: TypeAlias = tuple[Constraint, ...]
Need: TypeAlias = tuple[Alternative, ...]
MET: Need = ((),)
UNMET: Need = ()


def both(one: Need, other: Need) -> Need:
    """AND."""
    return tuple(dict.fromkeys((*a, *b) for a in one for b in other))


def either(one: Need, other: Need) -> Need:
    """OR."""
    return MET if () in one or () in other else tuple(dict.fromkeys((*one, *other)))


def ways(variable: Finite, flags: Sequence[bool]) -> Need:
    """That a finite variable goes one of some ways."""
    left = sum(1 << index for index, flag in enumerate(flags) if flag)
    if not left:
        return UNMET
    return MET if left == variable.full else ((Constraint(variable.name, ways=left),),)


class Levels(msgspec.Struct, frozen=True):
    """A truth for each text: YES in a language, UNKNOWN elsewhere where something is left open, else NO; `negated` turns it.

    `perhaps`: it hangs on policy variables whether something is left open; as long as they are not bound, either is assumed.
    """

    language: int  # -1: the language that holds nothing
    undecided: bool = False
    negated: bool = False
    atom: int = -1
    narrow: int = -1
    perhaps: bool = False
    possible: int = -1  # the language with the texts for which a part of a pattern that is not known leaves it open

    def constraint(self, variable: str, want: Want, *, absent: bool = False, quantifier: Quantifier = "one") -> Constraint:
        """What a variable has to be for its truth to be as wanted."""
        asked = _MIRRORED[want] if self.negated else want
        inside = asked in ("yes", "possible")
        language = self.possible if asked in ("possible", "no") and self.possible >= 0 else self.language
        if asked == "possible" and (self.undecided or self.perhaps):
            present = Present.ALWAYS
        elif asked == "no" and self.undecided:
            present = Present.NEVER
        elif language < 0:
            present = Present.NEVER if inside else Present.ALWAYS
        else:
            present = Present.IN if inside else Present.OUT
        if present in (Present.NEVER, Present.ALWAYS):
            return Constraint(variable, absent, present, quantifier=quantifier)
        return Constraint(variable, absent, present, language, quantifier, atom=self.atom, narrow=self.narrow)


class Shaped(msgspec.Struct, frozen=True):
    """What a test is, as far as one variable decides it."""

    read: Read | None = None  # None: `absent` is the truth, whatever the request holds
    absent: Truth = Truth.NO
    present: Truth | Levels = Truth.NO
    quantifier: Quantifier = "one"
    ways: tuple[tuple[Truth, ...], ...] = ()  # of a finite variable, for each way the truths that are possible
    key: str = ""  # that is read, where it is not the one that is tested
    truths: tuple[Truth, ...] = ()  # where it hangs on nothing but policy variables, the truths that are possible
    some: tuple[Shaped, ...] = ()  # it is YES where one of these is; with `every` where all are
    every: bool = False


_REST: Shape = (ANY,)
_QUANTIFIERS: dict[str, Quantifier] = {"": "one", "forallvalues": "all", "foranyvalue": "some"}
_TEXT_FAMILIES = ("equals", "ignore_case", "like", "arn")


class Memory:
    """What is the same for all spaces of a document."""

    def __init__(self, languages: Languages, budget: Budget) -> None:
        self.languages = languages
        self.budget = budget
        self.principals: dict[tuple[int, CallerKind, Want], Need] = {}
        # of tests without policy variables, by what their key holds, and by how it is read
        self.truths: dict[tuple[int, str | None], Truth] = {}
        self.levels: dict[tuple[int, str], Levels] = {}


class Needs:
    """What statements need of the requests of a space.

    `bound` says what some keys hold that policy variables read. `relations` names the keys that policy variables read and that
    are free, with the tests that read them: as long as these are not bound, less is asked for than is needed.
    """

    def __init__(self, space: Space, memory: Memory, bound: dict[str, str | None] | None = None) -> None:
        self.space = space
        self.memory = memory
        self.languages = memory.languages
        self.bound = bound or {}
        self.relations: dict[str, list[Test]] = {}
        self._assumed: dict[str, list[Shape]] = {}  # what keys have to fit where the statement matches that is looked at
        self._shaped: dict[int, Shaped] = {}

    def match(self, statement: Statement, want: Want) -> Iterator[Need]:
        """What makes a statement match, its action and resource left aside."""
        if statement.open or statement.condition_open or statement.effect is None:
            yield MET if want == "possible" else UNMET
        if not statement.open:
            yield self.principal(statement, want)
            if any(test.variables for test in statement.tests):
                self._assumed = {test.key: shapes for test in statement.tests if (shapes := self._plain(test))}
            for test in statement.tests:
                yield self.test(test, want)
            self._assumed = {}

    def _plain(self, test: Test) -> list[Shape]:
        """The patterns one of which a key has to fit, where a test asks for that and nothing else."""
        base = BASES.get(test.base)
        if base is None or base.family not in _TEXT_FAMILIES or base.negated or test.prefix or test.if_exists:
            return []
        out: list[Shape] = []
        for entry in test.values:
            if entry.known is None or "${" in entry.known:
                return []
            pattern = expand(base.family, entry, variables=False, request=self.request())
            if isinstance(pattern, Result):
                return []
            out.append(widened(pattern))
        return out

    def miss(self, statement: Statement, want: Want) -> Need:
        """What keeps a statement from matching: one of its parts, its action and resource left aside."""
        if statement.open or statement.effect is None:
            return UNMET if want == "no" else MET
        if statement.condition_open and want == "not yes":
            return MET
        need: Need = UNMET
        for one in (self.principal(statement, want), *(self.test(test, want) for test in statement.tests)):
            need = either(need, one)
        return need

    # Principals

    def principal(self, statement: Statement, want: Want) -> Need:
        """What makes the principal of a statement as wanted."""
        key = (statement.index, self.space.case.kind, want)
        found = self.memory.principals.get(key)
        if found is None:
            found = self.memory.principals[key] = self._principal(statement, want)
        return found

    def _principal(self, statement: Statement, want: Want) -> Need:
        element = statement.principal
        if element is None:
            return MET if MEETS[want](Truth.NO) else UNMET
        found = callers_of(element, self.space)
        if found.everybody:
            return MET if MEETS[want](Truth.NO if element.negated else Truth.YES) else UNMET
        if not element.negated:
            return self._caller(statement, "any", (*found.itself, *found.account), found, want)
        if self.space.is_service or self.space.case.kind == "root":
            return self._caller(statement, "any", (*found.itself, *found.account), found, _MIRRORED[want])
        # YES where listed in neither way, NO where listed in both
        asked: Want = _MIRRORED[want]
        itself = self._caller(statement, "itself", found.itself, found, asked)
        account = self._caller(statement, "account", found.account, found, asked)
        return both(itself, account) if want in ("yes", "no") else either(itself, account)

    def _caller(self, statement: Statement, part: str, shapes: Sequence[Shape], found: Callers, want: Want) -> Need:
        language = -1
        if shapes:
            language = self.languages.number(("principal", self.space.case.kind, statement.index, part), lambda: shapes)
        return self._word(Levels(language, found.undecided).constraint("principal", want), optional=False)

    def _word(self, constraint: Constraint, *, optional: bool) -> Need:
        if constraint.present is Present.ALWAYS and (constraint.absent or not optional):
            return MET
        if constraint.present is Present.NEVER and (not constraint.absent or not optional):
            return UNMET
        return ((constraint,),)

    # Conditions

    def test(self, test: Test, want: Want) -> Need:
        """What makes a test as wanted."""
        shaped = self._shaped.get(id(test))
        if shaped is None:
            shaped = self._shaped[id(test)] = self._shape(test)
        return self._shaped_need(test, shaped, want)

    def _shaped_need(self, test: Test, shaped: Shaped, want: Want) -> Need:
        if shaped.some:
            every = shaped.every is (want in ("yes", "possible"))
            need: Need = MET if every else UNMET
            for part in shaped.some:
                one = self._shaped_need(test, part, want)
                need = both(need, one) if every else either(need, one)
            return need
        read = shaped.read
        meets = MEETS[want]
        if shaped.truths:
            return MET if any(meets(truth) for truth in shaped.truths) else UNMET
        if read is None:
            return MET if meets(shaped.absent) else UNMET
        variable = read.variable
        if isinstance(variable, Finite):
            return ways(variable, [any(meets(truth) for truth in truths) for truths in shaped.ways])
        quantifier = shaped.quantifier
        if want in ("no", "not yes"):
            quantifier = DUAL[quantifier]
        absent = meets(shaped.absent)
        name = variable.name
        if isinstance(shaped.present, Truth):
            present = Present.ALWAYS if meets(shaped.present) else Present.NEVER
            constraint = Constraint(name, absent, present, quantifier=quantifier)
        else:
            constraint = shaped.present.constraint(name, want, absent=absent, quantifier=quantifier)
        if read.presence is not None:
            return self._shown(read, shaped.key or test.key, constraint)
        return self._word(constraint, optional=variable.optional)

    def _shown(self, read: Read, key: str, constraint: Constraint) -> Need:
        """The same for a key that another variable says to be there."""
        flags = read.presence
        assert flags is not None
        hidden = ways(flags, [way[key] is None for way in flags.ways]) if constraint.absent else UNMET
        shown = ways(flags, [way[key] is not None for way in flags.ways])
        there = msgspec.structs.replace(constraint, absent=False)
        return either(hidden, both(shown, self._word(there, optional=False)))

    def holds(self, key: str, value: str | None) -> Need:
        """That a free key holds a text, or is absent."""
        access = self.space.access(key)
        assert isinstance(access, Read)
        variable = access.variable
        if isinstance(variable, Finite):
            return ways(variable, [way[key] == value for way in variable.ways])
        if value is None:
            constraint = Constraint(variable.name, absent=True, present=Present.NEVER)
        else:
            constraint = Constraint(variable.name, present=Present.IN, language=self.language(access, [spelled(value)]))
        if access.presence is not None:
            return self._shown(access, key, constraint)
        return self._word(constraint, optional=variable.optional)

    def among(self, key: str, texts: Sequence[str], *, inside: bool, absent: bool = False, of: str = "") -> Need:
        """That a free key holds one of some texts, or with `inside` unset none of them; `absent`: it may be absent.

        `of` is another key of the same variable that holds the texts, where `key` only says that they are there.
        """
        access, read = self.space.access(key), self.space.access(of or key)
        assert isinstance(access, Read)
        assert isinstance(read, Read)
        variable = access.variable
        language = self.language(read, [spelled(text) for text in texts]) if texts else -1
        levels = Levels(language, negated=not inside)
        constraint = levels.constraint(variable.name, "yes", absent=absent)
        if access.presence is not None:
            return self._shown(access, key, constraint)
        assert not isinstance(variable, Finite)
        return self._word(constraint, optional=variable.optional)

    def language(self, read: Read, shapes: Sequence[Shape]) -> int:
        """The number of the language of a variable for patterns over what a key holds."""
        unique = tuple(dict.fromkeys(shapes))
        key = (read.lift.name, unique)
        return self.languages.number(key, lambda: [lifted for shape in unique for lifted in read.lift.apply(shape)])

    def find(self, name: str) -> ConditionKey | None:
        """The condition key of a name, as far as the caller can have it."""
        return None if name == "aws:principaltype" and self.space.is_service else find(name)

    def state(self, name: str) -> State:
        """What the requests have of a key: a hole where it is free."""
        if name in self.bound:
            value = self.bound[name]
            return ABSENT if value is None else Held(((value,),))
        access = self.space.access(name)
        if isinstance(access, Constant):
            return ABSENT if access.value is None else Held(((access.value,),))
        return Held((("x",),), holds_set=True) if access.holds_set else Held(((hole(name),),))

    def request(self) -> Request:
        """What conditions read."""
        return Request(self.find, self.state)

    def _shape(self, test: Test) -> Shaped:
        key = self.find(test.key)
        base = BASES.get(test.base)
        if key is None or base is None or key.type not in base.types:
            return Shaped(absent=Truth.UNKNOWN)
        if base.family == "null" and (test.prefix or test.if_exists):
            return Shaped(absent=Truth.UNKNOWN)
        access = Constant(self.bound[test.key]) if test.key in self.bound else self.space.access(test.key)
        free = self._free(test, base)
        if isinstance(access, Constant):
            return self._constant(test, base, access, free)
        absent = self._remembered(test, None)
        if isinstance(access.variable, Finite):
            self._relate(test, free)
            truths: list[tuple[Truth, ...]] = []
            for way in access.variable.ways:
                value = way[test.key]
                if value is None:
                    truths.append((absent,))
                else:
                    truths.append(self._possible(test, base, value) if free else (self._remembered(test, value),))
            return Shaped(access, absent, ways=tuple(truths))
        if base.family == "null":
            return Shaped(access, absent, self._holds(test, Held((("x",),))))
        if access.holds_set and not test.prefix:
            return Shaped(access, absent, Truth.UNKNOWN)
        self._relate(test, free)
        return Shaped(access, absent, self._levels(test, base, access), _QUANTIFIERS[test.prefix])

    def _relate(self, test: Test, free: Sequence[str]) -> None:
        for name in free:
            self.relations.setdefault(name, []).append(test)

    def _possible(self, test: Test, base: Base, value: str) -> tuple[Truth, ...]:
        """The truths that a test can have for a text, whatever the keys hold that its policy variables read."""
        sure = perhaps = Truth.NO
        for entry in test.values:
            pattern = expand(base.family, entry, test.variables, self.request())
            if isinstance(pattern, Result) and test.variables and self._hangs(test, entry):
                perhaps = max(perhaps, pattern.truth)
            elif isinstance(pattern, Result):
                sure = max(sure, pattern.truth)
            elif not any(isinstance(item, Hole) for item in pattern):
                sure = max(sure, match(pattern, (value,)))
            elif any(isinstance(item, Hole) and item.target is None for item in pattern):
                sure = max(sure, Truth.NO if match(pattern, (value,)) is Truth.NO else Truth.UNKNOWN)
            else:
                shapes = (widened(pattern), *self._without(test, base, entry, pattern))
                perhaps = max(perhaps, *(match(shape, (value,)) for shape in shapes))
        found = (sure, max(sure, perhaps))
        return tuple(~truth for truth in found) if base.negated else found

    def _remembered(self, test: Test, value: str | None) -> Truth:
        """The truth of a test whose key holds a text, or is absent."""
        state = ABSENT if value is None else Held(((value,),))
        if test.variables:
            return self._holds(test, state)
        key = (id(test), value)
        found = self.memory.truths.get(key)
        if found is None:
            found = self.memory.truths[key] = self._holds(test, state)
        return found

    def _holds(self, test: Test, state: State) -> Truth:
        """The truth of a test for a state of its key."""
        return test_holds(test, Request(self.find, lambda name: state if name == test.key else self.state(name))).truth

    def _free(self, test: Test, base: Base) -> list[str]:
        """The keys that policy variables of a test read and that are free."""
        if not test.variables or base.family not in _TEXT_FAMILIES:
            return []
        found: dict[str, None] = {}
        for entry in test.values:
            names = [piece.key for piece in parts(entry.text) if isinstance(piece, Variable) and self._is_free(piece.key)]
            if not names or self._rewritten(test, base, entry) is not None:
                continue
            undecided = isinstance(expand(base.family, entry, test.variables, self.request()), Result)
            # a value that is undecided whatever the keys hold can still match nothing where they are absent
            found.update((name, None) for name in names if not undecided or (name != test.key and self.may_be_absent(name)))
        return list(found)

    def _is_free(self, name: str) -> bool:
        key = self.find(name)
        if key is None or key.type in ("ip", "numeric", "date") or name in self.bound:
            return False
        access = self.space.access(name)
        return isinstance(access, Read) and not access.holds_set

    def _constant(self, test: Test, base: Base, access: Constant, free: Sequence[str]) -> Shaped:
        """A test of a key that is fixed; a policy variable may still be free."""
        if not free or access.value is None:
            return Shaped(absent=self._remembered(test, access.value))
        parts_: list[Shaped] = []
        for name in free:
            other = self.space.access(name)
            entries = [entry for entry in test.values if self._reads(entry) in ({name}, set())]
            if not isinstance(other, Read) or not isinstance(other.variable, Word):
                return self._undone(test, base, access.value, free)
            parts_.append(self._turned(test, base, entries, access.value, name, other))
        if any(len(self._reads(entry)) > 1 for entry in test.values):
            return self._undone(test, base, access.value, free)
        return Shaped(some=tuple(parts_), every=base.negated)

    def _undone(self, test: Test, base: Base, value: str, free: Sequence[str]) -> Shaped:
        """A test of a fixed text that is asked once the keys are bound that its policy variables read."""
        self._relate(test, free)
        return Shaped(truths=self._possible(test, base, value))

    def _reads(self, entry: Entry) -> set[str]:
        """The free keys that the policy variables of a value read."""
        return {piece.key for piece in parts(entry.text) if isinstance(piece, Variable) and self._is_free(piece.key)}

    def _turned(self, test: Test, base: Base, entries: Sequence[Entry], value: str, name: str, other: Read) -> Shaped:
        """A fixed text against patterns with a free variable, as a question about the variable."""
        texts: dict[str, None] = {}
        undecided = False
        for entry in entries:
            pattern = expand(base.family, entry, test.variables, self.request())
            if isinstance(pattern, Result):
                undecided = undecided or pattern.truth is Truth.UNKNOWN
            elif any(isinstance(item, Hole) and item.target is None for item in pattern):
                undecided = True
            elif hole(name) in pattern:
                texts.update(dict.fromkeys(substrings(pattern, value, name, self.memory.budget)))
            elif match(pattern, (value,)) is Truth.YES:
                return Shaped(absent=Truth.of(not base.negated))
        either_case = base.family == "ignore_case"
        shapes = [shape_without_case(spelled(text)) if either_case else spelled(text) for text in texts]
        language = self.language(other, shapes) if shapes else -1
        without = Needs(self.space, self.memory, {**self.bound, name: None})
        narrowed = msgspec.structs.replace(test, values=tuple(entries))
        absent = without._holds(narrowed, Held(((value,),)))
        return Shaped(other, absent, Levels(language, undecided, base.negated), key=name)

    def _levels(self, test: Test, base: Base, access: Read) -> Levels:
        key = (id(test), access.lift.name)
        found = self.memory.levels.get(key) if not test.variables else None
        if found is None:
            found = self._read_levels(test, base, access)
            if not test.variables:
                self.memory.levels[key] = found
        return found

    def _read_levels(self, test: Test, base: Base, access: Read) -> Levels:
        plain: list[Shape] = []
        wide: list[Shape] = []
        partly: list[Shape] = []
        tied: list[Pattern] = []
        undecided = perhaps = False
        for entry in test.values:
            rewritten = self._rewritten(test, base, entry) if test.variables else None
            if rewritten is not None:
                plain.extend(rewritten)
                continue
            pattern = expand(base.family, entry, test.variables, self.request())
            if isinstance(pattern, Result):
                hangs = pattern.truth is Truth.UNKNOWN and test.variables and self._hangs(test, entry)
                perhaps = perhaps or hangs
                undecided = undecided or (pattern.truth is Truth.UNKNOWN and not hangs)
            elif any(isinstance(item, Hole) and item.target is None for item in pattern):
                written = list(spellings(pattern))
                partly.extend(written)
                undecided = undecided or _REST in written
            elif any(isinstance(item, Hole) for item in pattern):
                tied.append(self._labelled(base, pattern, entry))
                wide.extend((*self._with(base, pattern), *self._without(test, base, entry, pattern)))
            else:
                plain.append(widened(pattern))
        if not tied:
            language = self.language(access, plain) if plain else -1
            possible = self.language(access, [*plain, *partly]) if partly and not undecided else -1
            return Levels(language, undecided, base.negated, perhaps=perhaps, possible=possible)
        undecided = undecided or bool(partly)
        atom = self.languages.atom(test.key, (*tied, *plain))
        narrow = self.language(access, plain) if plain else -1
        return Levels(self.language(access, [*plain, *wide]), undecided, base.negated, atom, narrow, perhaps)

    def _hangs(self, test: Test, entry: Entry) -> bool:
        """Whether a value matches nothing where the request has not a key that it reads; it has the one that is tested."""
        read = [piece.key for piece in parts(entry.text) if isinstance(piece, Variable) and piece.default is None]
        return any(key != test.key and self._is_free(key) and self.may_be_absent(key) for key in read)

    def _labelled(self, base: Base, pattern: Pattern, entry: Entry) -> Pattern:
        """A pattern whose holes are told apart by whether case counts, and by the defaults of their variables where needed."""
        address = ANY_CASE if base.family == "ignore_case" else "request"
        labels = iter(
            [
                f"{piece.key} {piece.default if self.may_be_absent(piece.key) else None}"
                for piece in parts(entry.text)
                if isinstance(piece, Variable) and self._is_free(piece.key)
            ]
        )
        return tuple(
            Hole(item.open, Target(address, next(labels)), SOME_TEXT) if isinstance(item, Hole) else item for item in pattern
        )

    def _with(self, base: Base, pattern: Pattern) -> Iterator[Shape]:
        """A pattern with what its holes can be, as far as that is known."""
        holes = [item for item in pattern if isinstance(item, Hole)]
        names = [one.target.attribute if one.target is not None else "" for one in holes]
        shapes_of = [self.space.shape(name) or one.shape for name, one in zip(names, holes, strict=True)]
        options = [self._assumed.get(name) or [shape] for name, shape in zip(names, shapes_of, strict=True)]
        if math.prod(len(shapes) for shapes in options) > MAX_SHAPES:
            options = [[shape] for shape in shapes_of]
        for shapes in product(*options):
            left = iter(shapes)
            whole = tuple(token for item in pattern for token in (next(left) if isinstance(item, Hole) else (item,)))
            yield shape_without_case(whole) if base.family == "ignore_case" else whole

    def _without(self, test: Test, base: Base, entry: Entry, pattern: Pattern) -> Iterator[Shape]:
        """The patterns that a value with free variables is where the request has not their keys."""
        names = dict.fromkeys(item.target.attribute for item in pattern if isinstance(item, Hole) and item.target is not None)
        optional = [name for name in names if name not in self._assumed and self.may_be_absent(name)]
        for flags in product((False, True), repeat=len(optional)):
            gone = {name: None for name, flag in zip(optional, flags, strict=True) if flag}
            if gone:
                needs = Needs(self.space, self.memory, {**self.bound, **gone})
                found = expand(base.family, entry, test.variables, needs.request())
                if not isinstance(found, Result):
                    yield widened(found)

    def may_be_absent(self, name: str) -> bool:
        """Whether a request may be without a free key."""
        access = self.space.access(name)
        assert isinstance(access, Read)
        if access.presence is not None:
            return True
        variable = access.variable
        if isinstance(variable, Finite):
            return any(way[name] is None for way in variable.ways)
        return variable.optional

    def _rewritten(self, test: Test, base: Base, entry: Entry) -> list[Shape] | None:
        """A value whose policy variable is a part of the very text that is tested, as patterns without it."""
        pieces = parts(entry.text)
        places = [index for index, piece in enumerate(pieces) if isinstance(piece, Variable)]
        if len(places) != 1 or any(isinstance(piece, Hole) for piece in pieces):
            return None
        variable = pieces[places[0]]
        assert isinstance(variable, Variable)
        if not self._is_free(variable.key):
            return None
        access, other = self.space.access(test.key), self.space.access(variable.key)
        if not isinstance(access, Read) or not isinstance(other, Read) or access.variable is not other.variable:
            return None
        if access.presence is not None or other.presence is not None or not isinstance(access.variable, Word):
            return None
        inside = replacement(base, access, other, pieces, places[0])
        if inside is None:
            return None
        mark = Hole(Open("", ""), _MARK, inside)
        marked: list[str | Plain | Hole] = [mark if isinstance(piece, Variable) else piece for piece in pieces]
        pattern = pattern_of(base.family, marked)
        return None if isinstance(pattern, Result) else [widened(pattern)]


_MARK = Target("", "the tested text")
