"""Type constraints: `string`, `list(object({ name = string, tags = optional(map(string), {}) }))`.

See https://developer.hashicorp.com/terraform/language/expressions/type-constraints.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from kmsguard.model.value import Value
from kmsguard.syntax.hcl.nodes import (
    Call,
    Expression,
    GetAttr,
    Interpolation,
    ObjectExpr,
    Parentheses,
    StringPart,
    Template,
    TupleExpr,
    Variable,
)
from kmsguard.terraform.arithmetic import narrow


class Type(msgspec.Struct, frozen=True):
    """A type constraint. `kind` is any, string, number, bool, list, set, map, object or tuple."""

    kind: str
    element: Type | None = None  # of list, set and map
    attributes: dict[str, Type] = {}  # of object
    optional: dict[str, Value | None] = {}  # the optional attributes of an object with their defaults
    elements: tuple[Type, ...] = ()  # of tuple

    def __hash__(self) -> int:
        return hash((self.kind, self.element, tuple(self.attributes)))


ANY = Type("any")
STRING = Type("string")
NUMBER = Type("number")
BOOL = Type("bool")

_NAMES = {"any": ANY, "string": STRING, "number": NUMBER, "bool": BOOL}
_NAMES |= {"list": Type("list", ANY), "map": Type("map", ANY), "set": Type("set", ANY)}


def parse_type(node: Expression, evaluate: Callable[[Expression], Value]) -> Type | None:
    """The type that an expression names; None where it names none. `evaluate` gives the defaults of optional attributes."""
    inner: Expression | None = getattr(node, "inner", None)  # of parentheses, and of what stands in another file
    if inner is not None:
        return parse_type(inner, evaluate)
    if isinstance(node, Variable):
        return _NAMES.get(node.name)
    if isinstance(node, Template) and len(node.parts) == 1 and isinstance(node.parts[0], StringPart):
        return _NAMES.get(node.parts[0].text)  # the quoted form of Terraform 0.11
    if not isinstance(node, Call):
        return None
    arguments = node.arguments
    if node.name in ("list", "set", "map") and len(arguments) == 1:
        element = parse_type(arguments[0], evaluate)
        return None if element is None else Type(node.name, element)
    if node.name == "tuple" and len(arguments) == 1 and isinstance(arguments[0], TupleExpr):
        elements = [parse_type(item, evaluate) for item in arguments[0].items]
        known = tuple(element for element in elements if element is not None)
        return Type("tuple", elements=known) if len(known) == len(elements) else None
    if node.name == "object" and len(arguments) == 1 and isinstance(arguments[0], ObjectExpr):
        return _parse_object(arguments[0], evaluate)
    return None


def _parse_object(node: ObjectExpr, evaluate: Callable[[Expression], Value]) -> Type | None:
    attributes: dict[str, Type] = {}
    optional: dict[str, Value | None] = {}
    for item in node.items:
        name = key_name(item.key)
        if name is None:
            return None
        value = item.value
        if isinstance(value, Call) and value.name == "optional" and value.arguments:
            inner = parse_type(value.arguments[0], evaluate)
            optional[name] = evaluate(value.arguments[1]) if len(value.arguments) > 1 else None
        else:
            inner = parse_type(value, evaluate)
        if inner is None:
            return None
        attributes[name] = inner
    return Type("object", attributes=attributes, optional=optional)


_ONE_ELEMENT = ("list", "set", "map")
_LEGACY = ("list", "map")  # without the type of their elements, from before Terraform 0.12


def wrong_type(node: Expression, *, attribute: bool = False) -> tuple[Expression, str] | None:
    """The part of an expression that is no type constraint, and why; None where all of it is one.

    `attribute`: it is the type of an attribute of an object, which may be `optional(…)`.
    """
    inner: Expression | None = getattr(node, "inner", None)
    if inner is not None:
        return wrong_type(inner, attribute=attribute)
    if isinstance(node, Variable):
        known = node.name in _NAMES and (node.name not in _ONE_ELEMENT or node.name in _LEGACY)
        return None if known else (node, f"{node.name} is no type")
    if isinstance(node, Template):
        return node, "a type stands without quotes"
    if not isinstance(node, Call):
        return node, "this is no type"
    if node.name == "optional":
        if not attribute or not 1 <= len(node.arguments) <= 2:
            return node, "optional() stands around the type of an attribute, with a default behind it or none"
        default = not_constant(node.arguments[1]) if len(node.arguments) == 2 else None
        return (default, "a default is a literal value") if default is not None else wrong_type(node.arguments[0])
    if node.name in _ONE_ELEMENT:
        return wrong_type(node.arguments[0]) if len(node.arguments) == 1 else (node, f"{node.name}() takes one type")
    if node.name == "tuple":
        first = node.arguments[0] if len(node.arguments) == 1 else None
        if not isinstance(first, TupleExpr):
            return node, "tuple() takes a list of types"
        return next((wrong for item in first.items if (wrong := wrong_type(item)) is not None), None)
    return _wrong_object(node) if node.name == "object" else (node, f"{node.name}() is no type")


def _wrong_object(node: Call) -> tuple[Expression, str] | None:
    first = node.arguments[0] if len(node.arguments) == 1 else None
    if not isinstance(first, ObjectExpr):
        return node, "object() takes a map of types"
    for item in first.items:
        if not isinstance(item.key, Variable) and getattr(item.key, "inner", None) is None:
            return item.key, "the name of an attribute stands without quotes"
        wrong = wrong_type(item.value, attribute=True)
        if wrong is not None:
            return wrong
    return None


def not_constant(node: Expression) -> Expression | None:
    """The first part of an expression that refers to something or calls a function; None where all of it is literal."""
    inner: Expression | None = getattr(node, "inner", None)
    if inner is not None:
        return not_constant(inner)
    if isinstance(node, (Variable, Call)):
        return node
    parts: list[Expression] = []
    if isinstance(node, TupleExpr):
        parts.extend(node.items)
    elif isinstance(node, ObjectExpr):
        parts.extend(item.value for item in node.items)
    elif isinstance(node, GetAttr):
        parts.append(node.of)
    elif isinstance(node, Template):
        parts.extend(part.expression for part in node.parts if isinstance(part, Interpolation))
    return next((found for part in parts if (found := not_constant(part)) is not None), None)


def key_name(node: Expression) -> str | None:
    """The name that a literal key of an object is."""
    inner: Expression | None = getattr(node, "inner", None)
    if inner is not None and not isinstance(node, Parentheses):
        return key_name(inner)
    if isinstance(node, Variable):
        return node.name
    if isinstance(node, Template) and all(isinstance(part, StringPart) for part in node.parts):
        return "".join(part.text for part in node.parts if isinstance(part, StringPart))
    return None


def parse_number(text: str) -> int | Decimal | None:
    """A number as Terraform reads it out of a string; None where it is none."""
    if not text or text.strip() != text or not text.isascii():
        return None
    body = text.lstrip("+-")
    if not body or not (body[0].isdigit() or body[0] == ".") or "_" in text:
        return None
    try:
        return narrow(Decimal(text))
    except ArithmeticError:
        return None
