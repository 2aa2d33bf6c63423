"""What is free in a request: variables over texts, over few values, and over sets of texts, with constraints on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Literal, TypeAlias

import msgspec

from kmsguard.iam.languages import Automaton, Budget, is_plain, solve, union
from kmsguard.iam.shapes import Shape, Token
from kmsguard.iam.texts import Hole, Pattern, takes
from kmsguard.model.value import Target


class Word(msgspec.Struct, frozen=True, eq=False):
    """A text out of a domain; `optional`: the request may be without it."""

    name: str
    domain: tuple[Automaton, ...]
    optional: bool = False
    seeds: tuple[str, ...] = ("x",)
    outside: tuple[Automaton, ...] = ()  # what the domain does not hold


class Finite(msgspec.Struct, frozen=True, eq=False):
    """One of few ways to fill some condition keys; None: the request has not the key."""

    name: str
    ways: tuple[dict[str, str | None], ...]

    @property
    def full(self) -> int:
        """All ways, as bits."""
        return (1 << len(self.ways)) - 1


class Texts(msgspec.Struct, frozen=True, eq=False):
    """A set of texts, not empty where it is there."""

    name: str
    domain: tuple[Automaton, ...]
    optional: bool = False


Variable: TypeAlias = "Word | Finite | Texts"


class Present(IntEnum):
    """What a constraint asks of a value that is there."""

    NEVER = 0
    ALWAYS = 1
    IN = 2
    OUT = 3


Quantifier: TypeAlias = Literal["one", "all", "some"]
DUAL: dict[Quantifier, Quantifier] = {"one": "one", "all": "some", "some": "all"}
_OPPOSITE = (Present.ALWAYS, Present.NEVER, Present.OUT, Present.IN)


class Constraint(msgspec.Struct, frozen=True):
    """What one condition asks of one variable.

    Of a word: `absent` says whether it may be absent, `present` and `language` what it has to be otherwise. Of a set the same
    for all or some of its texts. Of a finite variable `ways` are those that are left.
    """

    variable: str
    absent: bool = False
    present: Present = Present.ALWAYS
    language: int = -1  # in the table of languages; -1: the one that holds nothing
    quantifier: Quantifier = "one"
    ways: int = -1
    atom: int = -1  # a pattern with policy variables: its texts are in `language`, and texts of `narrow` are certainly its
    narrow: int = -1

    def opposite(self, full: int) -> Constraint:
        """What holds exactly where this does not. `full` are all ways of a finite variable."""
        if self.ways >= 0:
            return msgspec.structs.replace(self, ways=full & ~self.ways)
        return msgspec.structs.replace(
            self, absent=not self.absent, present=_OPPOSITE[self.present], quantifier=DUAL[self.quantifier]
        )

    @property
    def outside(self) -> int:
        """The language that a text must not be in, where it is to be out."""
        return self.narrow if self.atom >= 0 else self.language


ANY_CASE = "any case"
"""The address of what stands for a text in whatever case, as a part of a pattern."""


class Relation(msgspec.Struct, frozen=True):
    """A key has to fit a pattern with what another key holds in it and `more` characters at least.

    `same`: there is nothing else in the pattern. `any_case`: letters of either case will do.
    """

    tested: str
    read: str
    more: int
    same: bool
    any_case: bool


_FEW = 4
_BUILDING = 2  # steps for each token


class Languages:
    """Automata, and patterns with policy variables, by number, so that constraints can be compared.

    `budget` pays for what is built.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.table: list[Automaton] = []
        self._numbers: dict[object, int] = {}
        self._plain: dict[int, bool] = {}
        self._atoms: dict[tuple[str, tuple[Pattern, ...]], int] = {}
        self._patterns: list[tuple[str, tuple[Pattern, ...]]] = []
        self._wider: dict[tuple[int, int], bool] = {}

    def number(self, key: object, shapes: Callable[[], Iterable[Shape]]) -> int:
        """The number of the language that `key` identifies; `shapes` are patterns for it."""
        found = self._numbers.get(key)
        if found is None:
            patterns = list(shapes())
            self.budget.spend(_BUILDING * sum(map(len, patterns)))
            found = self._numbers[key] = len(self.table)
            self.table.append(union(patterns))
        return found

    def merged(self, numbers: tuple[int, ...]) -> list[Automaton]:
        """Languages as few automata that together hold the same: those without wildcards are one."""
        if len(numbers) <= _FEW:
            return [self.table[number] for number in numbers]
        plain = [number for number in numbers if self.is_plain(number)]
        rest = [self.table[number] for number in numbers if not self.is_plain(number)]
        return [*rest, self.table[self.union(plain)]] if plain else rest

    def union(self, numbers: Sequence[int]) -> int:
        """The number of the language of several languages that are unions of patterns."""
        key = ("union", *numbers)
        return self.number(key, lambda: [pattern for number in numbers for pattern in self.table[number].patterns])

    def is_plain(self, number: int) -> bool:
        """Whether a language is of texts without wildcards, but for what takes all the rest."""
        if number not in self._plain:
            self._plain[number] = is_plain(self.table[number])
        return self._plain[number]

    def atom(self, key: str, patterns: tuple[Pattern, ...]) -> int:
        """The number of patterns, some with policy variables, that a condition key is tested against."""
        found = self._atoms.get((key, patterns))
        if found is None:
            found = self._atoms[key, patterns] = len(self._patterns)
            self._patterns.append((key, patterns))
        return found

    def relation(self, atom: int) -> Relation | None:
        """What patterns say of two keys; None where they are more than one pattern with one policy variable in it."""
        key, patterns = self._patterns[atom]
        holes = [item for item in patterns[0] if isinstance(item, Hole)]
        if len(patterns) != 1 or len(holes) != 1 or holes[0].target is None:
            return None
        read, _, default = holes[0].target.attribute.rpartition(" ")
        if default != "None":
            return None
        more = sum(not item.loop for item in patterns[0] if isinstance(item, Token))
        return Relation(key, read, more, len(patterns[0]) == 1, holes[0].target.address == ANY_CASE)

    def is_wider(self, one: int, other: int) -> bool:
        """Whether such patterns take whatever others take; may say no where they do."""
        if (one, other) not in self._wider:
            (key, wide), (other_key, narrow) = self._patterns[one], self._patterns[other]
            self._wider[one, other] = key == other_key and all(any(_takes(w, n) for w in wide) for n in narrow)
        return self._wider[one, other]


