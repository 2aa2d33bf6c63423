"""Values for all free variables of a request at once, and the request that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, product
from typing import TypeAlias

import msgspec

from kmsguard.iam.domains import source_arns
from kmsguard.iam.facts import Facts
from kmsguard.iam.keys import CONTEXT, CONTEXT_KEYS, find
from kmsguard.iam.languages import END, Automaton, Product, TooLargeError, union
from kmsguard.iam.needs import UNMET, Alternative, Need
from kmsguard.iam.request import Call
from kmsguard.iam.shapes import shape_without_case, spelled
from kmsguard.iam.space import FOREIGN, Constant, Read, Space
from kmsguard.iam.variables import ABSENT, Constraint, Fill, Finite, Present, Solver, Texts, Variable, Word

_MAX_NAMES = 10
_NODE_COST = 20
SOURCES = ("aws:sourceaccount", "aws:sourcearn")

Constraints: TypeAlias = "dict[str, tuple[Constraint, ...]]"
Solution: TypeAlias = "dict[str, Fill]"
ValueOf: TypeAlias = "Callable[[Variable], str | tuple[str, ...] | int | None]"


def is_arn(key: str) -> bool:
    """Whether an entry of the encryption context (its condition key) is the ARN of a customer, where a service sends it."""
    name = key[len(CONTEXT) :]
    return name.startswith("aws:") and name.endswith("arn")


_MANY = 4


class Prepared(msgspec.Struct, frozen=True):
    """Needs that are left, and constraints that hold in any case."""

    needs: tuple[Need, ...]
    constraints: dict[str, tuple[Constraint, ...]]


class Solving:
    """Meets needs one by one, and takes back what leads nowhere."""

    def __init__(self, space: Space, facts: Facts, solver: Solver) -> None:
        self.space = space
        self.facts = facts
        self.solver = solver
        names = [key for key in facts.keys if key.startswith(CONTEXT) and isinstance(space.access(key), Read)]
        self.names = names
        self.texts = CONTEXT_KEYS in facts.keys and isinstance(space.access(CONTEXT_KEYS), Read)
        self.foreign = space.is_service and space.case.foreign
        # variables that hang together beyond their constraints: the context, and what a service says of its customer
        tied = {CONTEXT_KEYS, *names} if self.texts else set()
        if self.foreign:
            tied |= {*SOURCES, *(key for key in names if is_arn(key))}
        self.tied = frozenset(tied)

    def prepare(self, needs: Sequence[Need]) -> Prepared | None:
        """Needs, with what follows from them for certain; None where they cannot be met."""
        if UNMET in needs:
            return None
        self.solver.budget.spend(_NODE_COST * (1 + len(needs)))
        sure: dict[str, dict[Constraint, None]] = {}
        for need in needs:
            for constraint in need[0] if len(need) == 1 else ():
                sure.setdefault(constraint.variable, {})[constraint] = None
        constraints = {name: self._merged(tuple(held)) for name, held in sure.items()}
        if not all(self._fits(name, held) for name, held in constraints.items()):
            return None
        reduced = self._reduce([need for need in dict.fromkeys(needs) if len(need) > 1], constraints, free=False)
        return None if reduced is None else Prepared(tuple(reduced[0]), reduced[1])

    def _merged(self, held: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
        """The same constraints, many of one sort as one."""
        languages = self.solver.languages
        plain = [
            one
            for one in held
            if one.present is Present.OUT and one.atom < 0 and not one.absent and one.quantifier == "one" and one.language >= 0
            if languages.is_plain(one.language)
        ]
        if len(plain) <= _MANY:
            return held
        merged = msgspec.structs.replace(plain[0], language=languages.union([one.language for one in plain]))
        many = set(plain)
        return (*(one for one in held if one not in many), merged)

    def solve(self, needs: Sequence[Need], prepared: Prepared) -> Solution | None:
        """Values that meet all needs, those that are prepared too; None where there are none.

        Raises:
            TooLargeError: where that is not decided within the budget.
        """
        return None if UNMET in needs else self._run(list(dict.fromkeys((*needs, *prepared.needs))), prepared.constraints)

    def _run(self, needs: list[Need], constraints: Constraints) -> Solution | None:
        self.solver.budget.spend(_NODE_COST * (1 + len(needs)))
        reduced = self._reduce(needs, constraints)
        if reduced is None:
            return None
        needs, constraints = reduced
        if not needs:
            return self._leaf(constraints)
        need = min(needs, key=len)
        rest = [other for other in needs if other is not need]
        excluded: list[Constraint] = []
        for alternative in need:
            added = self._add(constraints, (*excluded, *alternative))
            if added is not None:
                found = self._run(rest, added)
                if found is not None:
                    return found
            if len(alternative) == 1:
                # the others are tried where this one does not hold: no case is looked at twice
                variable = self.space.variables[alternative[0].variable]
                excluded.append(alternative[0].opposite(variable.full if isinstance(variable, Finite) else 0))
        return None

    def _add(self, constraints: Constraints, more: Iterable[Constraint]) -> Constraints | None:
        out = dict(constraints)
        touched: dict[str, None] = {}
        for constraint in more:
            held = out.get(constraint.variable, ())
            if constraint not in held:
                out[constraint.variable] = (*held, constraint)
                touched[constraint.variable] = None
        return out if all(self._fits(name, out[name]) for name in touched) else None

    def _fits(self, name: str, constraints: Sequence[Constraint]) -> bool:
        variable = self.space.variables[name]
        return not self._contradict(variable, constraints) and self.solver.fill(variable, constraints) is not None

    def _contradict(self, variable: Variable, constraints: Sequence[Constraint]) -> bool:
        """Whether patterns with policy variables exclude each other."""
        if isinstance(variable, Finite):
            return False
        atoms = [c for c in constraints if c.atom >= 0 and c.quantifier != "some"]
        if not atoms or (variable.optional and all(c.absent for c in constraints)):
            return False
        inside = [c.atom for c in atoms if c.present is Present.IN]
        is_wider = self.solver.languages.is_wider
        return any(c.present is Present.OUT and any(is_wider(c.atom, one) for one in inside) for c in atoms)

    def _reduce(
        self, needs: list[Need], constraints: Constraints, *, free: bool = True
    ) -> tuple[list[Need], Constraints] | None:
        """Drops what is met and what cannot be; None where a need is left without alternatives."""
        while True:
            left: list[Need] = []
            changed = False
            for need in needs:
                alternatives = self._open(need, constraints)
                if alternatives is None:
                    continue
                if not alternatives:
                    return None
                if len(alternatives) > 1:
                    left.append(alternatives)
                    continue
                added = self._add(constraints, alternatives[0])
                assert added is not None
                constraints, changed = added, True
            needs = left
            if not changed:
                freed = self._freed(needs, constraints) if free else None
                if freed is None:
                    return needs, constraints
                constraints = freed

    def _open(self, need: Need, constraints: Constraints) -> Need | None:
        """The alternatives of a need that are possible, without what holds already; None where one holds already."""
        out: list[Alternative] = []
        for alternative in need:
            rest = tuple(c for c in alternative if c not in constraints.get(c.variable, ()))
            if not rest:
                return None
            if self._add(constraints, rest) is not None:
                out.append(rest)
        return tuple(out)

    def _freed(self, needs: Sequence[Need], constraints: Constraints) -> Constraints | None:
        """A variable that can do all that is asked of it at once does it: that takes nothing from the others."""
        asked: dict[str, dict[Constraint, None]] = {}
        for need in needs:
            for alternative in need:
                for constraint in alternative:
                    asked.setdefault(constraint.variable, {})[constraint] = None
        for name, more in asked.items():
            if name not in self.tied:
                added = self._add(constraints, more)
                if added is not None:
                    return added
        return None

    # The end: values

    def _leaf(self, constraints: Constraints) -> Solution | None:
        if self._is_circular(constraints):
            return None
        out: Solution = {}
        for name, variable in list(self.space.variables.items()):
            if name not in self.tied:
                fill = self.solver.fill(variable, constraints.get(name, ()))
                if fill is None:
                    return None
                out[name] = fill
        tied = self._fill_tied(constraints)
        return None if tied is None else {**out, **tied}

    def _is_circular(self, constraints: Constraints) -> bool:
        """Whether texts would have to be longer than themselves, or the same and not the same."""
        longer: dict[tuple[str, str], int] = {}
        equal: set[tuple[str, str]] = set()
        apart: set[tuple[str, str]] = set()
        for name, held in constraints.items():
            variable = self.space.variables[name]
            if isinstance(variable, Finite):
                continue
            there = not variable.optional or not all(one.absent for one in held)
            for one in held:
                relation = self.solver.languages.relation(one.atom) if one.atom >= 0 and there else None
                if relation is None or one.quantifier == "some":
                    continue
                if one.present is Present.IN:
                    pair = relation.tested, relation.read
                    longer[pair] = max(longer.get(pair, 0), relation.more)
                    equal.update((pair,) if relation.same and not relation.any_case else ())
                elif one.present is Present.OUT and relation.same:
                    apart.add((relation.read, relation.tested))
        if not equal.isdisjoint(apart):
            return True
        keys = {key for pair in longer for key in pair}
        least = dict.fromkeys(keys, 0)
        for _ in keys:
            for (tested, read), more in longer.items():
                least[tested] = max(least[tested], least[read] + more)
        return any(least[read] + more > least[tested] for (tested, read), more in longer.items())

    def _fill_tied(self, constraints: Constraints) -> Solution | None:
        """Values for what hangs together: which entries the context has, and of which customer a service speaks."""
        if not self.tied:
            return {}
        names = [key for key in self.names if key in self.tied]
        options = {key: self._presence(key, constraints) for key in names}
        if not all(options.values()):
            return None
        for there in self._choices(names, options):
            gone = [key for key in names if key not in there]
            filled = self._customer(there, constraints)
            if filled is None:
                continue
            filled.update((key, ABSENT) for key in gone)
            if self.texts:
                fill = self._context_keys(there, gone, constraints)
                if fill is None:
                    continue
                filled[CONTEXT_KEYS] = fill
            return filled
        return None

    def _choices(self, names: Sequence[str], options: Mapping[str, Sequence[bool]]) -> Iterator[list[str]]:
        """Which entries the context can have. Entries of which nobody else depends are all there, or none is.

        With more of them there is more that `kms:EncryptionContextKeys` can hold; fewer are nicer to read.
        """
        free = [key for key in names if len(options[key]) > 1]
        tied = [key for key in free if self.foreign and is_arn(key)]
        if len(tied) > _MAX_NAMES:
            raise TooLargeError
        for flags in product((False, True), repeat=len(tied)):
            chosen = {key for key, flag in zip(tied, flags, strict=True) if flag}
            chosen.update(key for key in names if options[key] == [True])
            yield [key for key in names if key in chosen]
            more = [key for key in free if key not in tied]
            if more:
                yield [key for key in names if key in chosen or key in more]

    def _word(self, key: str) -> Word:
        variable = self.space.variables[key]
        assert isinstance(variable, Word)
        return variable

    def _presence(self, key: str, constraints: Constraints) -> list[bool]:
        """Whether an entry can be absent, and whether it can be there: its name among the keys, too."""
        held = constraints.get(key, ())
        out = [False] if all(constraint.absent for constraint in held) else []
        there = self.solver.fill_present(self._word(key), held) is not None
        if there and self.texts:
            there = self._context_keys([key], [], self._all_only(constraints)) is not None
        return [*out, True] if there else out

    def _all_only(self, constraints: Constraints) -> Constraints:
        """What is asked of each of the context's keys, without what is asked of some."""
        held = constraints.get(CONTEXT_KEYS, ())
        return {CONTEXT_KEYS: tuple(constraint for constraint in held if constraint.quantifier != "some")}

    def _context_keys(self, there: Sequence[str], gone: Sequence[str], constraints: Constraints) -> Fill | None:
        variable = self.space.variables[CONTEXT_KEYS]
        assert isinstance(variable, Texts)
        names = [self.facts.keys[key][len(CONTEXT) :] for key in there]
        forbidden = [_without_case(key[len(CONTEXT) :]) for key in gone]
        held = constraints.get(CONTEXT_KEYS, ())
        return self.solver.fill_texts(variable, held, [_without_case(name) for name in names], forbidden, names)

    def _customer(self, entries: Sequence[str], constraints: Constraints) -> Solution | None:
        """Texts for entries of the context, and for what a service says of its customer: all of one customer."""
        names = list(entries)
        out: Solution = {}
        if self.foreign:
            for key in SOURCES:
                if key in self.space.variables:
                    if all(constraint.absent for constraint in constraints.get(key, ())):
                        out[key] = ABSENT
                    else:
                        names.append(key)
        bound: list[str] = []
        for key in names:
            fill = self._unbound(key, constraints.get(key, ()))
            if fill is None:
                bound.append(key)
            else:
                out[key] = fill
        return self._of_one(bound, constraints, out)

    def _unbound(self, key: str, held: Sequence[Constraint]) -> Fill | None:
        """A text that says nothing of the customer's account; None where it has to."""
        if not self.foreign or (key not in SOURCES and not is_arn(key)):
            return self.solver.fill_present(self._word(key), held)
        if key == "aws:sourceaccount":
            return None
        return self.solver.fill_present(self._word(key), held, (self._arns(None),))

    def _arns(self, account: str | None) -> Automaton:
        """ARNs with an account, or with none."""
        return source_arns(self.space.deployment.partition, account, "without" if account is None else "with")

    def _of_one(self, bound: Sequence[str], constraints: Constraints, out: Solution) -> Solution | None:
        """Adds texts that all name one account."""
        if not bound:
            return out
        if not self.foreign:
            return None
        account = next((one for one in FOREIGN if self._name(one, bound, constraints) is not None), None)
        account = account or self._common(bound, constraints)
        named = self._name(account, bound, constraints) if account is not None else None
        return None if named is None else {**out, **named}

    def _name(self, account: str, bound: Sequence[str], constraints: Constraints) -> Solution | None:
        out: Solution = {}
        for key in bound:
            own = union([spelled(account)]) if key == "aws:sourceaccount" else self._arns(account)
            fill = self.solver.fill_present(self._word(key), constraints.get(key, ()), (own,))
            if fill is None:
                return None
            out[key] = fill
        return out

    def _common(self, bound: Sequence[str], constraints: Constraints) -> str | None:
        """An account that all of some keys can name."""
        products: list[tuple[Product, bool]] = []
        table = self.solver.languages.table
        partition = self.space.deployment.partition
        for key in bound:
            variable = self._word(key)
            inside, outside = list(variable.domain), list(variable.outside)
            for constraint in constraints.get(key, ()):
                if constraint.present is Present.NEVER:
                    return None
                if constraint.present is Present.IN:
                    inside.append(table[constraint.language])
                elif constraint.present is Present.OUT and constraint.outside >= 0:
                    outside.append(table[constraint.outside])
            arn = key != "aws:sourceaccount"
            if arn:
                inside.append(source_arns(partition, None, "with"))
            products.append((Product(inside, outside, self.solver.budget), arn))
        return _common_account(products)


