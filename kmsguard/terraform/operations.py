"""Terraform's operators over values that may be unknown. An operator is decided as soon as what is known decides it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DecimalException
from types import NoneType
from typing import TypeAlias

from kmsguard.model.guard import Atom, Formula, Scalar, negate
from kmsguard.model.truth import Truth
from kmsguard.model.value import Choice, Data, Text, Unknown, Value
from kmsguard.terraform.arithmetic import CONTEXT, narrow
from kmsguard.terraform.choices import choose, distribute, truth_value
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.guards import meet
from kmsguard.terraform.history import derived, from_parts
from kmsguard.terraform.partial import (
    Handle,
    Invalid,
    ListItems,
    Many,
    MapItems,
    Open,
    SetItems,
    Typed,
    branches,
    find_unknown,
    invalid,
    subject_of,
    unfolded,
)
from kmsguard.terraform.texts import is_text
from kmsguard.terraform.types import BOOL, NUMBER
from kmsguard.terraform.unify import differ, type_of, typed

Label: TypeAlias = "Callable[[], str]"
"""How an operation is called where nothing else names the fact that decides it: made only when it is needed."""


AFTER_APPLY = "known after apply"
FRESH = ("function timestamp", "function uuid", "function bcrypt")
"""Why a value is unknown, where that is because nothing was applied yet."""


class Facts:
    """Makes atoms of the unit that is read."""

    __slots__ = ("met", "unit")

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.met: dict[str, None] = {}  # references that are known after apply only, and that a truth hangs on

    def meets(self, value: Value) -> None:
        """Notes that a truth hangs on a value, where that is known after apply only."""
        data = value.data
        if isinstance(data, Unknown) and data.reference and (data.reason == AFTER_APPLY or data.reason in FRESH):
            self.met[data.reference] = None

    def holds(self, unknown: Unknown, label: Label) -> Formula:
        """The fact that an unknown bool is true."""
        return Atom(self.unit, subject_of(unknown) or label(), True, (True, False))

    def equals(self, subject: str, value: Scalar, among: tuple[Scalar, ...] = ()) -> Formula:
        """The fact that a subject equals a value."""
        return Atom(self.unit, subject, value, among)

    def opaque(self, label: Label) -> Value:
        """A bool of which only its text is known."""
        return truth_value(Atom(self.unit, label(), True, (True, False)))


def cases(condition: Value, facts: Facts, label: Label) -> list[tuple[Formula, bool | Value]]:
    """The ways in which a condition can turn out: a truth under each guard, or the error that it is."""
    out: list[tuple[Formula, bool | Value]] = []
    # what has no type is one of two truths once a truth is asked for
    for guard, found in branches(convert(condition, BOOL)):
        data = found.data
        if isinstance(data, bool):
            out.append((guard, data))
        elif isinstance(data, Unknown) and not isinstance(data, Invalid):
            facts.meets(found)
            fact = facts.holds(data, label)
            out.append((meet(guard, fact), True))
            out.append((meet(guard, negate(fact)), False))
        else:
            out.append((guard, found if isinstance(data, Invalid) else invalid("a condition must not be null")))
    return [(guard, truth) for guard, truth in out if guard is not Truth.NO]


def conditional(
    condition: Value, facts: Facts, label: Label, then: Callable[[], Value], otherwise: Callable[[], Value]
) -> Value:
    """`condition ? then : otherwise`; only what can be reached is evaluated."""
    if isinstance(condition.data, Typed) and isinstance(convert(condition, BOOL).data, Invalid):
        condition = derived((condition,))  # Terraform says that it is no truth when it knows it
    made: dict[bool, Value] = {}
    reached: list[tuple[Formula, Value]] = []
    for guard, truth in cases(condition, facts, label):
        if isinstance(truth, Value):
            reached.append((guard, truth))
            continue
        if truth not in made:
            made[truth] = then() if truth else otherwise()
        reached.append((guard, made[truth]))
    result = choose(reached)
    if condition.sensitive and not result.sensitive:
        return from_parts(result.data, (result, condition), result.span)
    return result


def logical_and(left: Value, right: Value, facts: Facts, label: Label) -> Value:
    """`left && right`: false as soon as one side is."""
    if right.data is False and left.data is not None and not isinstance(_operand(left).data, Invalid):
        return from_parts(False, (left, right))
    if _is_wrong(left, right):
        return _operand(right)
    return choose(
        (guard, truth if isinstance(truth, Value) else _operand(right) if truth else Value(False))
        for guard, truth in cases(left, facts, label)
    )


def decided(left: Value, right: Value) -> Value:
    """The left side of `&&` or `||` where it decides: the other one is still asked whether it is a truth at all."""
    found = left if right.data is None or isinstance(right.data, (Unknown, Choice)) else _operand(right)
    return found if isinstance(found.data, Invalid) else left


def _is_wrong(left: Value, right: Value) -> bool:
    """Whether the right side is an error that the left one cannot keep from mattering: of a type that never is a truth, or any
    where the left one is known only after apply."""
    if isinstance(left.data, (Invalid, NoneType)) or not isinstance(_operand(right).data, Invalid):
        return False
    after_apply = isinstance(left.data, Unknown) and not isinstance(left.data, Open)
    return after_apply or not isinstance(right.data, (Invalid, NoneType))


def _operand(side: Value) -> Value:
    found = convert(side, BOOL)
    return invalid("an operand must not be null") if found.data is None else found


def logical_or(left: Value, right: Value, facts: Facts, label: Label) -> Value:
    """`left || right`: true as soon as one side is."""
    if right.data is True and left.data is not None and not isinstance(_operand(left).data, Invalid):
        return from_parts(True, (left, right))
    if _is_wrong(left, right):
        return _operand(right)
    return choose(
        (guard, truth if isinstance(truth, Value) else Value(True) if truth else _operand(right))
        for guard, truth in cases(left, facts, label)
    )


def logical_not(operand: Value, facts: Facts, label: Label) -> Value:
    """`!operand`."""
    return choose(
        (guard, truth if isinstance(truth, Value) else from_parts(not truth, (operand,)))
        for guard, truth in cases(operand, facts, label)
    )


# --- equality -------------------------------------------------------------------------------------------------------------


def equality(left: Value, right: Value, facts: Facts, label: Label) -> Value:
    """`left == right`."""
    return distribute(lambda a, b: _equality(a, b, facts, label), left, right)


def _equality(left: Value, right: Value, facts: Facts, label: Label) -> Value:
    for side in (left, right):
        if isinstance(side.data, Invalid):
            return side
    for side, other in ((left, right), (right, left)):
        if not (other.data is None and _is_never_null(side.data)):
            facts.meets(side)
    known = equal(left, right)
    if known is not None:
        return from_parts(known, (left, right))
    formula = _fact(left, right, facts) or _fact(right, left, facts)
    result = facts.opaque(label) if formula is None else truth_value(formula)
    return from_parts(result.data, (left, right))


def _is_never_null(data: Data) -> bool:
    """Whether a plan knows of what is known after apply that it will not be null: the AWS provider does not say so."""
    return isinstance(data, Unknown) and "terraform_data." in (data.reference or "")


def _fact(unknown: Value, known: Value, facts: Facts) -> Formula | None:
    data = unknown.data
    if not isinstance(data, Unknown):
        return None
    subject = subject_of(data)
    literal = known.text if is_text(known) else known.data
    if subject is None or not (literal is None or isinstance(literal, (str, bool, int))):
        return None
    return facts.equals(subject, literal, data.allowed)


def equal(left: Value, right: Value) -> bool | None:
    """Whether two values are equal; None where that is not known. Values of different types are not."""
    a, b = left.data, right.data
    if isinstance(a, Choice) or isinstance(b, Choice):
        return _equal_choices(left, right)
    if isinstance(a, Handle) or isinstance(b, Handle):
        left, right = unfolded(left), unfolded(right)
        a, b = left.data, right.data
    if isinstance(a, Unknown) or isinstance(b, Unknown):
        known = (
            _equal_unknown(a, right) if isinstance(a, Unknown) else _equal_unknown(b, left) if isinstance(b, Unknown) else None
        )
        return False if known is None and differ(type_of(left), type_of(right)) else known
    if isinstance(a, (str, Text)):
        return _equal_texts(left, right) if isinstance(b, (str, Text)) else False
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, (int, float, Decimal)):
        return isinstance(b, (int, float, Decimal)) and a == b
    if isinstance(a, tuple):
        return _equal_sequences(a, b) if isinstance(b, tuple) else False
    if isinstance(a, dict):
        return _equal_maps(a, b) if isinstance(b, dict) else False
    return None


def _equal_choices(left: Value, right: Value) -> bool | None:
    results = {equal(a, b) for _, a in branches(left) for _, b in branches(right)}
    return results.pop() if len(results) == 1 else None


def _equal_unknown(unknown: Unknown, other: Value) -> bool | None:
    data = other.data
    if isinstance(data, Unknown):
        return True if unknown.target is not None and unknown.target == data.target and _single(unknown, data) else None
    if data is None:
        return False if unknown.not_null or isinstance(unknown, (Handle, Many)) else None
    text = other.text
    if text is None:
        return None
    if text == "" and never_empty(unknown):
        return False
    if unknown.prefix and not text.startswith(unknown.prefix):
        return False
    if unknown.allowed and text not in unknown.allowed:
        return False
    return None


def _single(*unknowns: Unknown) -> bool:
    return all(not isinstance(unknown, (Handle, Many)) and unknown.target is not None for unknown in unknowns)


def never_empty(unknown: Unknown) -> bool:
    """Whether an unknown text certainly has characters: identities of what exists do."""
    target = unknown.target
    return bool(unknown.prefix) or (
        target is not None and (not target.address or target.attribute in ("arn", "id")) and not isinstance(unknown, Many)
    )


def _equal_texts(left: Value, right: Value) -> bool | None:
    a, b = left.text, right.text
    if a is not None and b is not None:
        return a == b
    for known, other in ((a, right), (b, left)):
        if known is not None and isinstance(other.data, Text) and len(known) < least_length(other.data):
            return False
    head_a, tail_a = ends(left)
    head_b, tail_b = ends(right)
    shorter = min(len(head_a), len(head_b))
    if head_a[:shorter] != head_b[:shorter]:
        return False
    shorter = min(len(tail_a), len(tail_b))
    if shorter and tail_a[-shorter:] != tail_b[-shorter:]:
        return False
    return None


def least_length(text: Text) -> int:
    """How many characters a text has at least."""
    return sum(len(piece.data) for piece in text.pieces if isinstance(piece.data, str) and piece.data.isascii())


def ends(value: Value) -> tuple[str, str]:
    """What a text surely begins and ends with."""
    data = value.data
    if isinstance(data, str):
        return data, data
    if not isinstance(data, Text):
        return (data.prefix, "") if isinstance(data, Unknown) else ("", "")
    head: list[str] = []
    for piece in data.pieces:
        if not isinstance(piece.data, str):
            if isinstance(piece.data, Unknown):
                head.append(piece.data.prefix)
            break
        head.append(piece.data)
    tail: list[str] = []
    for piece in reversed(data.pieces):
        if not isinstance(piece.data, str):
            break
        tail.append(piece.data)
    return "".join(head), "".join(reversed(tail))


def _equal_sequences(a: tuple[Value, ...], b: tuple[Value, ...]) -> bool | None:
    if _sort(a) != _sort(b):
        return False
    if isinstance(a, SetItems) and a and b and any(find_unknown(item) is not None for item in (*a, *b)):
        return None  # which is which in a set is not known either
    if len(a) != len(b):
        return False
    return _all(equal(x, y) for x, y in zip(a, b, strict=True))


def _sort(items: tuple[Value, ...]) -> type:
    return type(items) if isinstance(items, (ListItems, SetItems)) else tuple


def _equal_maps(a: dict[str, Value], b: dict[str, Value]) -> bool | None:
    if isinstance(a, MapItems) != isinstance(b, MapItems) or a.keys() != b.keys():
        return False
    return _all(equal(a[name], b[name]) for name in a)


def _all(facts: object) -> bool | None:
    result: bool | None = True
    for fact in facts:  # type: ignore[attr-defined]
        if fact is False:
            return False
        if fact is None:
            result = None
    return result


# --- numbers --------------------------------------------------------------------------------------------------------------


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """`+ - * / %`."""
    return distribute(lambda a, b: _arithmetic(operator, a, b), left, right)


def _arithmetic(operator: str, left: Value, right: Value) -> Value:
    numbers = _numbers(left, right)
    if isinstance(numbers, Value):
        return numbers
    try:
        return from_parts(narrow(_OPERATIONS[operator](*numbers)), (left, right))
    except (ArithmeticError, DecimalException):
        return invalid(f"{operator} has no result")


def comparison(operator: str, left: Value, right: Value, facts: Facts, label: Label) -> Value:
    """`< <= > >=`."""
    return distribute(lambda a, b: _comparison(operator, a, b, facts, label), left, right)


def _comparison(operator: str, left: Value, right: Value, facts: Facts, label: Label) -> Value:
    numbers = _numbers(left, right)
    if isinstance(numbers, Value):
        if isinstance(numbers.data, Invalid):
            return numbers
        facts.meets(left)
        facts.meets(right)
        return from_parts(facts.opaque(label).data, (left, right))
    return from_parts(_COMPARISONS[operator](*numbers), (left, right))


def negative(operand: Value) -> Value:
    """`-operand`."""
    return distribute(lambda value: _arithmetic("-", Value(0), value), operand)


def _numbers(left: Value, right: Value) -> tuple[int | Decimal, int | Decimal] | Value:
    a, b = convert(left, NUMBER), convert(right, NUMBER)
    for side in (a, b):
        if isinstance(side.data, Invalid):
            return side
    if a.data is None or b.data is None:
        return invalid("a number must not be null")
    if isinstance(a.data, Unknown) or isinstance(b.data, Unknown):
        return typed(derived((a, b), not_null=True), NUMBER)
    assert isinstance(a.data, (int, float, Decimal))
    assert isinstance(b.data, (int, float, Decimal))
    return narrow(a.data), narrow(b.data)


def _divide(a: int | Decimal, b: int | Decimal) -> int | Decimal:
    if isinstance(a, int) and isinstance(b, int) and b != 0 and a % b == 0:
        return a // b
    return CONTEXT.divide(Decimal(a), Decimal(b))


def _remainder(a: int | Decimal, b: int | Decimal) -> int | Decimal:
    if b == 0:
        return a
    return CONTEXT.remainder(Decimal(a), Decimal(b))


def _exact(decimal: Callable[[Decimal, Decimal], Decimal], whole: Callable[[int, int], int]) -> Callable[..., int | Decimal]:
    def operate(a: int | Decimal, b: int | Decimal) -> int | Decimal:
        if isinstance(a, int) and isinstance(b, int):
            return whole(a, b)
        return decimal(Decimal(a), Decimal(b))

    return operate


_OPERATIONS: dict[str, Callable[..., int | Decimal]] = {
    "+": _exact(CONTEXT.add, lambda a, b: a + b),
    "-": _exact(CONTEXT.subtract, lambda a, b: a - b),
    "*": _exact(CONTEXT.multiply, lambda a, b: a * b),
    "/": _divide,
    "%": _remainder,
}
_COMPARISONS: dict[str, Callable[..., bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
