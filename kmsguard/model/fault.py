"""A bug of kmsguard, told without a word of the input: what an exception says may hold a secret."""

from __future__ import annotations


def fault(error: BaseException) -> str:
    """The type of an exception and the place in the program that raised it: `KeyError at kmsguard.rules.judge:57`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace is not None else "?"
    return f"{type(error).__name__} at {where}"
