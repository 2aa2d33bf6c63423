"""What an expression says alike in every instance and in every round of a loop is evaluated once in a module.

`element(aws_kms_key.a[*].arn, count.index)` collects the ARNs once, not once for each of the instances that take one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kmsguard.model.value import Value
from kmsguard.syntax.hcl.nodes import Node, SplatItem, Variable
from kmsguard.terraform.scope import Scope

Form = TypeVar("Form", bound=Node)
SPLAT_ITEM = "*"  # no name of the language


def once(form: Callable[[Form, Scope], Value]) -> Callable[[Form, Scope], Value]:
    """The same evaluation, made once in a module where the expression uses none of the names bound around it."""

    def run(node: Form, scope: Scope) -> Value:
        if not scope.names and scope.element is None:
            return form(node, scope)
        names = names_in(node, scope)
        if not names.isdisjoint(scope.names) or (scope.element is not None and SPLAT_ITEM in names):
            return form(node, scope)
        # what `try` and `can` are around may be an error there
        doubts = scope.run.doubts
        key = (id(node), id(scope.module), scope.run.trying > 0)
        found = scope.run.closed.get(key)
        if found is None:
            before = len(doubts)
            value = form(node, Scope(scope.module, scope.source))
            # the node and the module are kept, so that their identities stay their own
            found = scope.run.closed[key] = (node, scope.module, value, tuple(doubts[before:]))
        else:
            doubts.extend(found[3])
        return found[2]

    return run


def names_in(node: Node, scope: Scope) -> frozenset[str]:
    """All names that begin a traversal in an expression, those that it binds itself included."""
    known = scope.run.names.get(id(node))
    if known is None:
        found = set()
        left: list[object] = [node]
        while left:
            at = left.pop()
            if isinstance(at, Variable):
                found.add(at.name)
            elif isinstance(at, SplatItem):
                found.add(SPLAT_ITEM)
            elif isinstance(at, (tuple, list)):
                left.extend(at)
            elif isinstance(at, Node):
                left.extend(getattr(at, field) for field in at.__struct_fields__)
        known = scope.run.names[id(node)] = (node, frozenset(found))
    return known[1]
