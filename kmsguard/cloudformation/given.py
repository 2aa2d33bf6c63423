"""Values that a template is deployed with: parameters on the command line and in files."""

from __future__ import annotations

import re

import msgspec

from kmsguard.cloudformation.texts import joined, pieces_of, scalar_text, sliced
from kmsguard.model.declaration import Problem
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Step, Value
from kmsguard.syntax.yaml import Mapping, Scalar, Sequence, YamlNode, parse, scalar_data, text_value


class Given(msgspec.Struct, frozen=True, eq=False):
    """What is given for a parameter; `span` is None where it comes from the command line.

    `value` is None for `UsePreviousValue`: what the stack has already, whatever the default is.
    """

    value: Value | None
    span: Span | None = None


def from_command_line(name: str, text: str) -> Given:
    """`--parameter NAME=VALUE`."""
    return Given(Value(text, trail=Step("parameter", name)))


def from_file(source: Source) -> tuple[dict[str, Given], list[Problem]]:
    """A parameter file, in the shapes that AWS's tools use.

    - a list of ParameterKey and ParameterValue (`aws cloudformation create-stack --parameters file://…`);
    - a list of texts `NAME=VALUE` (`aws cloudformation deploy --parameter-overrides`, `cdk deploy --parameters`);
    - a map of names to values, or a map with one of these under `Parameters` (CodePipeline's template configuration,
      `--cli-input-json`) or `parameters` (the deployment file of Git sync), whatever stands beside it;
    - AWS SAM's configuration (`samconfig.toml`, `samconfig.yaml`): `parameter_overrides` of the environment `default`.

    See https://docs.aws.amazon.com/cli/latest/reference/cloudformation/create-stack.html,
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html,
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/git-sync-concepts-terms.html and
    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html.
    """
    if source.path.endswith(".toml"):
        return _from_toml(source)
    root, problems = parse(source)
    found: dict[str, Given] = {}
    if root is None:
        if not problems:
            problems.append(_wrong(source, source.span(0, 0), "the file is empty"))
        return found, problems
    for part in _parts(root):
        if isinstance(part, Mapping):
            for entry in part.entries:
                _take(found, problems, entry.key.text, entry.value, entry.span)
        elif isinstance(part, Sequence):
            for item in part.items:
                _take_item(found, problems, source, item)
        elif part.text:
            overrides = _overrides(part.text)
            if not overrides:
                message = "neither a list of ParameterKey and ParameterValue nor a map nor texts NAME=VALUE"
                problems.append(_wrong(source, part.span, message))
            _take_texts(found, text_value(part), overrides, part.span)
    return found, problems


def _parts(root: YamlNode) -> list[YamlNode]:
    """Where in a file the parameters stand; what comes later counts."""
    if not isinstance(root, Mapping):
        return [root]
    inner = root.get("Parameters") or root.get("parameters")
    if isinstance(inner, (Mapping, Sequence)):
        return [inner]
    found: list[YamlNode] = []
    environment = root.get("default")
    for command in _SAM_COMMANDS:
        of_command = environment.get(command) if isinstance(environment, Mapping) else None
        options = of_command.get("parameters") if isinstance(of_command, Mapping) else None
        overrides = options.get("parameter_overrides") if isinstance(options, Mapping) else None
        if overrides is not None:
            found.append(overrides)
    return found if found or (root.get("version") is not None and isinstance(environment, Mapping)) else [root]


_SAM_COMMANDS = ("global", "deploy")
_OVERRIDE = re.compile(
    r'(?:ParameterKey=)?([A-Za-z0-9]+)(?:,ParameterValue)?=("(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|(?:\\.|[^\s"\'\\])*)(?=\s|$)'
)
_ESCAPE = re.compile(r"\\(.)")


def _overrides(text: str) -> list[tuple[str, str, int, int]]:
    """The parameters in a text, as `sam deploy --parameter-overrides` takes it: name, value, and the place of that in it."""
    found = []
    for match in _OVERRIDE.finditer(text):
        written, (start, end) = match.group(2), match.span(2)
        if written[:1] in ("'", '"'):
            written, start, end = written[1:-1], start + 1, end - 1
        found.append((match.group(1), _ESCAPE.sub(r"\1", written), start, end))
    return found


def _take_texts(found: dict[str, Given], whole: Value, overrides: list[tuple[str, str, int, int]], span: Span) -> None:
    pieces = pieces_of(whole) or ()
    for name, text, start, end in overrides:
        value = joined(sliced(pieces, start, end), span)
        if value.text != text:  # it has escapes
            value = Value(text, value.span or span)
        found[name] = Given(msgspec.structs.replace(value, trail=Step("parameter", name, span)), span)


def _from_toml(source: Source) -> tuple[dict[str, Given], list[Problem]]:
    """`samconfig.toml`; a parameter stands where its text stands in the file, or in the line of `parameter_overrides`."""
    import tomllib

    found: dict[str, Given] = {}
    try:
        tree: object = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(match.group(1)), int(match.group(2))) if match is not None else (1, 1)
        return found, [Problem("error", "parameter-file", source.path, line, column, "this is no well written TOML")]
    for command in _SAM_COMMANDS:
        options = tree
        for name in ("default", command, "parameters", "parameter_overrides"):
            options = options.get(name) if isinstance(options, dict) else None
        for text in options if isinstance(options, list) else [options]:
            for name, value, _, _ in _overrides(text) if isinstance(text, str) else ():
                span = _in_toml(source, name, value)
                found[name] = Given(Value(value, span, trail=Step("parameter", name, span)), span)
    return found, []


def _in_toml(source: Source, name: str, value: str) -> Span:
    pattern = rf'\b{name}(?:,ParameterValue)?=[\\"\']*({re.escape(value)})'
    match = re.search(pattern, source.text) or re.search(r"(parameter_overrides)", source.text)
    return source.span(*match.span(1)) if match is not None else source.span(0, 0)


def _take_item(found: dict[str, Given], problems: list[Problem], source: Source, item: YamlNode) -> None:
    if isinstance(item, Scalar) and "=" in item.text:
        name, _, text = item.text.partition("=")
        _take_texts(found, text_value(item), [(name.rpartition(":")[2], text, len(name) + 1, len(item.text))], item.span)
        return
    key = item.get("ParameterKey") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(key, Scalar):
        problems.append(
            _wrong(source, item.span, "a map with ParameterKey and ParameterValue, or a text NAME=VALUE, must stand here")
        )
        return
    value = item.get("ParameterValue")
    previous = item.get("UsePreviousValue")
    if isinstance(previous, Scalar) and scalar_data(previous) in (True, "true"):
        found[key.text] = Given(None, item.span)
    elif value is not None:
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
