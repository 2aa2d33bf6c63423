"""`try` and `can`. See https://developer.hashicorp.com/terraform/language/functions/try and `can` beside it.

Terraform decides neither while something that the expression refers to is unknown. Here what is known after apply counts as
there, so that `try(aws_kms_key.a.arn, null)` is that key. A variable without value may be anything, null too: where something
is made of it that is an error for some values (`Run.doubt`), both ways stay open.
"""

from __future__ import annotations

from kmsguard.model.guard import Formula
from kmsguard.model.truth import Truth
from kmsguard.model.value import Unknown, Value
from kmsguard.syntax.hcl import nodes
from kmsguard.terraform import operations
from kmsguard.terraform.choices import choose
from kmsguard.terraform.history import derived
from kmsguard.terraform.partial import branches, find_invalid, invalid, is_invalid
from kmsguard.terraform.scope import Scope
from kmsguard.terraform.types import BOOL
from kmsguard.terraform.unify import typed


def try_(node: nodes.Call, scope: Scope) -> Value:
    """`try`: the first argument that is no error."""
    if not node.arguments:
        return invalid("try needs an argument")
    first, rest = node.arguments[0], node.arguments[1:]
    value, doubt = _attempted(first, scope)
    if not rest:
        return value

    def otherwise() -> Value:
        return try_(nodes.Call(node.start, node.end, node.name, rest), scope)

    if find_invalid(value) is not None:
        return otherwise()
    options = branches(value)
    if any(is_invalid(option) for _, option in options):
        value = choose((guard, otherwise() if is_invalid(option) else option) for guard, option in options)
    if doubt is None or isinstance(value.data, Unknown):
        return value
    holds = derived((doubt,), not_null=True)
    return operations.conditional(holds, scope.run.facts, lambda: f"can({scope.name_of(first)})", lambda: value, otherwise)


def can(node: nodes.Call, scope: Scope) -> Value:
    """`can`: whether its argument is no error."""
    if len(node.arguments) != 1:
        return invalid("can needs one argument")
    value, doubt = _attempted(node.arguments[0], scope)
    span = scope.span(node)
    if find_invalid(value) is not None:
        return Value(False, span)

    def known(option: Value) -> Value:
        if is_invalid(option):
            return Value(False, span)
        if isinstance(option.data, Unknown):
            return typed(derived((option,), span, not_null=True), BOOL)
        return Value(True, span) if doubt is None else derived((doubt,), span, not_null=True)

    found: list[tuple[Formula, Value]] = [(guard, known(option)) for guard, option in branches(value)]
    return choose(found or [(Truth.YES, Value(True, span))])


def _attempted(node: nodes.Expression, scope: Scope) -> tuple[Value, Value | None]:
    """What an argument gives, and what is open in it that could make it an error."""
    from kmsguard.terraform.evaluate import evaluate

    run = scope.run
    before = len(run.doubts)
    run.trying += 1
    try:
        value = evaluate(node, scope)
    finally:
        run.trying -= 1
    doubt = run.doubts[before] if len(run.doubts) > before else None
    del run.doubts[before:]
    return value, doubt
