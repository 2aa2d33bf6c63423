"""Worlds told to people: `fails where IsProd is false and Environment is "dev" or "stage"`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from kmsguard.model.finding import Open
from kmsguard.model.guard import All, Any, Atom, Formula, Named, Not, Scalar, World
from kmsguard.model.truth import Truth

MAX_TOLD = 4  # more ways to fail than that are not told one by one


class _State(NamedTuple):
    """What a world says of one thing: that it is one of these values, or (`among` False) none of them."""

    among: bool
    values: tuple[Scalar, ...]


_View: TypeAlias = "dict[str, _State]"
"""What a world says, by the name of the thing; what it leaves open is not in it."""


class _Subject(NamedTuple):
    """A thing that worlds differ in: a named condition, or a variable or parameter."""

    name: str
    formula: Named | Atom


def describe(
    failing: Sequence[World], fine: Sequence[World], touched: Iterable[Formula], verb: str = "fails"
) -> tuple[Open, ...]:
    """What tells the worlds in which something fails from those in which it does not, in the source's own names.

    Args:
        failing: the worlds in which it fails.
        fine: all other worlds.
        touched: the formulas in which the worlds differ, in the order in which they mattered.
        verb: what happens there, if it is not that something fails.

    Empty where nothing tells them apart.
    """
    if not failing or not fine:
        return ()
    subjects = _subjects(touched)
    bad, good = _views(failing, subjects), _views(fine, subjects)
    for subject in reversed(subjects):
        fewer_bad, fewer_good = _without(bad, subject.name), _without(good, subject.name)
        if all(_apart(one, other) for one in fewer_bad for other in fewer_good):
            bad, good = fewer_bad, fewer_good
    bad = _merged(bad)
    if len(bad) > MAX_TOLD:
        names = list(dict.fromkeys(name for view in bad for name in view))
        return (Open(", ".join(names), f"{verb} in {len(bad)} combinations of {_listed(names)}"),)
    return tuple(Open(", ".join(view), f"{verb} where {' and '.join(_told(*item) for item in view.items())}") for view in bad)


def references(touched: Iterable[Formula]) -> tuple[str, ...]:
    """The names of what formulas hang on."""
    return tuple(subject.name for subject in _subjects(touched))


def _subjects(touched: Iterable[Formula]) -> list[_Subject]:
    return list({subject.name: subject for formula in touched for subject in _within(formula)}.values())


def _within(formula: Formula) -> Iterator[_Subject]:
    if isinstance(formula, Named):
        yield _Subject(formula.name, formula)
    elif isinstance(formula, Atom):
        yield _Subject(formula.subject, formula)
    elif isinstance(formula, Not):
        yield from _within(formula.of)
    elif isinstance(formula, (All, Any)):
        for part in formula.of:
            yield from _within(part)


def _views(worlds: Sequence[World], subjects: Sequence[_Subject]) -> list[_View]:
    views: list[_View] = []
    for world in worlds:
        states = ((subject.name, _state(world, subject.formula)) for subject in subjects)
        view = {name: state for name, state in states if state is not None}
        if view not in views:
            views.append(view)
    return views


def _state(world: World, formula: Named | Atom) -> _State | None:
    if isinstance(formula, Named):
        truth = world.truth(formula)
        return None if truth is Truth.UNKNOWN else _State(True, (truth is Truth.YES,))
    excluded: list[Scalar] = []
    for atom, holds in world.assumed.items():
        if (atom.unit, atom.subject) == (formula.unit, formula.subject):
            if holds:
                return _State(True, (atom.value,))
            excluded.append(atom.value)
    if not excluded:
        return None
    if formula.among:
        return _State(True, tuple(value for value in formula.among if not _holds(excluded, value)))
    return _State(False, tuple(excluded))


def _holds(values: Iterable[Scalar], value: Scalar) -> bool:
    # bool before int: in Python True == 1, in a template they are different values
    return any(one == value and type(one) is type(value) for one in values)


def _without(views: list[_View], name: str) -> list[_View]:
    out: list[_View] = []
    for view in views:
        fewer = {key: state for key, state in view.items() if key != name}
        if fewer not in out:
            out.append(fewer)
    return out


def _apart(one: _View, other: _View) -> bool:
    """Whether no world can be in both."""
    return any(name in other and _disjoint(state, other[name]) for name, state in one.items())


def _disjoint(one: _State, other: _State) -> bool:
    if one.among and other.among:
        return not any(_holds(other.values, value) for value in one.values)
    if one.among or other.among:
        these, excluded = (one, other) if one.among else (other, one)
        return all(_holds(excluded.values, value) for value in these.values)
    return False


def _merged(views: list[_View]) -> list[_View]:
    """Views that differ in the values of one thing alone, joined."""
    views = list(views)
    while True:
        for number, view in enumerate(views):
            for other in views[number + 1 :]:
                joined = _joined(view, other)
                if joined is not None:
                    views = [one for one in views if one is not other]
                    views[number] = joined
                    break
            else:
                continue
            break
        else:
            return views


def _joined(one: _View, other: _View) -> _View | None:
    if one.keys() != other.keys():
        return None
    different = [name for name in one if one[name] != other[name]]
    if len(different) != 1 or not (one[different[0]].among and other[different[0]].among):
        return None
    name = different[0]
    values = one[name].values + tuple(v for v in other[name].values if not _holds(one[name].values, v))
    return {**one, name: _State(True, values)}


def _told(name: str, state: _State) -> str:
    if state.among:
        return f"{name} is {_listed([_literal(value) for value in state.values], 'or')}"
    return f"{name} is not {_listed([_literal(value) for value in state.values], 'or')}"


def _literal(value: Scalar) -> str:
    return f'"{value}"' if isinstance(value, str) else "null" if value is None else str(value).lower()


def _listed(items: Sequence[str], word: str = "and") -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"
