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


def type_text(node: Expression) -> str:
    """A short name of what an expression is, for messages."""
    return node.name if isinstance(node, (Variable, Call, GetAttr)) else type(node).__name__.lower()


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
