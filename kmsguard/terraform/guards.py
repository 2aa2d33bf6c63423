"""Formulas kept small while an evaluation puts them together: what contradicts itself is seen, what follows is left out.

The facts that a formula speaks of have few values each, so it is looked at in all of their combinations at once: a set of
worlds is the bits of one integer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from kmsguard.model.guard import All, Any, Atom, Formula, Named, Not, Scalar, atoms, conjunction, disjunction
from kmsguard.model.truth import Truth
from kmsguard.model.value import possible as plainly_possible

MOST_WORLDS = 1 << 12
"""In so many combinations of facts formulas are looked at; beyond that only plain contradictions are seen."""

_Value: TypeAlias = "tuple[type, Scalar]"
_OTHER: _Value = (object, None)  # any value that no atom names


class _Worlds:
    """All combinations of the values of some facts."""

    def __init__(self, domains: dict[tuple[str, str], list[_Value]]) -> None:
        self.count = 1
        self.places: dict[tuple[str, str], tuple[int, dict[_Value, int]]] = {}
        for subject, values in domains.items():
            self.places[subject] = self.count, {value: number for number, value in enumerate(values)}
            self.count *= len(values)
        self.all = (1 << self.count) - 1
        self._atoms: dict[Atom, int] = {}

    def where(self, formula: Formula) -> int:
        """The worlds in which a formula holds."""
        if isinstance(formula, Atom):
            found = self._atoms.get(formula)
            if found is None:
                found = self._atoms[formula] = self._atom(formula)
            return found
        if isinstance(formula, Not):
            return self.all ^ self.where(formula.of)
        if isinstance(formula, Named):
            return self.where(formula.of)
        if isinstance(formula, All):
            worlds = self.all
            for part in formula.of:
                worlds &= self.where(part)
            return worlds
        if isinstance(formula, Any):
            worlds = 0
            for part in formula.of:
                worlds |= self.where(part)
            return worlds
        return self.all if formula is Truth.YES else 0

    def _atom(self, atom: Atom) -> int:
        step, values = self.places[atom.unit, atom.subject]
        number = values.get((type(atom.value), atom.value))
        if number is None:
            return 0
        # runs of `step` worlds with this value, one in each period
        run = ((1 << step) - 1) << (step * number)
        period = step * len(values)
        out = 0
        for start in range(0, self.count, period):
            out |= run << start
        return out


def _worlds(*formulas: Formula) -> _Worlds | None:
    """The worlds that formulas speak of; None where there are too many, or a formula has a part that nothing decides."""
    domains: dict[tuple[str, str], list[_Value]] = {}
    closed: set[tuple[str, str]] = set()
    for formula in formulas:
        if not _is_decidable(formula):
            return None
        for atom in atoms(formula):
            subject = atom.unit, atom.subject
            values = domains.setdefault(subject, [])
            if atom.among:
                closed.add(subject)
            for value in atom.among or (atom.value,):
                if (type(value), value) not in values:
                    values.append((type(value), value))
    count = 1
    for subject, values in domains.items():
        if subject not in closed:
            values.append(_OTHER)
        count *= len(values)
        if count > MOST_WORLDS:
            return None
    return _Worlds(domains)


def _is_decidable(formula: Formula) -> bool:
    if isinstance(formula, (All, Any)):
        return all(_is_decidable(part) for part in formula.of)
    if isinstance(formula, (Not, Named)):
        return _is_decidable(formula.of)
    return formula is not Truth.UNKNOWN


@lru_cache(maxsize=1 << 14)
def meet(one: Formula, other: Formula) -> Formula:
    """AND: NO where both cannot hold together, one of them where the other one follows from it."""
    if one is Truth.YES or other is Truth.NO:
        return other
    if other is Truth.YES or one is Truth.NO:
        return one
    both = conjunction(*_parts(one, All), *_parts(other, All))
    worlds = _worlds(one, other)
    if worlds is None:
        return both if plainly_possible(both) else Truth.NO
    first, second = worlds.where(one), worlds.where(other)
    left = first & second
    if not left:
        return Truth.NO
    if left == first:
        return one
    return other if left == second else both


@lru_cache(maxsize=1 << 14)
def join(one: Formula, other: Formula) -> Formula:
    """OR: YES where one of both always holds, one of them where it follows from the other one."""
    if one is Truth.NO or other is Truth.YES:
        return other
    if other is Truth.NO or one is Truth.YES:
        return one
    either = disjunction(*_parts(one, Any), *_parts(other, Any))
    worlds = _worlds(one, other)
    if worlds is None:
        return either
    first, second = worlds.where(one), worlds.where(other)
    left = first | second
    if left == worlds.all:
        return Truth.YES
    if left == first:
        return one
    if left == second:
        return other
    return _without_shared(one, other, left, worlds) or either


def _without_shared(one: Formula, other: Formula, wanted: int, worlds: _Worlds) -> Formula | None:
    """`(a and b) or (a and not b)` is `a`."""
    shared = [part for part in _parts(one, All) if part in _parts(other, All)]
    if not shared:
        return None
    formula = conjunction(*shared)
    return formula if worlds.where(formula) == wanted else None


def any_holds(*formulas: Formula) -> Formula:
    """OR of several."""
    out: Formula = Truth.NO
    for formula in formulas:
        out = join(out, formula)
    return out


def _parts(formula: Formula, kind: type[All | Any]) -> tuple[Formula, ...]:
    return formula.of if isinstance(formula, kind) else (formula,)
