"""Whether the values of variables are what their declarations allow: `validation` blocks, and defaults that are constant.

See https://developer.hashicorp.com/terraform/language/values/variables#custom-validation-rules.
"""

from __future__ import annotations

from kmsguard.model.source import Span
from kmsguard.model.value import Value
from kmsguard.syntax.hcl.nodes import Block, Expression
from kmsguard.terraform.choices import without_errors
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.evaluate import evaluate
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