def _takes(wide: Pattern, narrow: Pattern) -> bool:
    """Whether a pattern takes what another one takes. A text is one in whatever case too, but not the other way round."""
    if any(isinstance(item, Hole) and item.target is not None and item.target.address == ANY_CASE for item in wide):
        narrow = tuple(
            msgspec.structs.replace(item, target=Target(ANY_CASE, item.target.attribute))
            if isinstance(item, Hole) and item.target is not None
            else item
            for item in narrow
        )
    return takes(wide, narrow)


class Fill(msgspec.Struct, frozen=True):
    """A value for a variable: a text, texts, the number of a way, or None for absent."""

    value: str | tuple[str, ...] | int | None


ABSENT = Fill(None)


class Solver:
    """Finds values for variables under constraints, each variable by itself. Answers are remembered."""

    def __init__(self, languages: Languages, budget: Budget) -> None:
        self.languages = languages
        self.budget = budget
        self._words: dict[tuple[object, ...], str | None] = {}

    def fill(self, variable: Variable, constraints: Sequence[Constraint]) -> Fill | None:
        """A value that meets all constraints; None where there is none.

        Raises:
            TooLargeError: where finding one costs too much.
        """
        if isinstance(variable, Finite):
            ways = variable.full
            for constraint in constraints:
                ways &= constraint.ways
            return Fill((ways & -ways).bit_length() - 1) if ways else None
        if isinstance(variable, Texts):
            return self.fill_texts(variable, constraints)
        return self.fill_word(variable, constraints)

    def fill_word(self, variable: Word, constraints: Sequence[Constraint]) -> Fill | None:
        """The same for a text."""
        if variable.optional and all(constraint.absent for constraint in constraints):
            return ABSENT
        return self.fill_present(variable, constraints)

    def fill_present(self, variable: Word, constraints: Iterable[Constraint], more: Iterable[Automaton] = ()) -> Fill | None:
        """A text that is there, and in `more` too."""
        inside: dict[int, None] = {}
        outside: dict[int, None] = {}
        for constraint in constraints:
            if constraint.present is Present.NEVER:
                return None
            if constraint.present is Present.IN:
                inside[constraint.language] = None
            elif constraint.present is Present.OUT and constraint.outside >= 0:
                outside[constraint.outside] = None
        found = self.word((*variable.domain, *more), inside, outside, variable.seeds, variable.outside)
        return None if found is None else Fill(found)

    def word(
        self,
        domain: tuple[Automaton, ...],
        inside: Iterable[int],
        outside: Iterable[int],
        seeds: Iterable[str] = (),
        without: tuple[Automaton, ...] = (),
    ) -> str | None:
        """A text of the domain, not in `without`, that is in all of some languages and in none of others."""
        ins, outs = tuple(sorted(inside)), tuple(sorted(outside))
        key = (domain, without, ins, outs)
        if key not in self._words:
            found = None
            if set(ins).isdisjoint(outs):
                table = self.languages.table
                apart = (*without, *self.languages.merged(outs))
                found = solve((*domain, *(table[i] for i in ins)), apart, self.budget, seeds)
            self._words[key] = found
        return self._words[key]

    def fill_texts(
        self,
        variable: Texts,
        constraints: Sequence[Constraint],
        needed: Iterable[Automaton] = (),
        forbidden: Iterable[Automaton] = (),
        seeds: Sequence[str] = (),
    ) -> Fill | None:
        """The same for a set of texts: it has one of each of `needed` and none of `forbidden`; `seeds` are tried first."""
        needed = tuple(needed)
        if variable.optional and not needed and all(constraint.absent for constraint in constraints):
            return ABSENT
        ins: dict[int, None] = {}
        outs: dict[int, None] = {}
        some: list[Constraint] = []
        for constraint in constraints:
            if constraint.present is Present.NEVER:
                return None
            if constraint.present is Present.ALWAYS or (constraint.present is Present.OUT and constraint.outside < 0):
                continue
            if constraint.quantifier == "some":
                some.append(constraint)
            elif constraint.present is Present.IN:
                ins[constraint.language] = None
            else:
                outs[constraint.outside] = None
        table = self.languages.table
        outside = [*(table[i] for i in outs), *forbidden]
        every = (*variable.domain, *(table[i] for i in ins))
        found: dict[str, None] = {}
        wanted: list[tuple[tuple[Automaton, ...], tuple[Automaton, ...]]] = [((one,), ()) for one in needed]
        for constraint in some:
            if constraint.present is Present.IN:
                wanted.append(((table[constraint.language],), ()))
            else:
                wanted.append(((), (table[constraint.outside],)))
        for inside, without in wanted or [((), ())]:
            text = solve((*every, *inside), (*outside, *without), self.budget, (*found, *seeds, "x"))
            if text is None:
                return None
            found[text] = None
        return Fill(tuple(found))
