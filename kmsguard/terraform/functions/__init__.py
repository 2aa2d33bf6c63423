"""Terraform's functions, by family; a family is imported when one of its functions is called first.

See https://developer.hashicorp.com/terraform/language/functions.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from msgspec.structs import replace

from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Unknown, Value, flatten
from kmsguard.syntax.hcl import nodes
from kmsguard.terraform.choices import choose, distribute
from kmsguard.terraform.history import derived
from kmsguard.terraform.partial import Invalid, find_invalid, invalid, is_invalid
from kmsguard.terraform.scope import Scope


class Invocation:
    """A call as a function sees it."""

    __slots__ = ("name", "scope", "span")

    def __init__(self, name: str, scope: Scope, span: Span) -> None:
        self.name = name
        self.scope = scope
        self.span = span


Function: TypeAlias = Callable[[Invocation, tuple[Value, ...]], Value]
"""A function gets arguments that are no Choice and no error themselves (what they hold may be)."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "strings": (
        "chomp", "endswith", "format", "formatlist", "indent", "join", "lower", "regex", "regexall", "replace", "split",
        "startswith", "strcontains", "strrev", "substr", "templatestring", "title", "trim", "trimprefix", "trimspace",
        "trimsuffix", "upper",
    ),
    "collections": (
        "alltrue", "anytrue", "chunklist", "coalesce", "coalescelist", "compact", "concat", "contains", "distinct", "element",
        "flatten", "index", "keys", "length", "list", "lookup", "map", "matchkeys", "merge", "one", "range", "reverse",
        "setintersection", "setproduct", "setsubtract", "setunion", "slice", "sort", "sum", "transpose", "values", "zipmap",
    ),
    "encoding": (
        "base64decode", "base64encode", "base64gzip", "csvdecode", "jsondecode", "jsonencode", "textdecodebase64",
        "textencodebase64", "urlencode", "yamldecode", "yamlencode",
    ),
    "numeric": ("abs", "ceil", "floor", "log", "max", "min", "parseint", "pow", "signum"),
    "filesystem": (
        "abspath", "basename", "dirname", "file", "filebase64", "filebase64sha256", "filebase64sha512", "fileexists",
        "filemd5", "fileset", "filesha1", "filesha256", "filesha512", "pathexpand", "templatefile",
    ),
    "crypto": (
        "base64sha256", "base64sha512", "bcrypt", "md5", "rsadecrypt", "sha1", "sha256", "sha512", "uuid", "uuidv5",
    ),
    "network": ("cidrhost", "cidrnetmask", "cidrsubnet", "cidrsubnets"),
    "dates": ("formatdate", "plantimestamp", "timeadd", "timecmp", "timestamp"),
    "types": (
        "ephemeralasnull", "issensitive", "nonsensitive", "sensitive", "tobool", "tolist", "tomap", "tonumber", "toset",
        "tostring",
    ),
    "aws": ("provider::aws::arn_build", "provider::aws::arn_parse", "provider::aws::trim_iam_role_path"),
}  # fmt: skip

_FAMILY_OF = {name: family for family, names in FAMILIES.items() for name in names}


def find(name: str) -> Function | None:
    """The function of a name; None where there is none."""
    family = _FAMILY_OF.get(name)
    if family is None:
        return None
    table: dict[str, Function] = import_module(f"{__name__}.{family}").FUNCTIONS
    return table[name]


def call(node: nodes.Call, scope: Scope) -> Value:
    """The value of a call."""
    name = node.name.removeprefix("core::")
    special = _SPECIAL.get(name)
    if special is not None:
        return special(node, scope)
    from kmsguard.terraform.evaluate import evaluate

    arguments = [evaluate(argument, scope) for argument in node.arguments]
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
        if node.expand_final:
            last = settled[-1]
            if not isinstance(last.data, tuple):
                return derived(settled) if isinstance(last.data, Unknown) else invalid("... needs a list")
            return distribute(lambda *all_of: function(invocation, all_of), *settled[:-1], *last.data)
        return function(invocation, settled)

    value = distribute(invoke, *arguments)
    return value if value.span is not None else replace(value, span=span)


def _try(node: nodes.Call, scope: Scope) -> Value:
    from kmsguard.terraform.evaluate import evaluate

    if not node.arguments:
        return invalid("try needs an argument")
    scope.run.trying += 1
    try:
        value = evaluate(node.arguments[0], scope)
    finally:
        scope.run.trying -= 1
    rest = node.arguments[1:]
    if not rest:
        return value

    def otherwise() -> Value:
        return _try(nodes.Call(node.start, node.end, node.name, rest), scope)

    if find_invalid(value) is not None:
        return otherwise()
    options = flatten(value)
    if any(is_invalid(option) for _, option in options):
        return choose((guard, otherwise() if is_invalid(option) else option) for guard, option in options)
    return value


def _can(node: nodes.Call, scope: Scope) -> Value:
    from kmsguard.terraform.evaluate import evaluate

    if len(node.arguments) != 1:
        return invalid("can needs one argument")
    scope.run.trying += 1
    try:
        value = evaluate(node.arguments[0], scope)
    finally:
        scope.run.trying -= 1
    span = scope.span(node)
    if find_invalid(value) is not None:
        return Value(False, span)

    def known(option: Value) -> Value:
        data = option.data
        if isinstance(data, Invalid):
            return Value(False, span)
        if isinstance(data, Unknown):
            return derived((option,), span, not_null=True)
        return Value(True, span)

    return choose([(guard, known(option)) for guard, option in flatten(value)] or [(Truth.YES, Value(True, span))])


_SPECIAL: dict[str, Callable[[nodes.Call, Scope], Value]] = {"try": _try, "can": _can}
