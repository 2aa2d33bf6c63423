"""Questions that need an algorithm.

`check: policy.open_to_all` in a rule asks the function `open_to_all` of the module `kmsguard.rules.checks.policy`, which is
imported when the first rule asks. A check takes a `Question` and gives an `Answer` (`kmsguard.model.rule`).

A check that is fine with all but a few resources, whatever the world, can say which these are: in the table `ASKED` of its
module, by its name. Nobody asks it about others then.

A check that never says YES of an unknown value where it says NO of one that it may turn out to be is in the set `CAREFUL` of
its module. It is asked in a vague world before a world is split: what it is fine with there, it is fine with in both halves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TypeAlias

from kmsguard.model.resource import Graph, Resource
from kmsguard.model.rule import Answer, Question

Asked: TypeAlias = Callable[[Graph], Collection[Resource]]
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


def find_asked(name: str) -> Asked | None:
    """What says about which resources a check has to be asked; None where it is about all of them."""
    if find_check(name) is None:
        return None
    module, function = name.split(".")
    table: dict[str, Asked] = getattr(import_module(f"{__name__}.{module}"), "ASKED", {})
    return table.get(function)


@cache
def is_careful(name: str) -> bool:
    """Whether a check is asked in vague worlds."""
    if find_check(name) is None:
        return False
    module, function = name.split(".")
    return function in getattr(import_module(f"{__name__}.{module}"), "CAREFUL", ())
