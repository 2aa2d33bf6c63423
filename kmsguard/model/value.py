"""What an attribute is: data, where it stands, how it got there, and what is not known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import count, groupby
from typing import TypeAlias, final

import msgspec

from kmsguard.model.guard import All, Atom, Formula, Named, Not, Scalar, World, conjunction, decide, show
from kmsguard.model.source import Span
from kmsguard.model.truth import NO, UNKNOWN, YES, Truth


@final
class Target(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """An attribute of a declaration, named symbolically: two equal targets are the same value, whatever it turns out to be.

    `address` is a declaration of the same unit, or `export:NAME` (a CloudFormation export), `state:KEY` (an output of another
    root module's state), `state:stack:REGION:ACCOUNT:NAME` (one of another stack; what is empty is the same as here), or empty
    for what belongs to the deployment (`account`, `region`, `partition`, `dns_suffix`, `organization`), or
    `provider.aws.ALIAS` for the same of a provider that has an identity of its own.
    `attribute` is in the language's own terms: `arn`, `Arn`, `Ref` (what CloudFormation's Ref returns), `metadata.0.name`.
    """

    address: str
    attribute: str


ACCOUNT = Target("", "account")
REGION = Target("", "region")
PARTITION = Target("", "partition")
DNS_SUFFIX = Target("", "dns_suffix")  # what the names of services end in: it hangs on the partition


@final
class Step(msgspec.Struct, frozen=True, gc=False):
    """One step of the way that a value took, newest first; `before` is the step before."""

    what: str  # literal, variable default, var-file, variable, local, module input, output, parameter default, parameter,
    #            mapping, condition, policy document, template, template variable, call (of a function that reads a file),
    #            dynamic block, AWS default, attached resource, data source, alias (of YAML: what is written at its anchor),
    #            include (what another file brings)
    name: str  # `var.rotate`, `local.tags`, `module.keys`, `Environment`
    span: Span | None = None
    before: Step | None = None

    def chain(self) -> list[Step]:
        """The steps, oldest first."""
        steps: list[Step] = []
        step: Step | None = self
        while step is not None:
            steps.append(step)
            step = step.before
        return steps[::-1]

    def behind(self, older: Step | None) -> Step:
        """The way that leads to `older` and then on here; what both have in common is gone once."""
        if older is None or older is self:
            return self
        known = {(step.what, step.name, step.span) for step in older.chain()}
        for step in self.chain():
            if (step.what, step.name, step.span) not in known:
                older = Step(step.what, step.name, step.span, older)
        return older


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """A value that is not known, and what is known of it all the same. Refinements only narrow: whoever ignores them is still
    right."""

    reason: str  # `variable var.partner has no value`, `known after apply`, `function timestamp`, …
    reference: str | None = None  # what would decide it, as the language writes it: `var.partner`
    target: Target | None = None  # the symbolic value that it is, where it is one
    not_null: bool = False
    prefix: str = ""
    allowed: tuple[Scalar, ...] = ()


@final
class Branch(msgspec.Struct, frozen=True, gc=False):
    """One way in which a Choice can turn out."""

    guard: Formula
    value: Value


@final
class Choice(msgspec.Struct, frozen=True, gc=False):
    """What hangs on an undecided condition. The guards of the branches exclude each other, and one of them holds."""

    branches: tuple[Branch, ...]


MAX_BRANCHES = 16


@final
class Absent(msgspec.Struct, frozen=True):
    """Nothing is written there (`AWS::NoValue`, an argument that is null): not null, not unknown."""

    def __reduce__(self) -> str:
        return "ABSENT"  # there is only one, also in what another process read


ABSENT = Absent()


@final
class Text(msgspec.Struct, frozen=True, gc=False):
    """A text that is more than one literal.

    A piece is a literal run (its data is a `str`; every character stands for itself in one line of the source, or the whole
    piece is one escape or has no span), or a hole (its data is an Unknown or a Choice). `encodes` is what an encoder
    (`jsonencode`, `base64encode`, a policy document) made the text from.
    """

    pieces: tuple[Value, ...]
    encodes: Value | None = None
    encoding: str = "json"  # json, base64, yaml: how `encodes` was encoded

    @property
    def known(self) -> str | None:
        """The text, where all of it is known."""
        out = []
        for piece in self.pieces:
            if not isinstance(piece.data, str):
                return None
            out.append(piece.data)
        return "".join(out)

    def place(self, start: int, end: int) -> Span | None:
        """The place in the source of the characters from `start` to before `end` (a hole counts one character)."""
        first: Span | None = None
        last: Span | None = None
        at = 0
        for piece in self.pieces:
            length = len(piece.data) if isinstance(piece.data, str) else 1
            if at < end and at + length > start and piece.span is not None:
                part = _part(piece.span, piece.data, max(start - at, 0), min(end - at, length))
                first = first or part
                last = part if last is None or part.file == first.file else last
            at += length
        return first.to(last) if first is not None and last is not None else None


def _part(span: Span, data: Data, low: int, high: int) -> Span:
    """The place of some characters of a literal run: of a line, or of a line with its break; else the place of all of it."""
    if not isinstance(data, str):
        return span
    if span.start_line == span.end_line and span.end_column - span.start_column == len(data):
        return Span(span.file, span.start_line, span.start_column + low, span.start_line, span.start_column + high)
    if span.end_line == span.start_line + 1 and span.end_column == 1 and data.endswith("\n"):
        first = span.start_column + low
        if high < len(data):
            return Span(span.file, span.start_line, first, span.start_line, span.start_column + high)
        return Span(span.file, span.start_line, first, span.end_line, 1)
    return span


Number: TypeAlias = "int | float | Decimal"
Data: TypeAlias = (
    "str | Text | bool | int | float | Decimal | None | tuple[Value, ...] | dict[str, Value] | Unknown | Choice | Absent"
)


@final
class Value(msgspec.Struct, frozen=True, gc=False, dict=False):
    """A value with its history.

    `span` is where the data stands as written (of an interpolated text: the template). `place` is the entry (name and value)
    by which it reached the map or block that holds it: what a person would edit there. `refs` are the attributes of other
    declarations that it was taken from, also where the data is known.
    """

    data: Data
    span: Span | None = None
    place: Span | None = None
    trail: Step | None = None
    refs: tuple[Target, ...] = ()
    sensitive: bool = False

    @property
    def where(self) -> Span | None:
        """The narrowest place that a person would edit."""
        return self.place or self.span

    @property
    def text(self) -> str | None:
        """The text, where it is one and all of it is known."""
        data = self.data
        return data if isinstance(data, str) else data.known if type(data) is Text else None

    @property
    def items(self) -> tuple[Value, ...]:
        """The elements of a list; empty for anything else."""
        return self.data if isinstance(self.data, tuple) else ()

    @property
    def members(self) -> dict[str, Value]:
        """The members of a map; empty for anything else."""
        return self.data if isinstance(self.data, dict) else {}

    @property
    def target(self) -> Target | None:
        """The symbolic value that it is, where it is one."""
        data = self.data
        return data.target if type(data) is not str and isinstance(data, Unknown) else None

    @property
    def is_known(self) -> bool:
        """Whether the outermost of it is known: no Unknown, no Choice, no text with holes."""
        data = self.data
        if type(data) is Text:
            return data.known is not None
        return not isinstance(data, (Unknown, Choice))

    def at(self, place: Span | None) -> Value:
        """The same value, held by another entry."""
        return Value(self.data, self.span, place, self.trail, self.refs, self.sensitive)

    def via(self, what: str, name: str, span: Span | None) -> Value:
        """The same value, one step further on its way."""
        return msgspec.structs.replace(self, trail=Step(what, name, span, self.trail))

    def with_data(self, data: Data) -> Value:
        """The same history, other data."""
        return Value(data, self.span, self.place, self.trail, self.refs, self.sensitive)

    def walk(self) -> Iterator[Value]:
        """This value and all that it holds: elements, members, pieces, branches, what a text encodes."""
        pending = [self]
        while pending:
            value = pending.pop()
            yield value
            data = value.data
            if isinstance(data, str):
                continue
            if isinstance(data, tuple):
                pending.extend(reversed(data))
            elif isinstance(data, dict):
                pending.extend(reversed(data.values()))
            elif type(data) is Text:
                if data.encodes is not None:
                    pending.append(data.encodes)
                pending.extend(reversed(data.pieces))
            elif type(data) is Choice:
                pending.extend(branch.value for branch in reversed(data.branches))


class Fragment(Unknown, frozen=True, gc=False, kw_only=True):
    """What a text holds at an index when it is split, where the text is not known yet: whoever knows the shape of the text
    (an ARN's) can tell. Without an index it is the list of all that the text is split into."""

    of: Value
    delimiter: str
    index: int | None = None


NULL = Value(None)
NOTHING = Value(ABSENT)


def resolve(value: Value, world: World) -> Value:
    """The value in a world: of a Choice the branch that holds. What it holds inside is left as it is.

    Raises:
        UndecidedError: where the world does not say which branch holds, and is not vague.
    """
    while type(value.data) is Choice:
        if world.vague:
            vague = _vague(value, world)
            if vague is not None:
                return vague
        place, sensitive = value.place, value.sensitive
        for branch in value.data.branches:
            truth = decide(branch.guard, world)
            if truth is YES:
                value = branch.value
                break
            if truth is UNKNOWN:
                return value.with_data(Unknown("a condition that cannot be decided", not_null=False))
        else:
            return value.with_data(Unknown("a condition that cannot be decided"))
        if (place is not None and value.place is None) or (sensitive and not value.sensitive):
            value = msgspec.structs.replace(value, place=value.place or place, sensitive=value.sensitive or sensitive)
    return value


def _vague(value: Value, world: World) -> Value | None:
    """Of a Choice of texts that the world leaves open, an unknown one of them; None of any other.

    An empty text counts as none: it often means that there is nothing.
    """
    name = id(value.data), id(world)
    kept = _VAGUE.get(name)
    if kept is None:
        if len(_VAGUE) >= _MAX_VAGUE:
            _VAGUE.clear()
        kept = _VAGUE[name] = (value.data, world, _text_of_several(value, world))
    told = kept[2]
    return msgspec.structs.replace(value, data=told.data, sensitive=value.sensitive or told.sensitive) if told else None


_MAX_VAGUE = 1 << 12
_VAGUE: dict[tuple[int, int], tuple[Data, World, Value | None]] = {}
"""What became of Choices in vague worlds, by the identity of both, which are kept so that it stays their own."""


def _text_of_several(value: Value, world: World) -> Value | None:
    """As `_vague`, without looking whether it was found before; with nothing but the data, and whether it is sensitive."""
    options: list[tuple[Formula, tuple[Data, ...]]] = []
    sensitive = False
    for guard, option in flatten(value):
        truth = world.truth(guard)
        if truth is NO:
            continue
        parts = _parts(option.data)
        if truth is YES or not parts:
            return None
        options.append((guard, parts))
        sensitive = sensitive or option.sensitive
    return Value(_one_of(options), sensitive=sensitive) if options else None


def _parts(data: Data) -> tuple[Data, ...]:
    """The characters and holes of a text; nothing of what is none."""
    if isinstance(data, str):
        return tuple(data)
    if type(data) is not Text or data.encodes is not None:
        return ()
    parts: list[Data] = []
    for piece in data.pieces:
        if isinstance(piece.data, str):
            parts.extend(piece.data)
        elif isinstance(piece.data, Unknown) and not piece.sensitive:
            parts.append(piece.data)
        else:
            return ()
    return tuple(parts)


def _one_of(options: Sequence[tuple[Formula, tuple[Data, ...]]]) -> Data:
    """One of some texts: what all begin and end with around what they differ in."""
    texts = [parts for _, parts in options]
    shortest = min(texts, key=len)
    start = next((n for n, one in enumerate(shortest) if any(parts[n] != one for parts in texts)), len(shortest))
    least = len(shortest) - start
    end = next((n for n in range(least) if any(parts[-1 - n] != shortest[-1 - n] for parts in texts)), least)
    differing = tuple((guard, parts[start : len(parts) - end]) for guard, parts in options)
    middle = (_differing(differing),) if any(parts for _, parts in differing) else ()
    pieces = (*_joined(shortest[:start]), *middle, *_joined(shortest[len(shortest) - end :]))
    return pieces[0] if len(pieces) == 1 else Text(tuple(map(Value, pieces)))


def _joined(parts: Sequence[Data]) -> Iterator[Data]:
    """Characters in a row as one text, and holes."""
    for is_text, run in groupby(parts, key=lambda part: isinstance(part, str)):
        if is_text:
            yield "".join(str(char) for char in run)
        else:
            yield from run


@lru_cache(maxsize=1 << 12)
def _differing(options: tuple[tuple[Formula, tuple[Data, ...]], ...]) -> Unknown:
    """The same unknown text wherever the same texts hang on the same formulas."""
    known = all(isinstance(part, str) for _, parts in options for part in parts)
    allowed = tuple(dict.fromkeys("".join(map(str, parts)) for _, parts in options)) if known else ()
    target = Target("", f"choice {next(_NUMBERS)}")
    return Unknown("it hangs on what is left open", show(options[0][0]), target, not_null=True, allowed=allowed)


_NUMBERS = count()


def resolve_deep(value: Value, world: World) -> Value:
    """The value in a world, with all that it holds: absent members and elements are dropped, texts whose holes are decided
    become known. A value that is the same in all worlds is returned as it is.

    Raises:
        UndecidedError: where the world does not decide a Choice in it.
    """
    data = value.data
    if type(data) is Choice:
        value = resolve(value, world)
        data = value.data
    if isinstance(data, str):
        return value
    if isinstance(data, tuple):
        items = [resolve_deep(item, world) for item in data]
        if all(item is before and item.data is not ABSENT for item, before in zip(items, data, strict=True)):
            return value
        return value.with_data(tuple(item for item in items if item.data is not ABSENT))
    if isinstance(data, dict):
        members = {name: resolve_deep(item, world) for name, item in data.items()}
        if all(member is data[name] and member.data is not ABSENT for name, member in members.items()):
            return value
        return value.with_data({n: v for n, v in members.items() if v.data is not ABSENT})
    if type(data) is Text:
        return _resolve_text(value, data, world)
    return value


def _resolve_text(value: Value, text: Text, world: World) -> Value:
    pieces: list[Value] = []
    for piece in text.pieces:
        resolved = resolve(piece, world) if type(piece.data) is Choice else piece
        pieces.extend(resolved.data.pieces if type(resolved.data) is Text else (resolved,))
    encodes = resolve_deep(text.encodes, world) if text.encodes is not None else None
    same = encodes is text.encodes and len(pieces) == len(text.pieces)
    if same and all(piece is before for piece, before in zip(pieces, text.pieces, strict=True)):
        return value
    return value.with_data(Text(tuple(pieces), encodes, text.encoding))


def map_choices(function: Callable[[tuple[Value, ...]], Value], arguments: tuple[Value, ...]) -> Value:
    """Applies a function to each combination of the branches of its arguments that can happen.

    The result is a Choice, or an Unknown with the branches' scalars as `allowed` where there would be more than MAX_BRANCHES.
    """
    combinations: list[tuple[Formula, tuple[Value, ...]]] = [(YES, ())]
    for argument in arguments:
        if type(argument.data) is not Choice:
            combinations = [(guard, (*done, argument)) for guard, done in combinations]
            continue
        options = flatten(argument)
        grown: list[tuple[Formula, tuple[Value, ...]]] = []
        for guard, done in combinations:
            for option_guard, option in options:
                both = conjunction(guard, option_guard)
                if both is option_guard or possible(both):  # what is flat is possible by itself
                    grown.append((both, (*done, option)))
            if len(grown) > MAX_BRANCHES:
                return Value(Unknown("too many combinations of conditions"))
        combinations = grown
    if len(combinations) == 1:
        return function(combinations[0][1])
    return Value(Choice(tuple(Branch(guard, function(done)) for guard, done in combinations)))


def flatten(value: Value) -> list[tuple[Formula, Value]]:
    """The branches of a value with their guards, Choices inside branches joined into one list."""
    if type(value.data) is not Choice:
        return [(YES, value)]
    out: list[tuple[Formula, Value]] = []
    for branch in value.data.branches:
        if type(branch.value.data) is not Choice:
            if possible(branch.guard):
                out.append((branch.guard, branch.value))
            continue
        for guard, inner in flatten(branch.value):
            both = conjunction(branch.guard, guard)
            if possible(both):
                out.append((both, inner))
    return out


def possible(formula: Formula) -> bool:
    """Whether a conjunction of guards can hold; only plain contradictions are seen."""
    while type(formula) is Named:
        formula = formula.of
    if type(formula) is Truth:
        return formula is not NO
    if type(formula) is Atom:
        return formula.alone is not NO
    if type(formula) is Not and type(formula.of) is Atom:
        return formula.of.alone is not YES
    world = World()
    pending: list[Formula] = [formula]
    rest: list[Formula] = []
    while pending:
        part = pending.pop()
        if type(part) is Named:
            pending.append(part.of)
        elif type(part) is All:
            pending.extend(part.of)
        elif type(part) is Not and type(part.of) is Named:
            pending.append(Not(part.of.of))
        elif type(part) is Atom or (type(part) is Not and type(part.of) is Atom):
            atom, holds = (part, True) if type(part) is Atom else (part.of, False)
            assert type(atom) is Atom
            grown = world.assume(atom, holds)
            if grown is None:
                return False
            world = grown
        else:
            rest.append(part)
    return all(world.truth(part) is not NO for part in rest)
