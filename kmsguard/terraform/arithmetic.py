"""Numbers as Terraform computes with them: binary floating point of 512 bits, which is some 154 decimal digits."""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow

CONTEXT = Context(prec=154, Emax=999_999, Emin=-999_999, traps=[InvalidOperation, DivisionByZero, Overflow])


def narrow(number: float | Decimal) -> int | Decimal:
    """A number in its one form here: an int where it is whole, else a Decimal.

    Raises:
        ArithmeticError: where it is too large to be handled.
    """
    if isinstance(number, int):
        return number
    if isinstance(number, float):
        number = Decimal(repr(number))
    if not number.is_finite():
        raise InvalidOperation
    if number.adjusted() > 10_000:
        raise Overflow
    if number == number.to_integral_value(context=CONTEXT):
        return int(number)
    return number
