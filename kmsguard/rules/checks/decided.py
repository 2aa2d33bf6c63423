"""What the input decides at all: for rules that could only guess at the rest."""

from __future__ import annotations

import re

from kmsguard.model.finding import Evidence
from kmsguard.model.resource import External
from kmsguard.model.rule import Answer, Question
from kmsguard.model.truth import Truth
from kmsguard.model.value import Text, Unknown, Value, resolve_deep
from kmsguard.rules.checks.access import access_of


def ends(question: Question) -> Answer:
    """Whether what an edge (`edge`) leads to is read here; YES where there is no such edge."""
    edge = question.arguments["edge"]
    assert isinstance(edge, str)
    access = access_of(question)
    found = access.ends(question.resource, edge)
    return Answer(Truth.of(not any(isinstance(end, External) for end, _ in found)))


# https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
_BEGINNING = "alias/"
_NAME = re.compile(r"alias/(?!aws/)[a-zA-Z0-9/_-]+")
_ANY_OF_THEM = re.compile(r"[a-zA-Z0-9/_-]*")


def alias_name(question: Question) -> Answer:
    """Whether enough of the name of an alias is known to say whether KMS accepts it: all of it, or what is wrong."""
    value = _name(question)
    return Answer(Truth.of(value.text is not None or not _may_be_right(value)))


def accepted_alias_name(question: Question) -> Answer:
    """Whether KMS accepts the name of an alias (`name`); what is not known of it is taken to be right."""
    value = _name(question)
    well = _NAME.fullmatch(value.text) is not None if value.text is not None else _may_be_right(value)
    place = Evidence("KMS does not accept this name", value.where, value.trail, question.resource)
    return Answer(Truth.of(well), () if well else (place,))


def _name(question: Question) -> Value:
    return resolve_deep(question.attribute("name"), question.world)


def _may_be_right(value: Value) -> bool:
    """Whether a name of which not all is known can be one: how it begins, and its characters."""
    data = value.data
    pieces = [piece.data for piece in data.pieces] if isinstance(data, Text) else [data]
    first = pieces[0] if pieces else ""
    head = first.prefix if isinstance(first, Unknown) else first
    if not isinstance(head, str):
        return True
    begins = head.startswith(_BEGINNING) if len(head) >= len(_BEGINNING) else _BEGINNING.startswith(head)
    known = [head, *(piece for piece in pieces[1:] if isinstance(piece, str))]
    return begins and not head.startswith(f"{_BEGINNING}aws/") and all(_ANY_OF_THEM.fullmatch(text) for text in known)
