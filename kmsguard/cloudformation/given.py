"""Values that a template is deployed with: parameters on the command line and in files."""

from __future__ import annotations

import msgspec

from kmsguard.cloudformation.texts import scalar_text
from kmsguard.model.declaration import Problem
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Step, Value
from kmsguard.syntax.yaml import Mapping, Scalar, Sequence, YamlNode, parse, scalar_data, text_value


class Given(msgspec.Struct, frozen=True, eq=False):
    """A value that is given for a parameter; `span` is None where it comes from the command line."""

    value: Value
    span: Span | None = None


def from_command_line(name: str, text: str) -> Given:
    """`--parameter NAME=VALUE`."""
    return Given(Value(text, trail=Step("parameter", name)))


def from_file(source: Source) -> tuple[dict[str, Given], list[Problem]]:
    """A parameter file, in the shapes that AWS's tools use.

    A list of ParameterKey and ParameterValue (`aws cloudformation create-stack --parameters file://…`), a list of texts
    `NAME=VALUE` (`aws cloudformation deploy --parameter-overrides`), a map of names to values, or a map with one of these under
    `Parameters` (CodePipeline's template configuration, `--cli-input-json`). See
    https://docs.aws.amazon.com/cli/latest/reference/cloudformation/create-stack.html and
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html.
    """
    root, problems = parse(source)
    found: dict[str, Given] = {}
    if root is None:
        if not problems:
            problems.append(_wrong(source, source.span(0, 0), "the file is empty"))
        return found, problems
    if isinstance(root, Mapping):
        inner = root.get("Parameters")
        if isinstance(inner, (Mapping, Sequence)):
            root = inner
    if isinstance(root, Mapping):
        for entry in root.entries:
            _take(found, problems, entry.key.text, entry.value, entry.span)
    elif isinstance(root, Sequence):
        for item in root.items:
            _take_item(found, problems, source, item)
    else:
        problems.append(_wrong(source, root.span, "neither a list of ParameterKey and ParameterValue nor a map"))
    return found, problems


def _take_item(found: dict[str, Given], problems: list[Problem], source: Source, item: YamlNode) -> None:
    if isinstance(item, Scalar) and "=" in item.text:
        name, _, text = item.text.partition("=")
        found[name] = Given(Value(text, item.span, trail=Step("parameter", name, item.span)), item.span)
        return
    key = item.get("ParameterKey") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(key, Scalar):
        problems.append(
            _wrong(source, item.span, "a map with ParameterKey and ParameterValue, or a text NAME=VALUE, must stand here")
        )
        return
    value = item.get("ParameterValue")
    if value is not None:  # else UsePreviousValue: what the stack has already
        _take(found, problems, key.text, value, item.span)


def _take(found: dict[str, Given], problems: list[Problem], name: str, node: YamlNode, span: Span) -> None:
    step = Step("parameter", name, span)
    if isinstance(node, Scalar):
        value = text_value(node)
        if not node.style:
            text = scalar_text(Value(scalar_data(node)))
            value = Value(text if text is not None else node.text, value.span)
        found[name] = Given(msgspec.structs.replace(value, place=span, trail=step), span)
    elif isinstance(node, Sequence) and all(isinstance(item, Scalar) for item in node.items):
        text = ",".join(item.text for item in node.items if isinstance(item, Scalar))
        found[name] = Given(Value(text, node.span, span, step), span)
    else:
        problems.append(_wrong(node.source, node.span, f"the value of {name} is neither a text nor a list of texts"))


def _wrong(source: Source, span: Span, message: str) -> Problem:
    return Problem("error", "parameter-file", source.path, span.start_line, span.start_column, message)
