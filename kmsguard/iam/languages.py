"""Sets of texts, as automata, and a text that is in all of some and in none of others.

Automata are nondeterministic and made deterministic as far as they are walked. A state is a number; 0 leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from kmsguard.iam.shapes import Token
from kmsguard.iam.texts import takes

ALPHABET = frozenset(chr(code) for code in range(32, 127))
"""The characters of a text that a request can hold."""
END = "\U0010ffff"
"""Stands between two texts that are searched for as one; no text holds it, for it is no character."""

# Where any of several characters will do, the first of these is taken.
_PREFERENCE = "x94567830ab21cdefghijklmnopqrstuvwyz-/.:"
_RANK = {char: rank for rank, char in enumerate(_PREFERENCE)}
_FAR = 1 << 30


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
    """A set of texts.

    `work` counts what it has cost to walk it. `distances` says for each state how many characters a text still needs at least.
    """

    __slots__ = (
        "_absorbing",
        "_away",
        "_branches",
        "_classes",
        "_explicit",
        "_finals",
        "_groups",
        "_ids",
        "_letters",
        "_moves",
        "_nexts",
        "_places",
        "_skips",
        "accepting",
        "distances",
        "patterns",
        "prefix",
        "start",
        "wide",
        "work",
    )

    def __init__(self, builder: Builder, starts: Iterable[int], finals: Iterable[int]) -> None:
        self._letters = builder.letters
        self._classes = builder.classes
        self._finals = frozenset(finals)
        self._absorbing = frozenset(builder.absorbing)
        self._skips: list[tuple[int, ...]] = [_closure(place, builder.skips) for place in range(len(builder.skips))]
        # a character that can be any after a `*` that can be any: made deterministic, these grow beyond all measure
        self.wide = builder.wide
        self.patterns = tuple(builder.patterns)
        self.prefix = _prefix(self.patterns)  # with which all its texts begin
        self._branches: dict[tuple[int, str], tuple[int, ...]] = {}
        self._away = self._measure()
        self.work = len(self._skips)
        # the first state leads nowhere, the second takes everything
        self._places: list[tuple[int, ...]] = [(), ()]
        self._ids: dict[tuple[int, ...], int] = {(): 0}
        self._moves: list[dict[str, int]] = [{}, {}]
        self.accepting = [False, True]
        self.distances = [_FAR, 0]
        self._nexts: dict[int, frozenset[str] | None] = {0: frozenset(), 1: None}
        self._explicit: dict[int, frozenset[str]] = {0: frozenset(), 1: frozenset()}
        self._groups: dict[int, tuple[tuple[str, ...], ...]] = {}
        self.start = self._state(set(starts))

    def _measure(self) -> list[int]:
        """For each place the number of characters to a final one."""
        before: list[list[int]] = [[] for _ in self._skips]
        for place, letters in enumerate(self._letters):
            for target in (*letters.values(), *(target for _, target in self._classes[place])):
                for reached in self._skips[target]:
                    before[reached].append(place)
        away = [_FAR] * len(self._skips)
        front = sorted(self._finals)
        for place in front:
            away[place] = 0
        while front:
            after: list[int] = []
            for place in front:
                for source in before[place]:
                    if away[source] == _FAR:
                        away[source] = away[place] + 1
                        after.append(source)
            front = after
        return away

    def _state(self, places: set[int]) -> int:
        """The number of the state of some places."""
        closed: set[int] = set()
        for place in places:
            closed.update(self._skips[place])
        if not closed.isdisjoint(self._absorbing):
            return 1
        key = tuple(sorted(closed))
        found = self._ids.get(key)
        if found is None:
            found = self._ids[key] = len(self._places)
            self._places.append(key)
            self._moves.append({})
            self.accepting.append(not closed.isdisjoint(self._finals))
            self.distances.append(min(self._away[place] for place in key))
        return found

    def step(self, state: int, char: str) -> int:
        """The state after one more character; 0: no text goes on like this."""
        if state < 2:
            return state
        moves = self._moves[state]
        found = moves.get(char)
        if found is None:
            targets = self._targets(state, char)
            found = moves[char] = self._state(targets) if targets else 0
        return found

    def branches(self, state: int, char: str) -> tuple[int, ...]:
        """The states of which one is right after one more character, where all of the text is read from it."""
        if not self.wide or state < 2:
            after = self.step(state, char)
            return (after,) if after else ()
        key = (state, char)
        found = self._branches.get(key)
        if found is None:
            states = (self._state({target}) for target in sorted(self._targets(state, char)))
            found = self._branches[key] = tuple(dict.fromkeys(states))
        return found

    def _targets(self, state: int, char: str) -> set[int]:
        targets: set[int] = set()
        places = self._places[state]
        self.work += len(places)
        for place in places:
            target = self._letters[place].get(char)
            if target is not None:
                targets.add(target)
            for token, other in self._classes[place]:
                if (char in token.chars) is not token.negated:
                    targets.add(other)
        return targets

    def nexts(self, state: int) -> frozenset[str] | None:
        """The characters that can follow; None where there are too many to name."""
        if state not in self._nexts:
            named = not any(token.negated for place in self._places[state] for token, _ in self._classes[place])
            self._nexts[state] = self.explicit(state) if named else None
        return self._nexts[state]

    def explicit(self, state: int) -> frozenset[str]:
        """The characters that are not like all others in a state."""
        found = self._explicit.get(state)
        if found is None:
            chars: set[str] = set()
            for place in self._places[state]:
                chars.update(self._letters[place])
                for token, _ in self._classes[place]:
                    chars |= token.chars
            found = self._explicit[state] = frozenset(chars)
        return found

    def groups(self, state: int) -> tuple[tuple[str, ...], ...]:
        """The characters that can follow, those together that lead to the same state, the preferred ones first."""
        found = self._groups.get(state)
        if found is None:
            groups: dict[int, list[str]] = {}
            for char in sorted(self.nexts(state) or (), key=lambda char: (_RANK.get(char, len(_RANK)), char)):
                groups.setdefault(self.step(state, char), []).append(char)
            groups.pop(0, None)
            found = self._groups[state] = tuple(tuple(chars) for chars in groups.values())
        return found

    @property
    def is_text(self) -> bool:
        """Whether it holds one text, its prefix."""
        return bool(self.prefix) and len(self.prefix) == len(self.patterns[0])

    def after(self, text: str) -> int:
        """The state after a text."""
        state = self.start
        for char in text:
            state = self.step(state, char)
            if state < 2:
                break
        return state

    def holds(self, text: str) -> bool:
        """Whether a text is in the set."""
        return self.accepting[self.after(text)]


def _prefix(patterns: Sequence[Sequence[Token]]) -> str:
    """What all texts begin with that fit one of some patterns."""
    if len(patterns) != 1:
        return ""
    out: list[str] = []
    for token in patterns[0]:
        if token.loop or token.negated or len(token.chars) != 1:
            break
        out.extend(token.chars)
    return "".join(out)


def _closure(place: int, skips: Sequence[set[int]]) -> tuple[int, ...]:
    if not skips[place]:
        return (place,)
    seen = {place}
    pending = [place]
    while pending:
        for target in skips[pending.pop()]:
            if target not in seen:
                seen.add(target)
                pending.append(target)
    return tuple(sorted(seen))


class Builder:
    """Puts an automaton together: each method takes a place and gives the one after what it adds."""

    def __init__(self) -> None:
        self.letters: list[dict[str, int]] = [{}]
        self.classes: list[list[tuple[Token, int]]] = [[]]
        self.skips: list[set[int]] = [set()]
        self.absorbing: set[int] = set()
        self.wide = False
        self.patterns: list[tuple[Token, ...]] = []  # of which it is the union, where it is one

    def place(self) -> int:
        """A new place."""
        self.letters.append({})
        self.classes.append([])
        self.skips.append(set())
        return len(self.skips) - 1

    def edge(self, at: int, token: Token, to: int) -> None:
        """A way from one place to another one, with one character out of some."""
        if not token.negated and len(token.chars) == 1:
            (char,) = token.chars
            if char not in self.letters[at]:
                self.letters[at][char] = to
                return
        self.classes[at].append((token, to))

    def token(self, at: int, token: Token) -> int:
        """One token: one character, or a loop."""
        after = self.place()
        if token.loop:
            middle = self.place()
            self.skips[at].add(middle)
            self.edge(middle, token, middle)
            self.skips[middle].add(after)
        else:
            self.edge(at, token, after)
        return after

    def tokens(self, at: int, tokens: Iterable[Token]) -> int:
        """Tokens, one after the other."""
        for token in tokens:
            at = self.token(at, token)
        return at

    def shared(self, at: int, token: Token, after: dict[tuple[int, Token], int]) -> int:
        """One token, by the place that another pattern has for it after the same one; `after` holds those of no one letter."""
        if not token.loop and not token.negated and len(token.chars) == 1:
            (char,) = token.chars
            found = self.letters[at].get(char)
            return self.token(at, token) if found is None else found
        found = after.get((at, token))
        if found is None:
            found = after[at, token] = self.token(at, token)
        return found

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
        """A way from one place to another one, without a character."""
        self.skips[at].add(to)

    def build(self, finals: Iterable[int], starts: Iterable[int] = (0,)) -> Automaton:
        """The automaton."""
        return Automaton(self, starts, finals)


def union(patterns: Iterable[Sequence[Token]]) -> Automaton:
    """The texts that fit one of several patterns."""
    builder = Builder()
    after: dict[tuple[int, Token], int] = {}
    finals: dict[int, None] = {}
    for pattern in patterns:
        at = 0
        absorbs = _absorbs(pattern)
        builder.wide = builder.wide or _is_wide(pattern)
        builder.patterns.append(tuple(pattern))
        for index, token in enumerate(pattern):
            found = builder.shared(at, token, after)
            if index == absorbs:
                # the place after a loop is reached from its start, so from there on everything is taken
                builder.absorbing.add(found)
            at = found
        finals[at] = None
    return builder.build(finals)


def is_plain(one: Automaton) -> bool:
    """Whether an automaton is the union of patterns without wildcards, but for what takes all the rest."""
    for pattern in one.patterns:
        end = _absorbs(pattern)
        if any(token.loop for token in pattern[: end if end >= 0 else len(pattern)]):
            return False
    return bool(one.patterns)


def _absorbs(pattern: Sequence[Token]) -> int:
    """Where a pattern has come to take all that can follow; -1: nowhere.

    That is its last `*`, or, of two texts in one, that of the first where the second can be anything.
    """
    last = len(pattern) - 1
    if last < 0 or not _takes_all(pattern[last]):
        return -1
    if last >= 2 and pattern[last - 1].chars == {END} and not pattern[last - 1].negated and _takes_all(pattern[last - 2]):
        return last - 2
    return last


_MAX_BLANKS = 3


def _is_wide(pattern: Sequence[Token]) -> bool:
    """Whether many characters that can be any follow a loop."""
    blanks = 0
    looped = False
    for token in pattern:
        looped = looped or token.loop
        blanks += looped and token.negated and not token.loop
    return blanks > _MAX_BLANKS


def _takes_all(token: Token) -> bool:
    return token.loop and token.negated and token.chars <= {END}


def solve(inside: Sequence[Automaton], outside: Sequence[Automaton], budget: Budget, seeds: Iterable[str] = ()) -> str | None:
    """A short text that all of `inside` hold and none of `outside`; None where there is none.

    One of `inside` has to name its characters everywhere. `seeds` are tried first.

    Raises:
        TooLargeError: where that costs more than the budget.
    """
    for seed in seeds:
        budget.spend(len(seed) * (len(inside) + len(outside)))
        if all(one.holds(seed) for one in inside) and not any(one.holds(seed) for one in outside):
            return seed
    for one in inside:
        if one.is_text:
            budget.spend(len(one.prefix))
            others = all(other.holds(one.prefix) for other in inside) and not any(other.holds(one.prefix) for other in outside)
            return one.prefix if others else None
    if _parted(inside, outside, budget) or any(one.wide and _covered(one, outside, budget) for one in inside):
        return None
    product = Product(inside, outside, budget)
    return None if product.start is None else product.find([product.start])


def _parted(inside: Sequence[Automaton], outside: Sequence[Automaton], budget: Budget) -> bool:
    """Whether what the texts of one of `inside` begin with begins no text of another one, or only texts of one of `outside`."""
    for one in inside:
        if one.prefix:
            for other in (*inside, *outside):
                if other is not one and not other.wide:
                    budget.spend(len(one.prefix) // 8)
                    if other.after(one.prefix) == (other in outside):
                        return True
    return False


def _covered(one: Automaton, outside: Sequence[Automaton], budget: Budget) -> bool:
    """Whether each pattern of an automaton is seen to be within one of others."""
    wide = [pattern for other in outside for pattern in other.patterns]
    budget.spend(len(one.patterns) * len(wide))
    return bool(one.patterns) and all(any(takes(w, pattern) for w in wide) for pattern in one.patterns)


State = tuple[int, ...]


class Product:
    """The texts that several automata hold and others do not, walked state by state."""

    def __init__(self, inside: Sequence[Automaton], outside: Sequence[Automaton], budget: Budget) -> None:
        self.automata = (*inside, *outside)
        self.count = len(inside)
        self.budget = budget
        start = tuple(one.start for one in self.automata)
        self.start: State | None = start if self._is_open(start) else None

    def _is_open(self, state: State) -> bool:
        """Whether some text may go on from a state."""
        return 0 not in state[: self.count] and 1 not in state[self.count :]

    def accepts(self, state: State) -> bool:
        """Whether the text that led to the state is one of them."""
        return all(one.accepting[state[index]] is (index < self.count) for index, one in enumerate(self.automata))

    def steps(self, state: State, char: str) -> list[State]:
        """The states of which one is right after one more character."""
        out: list[State] = [()]
        for index, one in enumerate(self.automata):
            if index >= self.count:
                after = one.step(state[index], char)
                if after == 1:
                    return []
                out = [(*before, after) for before in out]
            elif one.wide:
                out = [(*before, after) for before in out for after in one.branches(state[index], char)]
            else:
                after = one.step(state[index], char)
                if not after:
                    return []
                out = [(*before, after) for before in out]
        return out

    def chars(self, state: State) -> list[str]:
        """One character of each sort that can follow."""
        leader = -1
        fewest = _FAR
        for index in range(self.count):
            named = self.automata[index].nexts(state[index])
            if named is not None and len(named) < fewest:
                leader, fewest = index, len(named)
        assert leader >= 0
        groups = self.automata[leader].groups(state[leader])
        if max(map(len, groups), default=1) == 1:
            return [group[0] for group in groups]
        explicit: set[str] = set()
        for index, one in enumerate(self.automata):
            if index != leader:
                explicit |= one.explicit(state[index])
        out: list[str] = []
        for group in groups:
            plain = next((char for char in group if char not in explicit), None)
            if plain is not None:
                out.append(plain)
            out.extend(char for char in group if char in explicit)
        return out

    def find(self, starts: Iterable[State]) -> str | None:
        """A short text that leads from one of the states to an accepting one."""
        starts = tuple(starts)
        try:
            return self._find(starts, None, _FIRST_STATES)
        except _EnoughError:
            if self.count == len(self.automata):
                return self._find(starts, None, _FAR)
        # what the automata that a text has to fit leave of each other, first without those that it must not fit
        away = Product(self.automata[: self.count], (), self.budget).measure({start[: self.count] for start in starts})
        return self._find(starts, away, _FAR)

    def _find(self, starts: Sequence[State], away: dict[State, int] | None, limit: int) -> str | None:
        seen: dict[State, tuple[State, str] | None] = dict.fromkeys(starts)
        # nearest to the end first; of those the longest
        pending: list[tuple[int, int, int, State]] = []
        for state in seen:
            heappush(pending, (self._away(state, away), 0, len(pending), state))
        count = len(pending)
        size = len(self.automata)
        work = sum(one.work for one in self.automata)
        while pending:
            _, length, _, state = heappop(pending)
            if self.accepts(state):
                return _way(seen, state)
            limit -= 1
            if limit < 0:
                raise _EnoughError
            chars = self.chars(state)
            done = sum(one.work for one in self.automata)
            self.budget.spend(size * (1 + len(chars)) + done - work)
            work = done
            for char in chars:
                for after in self.steps(state, char):
                    if after not in seen:
                        seen[after] = (state, char)
                        distance = self._away(after, away)
                        if distance < _FAR:
                            count += 1
                            heappush(pending, (distance - length + 1, length - 1, count, after))
        return None

    def _away(self, state: State, away: dict[State, int] | None) -> int:
        """How far a state is from the end: at least, or what each automaton for itself still needs."""
        if away is not None:
            return away.get(state[: self.count], _FAR)
        return sum(self.automata[index].distances[state[index]] for index in range(self.count))

    def measure(self, starts: Iterable[State]) -> dict[State, int]:
        """For each state that can be reached and from which the end can be, the characters that lead there at least."""
        before: dict[State, list[State]] = {start: [] for start in starts}
        pending = list(before)
        ends: list[State] = []
        while pending:
            state = pending.pop()
            if self.accepts(state):
                ends.append(state)
            chars = self.chars(state)
            self.budget.spend(len(self.automata) * (1 + len(chars)))
            for char in chars:
                for after in self.steps(state, char):
                    if after not in before:
                        before[after] = []
                        pending.append(after)
                    before[after].append(state)
        out = dict.fromkeys(ends, 0)
        while ends:
            nearer: list[State] = []
            for state in ends:
                for source in before[state]:
                    if source not in out:
                        out[source] = out[state] + 1
                        nearer.append(source)
            ends = nearer
        return out


_FIRST_STATES = 1000


class _EnoughError(Exception):
    """A first, simple search has not found anything soon."""


def _way(seen: dict[State, tuple[State, str] | None], state: State) -> str:
    out: list[str] = []
    before = seen[state]
    while before is not None:
        out.append(before[1])
        before = seen[before[0]]
    return "".join(reversed(out))
