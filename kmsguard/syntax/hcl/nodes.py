"""The tree of HCL's native syntax.

Every node has `start` and `end`, offsets into the text of its file (code points, end exclusive); `HclFile.source` turns them
into places. See https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec

from kmsguard.model.declaration import Comment, Problem
from kmsguard.model.source import Source


class Node(msgspec.Struct, gc=False):
    """A piece of the file."""

    start: int
    end: int


class Literal(Node):
    """A number, `true`, `false` or `null`. Whole numbers are `int`, others Decimal."""

    value: int | Decimal | bool | None


class StringPart(Node):
    """A literal run inside a template, de-indented and stripped already.

    Either within one line of the source, each character standing for itself (a line end that belongs to the text ends it), or
    one escape alone (`end - start` differs from `len(text)`).
    """

    text: str


class Interpolation(Node):
    """`${ … }`; strip markers are applied to the neighbours already."""

    expression: Expression


class TemplateIf(Node):
    """`%{ if … } … %{ else } … %{ endif }`."""

    condition: Expression
    then: tuple[TemplatePart, ...]
    otherwise: tuple[TemplatePart, ...]


class TemplateFor(Node):
    """`%{ for k, v in … } … %{ endfor }`."""

    key: str | None
    value: str
    collection: Expression
    parts: tuple[TemplatePart, ...]


TemplatePart: TypeAlias = "StringPart | Interpolation | TemplateIf | TemplateFor"


class Template(Node):
    """A quoted string, heredoc or template file. `"${x}"` alone passes the value of x on with its type."""

    parts: tuple[TemplatePart, ...]
    heredoc: bool = False


class Variable(Node):
    """The root of a traversal: `var`, `local`, `aws_kms_key`, `each`, a name bound by `for`."""

    name: str


class GetAttr(Node):
    """`of.name`; the legacy index `of.0` is an Index with a Literal."""

    of: Expression
    name: str


class Index(Node):
    """`of[key]`."""

    of: Expression
    key: Expression


class Splat(Node):
    """`of[*].…` (full) or `of.*.…` (attribute-only). `each` is the rest of the traversal, over the placeholder SplatItem."""

    of: Expression
    each: Expression
    full: bool


class SplatItem(Node):
    """The element of the nearest Splat around it."""


class Call(Node):
    """`name(arguments…)`; `name` holds a provider's namespace too (`provider::aws::arn_parse`)."""

    name: str
    arguments: tuple[Expression, ...]
    expand_final: bool = False


class Unary(Node):
    """`-x` or `!x`."""

    operator: str
    operand: Expression


class Binary(Node):
    """`left operator right`."""

    operator: str
    left: Expression
    right: Expression


class Conditional(Node):
    """`condition ? then : otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression


class Parentheses(Node):
    """`(x)`: as an object's key it makes an expression of a name."""

    inner: Expression


class TupleExpr(Node):
    """`[a, b]`."""

    items: tuple[Expression, ...]


class ObjectItem(Node):
    """`key = value` or `key : value` in an object, from the start of the key to the end of the value.

    A key that is a bare name is a Variable and means the name itself.
    """

    key: Expression
    value: Expression


class ObjectExpr(Node):
    """`{ … }`."""

    items: tuple[ObjectItem, ...]


class For(Node):
    """`[for k, v in c : value if cond]`, `{for k, v in c : key => value... if cond}` (with `key`: an object)."""

    key_name: str | None
    value_name: str
    collection: Expression
    key: Expression | None
    value: Expression
    condition: Expression | None
    grouping: bool = False


class Missing(Node):
    """What could not be read there; a problem says why."""


Expression: TypeAlias = (
    "Literal | Template | Variable | GetAttr | Index | Splat | SplatItem | Call | Unary | Binary | Conditional | Parentheses"
    " | TupleExpr | ObjectExpr | For | Missing"
)


class Attribute(Node):
    """`name = expression`, from the start of the name to the end of the expression."""

    name: str
    name_end: int
    expression: Expression


class Label(Node):
    """A block's label, bare or quoted (with its quotes)."""

    text: str


class Block(Node):
    """`type "label" { … }`, from the type to the closing brace; `head_end` is behind the opening brace."""

    type: str
    labels: tuple[Label, ...]
    body: Body
    head_end: int


class Body(Node):
    """Attributes and blocks. Of attributes with the same name the first counts, the others are a problem.

    Not `complete`: a mistake hid an attribute or block, so that one which is not there may well be written.
    """

    attributes: dict[str, Attribute]
    blocks: tuple[Block, ...]
    complete: bool = True


class HclFile(msgspec.Struct):
    """A file that was read, as far as it could be."""

    source: Source
    body: Body
    comments: tuple[Comment, ...]
    problems: tuple[Problem, ...]
