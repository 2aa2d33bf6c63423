"""The intrinsic functions, one in a table entry each.

A function gets the template that it stands in, the node of its argument and the place of its call, and returns a value that is
as known as its arguments are. See
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Hashable, Iterator
from decimal import Decimal
from functools import cached_property
from typing import TypeAlias

import msgspec

from kmsguard.cloudformation.assertions import ref_all, value_of
from kmsguard.cloudformation.equality import subject_of
from kmsguard.cloudformation.expansion import included
from kmsguard.cloudformation.template import Template, either, too_large
from kmsguard.cloudformation.texts import (
    MAX_TEXT,
    TOO_LONG,
    Whole,
    applied,
    fragment,
    joined,
    pieces_of,
    scalar_text,
    settled,
    too_long,
    underived,
)
from kmsguard.cloudformation.texts import split as split_text
from kmsguard.model.guard import Any, Atom, Not
from kmsguard.model.guard import Scalar as Plain
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import (
    ABSENT,
    MAX_BRANCHES,
    Branch,
    Choice,
    Data,
    Fragment,
    Step,
    Target,
    Text,
    Unknown,
    Value,
    map_choices,
)
from kmsguard.syntax.yaml import Entry, Mapping, Scalar, Sequence, YamlNode, text_value

Function: TypeAlias = Callable[[Template, YamlNode, Span], Value]


_OF_PARTS = (tuple, dict)
_TEXTS = (str, bool, int, float, Decimal, Text)


# --- References ---------------------------------------------------------------------------------------------------------------


def ref(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Ref`; with the language extensions its argument may be computed."""
    if isinstance(argument, Scalar) and not argument.tag:
        return template.ref(argument.text, span)
    named = template.evaluate(argument)
    if isinstance(named.data, _OF_PARTS):
        return template.malformed("Ref", span, "a name")
    return applied(lambda v: _named(template, v, None, span), named)


