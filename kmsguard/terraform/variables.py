"""The values of the root module's variables: from the environment, files, options, defaults; or open.

See https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from kmsguard.model.declaration import Problem
from kmsguard.model.guard import Scalar
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Value
from kmsguard.syntax.files import Files
from kmsguard.syntax.hcl.nodes import (
    Binary,
    Call,
    Expression,
    GetAttr,
    Node,
    Parentheses,
    StringPart,
    Template,
    Variable,
)
from kmsguard.terraform.evaluate import conclude, evaluate
from kmsguard.terraform.functions.filesystem import Nothing
from kmsguard.terraform.history import via
from kmsguard.terraform.load import Located, ModuleSource, join
from kmsguard.terraform.module import Module
from kmsguard.terraform.opening import open_value
from kmsguard.terraform.partial import export, find_unknown, invalid
from kmsguard.terraform.paths import lies_inside
from kmsguard.terraform.scope import Run, Scope
from kmsguard.terraform.texts import is_text
from kmsguard.terraform.types import Type, not_constant

PRIMITIVE = ("string", "number", "bool")


class Given(msgspec.Struct, frozen=True):
    """A value that something gives to a variable."""

    what: str  # `var-file`, `variable`
    value: Value | None  # None: `text` is to be read by the variable's type
    text: str = ""
    span: Span | None = None


class RootInputs:
    """The values of the root module's variables."""

    def __init__(self, run: Run, source: ModuleSource) -> None:
        self.run = run
        self.given: dict[str, Given] = {}
        self.declared = source.variables
        settings = run.settings
        for name, text in settings.environment:
            if name in self.declared:
                self.given[name] = Given("variable", None, text)
        for path in _automatic(source.path):
            self._file(path, run.files)
        for path in settings.variable_files:
            # who names a file may name one anywhere; what the checkout names stays inside it
            self._file(path, run.files if lies_inside(run, path) else Files(os.path.dirname(path) or "."))
        for name, text in settings.variables:
            if name in self.declared:
                self.given[name] = Given("variable", None, text)
            else:
                message = f"--var names {name}, which is no variable of the root module; declare it, or leave this out"
                run.report("error", "undeclared-variable", Span(source.path, 1, 1, 1, 1), message)

    def _file(self, path: str, files: Files) -> None:
        for name, given in _definitions(self.run, path, files):
            if name in self.declared:
                self.given[name] = given
            elif given.span is not None:
                message = f"there is no variable {name} in the root module; declare it, or remove this"
                self.run.report("warning", "undeclared-variable", given.span, message)

    def value(self, module: Module, name: str, declared: Located, to: Type | None) -> Value | None:
        """The value that was given, or the default; None where there is neither."""
        given = self.given.get(name)
        if given is None:
            if self.run.settings.all_values and "default" in declared.block.body.attributes:
                return self._open(module, name, declared, to, f"variable var.{name} may be given another value")
            return None
        value = given.value
        if value is None:
            value = _typed_text(self.run, name, given.text, to)
        return via(value, given.what, f"var.{name}", given.span or value.span)

    def open_value(self, module: Module, name: str, declared: Located, to: Type | None) -> Value:
        """A variable that has neither value nor default."""
        self.run.report(
            "warning", "unset-variable", declared.head, f"var.{name} has no value; give it one with --var or --var-file"
        )
        return self._open(module, name, declared, to, f"variable var.{name} has no value")

    def _open(self, module: Module, name: str, declared: Located, to: Type | None, reason: str) -> Value:
        subject = f"var.{name}"
        value = open_value(self.run.unit, subject, to, reason, subject, allowed_values(module, name, declared))
        return replace(value, span=declared.head)


def _automatic(folder: str) -> list[str]:
    """The variable files that Terraform loads by itself, in its order."""
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return []
    first = [name for name in ("terraform.tfvars", "terraform.tfvars.json") if name in names]
    rest = [name for name in names if name.endswith((".auto.tfvars", ".auto.tfvars.json"))]
    return [join(folder, name) for name in (*first, *rest)]


def _definitions(run: Run, path: str, files: Files) -> Iterator[tuple[str, Given]]:
    if path.endswith(".json"):
        yield from _json_definitions(run, path, files)
        return
    file = files.hcl(path)
    if isinstance(file, Problem):
        run.add(file)
        return
    run.sources.setdefault(file.source.path, file.source)
    for problem in file.problems:
        run.add(problem)
    scope = Scope(Nothing(run, ""), file.source)
    for name, attribute in file.body.attributes.items():
        span = file.source.span(attribute.start, attribute.end)
        wrong = not_constant(attribute.expression)
        if isinstance(wrong, Call):
            message = "a file of variables holds literal values, and calls nothing; write out what this gives"
            run.report("warning", "not-constant", file.source.span(wrong.start, wrong.end), message)
        yield name, Given("var-file", conclude(attribute.expression, scope), span=span)
    for block in file.body.blocks:
        message = f"a file of variables has no blocks; write `{block.type} = {{`, or move it to a file of code"
        run.report("warning", "unknown-block", file.source.span(block.start, block.head_end), message)


