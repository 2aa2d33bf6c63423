"""Placeholders of templating languages in policies: what another program puts there before deployment is not known here."""

from __future__ import annotations

import re

import msgspec

from kmsguard.model.declaration import Problem
from kmsguard.model.source import Span
from kmsguard.model.value import Choice, Text, Unknown, Value

_PLACEHOLDER = re.compile(r"\{\{(?!resolve:).*?\}\}|<%.*?%>", re.DOTALL)  # Jinja, Mustache, Handlebars, Go; ERB, EJS


def opened(policy: Value, head: Span, problems: list[Problem]) -> Value:
    """A policy in which each text with a placeholder is unknown; `head` is where what stands nowhere is told.

    `{{resolve:…}}` is a dynamic reference of CloudFormation, and none of these.
    """
    return _opened(policy, head, problems) if _has_mark(policy) else policy


def _has_mark(policy: Value) -> bool:
    """Whether anything in it looks like a placeholder. Hardly any policy has one, so it is looked for first."""
    pending = [policy]
    while pending:
        data = pending.pop().data
        if type(data) is str:
            if "{{" in data or "<%" in data:
                return True
        elif type(data) is dict:
            pending.extend(data.values())
        elif type(data) is tuple:
            pending.extend(data)
        elif type(data) is Text:
            pending.extend(data.pieces)
        elif type(data) is Choice:
            pending.extend(branch.value for branch in data.branches)
    return False


def _opened(policy: Value, head: Span, problems: list[Problem]) -> Value:
    data = policy.data
    if isinstance(data, str):
        return _unknown(policy, data, head, problems)
    if type(data) is Text:
        for piece in data.pieces:
            if isinstance(piece.data, str):
                found = _unknown(policy, piece.data, piece.span or head, problems)
                if found is not policy:
                    return found
        return policy
    if isinstance(data, tuple):
        items = tuple(_opened(item, head, problems) for item in data)
        return policy if all(map(_same, items, data)) else policy.with_data(items)
    if isinstance(data, dict):
        members = {name: _opened(member, head, problems) for name, member in data.items()}
        return policy if all(map(_same, members.values(), data.values())) else policy.with_data(members)
    if type(data) is Choice:
        branches = tuple(msgspec.structs.replace(one, value=_opened(one.value, head, problems)) for one in data.branches)
        same = all(one.value is before.value for one, before in zip(branches, data.branches, strict=True))
        return policy if same else policy.with_data(Choice(branches))
    return policy


def _unknown(value: Value, text: str, place: Span, problems: list[Problem]) -> Value:
    placeholder = _PLACEHOLDER.search(text)
    if placeholder is None:
        return value
    at = value.span or place
    message = "a placeholder of a templating language stands in a policy: what it decides is unknown; scan what is rendered"
    problems.append(Problem("warning", "placeholder", at.file, at.start_line, at.start_column, message))
    return value.with_data(Unknown("a placeholder of a templating language", placeholder.group()[:60], not_null=True))


def _same(one: Value, other: Value) -> bool:
    return one is other
