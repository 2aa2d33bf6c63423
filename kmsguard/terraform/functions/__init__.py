"""Terraform's functions, by family; a family is imported when one of its functions is called first.

See https://developer.hashicorp.com/terraform/language/functions.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from msgspec.structs import replace

from kmsguard.model.source import Span
from kmsguard.model.value import Choice, Text, Unknown, Value
from kmsguard.syntax.hcl import nodes
from kmsguard.terraform.choices import distribute
from kmsguard.terraform.history import derived
from kmsguard.terraform.partial import invalid, is_invalid
from kmsguard.terraform.scope import Run, Scope
from kmsguard.terraform.types import ANY, BOOL, NUMBER, STRING, Type
from kmsguard.terraform.unify import typed


class Invocation:
    """A call as a function sees it."""

    __slots__ = ("name", "scope", "span")

    def __init__(self, name: str, scope: Scope, span: Span) -> None:
        self.name = name
        self.scope = scope
        self.span = span


Function: TypeAlias = Callable[[Invocation, tuple[Value, ...]], Value]
"""A function gets arguments that are no Choice and no error themselves (what they hold may be)."""

FAMILIES: dict[str, dict[str, str]] = {
    "strings": {
        "chomp": "1", "endswith": "2", "format": "1+", "formatlist": "1+", "indent": "2", "join": "2+", "lower": "1",
        "regex": "2", "regexall": "2", "replace": "3", "split": "2", "startswith": "2", "strcontains": "2", "strrev": "1",
        "substr": "3", "templatestring": "2", "title": "1", "trim": "2", "trimprefix": "2", "trimspace": "1",
        "trimsuffix": "2", "upper": "1",
    },
    "collections": {
        "alltrue": "1", "anytrue": "1", "chunklist": "2", "coalesce": "1+", "coalescelist": "1+", "compact": "1",
        "concat": "1+", "contains": "2", "distinct": "1", "element": "2", "flatten": "1", "index": "2", "length": "1",
        "matchkeys": "3", "one": "1", "range": "1-3", "reverse": "1", "slice": "3", "sort": "1", "sum": "1",
    },
    "maps": {
        "keys": "1", "lookup": "2-3", "merge": "0+", "transpose": "1", "values": "1", "zipmap": "2",
    },
    "sets": {
        "setintersection": "1+", "setproduct": "2+", "setsubtract": "2", "setunion": "1+",
    },
    "encoding": {
        "base64decode": "1", "base64encode": "1", "base64gunzip": "1", "base64gzip": "1",
        "csvdecode": "1", "jsondecode": "1", "jsonencode": "1",
        "textdecodebase64": "2", "textencodebase64": "2", "urldecode": "1", "urlencode": "1",
        "yamldecode": "1", "yamlencode": "1",
    },
    "numeric": {
        "abs": "1", "ceil": "1", "floor": "1", "log": "2", "max": "1+", "min": "1+", "parseint": "2", "pow": "2",
        "signum": "1",
    },
    "filesystem": {
        "abspath": "1", "basename": "1", "dirname": "1", "file": "1", "filebase64": "1", "filebase64sha256": "1",
        "filebase64sha512": "1", "fileexists": "1", "filemd5": "1", "fileset": "2", "filesha1": "1", "filesha256": "1",
        "filesha512": "1", "pathexpand": "1", "templatefile": "2",
    },
    "crypto": {
        "base64sha256": "1", "base64sha512": "1", "bcrypt": "1-2", "md5": "1", "rsadecrypt": "2", "sha1": "1", "sha256": "1",
        "sha512": "1", "uuid": "0", "uuidv5": "2",
    },
    "network": {
        "cidrcontains": "2", "cidrhost": "2", "cidrnetmask": "1", "cidrsubnet": "3", "cidrsubnets": "1+",
    },
    "dates": {
        "formatdate": "2", "plantimestamp": "0", "timeadd": "2", "timecmp": "2", "timestamp": "0",
    },
    "types": {
        "ephemeralasnull": "1", "flip_sensitive": "1", "issensitive": "1", "nonsensitive": "1", "sensitive": "1",
        "tobool": "1", "tolist": "1",
        "tomap": "1", "tonumber": "1", "toset": "1", "tostring": "1",
    },
    "aws": {
        "provider::aws::arn_build": "5", "provider::aws::arn_parse": "1", "provider::aws::trim_iam_role_path": "1",
    },
}  # fmt: skip
"""How many arguments each function takes: `2`, `1-3`, `1+`."""

_FAMILY_OF = {name: family for family, names in FAMILIES.items() for name in names}


def find(name: str) -> Function | None:
    """The function of a name; None where there is none."""
    family = _FAMILY_OF.get(name)
    if family is None:
        return None
    table: dict[str, Function] = import_module(f"{__name__}.{family}").FUNCTIONS
    return table[name]


def _takes(name: str, count: int) -> bool:
    """Whether a function takes so many arguments."""
    least, _, most = FAMILIES[_FAMILY_OF[name]][name].partition("-")
    if least.endswith("+"):
        return count >= int(least[:-1])
    return int(least) <= count <= int(most or least)


def call(node: nodes.Call, scope: Scope) -> Value:
    """The value of a call."""
    name = node.name.removeprefix("core::")
    if name in ("try", "can"):
        from kmsguard.terraform.functions import attempts

        return attempts.try_(node, scope) if name == "try" else attempts.can(node, scope)
    if name in _GONE:
        return invalid(f"there is no {name}() any more since Terraform 0.15; write {_GONE[name]}")
    from kmsguard.terraform.evaluate import evaluate

    if name == "templatestring" and node.arguments and not _is_reference(node.arguments[0]) and not scope.run.is_opentofu:
        return invalid("the template of templatestring is a reference, as to a local: only OpenTofu takes any text")
    arguments = [evaluate(argument, scope) for argument in node.arguments]
    if name == "ephemeralasnull" and len(arguments) == 1:
        arguments = [_without_ephemeral(node.arguments[0], arguments[0], scope)]
    span = scope.span(node)
    invocation = Invocation(name, scope, span)
    function = find(name)
    if function is None:
        scope.run.report("warning", "unsupported-function", span, f"function {name} is not known; what it gives is unknown")
        unknown = Unknown(f"function {name}", f"{name}()")
        return Value(unknown, span, sensitive=any(argument.sensitive for argument in arguments))

    def invoke(*settled: Value) -> Value:
        for argument in settled:
            if is_invalid(argument):
                return argument
        if not _takes(name, len(settled)):
            return invalid(f"{name} does not take {len(settled)} arguments")
        if name not in _NULLABLE and any(argument.data is None for argument in settled):
            return invalid("an argument must not be null")
        if scope.run.trying and name not in _TOTAL:
            for argument in settled:
                scope.run.doubt(argument, inside=name not in _OPEN_INSIDE)
        made = _hidden(scope.run, name, function(invocation, settled), settled)
        result = _RESULTS.get(name)
        return made if result is None or isinstance(made.data, str) else typed(made, result, not_null=True)

    def invoke_expanded(*settled: Value) -> Value:
        last = settled[-1]
        if not isinstance(last.data, tuple):
            return derived(settled) if isinstance(last.data, Unknown) else invalid("... needs a list")
        return distribute(invoke, *settled[:-1], *last.data)

    value = distribute(invoke_expanded if node.expand_final and arguments else invoke, *arguments)
    return value if value.span is not None else replace(value, span=span)


def _without_ephemeral(node: nodes.Expression, value: Value, scope: Scope) -> Value:
    """What `ephemeralasnull` gives; in a template nothing is ephemeral by itself."""
    from kmsguard.terraform.ephemeral import as_null
    from kmsguard.terraform.load import ModuleSource

    source = getattr(scope.module, "source", None)
    return as_null(source, node, value, scope.names) if isinstance(source, ModuleSource) else value


def _is_reference(node: nodes.Expression) -> bool:
    """Whether an expression is an address: names, and indexes that are literals or addresses themselves."""
    while isinstance(node, (nodes.GetAttr, nodes.Index)):
        if isinstance(node, nodes.Index):
            key = node.key
            literal = isinstance(key, nodes.Literal) or (
                isinstance(key, nodes.Template) and all(isinstance(part, nodes.StringPart) for part in key.parts)
            )
            if not literal and not _is_reference(key):
                return False
        node = node.of
    return isinstance(node, nodes.Variable)


_OPEN_INSIDE = frozenset(
    (
        *("concat", "element", "flatten", "keys", "length", "lookup", "merge", "one", "reverse", "slice", "tolist", "tomap"),
        *("values", "zipmap", "ephemeralasnull"),
    )
)
"""Functions that hand elements on: what is sensitive inside of their arguments hides no more than itself."""
_NULLABLE = frozenset(
    (
        *(
            "coalesce",
            "coalescelist",
            "format",
            "formatlist",
            "jsonencode",
            "lookup",
            "merge",
            "yamlencode",
            "ephemeralasnull",
        ),
        *("flip_sensitive", "issensitive", "nonsensitive", "sensitive"),
        *("tobool", "tolist", "tomap", "tonumber", "toset", "tostring"),
    )
)
"""Functions that take null."""
_TOTAL = frozenset(("flip_sensitive", "issensitive", "jsonencode", "nonsensitive", "sensitive", "yamlencode"))
"""Functions that take everything."""
_REVEALING = frozenset(("flip_sensitive", "issensitive", "nonsensitive"))


def _hidden(run: Run, name: str, value: Value, arguments: tuple[Value, ...]) -> Value:
    """The result of a function: sensitive where what it was made of is."""
    if value.sensitive or name in _REVEALING or is_invalid(value):
        return value
    looked_at = arguments[:2] if name == "lookup" else arguments
    if name not in _OPEN_INSIDE:
        hides = any(run.remember("sensitive", argument, holds_sensitive) for argument in looked_at)
    else:
        hides = any(argument.sensitive for argument in looked_at) or (name == "zipmap" and holds_sensitive(arguments[0]))
    return replace(value, sensitive=True) if hides else value


def holds_sensitive(value: Value) -> bool:
    """Whether a value, or anything in it, is sensitive."""
    data = value.data
    if value.sensitive:
        return True
    if isinstance(data, tuple):
        return any(map(holds_sensitive, data))
    if isinstance(data, dict):
        return any(map(holds_sensitive, data.values()))
    if isinstance(data, Text):
        return any(piece.sensitive for piece in data.pieces)
    return isinstance(data, Choice) and any(holds_sensitive(branch.value) for branch in data.branches)


_RESULTS: dict[str, Type] = {
    **dict.fromkeys(
        ("base64decode", "base64encode", "base64gzip", "base64sha256", "base64sha512", "basename", "bcrypt"), STRING
    ),
    **dict.fromkeys(("chomp", "cidrhost", "cidrnetmask", "cidrsubnet", "dirname", "file", "filebase64", "filemd5"), STRING),
    **dict.fromkeys(("filesha1", "filesha256", "filesha512", "format", "formatdate", "indent", "join", "jsonencode"), STRING),
    **dict.fromkeys(("lower", "md5", "plantimestamp", "replace", "sha1", "sha256", "sha512", "strrev", "substr"), STRING),
    **dict.fromkeys(("textdecodebase64", "textencodebase64", "timeadd", "timestamp", "title", "trim", "trimprefix"), STRING),
    **dict.fromkeys(("trimspace", "trimsuffix", "upper", "urlencode", "uuid", "uuidv5", "yamlencode"), STRING),
    **dict.fromkeys(("abs", "ceil", "floor", "index", "length", "log", "max", "min", "parseint", "pow", "signum"), NUMBER),
    **dict.fromkeys(("sum", "timecmp"), NUMBER),
    **dict.fromkeys(("alltrue", "anytrue", "contains", "endswith", "fileexists", "issensitive"), BOOL),
    **dict.fromkeys(("startswith", "strcontains"), BOOL),
    **dict.fromkeys(("cidrsubnets", "compact", "formatlist", "sort", "split"), Type("list", STRING)),
    **dict.fromkeys(("chunklist", "distinct", "matchkeys", "regexall"), Type("list", ANY)),
    "range": Type("list", NUMBER),
    "fileset": Type("set", STRING),
    **dict.fromkeys(("setintersection", "setsubtract", "setunion"), Type("set", ANY)),
    "transpose": Type("map", Type("list", STRING)),
}
"""The type of what a function gives, also where it is not known."""

_GONE = {"list": "[a, b] or tolist([a, b])", "map": "{ a = b } or tomap({ a = b })"}
"""Functions that are gone, and what stands in their place."""
