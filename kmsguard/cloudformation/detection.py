"""What is a template and what is not, told without parsing."""

from __future__ import annotations

import re

_YAML_RESOURCES = re.compile(r"^(?:Resources|'Resources'|\"Resources\")[ \t]*:", re.MULTILINE)
_START = re.compile(r"(?:\s|#[^\n]*\n|---\s)*+")
_JSON_RESOURCES = re.compile(r"[{,](?:\s|#[^\n]*\n)*+[\"']?Resources[\"']?\s*:\s*\{")
_TYPE = re.compile(r"[\"']?Type[\"']?\s*:\s*[\"']?(?:AWS|Custom|Alexa)::")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_INCLUDE = re.compile(r"[\"']?Transform[\"']?\s*:")


def looks_like_template(text: str) -> bool:
    """Whether a text has a map `Resources` at its top and says one more thing that only templates say.

    Only `Resources` is compulsory in a template, so the other one is a format version, a transform or a resource type. See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html.
    """
    if "Resources" not in text:
        return False
    start = _START.match(text.removeprefix("\ufeff"))
    if start is not None and text.removeprefix("\ufeff")[start.end() : start.end() + 1] == "{":
        if not any(_depth(text, match.start() + 1) == 1 for match in _JSON_RESOURCES.finditer(text)):
            return False
    elif _YAML_RESOURCES.search(text) is None:
        return False
    return "AWSTemplateFormatVersion" in text or _TYPE.search(text) is not None or _INCLUDE.search(text) is not None


def _depth(text: str, end: int) -> int:
    """How many braces are open before an offset."""
    before = _QUOTED.sub("", text[:end])
    return before.count("{") - before.count("}")
