"""Numbers as Terraform computes with them: binary floating point of 512 bits, which is some 154 decimal digits.

Here they are decimal, and computed with some digits more than are shown, so that `1 / 3 * 3` is 1 there and here.
"""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow

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