def get_att(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::GetAtt`: `[Resource, Attribute]`, in YAML also `Resource.Attribute`."""
    if isinstance(argument, Scalar):
        name, dot, attribute = argument.text.partition(".")
        if not dot:
            return template.malformed("Fn::GetAtt", span, "a logical id and an attribute")
        return template.get_att(name, attribute, span)
    items = argument.items if isinstance(argument, Sequence) else []
    if len(items) < 2:
        return template.malformed("Fn::GetAtt", span, "a logical id and an attribute")
    if all(isinstance(item, Scalar) and not item.tag for item in items):
        texts = [item.text for item in items if isinstance(item, Scalar)]
        return template.get_att(texts[0], ".".join(texts[1:]), span)
    if len(items) != 2:
        return template.malformed("Fn::GetAtt", span, "a logical id and an attribute")
    return applied(lambda v: _named(template, v, v, span), *map(template.evaluate, items))


def _named(template: Template, names: tuple[Value, ...], attribute: tuple[Value, ...] | None, span: Span) -> Value:
    """What a computed name refers to."""
    texts = [scalar_text(value) for value in names]
    if texts[0] is None or (attribute is not None and texts[1] is None):
        return underived(names, "a reference by a name that is not known")
    if attribute is None:
        return template.ref(texts[0], span)
    return template.get_att(texts[0], texts[1] or "", span)


def import_value(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::ImportValue`: the export of another stack in the same account and Region."""

    def imported(arguments: tuple[Value, ...]) -> Value:
        name = scalar_text(arguments[0])
        if isinstance(arguments[0].data, _OF_PARTS):
            return template.malformed("Fn::ImportValue", span, "the name of an export")
        if name is None:
            unknown = underived(arguments, "an import by a name that is not known")
            pieces = pieces_of(arguments[0]) or ()
            if pieces and isinstance(unknown.data, Unknown):
                return unknown.with_data(msgspec.structs.replace(unknown.data, reason="import by a name that is not known"))
            return unknown
        return Value(Unknown(f"export {name} of another stack", name, Target(f"export:{name}", ""), not_null=True), span)

    return applied(imported, template.evaluate(argument))


def get_stack_output(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::GetStackOutput`: an output of a stack that is named as it is deployed, also of another Region or account.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html.
    """
    if not isinstance(argument, Mapping) or argument.get("StackName") is None or argument.get("OutputName") is None:
        return template.malformed("Fn::GetStackOutput", span, "a map with StackName and OutputName")
    named = template.evaluate(argument).members
    stack, output, region, role = (
        scalar_text(named[name]) if name in named else "" for name in ("StackName", "OutputName", "Region", "RoleArn")
    )
    reference = f"{stack or '?'}.{output or '?'}"
    target = None
    if stack and output and region is not None:
        account = role.split(":")[4] if role and role.count(":") >= 5 else "?" if role is None else ""
        target = Target(f"state:stack:{region}:{account}:{stack}", f"outputs.{output}")
    return Value(Unknown(f"output {reference} of another stack", reference, target, not_null=True), span)


# --- Texts --------------------------------------------------------------------------------------------------------------------

_HOLE = re.compile(r"\$\{(!?)([^${}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9_.:]+\Z")


def sub(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::Sub`: `${Name}`, `${Resource.Attribute}`, variables of its own; `${!Literal}` stands for `${Literal}`."""
    text, variables = argument, None
    if isinstance(argument, Sequence) and len(argument.items) == 2:
        text, variables = argument.items
    if not isinstance(text, Scalar) or text.tag or (variables is not None and not isinstance(variables, Mapping)):
        computed = template.evaluate(text) if text is not argument or not isinstance(text, Sequence) else None
        if computed is not None and isinstance(computed.data, Unknown):
            return underived((computed,), "Fn::Sub of a text that is not known")
        return template.malformed("Fn::Sub", span, "a text, or a list of a text and a map of variables")
    value = text_value(text)
    if "${" not in text.text:
        return joined(pieces_of(value) or (), value.span)
    own = {
        entry.key.text: template.evaluate(entry.value, entry.span)
        for entry in (template.entries(variables) if isinstance(variables, Mapping) else ())
    }
    whole = Whole(pieces_of(value) or ())
    pieces: list[Value] = []
    at = 0
    for match in _HOLE.finditer(text.text):
        start, end = match.span()
        pieces += whole.cut(at, start)
        at = end
        escaped, name = match.groups()
        if escaped:
            pieces += whole.cut(start, start + 2)
            pieces += whole.cut(start + 3, end)
            continue
        place = whole.place(start, end) or span
        filled = _substituted(template, name.strip(), own, place)
        if filled is None:  # a shell's own `${…}`, which CloudFormation refuses
            pieces += whole.cut(start, end)
            continue
        parts = pieces_of(filled, place)
        if parts is None:
            message = f"Fn::Sub puts {name}, which is no text, into a text"
            template.context.problem("warning", "invalid-function", place, message)
            parts = (Value(Unknown("a list or map in a text"), place),)
        # a variable that is used alone keeps where it stands
        pieces += parts if len(text.text) > end - start else pieces_of(filled) or ()
    pieces += whole.cut(at, len(text.text))
    return joined(pieces, value.span)


def _substituted(template: Template, name: str, own: dict[str, Value], place: Span) -> Value | None:
    if name in own:
        return own[name]
    if _NAME.match(name) is None:
        message = f"${{{name}}} is no name; write ${{!{name}}} for the text ${{{name}}}" if name else "${} names nothing"
        template.context.problem("warning", "invalid-function", place, message)
        return None
    resource, dot, attribute = name.partition(".")
    return template.get_att(resource, attribute, place) if dot else template.ref(name, place)


def join(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::Join`: a delimiter and a list."""
    items = argument.items if isinstance(argument, Sequence) else []
    if len(items) != 2:
        return template.malformed("Fn::Join", span, "a delimiter and a list")
    delimiter, values = template.evaluate(items[0]), template.evaluate(items[1])
    between = delimiter.text

    def combine(arguments: tuple[Value, ...]) -> Value:
        values = arguments[0]
        if isinstance(values.data, (dict, *_TEXTS)) or isinstance(delimiter.data, _OF_PARTS):
            return template.malformed("Fn::Join", span, "a delimiter and a list")
        if not isinstance(values.data, tuple) or between is None:
            return underived((values, delimiter), "Fn::Join of a list that is not known")
        pieces: list[Value] = []
        for number, item in enumerate(values.data):
            if number and between:
                pieces.append(Value(between))
            parts = pieces_of(item, _in_span(item, span))
            if parts is None:
                template.context.problem("warning", "invalid-function", item.where or span, "Fn::Join joins texts")
                parts = (Value(Unknown("a list or map in a text"), item.span),)
            pieces.extend(parts)
        return msgspec.structs.replace(joined(pieces, span), sensitive=any(p.sensitive for p in (*pieces, values)))

    return map_choices(combine, (settled(values),))


def _in_span(item: Value, span: Span) -> Span:
    """Where an item of a list comes in: its element, where that stands in the call."""
    return item.place if item.place is not None and item.place.within(span) else span


def split(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::Split`: a delimiter and a text."""
    items = argument.items if isinstance(argument, Sequence) else []
    if len(items) != 2:
        return template.malformed("Fn::Split", span, "a delimiter and a text")

    def divide(arguments: tuple[Value, ...]) -> Value:
        delimiter, value = arguments
        if isinstance(value.data, _OF_PARTS) or isinstance(delimiter.data, _OF_PARTS):
            return template.malformed("Fn::Split", span, "a delimiter and a text")
        parts = split_text(value, delimiter.text) if delimiter.text else None
        if parts is None:
            unknown = underived((value, delimiter), "Fn::Split of a text that is not known")
            return fragment(unknown, value, delimiter.text) if delimiter.text else unknown
        return Value(parts, span, sensitive=value.sensitive)

    return applied(divide, *map(template.evaluate, items))


def select(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::Select`: an index from 0, and a list."""
    items = argument.items if isinstance(argument, Sequence) else []
    if len(items) != 2:
        return template.malformed("Fn::Select", span, "an index and a list")

    def pick(arguments: tuple[Value, ...]) -> Value:
        index, values = arguments
        text = scalar_text(index)
        data = values.data
        if isinstance(data, (dict, *_TEXTS)) or isinstance(index.data, _OF_PARTS):
            return template.malformed("Fn::Select", span, "an index and a list")
        if text is None or not isinstance(data, tuple):
            unknown = underived((values, index), "Fn::Select from a list that is not known")
            if text is not None and text.strip().isdigit() and isinstance(data, Fragment) and data.index is None:
                return fragment(unknown, data.of, data.delimiter, int(text))
            return unknown
        if not text.strip().isdigit() or int(text) >= len(data):
            message = f"Fn::Select asks for element {text} of a list of {len(data)}"
            template.context.problem("warning", "invalid-function", span, message)
            return Value(Unknown("Fn::Select of an element that is not there"), span)
        return data[int(text)]

    return applied(pick, *map(template.evaluate, items))


def encode_base64(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::Base64`: what it encodes stays with the text."""
    inner = template.evaluate(argument)
    if isinstance(inner.data, _OF_PARTS):
        return template.malformed("Fn::Base64", span, "a text")

    def encode(arguments: tuple[Value, ...]) -> Value:
        text = scalar_text(arguments[0])
        if text is None:
            return underived(arguments, "Fn::Base64 of a text that is not known")
        if len(text) > MAX_TEXT:
            return Value(TOO_LONG, inner.span)
        return Value(base64.b64encode(text.encode()).decode(), inner.span)

    return Value(Text((applied(encode, inner),), inner, "base64"), span, sensitive=inner.sensitive)


def to_json_string(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::ToJsonString`: what it encodes stays with the text."""
    inner = template.evaluate(argument)
    pieces: list[Value] = []
    run = ""
    for piece in _json_pieces(inner):
        if isinstance(piece, str):
            run += piece
            continue
        pieces.extend([Value(run)] if run else [])
        run = ""
        pieces.append(piece)
    pieces.extend([Value(run)] if run else [])
    sensitive = any(part.sensitive for part in inner.walk())
    return Value(TOO_LONG if too_long(pieces) else Text(tuple(pieces), inner), span, sensitive=sensitive)


def _json_pieces(value: Value) -> Iterator[str | Value]:
    data = value.data
    if isinstance(data, dict):
        yield "{"
        for number, (name, member) in enumerate(data.items()):
            yield ("," if number else "") + json.dumps(name, ensure_ascii=False) + ":"
            yield from _json_pieces(member)
        yield "}"
    elif isinstance(data, tuple):
        yield "["
        for number, item in enumerate(data):
            yield "," if number else ""
            yield from _json_pieces(item)
        yield "]"
    elif isinstance(data, Text):
        yield '"'
        for piece in data.pieces:
            yield json.dumps(piece.data, ensure_ascii=False)[1:-1] if isinstance(piece.data, str) else piece
        yield '"'
    elif isinstance(data, Decimal):
        yield str(data)
    elif isinstance(data, (str, bool, int, float)) or data is None:
        yield json.dumps(data, ensure_ascii=False)
    else:
        yield value


# --- Choices and look-ups -----------------------------------------------------------------------------------------------------


def decide_if(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::If`: a condition's name, the value where it holds, the value where it does not."""
    items = argument.items if isinstance(argument, Sequence) else []
    if len(items) != 3:
        return template.malformed("Fn::If", span, "a condition and two values")
    name = items[0]
    if isinstance(name, Scalar) and not name.tag:
        formula, what = template.condition(name.text, name.span), template.address(name.text)
    else:
        formula, what = template.formula(name), "Fn::If"
        if too_large(formula):
            formula = Truth.UNKNOWN
    if formula is Truth.YES or formula is Truth.NO:
        value = template.evaluate(items[1] if formula is Truth.YES else items[2])
        return value if value.data is ABSENT else value.via("condition", what, name.span)
    template.maybe += 1
    value = either(formula, template.evaluate(items[1]), template.evaluate(items[2]))
    template.maybe -= 1
    return msgspec.structs.replace(value, span=span, trail=Step("condition", what, name.span))


def find_in_map(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::FindInMap`: a map's name, two keys; with the language extensions a default value."""
    items = argument.items if isinstance(argument, Sequence) else []
    options = items[3] if len(items) == 4 else None
    default = options.get("DefaultValue") if isinstance(options, Mapping) else None
    if len(items) not in (3, 4) or (options is not None and default is None):
        return template.malformed("Fn::FindInMap", span, "a map's name, two keys, and perhaps a DefaultValue")
    otherwise = _Default(template, default) if default is not None else None

    missing: list[str] = []  # what tells where it was asked for is another thing each time

    def look_up(arguments: tuple[Value, ...]) -> Value:
        name, *keys = arguments
        text = scalar_text(name)
        if text is None:
            return underived(arguments, "a mapping whose name is not known")
        table = next((entry for entry in reversed(template.section("Mappings")) if entry.key.text == text), None)
        if table is None:
            missing.append(text)
            if otherwise is not None:
                return otherwise.value
            message = f"there is no mapping {text}"
            template.context.problem("warning", "unresolved-reference", span, message)
            return Value(Unknown(message), span)
        found = _picked(template, table, text, keys, otherwise)
        if found is None:
            missing.append(text)
            path = ".".join((text, *(scalar_text(key) or "?" for key in keys)))
            template.context.problem("warning", "unresolved-reference", span, f"the mapping has no {path}")
            return Value(Unknown(f"the mapping has no {path}"), span)
        return found

    arguments = [template.evaluate(item) for item in items[:3]]
    asked = tuple(_identity(argument.data) for argument in arguments) if default is None else (None,)
    known = template.looked_up.get(asked)
    if known is not None:
        return known[0]
    value = applied(look_up, *arguments)
    if None not in asked and not missing:
        template.looked_up[asked] = value, arguments
    return value


def _identity(data: Data) -> Hashable:
    """What tells an argument of Fn::FindInMap from those that may find another value; None where more than its data counts."""
    if isinstance(data, str) or (type(data) is Unknown and data.target is not None):
        return data
    return id(data) if isinstance(data, Choice) else None


class _Default:
    """The default of a look-up, evaluated where it is asked for, and once: defaults nest, and look-ups have branches."""

    def __init__(self, template: Template, node: YamlNode) -> None:
        self.template = template
        self.node = node

    @cached_property
    def value(self) -> Value:
        return self.template.evaluate(self.node)


def _picked(template: Template, entry: Entry, path: str, keys: list[Value], default: _Default | None) -> Value | None:
    """What a mapping holds under keys; None where a key is not there and no default is."""
    if not keys:
        return template.evaluate(entry.value).via("mapping", template.address(path), entry.span)
    key, *rest = keys
    entries = {e.key.text: e for e in template.entries(entry.value)} if isinstance(entry.value, Mapping) else {}
    text = scalar_text(key)
    if text is not None:
        inner = entries.get(text)
        found = _picked(template, inner, f"{path}.{text}", rest, default) if inner is not None else None
        return default.value if found is None and default is not None else found
    subject = subject_of(key)
    if subject is None or not isinstance(key.data, Unknown):
        return underived(keys, "a key of a mapping that is not known")
    return _picked_by(template, subject, key.data, (entries, path, rest, default))


def _picked_by(
    template: Template,
    subject: str,
    open_key: Unknown,
    table: tuple[dict[str, Entry], str, list[Value], _Default | None],
) -> Value | None:
    """What a mapping holds under a key that is open: a stack can be made only where the key is one of the mapping's."""
    entries, path, rest, default = table
    allowed = {str(scalar) for scalar in open_key.allowed}
    found: dict[str, Value] = {}
    for name, entry in entries.items():
        if not allowed or name in allowed:
            value = _picked(template, entry, f"{path}.{name}", rest, None)
            if value is not None:
                found[name] = value
    missing = Value(Unknown(open_key.reason, open_key.reference, not_null=True))
    if not found:
        return default.value if default is not None else None
    among: tuple[Plain, ...] = tuple(found) if default is None else ()
    if len(found) + (default is not None) > MAX_BRANCHES:
        scalars = [value.data for value in found.values()]
        if default is None and all(isinstance(data, (str, bool, int, float)) for data in scalars):
            distinct = tuple(dict.fromkeys(data for data in scalars if isinstance(data, (str, bool, int, float))))
            return missing.with_data(Unknown(open_key.reason, open_key.reference, not_null=True, allowed=distinct))
        return missing
    unit = template.context.unit
    branches = [Branch(Atom(unit, subject, name, among), value) for name, value in found.items()]
    if default is not None:
        others = Not(Any(tuple(branch.guard for branch in branches)))
        branches.append(Branch(others, default.value))
    return branches[0].value if len(branches) == 1 else Value(Choice(tuple(branches)))


# --- Lists --------------------------------------------------------------------------------------------------------------------


def cidr(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::Cidr`: a block, how many parts of it, and how many bits each leaves to its hosts."""
    items = argument.items if isinstance(argument, Sequence) else []
    if len(items) not in (2, 3):
        return template.malformed("Fn::Cidr", span, "a block, a count, and a number of bits")

    def blocks(arguments: tuple[Value, ...]) -> Value:
        texts = [scalar_text(value) for value in arguments]
        if any(isinstance(value.data, _OF_PARTS) for value in arguments):
            return template.malformed("Fn::Cidr", span, "a block, a count, and a number of bits")
        if len(texts) < 3 or None in texts:
            return underived(arguments, "Fn::Cidr of a block that is not known")
        found = _blocks(*(text or "" for text in texts))
        if found is None:
            message = "Fn::Cidr takes a CIDR block, a count up to 256, and a number of bits that leaves room for them"
            template.context.problem("warning", "invalid-function", span, message)
            return Value(Unknown("Fn::Cidr of a block that has not so many parts"), span)
        return Value(tuple(Value(block, span) for block in found), span)

    return applied(blocks, *map(template.evaluate, items))


def _blocks(block: str, count: str, bits: str) -> list[str] | None:
    from ipaddress import ip_network
    from itertools import islice

    try:
        network = ip_network(block, strict=False)
        wanted = int(count)
        parts = [str(part) for part in islice(network.subnets(new_prefix=network.max_prefixlen - int(bits)), min(wanted, 257))]
    except ValueError:
        return None
    return parts if 0 < len(parts) == wanted <= 256 else None


def get_azs(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::GetAZs`: AWS decides."""
    template.evaluate(argument)
    return Value(Unknown("the Availability Zones of the Region", "Fn::GetAZs", not_null=True), span)


def length(template: Template, argument: YamlNode, span: Span) -> Value:
    """`Fn::Length` of a list."""

    def count(arguments: tuple[Value, ...]) -> Value:
        data = arguments[0].data
        if isinstance(data, tuple):
            return Value(len(data), span)
        if isinstance(data, (Unknown, Text)):
            return underived(arguments, "Fn::Length of a list that is not known")
        return template.malformed("Fn::Length", span, "a list")

    return applied(count, template.evaluate(argument))


def transform(template: Template, argument: YamlNode, span: Span) -> Value:
    """`!Transform`: a map that comes from a file or a macro."""
    expansion = included(template, argument)
    if expansion.missing is not None:
        return Value(Unknown(expansion.missing), span)
    members = {entry.key.text: template.evaluate(entry.value, entry.span) for entry in expansion.entries}
    return Value({name: value for name, value in members.items() if value.data is not ABSENT}, span)


FUNCTIONS: dict[str, Function] = {
    "Ref": ref,
    "Fn::Base64": encode_base64,
    "Fn::Cidr": cidr,
    "Fn::FindInMap": find_in_map,
    "Fn::GetAZs": get_azs,
    "Fn::GetAtt": get_att,
    "Fn::GetStackOutput": get_stack_output,
    "Fn::If": decide_if,
    "Fn::ImportValue": import_value,
    "Fn::Join": join,
    "Fn::Length": length,
    "Fn::Select": select,
    "Fn::Split": split,
    "Fn::Sub": sub,
    "Fn::ToJsonString": to_json_string,
    "Fn::Transform": transform,
}

OF_RULES: dict[str, Function] = {"Fn::RefAll": ref_all, "Fn::ValueOf": value_of, "Fn::ValueOfAll": value_of}
