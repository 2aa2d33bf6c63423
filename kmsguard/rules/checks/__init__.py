"""Questions that need an algorithm.

`check: policy.open_to_all` in a rule asks the function `open_to_all` of the module `kmsguard.rules.checks.policy`, which is
imported when the first rule asks. A check takes a `Question` and gives an `Answer` (`kmsguard.model.rule`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TypeAlias

from kmsguard.model.rule import Answer, Question

CheckFunction: TypeAlias = Callable[[Question], Answer]

_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@cache
def find_check(name: str) -> CheckFunction | None:
    """The function of a check; None where there is none of that name."""
    if _NAME.fullmatch(name) is None:
        return None
    module, function = name.split(".")
    if find_spec(f"{__name__}.{module}") is None:
        return None
    found: CheckFunction | None = getattr(import_module(f"{__name__}.{module}"), function, None)
    return found if callable(found) and getattr(found, "__module__", None) == f"{__name__}.{module}" else None