_ARN_COLONS = 4
States: TypeAlias = "frozenset[tuple[int, ...]]"


def _common_account(products: Sequence[tuple[Product, bool]]) -> str | None:
    """Twelve digits that can stand in all of several texts: as the whole text, or as the account of an ARN."""
    fronts: list[States] = []
    for one, arn in products:
        if one.start is None:
            return None
        fronts.append(frozenset(_before_account(one)) if arn else frozenset((one.start,)))
    seen: set[tuple[States, ...]] = set()
    pending: list[tuple[tuple[States, ...], str]] = [(tuple(fronts), "")]
    while pending:
        front, digits = pending.pop()
        if front in seen or not all(front):
            continue
        seen.add(front)
        if len(digits) == 12:
            if all(_ends(one, arn, states) for (one, arn), states in zip(products, front, strict=True)):
                return digits
            continue
        for digit in "0123456789":
            after: list[States] = []
            for (one, _), states in zip(products, front, strict=True):
                one.budget.spend(len(states) * len(one.automata))
                after.append(frozenset(s for state in states for s in one.steps(state, digit)))
            pending.append((tuple(after), digits + digit))
    return None


def _before_account(one: Product) -> set[tuple[int, ...]]:
    """The states of an ARN before its account."""
    assert one.start is not None
    out: set[tuple[int, ...]] = set()
    seen: set[tuple[tuple[int, ...], int]] = set()
    pending = [(one.start, 0)]
    while pending:
        place = pending.pop()
        if place in seen:
            continue
        seen.add(place)
        state, colons = place
        if colons == _ARN_COLONS:
            out.add(state)
            continue
        chars = one.chars(state)
        one.budget.spend(len(chars) * len(one.automata))
        for char in chars:
            pending.extend((after, colons + (char == ":")) for after in one.steps(state, char))
    return out


