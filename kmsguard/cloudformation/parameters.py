"""What a parameter is: a value that is given, its default, or open within its allowed values.

See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from kmsguard.cloudformation.patterns import matches
from kmsguard.cloudformation.texts import scalar_text, split, stored
from kmsguard.model.guard import Atom
from kmsguard.model.guard import Scalar as Plain
from kmsguard.model.source import Span
from kmsguard.model.value import MAX_BRANCHES, Branch, Choice, Step, Target, Unknown, Value
from kmsguard.syntax.yaml import Mapping, Scalar, Sequence, YamlNode, scalar_data, text_value

SSM_VALUE = "AWS::SSM::Parameter::Value<"


class Parameter(msgspec.Struct, frozen=True, eq=False):
    """A parameter as its block declares it."""

    name: str  # with the nested stack that it belongs to: `Storage.Env`
    type: str
    default: Value | None
    allowed: tuple[Value, ...]
    no_echo: bool
    span: Span
    limits: dict[str, str] = {}  # AllowedPattern, MinLength, MaxLength, MinValue, MaxValue, as they are written

    @property
    def is_list(self) -> bool:
        """Whether its value is a text that CloudFormation splits at commas."""
        return self.type == "CommaDelimitedList" or self.type.startswith("List<")

    @property
    def target(self) -> Target:
        """The symbolic value that it is: one without attribute, as a variable, where it may be an empty text."""
        if self.type not in ("String", "CommaDelimitedList") or self.refuses("") is not None:
            return Target(self.name, "Ref")
        return Target(self.name, "Ref" if self.allowed and "" not in map(scalar_text, self.allowed) else "")

    def refuses(self, text: str) -> str | None:
        """Which of its limits a text is outside of; None where it is not known to be outside of any."""
        for name in self.limits:
            if not _LIMITS[name](text, self.limits[name], self):
                return name
        return None


def _matches(text: str, pattern: str, _parameter: Parameter) -> bool:
    return matches(pattern, text) is not False


def _measured(size: Callable[[str, Parameter], float | None], least: bool) -> Callable[[str, str, Parameter], bool]:
    def within(text: str, limit: str, parameter: Parameter) -> bool:
        measure, bound = size(text, parameter), _number(limit)
        return measure is None or bound is None or (measure >= bound if least else measure <= bound)

    return within


def _length(text: str, parameter: Parameter) -> float | None:
    return len(text) if parameter.type == "String" else None


def _magnitude(text: str, parameter: Parameter) -> float | None:
    return _number(text) if parameter.type == "Number" else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_LIMITS: dict[str, Callable[[str, str, Parameter], bool]] = {
    "AllowedPattern": _matches,
    "MinLength": _measured(_length, least=True),
    "MaxLength": _measured(_length, least=False),
    "MinValue": _measured(_magnitude, least=True),
    "MaxValue": _measured(_magnitude, least=False),
}


def declared(name: str, address: str, node: Mapping, span: Span) -> Parameter:
    """A parameter from its block."""
    kind = node.get("Type")
    default = node.get("Default")
    allowed = node.get("AllowedValues")
    no_echo = node.get("NoEcho")
    number = isinstance(kind, Scalar) and kind.text == "Number"
    step = Step("parameter default", name, entry.span) if (entry := node.entry("Default")) is not None else None
    return Parameter(
        name=address,
        type=kind.text if isinstance(kind, Scalar) else "String",
        default=_literal(default, number, step) if default is not None else None,
        allowed=tuple(
            _literal(item, number, Step("allowed value", name, item.span))
            for item in (allowed.items if isinstance(allowed, Sequence) else ())
            if isinstance(item, Scalar)
        ),
        no_echo=isinstance(no_echo, Scalar) and no_echo.text.lower() in ("true", "yes", "on"),
        span=span,
        limits={limit: found.text for limit in _LIMITS if isinstance(found := node.get(limit), Scalar) and not found.tag},
    )


def _literal(node: YamlNode, number: bool, step: Step | None) -> Value:
    """A default or an allowed value: a text whatever is written, or a number where the parameter is one."""
    if not isinstance(node, Scalar):
        return Value(Unknown("a default that is no text", not_null=True), node.span, trail=step)
    data = scalar_data(node)
    if isinstance(data, str):
        value = text_value(node)
    else:
        value = Value(scalar_text(Value(data)) or "", node.source.span(node.content, node.end))
    return _typed(msgspec.structs.replace(value, trail=step), number)


def _typed(value: Value, number: bool) -> Value:
    text = value.text
    if not number or text is None:
        return value
    try:
        return value.with_data(int(text) if text.strip().lstrip("+-").isdigit() else float(text))
    except ValueError:
        return value


def parameter_value(parameter: Parameter, unit: str, given: Value | None, *, default_decides: bool) -> Value:
    """The value of a parameter: what is given or its default, else what is open of it."""
    value = given if given is not None else parameter.default if default_decides else None
    if value is None:
        value = _open(parameter, unit)
    elif parameter.type.startswith(SSM_VALUE):
        # the value is the name of a Systems Manager parameter
        reason = f"parameter {parameter.name} is read from Systems Manager"
        name = None if parameter.is_list else value.text
        target = stored(name) if name is not None else parameter.target
        value = Value(Unknown(reason, parameter.name, target, not_null=True), trail=value.trail)
    elif parameter.is_list:
        value = _listed(value, parameter)
    else:
        value = _typed(value, parameter.type == "Number")
    return msgspec.structs.replace(value, place=None, sensitive=value.sensitive or parameter.no_echo)


def _listed(value: Value, parameter: Parameter) -> Value:
    if isinstance(value.data, tuple):
        return value
    if value.text == "":
        return value.with_data(())
    items = split(value, ",")
    if items is None:
        return value
    number = parameter.type == "List<Number>"
    return value.with_data(tuple(_typed(_stripped(item), number) for item in items))


def _stripped(item: Value) -> Value:
    """A list's item without the space around it: of a CommaDelimitedList, "each member string is space trimmed"."""
    text = item.data
    if not isinstance(text, str) or text == text.strip():
        return item
    span = item.span
    if span is not None and span.end_column - span.start_column == len(text) and span.start_line == span.end_line:
        lead = len(text) - len(text.lstrip())
        start = span.start_column + lead
        span = Span(span.file, span.start_line, start, span.start_line, start + len(text.strip()))
    return msgspec.structs.replace(item, data=text.strip(), span=span)


