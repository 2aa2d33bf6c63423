"""Attributes that need an algorithm: what `derive: {function: NAME}` names in a kind file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from kmsguard.model.guard import World
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.value import Value

Function: TypeAlias = Callable[[Resource, Graph, World], Value]
"""Raises UndecidedError where the world does not decide what it asks for."""

FUNCTIONS: dict[str, Function] = {}