def _ends(one: Product, arn: bool, states: States) -> bool:
    if not arn:
        return any(one.accepts(state) for state in states)
    after = [s for state in sorted(states) for s in one.steps(state, ":")]
    return bool(after) and one.find(after) is not None


def _without_case(text: str) -> Automaton:
    return union([shape_without_case(spelled(text))])


# The request as a whole


def write(solution: Mapping[str, Fill], space: Space, facts: Facts, solver: Solver) -> Call:
    """Writes a request down: every key that the document reads and that the request has."""

    def value_of(variable: Variable) -> str | tuple[str, ...] | int | None:
        fill = solution.get(variable.name) or solver.fill(variable, ())
        assert fill is not None
        return fill.value

    word = value_of(space.principal)
    assert isinstance(word, str)
    arn, _, name = word.partition(END)
    values: dict[str, str | tuple[str, ...]] = {}
    for key in facts.keys:
        value = _value(key, space, value_of)
        if value is not None:
            values[key] = value
    if space.is_service:
        return Call("service", arn, _customer(space, values), space.operation, values)
    account = arn.split(":")[4]
    session = None
    if space.case.kind == "role":
        values["aws:principalarn"] = arn
        session = f"arn:{space.deployment.partition}:sts::{account}:assumed-role/{arn.rpartition('/')[2]}/{name}"
    return Call(space.case.kind, arn, account, space.operation, values, session)


