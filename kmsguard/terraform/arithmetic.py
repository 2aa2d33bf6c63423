"""Numbers as Terraform computes with them: binary floating point of 512 bits, which is some 154 decimal digits.

Here they are decimal, and computed with some digits more than are shown, so that `1 / 3 * 3` is 1 there and here.
"""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from fractions import Fraction

SHOWN = Context(prec=154, Emax=999_999, Emin=-999_999)
CONTEXT = Context(prec=200, Emax=999_999, Emin=-999_999, traps=[InvalidOperation, DivisionByZero, Overflow])


LONGEST = 13_000  # bits of a whole number; Python writes no more than 4,300 digits


def narrow(number: float | Decimal) -> int | Decimal:
    """A number in its one form here: an int where it is whole, else a Decimal.

    Raises:
        ArithmeticError: where it is too large to be handled.
    """
    if isinstance(number, int):
        if number.bit_length() > LONGEST:
            raise Overflow
        return number
    if isinstance(number, float):
        number = Decimal(repr(number))
    if not number.is_finite():
        raise InvalidOperation
    if number.adjusted() > 3_900:
        raise Overflow
    rounded = SHOWN.plus(number)
    if rounded == rounded.to_integral_value(context=SHOWN):
        return int(rounded)
    return number


SHOWN_IN_FULL = Context(prec=4_000, Emax=999_999, Emin=-999_999)


def _binary(number: Decimal, bits: int) -> tuple[int, int]:
    """The nearest binary number: mantissa of so many bits, and exponent."""
    whole = Fraction(number.copy_abs())
    exponent = whole.numerator.bit_length() - whole.denominator.bit_length() - bits
    scaled = whole / Fraction(2) ** exponent
    while scaled >= 1 << bits:
        exponent += 1
        scaled /= 2
    return round(scaled), exponent


def as_binary(number: Decimal) -> Decimal:
    """A fraction as the binary number of 512 bits that Terraform has in its place, all digits of it."""
    if not number or number.adjusted() < -300:
        return number
    mantissa, exponent = _binary(number, 512)
    value = SHOWN_IN_FULL.multiply(Decimal(mantissa), SHOWN_IN_FULL.power(Decimal(2), Decimal(exponent)))
    return value.copy_sign(number)


def shortest(number: Decimal, bits: int = 512) -> Decimal:
    """The fewest digits that tell a binary number from its neighbours, as Go writes it."""
    if not number or number.adjusted() < -300:
        return number
    mantissa, exponent = _binary(number, bits)
    shift = max(0, 1 - exponent)
    unit = 10**shift * 2 ** max(0, exponent - 1) // 2 ** max(0, 1 - exponent)
    exact, low, high = ((2 * mantissa + side) * unit for side in (0, -1, 1))
    size = len(f"{high:d}")
    digits, lower, upper = (f"{value:d}".zfill(size) for value in (exact, low, high))
    inclusive = mantissa % 2 == 0
    for at, digit in enumerate(digits):
        down = lower[at] != digit or (inclusive and not lower[at + 1 :].strip("0"))
        up = digit != upper[at] and (inclusive or int(digit) + 1 < int(upper[at]) or bool(upper[at + 1 :].strip("0")))
        if down or up:
            rest = digits[at + 1 :]
            larger = up and (not down or rest > "5" + "0" * len(rest[1:]) or (rest[:1] == "5" and int(digit) % 2 == 1))
            value = Decimal(int(digits[: at + 1]) + larger).scaleb(len(rest) - shift, SHOWN_IN_FULL)
            return value.copy_sign(number)
    return number
