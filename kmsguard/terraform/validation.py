"""Whether what the code says of its own values holds: validations, preconditions and postconditions; constant defaults.

See https://developer.hashicorp.com/terraform/language/expressions/custom-conditions.
"""

from __future__ import annotations

from collections.abc import Iterable

from kmsguard.model.source import Span
from kmsguard.model.value import Value
from kmsguard.syntax.hcl.nodes import Block, Expression
from kmsguard.terraform.choices import without_errors
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.evaluate import conclude, evaluate
from kmsguard.terraform.load import Located
from kmsguard.terraform.partial import Invalid, is_invalid
from kmsguard.terraform.scope import Scope, Surroundings
from kmsguard.terraform.types import BOOL, not_constant


def given_at(value: Value) -> Span | None:
    """Where a value was given: its entry, the step that brought it, or where it is written."""
    if value.place is not None:
        return value.place
    steps = value.trail.chain()[::-1] if value.trail is not None else []
    return next((step.span for step in steps if step.span is not None), value.span)


def check(module: Surroundings, name: str, declared: Located, value: Value) -> None:
    """Says of a variable what Terraform would refuse of its value, or of its default."""
    scope = Scope(module, declared.file.source)
    default = declared.block.body.attributes.get("default")
    wrong = not_constant(default.expression) if default is not None else None
    if wrong is not None:
        module.run.report("warning", "not-constant", scope.span(wrong), "a default is a literal value, without references")
    if is_invalid(value):
        return
    for block in declared.block.body.blocks:
        if block.type == "validation":
            _validate(scope, f"{module.address}.var.{name}" if module.address else f"var.{name}", declared, block, value)


def check_conditions(blocks: Iterable[Block], scope: Scope, name: str) -> None:
    """Says of the conditions that a resource or an output has which of them are not met: Terraform ends there."""
    for block in blocks:
        condition = block.body.attributes.get("condition")
        if condition is None:
            continue
        place = scope.span(condition.expression)
        result = convert(without_errors(evaluate(condition.expression, scope)), BOOL)
        if isinstance(result.data, Invalid):
            message = f"whether the {block.type} of {name} is met cannot be said: {result.data.reason}"
            scope.run.report("warning", "invalid-expression", result.span or place, message)
        elif result.data is None:
            message = f"the {block.type} of {name} is null: a condition is true or false"
            scope.run.report("warning", "invalid-expression", place, message)
        elif result.data is False:
            said = block.body.attributes.get("error_message")
            text = _message(said.expression, scope, name, hidden=result.sensitive) if said is not None else ""
            message = f"the {block.type} of {name} is not met" + (f": {text}" if text else "")
            scope.run.report("warning", "unmet-condition", place, message)


def check_assertions(block: Block, scope: Scope) -> None:
    """Evaluates what a `check` block asserts: where it is an error, that is told; whether it holds decides nothing."""
    for nested in block.body.blocks:
        condition = nested.body.attributes.get("condition") if nested.type == "assert" else None
        if condition is not None:
            conclude(condition.expression, scope)


def _validate(scope: Scope, name: str, declared: Located, block: Block, value: Value) -> None:
    condition = block.body.attributes.get("condition")
    if condition is None:
        return
    run = scope.run
    result = convert(without_errors(evaluate(condition.expression, scope)), BOOL)
    if isinstance(result.data, Invalid):
        message = f"whether the value of {name} is allowed cannot be said: {result.data.reason}"
        run.report("warning", "invalid-value", result.span or scope.span(condition.expression), message)
    elif result.data is False:
        said = block.body.attributes.get("error_message")
        text = _message(said.expression, scope, name, hidden=value.sensitive) if said is not None else ""
        message = f"the value of {name} is not allowed" + (f": {text}" if text else "")
        run.report("warning", "invalid-value", given_at(value) or declared.head, message)


def _message(node: Expression, scope: Scope, name: str, *, hidden: bool) -> str:
    """What the author says of it. A value stands in it only as it is written there: it may be a secret."""
    text = scope.text(node).strip('"')
    if hidden and "${" in text:
        return ""
    if "${" not in text or f"var.{name.rpartition('.')[2]}" in text:
        return text
    found = evaluate(node, scope)
    return found.text if found.text is not None and not found.sensitive else text