def _value(key: str, space: Space, value_of: ValueOf) -> str | tuple[str, ...] | None:
    if find(key) is None or (key == "aws:principaltype" and space.is_service):
        return None
    access = space.access(key)
    if isinstance(access, Constant):
        return access.value
    if access.presence is not None:
        way = value_of(access.presence)
        assert isinstance(way, int)
        if access.presence.ways[way][key] is None:
            return None
    value = value_of(access.variable)
    if isinstance(access.variable, Finite):
        assert isinstance(value, int)
        return access.variable.ways[value][key]
    if value is None or isinstance(value, tuple):
        return value
    assert isinstance(value, str)
    text = access.lift.read(value)
    return (text,) if access.holds_set else text


def _customer(space: Space, values: Mapping[str, str | tuple[str, ...]]) -> str:
    """The account for which a service calls."""
    if space.account is not None:
        return space.account
    for key, value in values.items():
        if isinstance(value, str) and (key in SOURCES or (key.startswith(CONTEXT) and is_arn(key))):
            account = value if key == "aws:sourceaccount" else value.split(":")[4]
            if account:
                return account
    taken = set(space.case.accounts)
    return next(account for account in chain(FOREIGN, _accounts()) if account not in taken)


def _accounts() -> Iterator[str]:
    return (f"{number:012d}" for number in range(100000000000, 999999999999))
