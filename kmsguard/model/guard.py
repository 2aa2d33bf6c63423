"""What a branch, a resource or an edge hangs on: formulas over open facts, and the worlds in which they are decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias, final

import msgspec

from kmsguard.model.truth import NO, UNKNOWN, YES, Truth

Scalar: TypeAlias = "str | bool | int | float | None"


@final
class Atom(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """One open fact of a unit: the `subject` (a variable, a parameter, or the text of a condition that cannot be looked into)
    equals a value.

    Atoms of the same unit and subject with different values exclude each other; where `among` lists all values that the
    subject can have, one of them holds.
    """

    unit: str
    subject: str  # as its language writes it: `var.prod`, `Environment`
    value: Scalar = True
    among: tuple[Scalar, ...] = ()

    @property
    def alone(self) -> Truth:
        """What it is where nothing is assumed of its subject."""
        return self.left(self.among)

    def left(self, among: Sequence[Scalar]) -> Truth:
        """What it is where its subject can only have these values any more."""
        if not self.among:
            return UNKNOWN
        value = self.value
        for one in among:
            if (one is value or one == value) and type(one) is type(value):
                return YES if len(among) == 1 else UNKNOWN
        return NO


@final
class Not(msgspec.Struct, frozen=True, gc=False):
    """Negation."""

    of: Formula


@final
class All(msgspec.Struct, frozen=True, gc=False):
    """Conjunction; of nothing it is true."""

    of: tuple[Formula, ...]


@final
class Any(msgspec.Struct, frozen=True, gc=False):
    """Disjunction; of nothing it is false."""

    of: tuple[Formula, ...]


@final
class Named(msgspec.Struct, frozen=True, gc=False):
    """A formula that has a name in the source (a CloudFormation condition, a local), by which it is shown."""

    name: str
    of: Formula


_Typed: TypeAlias = tuple[type, Scalar]


def _typed(value: Scalar) -> _Typed:
    """In Python True == 1, in a template they are different values."""
    return type(value), value


Formula: TypeAlias = "Truth | Atom | Not | All | Any | Named"
"""A Truth is a formula that is decided already; UNKNOWN is one that no assumption can decide."""


class World(msgspec.Struct, frozen=True, dict=True):
    """A set of assumptions about atoms. The empty world assumes nothing.

    In a `vague` world what hangs on an atom that is left open is unknown, instead of an UndecidedError: what is certain there
    is so however the atom turns out.
    """

    assumed: Mapping[Atom, bool] = {}
    vague: bool = False

    def truth(self, formula: Formula) -> Truth:
        """What a formula is in this world: UNKNOWN where an atom is not assumed, and does not follow from what is."""
        if type(formula) is Atom:
            return self._atom(formula)
        if type(formula) is Named:
            known = self._told.get(id(formula))
            if known is None:
                known = self._told[id(formula)] = (self.truth(formula.of), formula)
            return known[0]
        if type(formula) is Not:
            return ~self.truth(formula.of)
        if type(formula) is All or type(formula) is Any:
            return self._of_several(formula.of, NO if type(formula) is All else YES)
        return formula

    def _of_several(self, formulas: tuple[Formula, ...], decisive: Truth) -> Truth:
        result = ~decisive
        for part in formulas:
            truth = self.truth(part)
            if truth is decisive:
                return truth
            if truth is UNKNOWN:
                result = truth
        return result

    @cached_property
    def key(self) -> frozenset[tuple[Atom, bool]]:
        """The same for worlds that assume the same."""
        return frozenset(self.assumed.items())

    @cached_property
    def wider(self) -> World | None:
        """The world without the last assumption, of a vague one that which is not; None of the one that assumes nothing.

        What was found out in it, without an UndecidedError, is so in this world too.
        """
        if self.vague:
            return World(self.assumed)
        return World(dict(list(self.assumed.items())[:-1])) if self.assumed else None

    @cached_property
    def vaguely(self) -> World:
        """The vague world of the same assumptions."""
        return World(self.assumed, vague=True)

    @cached_property
    def _told(self) -> dict[int, tuple[Truth, Named]]:
        """What the named formulas were that it was asked for; each is kept, so that its identity stays its own."""
        return {}

    @cached_property
    def _subjects(self) -> dict[tuple[str, str], tuple[_Typed | None, set[_Typed]]]:
        """By subject: the value that it has, and those that it has not."""
        subjects: dict[tuple[str, str], tuple[_Typed | None, set[_Typed]]] = {}
        for atom, holds in self.assumed.items():
            held, excluded = subjects.setdefault((atom.unit, atom.subject), (None, set()))
            if holds:
                subjects[atom.unit, atom.subject] = (held or _typed(atom.value), excluded)
            else:
                excluded.add(_typed(atom.value))
        return subjects

    def _atom(self, atom: Atom) -> Truth:
        said = self._subjects.get((atom.unit, atom.subject))
        if said is None:
            return atom.alone
        held, excluded = said
        value = _typed(atom.value)
        if held is not None:
            return YES if held == value else NO
        if value in excluded:
            return NO
        return atom.left([one for one in atom.among if _typed(one) not in excluded])

    def assume(self, atom: Atom, holds: bool) -> World | None:
        """This world with one more assumption, or None where the two contradict each other."""
        known = self._atom(atom)
        if known is not UNKNOWN:
            return self if known is Truth.of(holds) else None
        return World({**self.assumed, atom: holds})


NOWHERE_ASSUMED = World()


class UndecidedError(Exception):
    """Raised by whoever needs a formula decided that the world leaves open; caught in `judge`, which splits the world there.

    Not an error of input, and never seen by users.
    """

    def __init__(self, atom: Atom, formula: Formula) -> None:
        super().__init__()
        self.atom = atom
        self.formula = formula

    def __str__(self) -> str:
        return show(self.formula)


def atoms(formula: Formula) -> Iterator[Atom]:
    """The atoms of a formula, in the order in which they stand."""
    if type(formula) is Atom:
        yield formula
    elif isinstance(formula, (Not, Named)):
        yield from atoms(formula.of)
    elif isinstance(formula, (All, Any)):
        for part in formula.of:
            yield from atoms(part)


def decide(formula: Formula, world: World) -> Truth:
    """What a formula is in a world.

    Returns UNKNOWN only where no assumption could decide it, or in a vague world.

    Raises:
        UndecidedError: where an atom that the world leaves open decides it.
    """
    truth = world.truth(formula)
    if truth is UNKNOWN and not world.vague:
        for atom in atoms(formula):
            if world.truth(atom) is UNKNOWN:
                raise UndecidedError(atom, formula)
    return truth


MAX_STEPS = 400  # of the search in `consistent`


def consistent(world: World, formulas: Iterable[Formula]) -> bool:
    """Whether all of some formulas can hold in a world; also True where finding out takes more than MAX_STEPS."""
    whole = conjunction(*formulas)
    pending = [world]
    for _ in range(MAX_STEPS):
        if not pending:
            return False
        here = pending.pop()
        truth = here.truth(whole)
        if truth is NO:
            continue
        atom = None if truth is YES else next((a for a in atoms(whole) if here.truth(a) is UNKNOWN), None)
        if atom is None:
            return True
        split = (here.assume(atom, holds) for holds in (False, True))
        pending.extend(narrower for narrower in split if narrower is not None)
    return True


def negate(formula: Formula) -> Formula:
    """NOT, simplified."""
    if type(formula) is Truth:
        return ~formula
    return formula.of if type(formula) is Not else Not(formula)


def conjunction(*formulas: Formula) -> Formula:
    """AND, simplified: decided parts are dropped, a part that is NO decides all."""
    if len(formulas) == 2:  # most have two, of which one says nothing
        if formulas[0] is YES:
            return formulas[1]
        if formulas[1] is YES:
            return formulas[0]
    parts: list[Formula] = []
    for formula in formulas:
        if formula is NO:
            return NO
        if formula is not YES and formula not in parts:
            parts.append(formula)
    return YES if not parts else parts[0] if len(parts) == 1 else All(tuple(parts))


def disjunction(*formulas: Formula) -> Formula:
    """OR, simplified."""
    parts: list[Formula] = []
    for formula in formulas:
        if formula is YES:
            return YES
        if formula is not NO and formula not in parts:
            parts.append(formula)
    return NO if not parts else parts[0] if len(parts) == 1 else Any(tuple(parts))


def show(formula: Formula) -> str:
    """A formula as text: `var.prod`, `Environment == "prod"`, `IsProd`, `not (IsProd and IsEast)`."""
    if isinstance(formula, Truth):
        return formula.name.lower()
    if type(formula) is Named:
        return formula.name
    if type(formula) is Atom:
        if formula.value is True:
            return formula.subject
        value = f'"{formula.value}"' if isinstance(formula.value, str) else str(formula.value).lower()
        return f"{formula.subject} == {value}"
    if type(formula) is Not:
        return f"not {_inner(formula.of)}"
    return (" and " if type(formula) is All else " or ").join(_inner(f) for f in formula.of)


def _inner(formula: Formula) -> str:
    return f"({show(formula)})" if isinstance(formula, (All, Any)) else show(formula)