def _json_definitions(run: Run, path: str, files: Files) -> Iterator[tuple[str, Given]]:
    from kmsguard.syntax.json import parse_json
    from kmsguard.terraform.functions.filesystem import text_of
    from kmsguard.terraform.json_syntax import COMMENT

    source = files.read(path)
    if isinstance(source, Problem):
        run.add(source)
        return
    run.sources.setdefault(source.path, source)
    value, problems = parse_json(text_of(source))
    for problem in problems:
        run.add(problem)
    if value is not None:
        for name, item in value.members.items():
            if name != COMMENT:
                yield name, Given("var-file", item, span=item.where)


def _typed_text(run: Run, name: str, text: str, to: Type | None) -> Value:
    """The value of an option or of the environment: text, or an expression where the variable is a collection."""
    if to is None or to.kind in PRIMITIVE:
        return Value(text)
    from kmsguard.syntax.hcl.parser import parse_expression

    source = Source(f"--var {name}", text)
    node, problems = parse_expression(source)
    if problems:
        message = f"what is given to {name} is no {to.kind}: write it as in the code, {_SPELLED.get(to.kind, 'null')}"
        run.report("error", "invalid-variable", Span(run.unit, 1, 1, 1, 1), message)
        return invalid(message, f"var.{name}")
    return _without_places(export(evaluate(node, Scope(Nothing(run, ""), source))))


_SPELLED = dict.fromkeys(("list", "set", "tuple"), '["a", "b"]') | dict.fromkeys(("map", "object"), '{a = "b"}')


def _without_places(value: Value) -> Value:
    """What was given on the command line stands in no file."""
    data = value.data
    if isinstance(data, tuple):
        data = tuple(_without_places(item) for item in data)
    elif isinstance(data, dict):
        data = {name: _without_places(item) for name, item in data.items()}
    elif is_text(value):
        data = value.text if value.text is not None else data
    return Value(data)


# --- what a validation allows -----------------------------------------------------------------------------------------------


def allowed_values(module: Module, name: str, declared: Located) -> tuple[Scalar, ...]:
    """The values that the validations of a variable allow, where they list them."""
    for block in declared.block.body.blocks:
        condition = block.body.attributes.get("condition") if block.type == "validation" else None
        if condition is not None:
            found = _allowed(condition.expression, name, module.scope(declared.file))
            if found:
                return tuple(dict.fromkeys(found))
    return ()


def _allowed(node: Node, name: str, scope: Scope) -> list[Scalar] | None:
    if isinstance(node, Parentheses):
        return _allowed(node.inner, name, scope)
    if isinstance(node, Call) and node.name == "contains" and len(node.arguments) == 2:
        return _scalars(node.arguments[0], scope) if _is_variable(node.arguments[1], name) else None
    if isinstance(node, Call) and node.name == "can" and len(node.arguments) == 1:
        return _alternatives(node.arguments[0], name)
    if isinstance(node, Binary) and node.operator == "||":
        left, right = _allowed(node.left, name, scope), _allowed(node.right, name, scope)
        return None if left is None or right is None else [*left, *right]
    if isinstance(node, Binary) and node.operator == "&&":
        return _allowed(node.left, name, scope) or _allowed(node.right, name, scope)
    if isinstance(node, Binary) and node.operator == "==":
        for side, other in ((node.left, node.right), (node.right, node.left)):
            if _is_variable(side, name):
                value = evaluate(other, scope)
                return [_scalar(value)] if _is_scalar(value) else None
    return None


def _is_variable(node: Node, name: str) -> bool:
    return isinstance(node, GetAttr) and node.name == name and isinstance(node.of, Variable) and node.of.name == "var"


def _scalars(node: Expression, scope: Scope) -> list[Scalar] | None:
    value = evaluate(node, scope)
    if find_unknown(value) is not None or not isinstance(value.data, tuple) or not all(map(_is_scalar, value.items)):
        return None
    return [_scalar(item) for item in value.items]


def _is_scalar(value: Value) -> bool:
    return value.text is not None or value.data is None or isinstance(value.data, (bool, int))


def _scalar(value: Value) -> Scalar:
    data = value.text if value.text is not None else value.data
    assert data is None or isinstance(data, (str, bool, int))
    return data


def _alternatives(node: Expression, name: str) -> list[Scalar] | None:
    """`can(regex("^(a|b)$", var.x))`."""
    if (
        not isinstance(node, Call)
        or node.name != "regex"
        or len(node.arguments) != 2
        or not _is_variable(node.arguments[1], name)
    ):
        return None
    pattern = node.arguments[0]
    if not isinstance(pattern, Template) or len(pattern.parts) != 1 or not isinstance(pattern.parts[0], StringPart):
        return None
    text = pattern.parts[0].text
    if not (text.startswith("^(") and text.endswith(")$")):
        return None
    words = text[2:-2].removeprefix("?:").split("|")
    plain = all(word and word.replace("-", "").replace("_", "").isalnum() for word in words)
    return list(words) if plain else None
