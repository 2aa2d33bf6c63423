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
    if number <= 0 or base < 0 or base == 1:
        raise FunctionError("log has no result")
    if base == 0:
        return 0
    return narrow(shortest(Decimal(_natural(float(number)) / _natural(float(base))), 53))


def _natural(x: float) -> float:
    """The natural logarithm to the last bit as Go computes it (FreeBSD's e_log.c), which the C library does not always."""
    fraction, exponent = math.frexp(x)
    if fraction < math.sqrt(2) / 2:
        fraction, exponent = fraction * 2, exponent - 1
    f = fraction - 1
    s = f / (2 + f)
    s2 = s * s
    s4 = s2 * s2
    odd = s2 * _series(
        s4, 1.479819860511658591e-01, 1.818357216161805012e-01, 2.857142874366239149e-01, 6.666666666666735130e-01
    )
    even = s4 * _series(s4, 1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01)
    half = 0.5 * f * f
    low = exponent * 1.90821492927058770002e-10
    return exponent * 6.93147180369123816490e-01 - ((half - (s * (half + (odd + even)) + low)) - f)


def _pow(number: Number, power: Number) -> Number:
    try:
        result = _power(float(number), float(power))
    except (OverflowError, ValueError):
        raise FunctionError("pow has no result") from None
    if math.isinf(result):
        raise FunctionError("pow has no result")
    return narrow(shortest(Decimal(result), 53))


def _series(x: float, *coefficients: float) -> float:
    """A polynomial, the coefficient of the highest power first."""
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


def _power(x: float, y: float) -> float:
    """A power to the last bit as Go computes it, by squaring; what the C library says of the special cases is the same."""
    if not x or not y or x == 1 or y in (1, 0.5, -0.5) or abs(y) >= 1 << 20:
        return math.pow(x, y)
    fraction, whole = math.modf(abs(y))
    if fraction and x < 0:
        return math.pow(x, y)
    result, exponent = 1.0, 0
    if fraction:
        if fraction > 0.5:
            fraction, whole = fraction - 1, whole + 1
        result = math.exp(fraction * _natural(x))
    mantissa, scale = math.frexp(x)
    left = int(whole)
    while left:
        if abs(scale) > 1 << 12:
            exponent += scale
            break
        if left & 1:
            result, exponent = result * mantissa, exponent + scale
        mantissa, scale = mantissa * mantissa, scale << 1
        if mantissa < 0.5:
            mantissa, scale = mantissa + mantissa, scale - 1
        left >>= 1
    return math.ldexp(1 / result, -exponent) if y < 0 else math.ldexp(result, exponent)


def _parse_int(text: str, base: Number) -> int:
    radix = whole_number(base)
    if "x" in text.lower() and radix == 16:
        raise FunctionError("this is no number of that base")
    if not 2 <= radix <= 62 or "_" in text or text.strip() != text or not text or not text.isascii():
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


def _absolute(number: Number) -> Number:
    return number.copy_abs() if isinstance(number, Decimal) else abs(number)  # abs() of a Decimal rounds it


def _signum(number: Number) -> int:
    number = whole_number(number)
    if not -(1 << 63) <= number < 1 << 63:
        raise FunctionError("a number of 64 bits is required")
    return (number > 0) - (number < 0)


FUNCTIONS: dict[str, Function] = {
    "abs": pure(_absolute, NUMBER),
    "ceil": pure(_ceil, NUMBER),
    "floor": pure(_floor, NUMBER),
    "log": pure(_log, NUMBER, NUMBER),
    "max": pure(lambda *numbers: max(numbers), variadic=NUMBER),
    "min": pure(lambda *numbers: min(numbers), variadic=NUMBER),
    "parseint": _parse_text,
    "pow": pure(_pow, NUMBER, NUMBER),
    "signum": pure(_signum, NUMBER),
}
