"""Policy statements to paste, as they are written in the language of a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from kmsguard.model.resource import Graph, Resource

_FENCES = {"terraform": "hcl", "cloudformation": "yaml"}
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_/.:+-]*(?<!:)")


def paste(what: str, statement: dict[str, object], language: str) -> str:
    """A remedy: what to do, and the statement, as a block of `terraform` (for `jsonencode`) or `cloudformation` (YAML)."""
    lines = _hcl(statement, "") if language == "terraform" else _yaml_item(statement)
    block = "\n".join(lines)
    return f"{what}\n\n```{_FENCES[language]}\n{block}\n```"


def language_of(graph: Graph, resource: Resource) -> str:
    """`terraform` or `cloudformation`: in what the file of a resource is written."""
    unit = graph.units.get(resource.unit)
    return "cloudformation" if unit is None or unit.dialect == "cloudformation" else "terraform"


def _hcl(data: object, indent: str) -> list[str]:
    if isinstance(data, dict):
        width = max(len(_hcl_name(name)) for name in data)
        lines = ["{"]
        for name, value in data.items():
            first, *rest = _hcl(value, indent + "  ")
            lines += [f"{indent}  {_hcl_name(name):<{width}} = {first}", *rest]
        return [*lines, f"{indent}}}"]
    if isinstance(data, list):
        return [f"[{', '.join(_hcl(item, indent)[0] for item in data)}]"]
    text = str(data)
    if text.startswith("${") and text.endswith("}") and text.count("${") == 1:
        return [text[2:-1]]
    return [json.dumps(text, ensure_ascii=False)]


def _hcl_name(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def _yaml_item(data: dict[str, object]) -> list[str]:
    lines = list(_yaml(data))
    return [("- " if index == 0 else "  ") + line for index, line in enumerate(lines)]


def _yaml(data: dict[str, object]) -> Iterator[str]:
    for name, value in data.items():
        key = _yaml_text(name)
        if isinstance(value, dict) and list(value) not in (["Fn::GetAtt"], ["Fn::Sub"]):
            yield f"{key}:"
            yield from (f"  {line}" for line in _yaml(value))
        elif isinstance(value, list):
            yield f"{key}: [{', '.join(_yaml_flow(item) for item in value)}]"
        else:
            yield f"{key}: {_yaml_flow(value)}"


def _yaml_flow(value: object) -> str:
    if isinstance(value, dict):
        (function, operand), *_ = value.items()
        return f"!GetAtt {'.'.join(operand)}" if function == "Fn::GetAtt" else f"!Sub {json.dumps(operand)}"
    return _yaml_text(str(value))


def _yaml_text(text: str) -> str:
    if _PLAIN.fullmatch(text) and not text.isdigit():
        return text
    return "'" + text.replace("'", "''") + "'"
