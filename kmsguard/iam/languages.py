"""Sets of texts, as automata, and a text that is in all of some and in none of others.

A state is a set of positions of a nondeterministic automaton, held as the bits of a number; steps are remembered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from kmsguard.iam.texts import Token

ALPHABET = frozenset(chr(code) for code in range(32, 127))
"""The characters of a text that a request can hold."""
END = "\n"
"""Stands between two texts that are searched for as one; no text of a request holds it."""

# Where any of several characters will do, the first of these is taken.
_PREFERENCE = "x94567830ab21cdefghijklmnopqrstuvwyz-/.:"
_RANK = {char: rank for rank, char in enumerate(_PREFERENCE)}


class TooLargeError(Exception):
    """The search has cost more than it may; caught where an answer can be given without it."""


class Budget:
    """What a search may still cost, in steps of automata."""

    __slots__ = ("left",)

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Takes steps off.

        Raises:
            TooLargeError: where none are left.
        """
        self.left -= steps
        if self.left < 0:
            raise TooLargeError


class Automaton:
    """A set of texts."""

    __slots__ = ("_chars", "_edges", "_nexts", "_skips", "_steps", "final", "signature", "start")

    def __init__(self, edges: list[list[tuple[Token, int]]], skips: list[int], start: int, final: int) -> None:
        self._edges = edges
        self._skips = skips  # for each position, the positions reached without a character (itself among them)
        self._steps: dict[tuple[int, str], int] = {}
        self._nexts: dict[int, frozenset[str] | None] = {}
        self.final = final
        self.start = self._closed(start)
        self.signature = self._signature()

    def _signature(self) -> dict[str, int]:
        """What tells characters apart: those with equal numbers (0 where none is given) lead from everywhere to the same."""
        out: dict[str, int] = {}
        seen: dict[tuple[frozenset[str], bool], None] = {}
        for edges in self._edges:
            for token, _ in edges:
                seen.setdefault((token.chars, token.negated))
        for index, (chars, _) in enumerate(seen):
            bit = 1 << index
            for char in chars:
                out[char] = out.get(char, 0) ^ bit
        return out

    def _closed(self, state: int) -> int:
        out = 0
        rest = state
        while rest:
            low = rest & -rest
            out |= self._skips[low.bit_length() - 1]
            rest ^= low
        return out

    def step(self, state: int, char: str) -> int:
        """The state after one more character; 0: no text goes on like this."""
        key = (state, char)
        found = self._steps.get(key)
        if found is None:
            out = 0
            rest = state
            while rest:
                low = rest & -rest
                rest ^= low
                for token, target in self._edges[low.bit_length() - 1]:
                    if (char in token.chars) is not token.negated:
                        out |= self._skips[target]
            found = self._steps[key] = out
        return found

    def nexts(self, state: int) -> frozenset[str] | None:
        """The characters that can follow; None where there are too many to name."""
        if state not in self._nexts:
            out: set[str] = set()
            rest = state
            named = True
            while rest and named:
                low = rest & -rest
                rest ^= low
                for token, _ in self._edges[low.bit_length() - 1]:
                    named = named and not token.negated
                    out |= token.chars
            self._nexts[state] = frozenset(out) if named else None
        return self._nexts[state]

    def holds(self, text: str) -> bool:
        """Whether a text is in the set."""
        state = self.start
        for char in text:
            state = self.step(state, char)
            if not state:
                return False
        return bool(state & self.final)


class Builder:
    """Puts an automaton together: each method takes a position and gives the one after what it adds."""

    def __init__(self) -> None:
        self.edges: list[list[tuple[Token, int]]] = [[]]
        self.skips: list[set[int]] = [set()]

    def place(self) -> int:
        """A new position."""
        self.edges.append([])
        self.skips.append(set())
        return len(self.edges) - 1

    def token(self, at: int, token: Token) -> int:
        """One token: one character, or a loop."""
        after = self.place()
        if token.loop:
            middle = self.place()
            self.skips[at].add(middle)
            self.edges[middle].append((token, middle))
            self.skips[middle].add(after)
        else:
            self.edges[at].append((token, after))
        return after

    def tokens(self, at: int, tokens: Iterable[Token]) -> int:
        """Tokens, one after the other."""
        for token in tokens:
            at = self.token(at, token)
        return at

    def repeat(self, at: int, token: Token, low: int, high: int) -> int:
        """A character `low` to `high` times."""
        for _ in range(low):
            at = self.token(at, token)
        optional = [at]
        for _ in range(high - low):
            at = self.token(at, token)
            optional.append(at)
        for place in optional[:-1]:
            self.skips[place].add(at)
        return at

    def link(self, at: int, to: int) -> None:
        """A way from one position to another one, without a character."""
        self.skips[at].add(to)

    def build(self, finals: Iterable[int], starts: Iterable[int] = (0,)) -> Automaton:
        """The automaton."""
        closures: list[int] = []
        for place in range(len(self.edges)):
            seen = {place}
            pending = [place]
            while pending:
                for target in self.skips[pending.pop()]:
                    if target not in seen:
                        seen.add(target)
                        pending.append(target)
            closures.append(sum(1 << index for index in seen))
        start = sum(1 << index for index in dict.fromkeys(starts))
        return Automaton(self.edges, closures, start, sum(1 << index for index in dict.fromkeys(finals)))


