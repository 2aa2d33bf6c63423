"""Functions of numbers."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from kmsguard.model.value import Unknown, Value
from kmsguard.terraform.arithmetic import CONTEXT, narrow, shortest
from kmsguard.terraform.functions import Function, Invocation
from kmsguard.terraform.functions.adapt import FunctionError, pure, whole_number
from kmsguard.terraform.partial import invalid
from kmsguard.terraform.texts import is_text
from kmsguard.terraform.types import NUMBER, STRING

Number = int | Decimal


def _log(number: Number, base: Number) -> Number:
    # Terraform computes both with 64-bit floats
    if number <= 0 or base <= 0 or base == 1:
        raise FunctionError("log has no result")
    return narrow(shortest(Decimal(math.log(float(number)) / math.log(float(base))), 53))


def _pow(number: Number, power: Number) -> Number:
    try:
        result = math.pow(float(number), float(power))
    except (OverflowError, ValueError):
        raise FunctionError("pow has no result") from None
    if math.isinf(result):
        raise FunctionError("pow has no result")
    return narrow(shortest(Decimal(result), 53))


def _parse_int(text: str, base: Number) -> int:
    radix = whole_number(base)
    if "x" in text.lower() and radix == 16:
        raise FunctionError("this is no number of that base")
    if not 2 <= radix <= 62 or "_" in text or text.strip() != text or not text:
        raise FunctionError("parseint has no result")
    if radix <= 36:
        try:
            return int(text, radix)
        except ValueError:
            raise FunctionError("this is no number of that base") from None
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[:radix]
    sign, body = (-1, text[1:]) if text[0] == "-" else (1, text.removeprefix("+"))
    result = 0
    for character in body:
        if character not in digits:
            raise FunctionError("this is no number of that base")
        result = result * radix + digits.index(character)
    return sign * result


_PARSE_INT = pure(_parse_int, STRING, NUMBER)


def _parse_text(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    """Of a text; what is a number already is refused."""
    if is_text(arguments[0]) or isinstance(arguments[0].data, Unknown):
        return _PARSE_INT(invocation, arguments)
    return invalid("a text is required")


def _ceil(number: Number) -> int:
    return int(Decimal(number).to_integral_value(ROUND_CEILING, CONTEXT))


def _floor(number: Number) -> int:
    return int(Decimal(number).to_integral_value(ROUND_FLOOR, CONTEXT))


def _signum(number: Number) -> int:
    number = whole_number(number)
    if not -(1 << 63) <= number < 1 << 63:
        raise FunctionError("a number of 64 bits is required")
    return (number > 0) - (number < 0)


FUNCTIONS: dict[str, Function] = {
    "abs": pure(abs, NUMBER),
    "ceil": pure(_ceil, NUMBER),
    "floor": pure(_floor, NUMBER),
    "log": pure(_log, NUMBER, NUMBER),
    "max": pure(lambda *numbers: max(numbers), variadic=NUMBER),
    "min": pure(lambda *numbers: min(numbers), variadic=NUMBER),
    "parseint": _parse_text,
    "pow": pure(_pow, NUMBER, NUMBER),
    "signum": pure(_signum, NUMBER),
}
