"""YAML as `yamldecode` reads it: the core schema of YAML 1.2, with a few spellings of YAML 1.1."""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec.structs import replace

from kmsguard.model.source import Source, Span
from kmsguard.model.value import Data, Text, Value
from kmsguard.syntax import yaml
from kmsguard.terraform.arithmetic import narrow
from kmsguard.terraform.partial import find_invalid, invalid

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o([0-7]+)")
_HEXADECIMAL = re.compile(r"0x([0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.\d*)?[ \t]*(Z|[-+]\d\d?(?::?\d\d)?)?)?"
)
_NULLS = ("", "~", "null", "Null", "NULL")
_TAGS = frozenset(f"{yaml.CORE}{kind}" for kind in ("str", "int", "float", "bool", "null", "binary", "timestamp", "merge"))
_TRUE = ("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y")
_FALSE = ("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N")


def decode(text: Value, span: Span) -> Value:
    """The value of a YAML text that is wholly known."""
    source = Source(span.file, text.text or "")
    node, problems = yaml.parse(source)
    if any(problem.level == "error" for problem in problems):
        return invalid("this is no YAML")
    if node is None:
        return Value(None, span)
    found = _value(node, text)
    error = find_invalid(found)
    return error if error is not None else replace(found, trail=text.trail, sensitive=text.sensitive, refs=text.refs)


def _value(node: yaml.YamlNode, text: Value) -> Value:
    span = _place(text, node.start, node.end)
    if isinstance(node, yaml.Sequence):
        return Value(tuple(_value(item, text).at(_place(text, item.start, item.end)) for item in node.items), span)
    if isinstance(node, yaml.Mapping) and (node.tag in ("", f"{yaml.CORE}map")):
        if any(not entry.key.style and entry.key.text in _NULLS for entry in node.entries):
            return invalid("a key must not be null")
        members = {
            entry.key.text: _value(entry.value, text).at(_place(text, entry.key.start, entry.value.end))
            for entry in node.entries
        }
        return Value(members, span)
    if not isinstance(node, yaml.Scalar):
        return invalid("this tag is not known")
    if node.tag and node.tag not in _TAGS:
        return invalid(f"this tag is not known: {node.tag}")
    if not node.style and node.text in (".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF"):
        return invalid("such numbers are not known")
    return Value(node.text if node.style or node.tag == "tag:yaml.org,2002:str" else _scalar(node.text), span)


def _place(text: Value, start: int, end: int) -> Span | None:
    return text.data.place(start, max(end, start + 1)) if isinstance(text.data, Text) else text.span


def _timestamp(raw: str, match: re.Match[str]) -> str:
    """A date or time as a text, as Terraform has no type for it: `2012-10-17` becomes `2012-10-17T00:00:00Z`."""
    year, month, day, hour, minute, second, zone = match.groups()
    date = f"{year}-{int(month):02}-{int(day):02}"
    if hour is None:
        return f"{date}T00:00:00Z"
    # a zone that is written otherwise than +05:30 is none to Terraform's parser
    if zone is not None and not re.fullmatch(r"Z|[-+]\d\d:\d\d", zone):
        return raw
    return f"{date}T{int(hour):02}:{minute}:{second}{'Z' if zone in (None, '+00:00', '-00:00') else zone}"


def _scalar(raw: str) -> Data:
    if raw in _NULLS:
        return None
    if raw in _TRUE or raw in _FALSE:
        return raw in _TRUE
    timestamp = _TIMESTAMP.fullmatch(raw)
    if timestamp is not None:
        return _timestamp(raw, timestamp)
    octal = _OCTAL.fullmatch(raw)
    if octal is not None:
        return int(octal[1], 8)
    hexadecimal = _HEXADECIMAL.fullmatch(raw)
    if hexadecimal is not None:
        return int(hexadecimal[1], 16)
    if _INTEGER.fullmatch(raw) or _FLOAT.fullmatch(raw):
        try:
            return narrow(Decimal(raw))
        except ArithmeticError:
            return raw
    return raw