def union(patterns: Iterable[Sequence[Token]]) -> Automaton:
    """The texts that fit one of several patterns."""
    builder = Builder()
    starts: list[int] = []
    finals: list[int] = []
    for pattern in dict.fromkeys(tuple(pattern) for pattern in patterns):
        start = builder.place()
        starts.append(start)
        finals.append(builder.tokens(start, pattern))
    return builder.build(finals, starts)


def solve(inside: Sequence[Automaton], outside: Sequence[Automaton], budget: Budget, seeds: Iterable[str] = ()) -> str | None:
    """A shortest text that all of `inside` hold and none of `outside`; None where there is none.

    One of `inside` has to name its characters everywhere. `seeds` are tried first.

    Raises:
        TooLargeError: where that costs more than the budget.
    """
    for seed in seeds:
        budget.spend(1)
        if all(one.holds(seed) for one in inside) and not any(one.holds(seed) for one in outside):
            return seed
    product = Product(inside, outside, budget)
    if product.start is None:
        return None
    return product.find([product.start])


State = tuple[int, ...]


class Product:
    """The texts that several automata hold and others do not, walked state by state."""

    def __init__(self, inside: Sequence[Automaton], outside: Sequence[Automaton], budget: Budget) -> None:
        self.inside = tuple(inside)
        self.outside = tuple(outside)
        self.budget = budget
        self._representatives: dict[frozenset[str], tuple[str, ...]] = {}
        start = tuple(one.start for one in (*inside, *outside))
        self.start: State | None = start if all(start[: len(self.inside)]) else None

    def accepts(self, state: State) -> bool:
        """Whether the text that led to the state is one of them."""
        count = len(self.inside)
        return all(state[i] & one.final for i, one in enumerate(self.inside)) and not any(
            state[count + i] & one.final for i, one in enumerate(self.outside)
        )

    def step(self, state: State, char: str) -> State | None:
        """The state after one more character; None where no text goes on like this."""
        out: list[int] = []
        for index, one in enumerate(self.inside):
            after = one.step(state[index], char)
            if not after:
                return None
            out.append(after)
        count = len(self.inside)
        for index, one in enumerate(self.outside):
            at = state[count + index]
            out.append(one.step(at, char) if at else 0)
        return tuple(out)

    def chars(self, state: State) -> tuple[str, ...]:
        """One character of each sort that can follow."""
        best: frozenset[str] | None = None
        for index, one in enumerate(self.inside):
            named = one.nexts(state[index])
            if named is not None and (best is None or len(named) < len(best)):
                best = named
        assert best is not None
        found = self._representatives.get(best)
        if found is None:
            sorts: dict[tuple[int, ...], str] = {}
            automata = (*self.inside, *self.outside)
            for char in sorted(best, key=lambda char: (_RANK.get(char, len(_RANK)), char)):
                sorts.setdefault(tuple(one.signature.get(char, 0) for one in automata), char)
            found = self._representatives[best] = tuple(sorts.values())
        return found

    def find(self, starts: Iterable[State]) -> str | None:
        """A shortest text that leads from one of the states to an accepting one."""
        seen: dict[State, tuple[State, str] | None] = dict.fromkeys(starts)
        pending = deque(seen)
        cost = len(self.inside) + len(self.outside)
        while pending:
            state = pending.popleft()
            if self.accepts(state):
                return _way(seen, state)
            chars = self.chars(state)
            self.budget.spend(cost * len(chars))
            for char in chars:
                after = self.step(state, char)
                if after is not None and after not in seen:
                    seen[after] = (state, char)
                    pending.append(after)
        return None


def _way(seen: dict[State, tuple[State, str] | None], state: State) -> str:
    out: list[str] = []
    before = seen[state]
    while before is not None:
        out.append(before[1])
        before = seen[before[0]]
    return "".join(reversed(out))