def _open(parameter: Parameter, unit: str) -> Value:
    """A parameter that has no value: one of its allowed values, or unknown."""
    by_data: dict[Plain, Value] = {_plain(item): item for item in reversed(parameter.allowed)}
    among = tuple(dict.fromkeys(_plain(item) for item in parameter.allowed))
    if parameter.default is None:
        reason = f"parameter {parameter.name} has no value"
    else:
        reason = f"parameter {parameter.name} may be given another value than its default"
    if among and not parameter.is_list and not parameter.type.startswith(SSM_VALUE):
        if len(among) == 1:
            return parameter.allowed[0]
        if len(among) <= MAX_BRANCHES:
            branches = (Branch(Atom(unit, parameter.name, data, among), by_data[data]) for data in among)
            return Value(Choice(tuple(branches)), trail=Step("parameter", parameter.name, parameter.span))
    else:
        among = ()
    data = Unknown(reason, parameter.name, parameter.target, not_null=True, allowed=among)
    return Value(data, trail=Step("parameter", parameter.name, parameter.span))


def _plain(value: Value) -> Plain:
    return value.data if isinstance(value.data, (int, float)) else scalar_text(value)


def refused(parameter: Parameter, value: Value) -> str | None:
    """Why CloudFormation refuses a value, where it does: it is none of the allowed ones, or outside of a limit."""
    if parameter.type.startswith(SSM_VALUE):
        return None
    allowed = {scalar_text(item) for item in parameter.allowed}
    items = value.items if isinstance(value.data, tuple) else (value,)
    for text in map(scalar_text, items):
        if text is None:
            continue
        if allowed and text not in allowed:
            return "is none of its allowed values"
        if parameter.type in ("Number", "List<Number>") and _number(text) is None:
            return "is no number"
        limit = parameter.refuses(text)
        if limit is not None:
            return f"is outside of its {limit}"
    return None
