"""Expressions to values: one function for each form of expression.

See https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md and
https://developer.hashicorp.com/terraform/language/expressions.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from kmsguard.model.guard import Formula
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import MAX_BRANCHES, Choice, Text, Unknown, Value
from kmsguard.syntax.hcl import nodes
from kmsguard.terraform import operations
from kmsguard.terraform.access import Entries, attribute, element, entries, splat
from kmsguard.terraform.arithmetic import narrow
from kmsguard.terraform.choices import choose, compose, distribute, spread, without_errors
from kmsguard.terraform.closed import once
from kmsguard.terraform.conversion import convert, is_unsized
from kmsguard.terraform.guards import meet
from kmsguard.terraform.history import derived
from kmsguard.terraform.load import Elsewhere
from kmsguard.terraform.partial import Handle, Invalid, Many, Open, branches, invalid, is_invalid
from kmsguard.terraform.scope import DEEPEST, MOST_STEPS, Scope
from kmsguard.terraform.texts import is_text, normalized, starts_with_mark
from kmsguard.terraform.types import ANY, BOOL, STRING, Type
from kmsguard.terraform.unify import type_of, unify


def evaluate(node: nodes.Expression, scope: Scope) -> Value:
    """The value of an expression. Never raises for what the expression says; an error of it is an Invalid."""
    run = scope.run
    run.steps += 1
    if run.depth >= DEEPEST or run.steps > MOST_STEPS:
        return scope.too_much(node)
    run.depth += 1
    try:
        value = _FORMS[type(node)](node, scope)
    finally:
        run.depth -= 1
    if type(value.data) is Invalid and value.span is None:
        return replace(value, span=scope.span(node))  # the innermost expression that is an error
    return value


def conclude(node: nodes.Expression, scope: Scope) -> Value:
    """The value of a whole expression: an argument, a local, an output. Where it is an error in any case, a problem says so."""
    run = scope.run
    trying, run.trying = run.trying, 0  # whatever asks for it, Terraform evaluates it by itself
    try:
        value = without_errors(evaluate(node, scope))
    finally:
        run.trying = trying
    data = value.data
    if isinstance(data, Invalid) and not data.said:
        run.report("warning", data.code, value.span or scope.span(node), f"{data.reason}; what hangs on it is unknown")
        return value.with_data(replace(data, said=True))
    return value


def _literal(node: nodes.Literal, scope: Scope) -> Value:
    value = node.value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        try:
            value = narrow(value)
        except ArithmeticError:
            return invalid("the number is too large")
    return Value(value, scope.span(node))


def _missing(node: nodes.Missing, scope: Scope) -> Value:
    return Value(Unknown("it could not be read"), scope.span(node))


def _variable(node: nodes.Variable, scope: Scope) -> Value:
    bound = scope.names.get(node.name)
    if bound is not None:
        return bound
    return invalid(f"{node.name} is not the name of a value", node.name)


def _get_attr(node: nodes.GetAttr, scope: Scope) -> Value:
    of = node.of
    if isinstance(of, nodes.Variable) and of.name not in scope.names:
        return scope.module.reference(of.name, node.name, scope.span(node))
    if (
        isinstance(of, nodes.GetAttr)
        and isinstance(of.of, nodes.Variable)
        and of.of.name in ("data", "resource", "ephemeral")
        and of.of.name not in scope.names
    ):
        if of.of.name != "data":
            root = of.name if of.of.name == "resource" else f"ephemeral.{of.name}"
            return scope.module.reference(root, node.name, scope.span(node))
        return scope.module.data(of.name, node.name, scope.span(node))
    whole = evaluate(of, scope)
    found = distribute(lambda value: attribute(value, node.name), whole)
    _doubt_part(whole, found, scope)
    return found


def _doubt_part(whole: Value, found: Value, scope: Scope) -> None:
    """A part of what may be anything may not be there, unless the type says so, or the part is an error in a branch already."""
    data = found.data
    if scope.run.trying and not (isinstance(data, Choice) or (isinstance(data, Open) and data.type not in (None, ANY))):
        scope.run.doubt(whole, inside=False)


def _index(node: nodes.Index, scope: Scope) -> Value:
    of = node.of
    key = evaluate(node.key, scope)
    if isinstance(of, nodes.Variable) and of.name not in scope.names and isinstance(key.data, str):
        return invalid(f"{of.name} has no elements; write {of.name}.{key.data}")
    caught = scope.run.trying > 0
    of_value = evaluate(of, scope)
    if isinstance(of_value.data, Handle) and of_value.data.is_instance and _names_a_block(of, scope):
        return invalid(f"{scope.text(of)} has neither count nor for_each, so that it has no instances to choose from")
    found = distribute(lambda whole, at: element(whole, at, scope.run.facts, caught=caught), of_value, key)
    _doubt_part(of_value, found, scope)
    return replace(found, sensitive=True) if key.sensitive and isinstance(of_value.data, tuple) else found


def _names_a_block(node: nodes.Expression, scope: Scope) -> bool:
    """Whether an expression is the address of a resource, data source or module, without an index."""
    names = 0
    while isinstance(node, nodes.GetAttr):
        node, names = node.of, names + 1
    return isinstance(node, nodes.Variable) and names in (1, 2) and node.name not in ("var", "local", *scope.names)


def _splat(node: nodes.Splat, scope: Scope) -> Value:
    def rest(item: Value, label: str) -> Value:
        return evaluate(node.each, scope.over(item, label))

    return distribute(lambda whole: splat(whole, rest), evaluate(node.of, scope))


def _splat_item(node: nodes.SplatItem, scope: Scope) -> Value:
    return scope.element if scope.element is not None else Value(Unknown("no splat around it"), scope.span(node))


def _unary(node: nodes.Unary, scope: Scope) -> Value:
    operand = evaluate(node.operand, scope)
    if is_invalid(operand):
        return operand
    if node.operator == "-":
        scope.run.doubt(operand)
        return _located(operations.negative(operand), scope.span(node))
    _doubt_truth(operand, scope)
    return _located(operations.logical_not(operand, scope.run.facts, lambda: scope.name_of(node.operand)), scope.span(node))


def _binary(node: nodes.Binary, scope: Scope) -> Value:
    return _located(_BINARY[node.operator](node, scope), scope.span(node))


def _and(node: nodes.Binary, scope: Scope) -> Value:
    left = evaluate(node.left, scope)
    if is_invalid(left):
        return left
    if left.data is False:
        return operations.decided(left, _branch(node.right, scope, unreached=True))
    right = evaluate(node.right, scope)
    _doubt_truth(left, scope)
    _doubt_truth(right, scope)
    return operations.logical_and(left, right, scope.run.facts, lambda: scope.name_of(node.left))


def _or(node: nodes.Binary, scope: Scope) -> Value:
    left = evaluate(node.left, scope)
    if is_invalid(left):
        return left
    if left.data is True:
        return operations.decided(left, _branch(node.right, scope, unreached=True))
    right = evaluate(node.right, scope)
    _doubt_truth(left, scope)
    _doubt_truth(right, scope)
    return operations.logical_or(left, right, scope.run.facts, lambda: scope.name_of(node.left))


def _equal(node: nodes.Binary, scope: Scope) -> Value:
    left, right = evaluate(node.left, scope), evaluate(node.right, scope)
    return operations.equality(left, right, scope.run.facts, lambda: scope.name_of(node))


def _not_equal(node: nodes.Binary, scope: Scope) -> Value:
    left, right = evaluate(node.left, scope), evaluate(node.right, scope)

    def label() -> str:
        return scope.name_of(node)

    same = operations.equality(left, right, scope.run.facts, lambda: label().replace("!=", "==", 1))
    return same if is_invalid(same) else operations.logical_not(same, scope.run.facts, label)


def _compare(node: nodes.Binary, scope: Scope) -> Value:
    left, right = evaluate(node.left, scope), evaluate(node.right, scope)
    scope.run.doubt(left)
    scope.run.doubt(right)
    return operations.comparison(node.operator, left, right, scope.run.facts, lambda: scope.name_of(node))


def _arithmetic(node: nodes.Binary, scope: Scope) -> Value:
    left, right = evaluate(node.left, scope), evaluate(node.right, scope)
    scope.run.doubt(left)
    scope.run.doubt(right)
    return operations.arithmetic(node.operator, left, right)


_BINARY: dict[str, Callable[[nodes.Binary, Scope], Value]] = {
    "&&": _and,
    "||": _or,
    "==": _equal,
    "!=": _not_equal,
    **dict.fromkeys(("<", "<=", ">", ">="), _compare),
    **dict.fromkeys(("+", "-", "*", "/", "%"), _arithmetic),
}


def _located(value: Value, span: Span) -> Value:
    return value if value.span is not None else replace(value, span=span)


def _doubt_truth(condition: Value, scope: Scope) -> None:
    """What is asked for a truth and is none is an error."""
    if not (isinstance(condition.data, Open) and condition.data.type == BOOL):
        scope.run.doubt(condition)


def _doubt_collection(collection: Value, scope: Scope) -> None:
    """What is gone through and is no collection is an error."""
    data = collection.data
    if not (isinstance(data, Open) and data.type is not None and data.type.kind in ("list", "map", "set")):
        scope.run.doubt(collection, inside=False)


def _conditional(node: nodes.Conditional, scope: Scope) -> Value:
    condition = evaluate(node.condition, scope)
    _doubt_truth(condition, scope)
    known = condition.data if isinstance(condition.data, bool) else None
    then = _branch(node.then, scope, known is False)
    otherwise = _branch(node.otherwise, scope, known is True)
    to = None if is_invalid(then) or is_invalid(otherwise) else _result_type(then, otherwise)
    if to is not None:
        if isinstance(to, str):
            return condition if is_invalid(condition) else invalid(to)
        unreached = otherwise if known is True else then if known is False else None
        if unreached is not None and any(is_invalid(option) for _, option in branches(unreached)):
            return derived((unreached,))  # whether it has a type hangs on what is not known
        then, otherwise = convert(then, to), convert(otherwise, to)
        wrong = next((side for side in (then, otherwise) if is_invalid(side)), None)
        if wrong is not None:
            return wrong
    result = operations.conditional(
        condition, scope.run.facts, lambda: scope.name_of(node.condition), lambda: then, lambda: otherwise
    )
    if not result.sensitive and (then.sensitive or otherwise.sensitive):
        return replace(result, sensitive=True)
    return result


def _branch(node: nodes.Expression, scope: Scope, unreached: bool) -> Value:
    """One of the two results. The one that is not chosen is evaluated for its type: nothing is reported of it."""
    before = len(scope.run.doubts)
    scope.run.trying += unreached
    try:
        return evaluate(node, scope)
    finally:
        scope.run.trying -= unreached
        if unreached:
            del scope.run.doubts[before:]


def _result_type(then: Value, otherwise: Value) -> Type | str | None:
    """The type that both results get; None where they have it already, the error where there is none."""
    kinds = {type(side.data) if not isinstance(side.data, Text) else str for side in (then, otherwise)}
    if (len(kinds) == 1 and kinds <= {str, bool, int}) or type(None) in kinds:
        return None
    one, other = type_of(then), type_of(otherwise)
    if one == other or "any" in (one.kind, other.kind):
        return None
    return unify((one, other)) or f"both results of a condition must have one type, and these are {one.kind} and {other.kind}"


def _parentheses(node: nodes.Parentheses, scope: Scope) -> Value:
    return evaluate(node.inner, scope)


def _tuple(node: nodes.TupleExpr, scope: Scope) -> Value:
    items = []
    for item in node.items:
        value = evaluate(item, scope)
        if is_invalid(value):
            return value
        items.append(value.at(scope.span(item)))
    return Value(tuple(items), scope.span(node))


def _object(node: nodes.ObjectExpr, scope: Scope) -> Value:
    rows: list[tuple[Formula, dict[str, Value]]] = [(Truth.YES, {})]
    hides = False
    for item in node.items:
        value = evaluate(item.value, scope)
        if is_invalid(value):
            return value
        value = value.at(scope.span(item))
        if isinstance(item.key, nodes.GetAttr):
            return invalid("a key that is a reference stands in parentheses", scope.text(item.key))
        if isinstance(item.key, nodes.Variable):
            for _, members in rows:
                members[item.key.name] = value
            continue
        named = evaluate(item.key, scope)
        hides = hides or named.sensitive
        keys = key_options(named)
        if isinstance(keys, Value):
            return keys
        if len(keys) == 1 and keys[0][0] is Truth.YES:
            for _, members in rows:
                members[keys[0][1]] = value
            continue
        rows = [
            (both, {**members, key: value})
            for guard, members in rows
            for key_guard, key in keys
            if (both := meet(guard, key_guard)) is not Truth.NO
        ]
        if len(rows) > MAX_BRANCHES:
            return derived((value,), scope.span(node))
    span = scope.span(node)
    return choose([(guard, Value(members, span, sensitive=hides)) for guard, members in rows], span)


def key_options(key: Value) -> list[tuple[Formula, str]] | Value:
    """What the key of a member can be; a Value where it cannot be said (an error or an Unknown)."""
    out: list[tuple[Formula, str]] = []
    options = spread(key)
    if options is None:
        return derived((key,))
    for guard, option in options:
        found = convert(option, STRING)
        text = found.text
        if text is None:
            if (isinstance(found.data, Invalid) or found.data is None) and len(options) == 1:
                return invalid("a key must be a text")
            return derived((found,)) if not is_invalid(found) else derived((), span=key.span)
        out.append((guard, text))
    return out


# --- for ------------------------------------------------------------------------------------------------------------------


def _for(node: nodes.For, scope: Scope) -> Value:
    collection = evaluate(node.collection, scope)
    _doubt_collection(collection, scope)
    return distribute(lambda whole: _for_over(node, scope, whole), collection)


def _for_over(node: nodes.For, scope: Scope, whole: Value) -> Value:
    span = scope.span(node)
    if is_invalid(whole):
        return whole
    if is_unsized(whole.data) and not (node.key is not None and not node.grouping):
        return derived((whole,), span)
    found = entries(whole)
    if isinstance(found, Many):
        return _for_many(node, scope, whole, found)
    if isinstance(found, Value):
        return found
    rows: list[_Row] = [(Truth.YES, {} if node.key is not None else [])]
    hides = [whole.sensitive]
    for key, item in found:
        inner = _bound(node, scope, key, item)
        grown = _for_each(node, inner, rows, hides)
        if isinstance(grown, Value):
            return grown
        rows = grown
        if len(rows) > MAX_BRANCHES:
            return derived((whole,), span)
    sensitive = any(hides)
    return choose([(guard, Value(_collected(items), span, None, None, (), sensitive)) for guard, items in rows], span)


_Row = tuple[Formula, Any]


def _bound(node: nodes.For, scope: Scope, key: Value, item: Value) -> Scope:
    names = {node.value_name: item}
    if node.key_name is not None:
        names[node.key_name] = key
    return scope.binding(names, f"[{key.text if is_text(key) else key.data}]")


def _for_each(node: nodes.For, scope: Scope, rows: list[_Row], hides: list[bool]) -> list[_Row] | Value:
    """The rows with one more element. `hides` takes what makes the whole sensitive: a condition, a key."""
    cases: list[tuple[Formula, bool | Value]] = [(Truth.YES, True)]
    if node.condition is not None:
        condition = node.condition
        wanted = evaluate(condition, scope)
        _doubt_truth(wanted, scope)
        hides.append(wanted.sensitive)
        cases = operations.cases(wanted, scope.run.facts, lambda: scope.name_of(condition))
        for _, truth in cases:
            if isinstance(truth, Value) and len(cases) == 1:
                return truth
        if all(truth is False for _, truth in cases):
            return rows
    value = evaluate(node.value, scope)
    if is_invalid(value) and all(truth is True for _, truth in cases):
        return value
    keys: list[tuple[Formula, str]] = [(Truth.YES, "")]
    if node.key is not None:
        named = evaluate(node.key, scope)
        hides.append(named.sensitive)
        options = key_options(named)
        if isinstance(options, Value):
            return options
        keys = options
    if len(cases) == 1 and len(keys) == 1 and len(rows) == 1:
        error = _add(node, rows[0][1], keys[0][1], value)
        return rows if error is None else error
    grown: list[_Row] = []
    for guard, items in rows:
        for case_guard, truth in cases:
            both = meet(guard, case_guard)
            if both is Truth.NO or isinstance(truth, Value):
                continue
            if not truth:
                grown.append((both, items.copy()))
                continue
            for key_guard, key in keys:
                all_three = meet(both, key_guard)
                if all_three is not Truth.NO:
                    copy = items.copy()
                    error = _add(node, copy, key, value)
                    if error is None:
                        grown.append((all_three, copy))
    return grown


def _add(node: nodes.For, items: Any, key: str, value: Value) -> Value | None:
    if node.key is None:
        items.append(value)
    elif node.grouping:
        items.setdefault(key, []).append(value)
    elif key in items:
        return invalid(f"two elements have the key {key!r}")
    else:
        items[key] = value
    return None


def _collected(items: Any) -> Any:
    if isinstance(items, list):
        return tuple(items)
    return {key: Value(tuple(item)) if isinstance(item, list) else item for key, item in items.items()}


def _for_many(node: nodes.For, scope: Scope, whole: Value, many: Many) -> Value:
    key = Value(Unknown(many.reason, many.reference, not_null=True))
    inner = _bound(node, scope, key, many.element)
    value = evaluate(node.value, inner)
    if is_invalid(value):
        value = derived((whole,))
    if node.grouping:
        value = derived((value, whole))
    data = Many(many.reason, many.reference, None, True, "", (), value, node.key is not None)
    return Value(data, scope.span(node), sensitive=whole.sensitive)


# --- templates ------------------------------------------------------------------------------------------------------------


def _template(node: nodes.Template, scope: Scope) -> Value:
    parts = node.parts
    span = scope.span(node)
    if len(parts) == 1:
        only = parts[0]
        if isinstance(only, nodes.StringPart):
            return Value(normalized(only.text), scope.span(only) if node.heredoc else span)
        if isinstance(only, nodes.Interpolation):
            return evaluate(only.expression, scope)
    return template_text(parts, scope, span, whole=not node.heredoc)


def template_text(parts: tuple[nodes.TemplatePart, ...], scope: Scope, span: Span, *, whole: bool) -> Value:
    """The text of the parts of a template.

    `whole`: it becomes a Choice of texts where a hole is a Choice; otherwise only directives make it one, and the other holes
    stay in it.
    """
    pieces: list[Value] = []
    split: list[bool] = []
    for part in parts:
        if isinstance(part, nodes.StringPart):
            piece, divides = Value(normalized(part.text), scope.span(part)), False
            if pieces and isinstance(before := pieces[-1].data, str) and starts_with_mark(part.text):
                pieces[-1] = Value(normalized(before + part.text), pieces[-1].span)
                continue
        elif isinstance(part, nodes.Interpolation):
            value = evaluate(part.expression, scope)
            if scope.run.trying and not (isinstance(value.data, Unknown) and value.data.not_null):
                scope.run.doubt(value)
            piece, divides = _hole(value, scope.span(part)), whole
        elif isinstance(part, nodes.TemplateIf):
            piece, divides = _if(part, scope, whole), True
        else:
            piece, divides = _template_for(part, scope, whole), True
        if is_invalid(piece):
            return piece
        pieces.append(piece)
        split.append(divides)
    return compose(pieces, split, span)


def _hole(value: Value, span: Span) -> Value:
    found = convert(value, STRING)
    if is_invalid(found) and isinstance(value.data, Unknown) and not is_invalid(value):
        found = derived((value,), value.span)  # a list that is not known: Terraform says so when it knows it
    data = found.data
    if data is None:
        return invalid("null cannot be part of a text")
    if isinstance(data, Invalid):
        return found
    if isinstance(data, Unknown) and not data.not_null:
        found = found.with_data(replace(data, not_null=True))
    return found if found.span is not None else replace(found, span=span)


def _if(part: nodes.TemplateIf, scope: Scope, whole: bool) -> Value:
    span = scope.span(part)
    return operations.conditional(
        evaluate(part.condition, scope),
        scope.run.facts,
        lambda: scope.name_of(part.condition),
        lambda: template_text(part.then, scope, span, whole=whole),
        lambda: template_text(part.otherwise, scope, span, whole=whole),
    )


def _template_for(part: nodes.TemplateFor, scope: Scope, whole: bool) -> Value:
    def repeat(collection: Value) -> Value:
        span = scope.span(part)
        if is_unsized(collection.data):
            return derived((collection,), span, not_null=True)
        found: Entries | Many | Value = entries(collection)
        if isinstance(found, Many):
            return Value(Unknown(found.reason, found.reference, not_null=True), span)
        if isinstance(found, Value):
            return found if is_invalid(found) else derived((found,), span, not_null=True)
        pieces = []
        for key, item in found:
            scope.run.steps += len(part.parts) + 1  # also of text alone, which is no expression
            if scope.run.steps > MOST_STEPS:
                return scope.too_much(part)
            names = {part.value: item}
            if part.key is not None:
                names[part.key] = key
            inner = scope.binding(names, f"[{key.text if is_text(key) else key.data}]")
            pieces.append(template_text(part.parts, inner, span, whole=whole))
        text = compose(pieces, [True] * len(pieces), span)
        return replace(text, sensitive=True) if collection.sensitive and not text.sensitive else text

    collection = evaluate(part.collection, scope)
    _doubt_collection(collection, scope)
    return distribute(repeat, collection)


# --- calls ----------------------------------------------------------------------------------------------------------------


def _call(node: nodes.Call, scope: Scope) -> Value:
    from kmsguard.terraform.functions import call

    return call(node, scope)


def _elsewhere(node: Elsewhere, scope: Scope) -> Value:
    return evaluate(node.inner, scope.of(node.source))


_FORMS: dict[type, Callable[[Any, Scope], Value]] = {
    nodes.Literal: _literal,
    nodes.Template: _template,
    nodes.Variable: _variable,
    nodes.GetAttr: _get_attr,
    nodes.Index: _index,
    nodes.Splat: once(_splat),
    nodes.SplatItem: _splat_item,
    nodes.Call: once(_call),
    nodes.Unary: _unary,
    nodes.Binary: _binary,
    nodes.Conditional: _conditional,
    nodes.Parentheses: _parentheses,
    nodes.TupleExpr: _tuple,
    nodes.ObjectExpr: _object,
    nodes.For: once(_for),
    nodes.Missing: _missing,
    Elsewhere: _elsewhere,
}
